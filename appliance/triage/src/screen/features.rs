//! A line as hashed features: words, pairs of words, values under their keys, and short runs of
//! characters. Values that vary (addresses, times, ids, hashes) are folded first, so that a line
//! gives the same features tomorrow.

use crate::clean;

/// Longest text that is looked at, in bytes: past it, audit events of cloud services only repeat
/// themselves, and the time for a line stays bounded.
pub const MAX_TEXT: usize = 6 * 1024;

/// Shortest and longest run of characters that is a feature.
const GRAMS: std::ops::RangeInclusive<usize> = 3..=5;

/// Words after a key that still count as its value.
const VALUE_WORDS: u8 = 4;

/// Longest word: what is longer is no word of any language or product.
const WORD_CAP: usize = 32;

/// Features of one kind; each block is normalised by itself, so that many characters never drown
/// few words.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Block {
    /// Words, pairs of words, values under keys.
    Words,
    /// Runs of characters.
    Grams,
}

impl Block {
    /// How many blocks there are.
    pub const COUNT: usize = 2;

    /// The length of the block's part of a line's feature vector (the squares sum to 1).
    pub fn share(self) -> f32 {
        match self {
            Self::Words => 0.8,
            Self::Grams => 0.6,
        }
    }
}

/// The features of a line with their counts.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FeatureBag {
    words: Vec<(u32, u32)>,
    grams: Vec<(u32, u32)>,
}

/// A line as far as its features need it: its words, and the folded text whose runs of characters are
/// the rest.
#[derive(Clone, Debug)]
pub(super) struct Folded {
    /// Distinct hashes of words in ascending order with their counts.
    pub(super) words: Vec<(u32, u32)>,
    pub(super) text: Vec<u8>,
}

impl Folded {
    pub(super) fn of(text: &str) -> Self {
        let text = &text[..text.floor_char_boundary(MAX_TEXT)];
        let cleaned = clean::clean(without_priority(text)).text;
        let decoded = if cleaned.contains('%') { percent_decoded(&cleaned) } else { cleaned };
        let mut scan = Scan::default();
        scan.run(&decoded);
        Self { words: counted(scan.words), text: scan.folded }
    }

    /// Distinct hashes of runs of characters in ascending order with their counts.
    pub(super) fn grams(&self) -> Vec<(u32, u32)> {
        let mut grams = Vec::with_capacity(self.text.len() * 3);
        for chunk in self.text.split(|byte| *byte == b' ') {
            push_grams(chunk, &mut grams);
        }
        counted(grams)
    }
}

impl FeatureBag {
    /// Reads a line.
    pub fn of(text: &str) -> Self {
        let folded = Folded::of(text);
        Self { grams: folded.grams(), words: folded.words }
    }

    /// The blocks, each as distinct hashes in ascending order with their counts.
    pub fn blocks(&self) -> [(Block, &[(u32, u32)]); Block::COUNT] {
        [(Block::Words, &self.words), (Block::Grams, &self.grams)]
    }
}

/// The line without a syslog `<PRI>`: it is the sender's opinion, and often a relay's.
pub(crate) fn without_priority(text: &str) -> &str {
    let rest = text.strip_prefix('<').and_then(|rest| rest.split_once('>'));
    match rest {
        Some((digits, rest))
            if digits.len() <= 3 && digits.bytes().all(|byte| byte.is_ascii_digit()) =>
        {
            rest
        }
        _ => text,
    }
}

/// Percent-encoded printable ASCII becomes what it stands for (twice over, as attackers do it), `+`
/// stays: attacks are spelt in many ways and mean one thing.
pub(crate) fn percent_decoded(text: &str) -> String {
    let once = percent_decoded_once(text);
    if once.contains('%') && once.len() != text.len() { percent_decoded_once(&once) } else { once }
}

fn percent_decoded_once(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut parts = text.split('%');
    out.push_str(parts.next().unwrap_or(""));
    for part in parts {
        let byte = part.get(..2).and_then(|hex| u8::from_str_radix(hex, 16).ok());
        match byte {
            Some(byte @ 0x20..=0x7e) => {
                out.push(char::from(byte));
                out.push_str(&part[2..]);
            }
            _ => {
                out.push('%');
                out.push_str(part);
            }
        }
    }
    out
}

