//! The weights file: a vocabulary of feature hashes and, for each, its int8 weights: one for every
//! column but the techniques, of which only the telling ones are there.
//!
//! Layout, little endian: magic, format version, then the number of features, columns and entries
//! (u32 each); for each technique column its ATT&CK number (u16); for each column its scale and bias
//! (f32); the feature hashes, ascending (u32); their idf in steps of [`IDF_STEP`] (u8); their weights
//! ([`HEADS`] of i8 each); how many techniques each speaks for (u8); the entries as place among the
//! techniques (u8) and weight (i8). Nothing follows.

use std::ops::Range;
use std::ops::RangeFrom;

use vedette_event::{Severity, TechniqueId, ThreatClass};

use super::features::{Block, FeatureBag};

const MAGIC: &[u8; 8] = b"VSCREEN\0";
const VERSION: u32 = 2;
/// A vocabulary past this is a broken file: training selects far fewer.
pub const MAX_FEATURES: usize = 1 << 18;
/// Columns of all questions but the techniques: every feature has a weight in each.
pub const HEADS: usize = Column::SEVERITIES.end;
/// Techniques are numbered by a byte, and a feature speaks for each at most once.
pub const MAX_COLUMNS: usize = 255;
/// Two bytes each: a file with more is not ours.
pub const MAX_ENTRIES: usize = 1 << 22;
/// One step of a stored idf: 255 steps reach past ln of any number of lines we train on.
pub const IDF_STEP: f32 = 0.05;

/// What a column of scores stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Column {
    /// Malicious or not: the only logistic column, the others compete within their head.
    Malicious,
    /// A threat class.
    Class(ThreatClass),
    /// A severity.
    Severity(Severity),
    /// The technique with this place in the file's list.
    Technique(usize),
}

impl Column {
    /// The columns of the threat classes, in the order of [`ThreatClass::ALL`].
    pub const CLASSES: Range<usize> = 1..1 + ThreatClass::ALL.len();
    /// The columns of the severities, in the order of [`Severity::ALL`].
    pub const SEVERITIES: Range<usize> = Self::CLASSES.end..Self::CLASSES.end + Severity::ALL.len();
    /// The columns of the techniques, in the order of the file's list.
    pub const TECHNIQUES: RangeFrom<usize> = Self::SEVERITIES.end..;

    /// Its place among the scores.
    pub fn index(self) -> usize {
        match self {
            Self::Malicious => 0,
            Self::Class(class) => Self::CLASSES.start + class as usize,
            Self::Severity(severity) => Self::SEVERITIES.start + severity as usize,
            Self::Technique(place) => Self::TECHNIQUES.start + place,
        }
    }
}

/// Why a weights file was refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum WeightsError {
    /// It does not begin as one.
    #[error("not a screen weights file")]
    Magic,
    /// It was written by another version of training.
    #[error("screen weights of format {0}, this program reads {VERSION}")]
    Version(u32),
    /// It ends early or goes on too long.
    #[error("the screen weights file is {found} bytes long, its header promises {expected}")]
    Length {
        /// What the header promises.
        expected: usize,
        /// What is there.
        found: usize,
    },
    /// A number in it cannot be.
    #[error("the screen weights file holds an impossible {0}")]
    Content(&'static str),
}

/// A feature of the vocabulary.
#[derive(Clone, Debug, PartialEq)]
pub struct Feature {
    /// Its hash.
    pub hash: u32,
    /// Inverse document frequency in steps of [`IDF_STEP`].
    pub idf: u8,
    /// Its quantised weight in each column but the techniques.
    pub heads: [i8; HEADS],
    /// Techniques it speaks for, by place in the file's list, and its quantised weight there.
    pub techniques: Vec<(u8, i8)>,
}

/// Scale and bias of a column.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Scale {
    /// What a stored weight of 1 is worth; see [`unfold`].
    pub step: f32,
    /// Added to the score.
    pub bias: f32,
}

/// The weights in the shape in which they are used.
#[derive(Clone, Debug, PartialEq)]
pub struct Weights {
    techniques: Vec<TechniqueId>,
    scales: Vec<Scale>,
    vocabulary: Vocabulary,
    rows: Vec<Row>,
    /// What each row says of techniques, one row after the other.
    entries: Vec<(u8, i8)>,
}

