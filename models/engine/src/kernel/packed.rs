use half::f16;
use rayon::prelude::*;

use super::vector::{ROUNDER, by_isa};
use super::{BLOCK, Isa, LANES, Source};

/// How the values of a packed matrix are kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Form {
    /// Eight bits around a middle of 128, one half-precision scale to a block of 32.
    Eight,
    /// Four bits from a least value up, half-precision scale and least value to a block of 32.
    Four,
}

/// Weights of [`LANES`] rows and four columns, four bytes a row: what one vector instruction takes.
/// In [`Form::Four`] the high halves are the same rows' columns sixteen further on.
#[derive(Clone, Copy)]
#[repr(C, align(64))]
pub(super) struct Group(pub(super) [u8; 64]);

/// One number in half precision for each row of a panel.
pub(super) type Halves = [u16; LANES];

/// A weight matrix, outputs by inputs, in panels of [`LANES`] rows.
pub(crate) struct Packed {
    form: Form,
    rows: usize,
    blocks: usize,
    groups: Vec<Group>,
    scales: Vec<Halves>,
    /// Least values; none in [`Form::Eight`].
    leasts: Vec<Halves>,
}

/// The part of a matrix that makes [`LANES`] outputs.
#[derive(Clone, Copy)]
pub(super) struct Panel<'a> {
    pub(super) groups: &'a [Group],
    pub(super) scales: &'a [Halves],
    pub(super) leasts: &'a [Halves],
}

impl Panel<'_> {
    /// Whether each byte holds one weight.
    pub(super) fn is_unpacked(&self) -> bool {
        self.groups.len() == self.scales.len() * Form::Eight.groups()
    }

    /// Groups with one four-bit weight to a byte, for products with so many rows that taking the
    /// halves apart each time costs more than doing it once.
    pub(super) fn unpack(&self, isa: Isa, out: &mut Vec<Group>) {
        out.resize(2 * self.groups.len(), Group([0; 64]));
        unpack(isa, self.groups, out);
    }
}

by_isa! {
    /// Takes the halves of the bytes of a block's four groups apart, lower halves first.
    pub(super) fn unpack(from: &[Group], to: &mut [Group]) {
        for (from, to) in from.as_chunks::<4>().0.iter().zip(to.as_chunks_mut::<8>().0) {
            for (at, group) in from.iter().enumerate() {
                for (byte, lane) in group.0.iter().zip(0..64) {
                    to[at].0[lane] = byte & 15;
                    to[at + 4].0[lane] = byte >> 4;
                }
            }
        }
    }

    /// The size of the largest value; what is no number does not count.
    fn largest(values: &[f32; BLOCK], most: &mut f32) {
        let mut lanes = [0.0f32; LANES];
        for values in values.as_chunks::<LANES>().0 {
            for (most, value) in lanes.iter_mut().zip(values) {
                *most = larger(value.abs(), *most);
            }
        }
        let four: [f32; 4] = std::array::from_fn(|at| {
            larger(larger(lanes[at], lanes[at + 4]), larger(lanes[at + 8], lanes[at + 12]))
        });
        *most = larger(larger(four[0], four[1]), larger(four[2], four[3]));
    }

    /// The nearest eight-bit multiples of a step, which is not 0.
    fn round(values: &[f32; BLOCK], step: f32, codes: &mut [i8; BLOCK]) {
        for (code, value) in codes.iter_mut().zip(values) {
            let whole = (value / step).round();
            let bounded = if whole > -127.0 { whole } else { -127.0 };
            let bounded = if bounded < 127.0 { bounded } else { 127.0 };
            *code = (bounded + ROUNDER).to_bits() as i8;
        }
    }
}

/// The larger of two; the second where the first is no number.
#[inline(always)]
fn larger(one: f32, other: f32) -> f32 {
    if one > other { one } else { other }
}

