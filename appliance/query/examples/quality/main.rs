//! What the queries are worth, measured: how many are valid by our own checkers and why others are not;
//! how much of a native query's fields and literals they name, and how near they come to its text by
//! BLEU (corpus, 13a tokens, `exp` smoothing) and ROUGE-L (F1), beside one constant query that knows no
//! intent; how many of an incident's values they carry; and whether they mean what was asked.
//!
//! `VEDETTE_SHARED=../shared cargo run -p vedette-query --example quality [-- train|dev]`

mod meaning;
mod scores;

use std::collections::{BTreeMap, BTreeSet};
use std::error::Error;
use std::path::PathBuf;

use serde::Deserialize;
use time::OffsetDateTime;
use time::macros::datetime;
use vedette_event::query::{Language, RenderedQuery};
use vedette_event::{Entity, EntityKind, Incident, ThreatClass};
use vedette_kb::dialects::{dialect, udm_type};
use vedette_query::{from_incident, from_intent, render};

use scores::{Bleu, as_f64, rouge_l, tokens};

const NOW: OffsetDateTime = datetime!(2026-11-21 12:00 UTC);

const FILES: [(Language, &str); 8] = [
    (Language::YaraL, "yaral"),
    (Language::Aql, "aql"),
    (Language::Kql, "kql"),
    (Language::Spl, "spl"),
    (Language::Esql, "esql"),
    (Language::Eql, "eql"),
    (Language::Lucene, "lucene"),
    (Language::Kuery, "kuery"),
];

#[derive(Deserialize)]
struct Row {
    source: String,
    title: String,
    intent: String,
    query: String,
    split: String,
}

fn main() -> Result<(), Box<dyn Error>> {
    let shared =
        std::env::var_os("VEDETTE_SHARED").map_or_else(|| "../shared".into(), PathBuf::from);
    let split = std::env::args().nth(1).unwrap_or_else(|| "dev".to_owned());
    for (language, file) in FILES {
        let path = shared.join("data/queries").join(file).with_extension("jsonl");
        let Ok(text) = std::fs::read_to_string(&path) else {
            println!("not applicable: shared data is absent");
            break;
        };
        let rows: Vec<Row> =
            text.lines().map(serde_json::from_str).collect::<Result<Vec<Row>, _>>()?;
        let mut sources: BTreeMap<&str, Vec<&Row>> = BTreeMap::new();
        for row in rows.iter().filter(|row| row.split == split) {
            sources.entry(&row.source).or_default().push(row);
        }
        for (source, rows) in sources {
            against(language, source, &rows);
        }
    }
    incidents();
    meaning::report(NOW);
    Ok(())
}

/// One language's intents of one source beside the queries that were written for them by hand.
fn against(language: Language, source: &str, rows: &[&Row]) {
    let constant = render(&from_intent("process creation", NOW), language, None, NOW);
    let constant = tokens(&predicate(language, &constant.query.unwrap_or_default()));
    let (mut ours, mut blind) = (Bleu::default(), Bleu::default());
    let (mut rouge, mut blind_rouge) = (0.0, 0.0);
    let (mut fields, mut literals) = (Recall::default(), Recall::default());
    let mut refusals: BTreeMap<String, usize> = BTreeMap::new();
    let mut valid = 0;
    for row in rows {
        let intent = format!("{}. {}", row.title, row.intent);
        let rendered = render(&from_intent(&intent, NOW), language, None, NOW);
        valid += usize::from(rendered.valid);
        if !rendered.valid {
            *refusals.entry(reason(&rendered)).or_default() += 1;
        }
        let text = rendered.query.unwrap_or_default();
        let (mine, other) = (predicate(language, &text), predicate(language, &row.query));
        fields.add(&named(language, &other), &named(language, &mine));
        literals.add(&quoted(&other), &quoted(&mine));
        let (mine, other) = (tokens(&mine), tokens(&other));
        ours.add(&mine, &other);
        blind.add(&constant, &other);
        rouge += rouge_l(&mine, &other);
        blind_rouge += rouge_l(&constant, &other);
    }
    let total = as_f64(rows.len().max(1));
    println!(
        "{language} {source}: {} intents, {valid} valid; recall of fields {:.2}, of literals {:.2}; \
         BLEU {:.3} (blind {:.3}), ROUGE-L {:.3} (blind {:.3})",
        rows.len(),
        fields.share(),
        literals.share(),
        ours.score(),
        blind.score(),
        rouge / total,
        blind_rouge / total,
    );
    refusals.iter().for_each(|(reason, count)| println!("    {count} {reason}"));
}

/// Why a query is not valid, without the values of this one.
fn reason(rendered: &RenderedQuery) -> String {
    let told = rendered.notes.iter().find(|note| note.starts_with("not "));
    told.map(|note| note.split(';').next().unwrap_or_default().to_owned()).unwrap_or_default()
}

