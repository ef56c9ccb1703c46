//! How well public alert guides lead to public runbooks; needs the shared data.

use std::collections::HashMap;
use std::path::PathBuf;

use serde_json::Value;
use vedette_event::Incident;
use vedette_kb::attack::parent_id;
use vedette_kb::{Imported, Kb};

use crate::clues::Clues;
use crate::document::Document;
use crate::rank::{Index, Question};

/// An alert guide as a question.
struct Guide {
    incident: Incident,
    techniques: Vec<String>,
}

fn shared(file: &str) -> Option<String> {
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../shared");
    let root = std::env::var_os("VEDETTE_SHARED").map_or(root, PathBuf::from);
    std::fs::read_to_string(root.join("data/runbooks").join(file)).ok()
}

fn technique_ids(row: &Value) -> Vec<String> {
    let ids = row["technique_ids"].as_array().into_iter().flatten();
    ids.filter_map(|id| id.as_str().map(str::to_owned)).collect()
}

fn read_guides(text: &str) -> Vec<Guide> {
    let rows = text.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    let guide = |row: Value| {
        let text = |key: &str| row[key].as_str().unwrap_or_default().to_owned();
        let title = format!("{} {}", text("title"), text("alert_description"));
        let techniques = technique_ids(&row);
        let ids = techniques.iter().filter_map(|id| id.parse().ok()).collect();
        Guide { incident: Incident { title, techniques: ids, ..Incident::default() }, techniques }
    };
    rows.map(guide).collect()
}

fn share_technique(a: &[String], b: &[String]) -> bool {
    a.iter().any(|one| b.iter().any(|other| parent_id(one) == parent_id(other)))
}

/// Share of the guides for which one of the first three runbooks has a technique in common.
fn recall_at_3(index: &Index, guides: &[&Guide], ask: impl Fn(&Incident) -> Question) -> f64 {
    let found = guides.iter().filter(|guide| {
        let ranking = index.rank(&ask(&guide.incident));
        let mut first = ranking.iter().take(3);
        first.any(|ranked| share_technique(&ranked.document.techniques, &guide.techniques))
    });
    found.count() as f64 / guides.len() as f64
}

#[test]
fn techniques_find_more_than_words_alone() {
    let files = ["runbooks.jsonl", "alert_guides_elastic_ELv2.jsonl", "alert_guides_panther.jsonl"];
    let [Some(runbooks), Some(elastic), Some(panther)] = files.map(shared) else {
        println!("not applicable: shared data is absent");
        return;
    };
    let imported = Imported::parse(&runbooks).unwrap();
    let documents: Vec<_> = imported.runbooks().iter().map(Document::from_imported).collect();
    let known: Vec<String> =
        documents.iter().flat_map(|document| document.techniques.clone()).collect();
    let index = Index::new(documents);
    let guides: Vec<_> = read_guides(&elastic).into_iter().chain(read_guides(&panther)).collect();
    let answerable: Vec<_> =
        guides.iter().filter(|guide| share_technique(&known, &guide.techniques)).collect();
    let kb = Kb::embedded();
    let clues = Clues::new(kb);
    let ask =
        |incident: &Incident| Question::from_incident(kb, &clues, |_| HashMap::new(), incident);
    let bare = |incident: &Incident| Incident { techniques: Vec::new(), ..incident.clone() };
    let words = recall_at_3(&index, &answerable, |incident| {
        let mut question = ask(&bare(incident));
        question.clues.clear();
        question.words.retain(|(_, weight)| *weight >= 1.0);
        question
    });
    let spoken = recall_at_3(&index, &answerable, |incident| ask(&bare(incident)));
    let named = recall_at_3(&index, &answerable, ask);
    println!(
        "recall@3 over {} of {} guides, {} runbooks: words {words:.3}, with the techniques that the \
         words speak of {spoken:.3}, with technique ids {named:.3}",
        answerable.len(),
        guides.len(),
        imported.runbooks().len(),
    );
    assert!(named > 0.99 && spoken > 0.70 && spoken > words + 0.1, "{words} {spoken} {named}");
}
