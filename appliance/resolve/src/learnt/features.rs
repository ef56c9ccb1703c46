//! An incident as a sparse vector: hashed words, runs of characters, meanings of words and their
//! places, and what stands around. A feature is there or not, however often.

use std::collections::BTreeSet;
use std::net::IpAddr;

use vedette_event::{EvidenceLine, Incident};

use super::concepts::concepts;
use super::written::by_device;
use crate::signs::is_own;

/// Lines that are read, the last ones: how it went on stands at the end.
const MOST_LINES: usize = 24;
/// Words of a line that are read.
const MOST_WORDS: usize = 300;
/// Lengths of the runs of characters.
const RUNS: std::ops::RangeInclusive<usize> = 3..=5;
/// Words that may stand between two meanings that belong together.
const REACH: usize = 2;
/// Lines beyond these count alike.
const MANY_LINES: usize = 4;

/// Blocks of features: how many, and how long their part of a vector is.
const WORDS: Block = Block { first: 0, size: 1 << 13, length: 0.7 };
const PARTS: Block = Block { first: 1 << 13, size: 1 << 14, length: 1.0 };
const MEANINGS: Block = Block { first: 3 << 13, size: 1 << 12, length: 1.0 };
const AROUND: Block = Block { first: 7 << 12, size: 1 << 8, length: 0.8 };

/// All features.
pub const OUTCOME_FEATURES: u32 = AROUND.first + AROUND.size;

/// Words before the number of a change, an order or a ticket.
const TICKETS: [&str; 20] = [
    "case", "change", "chg", "cr", "inc", "itsm", "jira", "mr", "ops", "order", "pt", "req", "rfc",
    "ritm", "sr", "task", "ticket", "tkt", "wo", "wartung",
];

struct Block {
    first: u32,
    size: u32,
    length: f32,
}

impl Block {
    /// The features of one block, each once, together as long as the block is.
    fn vector(&self, marks: &BTreeSet<String>) -> Vec<(u32, f32)> {
        let places: BTreeSet<u32> =
            marks.iter().map(|mark| self.first + hash(mark) % self.size).collect();
        let value = self.length / (places.len() as f32).sqrt();
        places.into_iter().map(|place| (place, value)).collect()
    }
}

/// FNV-1a (Fowler, Noll, Vo), its high bits folded in.
fn hash(text: &str) -> u32 {
    const OFFSET: u32 = 0x811c_9dc5;
    const PRIME: u32 = 0x0100_0193;
    let mixed =
        text.bytes().fold(OFFSET, |hash, byte| (hash ^ u32::from(byte)).wrapping_mul(PRIME));
    mixed ^ (mixed >> 15)
}

/// The features of an incident in ascending order, with their values.
pub fn outcome_features(incident: &Incident) -> Vec<(u32, f32)> {
    let raws = &incident.evidence[incident.evidence.len().saturating_sub(MOST_LINES)..];
    let lines: Vec<Vec<String>> = raws.iter().map(|line| words(&by_device(&line.raw))).collect();
    let plain = |word: &&String| word.chars().all(char::is_alphabetic);
    let all: BTreeSet<String> = lines.iter().flatten().cloned().collect();
    let parts = all.iter().filter(plain).flat_map(|word| runs(word)).collect();
    [
        WORDS.vector(&all),
        PARTS.vector(&parts),
        MEANINGS.vector(&meanings(&lines)),
        AROUND.vector(&around(incident, raws, &all)),
    ]
    .concat()
}

fn runs(word: &str) -> Vec<String> {
    let padded: Vec<char> = format!(" {word} ").chars().collect();
    RUNS.flat_map(|length| padded.windows(length).map(String::from_iter).collect::<Vec<_>>())
        .collect()
}

/// What a line means: each concept, pairs that stand together, and those that nothing denies.
fn said(words: &[String]) -> BTreeSet<String> {
    let at =
        |(at, word): (usize, &String)| concepts(word).map(move |it| (at, it)).collect::<Vec<_>>();
    let found: Vec<(usize, &str)> = words.iter().enumerate().flat_map(at).collect();
    let mut said = BTreeSet::new();
    for (here, one) in &found {
        let near = || {
            let close = |at: usize| at != *here && at.abs_diff(*here) <= REACH;
            found.iter().filter(move |(at, _)| close(*at)).map(|(_, other)| *other)
        };
        said.extend(near().filter(|other| other != one).map(|other| format!("{one}~{other}")));
        if !near().any(|other| matches!(other, "not" | "fail")) {
            said.insert(format!("{one}!"));
        }
        said.insert((*one).to_owned());
    }
    said
}

/// What any line means, the first, the last, and all of them.
fn meanings(lines: &[Vec<String>]) -> BTreeSet<String> {
    let said: Vec<BTreeSet<String>> = lines.iter().map(|line| said(line)).collect();
    let mut marks = BTreeSet::new();
    let mut add = |place: &str, line: &BTreeSet<String>| {
        marks.extend(line.iter().map(|mark| format!("{place} {mark}")));
    };
    said.iter().for_each(|line| add("any", line));
    said.first().into_iter().for_each(|line| add("first", line));
    said.last().into_iter().for_each(|line| add("last", line));
    let shared =
        said.iter().skip(1).fold(said.first().cloned().unwrap_or_default(), |all, line| {
            all.intersection(line).cloned().collect()
        });
    add("all", &shared);
    marks
}

