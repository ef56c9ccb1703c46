use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap};

use super::{Table, damaged};
use crate::EngineError;

/// How SentencePiece writes a blank.
const BLANK: char = '\u{2581}';

/// SentencePiece by scores: of all neighbours that make a word, the pair of the best score is joined
/// first; what is in no word is spelled in bytes.
pub(super) struct Pieces {
    words: HashMap<String, (u32, Score)>,
    bytes: [u32; 256],
}

/// A score that can be sorted; the scores of a file are never NaN.
#[derive(Clone, Copy, PartialEq)]
struct Score(f32);

impl Eq for Score {}

impl PartialOrd for Score {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Score {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.0.total_cmp(&other.0)
    }
}

/// A part of the text that is one word, or one letter.
struct Part {
    start: usize,
    /// Empty when it was joined to the part before.
    end: usize,
    before: Option<usize>,
    after: Option<usize>,
}

impl Pieces {
    /// Builds the tokenizer; the text of `table`'s words becomes what they stand for.
    pub(super) fn new(table: &mut Table<'_>, scores: &[f32]) -> Result<Self, EngineError> {
        if scores.len() != table.texts.len() || scores.iter().any(|score| score.is_nan()) {
            return Err(damaged("not every token has a score"));
        }
        let mut words = HashMap::with_capacity(table.words.len());
        for (id, name) in &table.words {
            table.texts[*id as usize] = name.replace(BLANK, " ").into_bytes();
            words.insert((*name).to_owned(), (*id, Score(scores[*id as usize])));
        }
        let mut bytes = [None; 256];
        for (id, name) in &table.bytes {
            let digits = name.strip_prefix("<0x").and_then(|name| name.strip_suffix('>'));
            let byte = digits.and_then(|digits| u8::from_str_radix(digits, 16).ok());
            let byte = byte.ok_or_else(|| damaged("a byte token names no byte"))?;
            table.texts[*id as usize] = vec![byte];
            bytes[usize::from(byte)] = Some(*id);
        }
        if bytes.contains(&None) {
            return Err(damaged("a byte has no token"));
        }
        Ok(Self { words, bytes: bytes.map(Option::unwrap_or_default) })
    }

    /// Appends the tokens of a text, with a blank before it where `lead` says so.
    pub(super) fn encode(&self, text: &str, lead: bool, tokens: &mut Vec<u32>) {
        let blank = BLANK.to_string();
        let lead = if lead && !text.is_empty() { blank.as_str() } else { "" };
        let text = lead.to_owned() + &text.replace(' ', &blank);
        let mut parts: Vec<Part> = text
            .char_indices()
            .enumerate()
            .map(|(at, (start, letter))| {
                let before = at.checked_sub(1);
                Part { start, end: start + letter.len_utf8(), before, after: Some(at + 1) }
            })
            .collect();
        if let Some(last) = parts.last_mut() {
            last.after = None;
        }
        self.join(&text, &mut parts);
        for part in parts.iter().filter(|part| part.end > part.start) {
            let word = &text[part.start..part.end];
            match self.words.get(word) {
                Some((id, _)) => tokens.push(*id),
                None => tokens.extend(word.bytes().map(|byte| self.bytes[usize::from(byte)])),
            }
        }
    }

    /// Joins neighbours while any two make a word: best score first, then leftmost.
    fn join(&self, text: &str, parts: &mut [Part]) {
        let mut heap = BinaryHeap::new();
        // The end tells whether either part has grown meanwhile.
        let pair = |parts: &[Part], left: usize| {
            let right = parts[left].after?;
            let (start, end) = (parts[left].start, parts[right].end);
            let (_, score) = self.words.get(&text[start..end])?;
            Some((*score, Reverse(left), right, end))
        };
        heap.extend((0..parts.len()).filter_map(|left| pair(parts, left)));
        while let Some((_, Reverse(left), right, end)) = heap.pop() {
            let gone =
                parts[left].end == parts[left].start || parts[right].end == parts[right].start;
            if gone || parts[left].after != Some(right) || parts[right].end != end {
                continue;
            }
            parts[left].end = end;
            parts[left].after = parts[right].after;
            parts[right].end = parts[right].start;
            if let Some(next) = parts[left].after {
                parts[next].before = Some(left);
            }
            heap.extend(parts[left].before.and_then(|before| pair(parts, before)));
            heap.extend(pair(parts, left));
        }
    }
}
