use candle_core::quantized::GgmlDType;

use super::vector::by_isa;
use super::{BLOCK, Isa};

/// Values of one block of a 4-bit kind: `scale * code + least`.
pub(super) struct Affine {
    pub(super) scale: f32,
    pub(super) least: f32,
    pub(super) codes: [u8; BLOCK],
}

/// A weight matrix as a file holds it, outputs by inputs.
pub(crate) enum Source {
    /// Blocks of a kind that is packed without detour.
    Blocks {
        /// One of those [`Source::takes`] names.
        kind: GgmlDType,
        /// Row after row.
        bytes: Vec<u8>,
    },
    /// Plain values, row after row.
    Values(Vec<f32>),
    /// Another with a change added, block by block as they are asked for: the whole of it in floats
    /// would be eight times the file's matrix.
    Changed {
        /// What is changed.
        base: Box<Source>,
        /// What is added.
        change: LowRank,
    },
}

/// A change of a matrix: a tall one times a wide one times a number.
pub(crate) struct LowRank {
    /// Outputs by rank.
    pub(crate) tall: Vec<f32>,
    /// Rank by inputs.
    pub(crate) wide: Vec<f32>,
    /// Inputs, a multiple of [`BLOCK`].
    pub(crate) columns: usize,
    /// What the product is multiplied with.
    pub(crate) scale: f32,
}

by_isa! {
    /// Adds a change to the values of a block.
    fn add_change(change: &LowRank, block: usize, values: &mut [f32; BLOCK]) {
        let LowRank { tall, wide, columns, scale } = change;
        let (row, column) = (block * BLOCK / columns, block * BLOCK % columns);
        let rank = wide.len() / columns;
        let wide = wide[column..].chunks(*columns).filter_map(|row| row.first_chunk::<BLOCK>());
        let mut product = [0.0f32; BLOCK];
        for (factor, wide) in tall[row * rank..][..rank].iter().zip(wide) {
            for (product, wide) in product.iter_mut().zip(wide) {
                *product = factor.mul_add(*wide, *product);
            }
        }
        for (value, product) in values.iter_mut().zip(product) {
            *value += product * scale;
        }
    }

    /// `code * scale + least` of each code.
    fn spread(codes: &[u8; BLOCK], scale: f32, least: f32, values: &mut [f32; BLOCK]) {
        for (value, code) in values.iter_mut().zip(codes) {
            *value = f32::from(*code).mul_add(scale, least);
        }
    }
}

/// Bytes of a Q4_K block of 256: two halves, twelve bytes of scales, then the codes.
const Q4K_BYTES: usize = 144;
/// Blocks of 32 in it.
const Q4K_PARTS: usize = 8;

impl Source {
    /// Whether blocks of a kind are packed as they are.
    pub(crate) fn takes(kind: GgmlDType) -> bool {
        matches!(kind, GgmlDType::Q8_0 | GgmlDType::Q4_0 | GgmlDType::Q4_1 | GgmlDType::Q4K)
    }

    /// Whether it holds four bits a value, which lose nothing in the packed form of four bits.
    pub(super) fn is_narrow(&self) -> bool {
        matches!(self, Self::Blocks { kind, .. } if *kind != GgmlDType::Q8_0)
    }

    /// The first `count` values.
    pub(crate) fn all_values(&self, count: usize) -> Vec<f32> {
        let isa = Isa::best();
        let mut values = vec![0.0; count];
        for (block, values) in values.as_chunks_mut().0.iter_mut().enumerate() {
            *values = self.values(isa, block);
        }
        values
    }

    /// The values of a block, counted from the beginning.
    pub(super) fn values(&self, isa: Isa, block: usize) -> [f32; BLOCK] {
        match self {
            Self::Changed { base, change } => {
                let mut values = base.values(isa, block);
                add_change(isa, change, block, &mut values);
                values
            }
            Self::Values(values) => {
                let values = values.as_chunks().0;
                values.get(block).copied().unwrap_or([0.0; BLOCK])
            }
            Self::Blocks { kind: GgmlDType::Q8_0, bytes } => {
                let (scale, codes) = eight(bytes, block);
                codes.map(|code| f32::from(code) * scale)
            }
            Self::Blocks { .. } => {
                let part = self.affine(isa, block);
                let mut values = [0.0; BLOCK];
                spread(isa, &part.codes, part.scale, part.least, &mut values);
                values
            }
        }
    }

