use rayon::prelude::*;

use super::vector::quantise;
use super::{BLOCK, Isa};

/// Rows of numbers, quantised to eight bits in blocks of 32, as the product takes them.
#[derive(Default)]
pub(crate) struct Inputs {
    count: usize,
    blocks: usize,
    pub(super) codes: Vec<i8>,
    pub(super) blocks_of: Vec<InputBlock>,
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

impl Inputs {
    /// Makes room for `count` rows of `columns` numbers, and fills each by `make` (row, output,
    /// scratch of the same length) before quantising it.
    pub(crate) fn fill(
        &mut self,
        isa: Isa,
        (count, columns): (usize, usize),
        make: impl Fn(usize, &mut [f32]) + Sync,
    ) {
        (self.count, self.blocks) = (count, columns / BLOCK);
        self.codes.resize(count * columns, 0);
        self.blocks_of.resize(count * self.blocks, InputBlock::default());
        let rows = self.codes.par_chunks_mut(columns);
        let rows = rows.zip(self.blocks_of.par_chunks_mut(self.blocks)).enumerate();
        let scratch = || vec![0.0; columns];
        rows.for_each_init(scratch, |scratch, (row, (codes, blocks))| {
            make(row, scratch);
            quantise(isa, scratch, codes, blocks);
        });
    }

    /// Number of rows.
    pub(crate) fn count(&self) -> usize {
        self.count
    }

    /// Numbers in a row.
    pub(crate) fn columns(&self) -> usize {
        self.blocks * BLOCK
    }

    pub(super) fn row(&self, row: usize) -> InputRow<'_> {
        InputRow {
            codes: &self.codes[row * self.columns()..][..self.columns()],
            blocks: &self.blocks_of[row * self.blocks..][..self.blocks],
        }
    }
}

/// One row of [`Inputs`].
#[derive(Clone, Copy)]
pub(super) struct InputRow<'a> {
    pub(super) codes: &'a [i8],
    pub(super) blocks: &'a [InputBlock],
}
