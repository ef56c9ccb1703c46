use super::inputs::InputBlock;
use super::{BLOCK, Isa, LANES};

/// Compiles a function once for each instruction set and picks by [`Isa`]. The body is the same, and
/// floats keep the order it says, so all give the same bits.
macro_rules! by_isa {
    ($($(#[$doc:meta])* $seen:vis fn $name:ident($($argument:ident: $kind:ty),* $(,)?) $body:block)*) => {
        mod plain {
            use super::*;
            $(#[inline(always)] pub(super) fn $name($($argument: $kind),*) $body)*
        }
        #[cfg(target_arch = "x86_64")]
        mod avx2 {
            use super::*;
            $(#[target_feature(enable = "avx2,fma,f16c")]
            pub(super) fn $name($($argument: $kind),*) { plain::$name($($argument),*) })*
        }
        #[cfg(target_arch = "x86_64")]
        mod avx512 {
            use super::*;
            $(#[target_feature(enable = "avx2,fma,f16c,avx512f,avx512bw")]
            pub(super) fn $name($($argument: $kind),*) { plain::$name($($argument),*) })*
        }
        $($(#[$doc])*
        $seen fn $name(isa: Isa, $($argument: $kind),*) {
            #[cfg(target_arch = "x86_64")]
            use $crate::kernel::isa::Kind;
            match isa.kind() {
                #[cfg(target_arch = "x86_64")]
                // SAFETY: a value of `Isa` is proof that the machine has the instructions.
                Kind::Avx512 => unsafe { avx512::$name($($argument),*) },
                #[cfg(target_arch = "x86_64")]
                // SAFETY: as above.
                Kind::AvxVnni | Kind::Avx2 => unsafe { avx2::$name($($argument),*) },
                _ => plain::$name($($argument),*),
            }
        })*
    };
}
pub(super) use by_isa;

by_isa! {
    /// Divides a row by its root mean square and weighs it. Lengths are multiples of [`LANES`].
    pub(crate) fn rms_norm(row: &[f32], weights: &[f32], epsilon: f32, out: &mut [f32]) {
        let mut squares = [0.0f32; LANES];
        for values in row.as_chunks::<LANES>().0 {
            for (square, value) in squares.iter_mut().zip(values) {
                *square = value.mul_add(*value, *square);
            }
        }
        let scale = 1.0 / (sum(squares) / row.len() as f32 + epsilon).sqrt();
        for ((out, value), weight) in out.iter_mut().zip(row).zip(weights) {
            *out = value * scale * weight;
        }
    }

    /// `silu(gate) * up`.
    pub(crate) fn swiglu(gate: &[f32], up: &[f32], out: &mut [f32]) {
        let gates = gate.as_chunks::<LANES>().0.iter().zip(up.as_chunks::<LANES>().0);
        for ((gate, up), out) in gates.zip(out.as_chunks_mut::<LANES>().0) {
            for lane in 0..LANES {
                out[lane] = gate[lane] / (1.0 + exponential(-gate[lane])) * up[lane];
            }
        }
    }

    /// Turns the pairs of one head by the angles of a position: neighbours, or, where `apart`, one of
    /// each half.
    pub(crate) fn rotate(head: &mut [f32], cos: &[f32], sin: &[f32], apart: bool) {
        let half = head.len() / 2;
        for (pair, (cos, sin)) in cos.iter().zip(sin).enumerate() {
            let (one, other) = if apart { (pair, pair + half) } else { (2 * pair, 2 * pair + 1) };
            let (x, y) = (head[one], head[other]);
            head[one] = x * cos - y * sin;
            head[other] = x * sin + y * cos;
        }
    }
}

/// Quantises a row to eight bits, block by block; every `stride`th of `blocks` is the row's.
pub(super) fn quantise(
    isa: Isa,
    row: &[f32],
    codes: &mut [i8],
    blocks: &mut [InputBlock],
    stride: usize,
) {
    #[cfg(target_arch = "x86_64")]
    use super::isa::Kind;
    let values = row.as_chunks::<BLOCK>().0.iter();
    let places = codes.as_chunks_mut::<BLOCK>().0.iter_mut().zip(blocks.iter_mut().step_by(stride));
    for (values, (codes, block)) in values.zip(places) {
        *block = match isa.kind() {
            #[cfg(target_arch = "x86_64")]
            // SAFETY: a value of `Isa` is proof that the machine has the instructions.
            Kind::Avx512 => unsafe { super::avx512::quantise(values, codes) },
            _ => quantise_block(values, codes),
        };
    }
}

fn quantise_block(values: &[f32; BLOCK], codes: &mut [i8; BLOCK]) -> InputBlock {
    let most = values.iter().fold(0.0f32, |most, value| most.max(value.abs()));
    let inverse = InputBlock::inverse(most);
    let mut total = 0i32;
    for (code, value) in codes.iter_mut().zip(values) {
        // Adding this number leaves the nearest whole number in the lowest bits.
        *code = value.mul_add(inverse, ROUNDER).to_bits().wrapping_sub(ROUNDER.to_bits()) as i8;
        total += i32::from(*code);
    }
    InputBlock::new(most, total)
}

/// 1.5 * 2^23: a float of this size has no fraction left.
pub(super) const ROUNDER: f32 = 12_582_912.0;

/// Below this the exponential is taken for 0; above its negative, for that of it.
const LEAST: f32 = -87.0;

/// e to the x, to about one unit in the last place: 2^n times a polynomial (the Taylor series, up to
/// the sixth power) for what is left within half an octave.
#[inline(always)]
pub(super) fn exponential(x: f32) -> f32 {
    /// ln 2 in two parts, the first short enough to be multiplied without rounding.
    const LN_2: [f32; 2] = [0.693_359_4, -2.121_944_4e-4];
    let bounded = if x > LEAST { x } else { LEAST };
    let bounded = if bounded < -LEAST { bounded } else { -LEAST };
    let octaves = bounded.mul_add(std::f32::consts::LOG2_E, ROUNDER);
    let power = octaves.to_bits().wrapping_sub(ROUNDER.to_bits()).wrapping_add(127) << 23;
    let octaves = octaves - ROUNDER;
    let rest = octaves.mul_add(-LN_2[1], octaves.mul_add(-LN_2[0], bounded));
    let mut series = 1.0 / 720.0;
    for coefficient in [1.0 / 120.0, 1.0 / 24.0, 1.0 / 6.0, 0.5, 1.0, 1.0] {
        series = rest.mul_add(series, coefficient);
    }
    let result = series * f32::from_bits(power);
    if x > LEAST { result } else { 0.0 }
}

/// The lanes added up, halves onto halves.
#[inline(always)]
pub(super) fn sum(lanes: [f32; LANES]) -> f32 {
    let eight: [f32; 8] = std::array::from_fn(|at| lanes[at] + lanes[at + 8]);
    let four: [f32; 4] = std::array::from_fn(|at| eight[at] + eight[at + 4]);
    (four[0] + four[2]) + (four[1] + four[3])
}
