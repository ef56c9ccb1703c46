use std::marker::PhantomData;

use rayon::prelude::*;

use super::inputs::InputTile;
use super::isa::Kind;
use super::packed::{Form, Group, Panel};
use super::{Inputs, Isa, LANES, Packed, TILE_PANELS, Tile, portable};

/// Parts each thread gets of one product, so that one that is held up does not hold up all.
const PARTS: usize = 4;

/// From so many rows on, four-bit weights are taken apart once for all of them.
const UNPACK_ROWS: usize = 12;

/// Where a product goes: some columns of a matrix.
pub(crate) struct Target<'a> {
    /// The matrix, row after row.
    pub(crate) values: &'a mut [f32],
    /// Its width.
    pub(crate) width: usize,
    /// The first of the columns.
    pub(crate) column: usize,
    /// Whether to add to what is there.
    pub(crate) add: bool,
}

/// Multiplies every input row by every row of the weights.
pub(crate) fn multiply(isa: Isa, inputs: &Inputs, weights: &Packed, target: Target<'_>) {
    assert_eq!(inputs.columns(), weights.columns(), "inputs and weights differ in width");
    assert!(target.column + weights.rows() <= target.width, "the target is too narrow");
    assert!(inputs.count() * target.width <= target.values.len(), "the target is too short");
    let pairs = weights.panels().div_ceil(TILE_PANELS);
    let least = pairs.div_ceil(rayon::current_num_threads() * PARTS);
    let sheet = Sheet { start: target.values.as_mut_ptr(), owner: PhantomData, ..(&target).into() };
    let unpack = weights.form() == Form::Four && inputs.count() >= UNPACK_ROWS;
    let pairs = (0..pairs).into_par_iter().with_min_len(least);
    pairs.for_each_init(Buffers::default, |buffers, pair| {
        let first = pair * TILE_PANELS;
        let last = weights.panels().min(first + TILE_PANELS);
        let Buffers { groups, out } = buffers;
        let mut panels: [Panel<'_>; TILE_PANELS] =
            std::array::from_fn(|at| weights.panel((first + at).min(last - 1)));
        if unpack {
            for (panel, groups) in panels.iter_mut().zip(groups) {
                panel.unpack(isa, groups);
                panel.groups = groups;
            }
        }
        for (index, tile) in inputs.tiles().enumerate() {
            run(isa, weights.form(), &panels[..last - first], &tile, out);
            for (at, out) in out.iter().take(tile.rows).enumerate() {
                for (panel, out) in (first..last).zip(out) {
                    let lanes = LANES.min(weights.rows() - panel * LANES);
                    let row = index * inputs.tile_rows() + at;
                    // SAFETY: the row is below `inputs.count()`, the columns are below the weights'
                    // rows, both asserted to lie within the target, and no other task has them:
                    // each panel is one task's.
                    unsafe { sheet.put(row, panel * LANES, &out[..lanes]) };
                }
            }
        }
    });
}

/// What one task needs beside its inputs.
#[derive(Default)]
struct Buffers {
    groups: [Vec<Group>; TILE_PANELS],
    out: Tile,
}

/// Multiplies every input row by some rows of the weights; one output row to each input row.
pub(crate) fn multiply_rows(
    isa: Isa,
    inputs: &Inputs,
    weights: &Packed,
    chosen: &[u32],
) -> Vec<Vec<f32>> {
    assert_eq!(inputs.columns(), weights.columns(), "inputs and weights differ in width");
    let mut found = vec![vec![0.0; chosen.len()]; inputs.count()];
    let mut out = Tile::default();
    let mut columns: Vec<(usize, usize)> =
        chosen.iter().enumerate().map(|(at, row)| (*row as usize, at)).collect();
    columns.sort_unstable();
    for same in columns.chunk_by(|left, right| left.0 / LANES == right.0 / LANES) {
        let panel = weights.panel(same[0].0 / LANES);
        for (tile, found) in inputs.tiles().zip(found.chunks_mut(inputs.tile_rows())) {
            run(isa, weights.form(), &[panel], &tile, &mut out);
            for (found, out) in found.iter_mut().zip(&out) {
                same.iter().for_each(|(row, at)| found[*at] = out[0][row % LANES]);
            }
        }
    }
    found
}

/// One tile on the path the machine has.
fn run(isa: Isa, form: Form, panels: &[Panel<'_>], tile: &InputTile<'_>, out: &mut Tile) {
    match isa.kind() {
        #[cfg(target_arch = "x86_64")]
        // SAFETY: a value of `Isa` is proof that the machine has the instructions.
        Kind::Avx512 => unsafe { super::avx512::tile(form, panels, tile, out) },
        #[cfg(target_arch = "x86_64")]
        // SAFETY: as above.
        Kind::AvxVnni => unsafe { super::avx2::tile_vnni(form, panels, tile, out) },
        #[cfg(target_arch = "x86_64")]
        // SAFETY: as above.
        Kind::Avx2 => unsafe { super::avx2::tile(form, panels, tile, out) },
        #[cfg(target_arch = "aarch64")]
        // SAFETY: as above.
        Kind::I8mm => unsafe { super::neon::tile_mixed(form, panels, tile, out) },
        #[cfg(target_arch = "aarch64")]
        // SAFETY: as above.
        Kind::Dot => unsafe { super::neon::tile_plain(form, panels, tile, out) },
        _ => portable::tile(form, panels, tile, out),
    }
}

/// A matrix that several tasks write at once, each its own columns.
struct Sheet<'a> {
    start: *mut f32,
    width: usize,
    column: usize,
    add: bool,
    owner: PhantomData<&'a mut [f32]>,
}

impl From<&Target<'_>> for Sheet<'_> {
    fn from(target: &Target<'_>) -> Self {
        let Target { width, column, add, .. } = *target;
        Self { start: std::ptr::null_mut(), width, column, add, owner: PhantomData }
    }
}

// SAFETY: it stands for a `&mut [f32]`, and `put` makes every caller vouch that no two tasks write
// the same place.
unsafe impl Sync for Sheet<'_> {}

impl Sheet<'_> {
    /// Writes or adds values.
    ///
    /// # Safety
    /// They must lie within the matrix, and nobody else may touch them meanwhile.
    unsafe fn put(&self, row: usize, column: usize, values: &[f32]) {
        let at = row * self.width + self.column + column;
        // SAFETY: the caller's promise.
        let place = unsafe { std::slice::from_raw_parts_mut(self.start.add(at), values.len()) };
        match (place.as_mut_array::<LANES>(), values.as_array::<LANES>(), self.add) {
            (Some(place), Some(values), false) => *place = *values,
            (Some(place), Some(values), true) => {
                (0..LANES).for_each(|lane| place[lane] += values[lane]);
            }
            (_, _, false) => place.copy_from_slice(values),
            (_, _, true) => place.iter_mut().zip(values).for_each(|(old, new)| *old += new),
        }
    }
}
