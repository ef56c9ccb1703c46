use std::marker::PhantomData;

use rayon::prelude::*;

use super::inputs::InputTile;
use super::isa::Kind;
use super::packed::{Form, Group, Panel};
use super::vector::swiglu;
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
    let sheet = Sheet::new(inputs, weights, target);
    let tasks = Tasks { isa, inputs, count: weights.panels().div_ceil(TILE_PANELS) };
    tasks.run(|buffers, pair| {
        let first = pair * TILE_PANELS;
        let last = weights.panels().min(first + TILE_PANELS);
        let Buffers { groups, out, .. } = buffers;
        let panels: [Panel<'_>; TILE_PANELS] =
            std::array::from_fn(|at| weights.panel((first + at).min(last - 1)));
        let panels = tasks.unpacked(weights.form(), panels, groups);
        for (index, tile) in inputs.tiles().enumerate() {
            run(isa, weights.form(), &panels[..last - first], &tile, out);
            for (at, out) in out.iter().take(tile.rows).enumerate() {
                for (panel, out) in (first..last).zip(out) {
                    let row = index * inputs.tile_rows() + at;
                    // SAFETY: the row is below `inputs.count()`, the panel is one of the weights',
                    // and no other task has it.
                    unsafe { sheet.put(row, panel, out) };
                }
            }
        }
    });
}

/// Multiplies every input row by every row of two matrices of one shape and writes
/// `silu(gate) * up`: neither product is ever in memory as a whole.
pub(crate) fn multiply_gated(
    isa: Isa,
    inputs: &Inputs,
    [gate, up]: [&Packed; 2],
    target: Target<'_>,
) {
    assert_eq!((gate.rows(), gate.columns()), (up.rows(), up.columns()), "two shapes");
    let sheet = Sheet::new(inputs, gate, target);
    let tasks = Tasks { isa, inputs, count: gate.panels() };
    tasks.run(|buffers, panel| {
        let Buffers { groups: [one, other], out, second } = buffers;
        let one = std::slice::from_mut(one);
        let other = std::slice::from_mut(other);
        let [gates] = tasks.unpacked(gate.form(), [gate.panel(panel)], one);
        let [ups] = tasks.unpacked(up.form(), [up.panel(panel)], other);
        for (index, tile) in inputs.tiles().enumerate() {
            if gate.form() == up.form() {
                run(isa, gate.form(), &[gates, ups], &tile, out);
            } else {
                run(isa, gate.form(), &[gates], &tile, out);
                run(isa, up.form(), &[ups], &tile, second);
                out.iter_mut().zip(second.iter()).for_each(|(out, second)| out[1] = second[0]);
            }
            for (at, [gate, up]) in out.iter().take(tile.rows).enumerate() {
                let mut mixed = [0.0; LANES];
                swiglu(isa, gate, up, &mut mixed);
                // SAFETY: as above; the two matrices have the same panels.
                unsafe { sheet.put(index * inputs.tile_rows() + at, panel, &mixed) };
            }
        }
    });
}

/// The parts of one product, each with panels of its own.
struct Tasks<'a> {
    isa: Isa,
    inputs: &'a Inputs,
    count: usize,
}

impl Tasks<'_> {
    fn run(&self, task: impl Fn(&mut Buffers, usize) + Sync) {
        let least = self.count.div_ceil(rayon::current_num_threads() * PARTS);
        let parts = (0..self.count).into_par_iter().with_min_len(least);
        parts.for_each_init(Buffers::default, |buffers, part| task(buffers, part));
    }

    /// The panels, four-bit weights taken apart where that pays.
    fn unpacked<'p, const N: usize>(
        &self,
        form: Form,
        mut panels: [Panel<'p>; N],
        groups: &'p mut [Vec<Group>],
    ) -> [Panel<'p>; N] {
        if form == Form::Four && self.inputs.count() >= UNPACK_ROWS {
            for (panel, groups) in panels.iter_mut().zip(groups) {
                panel.unpack(self.isa, groups);
                panel.groups = groups;
            }
        }
        panels
    }
}

/// What one task needs beside its inputs.
#[derive(Default)]
struct Buffers {
    groups: [Vec<Group>; TILE_PANELS],
    out: Tile,
    /// Of a second matrix kept in another form.
    second: Tile,
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
    /// Columns written, counted from `column`.
    columns: usize,
    add: bool,
    owner: PhantomData<&'a mut [f32]>,
}

// SAFETY: it stands for a `&mut [f32]`, and `put` makes every caller vouch that no two tasks write
// the same place.
unsafe impl Sync for Sheet<'_> {}

impl<'a> Sheet<'a> {
    /// The place of the product of all inputs and weights of this shape.
    fn new(inputs: &Inputs, weights: &Packed, target: Target<'a>) -> Self {
        let Target { values, width, column, add } = target;
        let columns = weights.rows();
        assert_eq!(inputs.columns(), weights.columns(), "inputs and weights differ in width");
        assert!(column + columns <= width, "the target is too narrow");
        assert!(inputs.count() * width <= values.len(), "the target is too short");
        Self { start: values.as_mut_ptr(), width, column, columns, add, owner: PhantomData }
    }

    /// Writes or adds what a panel makes of a row.
    ///
    /// # Safety
    /// Row and panel must be of the inputs and weights that [`Sheet::new`] saw, and nobody else may
    /// touch their place meanwhile.
    #[inline]
    unsafe fn put(&self, row: usize, panel: usize, values: &[f32; LANES]) {
        let column = panel * LANES;
        let lanes = LANES.min(self.columns - column);
        let at = row * self.width + self.column + column;
        // SAFETY: the caller's promise, and what `new` asserted of the target.
        let place = unsafe { std::slice::from_raw_parts_mut(self.start.add(at), lanes) };
        match (place.as_mut_array::<LANES>(), self.add) {
            (Some(place), false) => *place = *values,
            (Some(place), true) => (0..LANES).for_each(|lane| place[lane] += values[lane]),
            (None, false) => place.copy_from_slice(&values[..lanes]),
            (None, true) => place.iter_mut().zip(values).for_each(|(old, new)| *old += new),
        }
    }
}