/// One pass over the text: words into hashes, the folded text for the runs of characters.
#[derive(Default)]
struct Scan {
    words: Vec<u32>,
    folded: Vec<u8>,
    previous: Option<u32>,
    key: Option<u32>,
    values: u8,
}

/// What kind of feature a hash of words is, so that a word never meets a pair.
#[derive(Clone, Copy)]
enum Seed {
    Word = 1,
    Pair = 2,
    Value = 3,
    Compound = 4,
    Gram = 5,
}

impl Scan {
    fn run(&mut self, text: &str) {
        let mut rest = text;
        let mut before = "";
        while !rest.is_empty() {
            let (word, tail) = rest.split_at(run_length(rest, true));
            let (after, tail) = tail.split_at(run_length(tail, false));
            if !word.is_empty() {
                self.run_of(word, before, after);
            }
            self.separator(after);
            before = after;
            rest = tail;
        }
    }

    /// A run of letters and digits between `before` and `after`.
    fn run_of(&mut self, run: &str, before: &str, after: &str) {
        match Run::of(run) {
            Run::Number => {
                self.folded.push(b'0');
                if is_code(run, before, after) {
                    self.word(run);
                }
            }
            Run::Opaque => self.folded.push(b'#'),
            Run::Text => {
                self.fold(run);
                self.pieces(run);
            }
        }
    }

    /// The lower-case text with each run of digits made one `0`.
    fn fold(&mut self, run: &str) {
        if run.is_ascii() {
            for byte in run.bytes() {
                if !byte.is_ascii_digit() {
                    self.folded.push(byte.to_ascii_lowercase());
                } else if self.folded.last() != Some(&b'0') {
                    self.folded.push(b'0');
                }
            }
            return;
        }
        for character in run.chars().flat_map(char::to_lowercase) {
            if !character.is_ascii_digit() {
                let mut buffer = [0; 4];
                self.folded.extend(character.encode_utf8(&mut buffer).as_bytes());
            } else if self.folded.last() != Some(&b'0') {
                self.folded.push(b'0');
            }
        }
    }

    /// `DeleteTrail` is two words and a name.
    fn pieces(&mut self, run: &str) {
        if run.bytes().all(|byte| byte.is_ascii_lowercase()) {
            return self.word(run);
        }
        let mut start = 0;
        let mut count = 0;
        let mut last = Class::Lower;
        for (at, character) in run.char_indices() {
            let class = Class::of(character);
            let next_lower =
                run[at..].chars().nth(1).is_some_and(|next| Class::of(next) == Class::Lower);
            let turn = class != last && !(last == Class::Upper && class == Class::Lower)
                || (class == Class::Upper && last == Class::Upper && next_lower);
            if at > start && turn {
                self.word(&run[start..at]);
                start = at;
                count += 1;
            }
            last = class;
        }
        self.word(&run[start..]);
        if count > 0 {
            let compound = hash_lower(Seed::Compound, run);
            self.words.push(compound);
        }
    }

    fn word(&mut self, word: &str) {
        if word.len() > WORD_CAP {
            return;
        }
        let hash = hash_lower(Seed::Word, word);
        self.words.push(hash);
        if let Some(previous) = self.previous {
            self.words.push(joined(Seed::Pair, previous, hash));
        }
        self.previous = Some(hash);
        if let Some(key) = self.key.filter(|_| self.values > 0) {
            self.words.push(joined(Seed::Value, key, hash));
            self.values -= 1;
        }
    }

    /// What stands between runs: folded, and read for `key=`, `"key":` and their ends.
    fn separator(&mut self, text: &str) {
        for character in text.chars() {
            if character.is_ascii_graphic() {
                self.folded.push(character as u8);
            } else if character.is_whitespace() {
                if self.folded.last() != Some(&b' ') {
                    self.folded.push(b' ');
                }
            } else {
                let mut buffer = [0; 4];
                self.folded.extend(character.encode_utf8(&mut buffer).as_bytes());
            }
        }
        if text.len() <= 8 && (text.contains('=') || text.contains("\":")) {
            self.key = self.previous;
            self.values = VALUE_WORDS;
        } else if text.contains(['"', ',', ';', '}', '&', '|']) {
            self.key = None;
        }
    }
}

