use std::arch::aarch64::*;
use std::arch::asm;

use half::f16;

use super::inputs::InputTile;
use super::packed::{Form, Panel};
use super::{BLOCK, LANES, Tile};

/// Rows taken at once: their sums and totals fill most of 32 registers.
const ROWS: usize = 2;

/// Vectors of four outputs in a panel.
const QUARTERS: usize = 4;

/// How bytes are multiplied and added up in fours.
trait Dot {
    /// Whether weights are taken as unsigned, so that the inputs' shift must be added.
    const MIXED: bool;

    /// `sum` plus, in each lane, four products of weights and codes.
    ///
    /// # Safety
    /// The machine must have the instructions of the path.
    unsafe fn add(sum: int32x4_t, weights: uint8x16_t, codes: int8x16_t) -> int32x4_t;
}

/// The dot product of i8mm: unsigned by signed bytes.
struct Mixed;

/// The plain dot product: signed by signed bytes.
struct Plain;

// The intrinsics for both are not yet stable, the instructions themselves are.
impl Dot for Mixed {
    const MIXED: bool = true;

    #[inline(always)]
    unsafe fn add(mut sum: int32x4_t, weights: uint8x16_t, codes: int8x16_t) -> int32x4_t {
        // SAFETY: the caller's promise; registers only.
        unsafe {
            asm!(
                ".arch_extension i8mm",
                "usdot {sum:v}.4s, {weights:v}.16b, {codes:v}.16b",
                sum = inout(vreg) sum, weights = in(vreg) weights, codes = in(vreg) codes,
                options(pure, nomem, nostack, preserves_flags)
            );
        }
        sum
    }
}

impl Dot for Plain {
    const MIXED: bool = false;

    #[inline(always)]
    unsafe fn add(mut sum: int32x4_t, weights: uint8x16_t, codes: int8x16_t) -> int32x4_t {
        // SAFETY: the caller's promise; registers only.
        unsafe {
            asm!(
                ".arch_extension dotprod",
                "sdot {sum:v}.4s, {weights:v}.16b, {codes:v}.16b",
                sum = inout(vreg) sum, weights = in(vreg) weights, codes = in(vreg) codes,
                options(pure, nomem, nostack, preserves_flags)
            );
        }
        sum
    }
}

