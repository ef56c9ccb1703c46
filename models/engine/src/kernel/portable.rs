use half::f16;

use super::inputs::InputRow;
use super::packed::{Form, Panel};
use super::{BLOCK, LANES, Tile};

/// The product of a few rows and panels, one number after the other: what the others must equal.
pub(super) fn tile(form: Form, panels: &[Panel<'_>], rows: &[InputRow<'_>], out: &mut Tile) {
    for (row, out) in rows.iter().zip(out) {
        for (panel, out) in panels.iter().zip(out) {
            *out = std::array::from_fn(|lane| product(form, panel, row, lane));
        }
    }
}

fn product(form: Form, panel: &Panel<'_>, row: &InputRow<'_>, lane: usize) -> f32 {
    let each = form.groups();
    let mut total = 0.0f32;
    for (index, block) in row.blocks.iter().enumerate() {
        let groups = &panel.groups[index * each..][..each];
        let codes = &row.codes[index * BLOCK..][..BLOCK];
        let weight = |column: usize| {
            let byte = groups[column / 4 % each].0[lane * 4 + column % 4];
            match form {
                Form::Eight => i32::from(byte),
                Form::Four => i32::from((byte >> (column / 4 / each * 4)) & 15),
            }
        };
        let dot: i32 =
            codes.iter().enumerate().map(|(at, code)| weight(at) * i32::from(*code)).sum();
        let number = |halves: &[u16; LANES]| f16::from_bits(halves[lane]).to_f32();
        let scale = number(&panel.scales[index]) * block.scale;
        total = match form {
            Form::Eight => ((dot + block.shift) as f32).mul_add(scale, total),
            Form::Four => {
                let total = (dot as f32).mul_add(scale, total);
                number(&panel.leasts[index]).mul_add(block.sum, total)
            }
        };
    }
    total
}
