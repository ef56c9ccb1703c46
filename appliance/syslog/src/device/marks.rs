//! Texts that tell products apart: one search over a line finds all of them at once.

use memchr::memmem::Finder;

use crate::search::{MIN_BYTES, Search};

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

    pub(super) fn has(&self, number: usize) -> bool {
        self.0[number / 64] >> (number % 64) & 1 == 1
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

/// Texts that must all occur in a line.
pub(super) struct Marks {
    /// Those that the search finds.
    found: Vec<usize>,
    /// Short ones, which may stand anywhere in a line. Where the search has read all of it, their numbers
    /// there, if they have one, tell.
    short: Vec<(Option<usize>, Finder<'static>)>,
}

/// Length of a mark that names a product, in bytes; shorter ones are of a form.
const NAMING_BYTES: usize = 4;

impl Marks {
    pub(super) fn occur(&self, found: &Set, text: &str) -> bool {
        self.found.iter().all(|number| found.has(*number))
            && self.short.iter().all(|(number, finder)| match number {
                Some(number) if text.len() <= MAX_MARK_BYTES => found.has(*number),
                _ => finder.find(text.as_bytes()).is_some(),
            })
    }
}

/// Collects texts and numbers them.
#[derive(Default)]
pub(super) struct Texts(Vec<&'static str>);

impl Texts {
    pub(super) fn marks(&mut self, texts: &[&'static str]) -> Marks {
        let mut found = Vec::new();
        let mut short = Vec::new();
        for text in texts {
            match self.number(text) {
                Some(number) if text.len() >= NAMING_BYTES => found.push(number),
                number => short.push((number, Finder::new(*text))),
            }
        }
        // What the search tells goes before what has to be looked for.
        short.sort_by_key(|(number, _)| number.is_none());
        Marks { found, short }
    }

    /// The number of a text, new or known; none where it is too short for the search.
    fn number(&mut self, text: &'static str) -> Option<usize> {
        (text.len() >= MIN_BYTES).then(|| {
            self.0.iter().position(|known| *known == text).unwrap_or_else(|| {
                self.0.push(text);
                self.0.len() - 1
            })
        })
    }

    /// The number of a mark that names a product.
    pub(super) fn naming(&mut self, text: &'static str) -> Option<usize> {
        if text.len() < NAMING_BYTES { None } else { self.number(text) }
    }

    pub(super) fn search(self) -> Search {
        assert!(self.0.len() <= Set::WIDTH, "{} marks: widen the set", self.0.len());
        Search::exact(&self.0)
    }
}

/// The numbers of the texts that occur in the front of a line.
pub(super) fn found(search: &Search, line: &str) -> Set {
    let mut found = Set::default();
    search
        .each(&line[..line.floor_char_boundary(MAX_MARK_BYTES)], |number, _| found.insert(number));
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_occur_together() {
        let mut texts = Texts::default();
        let marks = texts.marks(&["abc", "%", "defg"]);
        let search = texts.search();
        let long = ["defg %", " ".repeat(MAX_MARK_BYTES).as_str(), "abc"].concat();
        for (line, expected) in [
            ("abcdefg%", true),
            ("abc defg", false),
            ("% abc", false),
            ("% defg", false),
            (long.as_str(), true),
        ] {
            assert_eq!(marks.occur(&found(&search, line), line), expected, "{line}");
        }
    }

    #[test]
    fn sets_hold_what_was_put_in() {
        let mut set = Set::default();
        for number in [0, 63, 64, Set::WIDTH - 1] {
            set.insert(number);
        }
        assert_eq!(set.iter().collect::<Vec<_>>(), [0, 63, 64, Set::WIDTH - 1]);
        assert!(set.has(64) && !set.has(65));
    }
}
