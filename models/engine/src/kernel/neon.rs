use std::arch::aarch64::*;
use std::arch::asm;

use half::f16;

use super::inputs::InputRow;
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
    rows: &[InputRow<'_>],
    out: &mut Tile,
) {
    // SAFETY: the caller's promise.
    unsafe { by_form::<Mixed>(form, panels, rows, out) }
}

/// The product of a few rows and panels with the dot product.
///
/// # Safety
/// The machine must have the dot product.
pub(super) unsafe fn tile(form: Form, panels: &[Panel<'_>], rows: &[InputRow<'_>], out: &mut Tile) {
    // SAFETY: the caller's promise.
    unsafe { by_form::<Plain>(form, panels, rows, out) }
}

/// # Safety
/// The machine must have the instructions of `D`.
#[inline(always)]
unsafe fn by_form<D: Dot>(form: Form, panels: &[Panel<'_>], rows: &[InputRow<'_>], out: &mut Tile) {
    for (at, panel) in panels.iter().enumerate() {
        for (rows, out) in rows.chunks(ROWS).zip(out.chunks_mut(ROWS)) {
            // SAFETY: the caller's promise.
            unsafe {
                match (form, rows) {
                    (Form::Eight, [a]) => product::<D, 8, 1>(panel, &[*a], at, out),
                    (Form::Eight, [a, b, ..]) => product::<D, 8, 2>(panel, &[*a, *b], at, out),
                    (Form::Four, [a]) => product::<D, 4, 1>(panel, &[*a], at, out),
                    (Form::Four, [a, b, ..]) => product::<D, 4, 2>(panel, &[*a, *b], at, out),
                    (_, []) => {}
                }
            }
        }
    }
}

type Totals<const N: usize> = [[float32x4_t; QUARTERS]; N];

/// # Safety
/// The machine must have the instructions of `D`.
#[inline(always)]
unsafe fn product<D: Dot, const GROUPS: usize, const N: usize>(
    panel: &Panel<'_>,
    rows: &[InputRow<'_>; N],
    at: usize,
    out: &mut [[[f32; LANES]; super::TILE_PANELS]],
) {
    let blocks = panel.scales.len();
    assert!(panel.groups.len() == blocks * GROUPS);
    assert!(GROUPS == 8 || panel.leasts.len() == blocks);
    for row in rows {
        assert!(row.codes.len() == blocks * BLOCK && row.blocks.len() == blocks);
    }
    // SAFETY: the caller's promise, `block` is below the lengths asserted above, and `out` holds
    // four times four floats.
    unsafe {
        let mut totals = [[vdupq_n_f32(0.0); QUARTERS]; N];
        for block in 0..blocks {
            add_block::<D, GROUPS, N>(panel, rows, block, &mut totals);
        }
        for (out, totals) in out.iter_mut().zip(totals) {
            for (out, total) in out[at].as_chunks_mut::<4>().0.iter_mut().zip(totals) {
                vst1q_f32(out.as_mut_ptr(), total);
            }
        }
    }
}

/// # Safety
/// As for [`product`]; panel and rows must have more than `block` blocks.
#[inline(always)]
unsafe fn add_block<D: Dot, const GROUPS: usize, const N: usize>(
    panel: &Panel<'_>,
    rows: &[InputRow<'_>; N],
    block: usize,
    totals: &mut Totals<N>,
) {
    // SAFETY: the caller's promise; every pointer stays within the block.
    unsafe {
        let mut dots = [[vdupq_n_s32(0); QUARTERS]; N];
        for group in 0..8 {
            let from = panel.groups.as_ptr().add(block * GROUPS + group % GROUPS).cast::<u8>();
            for quarter in 0..QUARTERS {
                let bytes = vld1q_u8(from.add(quarter * 16));
                let weights = match (GROUPS, group) {
                    (8, _) if D::MIXED => bytes,
                    (8, _) => veorq_u8(bytes, vdupq_n_u8(0x80)),
                    (_, 0..4) => vandq_u8(bytes, vdupq_n_u8(15)),
                    _ => vshrq_n_u8::<4>(bytes),
                };
                for (dots, row) in dots.iter_mut().zip(rows) {
                    let codes = row.codes.as_ptr().add(block * BLOCK + group * 4).cast::<i32>();
                    let codes = vreinterpretq_s8_s32(vdupq_n_s32(codes.read_unaligned()));
                    dots[quarter] = D::add(dots[quarter], weights, codes);
                }
            }
        }
        let scales = halves(&panel.scales[block]);
        let leasts = if GROUPS == 4 { halves(&panel.leasts[block]) } else { [0.0; LANES] };
        for ((totals, dots), row) in totals.iter_mut().zip(&dots).zip(rows) {
            let input = &row.blocks[block];
            for quarter in 0..QUARTERS {
                let mut dot = dots[quarter];
                if GROUPS == 8 && D::MIXED {
                    dot = vaddq_s32(dot, vdupq_n_s32(input.shift));
                }
                let scale = vmulq_n_f32(vld1q_f32(scales.as_ptr().add(quarter * 4)), input.scale);
                totals[quarter] = vfmaq_f32(totals[quarter], vcvtq_f32_s32(dot), scale);
                if GROUPS == 4 {
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
