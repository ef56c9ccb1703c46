//! Which techniques a text speaks of, by the words people use for them.

use std::collections::{HashMap, HashSet};

use vedette_kb::Kb;
use vedette_kb::attack::Status;
use vedette_kb::{cues, dialects};

use crate::bm25::words;

/// Words of a text that are read: titles and a few log lines fit, floods don't.
const MOST_WORDS: usize = 600;
/// Words that may stand between those of a phrase.
const MOST_BETWEEN: usize = 2;
/// Techniques that a text is said to speak of.
const MOST_TECHNIQUES: usize = 8;
/// A technique with less of the best one's weight is chance.
const LEAST_SHARE: f32 = 0.3;
/// The name that ATT&CK gives a technique, against a phrase of ours.
const NAME_WEIGHT: f32 = 1.0;
/// A phrase of the query language's activities: made for questions, and wide.
const ACTIVITY_WEIGHT: f32 = 0.4;

/// A phrase, in words as the index folds them.
struct Phrase {
    words: Vec<String>,
    techniques: Vec<(&'static str, f32)>,
}

/// All phrases, by their words.
pub(crate) struct Clues {
    phrases: Vec<Phrase>,
    by_first: HashMap<String, Vec<usize>>,
}

impl Clues {
    pub(crate) fn new(kb: &'static Kb) -> Self {
        let mut known: HashMap<Vec<String>, Vec<(&'static str, f32)>> = HashMap::new();
        let mut order = Vec::new();
        let mut add = |phrase: &str, technique: &'static str, weight: f32| {
            let key: Vec<_> = words(phrase).collect();
            if key.is_empty() {
                return;
            }
            let techniques = known.entry(key.clone()).or_insert_with(|| {
                order.push(key);
                Vec::new()
            });
            match techniques.iter_mut().find(|(known, _)| *known == technique) {
                Some((_, heaviest)) => *heaviest = heaviest.max(weight),
                None => techniques.push((technique, weight)),
            }
        };
        for cue in cues::cues() {
            add(cue.phrase, cue.technique, 1.0);
        }
        for technique in kb.attack().techniques() {
            if technique.status == Status::Active {
                add(technique.name, technique.id, NAME_WEIGHT);
            }
        }
        for activity in dialects::activities() {
            for phrase in &activity.phrases {
                for id in &activity.techniques {
                    if let Some(technique) = kb.attack().current(id) {
                        add(phrase, technique.id, ACTIVITY_WEIGHT);
                    }
                }
            }
        }
        let mut clues = Self { phrases: Vec::new(), by_first: HashMap::new() };
        for words in order {
            let techniques = known.remove(&words).unwrap_or_default();
            clues.by_first.entry(words[0].clone()).or_default().push(clues.phrases.len());
            clues.phrases.push(Phrase { words, techniques });
        }
        clues
    }

    /// Techniques that the texts speak of, each with a weight of 0 to 1, heaviest first. The texts come
    /// with weights of their own: a title says more than a log line.
    pub(crate) fn techniques(&self, texts: &[(&str, f32)]) -> Vec<(&'static str, f32)> {
        let mut weights: HashMap<&'static str, f32> = HashMap::new();
        let mut seen = HashSet::new();
        for (text, weight) in texts {
            let words: Vec<_> = words(text).take(MOST_WORDS).collect();
            for (at, word) in words.iter().enumerate() {
                for phrase in self.by_first.get(word).into_iter().flatten() {
                    if self.stands_at(*phrase, &words, at) && seen.insert(*phrase) {
                        self.count(*phrase, *weight, &mut weights);
                    }
                }
            }
        }
        strongest(weights)
    }

    /// Whether the other words of a phrase stand near the first one, in any order.
    fn stands_at(&self, phrase: usize, words: &[String], at: usize) -> bool {
        let wanted = &self.phrases[phrase].words;
        let reach = wanted.len() - 1 + MOST_BETWEEN;
        let near = &words[at.saturating_sub(reach)..words.len().min(at + reach + 1)];
        wanted[1..].iter().all(|word| near.contains(word))
    }

    /// More words say more; a phrase for several techniques says less about each.
    fn count(&self, phrase: usize, weight: f32, weights: &mut HashMap<&'static str, f32>) {
        let phrase = &self.phrases[phrase];
        let says = (phrase.words.len() as f32 / phrase.techniques.len() as f32).sqrt();
        for (technique, own) in &phrase.techniques {
            *weights.entry(technique).or_default() += weight * own * says;
        }
    }
}

fn strongest(weights: HashMap<&'static str, f32>) -> Vec<(&'static str, f32)> {
    let mut found: Vec<_> = weights.into_iter().collect();
    found.sort_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(b.0)));
    let best = found.first().map_or(1.0, |(_, weight)| *weight);
    found.retain(|(_, weight)| *weight >= LEAST_SHARE * best);
    found.truncate(MOST_TECHNIQUES);
    found.iter_mut().for_each(|(_, weight)| *weight /= best);
    found
}
