//! What kind of events a question is about, told by all its words: a linear model over hashed words and
//! runs of characters. It speaks where no known phrase does, and against one that names another kind.

use std::sync::OnceLock;

use vedette_event::query::{Operator, Predicate};

use crate::incident::{category, facet};
use crate::shape::{all, text};

/// The kinds of events there are: ECS `event.category`, and look-ups of names, which ECS counts among
/// network events.
pub const KINDS: [&str; 13] = [
    "process",
    "file",
    "registry",
    "network",
    "dns",
    "web",
    "authentication",
    "iam",
    "configuration",
    "library",
    "driver",
    "email",
    "malware",
];

/// Features of each of the two blocks.
const BLOCK: u32 = 1 << 14;

/// All features.
pub const FEATURES: u32 = 2 * BLOCK;

/// Shortest and longest run of characters that is a feature.
const RUNS: std::ops::RangeInclusive<usize> = 3..=5;

/// Bytes of a question that are looked at; rules' descriptions say it in the first sentences.
const MOST_BYTES: usize = 2 * 1024;

/// Length of the words' and the runs' part of a question's vector (their squares sum to 1).
const WORDS_SHARE: f32 = 0.8;
const RUNS_SHARE: f32 = 0.6;

/// From here on the model is believed. On held-out questions it was right nine times out of ten where
/// it disagreed with a phrase (docs/MODELS.md).
const SURE: f32 = 0.4;

/// Words that say who, when, how many and how things join, but not what happened: the same question
/// about another account or day is about the same events.
const BESIDE: [&str; 48] = [
    "a",
    "after",
    "all",
    "an",
    "and",
    "any",
    "at",
    "before",
    "by",
    "day",
    "days",
    "every",
    "except",
    "excluding",
    "for",
    "from",
    "hour",
    "hours",
    "in",
    "is",
    "last",
    "least",
    "less",
    "minute",
    "minutes",
    "month",
    "more",
    "no",
    "not",
    "of",
    "on",
    "one",
    "only",
    "or",
    "over",
    "past",
    "same",
    "since",
    "than",
    "that",
    "the",
    "this",
    "times",
    "to",
    "today",
    "week",
    "with",
    "yesterday",
];

/// What was trained (`vedette-train questions`).
const WEIGHTS: &[u8] = include_bytes!("../../../../models/bundles/questions/weights.bin");

/// A kind of events, and how likely a question is about it.
#[derive(Clone, Debug, PartialEq)]
pub struct Subject {
    /// One of [`KINDS`].
    pub kind: &'static str,
    /// Between 0 and 1.
    pub probability: f32,
}

impl Subject {
    /// A subject by the name of its kind; none where that is not one of [`KINDS`].
    pub fn new(kind: &str, probability: f32) -> Option<Self> {
        KINDS.iter().find(|known| **known == kind).map(|kind| Self { kind, probability })
    }

    /// Whether a filter asks for this kind of events, or for none.
    pub(super) fn agrees(&self, filter: &Predicate) -> bool {
        let dns = facet(filter, "network.protocol") == Some("dns");
        let kind = if dns { Some("dns") } else { category(filter) };
        kind.is_none_or(|kind| kind == self.kind)
    }

    /// The field in which a text that stands alone would be found.
    pub(super) fn text_field(&self) -> &'static str {
        match self.kind {
            "process" | "driver" => "process.command_line",
            "file" | "library" => "file.path",
            "registry" => "registry.path",
            "dns" => "dns.question.name",
            "web" => "url.original",
            "email" => "email.subject",
            "iam" | "configuration" => "event.action",
            _ => "message",
        }
    }

    /// Whether it is to be believed where a known phrase names another kind.
    pub(super) fn is_sure(&self) -> bool {
        self.probability >= SURE
    }

    /// What it asks of a line.
    pub(super) fn filter(&self) -> Predicate {
        let is = |field: &str, value: &str| text(field, Operator::Equal, value);
        match self.kind {
            "process" => all(vec![is("event.category", "process"), is("event.type", "start")]),
            "dns" => all(vec![is("event.category", "network"), is("network.protocol", "dns")]),
            kind => is("event.category", kind),
        }
    }
}

