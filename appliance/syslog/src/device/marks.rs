//! Texts that tell products apart: one search over a line finds all of them at once.

use aho_corasick::automaton::Automaton;
use aho_corasick::{Anchored, dfa::DFA};

/// Text searched for marks: what names a product stands in front, long lines carry payload behind.
const MAX_MARK_BYTES: usize = 8192;

/// Words of the sets below: their width bounds the tables.
const WORDS: usize = 8;

/// A set of small numbers.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Set([u64; WORDS]);

impl Set {
    /// One more than the highest number held.
    pub(super) const WIDTH: usize = WORDS * 64;

    pub(super) fn insert(&mut self, number: usize) {
        self.0[number / 64] |= 1 << (number % 64);
    }

    pub(super) fn unite(&mut self, other: &Self) {
        self.0.iter_mut().zip(other.0).for_each(|(mine, other)| *mine |= other);
    }

    pub(super) fn contains(&self, other: &Self) -> bool {
        self.0.iter().zip(other.0).fold(true, |all, (mine, other)| all & (mine & other == other))
    }

    /// The numbers, ascending.
    pub(super) fn iter(&self) -> impl Iterator<Item = usize> {
        self.0.into_iter().enumerate().flat_map(|(index, mut word)| {
            std::iter::from_fn(move || {
                let bit = (word != 0).then(|| word.trailing_zeros() as usize)?;
                word &= word - 1;
                Some(index * 64 + bit)
            })
        })
    }
}

/// Collects texts and numbers them.
#[derive(Default)]
pub(super) struct Texts(Vec<&'static str>);

impl Texts {
    /// The numbers of texts, each new or known.
    pub(super) fn set(&mut self, texts: &[&'static str]) -> Set {
        let mut set = Set::default();
        for text in texts {
            set.insert(self.number(text));
        }
        set
    }

    pub(super) fn number(&mut self, text: &'static str) -> usize {
        self.0.iter().position(|known| *known == text).unwrap_or_else(|| {
            self.0.push(text);
            self.0.len() - 1
        })
    }

    pub(super) fn search(self) -> Search {
        assert!(self.0.len() <= Set::WIDTH, "{} marks: widen the set", self.0.len());
        Search(DFA::new(&self.0).expect("the marks are constant"))
    }
}

/// Finds texts.
pub(super) struct Search(DFA);

impl Search {
    /// The numbers of the texts that occur. Walks the automaton itself: its iterator stops at every
    /// single match, and some marks are short.
    pub(super) fn marks(&self, text: &str) -> Set {
        let mut found = Set::default();
        let text = &text.as_bytes()[..text.len().min(MAX_MARK_BYTES)];
        let Ok(mut state) = self.0.start_state(Anchored::No) else {
            return found;
        };
        for byte in text {
            state = self.0.next_state(Anchored::No, state, *byte);
            if self.0.is_special(state) && self.0.is_match(state) {
                for index in 0..self.0.match_len(state) {
                    found.insert(self.0.match_pattern(state, index).as_usize());
                }
            }
        }
        found
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_marks_of_a_line_are_found() {
        let mut texts = Texts::default();
        for text in ["% ", "ab", "b", "abc", "zz"] {
            texts.number(text);
        }
        let found: Vec<usize> = texts.search().marks("xabc% é").iter().collect();
        assert_eq!(found, [0, 1, 2, 3]);
    }

    #[test]
    fn sets_hold_what_was_put_in() {
        let mut set = Set::default();
        for number in [0, 63, 64, Set::WIDTH - 1] {
            set.insert(number);
        }
        assert_eq!(set.iter().collect::<Vec<_>>(), [0, 63, 64, Set::WIDTH - 1]);
        let mut part = Set::default();
        part.insert(64);
        assert!(set.contains(&part) && set.contains(&Set::default()) && !part.contains(&set));
    }
}
