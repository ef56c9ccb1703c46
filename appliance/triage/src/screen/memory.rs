//! What the screen said of lines with the same features: a network says the same things all day, and
//! numbers, addresses and words that have no weights change nothing of an answer.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use vedette_event::ScreenSay;

use super::features::Folded;

/// Answers of one generation. Two generations are kept: some thousand templates are more than a small
/// network shows in an hour, and take a few megabytes (40 at most, with texts of the longest kind).
const GENERATION: usize = 2048;

/// Recent answers by exactly what they depend on.
#[derive(Debug, Default)]
pub(super) struct Memory(Mutex<Generations>);

#[derive(Debug, Default)]
struct Generations {
    current: HashMap<Vec<u8>, ScreenSay>,
    previous: HashMap<Vec<u8>, ScreenSay>,
}

/// All that an answer depends on: the folded text, the words that have weights with their counts, and
/// how many have none. Nothing is hashed away, so that no line can be made to pass for another.
pub(super) fn key(folded: &Folded, place: impl Fn(u32) -> Option<usize>) -> Vec<u8> {
    let mut known = Vec::with_capacity(8 * folded.words.len());
    let mut unknown: u32 = 0;
    for (word, count) in &folded.words {
        match place(*word) {
            Some(_) => known.extend([word.to_le_bytes(), count.to_le_bytes()].as_flattened()),
            None => unknown += 1,
        }
    }
    let lengths = [(known.len() as u32).to_le_bytes(), unknown.to_le_bytes()];
    [lengths.as_flattened(), &known, &folded.text].concat()
}

impl Memory {
    pub(super) fn recall(&self, key: &[u8]) -> Option<ScreenSay> {
        let mut generations = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(say) = generations.current.get(key) {
            return Some(say.clone());
        }
        let (key, say) = generations.previous.remove_entry(key)?;
        generations.add(key, say.clone());
        Some(say)
    }

    pub(super) fn keep(&self, key: Vec<u8>, say: ScreenSay) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).add(key, say);
    }
}

impl Generations {
    fn add(&mut self, key: Vec<u8>, say: ScreenSay) {
        if self.current.len() >= GENERATION {
            self.previous = std::mem::take(&mut self.current);
        }
        self.current.insert(key, say);
    }
}
