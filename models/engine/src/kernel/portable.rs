use half::f16;

use super::inputs::InputTile;
use super::packed::{Form, Panel};
use super::{BLOCK, LANES, Tile};

/// The product of a few rows and panels, one number after the other: what the others must equal.
pub(super) fn tile(form: Form, panels: &[Panel<'_>], tile: &InputTile<'_>, out: &mut Tile) {
    for (row, out) in out.iter_mut().enumerate().take(tile.rows) {
        for (panel, out) in panels.iter().zip(out) {
            *out = std::array::from_fn(|lane| product(form, panel, (tile, row), lane));
        }
    }
}

fn product(
    form: Form,
    panel: &Panel<'_>,
    (tile, row): (&InputTile<'_>, usize),
    lane: usize,
) -> f32 {
    let blocks = panel.scales.len();
    let each = panel.groups.len() / blocks.max(1);
    let mut total = 0.0f32;
    for index in 0..blocks {
        let groups = &panel.groups[index * each..][..each];
        let code = |column: usize| {
            let four = (index * BLOCK + column) / 4 * tile.rows + row;
            i32::from(tile.codes[four * 4 + column % 4])
        };
        let weight = |column: usize| {
            let byte = groups[column / 4 % each].0[lane * 4 + column % 4];
            match each {
                8 => i32::from(byte),
                _ => i32::from((byte >> (column / 4 / each * 4)) & 15),
            }
        };
        let dot: i32 = (0..BLOCK).map(|column| weight(column) * code(column)).sum();
        let number = |halves: &[u16; LANES]| f16::from_bits(halves[lane]).to_f32();
        let input = &tile.blocks[index * tile.rows + row];
        let scale = number(&panel.scales[index]) * input.scale;
        total = match form {
            Form::Eight => ((dot + input.shift) as f32).mul_add(scale, total),
            Form::Four => {
                let total = (dot as f32).mul_add(scale, total);
                number(&panel.leasts[index]).mul_add(input.sum, total)
            }
        };
    }
    total
}