/// What is known of a feature, side by side, so that a feature costs one look into memory.
#[derive(Clone, Debug, PartialEq)]
struct Row {
    /// Where its techniques begin among the entries.
    start: u32,
    techniques: u8,
    idf: u8,
    heads: [i8; HEADS],
}

/// A feature of a line that has weights.
#[derive(Clone, Copy, Debug)]
pub(super) struct Known {
    /// Where its weights are; ascending as the hashes are.
    pub(super) place: u32,
    /// How often the line has it.
    pub(super) count: u32,
}

/// What one block of a line's features adds to its scores.
pub(super) type Part = Box<[f32]>;

impl Weights {
    /// Puts weights together; `features` in ascending order of their hashes.
    ///
    /// # Errors
    /// When a cap is passed, the order is wrong or a row names a column that is not there.
    pub fn new(
        techniques: Vec<TechniqueId>,
        scales: Vec<Scale>,
        features: &[Feature],
    ) -> Result<Self, WeightsError> {
        let mut rows = Vec::with_capacity(features.len());
        let mut entries = Vec::new();
        for feature in features {
            let techniques = u8::try_from(feature.techniques.len())
                .map_err(|_| WeightsError::Content("number of entries"))?;
            let start = entries.len() as u32;
            rows.push(Row { start, techniques, idf: feature.idf, heads: feature.heads });
            entries.extend_from_slice(&feature.techniques);
        }
        let vocabulary = Vocabulary::new(features.iter().map(|feature| feature.hash).collect())?;
        let weights = Self { techniques, scales, vocabulary, rows, entries };
        weights.check()?;
        Ok(weights)
    }

    fn check(&self) -> Result<(), WeightsError> {
        let columns = self.scales.len();
        if columns != HEADS + self.techniques.len() || columns > MAX_COLUMNS {
            return Err(WeightsError::Content("number of columns"));
        }
        if self.entries.len() > MAX_ENTRIES {
            return Err(WeightsError::Content("number of entries"));
        }
        if self.entries.iter().any(|(place, _)| usize::from(*place) >= self.techniques.len()) {
            return Err(WeightsError::Content("technique"));
        }
        if !self.scales.iter().all(|scale| scale.step.is_finite() && scale.bias.is_finite()) {
            return Err(WeightsError::Content("scale"));
        }
        Ok(())
    }

    /// The techniques it knows, all parents, in column order.
    pub fn techniques(&self) -> &[TechniqueId] {
        &self.techniques
    }

    /// The scores of a line, by [`Column::index`].
    pub fn score(&self, bag: &FeatureBag) -> Vec<f32> {
        let parts = bag.blocks().map(|(block, counts)| self.part(block, &self.known(counts)));
        self.total(parts.each_ref())
    }

    /// The scores of a line to which its blocks add this.
    pub(super) fn total(&self, parts: [&Part; Block::COUNT]) -> Vec<f32> {
        let mut scores: Vec<f32> = self.scales.iter().map(|scale| scale.bias).collect();
        for part in parts {
            for (score, added) in scores.iter_mut().zip(part) {
                *score += added;
            }
        }
        scores
    }

    /// The features that have weights, of distinct ones in ascending order of their hashes.
    pub(super) fn known(&self, counts: &[(u32, u32)]) -> Vec<Known> {
        let known = |(hash, count): &(u32, u32)| {
            self.vocabulary.find(*hash).map(|place| Known { place, count: *count })
        };
        counts.iter().filter_map(known).collect()
    }

    /// What a block of features adds to the scores.
    pub(super) fn part(&self, block: Block, features: &[Known]) -> Part {
        let mut heads = [0.0; HEADS];
        let mut techniques = [0.0; 1 << u8::BITS];
        let mut squares = 0.0;
        for feature in features {
            let row = &self.rows[feature.place as usize];
            let value = weigh(feature.count, row.idf);
            squares += value * value;
            for (sum, weight) in heads.iter_mut().zip(row.heads) {
                *sum += value * unfold(weight);
            }
            for (technique, weight) in self.entries(row) {
                techniques[usize::from(*technique)] += value * unfold(*weight);
            }
        }
        let norm = if squares > 0.0 { block.share() / squares.sqrt() } else { 0.0 };
        let sums = heads.iter().chain(&techniques);
        sums.zip(&self.scales).map(|(sum, scale)| sum * norm * scale.step).collect()
    }

