use std::arch::x86_64::*;

use super::inputs::InputRow;
use super::packed::{Form, Panel};
use super::{BLOCK, Tile};

/// The product of one to six rows and one or two panels.
#[target_feature(enable = "avx512f,avx512bw,avx512vnni")]
pub(super) fn tile(form: Form, panels: &[Panel<'_>], rows: &[InputRow<'_>], out: &mut Tile) {
    match form {
        Form::Eight => by_panels::<8>(panels, rows, out),
        Form::Four => by_panels::<4>(panels, rows, out),
    }
}

#[target_feature(enable = "avx512f,avx512bw,avx512vnni")]
fn by_panels<const GROUPS: usize>(panels: &[Panel<'_>], rows: &[InputRow<'_>], out: &mut Tile) {
    match panels {
        [one] => by_rows::<GROUPS, 1>(&[*one], rows, out),
        [one, two, ..] => by_rows::<GROUPS, 2>(&[*one, *two], rows, out),
        [] => {}
    }
}

#[target_feature(enable = "avx512f,avx512bw,avx512vnni")]
fn by_rows<const GROUPS: usize, const PANELS: usize>(
    panels: &[Panel<'_>; PANELS],
    rows: &[InputRow<'_>],
    out: &mut Tile,
) {
    match *rows {
        [a] => product::<GROUPS, PANELS, 1>(panels, &[a], out),
        [a, b] => product::<GROUPS, PANELS, 2>(panels, &[a, b], out),
        [a, b, c] => product::<GROUPS, PANELS, 3>(panels, &[a, b, c], out),
        [a, b, c, d] => product::<GROUPS, PANELS, 4>(panels, &[a, b, c, d], out),
        [a, b, c, d, e] => product::<GROUPS, PANELS, 5>(panels, &[a, b, c, d, e], out),
        [a, b, c, d, e, f, ..] => product::<GROUPS, PANELS, 6>(panels, &[a, b, c, d, e, f], out),
        [] => {}
    }
}

#[target_feature(enable = "avx512f,avx512bw,avx512vnni")]
fn product<const GROUPS: usize, const PANELS: usize, const ROWS: usize>(
    panels: &[Panel<'_>; PANELS],
    rows: &[InputRow<'_>; ROWS],
    out: &mut Tile,
) {
    let blocks = panels[0].scales.len();
    for panel in panels {
        assert!(panel.groups.len() == blocks * GROUPS && panel.scales.len() == blocks);
        assert!(GROUPS == 8 || panel.leasts.len() == blocks);
    }
    for row in rows {
        assert!(row.codes.len() == blocks * BLOCK && row.blocks.len() == blocks);
    }
    let mut totals = [[_mm512_setzero_ps(); PANELS]; ROWS];
    for block in 0..blocks {
        // SAFETY: `block` is below the lengths asserted above: a panel has GROUPS groups and a row
        // BLOCK codes to each block.
        unsafe { add_block::<GROUPS, PANELS, ROWS>(panels, rows, block, &mut totals) };
    }
    for (out, totals) in out.iter_mut().zip(&totals) {
        for (out, total) in out.iter_mut().zip(totals) {
            // SAFETY: `out` holds sixteen floats.
            unsafe { _mm512_storeu_ps(out.as_mut_ptr(), *total) };
        }
    }
}

/// Adds one block to the totals.
///
/// # Safety
/// Panels and rows must have more than `block` blocks.
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512vnni")]
unsafe fn add_block<const GROUPS: usize, const PANELS: usize, const ROWS: usize>(
    panels: &[Panel<'_>; PANELS],
    rows: &[InputRow<'_>; ROWS],
    block: usize,
    totals: &mut [[__m512; PANELS]; ROWS],
) {
    let low = _mm512_set1_epi8(15);
    let mut dots = [[_mm512_setzero_si512(); PANELS]; ROWS];
    // SAFETY: the caller's promise; every pointer below stays within the block.
    unsafe {
        if GROUPS == 8 {
            for (dots, row) in dots.iter_mut().zip(rows) {
                *dots = [_mm512_set1_epi32(row.blocks.as_ptr().add(block).read().shift); PANELS];
            }
        }
        for group in 0..GROUPS {
            let mut weights = [_mm512_setzero_si512(); PANELS];
            for (weights, panel) in weights.iter_mut().zip(panels) {
                *weights =
                    _mm512_load_si512(panel.groups.as_ptr().add(block * GROUPS + group).cast());
            }
            for half in 0..8 / GROUPS {
                let column = block * BLOCK + (half * GROUPS + group) * 4;
                for (dots, row) in dots.iter_mut().zip(rows) {
                    let codes = row.codes.as_ptr().add(column).cast::<i32>().read_unaligned();
                    let codes = _mm512_set1_epi32(codes);
                    for (dot, weights) in dots.iter_mut().zip(&weights) {
                        let weights = match (GROUPS, half) {
                            (8, _) => *weights,
                            (_, 0) => _mm512_and_si512(*weights, low),
                            _ => _mm512_and_si512(_mm512_srli_epi16::<4>(*weights), low),
                        };
                        *dot = _mm512_dpbusd_epi32(*dot, weights, codes);
                    }
                }
            }
        }
        for (at, panel) in panels.iter().enumerate() {
            let scales = halves(panel.scales.as_ptr().add(block).cast());
            for ((totals, dots), row) in totals.iter_mut().zip(&dots).zip(rows) {
                let input = row.blocks.as_ptr().add(block);
                let scale = _mm512_mul_ps(scales, _mm512_set1_ps((*input).scale));
                totals[at] = _mm512_fmadd_ps(_mm512_cvtepi32_ps(dots[at]), scale, totals[at]);
            }
            if GROUPS == 4 {
                let leasts = halves(panel.leasts.as_ptr().add(block).cast());
                for (totals, row) in totals.iter_mut().zip(rows) {
                    let sum = _mm512_set1_ps((*row.blocks.as_ptr().add(block)).sum);
                    totals[at] = _mm512_fmadd_ps(leasts, sum, totals[at]);
                }
            }
        }
    }
}

/// Sixteen numbers in half precision.
///
/// # Safety
/// `from` must point to 32 readable bytes.
#[inline]
#[target_feature(enable = "avx512f")]
unsafe fn halves(from: *const __m256i) -> __m512 {
    // SAFETY: the caller's promise.
    _mm512_cvtph_ps(unsafe { _mm256_loadu_si256(from) })
}
