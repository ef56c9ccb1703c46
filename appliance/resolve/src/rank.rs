//! Which runbooks fit an incident.

use std::collections::HashMap;

use vedette_event::{Incident, RankedRunbook, ThreatClass};
use vedette_kb::Kb;
use vedette_kb::attack::{Tactic, parent_id};

use crate::bm25::{Bm25, MOST_QUERY_WORDS, words};
use crate::clues::Clues;
use crate::document::{Document, Origin};

/// A runbook for the class beats any fit of words, which is at most 1.
const CLASS_MATCH: f32 = 2.0;
/// A class that only follows from the tactics of the techniques.
const IMPLIED_CLASS_MATCH: f32 = 0.5;
/// A runbook for one technique of a class is narrower than the class.
const NARROW_CLASS: f32 = 0.3;
/// All techniques of the incident are named by the runbook.
const TECHNIQUES_MATCH: f32 = 3.0;
/// The runbook names the technique that the text speaks of most.
const CLUES_MATCH: f32 = 1.5;
/// The runbook names a technique whose name or phrase means what the text says: set on the first half
/// of the guides that `examples/guidance` asks about.
const MEANING_MATCH: f32 = 3.0;
/// The runbook names the technique beside others that it is more for.
const NAMED_BESIDE: f32 = 0.8;
/// The runbook names another part of the same technique, or the whole.
const SAME_PARENT: f32 = 0.6;
/// A customer's runbook for a technique of the incident goes before ours.
const CUSTOMER_FIRST: f32 = 3.0;
/// The same where the text only speaks of the technique.
const CUSTOMER_FIRST_BY_CLUE: f32 = 0.5;
/// The title against the best passages: titles are short, so their scores run high.
const TITLE_WEIGHT: f32 = 0.6;
/// Words of the incident's title and of the names of its class and techniques.
const WORD_WEIGHT: f32 = 1.0;
/// Names of techniques that the text only speaks of.
const CLUE_WORD_WEIGHT: f32 = 0.5;
/// "user", "host" and the like stand in nearly every runbook.
const ENTITY_WORD_WEIGHT: f32 = 0.2;
/// What a log line speaks of, against the title.
const EVIDENCE_WEIGHT: f32 = 0.5;
/// Lines of evidence that are read; the first ones show the kind of thing.
const MOST_EVIDENCE: usize = 8;

