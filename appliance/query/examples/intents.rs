//! Renders every training intent of the shared query pairs and counts what came of it, then lets the
//! checkers judge the training queries themselves, their field lists switched off.
//!
//! `VEDETTE_SHARED=../shared cargo run -p vedette-query --example intents [-- show N]`

use std::collections::BTreeMap;
use std::error::Error;
use std::path::PathBuf;

use serde::Deserialize;
use time::macros::datetime;
use vedette_event::query::Language;
use vedette_query::{check_grammar, from_intent, render, understands};

#[derive(Deserialize)]
struct Row {
    title: String,
    intent: String,
    query: String,
    split: String,
    derivation: String,
}

const LANGUAGES: [(Language, &str); 8] = [
    (Language::YaraL, "yaral"),
    (Language::Aql, "aql"),
    (Language::Kql, "kql"),
    (Language::Spl, "spl"),
    (Language::Esql, "esql"),
    (Language::Eql, "eql"),
    (Language::Lucene, "lucene"),
    (Language::Kuery, "kuery"),
];

fn main() -> Result<(), Box<dyn Error>> {
    let shared =
        std::env::var_os("VEDETTE_SHARED").map_or_else(|| "../shared".into(), PathBuf::from);
    let show: usize = std::env::args().nth(2).and_then(|n| n.parse().ok()).unwrap_or(0);
    for (language, file) in LANGUAGES {
        let path = shared.join("data/queries").join(file).with_extension("jsonl");
        let Ok(text) = std::fs::read_to_string(&path) else {
            println!("not applicable: shared data is absent");
            continue;
        };
        let rows: Vec<Row> =
            text.lines().map(serde_json::from_str).collect::<Result<Vec<Row>, _>>()?;
        let train: Vec<&Row> = rows.iter().filter(|row| row.split == "train").collect();
        intents(language, &train, show);
        accepted(language, &train, show);
    }
    Ok(())
}

fn intents(language: Language, rows: &[&Row], show: usize) {
    let now = datetime!(2026-11-21 12:00 UTC);
    let (mut valid, mut specific) = (0, 0);
    let mut notes: BTreeMap<String, usize> = BTreeMap::new();
    for (index, row) in rows.iter().enumerate() {
        let question = format!("{}. {}", row.title, row.intent);
        let query = from_intent(&question, now);
        let rendered = render(&query, language, None, now);
        valid += usize::from(rendered.valid);
        let telling = understands(&query);
        specific += usize::from(telling);
        for note in &rendered.notes {
            let kind = note.split(':').next().unwrap_or_default();
            *notes.entry(kind.to_owned()).or_default() += 1;
        }
        if show > 0 && (index % (show * 20) == 0 || (!telling && index % show == 0)) {
            println!(
                "--- {question}\n{}\n{:?}",
                rendered.query.unwrap_or_default(),
                rendered.notes
            );
        }
    }
    let total = rows.len();
    println!("{language}: {total} intents, {valid} valid, {specific} with a telling predicate");
    println!("  notes: {notes:?}");
}

fn accepted(language: Language, rows: &[&Row], show: usize) {
    for kind in ["native", "converted"] {
        let of_kind: Vec<_> = rows.iter().filter(|row| row.derivation.starts_with(kind)).collect();
        let refused: Vec<String> = of_kind
            .iter()
            .filter_map(|row| {
                let error = check_grammar(language, &row.query).err()?;
                Some(format!("{}: {error}", row.title))
            })
            .collect();
        println!("  {kind}: {} of {} accepted", of_kind.len() - refused.len(), of_kind.len());
        refused.iter().take(show).for_each(|line| println!("    {line}"));
    }
}