/// The product of a few rows and panels with i8mm.
///
/// # Safety
/// The machine must have i8mm.
pub(super) unsafe fn tile_mixed(
    form: Form,
    panels: &[Panel<'_>],
    tile: &InputTile<'_>,
    out: &mut Tile,
) {
    // SAFETY: the caller's promise.
    unsafe { by_form::<Mixed>(form, panels, tile, out) }
}

/// The product of a few rows and panels with the dot product.
///
/// # Safety
/// The machine must have the dot product.
pub(super) unsafe fn tile_plain(
    form: Form,
    panels: &[Panel<'_>],
    tile: &InputTile<'_>,
    out: &mut Tile,
) {
    // SAFETY: the caller's promise.
    unsafe { by_form::<Plain>(form, panels, tile, out) }
}

/// # Safety
/// The machine must have the instructions of `D`.
#[inline(always)]
unsafe fn by_form<D: Dot>(form: Form, panels: &[Panel<'_>], tile: &InputTile<'_>, out: &mut Tile) {
    for (at, panel) in panels.iter().enumerate() {
        // SAFETY: the caller's promise.
        unsafe {
            match (form, panel.is_unpacked()) {
                (Form::Eight, _) => by_rows::<D, 8, false>(panel, tile, at, out),
                (Form::Four, true) => by_rows::<D, 8, true>(panel, tile, at, out),
                (Form::Four, false) => by_rows::<D, 4, true>(panel, tile, at, out),
            }
        }
    }
}

/// # Safety
/// The machine must have the instructions of `D`.
#[inline(always)]
unsafe fn by_rows<D: Dot, const GROUPS: usize, const LEAST: bool>(
    panel: &Panel<'_>,
    tile: &InputTile<'_>,
    at: usize,
    out: &mut Tile,
) {
    for first in (0..tile.rows).step_by(ROWS) {
        // SAFETY: the caller's promise, and the tile has the rows from `first` on.
        unsafe {
            match tile.rows - first {
                1 => product::<D, GROUPS, LEAST, 1>(panel, (tile, first), at, out),
                _ => product::<D, GROUPS, LEAST, 2>(panel, (tile, first), at, out),
            }
        }
    }
}

type Totals<const N: usize> = [[float32x4_t; QUARTERS]; N];

/// # Safety
/// The machine must have the instructions of `D`, and the tile N rows from `first` on.
#[inline(always)]
unsafe fn product<D: Dot, const GROUPS: usize, const LEAST: bool, const N: usize>(
    panel: &Panel<'_>,
    (tile, first): (&InputTile<'_>, usize),
    at: usize,
    out: &mut Tile,
) {
    let blocks = panel.scales.len();
    assert!(panel.groups.len() == blocks * GROUPS && (!LEAST || panel.leasts.len() == blocks));
    assert!(tile.codes.len() == blocks * BLOCK * tile.rows);
    assert!(tile.blocks.len() == blocks * tile.rows && first + N <= tile.rows);
    // SAFETY: the caller's promise, `block` is below the lengths asserted above, and `out` holds
    // four times four floats.
    unsafe {
        let mut totals = [[vdupq_n_f32(0.0); QUARTERS]; N];
        for block in 0..blocks {
            add_block::<D, GROUPS, LEAST, N>(panel, (tile, first), block, &mut totals);
        }
        for (out, totals) in out[first..].iter_mut().zip(totals) {
            for (out, total) in out[at].as_chunks_mut::<4>().0.iter_mut().zip(totals) {
                vst1q_f32(out.as_mut_ptr(), total);
            }
        }
    }
}

/// # Safety
/// As for [`product`]; panel and tile must have more than `block` blocks.
#[inline(always)]
unsafe fn add_block<D: Dot, const GROUPS: usize, const LEAST: bool, const N: usize>(
    panel: &Panel<'_>,
    (tile, first): (&InputTile<'_>, usize),
    block: usize,
    totals: &mut Totals<N>,
) {
    // SAFETY: the caller's promise; every pointer stays within the block.
    unsafe {
        let inputs = tile.blocks.as_ptr().add(block * tile.rows + first);
        let mut dots = [[vdupq_n_s32(0); QUARTERS]; N];
        for group in 0..8 {
            let from = panel.groups.as_ptr().add(block * GROUPS + group % GROUPS).cast::<u8>();
            let codes = tile.codes.as_ptr().cast::<i32>();
            let codes = codes.add((block * 8 + group) * tile.rows + first);
            for quarter in 0..QUARTERS {
                let bytes = vld1q_u8(from.add(quarter * 16));
                let weights = match (GROUPS, group) {
                    (8, _) if D::MIXED || LEAST => bytes,
                    (8, _) => veorq_u8(bytes, vdupq_n_u8(0x80)),
                    (_, 0..4) => vandq_u8(bytes, vdupq_n_u8(15)),
                    _ => vshrq_n_u8::<4>(bytes),
                };
                for (row, dots) in dots.iter_mut().enumerate() {
                    let codes = vdupq_n_s32(codes.add(row).read_unaligned());
                    let codes = vreinterpretq_s8_s32(codes);
                    dots[quarter] = D::add(dots[quarter], weights, codes);
                }
            }
        }
        let scales = halves(&panel.scales[block]);
        let leasts = if LEAST { halves(&panel.leasts[block]) } else { [0.0; LANES] };
        for (row, (totals, dots)) in totals.iter_mut().zip(&dots).enumerate() {
            let input = *inputs.add(row);
            for quarter in 0..QUARTERS {
                let mut dot = dots[quarter];
                if !LEAST && D::MIXED {
                    dot = vaddq_s32(dot, vdupq_n_s32(input.shift));
                }
                let scale = vmulq_n_f32(vld1q_f32(scales.as_ptr().add(quarter * 4)), input.scale);
                totals[quarter] = vfmaq_f32(totals[quarter], vcvtq_f32_s32(dot), scale);
                if LEAST {
                    let least = vld1q_f32(leasts.as_ptr().add(quarter * 4));
                    totals[quarter] = vfmaq_n_f32(totals[quarter], least, input.sum);
                }
            }
        }
    }
}

/// Sixteen numbers in half precision.
#[inline(always)]
fn halves(halves: &[u16; LANES]) -> [f32; LANES] {
    halves.map(|bits| f16::from_bits(bits).to_f32())
}
