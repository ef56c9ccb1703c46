//! Many patterns over one text, quickly: which literals each pattern cannot match without is worked
//! out once, one pass over a text looks for all of them, and only patterns with a literal in the text
//! are searched.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use aho_corasick::automaton::Automaton;
use aho_corasick::dfa::DFA;
use aho_corasick::{Anchored, MatchKind};
use regex_syntax::ParserBuilder;
use regex_syntax::hir::{Class, Hir, HirKind};

/// Memory for one compiled pattern: a few times what the largest takes, a bound should one grow.
pub(crate) const PATTERN_BYTES: usize = 64 << 20;

/// Shortest literal worth looking for: shorter ones are in every line.
const LITERAL_MIN: usize = 2;

/// Most spellings that are multiplied out (`log-?in` has two; the ways to write `../` are 56).
const SPELLINGS_CAP: usize = 64;

/// Most letters of a class that are spelt out: white space has six.
const LETTERS_CAP: usize = 6;

/// Most sets of literals that are looked for of one pattern, the most telling: each further one leaves
/// out few texts more, and adds its literals to a table of megabytes.
const SETS_CAP: usize = 3;

/// Tells which of many patterns can match a text at all. Letters are compared without regard to case
/// (ASCII): a pattern that minds it is searched once too often, never left out.
pub(crate) struct Filter {
    /// A table of all states, twelve megabytes for the rules: a byte of a line costs one look into it.
    finder: DFA,
    /// For each literal the patterns that need it or one like it: number, and a bit for which of its
    /// sets the literal is in.
    needed_by: Vec<Vec<(usize, u8)>>,
    /// For each pattern a bit for each of its sets; a text must hold a literal of every set.
    sets: Vec<u8>,
    /// Patterns without a necessary literal.
    always: Vec<usize>,
}

impl Filter {
    /// Reads patterns; they are constants of this crate that its tests compile.
    pub(crate) fn new<'a>(patterns: impl IntoIterator<Item = &'a str>) -> Self {
        let mut numbers: BTreeMap<String, usize> = BTreeMap::new();
        let mut literals: Vec<String> = Vec::new();
        let (mut needed_by, mut sets) = (Vec::<Vec<(usize, u8)>>::new(), Vec::new());
        for (pattern, text) in patterns.into_iter().enumerate() {
            let needed = needed(known(&parsed(text)));
            for (set, literal) in needed
                .iter()
                .enumerate()
                .flat_map(|(set, all)| all.iter().map(move |literal| (set, literal)))
            {
                let at = *numbers.entry(literal.clone()).or_insert_with(|| {
                    literals.push(literal.clone());
                    needed_by.push(Vec::new());
                    literals.len() - 1
                });
                needed_by[at].push((pattern, 1 << set));
            }
            sets.push(needed.iter().enumerate().map(|(set, _)| 1 << set).sum());
        }
        let finder = DFA::builder()
            .ascii_case_insensitive(true)
            .match_kind(MatchKind::Standard)
            .build(&literals)
            .expect("the literals are few");
        let always = sets.iter().enumerate().filter(|(_, sets)| **sets == 0);
        let always = always.map(|(pattern, _)| pattern).collect();
        Self { finder, needed_by, sets, always }
    }

    /// The numbers of the patterns that can match, ascending.
    pub(crate) fn candidates(&self, text: &[u8]) -> Vec<usize> {
        let mut seen = vec![false; self.needed_by.len()];
        let mut met = vec![0; self.sets.len()];
        let mut wanted = self.always.clone();
        let mut note = |literal: usize| {
            if std::mem::replace(&mut seen[literal], true) {
                return;
            }
            for (pattern, set) in &self.needed_by[literal] {
                let before = met[*pattern];
                met[*pattern] |= set;
                if before != self.sets[*pattern] && met[*pattern] == self.sets[*pattern] {
                    wanted.push(*pattern);
                }
            }
        };
        let start = self.finder.start_state(Anchored::No);
        let mut state = start.expect("it is built to search from anywhere");
        for byte in text {
            state = self.finder.next_state(Anchored::No, state, *byte);
            if self.finder.is_match(state) {
                let ends = 0..self.finder.match_len(state);
                ends.for_each(|end| note(self.finder.match_pattern(state, end).as_usize()));
            }
        }
        wanted.sort_unstable();
        wanted
    }

    /// The same for patterns that know all of Unicode: two letters outside ASCII fold into it, and there
    /// is white space outside it.
    pub(crate) fn candidates_of(&self, text: &str) -> Vec<usize> {
        let is_like_ascii = |letter: char| {
            !letter.is_ascii()
                && (matches!(letter, '\u{17f}' | '\u{212a}') || letter.is_whitespace())
        };
        if !text.is_ascii() && text.contains(is_like_ascii) {
            return (0..self.sets.len()).collect();
        }
        self.candidates(text.as_bytes())
    }
}