    /// The codes of a block of eight bits with their scale, where it is kept so.
    pub(super) fn eight(&self, block: usize) -> Option<(f32, [i8; BLOCK])> {
        match self {
            Self::Blocks { kind: GgmlDType::Q8_0, bytes } => Some(eight(bytes, block)),
            _ => None,
        }
    }

    /// The codes of a block of four bits.
    pub(super) fn affine(&self, isa: Isa, block: usize) -> Affine {
        match self {
            Self::Blocks { kind: GgmlDType::Q4_0, bytes } => {
                let bytes = &bytes[block * 18..][..18];
                let scale = half(bytes, 0);
                Affine { scale, least: -8.0 * scale, codes: nibbles(&bytes[2..]) }
            }
            Self::Blocks { kind: GgmlDType::Q4_1, bytes } => {
                let bytes = &bytes[block * 20..][..20];
                Affine { scale: half(bytes, 0), least: half(bytes, 2), codes: nibbles(&bytes[4..]) }
            }
            Self::Blocks { kind: GgmlDType::Q4K, bytes } => {
                let bytes = &bytes[block / Q4K_PARTS * Q4K_BYTES..][..Q4K_BYTES];
                part_of_256(bytes, block % Q4K_PARTS)
            }
            _ => fitted(&self.values(isa, block)),
        }
    }
}

fn eight(bytes: &[u8], block: usize) -> (f32, [i8; BLOCK]) {
    let bytes = &bytes[block * 34..][..34];
    // -128 would overflow where a path takes absolute values; no quantiser writes it.
    (half(bytes, 0), std::array::from_fn(|at| bytes[2 + at].cast_signed().max(-127)))
}

/// The 16 low halves of bytes, then the 16 high ones.
fn nibbles(bytes: &[u8]) -> [u8; BLOCK] {
    std::array::from_fn(|at| (bytes[at % 16] >> (at / 16 * 4)) & 15)
}

/// One of the eight blocks of 32 in a Q4_K block: pairs of them share 32 bytes, and scales of six
/// bits stand in twelve bytes, the last four with their upper two bits apart.
fn part_of_256(bytes: &[u8], part: usize) -> Affine {
    let scales = &bytes[4..16];
    let (scale, least) = match part {
        0..4 => (scales[part] & 63, scales[part + 4] & 63),
        _ => (
            (scales[part + 4] & 15) | (scales[part - 4] >> 6 << 4),
            (scales[part + 4] >> 4) | (scales[part] >> 6 << 4),
        ),
    };
    let codes = &bytes[16 + part / 2 * BLOCK..][..BLOCK];
    Affine {
        scale: half(bytes, 0) * f32::from(scale),
        least: -(half(bytes, 2) * f32::from(least)),
        codes: std::array::from_fn(|at| (codes[at] >> (part % 2 * 4)) & 15),
    }
}

/// Four bits for plain values: the range cut into fifteen even steps.
fn fitted(values: &[f32; BLOCK]) -> Affine {
    let least = values.iter().copied().fold(f32::INFINITY, f32::min);
    let most = values.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    // As the packed form will keep them, so that codes fit what is kept.
    let scale = half::f16::from_f32((most - least) / 15.0).to_f32();
    let least = half::f16::from_f32(least).to_f32();
    let code = |value: f32| ((value - least) / scale).round().clamp(0.0, 15.0) as u8;
    Affine { scale, least, codes: if scale > 0.0 { values.map(code) } else { [0; BLOCK] } }
}

fn half(bytes: &[u8], at: usize) -> f32 {
    half::f16::from_le_bytes([bytes[at], bytes[at + 1]]).to_f32()
}
