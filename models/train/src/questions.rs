//! What kind of events a question is about: public detection queries say it beside the question they
//! answer (a table, an event type, a data model, the folder of a rule), so that a small linear model
//! can learn it for questions without a query.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::{Context, Result};
use regex::Regex;
use serde::Deserialize;
use vedette_event::query::Language;
use vedette_kb::dialects::activities;
use vedette_query::{
    FEATURES, KINDS, Subject, counts, features, from_intent_about, render, written,
};

use crate::bayes::{self, Counted};
use crate::dataset::Split;
use crate::linear::{self, Example, Head};
use crate::vocabulary::Vector;

/// Features and kinds.
const SIZE: (usize, usize) = (FEATURES as usize, KINDS.len());

/// L2 penalty against the sum of losses, by cross-validation among 0.01, 0.03 and 0.1.
const PENALTY: f32 = 0.033;

/// Rounds of L-BFGS at most; it stops before.
const ROUNDS: usize = 120;

/// A known phrase counts twice a rule's title: there are few, and they are how people ask.
const PHRASE_WEIGHT: f32 = 2.0;

/// A question whose kind is known.
#[derive(Clone, Debug)]
pub struct Asked {
    /// The title, and behind it the description.
    pub title: String,
    /// What the query is for.
    pub intent: String,
    /// A place in [`KINDS`].
    pub kind: usize,
    /// Train or dev.
    pub split: Split,
}

impl Asked {
    /// Title and description, as the measurements ask.
    pub fn whole(&self) -> String {
        format!("{}. {}", self.title, self.intent)
    }
}

#[derive(Deserialize)]
struct Row {
    source: String,
    title: String,
    intent: String,
    query: String,
    split: Split,
    provenance: Provenance,
}

#[derive(Deserialize)]
struct Provenance {
    path: String,
}

/// What names mean, by their beginning.
type Names = &'static [(&'static str, &'static str)];

