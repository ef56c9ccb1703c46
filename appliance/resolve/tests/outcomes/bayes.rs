//! Multinomial naive Bayes over the words of title and evidence: what the rules must beat.

use std::collections::{HashMap, HashSet};

use vedette_event::{Incident, ResolutionCode};

pub(crate) struct Bayes {
    counts: HashMap<(ResolutionCode, String), f64>,
    totals: HashMap<ResolutionCode, f64>,
    incidents: HashMap<ResolutionCode, f64>,
    vocabulary: f64,
}

impl Bayes {
    pub(crate) fn new<'a>(cases: impl Iterator<Item = (&'a Incident, ResolutionCode)>) -> Self {
        let mut known = Self {
            counts: HashMap::new(),
            totals: HashMap::new(),
            incidents: HashMap::new(),
            vocabulary: 0.0,
        };
        let mut vocabulary = HashSet::new();
        for (incident, code) in cases {
            *known.incidents.entry(code).or_default() += 1.0;
            for word in words(incident) {
                vocabulary.insert(word.clone());
                *known.counts.entry((code, word)).or_default() += 1.0;
                *known.totals.entry(code).or_default() += 1.0;
            }
        }
        known.vocabulary = vocabulary.len() as f64;
        known
    }

    pub(crate) fn predict(&self, incident: &Incident) -> ResolutionCode {
        let words = words(incident);
        let score = |code: &ResolutionCode| {
            let total = self.totals.get(code).copied().unwrap_or(0.0) + self.vocabulary;
            let prior = self.incidents.get(code).copied().unwrap_or(0.5).ln();
            let chance = |word: &String| {
                let count = self.counts.get(&(*code, word.clone())).copied().unwrap_or(0.0);
                ((count + 1.0) / total).ln()
            };
            prior + words.iter().map(chance).sum::<f64>()
        };
        *ResolutionCode::ALL
            .iter()
            .max_by(|a, b| score(a).total_cmp(&score(b)))
            .expect("there are codes")
    }
}

fn words(incident: &Incident) -> Vec<String> {
    let lines = incident.evidence.iter().map(|line| line.raw.as_str());
    let text = std::iter::once(incident.title.as_str()).chain(lines);
    text.flat_map(|text| text.split(|letter: char| !letter.is_alphabetic()))
        .filter(|word| word.len() > 1)
        .map(str::to_lowercase)
        .collect()
}
