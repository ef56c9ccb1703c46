//! Which runbooks fit an incident.

use std::collections::HashMap;

use vedette_event::{Incident, ThreatClass};
use vedette_kb::Kb;
use vedette_kb::attack::{Tactic, parent_id};

use crate::bm25::{Bm25, MOST_QUERY_WORDS, words};
use crate::document::Document;

/// A runbook for the class beats any fit of words, which is at most 1.
const CLASS_MATCH: f32 = 2.0;
/// A class that only follows from the tactics of the techniques.
const IMPLIED_CLASS_MATCH: f32 = 0.5;
/// All techniques are named by the runbook.
const TECHNIQUES_MATCH: f32 = 1.5;
/// The runbook names another part of the same technique, or the whole.
const SAME_PARENT: f32 = 0.6;
/// The title against the best passages: titles are short, so their scores run high.
const TITLE_WEIGHT: f32 = 0.6;
/// Words of the incident's title and of the names of its class and techniques.
const WORD_WEIGHT: f32 = 1.0;
/// "user", "host" and the like stand in nearly every runbook.
const ENTITY_WORD_WEIGHT: f32 = 0.2;

/// What is asked of the index.
#[derive(Debug, Default)]
pub(crate) struct Question {
    pub(crate) classes: Vec<(&'static str, f32)>,
    pub(crate) techniques: Vec<String>,
    pub(crate) words: Vec<(String, f32)>,
}

impl Question {
    pub(crate) fn from_incident(kb: &Kb, incident: &Incident) -> Self {
        let current = |id: String| kb.attack().current(&id).map_or(id, |known| known.id.to_owned());
        let techniques: Vec<_> =
            incident.techniques.iter().map(|id| current(id.to_string())).collect();
        let classes = match incident.threat_class {
            Some(class) if class != ThreatClass::Benign => vec![(class.as_str(), CLASS_MATCH)],
            Some(_) => Vec::new(),
            None => implied_classes(kb, &techniques),
        };
        let mut question = Self { classes, techniques, words: Vec::new() };
        if let Some(class) = incident.threat_class {
            question.add(&class.as_str().replace('_', " "), WORD_WEIGHT);
        }
        for id in question.techniques.clone() {
            let known = kb.attack().get(&id).or_else(|| kb.attack().get(parent_id(&id)));
            question.add(&id, WORD_WEIGHT);
            question.add(known.map_or("", |known| known.name), WORD_WEIGHT);
        }
        question.add(&incident.title, WORD_WEIGHT);
        for entity in &incident.entities {
            question.add(&entity.kind.as_str().replace('_', " "), ENTITY_WORD_WEIGHT);
        }
        question
    }