    fn entries(&self, row: &Row) -> &[(u8, i8)] {
        &self.entries[row.start as usize..][..usize::from(row.techniques)]
    }

    /// The file.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = MAGIC.to_vec();
        let counts = [self.vocabulary.hashes.len(), self.scales.len(), self.entries.len()];
        bytes.extend(VERSION.to_le_bytes());
        bytes.extend(counts.iter().flat_map(|count| (*count as u32).to_le_bytes()));
        for technique in &self.techniques {
            bytes.extend(technique_number(*technique).to_le_bytes());
        }
        for scale in &self.scales {
            bytes.extend(scale.step.to_le_bytes());
            bytes.extend(scale.bias.to_le_bytes());
        }
        bytes.extend(self.vocabulary.hashes.iter().flat_map(|hash| hash.to_le_bytes()));
        bytes.extend(self.rows.iter().map(|row| row.idf));
        bytes.extend(self.rows.iter().flat_map(|row| row.heads.map(|weight| weight as u8)));
        bytes.extend(self.rows.iter().map(|row| row.techniques));
        bytes.extend(self.entries.iter().flat_map(|(place, weight)| [*place, *weight as u8]));
        bytes
    }

    /// Reads the file.
    ///
    /// # Errors
    /// When the bytes are anything but what [`Weights::to_bytes`] writes.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, WeightsError> {
        let mut reader = Reader { bytes };
        if reader.take(MAGIC.len()) != Some(MAGIC) {
            return Err(WeightsError::Magic);
        }
        let mut number = || reader.u32().ok_or(WeightsError::Content("header"));
        match number()? {
            VERSION => {}
            other => return Err(WeightsError::Version(other)),
        }
        let sizes = Sizes::new(number()?, number()?, number()?)?;
        if reader.bytes.len() != sizes.body() {
            return Err(WeightsError::Length { expected: sizes.body(), found: reader.bytes.len() });
        }
        sizes.read(&mut reader).ok_or(WeightsError::Content("header"))?
    }
}

/// What a stored weight is worth, in the column's steps: its square, with its sign. A few weights are
/// large and very many small ones matter together, so that the small ones need the finer steps.
pub fn unfold(weight: i8) -> f32 {
    let weight = f32::from(weight);
    weight * weight.abs()
}

/// The stored weight whose worth comes nearest; what is too large becomes the largest.
pub fn fold(worth: f32) -> i8 {
    let largest = f32::from(i8::MAX);
    (worth.abs().sqrt().copysign(worth)).round().clamp(-largest, largest) as i8
}

/// Sublinear term frequency times idf.
pub fn weigh(count: u32, idf: u8) -> f32 {
    (1.0 + (count as f32).ln()) * f32::from(idf) * IDF_STEP
}

/// Bytes of a feature beside its weights: hash, idf, number of techniques.
const FEATURE_BYTES: usize = 6;

/// The counts in the header, within their caps.
struct Sizes {
    features: usize,
    techniques: usize,
    columns: usize,
    entries: usize,
}

impl Sizes {
    fn new(features: u32, columns: u32, entries: u32) -> Result<Self, WeightsError> {
        let sizes = Self {
            features: features as usize,
            techniques: (columns as usize)
                .checked_sub(HEADS)
                .ok_or(WeightsError::Content("number of columns"))?,
            columns: columns as usize,
            entries: entries as usize,
        };
        match () {
            () if sizes.features > MAX_FEATURES => Err(WeightsError::Content("number of features")),
            () if sizes.columns > MAX_COLUMNS => Err(WeightsError::Content("number of columns")),
            () if sizes.entries > MAX_ENTRIES => Err(WeightsError::Content("number of entries")),
            () => Ok(sizes),
        }
    }

    /// Bytes after the header.
    fn body(&self) -> usize {
        self.techniques * 2
            + self.columns * 8
            + self.features * (FEATURE_BYTES + HEADS)
            + self.entries * 2
    }

