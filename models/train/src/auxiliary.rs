//! Texts that are no log lines but name techniques and severities: what rules look for, in words.

use std::collections::BTreeSet;
use std::path::Path;

use anyhow::Result;
use serde::Deserialize;
use vedette_event::Severity;

use crate::dataset::{Held, Kind, Row, Split, Truth, json_lines, parents};

/// The query files of the shared data.
const LANGUAGES: [&str; 8] = ["aql", "eql", "esql", "kql", "kuery", "lucene", "spl", "yaral"];

/// Longest description used: after it come references and advice.
const DESCRIPTION_CAP: usize = 600;

/// Quoted words of a query that are used: more is a list of addresses or hashes.
const LITERALS_CAP: usize = 60;

#[derive(Deserialize)]
struct QueryRow {
    split: Split,
    title: String,
    #[serde(default)]
    intent: Option<String>,
    query: String,
    #[serde(default)]
    technique_ids: Vec<String>,
    #[serde(default)]
    severity: Option<String>,
}

#[derive(Deserialize)]
struct TechniqueRow {
    technique_id: String,
    name: String,
    #[serde(default)]
    description: Option<String>,
}

#[derive(Deserialize)]
struct GuideRow {
    title: String,
    #[serde(default)]
    alert_description: Option<String>,
    #[serde(default)]
    technique_ids: Vec<String>,
    #[serde(default)]
    severity: Option<String>,
}

/// Rules' titles with their intents and the values they look for, alert descriptions, and the
/// techniques' own names. A title counts once per kind of text.
///
/// # Errors
/// When a file is missing or not what the data's description says.
pub fn rows(data: &Path, held: Held) -> Result<Vec<Row>> {
    let mut shelf = Shelf::default();
    for language in LANGUAGES {
        for row in json_lines::<QueryRow>(&data.join(format!("queries/{language}.jsonl")))? {
            if row.split == Split::Dev && held == Held::Dev {
                continue;
            }
            let about = About::new(&row.technique_ids, row.severity.as_deref());
            let intent = row.intent.unwrap_or_default();
            shelf.add("rules", &row.title, &format!("{} {intent}", row.title), &about);
            shelf.add("queries", &row.title, &literals(&row.query), &about);
        }
    }
    for file in ["alert_guides_elastic_ELv2", "alert_guides_panther"] {
        for row in json_lines::<GuideRow>(&data.join(format!("runbooks/{file}.jsonl")))? {
            let about = About::new(&row.technique_ids, row.severity.as_deref());
            let text = format!("{} {}", row.title, row.alert_description.unwrap_or_default());
            shelf.add("rules", &row.title, &text, &about);
        }
    }
    for row in json_lines::<TechniqueRow>(&data.join("attack/attack_techniques_v18_1.jsonl"))? {
        let about = About::new(std::slice::from_ref(&row.technique_id), None);
        let text = format!("{} {}", row.name, row.description.unwrap_or_default());
        shelf.add("attack", &row.technique_id, &text, &about);
    }
    Ok(shelf.rows)
}

/// What a rule says of the lines it finds.
struct About(Truth);

impl About {
    fn new(techniques: &[String], severity: Option<&str>) -> Self {
        let severity = severity.and_then(|name| name.to_lowercase().parse::<Severity>().ok());
        Self(Truth { techniques: parents(techniques), severity, ..Truth::default() })
    }
}

#[derive(Default)]
struct Shelf {
    seen: BTreeSet<(String, String)>,
    rows: Vec<Row>,
}

impl Shelf {
    fn add(&mut self, source: &str, title: &str, text: &str, about: &About) {
        let key = (source.to_owned(), title.to_lowercase());
        let says_nothing = about.0.techniques.is_empty() && about.0.severity.is_none();
        if says_nothing || text.trim().is_empty() || !self.seen.insert(key) {
            return;
        }
        let text = &text[..text.floor_char_boundary(DESCRIPTION_CAP)];
        let group = format!("{source}:{title}");
        self.rows.push(Row::new(Kind::Auxiliary, source, group, text, about.0.clone()));
    }
}

/// The quoted values of a query: what a line that it finds contains.
fn literals(query: &str) -> String {
    let mut values = Vec::new();
    for (at, part) in query.split(['"', '\'', '`']).enumerate() {
        let part = part.trim_matches(['*', '%', '.', '/', '\\']);
        if at % 2 == 1 && (3..=80).contains(&part.len()) && values.len() < LITERALS_CAP {
            values.push(part);
        }
    }
    values.join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quoted_values_are_found() {
        for (query, expected) in [
            ("a = \"DeleteTrail\" or b = '*mimikatz*'", "DeleteTrail mimikatz"),
            ("no quotes", ""),
            ("x \"un", ""),
        ] {
            assert_eq!(literals(query), expected, "{query}");
        }
    }
}