/// The languages of the shared pairs, with what tells the kind in each: patterns over the query, the
/// first group naming a table, a type or a category, and what each name means by its beginning.
const TELLING: [(&str, &str, Names); 6] = [
    ("eql", r"\b([a-z]+) where\b", &[]),
    ("kuery", r#"event\.category\s*:\s*\(?"?([a-z]+)"#, &[]),
    ("esql", r#"event\.category\s*(?:==|in)\s*\(?"([a-z]+)"#, &[]),
    (
        "yaral",
        r#"event_type\s*=\s*"([A-Z_]+)""#,
        &[
            ("PROCESS_MODULE_LOAD", "library"),
            ("PROCESS", "process"),
            ("FILE", "file"),
            ("REGISTRY", "registry"),
            ("NETWORK_DNS", "dns"),
            ("NETWORK_HTTP", "web"),
            ("NETWORK", "network"),
            ("USER_LOGIN", "authentication"),
            ("USER", "iam"),
            ("GROUP", "iam"),
            ("SCAN", "malware"),
            ("EMAIL", "email"),
            ("RESOURCE", "configuration"),
            ("SETTING", "configuration"),
            ("SERVICE", "configuration"),
            ("SCHEDULED_TASK", "configuration"),
        ],
    ),
    (
        "kql",
        r"\b((?:Device|Identity|Email|Url|AAD)[A-Za-z]+|SigninLogs|AuditLogs|AzureActivity|DnsEvents)\b",
        &[
            ("DeviceProcessEvents", "process"),
            ("DeviceFileEvents", "file"),
            ("DeviceRegistryEvents", "registry"),
            ("DeviceNetworkEvents", "network"),
            ("DeviceImageLoadEvents", "library"),
            ("DeviceLogonEvents", "authentication"),
            ("IdentityLogonEvents", "authentication"),
            ("SigninLogs", "authentication"),
            ("AADSignInEvents", "authentication"),
            ("AADNonInteractiveUserSignInLogs", "authentication"),
            ("Email", "email"),
            ("UrlClickEvents", "email"),
            ("AuditLogs", "iam"),
            ("AzureActivity", "configuration"),
            ("DnsEvents", "dns"),
        ],
    ),
    (
        "spl",
        r#"datamodel\s*=?\s*"?([A-Z][A-Za-z_]+(?:\.[A-Z][A-Za-z]+)?)"#,
        &[
            ("Endpoint.Processes", "process"),
            ("Endpoint.Filesystem", "file"),
            ("Endpoint.Registry", "registry"),
            ("Network_Traffic", "network"),
            ("Network_Resolution", "dns"),
            ("Web", "web"),
            ("Authentication", "authentication"),
            ("Email", "email"),
            ("Change", "configuration"),
        ],
    ),
];

/// Folders of Sigma's rules, by their beginning.
const FOLDERS: [(&str, &str); 19] = [
    ("process_", "process"),
    ("create_remote_thread", "process"),
    ("powershell", "process"),
    ("wmi_event", "process"),
    ("raw_access_thread", "process"),
    ("image_load", "library"),
    ("driver_load", "driver"),
    ("dns_query", "dns"),
    ("network_connection", "network"),
    ("pipe_created", "file"),
    ("file", "file"),
    ("create_stream_hash", "file"),
    ("registry", "registry"),
    ("proxy", "web"),
    ("web", "web"),
    ("webserver", "web"),
    ("email", "email"),
    ("antivirus", "malware"),
    ("authentication", "authentication"),
];

/// Every question of the shared pairs whose query tells its kind, each once.
///
/// # Errors
/// When a file is missing or no pairs.
pub fn read(data: &Path) -> Result<Vec<Asked>> {
    let mut known = BTreeMap::new();
    for (language, pattern, names) in TELLING {
        let pattern = Regex::new(pattern).context("a pattern of ours")?;
        let path = data.join("queries").join(language).with_extension("jsonl");
        let text = std::fs::read_to_string(&path)
            .with_context(|| format!("cannot read {}", path.display()))?;
        for line in text.lines() {
            let row: Row = serde_json::from_str(line)
                .with_context(|| format!("{} holds no pairs", path.display()))?;
            let Some(kind) = kind(&row, &pattern, names) else { continue };
            let Row { title, intent, split, .. } = row;
            let key = (title.clone(), intent.clone());
            known.entry(key).or_insert(Asked { title, intent, kind, split });
        }
    }
    Ok(known.into_values().collect())
}

/// The one kind that a query is about.
fn kind(row: &Row, pattern: &Regex, names: Names) -> Option<usize> {
    let place = |kind: &str| KINDS.iter().position(|known| *known == kind);
    if row.source == "sigma" {
        let mut folders = row.provenance.path.split('/');
        return folders.find_map(|folder| {
            let named = FOLDERS.iter().find(|(begins, _)| folder.starts_with(begins));
            named.and_then(|(_, kind)| place(kind))
        });
    }
    let mut told = pattern.captures_iter(&row.query).filter_map(|found| {
        let name = found.get(1)?.as_str();
        match names.iter().find(|(begins, _)| name.starts_with(begins)) {
            Some((_, kind)) => place(kind),
            None => place(name),
        }
    });
    let first = told.next()?;
    told.all(|other| other == first).then_some(first)
}

/// The kind of a question's query, where it asks for one.
fn asked_kind(question: &str, about: Option<&Subject>) -> Option<usize> {
    let now = time::OffsetDateTime::UNIX_EPOCH;
    let query = from_intent_about(question, now, about);
    let text = render(&query, Language::Local, None, now).query?;
    let (_, rest) = text.split_once("event.category = \"")?;
    let dns = text.contains("network.protocol = \"dns\"");
    let kind = if dns { "dns" } else { rest.split('"').next()? };
    KINDS.iter().position(|known| *known == kind)
}

/// A text with the kind it is about and how much it counts.
struct Lesson {
    text: String,
    kind: usize,
    weight: f32,
}

/// What questions teach: whole, by their titles and by their descriptions alone; and the phrases by
/// which activities are known.
fn lessons(asked: &[&Asked]) -> Vec<Lesson> {
    let texts = |one: &&Asked| {
        let kind = one.kind;
        [one.whole(), one.title.clone(), one.intent.clone()].map(|text| Lesson {
            text,
            kind,
            weight: 1.0,
        })
    };
    let phrases = activities().iter().flat_map(|activity| &activity.phrases);
    let phrase = |text: &String| {
        let kind = asked_kind(text, None)?;
        Some(Lesson { text: text.clone(), kind, weight: PHRASE_WEIGHT })
    };
    asked.iter().flat_map(texts).chain(phrases.filter_map(phrase)).collect()
}

fn train(lessons: &[Lesson]) -> Head {
    let vectors: Vec<Vector> = lessons.iter().map(|lesson| features(&lesson.text)).collect();
    let pairs = lessons.iter().zip(&vectors);
    let examples: Vec<Example<'_>> = pairs
        .map(|(lesson, vector)| {
            let target = vec![(lesson.kind, 1.0)];
            Example { vector, target, weight: lesson.weight }
        })
        .collect();
    linear::fit(&examples, SIZE, PENALTY, ROUNDS)
}

fn train_bayes(lessons: &[Lesson]) -> Head {
    let counted = |lesson: &Lesson| (counts(&lesson.text).concat(), vec![(lesson.kind, 1.0)]);
    let counted: Vec<Counted> = lessons.iter().map(counted).collect();
    bayes::train(&counted, SIZE.0, SIZE.1)
}

/// The best kind by a head, with its probability.
fn guess(head: &Head, vector: &Vector) -> Option<Subject> {
    let scores = head.scores(vector);
    let most = scores.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let total: f32 = scores.iter().map(|score| (score - most).exp()).sum();
    let best = scores.iter().position(|score| score.total_cmp(&most).is_eq())?;
    Subject::new(KINDS[best], 1.0 / total)
}

/// The weights as the product reads them, learnt from the train split alone.
pub fn weights(asked: &[Asked]) -> Vec<u8> {
    let learnt: Vec<&Asked> = asked.iter().filter(|one| one.split == Split::Train).collect();
    let head = train(&lessons(&learnt));
    written(&KINDS, &head.bias, &head.weights)
}

/// Who says what kind of events a question is about, and how often each is right.
#[derive(Debug, Default)]
pub struct Figures {
    /// Questions.
    pub count: usize,
    /// Right answers of the commonest kind, naive Bayes, the linear model alone, the reader of phrases
    /// alone, and the query that the reader writes hearing the model.
    pub right: [usize; 5],
    /// Queries that hearing the model spoils, and those it mends.
    pub spoilt: usize,
    /// See `spoilt`.
    pub mended: usize,
}

/// Judges the dev split by what is learnt from the train split: whole questions, titles alone and
/// descriptions alone.
pub fn measure(asked: &[Asked]) -> Vec<(&'static str, Figures)> {
    let (learnt, held): (Vec<&Asked>, Vec<&Asked>) =
        asked.iter().partition(|one| one.split == Split::Train);
    let lessons = lessons(&learnt);
    let (head, bayes) = (train(&lessons), train_bayes(&lessons));
    let majority = bayes::majority(learnt.iter().map(|one| vec![(one.kind, 1.0)]), KINDS.len());
    let judge = |part: fn(&Asked) -> String| {
        let mut figures = Figures { count: held.len(), ..Figures::default() };
        for one in &held {
            let text = part(one);
            let counted = counts(&text).concat().into_iter();
            let counted: Vector = counted.map(|(at, count)| (at, count as f32)).collect();
            let said = guess(&head, &features(&text));
            let place = |subject: Option<Subject>| {
                KINDS.iter().position(|kind| subject.as_ref().is_some_and(|one| one.kind == *kind))
            };
            let (before, after) = (asked_kind(&text, None), asked_kind(&text, said.as_ref()));
            let answers = [
                place(guess(&majority, &Vector::new())),
                place(guess(&bayes, &counted)),
                place(said),
                before,
                after,
            ];
            for (right, answer) in figures.right.iter_mut().zip(answers) {
                *right += usize::from(answer == Some(one.kind));
            }
            figures.spoilt += usize::from(before == Some(one.kind) && after != before);
            figures.mended += usize::from(after == Some(one.kind) && after != before);
        }
        figures
    };
    vec![
        ("title and description", judge(Asked::whole)),
        ("title", judge(|one| one.title.clone())),
        ("description", judge(|one| one.intent.clone())),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn queries_tell_one_kind_or_none() {
        for (language, source, query, path, expected) in [
            (
                "eql",
                "ours",
                "registry where registry.path : \"*\\\\Run\\\\*\"",
                "",
                Some("registry"),
            ),
            ("eql", "ours", "sequence [process where true] [file where true]", "", None),
            ("eql", "sigma", "any where x : 1", "rules/windows/image_load/a.yml", Some("library")),
            (
                "yaral",
                "ours",
                "$e.metadata.event_type = \"USER_LOGIN\"",
                "",
                Some("authentication"),
            ),
            ("kql", "ours", "DeviceNetworkEvents | take 1", "", Some("network")),
            ("spl", "ours", "| tstats count from datamodel=Web.Web", "", Some("web")),
            ("kuery", "ours", "event.category:(process or file)", "", Some("process")),
            ("esql", "ours", "from logs-* | limit 1", "", None),
        ] {
            let (_, pattern, names) = TELLING.iter().find(|(name, ..)| *name == language).unwrap();
            let row = Row {
                source: source.into(),
                title: String::new(),
                intent: String::new(),
                query: query.into(),
                split: Split::Train,
                provenance: Provenance { path: path.into() },
            };
            let kind = kind(&row, &Regex::new(pattern).unwrap(), names);
            assert_eq!(kind.map(|kind| KINDS[kind]), expected, "{language}: {query}");
        }
    }

    #[test]
    fn what_is_learnt_is_told_of_other_words() {
        let asked = |title: &str, kind: &str| Asked {
            title: title.into(),
            intent: String::new(),
            kind: KINDS.iter().position(|known| *known == kind).unwrap(),
            split: Split::Train,
        };
        let rows = [
            asked("values written below a hive", "registry"),
            asked("hive keys changed", "registry"),
            asked("binaries launched by a shell", "process"),
            asked("a shell launched as root", "process"),
        ];
        let head = train(&lessons(&rows.iter().collect::<Vec<_>>()));
        for (text, kind) in [("a hive was written to", "registry"), ("launched shells", "process")]
        {
            assert_eq!(guess(&head, &features(text)).unwrap().kind, kind);
        }
    }
}
