//! What a search asks of a block before it is read: could it hold a line like this?
//!
//! Two sets of bits, each of which may say yes wrongly and never says no wrongly: one of the values of
//! fields (a Bloom filter, 1970), one of the three-byte pieces of the raw lines. The hash is written
//! out here because its values are kept on the disk.

use std::borrow::Cow;

use super::{Block, Cursor, Damaged, varint};

/// Bits a value takes: with three probes about three blocks in a hundred are read in vain.
const BITS_PER_VALUE: usize = 8;

const PROBES: u64 = 3;

/// Bits of the pieces of text: about half of them are set by half a megabyte of mixed lines.
const PIECE_BITS: usize = 1 << 15;

/// Ends of names of fields whose values hardly come twice: nobody looks for one alone, and each would
/// take its bits.
const UNFILTERED: [&str; 6] = [".port", ".pid", ".bytes", ".packets", ".duration", ".sequence"];

/// What a line must have left in the filter of its block.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Trace {
    /// This field, whatever its value.
    Field(String),
    /// This field with this value, in lower case.
    Value(String, String),
    /// This text in the raw line or its message, in lower case.
    Text(String),
}

/// The filter of one block.
#[derive(Debug, PartialEq)]
pub(crate) struct Filter {
    values: Vec<u8>,
    pieces: Vec<u8>,
}

impl Filter {
    pub(crate) fn of(block: &Block) -> Self {
        let mut hashes = Hashes::default();
        let mut pieces = Pieces::default();
        for kind in block.kinds() {
            let header = [
                ("log.syslog.hostname", &kind.host),
                ("log.syslog.appname", &kind.app),
                ("log.syslog.msgid", &kind.msg_id),
                ("event.dataset", &kind.dataset),
            ];
            for (name, value) in header {
                if let Some(value) = value {
                    hashes.add_value(name_hash(name), value);
                }
            }
            kind.names.iter().for_each(|name| hashes.add(field_hash(name)));
        }
        // What many lines have in common is hashed once.
        let filtered =
            |(place, name): (usize, &String)| filters(name).then(|| (place, name_hash(name)));
        let names: Vec<Vec<(usize, u64)>> = block
            .kinds()
            .iter()
            .map(|kind| kind.names.iter().enumerate().filter_map(filtered).collect())
            .collect();
        for row in 0..block.len() {
            for (place, name) in &names[block.kind_of(row)] {
                hashes.add_value(*name, &block.field(row, *place));
            }
            pieces.add_row(block, row);
        }
        let hashes = hashes.sorted();
        let mut values = vec![0; (hashes.len() * BITS_PER_VALUE).div_ceil(8).max(1)];
        for hash in hashes {
            probes(hash, values.len() * 8).for_each(|bit| values[bit / 8] |= 1 << (bit % 8));
        }
        Self { values, pieces: pieces.bits() }
    }

    /// Whether a line of the block may have left this trace.
    pub(crate) fn may_hold(&self, trace: &Trace) -> bool {
        match trace {
            Trace::Field(name) => self.has(field_hash(name)),
            Trace::Value(name, value) => !filters(name) || self.has(value_hash(name, value)),
            Trace::Text(text) => text
                .as_bytes()
                .windows(3)
                .all(|piece| self.pieces[piece_bit(piece) / 8] >> (piece_bit(piece) % 8) & 1 == 1),
        }
    }

    fn has(&self, hash: u64) -> bool {
        probes(hash, self.values.len() * 8).all(|bit| self.values[bit / 8] >> (bit % 8) & 1 == 1)
    }

    pub(crate) fn write(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(self.values.len() + self.pieces.len() + 8);
        varint::put_bytes(&mut out, &self.values);
        varint::put_bytes(&mut out, &self.pieces);
        out
    }

    pub(crate) fn read(bytes: &[u8]) -> Result<Self, Damaged> {
        let mut cursor = Cursor::new(bytes);
        let filter = Self { values: cursor.bytes()?.to_vec(), pieces: cursor.bytes()?.to_vec() };
        match filter.values.is_empty() || filter.pieces.len() != PIECE_BITS / 8 {
            true => Err(cursor.damaged()),
            false => Ok(filter),
        }
    }
}

fn filters(name: &str) -> bool {
    !UNFILTERED.iter().any(|end| name.ends_with(end))
}

/// Longer texts are no numbers of 64 bits, unless they are mostly spaces and zeros; those are looked for
/// by nobody.
const LONGEST_NUMBER: usize = 40;

/// Hashes remembered by their low bits, so that most of those that come again are left out at once.
const RECENT: usize = 1 << 10;

/// The hashes of a block.
struct Hashes {
    all: Vec<u64>,
    recent: Box<[u64; RECENT]>,
}

impl Default for Hashes {
    fn default() -> Self {
        Self { all: Vec::new(), recent: Box::new([0; RECENT]) }
    }
}