/// One block of one row, ready to be put in its place.
struct Codes {
    scale: f16,
    least: f16,
    /// As the groups hold them; of four bits, the first half only.
    codes: [u8; BLOCK],
}

impl Form {
    /// Groups in a block.
    pub(super) fn groups(self) -> usize {
        match self {
            Self::Eight => 8,
            Self::Four => 4,
        }
    }
}

impl Packed {
    /// Packs a matrix of `rows` by `columns`, a multiple of [`BLOCK`]. Without a form, the one that
    /// loses least.
    pub(crate) fn new(source: &Source, rows: usize, columns: usize, form: Option<Form>) -> Self {
        let natural = if source.is_narrow() { Form::Four } else { Form::Eight };
        let form = form.unwrap_or(natural);
        let isa = Isa::best();
        let (panels, blocks) = (rows.div_ceil(LANES), columns / BLOCK);
        let leasts = if form == Form::Four { panels * blocks } else { 0 };
        let mut packed = Self {
            form,
            rows,
            blocks,
            groups: vec![Group([0; 64]); panels * blocks * form.groups()],
            scales: vec![[0; LANES]; panels * blocks],
            leasts: vec![[0; LANES]; leasts],
        };
        let groups = packed.groups.par_chunks_mut(blocks * form.groups());
        let panels = groups.zip(packed.scales.par_chunks_mut(blocks)).enumerate();
        match form {
            Form::Eight => panels.for_each(|(panel, (groups, scales))| {
                fill(isa, (source, rows), panel, (groups, scales, &mut []));
            }),
            Form::Four => {
                panels.zip(packed.leasts.par_chunks_mut(blocks)).for_each(
                    |((panel, (groups, scales)), leasts)| {
                        fill(isa, (source, rows), panel, (groups, scales, leasts));
                    },
                );
            }
        }
        packed
    }

    /// Number of outputs.
    pub(crate) fn rows(&self) -> usize {
        self.rows
    }

    /// Number of inputs.
    pub(crate) fn columns(&self) -> usize {
        self.blocks * BLOCK
    }

    /// Bytes it takes.
    pub(crate) fn bytes(&self) -> usize {
        size_of_val(self.groups.as_slice())
            + size_of_val(self.scales.as_slice())
            + size_of_val(self.leasts.as_slice())
    }

    pub(super) fn form(&self) -> Form {
        self.form
    }

    pub(super) fn panels(&self) -> usize {
        self.rows.div_ceil(LANES)
    }

    pub(super) fn panel(&self, panel: usize) -> Panel<'_> {
        let blocks = panel * self.blocks..(panel + 1) * self.blocks;
        let each = self.form.groups();
        Panel {
            groups: &self.groups[blocks.start * each..blocks.end * each],
            scales: &self.scales[blocks.clone()],
            leasts: self.leasts.get(blocks).unwrap_or_default(),
        }
    }

    /// The values of one row, as they were before packing but for the loss.
    pub(crate) fn row(&self, row: usize, out: &mut [f32]) {
        let (panel, lane) = (self.panel(row / LANES), row % LANES);
        let each = self.form.groups();
        for (block, out) in out.chunks_exact_mut(BLOCK).enumerate() {
            let groups = &panel.groups[block * each..][..each];
            let number = |halves: &[Halves]| {
                halves.get(block).map_or(0.0, |halves| f16::from_bits(halves[lane]).to_f32())
            };
            let (scale, least) = (number(panel.scales), number(panel.leasts));
            for (column, out) in out.iter_mut().enumerate() {
                let byte = groups[column / 4 % each].0[lane * 4 + column % 4];
                *out = match self.form {
                    Form::Eight => (f32::from(byte) - 128.0) * scale,
                    Form::Four if column < BLOCK / 2 => f32::from(byte & 15).mul_add(scale, least),
                    Form::Four => f32::from(byte >> 4).mul_add(scale, least),
                };
            }
        }
    }
}

