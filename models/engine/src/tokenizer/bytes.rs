use std::collections::HashMap;
use std::sync::LazyLock;

use regex::Regex;

use super::{Table, damaged};
use crate::EngineError;

/// Longest run merged as one piece, in bytes. Merging costs the square of a piece's length, and log
/// text may be one endless word; what is longer is cut, which changes only where its tokens fall.
const MAX_PIECE_BYTES: usize = 256;

/// Splits a run without digits as GPT-2 does: contractions, words and marks with the blank before
/// them, and blanks. (GPT-2 leaves the last blank before a word to that word; see [`words`].)
static WORD: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"'(?:s|t|re|ve|m|ll|d)| ?\p{L}+| ?[^\s\p{L}\p{N}]+|\s+")
        .expect("the pattern is fixed")
});

/// Pair of tokens to rank and merged token.
type Merges = HashMap<(u32, u32), (u32, u32)>;

/// Byte-level BPE with the `smollm` pre-tokenizer (each digit alone).
pub(super) struct Bytes {
    /// The token of each byte; a few that no text holds (0xff, for one) have none and are left out.
    bytes: [Option<u32>; 256],
    merges: Merges,
}

impl Bytes {
    /// Builds the tokenizer; the text of `table`'s words becomes the bytes they stand for.
    pub(super) fn new(table: &mut Table<'_>, merges: &[&str]) -> Result<Self, EngineError> {
        let alphabet = alphabet();
        let bytes_of: HashMap<char, u8> = alphabet.into_iter().zip(0..=u8::MAX).collect();
        for (id, name) in &table.words {
            let text = &mut table.texts[*id as usize];
            text.clear();
            name.chars().for_each(|letter| spell(&bytes_of, letter, text));
        }
        let by_name: HashMap<&str, u32> =
            table.words.iter().map(|(id, name)| (*name, *id)).collect();
        let bytes =
            alphabet.map(|letter| by_name.get(letter.encode_utf8(&mut [0; 4]) as &str).copied());
        if bytes.iter().all(Option::is_none) {
            return Err(damaged("no byte has a token"));
        }
        Ok(Self { bytes, merges: merge_table(merges, &by_name)? })
    }

    /// Appends the tokens of a text.
    pub(super) fn encode(&self, text: &str, tokens: &mut Vec<u32>) {
        words(text, |word| {
            for piece in word.as_bytes().chunks(MAX_PIECE_BYTES) {
                self.merge(piece, tokens);
            }
        });
    }

    /// Merges the pair of lowest rank, leftmost first, until none is left.
    fn merge(&self, piece: &[u8], tokens: &mut Vec<u32>) {
        let mut parts: Vec<u32> =
            piece.iter().filter_map(|byte| self.bytes[usize::from(*byte)]).collect();
        let ranked = |parts: &[u32]| {
            let pairs = parts.windows(2).enumerate();
            let known = pairs.filter_map(|(at, pair)| {
                self.merges.get(&(pair[0], pair[1])).map(|(rank, merged)| (*rank, at, *merged))
            });
            known.min()
        };
        while let Some((_, at, merged)) = ranked(&parts) {
            parts[at] = merged;
            parts.remove(at + 1);
        }
        tokens.extend(parts);
    }
}

/// Calls back with each piece that is merged by itself: every digit, and the words between.
fn words<'a>(text: &'a str, mut piece: impl FnMut(&'a str)) {
    let mut rest = text;
    while !rest.is_empty() {
        let run = rest.find(char::is_numeric).unwrap_or(rest.len());
        split_run(&rest[..run], &mut piece);
        rest = &rest[run..];
        if let Some(digit) = rest.chars().next() {
            piece(&rest[..digit.len_utf8()]);
            rest = &rest[digit.len_utf8()..];
        }
    }
}

/// Splits a run without digits. Of several blanks before a word the last belongs to what follows.
fn split_run<'a>(run: &'a str, piece: &mut impl FnMut(&'a str)) {
    let mut at = 0;
    while let Some(found) = WORD.find_at(run, at) {
        let word = found.as_str();
        let last = word.char_indices().next_back().map_or(0, |(start, _)| start);
        let blank = word.chars().all(char::is_whitespace);
        let end = if blank && last > 0 && found.end() < run.len() {
            found.start() + last
        } else {
            found.end()
        };
        piece(&run[found.start()..end]);
        at = end;
    }
}

/// GPT-2 writes each byte as a visible letter: printable Latin-1 as itself, the rest from U+0100 on.
fn alphabet() -> [char; 256] {
    let mut next = 0x100u32;
    std::array::from_fn(|byte| {
        let byte = byte as u32;
        let visible = matches!(byte, 0x21..=0x7e | 0xa1..=0xac | 0xae..=0xff);
        let code = if visible {
            byte
        } else {
            next += 1;
            next - 1
        };
        char::from_u32(code).expect("codes below U+0200 are letters")
    })
}

/// Appends the byte that a letter stands for; one of no byte stands for itself.
fn spell(bytes_of: &HashMap<char, u8>, letter: char, text: &mut Vec<u8>) {
    match bytes_of.get(&letter) {
        Some(byte) => text.push(*byte),
        None => text.extend_from_slice(letter.encode_utf8(&mut [0; 4]).as_bytes()),
    }
}

fn merge_table(merges: &[&str], by_name: &HashMap<&str, u32>) -> Result<Merges, EngineError> {
    let mut table = HashMap::with_capacity(merges.len());
    for (rank, merge) in merges.iter().enumerate() {
        let parse = || {
            let (left, right) = merge.split_once(' ')?;
            let merged = *by_name.get(format!("{left}{right}").as_str())?;
            Some(((*by_name.get(left)?, *by_name.get(right)?), merged))
        };
        let (pair, merged) = parse().ok_or_else(|| damaged("a merge names no token"))?;
        let rank = u32::try_from(rank).map_err(|_| damaged("too many merges"))?;
        table.entry(pair).or_insert((rank, merged));
    }
    Ok(table)
}