/// The outermost alternatives of a pattern.
pub(crate) fn alternatives(pattern: &str) -> Vec<&str> {
    let bytes = pattern.as_bytes();
    let (mut parts, mut start, mut depth) = (Vec::new(), 0, 0_usize);
    let (mut class, mut escaped) = (None, false);
    for (at, byte) in pattern.bytes().enumerate() {
        match (byte, class) {
            _ if escaped => escaped = false,
            (b'\\', _) => escaped = true,
            (b'[', None) => class = Some(at + 1 + usize::from(bytes.get(at + 1) == Some(&b'^'))),
            // Right behind its opening a bracket is a member of the class.
            (b']', Some(first)) if at > first => class = None,
            (b'(', None) => depth += 1,
            (b')', None) => depth = depth.saturating_sub(1),
            (b'|', None) if depth == 0 => {
                parts.push(&pattern[start..at]);
                start = at + 1;
            }
            _ => {}
        }
    }
    parts.push(&pattern[start..]);
    parts
}

fn parsed(text: &str) -> Hir {
    ParserBuilder::new()
        .unicode(false)
        .utf8(false)
        .build()
        .parse(text)
        .expect("the patterns are constants that the tests compile")
}

/// Literals in lower case, one of which every match holds.
type Set = Vec<String>;

/// What is known of the texts an expression matches.
#[derive(Clone, Debug)]
enum Known {
    /// They are exactly these, in lower case.
    Exactly(Set),
    /// Each holds a literal of each of these sets; nothing is known where there is none.
    Holds(Vec<Set>),
}

/// The sets of literals that every match holds one each of.
fn holds(known: Known) -> Vec<Set> {
    match known {
        Known::Holds(sets) => sets,
        Known::Exactly(mut texts) => {
            texts.sort_unstable();
            texts.dedup();
            let long = !texts.is_empty() && texts.iter().all(|text| text.len() >= LITERAL_MIN);
            if long { vec![texts] } else { Vec::new() }
        }
    }
}

/// How much a set leaves out: the length of its shortest literal, then how few there are.
fn worth(set: &Set) -> (usize, Reverse<usize>) {
    let shortest = set.iter().map(String::len).min().unwrap_or(0);
    (shortest.min(6), Reverse(set.len()))
}

/// The most telling of the sets, each once.
fn needed(known: Known) -> Vec<Set> {
    let mut sets = holds(known);
    sets.sort_by(|a, b| worth(b).cmp(&worth(a)).then_with(|| a.cmp(b)));
    sets.dedup();
    sets.truncate(SETS_CAP);
    sets
}

/// Nothing is known.
const NOTHING: Known = Known::Holds(Vec::new());

fn known(hir: &Hir) -> Known {
    match hir.kind() {
        HirKind::Empty | HirKind::Look(_) => Known::Exactly(vec![String::new()]),
        HirKind::Literal(literal) => match std::str::from_utf8(&literal.0) {
            Ok(text) if text.is_ascii() => Known::Exactly(vec![text.to_ascii_lowercase()]),
            _ => NOTHING,
        },
        HirKind::Class(class) => letters(class),
        HirKind::Capture(capture) => known(&capture.sub),
        HirKind::Repetition(repeated) => match (repeated.min, repeated.max, known(&repeated.sub)) {
            (0, Some(1), Known::Exactly(mut texts)) => {
                texts.push(String::new());
                Known::Exactly(texts)
            }
            (0, _, _) => NOTHING,
            (1, Some(1), exact) => exact,
            (_, _, sub) => Known::Holds(holds(sub)),
        },
        HirKind::Concat(parts) => sequence(parts),
        HirKind::Alternation(choices) => choice(choices),
    }
}

fn letters(class: &Class) -> Known {
    let ranges: Vec<(u32, u32)> = match class {
        Class::Bytes(bytes) => {
            bytes.iter().map(|range| (range.start().into(), range.end().into())).collect()
        }
        Class::Unicode(letters) => {
            letters.iter().map(|range| (range.start().into(), range.end().into())).collect()
        }
    };
    let count: u32 = ranges.iter().map(|(start, end)| end - start + 1).sum();
    let letters = ranges.iter().flat_map(|(start, end)| *start..=*end);
    let letters: Option<Set> = letters
        .take(LETTERS_CAP + 1)
        .map(|letter| char::from_u32(letter).filter(char::is_ascii))
        .map(|letter| letter.map(|letter| letter.to_ascii_lowercase().to_string()))
        .collect();
    match letters {
        Some(letters) if count as usize <= LETTERS_CAP => Known::Exactly(letters),
        _ => NOTHING,
    }
}