/// The likeliest kind of events for a question; none where it has no words.
pub fn subject(question: &str) -> Option<Subject> {
    let vector = features(question);
    if vector.is_empty() {
        return None;
    }
    let model = model()?;
    let mut scores = model.bias.clone();
    for (feature, value) in vector {
        let row = model.weights.get(feature as usize * scores.len()..)?;
        for ((score, weight), scale) in scores.iter_mut().zip(row).zip(&model.scales) {
            *score += value * f32::from(weight.cast_signed()) * scale;
        }
    }
    let most = scores.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let total: f32 = scores.iter().map(|score| (score - most).exp()).sum();
    let best = scores.iter().position(|score| score.total_cmp(&most).is_eq())?;
    Subject::new(model.kinds.get(best)?, 1.0 / total)
}

/// A question as a sparse vector of length 1: features in ascending order with their values.
pub fn features(question: &str) -> Vec<(u32, f32)> {
    let [words, runs] = counts(question);
    let scaled = |block: Vec<(u32, u32)>, length: f32| {
        let norm = block.iter().map(|(_, count)| (*count as f32).powi(2)).sum::<f32>().sqrt();
        block.into_iter().map(move |(feature, count)| (feature, count as f32 * length / norm))
    };
    scaled(words, WORDS_SHARE).chain(scaled(runs, RUNS_SHARE)).collect()
}

/// How often each feature occurs: words and pairs of them, and runs of characters.
pub fn counts(question: &str) -> [Vec<(u32, u32)>; 2] {
    let end = question.floor_char_boundary(MOST_BYTES);
    let lower = question[..end].to_lowercase();
    // What has a digit or stands in quotes is a value, of which any other could stand there.
    let unquoted = lower.split('"').step_by(2).flat_map(str::split_whitespace);
    let words: Vec<&str> = unquoted
        .filter(|token| !token.contains(|c: char| c.is_ascii_digit()))
        .flat_map(|token| token.split(|c: char| !c.is_alphanumeric()))
        .filter(|word| !word.is_empty())
        .filter(|word| BESIDE.binary_search(word).is_err())
        .collect();
    let mut said: Vec<u32> = words.iter().map(|word| hash(&[word])).collect();
    said.extend(words.windows(2).map(hash));
    let mut runs = Vec::new();
    for word in &words {
        let padded = format!(" {word} ");
        let letters: Vec<(usize, char)> = padded.char_indices().collect();
        for length in RUNS {
            runs.extend(letters.windows(length).map(|run| {
                let last = run[length - 1];
                hash(&[&padded[run[0].0..last.0 + last.1.len_utf8()]])
            }));
        }
    }
    [block(said, 0), block(runs, BLOCK)]
}

/// Counts of hashed features.
fn block(mut hashes: Vec<u32>, first: u32) -> Vec<(u32, u32)> {
    hashes.iter_mut().for_each(|hash| *hash = first + *hash % BLOCK);
    hashes.sort_unstable();
    let count = |run: &[u32]| (run[0], u32::try_from(run.len()).unwrap_or(u32::MAX));
    hashes.chunk_by(|left, right| left == right).map(count).collect()
}

/// FNV-1a (Fowler, Noll, Vo), a blank between the parts, its high bits folded in.
fn hash(parts: &[&str]) -> u32 {
    const OFFSET: u32 = 0x811c_9dc5;
    const PRIME: u32 = 0x0100_0193;
    let bytes = parts.iter().flat_map(|part| part.bytes().chain(std::iter::once(b' ')));
    let mixed = bytes.fold(OFFSET, |hash, byte| (hash ^ u32::from(byte)).wrapping_mul(PRIME));
    mixed ^ (mixed >> 15)
}