/// Length of the run of letters and digits, or of anything else, that a text begins with.
fn run_length(text: &str, alphanumeric: bool) -> usize {
    let bytes = text.as_bytes();
    let mut at = 0;
    while let Some(byte) = bytes.get(at) {
        let (is_alphanumeric, length) = if byte.is_ascii() {
            (byte.is_ascii_alphanumeric(), 1)
        } else {
            let letter = text[at..].chars().next().expect("a character begins here");
            (letter.is_alphanumeric(), letter.len_utf8())
        };
        if is_alphanumeric != alphanumeric {
            break;
        }
        at += length;
    }
    at
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Class {
    Lower,
    Upper,
    Digit,
}

impl Class {
    fn of(character: char) -> Self {
        match character {
            _ if character.is_numeric() => Self::Digit,
            _ if character.is_uppercase() => Self::Upper,
            _ => Self::Lower,
        }
    }
}

enum Run {
    Number,
    /// Looks drawn by chance: an id, a hash, a key.
    Opaque,
    Text,
}

impl Run {
    fn of(run: &str) -> Self {
        let digits = run.bytes().filter(u8::is_ascii_digit).count();
        let letters = run.len() - digits;
        match () {
            () if letters == 0 => Self::Number,
            () if run.len() > WORD_CAP => Self::Opaque,
            () if run.len() >= 6 && digits >= 2 && digits * 4 >= run.len() => Self::Opaque,
            () if digits > 0 && run.bytes().all(|byte| byte.is_ascii_hexdigit()) => Self::Opaque,
            () => Self::Text,
        }
    }
}

/// Whether a number says what happened (a status, an event id, a port), not when or how much: two to
/// five digits, no part of an address, a time, a date or a process id.
fn is_code(run: &str, before: &str, after: &str) -> bool {
    let joins = ['.', '-', '/', '['];
    (2..=5).contains(&run.len())
        && !before.ends_with(joins)
        && before != ":"
        && !after.starts_with(['-', '/', ':', ']'])
        && after != "."
}

/// Adds every run of [`GRAMS`] characters of a chunk between spaces, its borders included.
fn push_grams(chunk: &[u8], grams: &mut Vec<u32>) {
    if chunk.is_empty() {
        return;
    }
    let byte = |at: usize| if at == 0 || at > chunk.len() { b' ' } else { chunk[at - 1] };
    let length = chunk.len() + 2;
    for start in 0..length {
        let mut state = begin(Seed::Gram);
        for size in 1..=*GRAMS.end() {
            if start + size > length {
                break;
            }
            state = step(state, byte(start + size - 1));
            if GRAMS.contains(&size) {
                grams.push(finish(state));
            }
        }
    }
}

/// Distinct hashes in ascending order with their counts.
fn counted(mut hashes: Vec<u32>) -> Vec<(u32, u32)> {
    hashes.sort_unstable();
    let mut counts: Vec<(u32, u32)> = Vec::with_capacity(hashes.len());
    for hash in hashes {
        match counts.last_mut() {
            Some((last, count)) if *last == hash => *count += 1,
            _ => counts.push((hash, 1)),
        }
    }
    counts
}

/// FNV-1a over 64 bits, folded to 32 at the end.
fn begin(seed: Seed) -> u64 {
    step(0xCBF2_9CE4_8422_2325, seed as u8)
}

fn step(state: u64, byte: u8) -> u64 {
    (state ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01B3)
}

fn finish(state: u64) -> u32 {
    let mixed = (state ^ (state >> 29)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    (mixed >> 32) as u32
}

fn hash_lower(seed: Seed, text: &str) -> u32 {
    if text.is_ascii() {
        let lower = text.bytes().map(|byte| byte.to_ascii_lowercase());
        return finish(lower.fold(begin(seed), step));
    }
    let mut state = begin(seed);
    for character in text.chars().flat_map(char::to_lowercase) {
        let mut buffer = [0; 4];
        for byte in character.encode_utf8(&mut buffer).bytes() {
            state = step(state, byte);
        }
    }
    finish(state)
}

fn joined(seed: Seed, first: u32, second: u32) -> u32 {
    let bytes = first.to_le_bytes().into_iter().chain(second.to_le_bytes());
    finish(bytes.fold(begin(seed), step))
}
