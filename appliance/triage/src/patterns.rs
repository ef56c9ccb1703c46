//! Many patterns over one text, quickly: which literals each pattern cannot match without is worked
//! out once, one pass over a text looks for all of them, and only patterns with a literal in the text
//! are searched.

use aho_corasick::{AhoCorasick, MatchKind};
use regex_syntax::ParserBuilder;
use regex_syntax::hir::{Class, Hir, HirKind};

/// Memory for one compiled pattern: a few times what the largest takes, a bound should one grow.
pub(crate) const PATTERN_BYTES: usize = 64 << 20;

/// Shortest literal worth looking for: shorter ones are in every line.
const LITERAL_MIN: usize = 3;

/// Most spellings that are multiplied out (`log-?in` has two).
const SPELLINGS_CAP: usize = 24;

/// Tells which of many patterns can match a text at all. Letters are compared without regard to case
/// (ASCII): a pattern that minds it is searched once too often, never left out.
pub(crate) struct Filter {
    finder: AhoCorasick,
    /// Patterns that a literal is necessary for.
    needed_by: Vec<Vec<usize>>,
    /// Patterns without a necessary literal.
    always: Vec<usize>,
    patterns: usize,
}

impl Filter {
    /// Reads patterns; they are constants of this crate that its tests compile.
    pub(crate) fn new<'a>(patterns: impl IntoIterator<Item = &'a str>) -> Self {
        let mut literals: Vec<String> = Vec::new();
        let (mut needed_by, mut always, mut count) = (Vec::<Vec<usize>>::new(), Vec::new(), 0);
        for (number, pattern) in patterns.into_iter().enumerate() {
            count = number + 1;
            let Some(found) = holds(known(&parsed(pattern))) else {
                always.push(number);
                continue;
            };
            for literal in found {
                let at = literals.iter().position(|known| *known == literal).unwrap_or_else(|| {
                    literals.push(literal);
                    needed_by.push(Vec::new());
                    literals.len() - 1
                });
                needed_by[at].push(number);
            }
        }
        let finder = AhoCorasick::builder()
            .ascii_case_insensitive(true)
            .match_kind(MatchKind::Standard)
            .build(&literals)
            .expect("the literals are few");
        Self { finder, needed_by, always, patterns: count }
    }

    /// The numbers of the patterns that can match, ascending.
    pub(crate) fn candidates(&self, text: &[u8]) -> impl Iterator<Item = usize> + use<> {
        let mut wanted = vec![false; self.patterns];
        for hit in self.finder.find_overlapping_iter(text) {
            for number in &self.needed_by[hit.pattern().as_usize()] {
                wanted[*number] = true;
            }
        }
        for number in &self.always {
            wanted[*number] = true;
        }
        wanted.into_iter().enumerate().filter_map(|(number, wanted)| wanted.then_some(number))
    }

    /// The same for patterns that compare all of Unicode without regard to case: two letters outside
    /// ASCII fold into it.
    pub(crate) fn candidates_of(&self, text: &str) -> Vec<usize> {
        if text.contains(['\u{17f}', '\u{212a}']) {
            return (0..self.patterns).collect();
        }
        self.candidates(text.as_bytes()).collect()
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

/// What is known of the texts an expression matches.
#[derive(Clone, Debug)]
enum Known {
    /// They are exactly these, in lower case.
    Exactly(Vec<String>),
    /// Each holds one of these.
    Holds(Vec<String>),
    /// Nothing.
    Nothing,
}

/// Literals, in lower case, of which every match holds at least one.
fn holds(known: Known) -> Option<Vec<String>> {
    let (Known::Exactly(mut texts) | Known::Holds(mut texts)) = known else { return None };
    texts.sort_unstable();
    texts.dedup();
    let long = !texts.is_empty() && texts.iter().all(|text| text.len() >= LITERAL_MIN);
    long.then_some(texts)
}

fn known(hir: &Hir) -> Known {
    match hir.kind() {
        HirKind::Empty | HirKind::Look(_) => Known::Exactly(vec![String::new()]),
        HirKind::Literal(literal) => match std::str::from_utf8(&literal.0) {
            Ok(text) if text.is_ascii() => Known::Exactly(vec![text.to_ascii_lowercase()]),
            _ => Known::Nothing,
        },
        HirKind::Class(class) => letters(class),
        HirKind::Capture(capture) => known(&capture.sub),
        HirKind::Repetition(repeated) => match (repeated.min, repeated.max, known(&repeated.sub)) {
            (0, Some(1), Known::Exactly(mut texts)) => {
                texts.push(String::new());
                Known::Exactly(texts)
            }
            (0, _, _) => Known::Nothing,
            (1, Some(1), exact) => exact,
            (_, _, sub) => holds(sub).map_or(Known::Nothing, Known::Holds),
        },
        HirKind::Concat(parts) => sequence(parts),
        HirKind::Alternation(choices) => choice(choices),
    }
}

fn letters(class: &Class) -> Known {
    let Class::Bytes(class) = class else { return Known::Nothing };
    let count: usize = class.iter().map(|range| usize::from(range.end() - range.start()) + 1).sum();
    if count > 4 || !class.is_ascii() {
        return Known::Nothing;
    }
    let bytes = class.iter().flat_map(|range| range.start()..=range.end());
    Known::Exactly(bytes.map(|byte| char::from(byte).to_ascii_lowercase().to_string()).collect())
}

/// One after the other: spellings are multiplied out as far as they are few; the run or part whose
/// shortest literal is longest is the necessary one.
fn sequence(parts: &[Hir]) -> Known {
    let mut best: Option<Vec<String>> = None;
    let mut run = vec![String::new()];
    let mut whole = true;
    let mut offer = |texts: Option<Vec<String>>| {
        let Some(texts) = texts else { return };
        let worth = |texts: &[String]| {
            let shortest = texts.iter().map(String::len).min().unwrap_or(0);
            (shortest.min(6), std::cmp::Reverse(texts.len()))
        };
        if best.as_ref().is_none_or(|best| worth(&texts) > worth(best)) {
            best = Some(texts);
        }
    };
    for part in parts {
        match known(part) {
            Known::Exactly(texts) if run.len() * texts.len() <= SPELLINGS_CAP => {
                run = run
                    .iter()
                    .flat_map(|head| texts.iter().map(move |tail| format!("{head}{tail}")))
                    .collect();
            }
            other => {
                whole = false;
                offer(holds(Known::Exactly(std::mem::take(&mut run))));
                run = vec![String::new()];
                offer(holds(other));
            }
        }
    }
    if whole {
        return Known::Exactly(run);
    }
    offer(holds(Known::Exactly(run)));
    best.map_or(Known::Nothing, Known::Holds)
}

fn choice(choices: &[Hir]) -> Known {
    let all: Vec<Known> = choices.iter().map(known).collect();
    let exact = all.iter().all(|one| matches!(one, Known::Exactly(_)));
    if exact {
        let texts = all.into_iter().flat_map(|one| match one {
            Known::Exactly(texts) => texts,
            _ => Vec::new(),
        });
        return Known::Exactly(texts.collect());
    }
    let mut union = Vec::new();
    for one in all {
        match holds(one) {
            Some(texts) => union.extend(texts),
            None => return Known::Nothing,
        }
    }
    Known::Holds(union)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn necessary_literals_are_found() {
        for (pattern, expected) in [
            (r"\bfail(?:ed|ure) to", Some(vec!["failed to", "failure to"])),
            (r"log-?in", Some(vec!["log-in", "login"])),
            (r"a.*bcd", Some(vec!["bcd"])),
            (r"(?:abc|x\w+defg)\d", Some(vec!["abc", "defg"])),
            (r"(?:abc)*d", None),
            (r"[a-z]+", None),
            (r"(?:wget|id)\s", None),
            (r"ABC[12]", Some(vec!["abc1", "abc2"])),
        ] {
            let found = holds(known(&parsed(pattern)));
            let found = found.as_ref().map(|it| it.iter().map(String::as_str).collect::<Vec<_>>());
            assert_eq!(found, expected, "{pattern}");
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
        let patterns = [r"fail\w*", r"(?:abc|xyz)-\d+", r"[ab]\b", r"disk"];
        let filter = Filter::new(patterns);
        for (text, expected) in [
            ("", vec![2]),
            ("FAILED", vec![0, 2]),
            ("xYz-7", vec![1, 2]),
            ("xYz 7", vec![2]),
            ("di\u{17f}k", vec![0, 1, 2, 3]),
        ] {
            assert_eq!(filter.candidates_of(text), expected, "{text}");
        }
    }
}