/// One after the other: spellings are multiplied out as far as they are few; every run of them and
/// every other part is necessary.
fn sequence(parts: &[Hir]) -> Known {
    let mut sets: Vec<Set> = Vec::new();
    let mut run = vec![String::new()];
    let mut whole = true;
    for part in parts {
        // What is repeated begins and ends a run.
        let (one, repeats) = match part.kind() {
            HirKind::Repetition(repeated) if repeated.min > 0 => (known(&repeated.sub), true),
            _ => (known(part), false),
        };
        match one {
            Known::Exactly(texts) => {
                if run.len() * texts.len() <= SPELLINGS_CAP {
                    run = joined(&run, &texts);
                } else {
                    whole = false;
                    sets.extend(holds(Known::Exactly(std::mem::replace(&mut run, texts.clone()))));
                }
                if repeats {
                    whole = false;
                    sets.extend(holds(Known::Exactly(std::mem::replace(&mut run, texts))));
                }
            }
            Known::Holds(held) => {
                whole = false;
                sets.extend(holds(Known::Exactly(std::mem::replace(
                    &mut run,
                    vec![String::new()],
                ))));
                sets.extend(held);
            }
        }
    }
    if whole {
        return Known::Exactly(run);
    }
    sets.extend(holds(Known::Exactly(run)));
    Known::Holds(sets)
}

/// Every head with every tail.
fn joined(heads: &[String], tails: &[String]) -> Set {
    let with_tails = |head| tails.iter().map(move |tail| format!("{head}{tail}"));
    heads.iter().flat_map(with_tails).collect()
}

/// One of several: where not all are spelt out, a literal of the most telling set of each.
fn choice(choices: &[Hir]) -> Known {
    let all: Vec<Known> = choices.iter().map(known).collect();
    let exact = all.iter().all(|one| matches!(one, Known::Exactly(_)));
    if exact {
        let texts = all.into_iter().flat_map(|one| match one {
            Known::Exactly(texts) => texts,
            Known::Holds(_) => Vec::new(),
        });
        return Known::Exactly(texts.collect());
    }
    let best = all.into_iter().map(|one| holds(one).into_iter().max_by_key(worth));
    match best.collect::<Option<Vec<Set>>>() {
        Some(sets) => {
            let mut union = sets.concat();
            union.sort_unstable();
            union.dedup();
            Known::Holds(vec![union])
        }
        None => NOTHING,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn necessary_literals_are_found() {
        for (pattern, expected) in [
            (r"\bfail(?:ed|ure) to", vec![vec!["failed to", "failure to"]]),
            (r"log-?in", vec![vec!["log-in", "login"]]),
            (r"a.*bcd", vec![vec!["bcd"]]),
            (r"user .* from .*(?:x|yz)", vec![vec![" from "], vec!["user "]]),
            (r"(?:abc|z\w+defg)\d", vec![vec!["abc", "defg"]]),
            (r"(?:abc)*d", vec![]),
            (r"[a-z]+", vec![]),
            (r"(?:wget|x)\d", vec![]),
            (r"(?:o|n)r(?:x|-)+y", vec![vec!["nr-", "nrx", "or-", "orx"], vec!["-y", "xy"]]),
            (r"ABC[12]", vec![vec!["abc1", "abc2"]]),
        ] {
            assert_eq!(needed(known(&parsed(pattern))), expected, "{pattern}");
        }
    }

    #[test]
    fn patterns_are_cut_at_their_outermost_alternatives_only() {
        for (pattern, expected) in [
            (r"a|b(?:c|d)|[|x]\|", vec!["a", "b(?:c|d)", r"[|x]\|"]),
            ("[^]|]|b", vec!["[^]|]", "b"]),
            ("[]|]a", vec!["[]|]a"]),
        ] {
            assert_eq!(alternatives(pattern), expected);
        }
    }

    #[test]
    fn what_matches_is_a_candidate() {
        let patterns = [r"fail\w*", r"(?:abc|xyz)-\d+ up", r"[ab]\b", r"disk"];
        let filter = Filter::new(patterns);
        for (text, expected) in [
            ("", vec![2]),
            ("FAILED", vec![0, 2]),
            ("xYz-7 UP", vec![1, 2]),
            ("xYz-7", vec![2]),
            ("7 up", vec![2]),
            ("di\u{17f}k", vec![0, 1, 2, 3]),
        ] {
            assert_eq!(filter.candidates_of(text), expected, "{text}");
        }
    }
}
