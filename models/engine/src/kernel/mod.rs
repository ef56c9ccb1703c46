//! The arithmetic: packed weights, quantised inputs, their product, and the vector work between.
//!
//! Every path gives the same bits: integer sums are exact, and floats are combined in one order,
//! with fused multiply-add, whatever the machine, the batch and the number of threads.
//! What runs where is decided once, by [`Isa`]. Start reading at [`multiply`].

#![expect(
    unsafe_code,
    reason = "vector instructions the machine was asked for, and columns of one matrix written by several threads"
)]

mod attend;
mod inputs;
mod isa;
mod lanes;
mod multiply;
mod packed;
mod portable;
mod source;
mod vector;

#[cfg(target_arch = "x86_64")]
mod avx2;
#[cfg(target_arch = "x86_64")]
mod avx512;
#[cfg(target_arch = "aarch64")]
mod neon;

#[cfg(test)]
mod tests;

pub(crate) use attend::{Attention, KeyValues};
pub(crate) use inputs::Inputs;
pub(crate) use isa::Isa;
pub(crate) use multiply::{Target, multiply, multiply_gated, multiply_rows};
pub(crate) use packed::{Form, Packed};
pub(crate) use source::{LowRank, Source};
pub(crate) use vector::{rms_norm, rotate};

/// Values that share one scale, in weights and in inputs.
pub(crate) const BLOCK: usize = 32;

/// Rows of a weight matrix that are kept side by side: a vector of the widest machine.
pub(crate) const LANES: usize = 16;

/// Most input rows one tile takes; with [`TILE_PANELS`] it fills the widest machine's registers.
const TILE_ROWS: usize = 6;

/// Most panels one tile takes.
const TILE_PANELS: usize = 2;

/// What a tile makes: a vector for each of its rows and panels.
type Tile = [[[f32; LANES]; TILE_PANELS]; TILE_ROWS];
