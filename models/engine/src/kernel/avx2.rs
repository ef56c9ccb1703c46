use std::arch::x86_64::*;

use super::inputs::InputTile;
use super::packed::{Form, Panel};
use super::{BLOCK, Tile};

/// Rows taken at once: more would not fit sixteen registers.
const ROWS: usize = 3;

/// Half of a group or a vector of outputs.
const HALVES: usize = 2;

/// How bytes are multiplied and added up in fours.
trait Dot {
    /// Whether eight-bit weights were taken as unsigned, so that the inputs' shift must be added.
    const SHIFTED: bool;

    /// `sum` plus, in each lane, four products of unsigned and signed bytes.
    ///
    /// # Safety
    /// The machine must have the instructions of the path.
    unsafe fn add(sum: __m256i, weights: __m256i, codes: __m256i, wide: bool) -> __m256i;
}

/// AVX-VNNI: one instruction.
struct Vnni;

/// AVX2 alone. Sums of two products of four-bit weights fit sixteen bits. Those of eight-bit weights
/// fit once the weights are signed and the inputs' signs are moved over to them.
struct Plain;

impl Dot for Vnni {
    const SHIFTED: bool = true;

    #[inline(always)]
    unsafe fn add(sum: __m256i, weights: __m256i, codes: __m256i, _: bool) -> __m256i {
        // SAFETY: the caller's promise.
        unsafe { _mm256_dpbusd_avx_epi32(sum, weights, codes) }
    }
}

impl Dot for Plain {
    const SHIFTED: bool = false;

    #[inline(always)]
    unsafe fn add(sum: __m256i, weights: __m256i, codes: __m256i, wide: bool) -> __m256i {
        // SAFETY: the caller's promise.
        unsafe {
            let pairs = if wide {
                let signed = _mm256_xor_si256(weights, _mm256_set1_epi8(-128));
                _mm256_maddubs_epi16(_mm256_abs_epi8(codes), _mm256_sign_epi8(signed, codes))
            } else {
                _mm256_maddubs_epi16(weights, codes)
            };
            _mm256_add_epi32(sum, _mm256_madd_epi16(pairs, _mm256_set1_epi16(1)))
        }
    }
}