/// Class, number of different lines, and whose addresses and which tickets they name.
fn around(
    incident: &Incident,
    raws: &[EvidenceLine],
    words: &BTreeSet<String>,
) -> BTreeSet<String> {
    let different: BTreeSet<&str> = raws.iter().map(|line| line.raw.as_str()).collect();
    let class = incident.threat_class.map_or("none", |class| class.as_str());
    let named = raws.iter().flat_map(|line| addresses(&line.raw));
    let of_entities = incident.entities.iter().filter_map(|entity| entity.value.parse().ok());
    let mut marks = BTreeSet::from([
        format!("class {class}"),
        format!("lines {}", different.len().min(MANY_LINES)),
    ]);
    for address in named.chain(of_entities) {
        marks.insert(if is_own(address) { "inside" } else { "outside" }.to_owned());
    }
    for mark in ["inside", "outside"] {
        if !marks.contains(mark) {
            marks.insert(format!("not {mark}"));
        }
    }
    marks.insert(format!("ticket {}", words.contains(TICKET)));
    marks
}

fn addresses(line: &str) -> impl Iterator<Item = IpAddr> {
    line.split(|c: char| !c.is_ascii_hexdigit() && c != '.' && c != ':')
        // Without a digit it is a word with colons.
        .filter(|part| part.contains(|c: char| c.is_ascii_digit()))
        .filter_map(|part| part.trim_matches(['.', ':']).parse().ok())
}

/// Stands for the number of a change or a ticket.
const TICKET: &str = "#ticket";

/// The words of a text in lower case, those that are written together apart; of numbers only zero.
fn words(text: &str) -> Vec<String> {
    let mut words: Vec<String> = Vec::new();
    // Whether the last word may be the beginning of a ticket's number.
    let mut prefix = false;
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let kind = Kind::of(first);
        let end = end_of(rest, kind);
        let (word, after) = rest.split_at(end);
        rest = after;
        match kind {
            Kind::Letters => {
                words.push(word.to_lowercase());
                prefix = TICKETS.contains(&words[words.len() - 1].as_str());
            }
            Kind::Digits if prefix && word.len() > 1 => words.push(TICKET.to_owned()),
            Kind::Digits if word == "0" && stands_alone(text, rest) => words.push("0".to_owned()),
            Kind::Digits => prefix = false,
            Kind::Other => prefix &= word.chars().all(|c| "-_ #:".contains(c)),
        }
        if words.len() >= MOST_WORDS {
            break;
        }
    }
    words
}

/// Whether the digit before the rest of a text is a number, no part of an address, a date or a version.
fn stands_alone(text: &str, rest: &str) -> bool {
    let before = &text[..text.len() - rest.len() - 1];
    !before.ends_with(['.', '-', '/']) && !rest.starts_with(['.', ':', '-', '/'])
}

#[derive(Clone, Copy, PartialEq)]
enum Kind {
    Letters,
    Digits,
    Other,
}

impl Kind {
    fn of(letter: char) -> Self {
        match letter {
            _ if letter.is_alphabetic() => Self::Letters,
            _ if letter.is_ascii_digit() => Self::Digits,
            _ => Self::Other,
        }
    }
}

/// Where the run of one kind ends; words also end where a capital follows a small letter.
fn end_of(text: &str, kind: Kind) -> usize {
    let mut before = None::<char>;
    for (at, letter) in text.char_indices() {
        let joint = before.is_some_and(char::is_lowercase) && letter.is_uppercase();
        if Kind::of(letter) != kind || joint {
            return at;
        }
        before = Some(letter);
    }
    text.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn incident(raws: &[&str]) -> Incident {
        let line =
            |raw: &&str| EvidenceLine { event_id: None, raw: (*raw).to_owned(), start: 0, end: 0 };
        Incident { evidence: raws.iter().map(line).collect(), ..Incident::default() }
    }

    #[test]
    fn words_stand_apart() {
        for (text, expected) in [
            ("ActionName=Removed", &["action", "name", "removed"][..]),
            ("see CHG-20417, 0 failed of 17", &["see", "chg", TICKET, "0", "failed", "of"]),
            ("case 7", &["case"]),
            ("Größe überschritten", &["größe", "überschritten"]),
        ] {
            assert_eq!(words(text), expected, "{text}");
        }
    }

    #[test]
    fn denial_is_told_from_what_it_denies() {
        let said = |text: &str| said(&words(text));
        assert!(said("threat was quarantined").contains("stop!"));
        assert!(!said("threat was not quarantined").contains("stop!"));
        assert!(said("quarantine failed").contains("stop~fail"));
    }

    #[test]
    fn values_that_differ_change_nothing() {
        let of = |address: &str, port: u32| {
            let line =
                format!("gw sshd[{port}]: Failed password for root from {address} port {port}");
            outcome_features(&incident(&[&line]))
        };
        assert_eq!(of("203.0.113.9", 4011), of("198.51.100.77", 50122));
        assert_ne!(of("203.0.113.9", 4011), of("192.168.0.9", 4011));
        assert!(
            outcome_features(&incident(&[]))
                .iter()
                .all(|(at, value)| { *at < OUTCOME_FEATURES && value.is_finite() })
        );
    }
}