impl Hashes {
    fn add(&mut self, hash: u64) {
        let recent = &mut self.recent[hash as usize % RECENT];
        // Zero stands for none, and is kept each time.
        if *recent != hash || hash == 0 {
            *recent = hash;
            self.all.push(hash);
        }
    }

    /// A number also in its plain form, as ` 022 ` is found by 22.
    fn add_value(&mut self, name: u64, value: &str) {
        let value = lower(value);
        self.add(finish(fnv(name, value.as_bytes())));
        let digits = || value.bytes().any(|byte| byte.is_ascii_digit());
        if value.len() <= LONGEST_NUMBER
            && !is_plain(&value)
            && digits()
            && let Some(plain) = value.trim().parse::<i64>().ok().map(|number| number.to_string())
            && plain != value
        {
            self.add(finish(fnv(name, plain.as_bytes())));
        }
    }

    /// Each once.
    fn sorted(self) -> Vec<u64> {
        let mut all = self.all;
        all.sort_unstable();
        all.dedup();
        all
    }
}

/// Whether a text is a number as one writes it, which most numbers are.
fn is_plain(text: &str) -> bool {
    !text.starts_with('0') && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// Which three-byte pieces occur: a byte for each until all are known, since setting one bit among
/// others has to wait for the bit set before.
struct Pieces {
    occurs: Box<[u8; PIECE_BITS]>,
    /// A text in lower case.
    lower: Vec<u8>,
}

impl Default for Pieces {
    fn default() -> Self {
        Self { occurs: Box::new([0; PIECE_BITS]), lower: Vec::new() }
    }
}

impl Pieces {
    fn add_row(&mut self, block: &Block, row: usize) {
        let raw = block.raw(row);
        let own_message = block.kinds()[block.kind_of(row)].own_message;
        if raw.is_ascii() {
            self.add(raw);
        } else {
            self.add(String::from_utf8_lossy(raw).to_lowercase().as_bytes());
        }
        if own_message || !raw.is_ascii() {
            self.add(block.message(row).to_lowercase().as_bytes());
        }
    }

    /// The pieces of a text, letters of ASCII in lower case.
    fn add(&mut self, text: &[u8]) {
        self.lower.clear();
        self.lower.extend_from_slice(text);
        self.lower.make_ascii_lowercase();
        let [first, second, rest @ ..] = self.lower.as_slice() else { return };
        let mut piece = u32::from(*first) << 8 | u32::from(*second);
        for byte in rest {
            piece = piece << 8 & 0xff_ffff | u32::from(*byte);
            self.occurs[bit_of(piece)] = 1;
        }
    }

    fn bits(&self) -> Vec<u8> {
        let byte = |eight: &[u8]| eight.iter().rev().fold(0, |bits, occurs| bits << 1 | occurs);
        self.occurs.chunks(8).map(byte).collect()
    }
}

pub(crate) fn lower(text: &str) -> Cow<'_, str> {
    let is_lower = text.bytes().all(|byte| byte.is_ascii() && !byte.is_ascii_uppercase());
    if is_lower { Cow::Borrowed(text) } else { Cow::Owned(text.to_lowercase()) }
}

fn field_hash(name: &str) -> u64 {
    finish(fnv(FNV_START, name.as_bytes()))
}

fn value_hash(name: &str, value: &str) -> u64 {
    finish(fnv(name_hash(name), value.as_bytes()))
}

/// What the hashes of a field's values begin with.
fn name_hash(name: &str) -> u64 {
    fnv(fnv(FNV_START, name.as_bytes()), &[0])
}

/// FNV-1a, 64 bits (Fowler, Noll, Vo).
const FNV_START: u64 = 0xcbf2_9ce4_8422_2325;
const FNV_PRIME: u64 = 0x0100_0000_01b3;

fn fnv(start: u64, bytes: &[u8]) -> u64 {
    bytes.iter().fold(start, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(FNV_PRIME))
}

/// Spreads what FNV leaves in the low bits (the finaliser of MurmurHash3).
fn finish(mut hash: u64) -> u64 {
    hash = (hash ^ hash >> 33).wrapping_mul(0xff51_afd7_ed55_8ccd);
    hash = (hash ^ hash >> 33).wrapping_mul(0xc4ce_b9fe_1a85_ec53);
    hash ^ hash >> 33
}

/// Bits of a hash, by double hashing.
fn probes(hash: u64, bits: usize) -> impl Iterator<Item = usize> {
    let (one, two) = (hash & 0xffff_ffff, hash >> 32 | 1);
    (0..PROBES).map(move |probe| (one.wrapping_add(probe.wrapping_mul(two)) % bits as u64) as usize)
}

fn piece_bit(piece: &[u8]) -> usize {
    bit_of(piece.iter().fold(0u32, |number, byte| number << 8 | u32::from(*byte)))
}

fn bit_of(piece: u32) -> usize {
    (piece.wrapping_mul(0x9e37_79b1) >> 17) as usize
}