/// Packs one panel; rows past the end stay zero.
fn fill(
    isa: Isa,
    (source, rows): (&Source, usize),
    panel: usize,
    (groups, scales, leasts): (&mut [Group], &mut [Halves], &mut [Halves]),
) {
    let (blocks, narrow) = (scales.len(), !leasts.is_empty());
    let each = groups.len() / blocks.max(1);
    for (lane, row) in (panel * LANES..rows.min((panel + 1) * LANES)).enumerate() {
        for block in 0..blocks {
            let at = row * blocks + block;
            let codes = if narrow { four(isa, source, at) } else { eight(isa, source, at) };
            scales[block][lane] = codes.scale.to_bits();
            if narrow {
                leasts[block][lane] = codes.least.to_bits();
            }
            let groups = groups[block * each..][..each].iter_mut();
            for (group, four) in groups.zip(codes.codes.as_chunks::<4>().0) {
                group.0.as_chunks_mut::<4>().0[lane] = *four;
            }
        }
    }
}

fn four(isa: Isa, source: &Source, at: usize) -> Codes {
    let part = source.affine(isa, at);
    let mut codes = [0; BLOCK];
    let (low, high) = part.codes.split_at(BLOCK / 2);
    for (code, (low, high)) in codes.iter_mut().zip(low.iter().zip(high)) {
        *code = low | high << 4;
    }
    Codes { scale: finite(part.scale), least: finite(part.least), codes }
}

fn eight(isa: Isa, source: &Source, at: usize) -> Codes {
    let (scale, codes) = match source.eight(at) {
        Some((scale, codes)) => (f16::from_f32(scale), codes),
        None => rounded(isa, &source.values(isa, at)),
    };
    Codes { scale, least: f16::ZERO, codes: codes.map(|code| code.cast_unsigned() ^ 0x80) }
}

/// Eight bits for plain values.
fn rounded(isa: Isa, values: &[f32; BLOCK]) -> (f16, [i8; BLOCK]) {
    let mut most = 0.0;
    largest(isa, values, &mut most);
    let scale = finite(most / 127.0);
    let mut codes = [0; BLOCK];
    if scale > f16::ZERO {
        round(isa, values, scale.to_f32(), &mut codes);
    }
    (scale, codes)
}

/// A number in half precision; one that is too large becomes the largest.
fn finite(value: f32) -> f16 {
    const LARGEST: f32 = 65_504.0;
    f16::from_f32(value.clamp(-LARGEST, LARGEST))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Rounding halves away from zero and never to -128, bit for bit alike on every path.
    #[test]
    fn eight_bits_are_the_nearest_ones_on_every_path() {
        let steps = |step: f32| std::array::from_fn(|at| (at as f32 - 15.5) * step);
        let mut odd: [f32; BLOCK] = steps(8.0);
        (odd[3], odd[30], odd[31]) = (f32::NAN, 127.0, -127.0);
        for (case, values) in [
            ("halves", steps(8.192)),
            ("zero", [0.0; BLOCK]),
            ("small", steps(1e-30)),
            ("large", steps(1e30)),
            ("infinite", steps(f32::INFINITY)),
            ("odd", odd),
        ] {
            let most = values.iter().fold(0.0f32, |most, value| most.max(value.abs()));
            let scale = finite(most / 127.0);
            let step = scale.to_f32();
            for isa in Isa::all() {
                let (found, codes) = rounded(isa, &values);
                assert_eq!(found.to_bits(), scale.to_bits(), "{case} {isa:?}");
                for (code, value) in codes.iter().zip(&values).filter(|(_, v)| !v.is_nan()) {
                    let nearest = (value / step).round().clamp(-127.0, 127.0);
                    let expected = if step > 0.0 { nearest as i8 } else { 0 };
                    assert_eq!(*code, expected, "{case} {isa:?}: {value}");
                }
                assert!(codes.iter().all(|code| *code > i8::MIN), "{case} {isa:?}");
            }
        }
    }
}