/// The weights: for each feature a row of one small number to each kind.
struct Model {
    kinds: Vec<&'static str>,
    bias: Vec<f32>,
    /// What a kind's weights are multiplied by.
    scales: Vec<f32>,
    weights: &'static [u8],
}

/// The shipped weights; `None` where the file is not whole, which a test rules out.
fn model() -> Option<&'static Model> {
    static MODEL: OnceLock<Option<Model>> = OnceLock::new();
    MODEL.get_or_init(|| parse(WEIGHTS)).as_ref()
}

/// Reads what [`written`] writes.
fn parse(bytes: &'static [u8]) -> Option<Model> {
    let (names, rest) = bytes.split_at_checked(bytes.iter().position(|byte| *byte == b'\n')?)?;
    let kinds: Vec<&str> = std::str::from_utf8(names).ok()?.split(' ').collect();
    let (numbers, weights) = rest.get(1..)?.split_at_checked(kinds.len() * 8)?;
    let float = |bytes: &[u8]| bytes.try_into().ok().map(f32::from_le_bytes);
    let floats: Vec<f32> = numbers.chunks_exact(4).filter_map(float).collect();
    let (bias, scales) = floats.split_at(kinds.len());
    let whole = weights.len() == kinds.len() * FEATURES as usize;
    whole.then(|| Model { bias: bias.to_vec(), scales: scales.to_vec(), kinds, weights })
}

/// The file of a model: the kinds' names, a bias and a scale to each, and the weights in steps of it.
/// `weights` has a row of one weight to each kind for each feature.
pub fn written(kinds: &[&str], bias: &[f32], weights: &[f32]) -> Vec<u8> {
    let columns = 0..kinds.len();
    let column = |at: usize| weights.iter().skip(at).step_by(kinds.len());
    let most = |at: usize| column(at).fold(f32::MIN_POSITIVE, |most, one| most.max(one.abs()));
    let scales: Vec<f32> = columns.map(|at| most(at) / f32::from(i8::MAX)).collect();
    let mut bytes = kinds.join(" ").into_bytes();
    bytes.push(b'\n');
    bytes.extend(bias.iter().chain(&scales).flat_map(|number| number.to_le_bytes()));
    let steps = weights.iter().zip(scales.iter().cycle());
    #[expect(clippy::cast_possible_truncation, reason = "a share of the largest fits")]
    bytes.extend(steps.map(|(weight, scale)| ((weight / scale).round() as i8).cast_unsigned()));
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_questions_are_about_what_they_say() {
        for (question, kind) in [
            ("encoded commands run by winword", "process"),
            ("a new value under a Run key of the registry", "registry"),
            ("requests with a scanner's user agent in the web server's log", "web"),
            ("accounts that signed in from another country", "authentication"),
            ("a file written to the startup folder", "file"),
            ("phishing mails with an attachment", "email"),
        ] {
            assert_eq!(subject(question).unwrap().kind, kind, "{question}");
        }
        assert_eq!(subject(" ?! 22 "), None);
    }

    #[test]
    fn a_vector_has_length_one_and_knows_no_case() {
        let vector = features("Encoded PowerShell, encoded commands");
        let length: f32 = vector.iter().map(|(_, value)| value * value).sum();
        assert!((length - 1.0).abs() < 1e-5);
        assert!(vector.windows(2).all(|pair| pair[0].0 < pair[1].0));
        assert_eq!(vector, features("encoded powershell encoded COMMANDS"));
        assert!(BESIDE.is_sorted());
        let asked = "logons from 203.0.113.9 of \"alice\" in the last 2 hours";
        let other = "logons not from 203.0.113.10 or of \"bob\" since yesterday";
        assert_eq!(features(asked), features(other));
    }

    #[test]
    fn a_cut_file_is_refused() {
        assert!(parse(WEIGHTS).is_some());
        assert!(parse(&WEIGHTS[..WEIGHTS.len() - 1]).is_none());
        assert!(parse(b"no line").is_none());
    }
}