/// The product of a few rows and panels with AVX-VNNI.
#[target_feature(enable = "avx2,fma,f16c,avxvnni")]
pub(super) fn tile_vnni(form: Form, panels: &[Panel<'_>], tile: &InputTile<'_>, out: &mut Tile) {
    // SAFETY: this function has the instructions.
    unsafe { by_form::<Vnni>(form, panels, tile, out) }
}

/// The product of a few rows and panels with AVX2.
#[target_feature(enable = "avx2,fma,f16c")]
pub(super) fn tile(form: Form, panels: &[Panel<'_>], tile: &InputTile<'_>, out: &mut Tile) {
    // SAFETY: this function has the instructions.
    unsafe { by_form::<Plain>(form, panels, tile, out) }
}

/// # Safety
/// The machine must have the instructions of `D`, AVX2, FMA and F16C.
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
/// The machine must have the instructions of `D`, AVX2, FMA and F16C.
#[inline(always)]
unsafe fn by_rows<D: Dot, const GROUPS: usize, const LEAST: bool>(
    panel: &Panel<'_>,
    tile: &InputTile<'_>,
    at: usize,
    out: &mut Tile,
) {
    for first in (0..tile.rows).step_by(ROWS) {
        // SAFETY: the caller's promise, and the tile has the rows from `first` on.
        let totals = unsafe {
            match tile.rows - first {
                1 => pad(product::<D, GROUPS, LEAST, 1>(panel, tile, first)),
                2 => pad(product::<D, GROUPS, LEAST, 2>(panel, tile, first)),
                _ => product::<D, GROUPS, LEAST, 3>(panel, tile, first),
            }
        };
        for (out, totals) in out[first..tile.rows].iter_mut().zip(totals) {
            for (out, total) in out[at].as_chunks_mut::<8>().0.iter_mut().zip(totals) {
                // SAFETY: `out` holds eight floats, and the machine has AVX by the promise.
                unsafe { _mm256_storeu_ps(out.as_mut_ptr(), total) };
            }
        }
    }
}

type Totals<const N: usize> = [[__m256; HALVES]; N];

/// # Safety
/// The machine must have AVX.
#[inline(always)]
unsafe fn pad<const N: usize>(totals: Totals<N>) -> Totals<ROWS> {
    // SAFETY: the caller's promise.
    let zero = unsafe { _mm256_setzero_ps() };
    std::array::from_fn(|row| totals.get(row).copied().unwrap_or([zero; HALVES]))
}

/// # Safety
/// The machine must have the instructions of `D`, AVX2, FMA and F16C, and the tile N rows from `first`
/// on.
#[inline(always)]
unsafe fn product<D: Dot, const GROUPS: usize, const LEAST: bool, const N: usize>(
    panel: &Panel<'_>,
    tile: &InputTile<'_>,
    first: usize,
) -> Totals<N> {
    let blocks = panel.scales.len();
    assert!(panel.groups.len() == blocks * GROUPS && (!LEAST || panel.leasts.len() == blocks));
    assert!(tile.codes.len() == blocks * BLOCK * tile.rows);
    assert!(tile.blocks.len() == blocks * tile.rows && first + N <= tile.rows);
    // SAFETY: the caller's promise, and `block` is below the lengths asserted above.
    unsafe {
        let mut totals = [[_mm256_setzero_ps(); HALVES]; N];
        for block in 0..blocks {
            add_block::<D, GROUPS, LEAST, N>(panel, (tile, first), block, &mut totals);
        }
        totals
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
        let low = _mm256_set1_epi8(15);
        let mut dots = [[_mm256_setzero_si256(); HALVES]; N];
        for group in 0..8 {
            let from = panel.groups.as_ptr().add(block * GROUPS + group % GROUPS);
            let mut weights = [_mm256_setzero_si256(); HALVES];
            for (half, weights) in weights.iter_mut().enumerate() {
                let bytes = _mm256_load_si256(from.cast::<__m256i>().add(half));
                *weights = match (GROUPS, group) {
                    (8, _) => bytes,
                    (_, 0..4) => _mm256_and_si256(bytes, low),
                    _ => _mm256_and_si256(_mm256_srli_epi16::<4>(bytes), low),
                };
            }
            let codes = tile.codes.as_ptr().cast::<i32>();
            let codes = codes.add((block * 8 + group) * tile.rows + first);
            for (row, dots) in dots.iter_mut().enumerate() {
                let codes = _mm256_set1_epi32(codes.add(row).read_unaligned());
                for (dot, weights) in dots.iter_mut().zip(weights) {
                    *dot = D::add(*dot, weights, codes, !LEAST);
                }
            }
        }
        for half in 0..HALVES {
            let scales = halves(panel.scales.as_ptr().add(block).cast(), half);
            for (row, (totals, dots)) in totals.iter_mut().zip(&dots).enumerate() {
                let input = inputs.add(row);
                let mut dot = dots[half];
                if !LEAST && D::SHIFTED {
                    dot = _mm256_add_epi32(dot, _mm256_set1_epi32((*input).shift));
                }
                let scale = _mm256_mul_ps(scales, _mm256_set1_ps((*input).scale));
                totals[half] = _mm256_fmadd_ps(_mm256_cvtepi32_ps(dot), scale, totals[half]);
            }
            if LEAST {
                let leasts = halves(panel.leasts.as_ptr().add(block).cast(), half);
                for (row, totals) in totals.iter_mut().enumerate() {
                    let sum = _mm256_set1_ps((*inputs.add(row)).sum);
                    totals[half] = _mm256_fmadd_ps(leasts, sum, totals[half]);
                }
            }
        }
    }
}

/// Eight numbers in half precision, the first or the second half of sixteen.
///
/// # Safety
/// `from` must point to 32 readable bytes, and the machine must have F16C.
#[inline(always)]
unsafe fn halves(from: *const __m128i, half: usize) -> __m256 {
    // SAFETY: the caller's promise.
    unsafe { _mm256_cvtph_ps(_mm_loadu_si128(from.add(half))) }
}
