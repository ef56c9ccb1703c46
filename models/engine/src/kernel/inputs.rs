use rayon::prelude::*;

use super::vector::quantise;
use super::{BLOCK, Isa, TILE_ROWS};

/// Rows of numbers, quantised to eight bits in blocks of 32, as the product takes them: in tiles of a
/// few rows, whose codes for the same four columns lie side by side.
#[derive(Default)]
pub(crate) struct Inputs {
    count: usize,
    blocks: usize,
    codes: Vec<i8>,
    blocks_of: Vec<InputBlock>,
}

/// What belongs to one block of one row.
#[derive(Clone, Copy, Default)]
#[repr(C)]
pub(super) struct InputBlock {
    /// Value of one step.
    pub(super) scale: f32,
    /// Minus 128 times the sum of the codes: takes back the middle of eight-bit weights.
    pub(super) shift: i32,
    /// Sum of the block's values, for the least values of four-bit weights.
    pub(super) sum: f32,
}

impl InputBlock {
    /// What values are multiplied with to become codes, given the largest of a block.
    pub(super) fn inverse(most: f32) -> f32 {
        if most > 0.0 { 127.0 / most } else { 0.0 }
    }

    /// Given the largest value and the sum of the codes.
    pub(super) fn new(most: f32, total: i32) -> Self {
        let scale = most / 127.0;
        Self { scale, shift: total.wrapping_mul(-128), sum: scale * total as f32 }
    }
}

/// Some rows of [`Inputs`].
#[derive(Clone, Copy)]
pub(super) struct InputTile<'a> {
    /// How many: one to [`TILE_ROWS`].
    pub(super) rows: usize,
    /// For each four columns, four codes of each row.
    pub(super) codes: &'a [i8],
    /// For each block, each row's.
    pub(super) blocks: &'a [InputBlock],
}

impl Inputs {
    /// Becomes `count` rows of `columns` numbers, each made by `make` and then quantised.
    pub(crate) fn fill(
        &mut self,
        isa: Isa,
        (count, columns): (usize, usize),
        make: impl Fn(usize, &mut [f32]) + Sync,
    ) {
        (self.count, self.blocks) = (count, columns / BLOCK);
        // Only ever longer: growing again would write zeros for nothing.
        self.codes.resize(self.codes.len().max(count * columns), 0);
        self.blocks_of.resize(self.blocks_of.len().max(count * self.blocks), InputBlock::default());
        let rows = self.tile_rows();
        let codes = self.codes[..count * columns].par_chunks_mut(rows * columns);
        let blocks = self.blocks_of[..count * self.blocks].par_chunks_mut(rows * self.blocks);
        let scratch = || (vec![0.0; columns], vec![0; rows * columns]);
        codes.zip(blocks).enumerate().for_each_init(
            scratch,
            |(row, plain), (tile, (codes, blocks))| {
                let together = codes.len() / columns;
                for (at, plain) in plain.chunks_exact_mut(columns).enumerate().take(together) {
                    make(tile * rows + at, row);
                    quantise(isa, row, plain, &mut blocks[at..], together);
                }
                interleave(plain, codes, together);
            },
        );
    }

    /// Number of rows.
    pub(crate) fn count(&self) -> usize {
        self.count
    }

    /// Numbers in a row.
    pub(crate) fn columns(&self) -> usize {
        self.blocks * BLOCK
    }

    /// Rows of all tiles but the last, chosen so that none is much smaller than the others.
    pub(super) fn tile_rows(&self) -> usize {
        self.count.div_ceil(self.count.div_ceil(TILE_ROWS).max(1)).max(1)
    }

    pub(super) fn tiles(&self) -> impl Iterator<Item = InputTile<'_>> {
        let (rows, columns) = (self.tile_rows(), self.columns());
        let codes = self.codes[..self.count * columns].chunks(rows * columns);
        let blocks = self.blocks_of[..self.count * self.blocks].chunks(rows * self.blocks);
        codes.zip(blocks).map(move |(codes, blocks)| InputTile {
            rows: codes.len() / columns,
            codes,
            blocks,
        })
    }
}

/// Rows of codes, to be taken four columns at a time.
fn interleave(rows: &[i8], out: &mut [i8], together: usize) {
    match together {
        1 => out.copy_from_slice(&rows[..out.len()]),
        2 => interleave_by::<2>(rows, out),
        3 => interleave_by::<3>(rows, out),
        4 => interleave_by::<4>(rows, out),
        5 => interleave_by::<5>(rows, out),
        _ => interleave_by::<TILE_ROWS>(rows, out),
    }
}

fn interleave_by<const N: usize>(rows: &[i8], out: &mut [i8]) {
    let out = out.as_chunks_mut::<4>().0.as_chunks_mut::<N>().0;
    let fours = out.len();
    let rows = rows.as_chunks::<4>().0;
    let rows: [&[[i8; 4]]; N] = std::array::from_fn(|row| &rows[row * fours..(row + 1) * fours]);
    for (at, out) in out.iter_mut().enumerate() {
        for (out, row) in out.iter_mut().zip(rows) {
            *out = row[at];
        }
    }
}