/// What is asked of the index.
#[derive(Debug, Default)]
pub(crate) struct Question {
    pub(crate) classes: Vec<(&'static str, f32)>,
    /// What the incident names.
    pub(crate) techniques: Vec<String>,
    /// What its text speaks of, 0 to 1, where it names none.
    pub(crate) clues: Vec<(&'static str, f32)>,
    /// How alike its title is to each technique, likewise; empty where no sentence model tells.
    pub(crate) meaning: HashMap<&'static str, f32>,
    pub(crate) words: Vec<(String, f32)>,
}

impl Question {
    pub(crate) fn from_incident(
        kb: &Kb,
        clues: &Clues,
        meaning: impl FnOnce(&str) -> HashMap<&'static str, f32>,
        incident: &Incident,
    ) -> Self {
        let current = |id: String| kb.attack().current(&id).map_or(id, |known| known.id.to_owned());
        let techniques: Vec<_> =
            incident.techniques.iter().map(|id| current(id.to_string())).collect();
        let (clues, meaning) = match techniques.is_empty() {
            true => (read_clues(clues, incident), meaning(&incident.title)),
            false => Default::default(),
        };
        let classes = match incident.threat_class {
            Some(class) if class != ThreatClass::Benign => vec![(class.as_str(), CLASS_MATCH)],
            Some(_) => Vec::new(),
            None => implied_classes(kb, &techniques),
        };
        let mut question = Self { classes, techniques, clues, meaning, words: Vec::new() };
        question.add_words(kb, incident);
        question
    }

    fn add_words(&mut self, kb: &Kb, incident: &Incident) {
        if let Some(class) = incident.threat_class {
            self.add(&class.as_str().replace('_', " "), WORD_WEIGHT);
        }
        for id in self.techniques.clone() {
            let known = kb.attack().get(&id).or_else(|| kb.attack().get(parent_id(&id)));
            self.add(&id, WORD_WEIGHT);
            self.add(known.map_or("", |known| known.name), WORD_WEIGHT);
        }
        self.add(&incident.title, WORD_WEIGHT);
        for (id, weight) in self.clues.clone() {
            let name = kb.attack().get(id).map_or("", |known| known.name);
            self.add(name, CLUE_WORD_WEIGHT * weight);
        }
        for entity in &incident.entities {
            self.add(&entity.kind.as_str().replace('_', " "), ENTITY_WORD_WEIGHT);
        }
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

fn read_clues(clues: &Clues, incident: &Incident) -> Vec<(&'static str, f32)> {
    let evidence = incident.evidence.iter().take(MOST_EVIDENCE);
    let evidence = evidence.map(|line| (line.raw.as_str(), EVIDENCE_WEIGHT));
    let texts: Vec<_> = std::iter::once((incident.title.as_str(), 1.0)).chain(evidence).collect();
    clues.techniques(&texts)
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

impl Ranked<'_> {
    pub(crate) fn shown(&self) -> RankedRunbook {
        let Document { id, title, .. } = self.document;
        RankedRunbook { id: id.clone(), title: title.clone(), score: self.score }
    }
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
        let narrow = if document.origin == Origin::Technique { NARROW_CLASS } else { 1.0 };
        let clue = clue_match(question, document);
        let named = question.techniques.iter();
        let best = named.map(|id| best_fit(id, document)).fold(0.0, f32::max);
        let first = match document.origin {
            Origin::Customer => CUSTOMER_FIRST * best + CUSTOMER_FIRST_BY_CLUE * clue,
            Origin::Class | Origin::Technique => 0.0,
        };
        class * narrow
            + first
            + TECHNIQUES_MATCH * self.technique_match(question, document)
            + CLUES_MATCH * clue
            + MEANING_MATCH * meaning_match(question, document)
    }

    /// Share of the techniques that the runbook names, rare ones counting more; 0 to 1.
    fn technique_match(&self, question: &Question, document: &Document) -> f32 {
        let (mut found, mut all) = (0.0, 0.0);
        for id in &question.techniques {
            let count = self.technique_counts.get(parent_id(id)).copied().unwrap_or(0);
            let rarity = (1.0 + self.documents.len() as f32 / (1.0 + count as f32)).ln();
            found += rarity * best_fit(id, document);
            all += rarity;
        }
        if all == 0.0 { 0.0 } else { found / all }
    }
}

/// How well a runbook is for a technique, 0 to 1. Ours are named by the first that they name.
fn best_fit(id: &str, document: &Document) -> f32 {
    let narrow = document.origin == Origin::Customer || document.id == id;
    let fit = |own: &String| match own {
        own if own == id && narrow => 1.0,
        own if own == id => NAMED_BESIDE,
        own if parent_id(own) == parent_id(id) => SAME_PARENT,
        _ => 0.0,
    };
    document.techniques.iter().map(fit).fold(0.0, f32::max)
}

/// The heaviest of the techniques that the text speaks of and the runbook names.
fn clue_match(question: &Question, document: &Document) -> f32 {
    let clues = question.clues.iter();
    clues.map(|(id, weight)| weight * best_fit(id, document)).fold(0.0, f32::max)
}

/// The most alike of the techniques that the runbook names.
fn meaning_match(question: &Question, document: &Document) -> f32 {
    let named = document.techniques.iter().filter_map(|id| question.meaning.get(id.as_str()));
    named.copied().fold(0.0, f32::max)
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