/// How much of what was wanted was found, over all rows.
#[derive(Default)]
struct Recall {
    wanted: usize,
    found: usize,
}

impl Recall {
    fn add(&mut self, wanted: &BTreeSet<String>, found: &BTreeSet<String>) {
        self.wanted += wanted.len();
        self.found += wanted.intersection(found).count();
    }

    fn share(&self) -> f64 {
        as_f64(self.found) / as_f64(self.wanted.max(1))
    }
}

/// The part of a text that asks: a rule's events, a statement's WHERE; elsewhere the whole text.
fn predicate(language: Language, text: &str) -> String {
    let between = |from: &str, ends: &[&str]| {
        let start = text.find(from).map_or(0, |at| at + from.len());
        let rest = &text[start..];
        let end = ends.iter().filter_map(|end| rest.find(end)).min().unwrap_or(rest.len());
        rest[..end].to_owned()
    };
    match language {
        Language::YaraL => between("events:", &["match:", "outcome:", "condition:"]),
        Language::Aql => {
            between(" WHERE ", &[" GROUP BY ", " LIMIT ", " LAST ", " START ", " limit ", " START"])
        }
        _ => text.to_owned(),
    }
}

/// The platform's fields that a text names.
fn named(language: Language, text: &str) -> BTreeSet<String> {
    let part = |c: char| !(c.is_alphanumeric() || "._@".contains(c));
    let known = dialect(language.as_str());
    let is_field = |word: &&str| match language {
        Language::YaraL => word.contains('.') && udm_type(word).is_some(),
        Language::Aql => vedette_kb::dialects::ariel_property(word).is_some(),
        _ => known.is_some_and(|known| known.column(None, word).is_some()),
    };
    let bare = |word: &'_ str| word.trim_matches('.').to_owned();
    // In a rule, `$e.principal.ip` names principal.ip.
    let words = text.split(part).map(bare).flat_map(|word| {
        let inner = word.split_once('.').map(|(_, rest)| rest.to_owned());
        [Some(word), inner.filter(|_| language == Language::YaraL)].into_iter().flatten()
    });
    let quoted = quoted_names(language, text);
    words.chain(quoted).filter(|word| is_field(&word.as_str())).collect()
}

/// Properties in double quotes, which hold blanks.
fn quoted_names(language: Language, text: &str) -> Vec<String> {
    if language != Language::Aql {
        return Vec::new();
    }
    text.split('"').skip(1).step_by(2).map(str::to_owned).collect()
}

/// The texts in quotes, without wildcards and in lower case.
fn quoted(text: &str) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for quote in ['"', '\'', '`'] {
        let inside = text.split(quote).skip(1).step_by(2);
        let bare = inside.map(|literal| literal.trim_matches(['*', '%']).to_lowercase());
        found.extend(bare.filter(|literal| literal.len() > 1 && !literal.contains('\n')));
    }
    found
}

/// Incidents of every class with entities of every kind: which of their values reach the query.
fn incidents() {
    const VALUES: [(EntityKind, &str); 10] = [
        (EntityKind::SourceIp, "203.0.113.9"),
        (EntityKind::DestinationIp, "198.51.100.7"),
        (EntityKind::User, "o'brien"),
        (EntityKind::Host, "fs-01"),
        (EntityKind::Process, "rundll32.exe"),
        (EntityKind::File, "C:\\Users\\x y\\a (1).docm"),
        (EntityKind::Hash, "d41d8cd98f00b204e9800998ecf8427e"),
        (EntityKind::Url, "/index.php?id=1%27--"),
        (EntityKind::Domain, "evil.example"),
        (EntityKind::Port, "8443"),
    ];
    println!("incidents: {} classes by {} kinds of entities", ThreatClass::ALL.len(), VALUES.len());
    for &language in Language::ALL {
        let (mut valid, mut total, mut kept) = (0, 0, 0);
        for &class in ThreatClass::ALL {
            for (kind, value) in VALUES {
                let incident = Incident {
                    threat_class: Some(class),
                    first_seen: Some(NOW),
                    entities: vec![Entity { kind, value: value.to_owned() }],
                    ..Incident::default()
                };
                let query = from_incident(&incident, NOW);
                let rendered = render(&query, language, None, NOW);
                total += 1;
                valid += usize::from(rendered.valid);
                let meaning = rendered
                    .query
                    .and_then(|text| vedette_query::read_back(&text, language, &query));
                let holds = meaning.is_some_and(|meaning| {
                    format!("{:?}", meaning.filter).contains(&format!("{value:?}").to_lowercase())
                        || format!("{:?}", meaning.filter).contains(value)
                        || format!("{:?}", meaning.filter).contains(&format!("{value:?}"))
                });
                kept += usize::from(holds);
            }
        }
        println!(
            "  {language}: {valid} of {total} valid, literal recall {:.2}",
            as_f64(kept) / as_f64(total)
        );
    }
}
