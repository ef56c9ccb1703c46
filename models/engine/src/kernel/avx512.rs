use std::arch::x86_64::*;

use super::inputs::{InputBlock, InputTile};
use super::packed::{Form, Panel};
use super::vector::ROUNDER;
use super::{BLOCK, Tile};

/// Whether weights have least values, for the compiler to make two functions of one.
type Least = bool;

/// The product of one to six rows and one or two panels.
#[target_feature(enable = "avx512f,avx512bw,avx512vnni")]
pub(super) fn tile(form: Form, panels: &[Panel<'_>], tile: &InputTile<'_>, out: &mut Tile) {
    match (form, panels[0].is_unpacked()) {
        (Form::Eight, _) => by_panels::<8, false>(panels, tile, out),
        (Form::Four, true) => by_panels::<8, true>(panels, tile, out),
        (Form::Four, false) => by_panels::<4, true>(panels, tile, out),
    }
}

#[target_feature(enable = "avx512f,avx512bw,avx512vnni")]
fn by_panels<const GROUPS: usize, const LEAST: Least>(
    panels: &[Panel<'_>],
    tile: &InputTile<'_>,
    out: &mut Tile,
) {
    match panels {
        [one] => by_rows::<GROUPS, LEAST, 1>(&[*one], tile, out),
        [one, two, ..] => by_rows::<GROUPS, LEAST, 2>(&[*one, *two], tile, out),
        [] => {}
    }
}

#[target_feature(enable = "avx512f,avx512bw,avx512vnni")]
fn by_rows<const GROUPS: usize, const LEAST: Least, const PANELS: usize>(
    panels: &[Panel<'_>; PANELS],
    tile: &InputTile<'_>,
    out: &mut Tile,
) {
    match tile.rows {
        1 => product::<GROUPS, LEAST, PANELS, 1>(panels, tile, out),
        2 => product::<GROUPS, LEAST, PANELS, 2>(panels, tile, out),
        3 => product::<GROUPS, LEAST, PANELS, 3>(panels, tile, out),
        4 => product::<GROUPS, LEAST, PANELS, 4>(panels, tile, out),
        5 => product::<GROUPS, LEAST, PANELS, 5>(panels, tile, out),
        _ => product::<GROUPS, LEAST, PANELS, 6>(panels, tile, out),
    }
}

#[target_feature(enable = "avx512f,avx512bw,avx512vnni")]
fn product<const GROUPS: usize, const LEAST: Least, const PANELS: usize, const ROWS: usize>(
    panels: &[Panel<'_>; PANELS],
    tile: &InputTile<'_>,
    out: &mut Tile,
) {
    let blocks = panels[0].scales.len();
    for panel in panels {
        assert!(panel.groups.len() == blocks * GROUPS && panel.scales.len() == blocks);
        assert!(!LEAST || panel.leasts.len() == blocks);
    }
    assert!(tile.codes.len() == blocks * BLOCK * ROWS && tile.blocks.len() == blocks * ROWS);
    let mut totals = [[_mm512_setzero_ps(); PANELS]; ROWS];
    for block in 0..blocks {
        // SAFETY: `block` is below the lengths asserted above.
        unsafe { add_block::<GROUPS, LEAST, PANELS, ROWS>(panels, tile, block, &mut totals) };
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
/// Panels and tile must have more than `block` blocks, and the tile ROWS rows.
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512vnni")]
unsafe fn add_block<
    const GROUPS: usize,
    const LEAST: Least,
    const PANELS: usize,
    const ROWS: usize,
>(
    panels: &[Panel<'_>; PANELS],
    tile: &InputTile<'_>,
    block: usize,
    totals: &mut [[__m512; PANELS]; ROWS],
) {
    // SAFETY: the caller's promise; every pointer stays within the block.
    unsafe {
        let inputs = tile.blocks.as_ptr().add(block * ROWS);
        let codes = tile.codes.as_ptr().cast::<i32>().add(block * 8 * ROWS);
        let mut dots = [[_mm512_setzero_si512(); PANELS]; ROWS];
        if !LEAST {
            for (row, dots) in dots.iter_mut().enumerate() {
                *dots = [_mm512_set1_epi32((*inputs.add(row)).shift); PANELS];
            }
        }
        for group in 0..GROUPS {
            let mut bytes = [_mm512_setzero_si512(); PANELS];
            for (bytes, panel) in bytes.iter_mut().zip(panels) {
                let from = panel.groups.as_ptr().add(block * GROUPS + group);
                *bytes = _mm512_load_si512(from.cast());
            }
            for half in 0..8 / GROUPS {
                let mut weights = [_mm512_setzero_si512(); PANELS];
                for (weights, bytes) in weights.iter_mut().zip(bytes) {
                    *weights = nibbles::<GROUPS>(bytes, half);
                }
                let codes = codes.add((half * GROUPS + group) * ROWS);
                for (row, dots) in dots.iter_mut().enumerate() {
                    let codes = _mm512_set1_epi32(codes.add(row).read_unaligned());
                    for (dot, weights) in dots.iter_mut().zip(weights) {
                        *dot = _mm512_dpbusd_epi32(*dot, weights, codes);
                    }
                }
            }
        }
        for (at, panel) in panels.iter().enumerate() {
            let scales = halves(panel.scales.as_ptr().add(block).cast());
            for (row, (totals, dots)) in totals.iter_mut().zip(&dots).enumerate() {
                let scale = _mm512_mul_ps(scales, _mm512_set1_ps((*inputs.add(row)).scale));
                totals[at] = _mm512_fmadd_ps(_mm512_cvtepi32_ps(dots[at]), scale, totals[at]);
            }
            if LEAST {
                let leasts = halves(panel.leasts.as_ptr().add(block).cast());
                for (row, totals) in totals.iter_mut().enumerate() {
                    let sum = _mm512_set1_ps((*inputs.add(row)).sum);
                    totals[at] = _mm512_fmadd_ps(leasts, sum, totals[at]);
                }
            }
        }
    }
}

/// The lower or the upper halves of bytes, or all of them where they are not shared.
#[inline]
#[target_feature(enable = "avx512f,avx512bw")]
fn nibbles<const GROUPS: usize>(bytes: __m512i, half: usize) -> __m512i {
    let low = _mm512_set1_epi8(15);
    match (GROUPS, half) {
        (8, _) => bytes,
        (_, 0) => _mm512_and_si512(bytes, low),
        _ => _mm512_and_si512(_mm512_srli_epi16::<4>(bytes), low),
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

/// Quantises a block of a row.
#[target_feature(enable = "avx512f,avx512bw")]
pub(super) fn quantise(values: &[f32; BLOCK], codes: &mut [i8; BLOCK]) -> InputBlock {
    // SAFETY: twice sixteen floats are there, and room for twice sixteen bytes.
    unsafe {
        let low = _mm512_loadu_ps(values.as_ptr());
        let high = _mm512_loadu_ps(values.as_ptr().add(16));
        let most = _mm512_reduce_max_ps(_mm512_max_ps(_mm512_abs_ps(low), _mm512_abs_ps(high)));
        let inverse = _mm512_set1_ps(InputBlock::inverse(most));
        let rounder = _mm512_set1_ps(ROUNDER);
        let whole = [low, high].map(|values| {
            let bits = _mm512_castps_si512(_mm512_fmadd_ps(values, inverse, rounder));
            _mm512_sub_epi32(bits, _mm512_castps_si512(rounder))
        });
        let place = codes.as_mut_ptr().cast::<__m128i>();
        _mm_storeu_si128(place, _mm512_cvtepi32_epi8(whole[0]));
        _mm_storeu_si128(place.add(1), _mm512_cvtepi32_epi8(whole[1]));
        InputBlock::new(most, _mm512_reduce_add_epi32(_mm512_add_epi32(whole[0], whole[1])))
    }
}