    fn add(&mut self, text: &str, weight: f32) {
        for word in words(text) {
            if self.words.len() >= MOST_QUERY_WORDS {
                return;
            }
            match self.words.iter_mut().find(|(known, _)| *known == word) {
                Some((_, highest)) => *highest = highest.max(weight),
                None => self.words.push((word, weight)),
            }
        }
    }
}

/// Without a class, the tactics of the techniques say what kind of attack it is.
fn implied_classes(kb: &Kb, techniques: &[String]) -> Vec<(&'static str, f32)> {
    let mut classes: Vec<(&'static str, f32)> = Vec::new();
    for id in techniques {
        let technique = kb.attack().get(id).or_else(|| kb.attack().get(parent_id(id)));
        for tactic in technique.iter().flat_map(|known| &known.tactics) {
            let class = class_of(*tactic).as_str();
            if !classes.iter().any(|(known, _)| *known == class) {
                classes.push((class, IMPLIED_CLASS_MATCH));
            }
        }
    }
    classes
}

fn class_of(tactic: Tactic) -> ThreatClass {
    match tactic {
        Tactic::Reconnaissance | Tactic::ResourceDevelopment | Tactic::Discovery => {
            ThreatClass::Reconnaissance
        }
        Tactic::InitialAccess => ThreatClass::Exploitation,
        Tactic::Execution => ThreatClass::Malware,
        Tactic::Persistence => ThreatClass::Persistence,
        Tactic::PrivilegeEscalation => ThreatClass::PrivilegeEscalation,
        Tactic::DefenseEvasion => ThreatClass::DefenseEvasion,
        Tactic::CredentialAccess => ThreatClass::BruteForce,
        Tactic::LateralMovement => ThreatClass::LateralMovement,
        Tactic::Collection | Tactic::Exfiltration => ThreatClass::Exfiltration,
        Tactic::CommandAndControl => ThreatClass::CommandAndControl,
        Tactic::Impact => ThreatClass::Ransomware,
    }
}

/// A runbook and how well it fits.
pub(crate) struct Ranked<'a> {
    pub(crate) document: &'a Document,
    pub(crate) score: f32,
    /// Fit of the words of each passage.
    pub(crate) passages: Vec<f32>,
}

/// All runbooks, searchable.
pub(crate) struct Index {
    documents: Vec<Document>,
    titles: Bm25,
    passages: Bm25,
    /// How many runbooks name a technique or a part of it.
    technique_counts: HashMap<String, usize>,
}

impl Index {
    pub(crate) fn new(documents: Vec<Document>) -> Self {
        let titles = Bm25::new(documents.iter().map(|document| document.title.as_str()));
        let passages = documents.iter().flat_map(|document| &document.passages);
        let passages = Bm25::new(passages.map(|passage| passage.text.as_str()));
        let mut technique_counts: HashMap<String, usize> = HashMap::new();
        for document in &documents {
            let mut parents: Vec<_> = document.techniques.iter().map(|id| parent_id(id)).collect();
            parents.sort_unstable();
            parents.dedup();
            for parent in parents {
                *technique_counts.entry(parent.to_owned()).or_default() += 1;
            }
        }
        Self { documents, titles, passages, technique_counts }
    }

    /// Runbooks with any fit, best first; equal ones in the order of the index.
    pub(crate) fn rank(&self, question: &Question) -> Vec<Ranked<'_>> {
        let titles = self.titles.scores(&question.words);
        let passages = self.passages.scores(&question.words);
        let mut rest = passages.as_slice();
        let mut ranking: Vec<_> = Vec::with_capacity(self.documents.len());
        for (document, title) in self.documents.iter().zip(titles) {
            let (own, others) = rest.split_at(document.passages.len());
            rest = others;
            let score = TITLE_WEIGHT * title + best_three(own);
            ranking.push(Ranked { document, score, passages: own.to_vec() });
        }
        let best = ranking.iter().map(|ranked| ranked.score).fold(f32::MIN_POSITIVE, f32::max);
        for ranked in &mut ranking {
            ranked.score = ranked.score / best + self.match_of(question, ranked.document);
        }
        ranking.retain(|ranked| ranked.score > 0.0);
        ranking.sort_by(|a, b| b.score.total_cmp(&a.score));
        ranking
    }

    fn match_of(&self, question: &Question, document: &Document) -> f32 {
        let classes = question.classes.iter();
        let class = classes
            .filter(|(class, _)| document.classes.iter().any(|own| own == class))
            .map(|(_, weight)| *weight)
            .fold(0.0, f32::max);
        class + TECHNIQUES_MATCH * self.technique_match(question, document)
    }

    /// Share of the techniques that the runbook names, rare ones counting more; 0 to 1.
    fn technique_match(&self, question: &Question, document: &Document) -> f32 {
        let (mut found, mut all) = (0.0, 0.0);
        for id in &question.techniques {
            let count = self.technique_counts.get(parent_id(id)).copied().unwrap_or(0);
            let rarity = (1.0 + self.documents.len() as f32 / (1.0 + count as f32)).ln();
            let fit = |own: &String| match own {
                own if own == id => 1.0,
                own if parent_id(own) == parent_id(id) => SAME_PARENT,
                _ => 0.0,
            };
            found += rarity * document.techniques.iter().map(fit).fold(0.0, f32::max);
            all += rarity;
        }
        if all == 0.0 { 0.0 } else { found / all }
    }
}

/// One passage may fit by chance; three together speak of the thing.
fn best_three(scores: &[f32]) -> f32 {
    let mut best = [0.0_f32; 3];
    for score in scores {
        let mut score = *score;
        for place in &mut best {
            if score > *place {
                std::mem::swap(&mut score, place);
            }
        }
    }
    best[0] + 0.5 * best[1] + 0.25 * best[2]
}