    /// `None` when the bytes end early.
    fn read(&self, reader: &mut Reader<'_>) -> Option<Result<Weights, WeightsError>> {
        let numbers = reader.take(self.techniques * 2)?.chunks_exact(2);
        let techniques: Option<Vec<TechniqueId>> =
            numbers.map(|pair| technique(u16::from_le_bytes([pair[0], pair[1]]))).collect();
        let Some(techniques) = techniques else {
            return Some(Err(WeightsError::Content("technique")));
        };
        let mut scales = Vec::with_capacity(self.columns);
        for _ in 0..self.columns {
            scales.push(Scale { step: reader.f32()?, bias: reader.f32()? });
        }
        let mut hashes = Vec::with_capacity(self.features);
        for _ in 0..self.features {
            hashes.push(reader.u32()?);
        }
        let idfs = reader.take(self.features)?;
        let (heads, _) = reader.take(self.features * HEADS)?.as_chunks::<HEADS>();
        let lengths = reader.take(self.features)?;
        let mut start = 0;
        let mut rows = Vec::with_capacity(self.features);
        for ((idf, heads), length) in idfs.iter().zip(heads).zip(lengths) {
            let heads = heads.map(|weight| weight as i8);
            rows.push(Row { start, techniques: *length, idf: *idf, heads });
            start += u32::from(*length);
        }
        if start as usize != self.entries {
            return Some(Err(WeightsError::Content("row length")));
        }
        let pairs = reader.take(self.entries * 2)?.chunks_exact(2);
        let entries = pairs.map(|pair| (pair[0], pair[1] as i8)).collect();
        Some(Vocabulary::new(hashes).and_then(|vocabulary| {
            let weights = Weights { techniques, scales, vocabulary, rows, entries };
            weights.check().map(|()| weights)
        }))
    }
}

fn technique(number: u16) -> Option<TechniqueId> {
    format!("T{number:04}").parse().ok()
}

fn technique_number(technique: TechniqueId) -> u16 {
    // A parent prints as "T" and four digits.
    technique.parent().to_string()[1..].parse().unwrap_or(0)
}

/// Which hashes are known, found in one or two probes.
#[derive(Clone, Debug, PartialEq)]
struct Vocabulary {
    hashes: Vec<u32>,
    /// Open addressing, at most half full: hash and place + 1, or 0 for a free slot.
    slots: Vec<(u32, u32)>,
}

impl Vocabulary {
    fn new(hashes: Vec<u32>) -> Result<Self, WeightsError> {
        if hashes.len() > MAX_FEATURES {
            return Err(WeightsError::Content("number of features"));
        }
        if !hashes.is_sorted_by(|a, b| a < b) {
            return Err(WeightsError::Content("order of features"));
        }
        let mut slots = vec![(0, 0); (hashes.len() * 2).next_power_of_two().max(2)];
        for (place, hash) in hashes.iter().enumerate() {
            let mut slot = spread(*hash, slots.len());
            while slots[slot].1 != 0 {
                slot = (slot + 1) & (slots.len() - 1);
            }
            slots[slot] = (*hash, place as u32 + 1);
        }
        Ok(Self { hashes, slots })
    }

    fn find(&self, hash: u32) -> Option<u32> {
        let mut slot = spread(hash, self.slots.len());
        loop {
            match self.slots[slot] {
                (_, 0) => return None,
                (known, place) if known == hash => return Some(place - 1),
                _ => slot = (slot + 1) & (self.slots.len() - 1),
            }
        }
    }
}

/// Multiplicative hashing; a crafted file can make probing slow, but it must have the manifest's
/// SHA-256 first.
fn spread(hash: u32, slots: usize) -> usize {
    hash.wrapping_mul(0x9E37_79B1) as usize & (slots - 1)
}

struct Reader<'a> {
    bytes: &'a [u8],
}

impl<'a> Reader<'a> {
    fn take(&mut self, length: usize) -> Option<&'a [u8]> {
        let (head, rest) = self.bytes.split_at_checked(length)?;
        self.bytes = rest;
        Some(head)
    }

    fn u32(&mut self) -> Option<u32> {
        Some(u32::from_le_bytes(self.take(4)?.try_into().ok()?))
    }

    fn f32(&mut self) -> Option<f32> {
        Some(f32::from_le_bytes(self.take(4)?.try_into().ok()?))
    }
}
