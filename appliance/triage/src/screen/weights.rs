//! The weights file: a vocabulary of feature hashes and, for each, a sparse row of int8 weights.
//!
//! Layout, little endian: magic, format version, then the number of features, columns and entries
//! (u32 each); for each technique column its ATT&CK number (u16); for each column its scale and bias
//! (f32); the feature hashes, ascending (u32); their idf in steps of [`IDF_STEP`] (u8); the lengths of
//! their rows (u8); the entries as column (u8) and weight (i8). Nothing follows.

use std::ops::Range;
use std::ops::RangeFrom;

use vedette_event::{Severity, TechniqueId, ThreatClass};

use super::features::{Block, FeatureBag};

const MAGIC: &[u8; 8] = b"VSCREEN\0";
const VERSION: u32 = 1;
/// A vocabulary past this is a broken file: training selects far fewer.
pub const MAX_FEATURES: usize = 1 << 18;
/// Columns are numbered by a byte, and a row holds each at most once.
pub const MAX_COLUMNS: usize = 255;
/// Two bytes each: a file past 8 MiB is not ours.
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
    /// Columns it speaks for and its quantised weight there.
    pub row: Vec<(u8, i8)>,
}

/// Scale and bias of a column.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Scale {
    /// What one step of an int8 weight is worth.
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
    /// Row `n` is `entries[starts[n]..starts[n + 1]]`.
    starts: Vec<u32>,
    entries: Vec<(u8, i8)>,
}

/// The scores of a line.
#[derive(Clone, Debug)]
pub struct Scored {
    /// By [`Column::index`].
    pub columns: Vec<f32>,
    known: [u32; Block::COUNT],
    total: [u32; Block::COUNT],
}

impl Scored {
    /// Share of a block's distinct features that training never saw; 1 for a line without any.
    pub fn unseen(&self, block: Block) -> f32 {
        let (known, total) = (self.known[block as usize], self.total[block as usize]);
        if total == 0 { 1.0 } else { (total - known) as f32 / total as f32 }
    }
}

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
        let mut starts = vec![0];
        let mut entries = Vec::new();
        for feature in features {
            entries.extend_from_slice(&feature.row);
            starts.push(entries.len() as u32);
        }
        let vocabulary = Vocabulary::new(features.iter().map(|f| (f.hash, f.idf)))?;
        let weights = Self { techniques, scales, vocabulary, starts, entries };
        weights.check()?;
        Ok(weights)
    }

    fn check(&self) -> Result<(), WeightsError> {
        let columns = self.scales.len();
        if columns != Column::TECHNIQUES.start + self.techniques.len() || columns > MAX_COLUMNS {
            return Err(WeightsError::Content("number of columns"));
        }
        if self.entries.len() > MAX_ENTRIES
            || self.starts.windows(2).any(|pair| pair[1] - pair[0] > MAX_COLUMNS as u32)
        {
            return Err(WeightsError::Content("number of entries"));
        }
        if self.entries.iter().any(|(column, _)| usize::from(*column) >= columns) {
            return Err(WeightsError::Content("column"));
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

    /// Where the weights of a feature are; `None` where it has none.
    pub(super) fn place(&self, hash: u32) -> Option<usize> {
        self.vocabulary.find(hash)
    }

    /// The scores of a line.
    pub fn score(&self, bag: &FeatureBag) -> Scored {
        let mut scored = Scored {
            columns: self.scales.iter().map(|scale| scale.bias).collect(),
            known: [0; Block::COUNT],
            total: [0; Block::COUNT],
        };
        let mut sums = vec![0.0; self.scales.len()];
        for (block, counts) in bag.blocks() {
            sums.fill(0.0);
            let mut squares = 0.0;
            scored.total[block as usize] = counts.len() as u32;
            for (hash, count) in counts {
                let Some(place) = self.vocabulary.find(*hash) else { continue };
                scored.known[block as usize] += 1;
                let value = weigh(*count, self.vocabulary.idf(place));
                squares += value * value;
                for (column, weight) in self.row(place) {
                    sums[usize::from(*column)] += value * f32::from(*weight);
                }
            }
            let norm = if squares > 0.0 { block.share() / squares.sqrt() } else { 0.0 };
            for ((score, sum), scale) in scored.columns.iter_mut().zip(&sums).zip(&self.scales) {
                *score += sum * norm * scale.step;
            }
        }
        scored
    }

    fn row(&self, place: usize) -> &[(u8, i8)] {
        &self.entries[self.starts[place] as usize..self.starts[place + 1] as usize]
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
        bytes.extend(&self.vocabulary.idfs);
        bytes.extend(self.starts.windows(2).map(|pair| (pair[1] - pair[0]) as u8));
        bytes.extend(self.entries.iter().flat_map(|(column, weight)| [*column, *weight as u8]));
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

/// Sublinear term frequency times idf.
pub fn weigh(count: u32, idf: u8) -> f32 {
    (1.0 + (count as f32).ln()) * f32::from(idf) * IDF_STEP
}

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
                .checked_sub(Column::TECHNIQUES.start)
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
        self.techniques * 2 + self.columns * 8 + self.features * 6 + self.entries * 2
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
        let lengths = reader.take(self.features)?;
        let mut starts = vec![0_u32];
        for length in lengths {
            starts.push(starts.last()? + u32::from(*length));
        }
        if starts.last().is_none_or(|end| *end as usize != self.entries) {
            return Some(Err(WeightsError::Content("row length")));
        }
        let pairs = reader.take(self.entries * 2)?.chunks_exact(2);
        let entries = pairs.map(|pair| (pair[0], pair[1] as i8)).collect();
        let vocabulary = Vocabulary::new(hashes.into_iter().zip(idfs.iter().copied()));
        Some(vocabulary.and_then(|vocabulary| {
            let weights = Weights { techniques, scales, vocabulary, starts, entries };
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
    idfs: Vec<u8>,
    /// Open addressing, at most half full: place + 1, or 0 for a free slot.
    slots: Vec<u32>,
}

impl Vocabulary {
    fn new(features: impl Iterator<Item = (u32, u8)>) -> Result<Self, WeightsError> {
        let (hashes, idfs): (Vec<u32>, Vec<u8>) = features.unzip();
        if hashes.len() > MAX_FEATURES {
            return Err(WeightsError::Content("number of features"));
        }
        if !hashes.is_sorted_by(|a, b| a < b) {
            return Err(WeightsError::Content("order of features"));
        }
        let mut slots = vec![0; (hashes.len() * 2).next_power_of_two().max(2)];
        for (place, hash) in hashes.iter().enumerate() {
            let mut slot = spread(*hash, slots.len());
            while slots[slot] != 0 {
                slot = (slot + 1) & (slots.len() - 1);
            }
            slots[slot] = place as u32 + 1;
        }
        Ok(Self { hashes, idfs, slots })
    }

    fn find(&self, hash: u32) -> Option<usize> {
        let mut slot = spread(hash, self.slots.len());
        loop {
            match self.slots[slot] {
                0 => return None,
                taken if self.hashes[taken as usize - 1] == hash => {
                    return Some(taken as usize - 1);
                }
                _ => slot = (slot + 1) & (self.slots.len() - 1),
            }
        }
    }

    fn idf(&self, place: usize) -> u8 {
        self.idfs[place]
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
