use safetensors::SafeTensors;

use super::tensors::{matrix, vector};
use crate::EngineError;
use crate::kernel::{Inputs, Isa, Packed, Target, multiply};

/// Width of a head, in MiniLM as in its teachers of this size.
pub(super) const HEAD_WIDTH: usize = 32;

/// Keeps the division in a norm from growing without bound, as trained.
const NORM_EPSILON: f32 = 1e-12;

/// A product with what is added to it.
struct Linear {
    weights: Packed,
    bias: Vec<f32>,
}

impl Linear {
    fn read(
        tensors: &SafeTensors<'_>,
        name: &str,
        (rows, columns): (usize, usize),
    ) -> Result<Self, EngineError> {
        let weights = matrix(tensors, &format!("{name}.weight"), (rows, columns))?;
        Ok(Self { weights, bias: vector(tensors, &format!("{name}.bias"), rows)? })
    }

    /// Of each row of `states`.
    fn of(&self, isa: Isa, states: &[f32]) -> Vec<f32> {
        let (columns, width) = (self.weights.columns(), self.weights.rows());
        let count = states.len() / columns;
        let mut inputs = Inputs::default();
        inputs.fill(isa, (count, columns), |row, out| {
            out.copy_from_slice(&states[row * columns..][..columns]);
        });
        let mut values = self.bias.repeat(count);
        multiply(
            isa,
            &inputs,
            &self.weights,
            Target { values: &mut values, width, column: 0, add: true },
        );
        values
    }
}

/// Brings rows to mean zero and variance one, then to learnt ones.
pub(super) struct Norm {
    scale: Vec<f32>,
    shift: Vec<f32>,
}

impl Norm {
    pub(super) fn read(
        tensors: &SafeTensors<'_>,
        name: &str,
        width: usize,
    ) -> Result<Self, EngineError> {
        let part = |part: &str| vector(tensors, &format!("{name}.{part}"), width);
        Ok(Self { scale: part("weight")?, shift: part("bias")? })
    }

    pub(super) fn apply(&self, states: &mut [f32]) {
        let width = self.scale.len();
        for row in states.chunks_exact_mut(width) {
            let mean = row.iter().sum::<f32>() / width as f32;
            let spread = row.iter().map(|value| (value - mean).powi(2)).sum::<f32>();
            let inverse = (spread / width as f32 + NORM_EPSILON).sqrt().recip();
            for ((value, scale), shift) in row.iter_mut().zip(&self.scale).zip(&self.shift) {
                *value = (*value - mean) * inverse * scale + shift;
            }
        }
    }
}

/// One block: every token looks at all others, then passes through two layers.
pub(super) struct Block {
    query: Linear,
    key: Linear,
    value: Linear,
    output: Linear,
    attention_norm: Norm,
    wide: Linear,
    narrow: Linear,
    norm: Norm,
}

impl Block {
    pub(super) fn read(
        tensors: &SafeTensors<'_>,
        layer: usize,
        (width, wide): (usize, usize),
    ) -> Result<Self, EngineError> {
        let name = |part: &str| format!("encoder.layer.{layer}.{part}");
        let square = |part: &str| Linear::read(tensors, &name(part), (width, width));
        Ok(Self {
            query: square("attention.self.query")?,
            key: square("attention.self.key")?,
            value: square("attention.self.value")?,
            output: square("attention.output.dense")?,
            attention_norm: Norm::read(tensors, &name("attention.output.LayerNorm"), width)?,
            wide: Linear::read(tensors, &name("intermediate.dense"), (wide, width))?,
            narrow: Linear::read(tensors, &name("output.dense"), (width, wide))?,
            norm: Norm::read(tensors, &name("output.LayerNorm"), width)?,
        })
    }

    /// Takes the tokens of one text a block further.
    pub(super) fn forward(&self, isa: Isa, states: &mut [f32]) {
        let seen = attend(
            &self.query.of(isa, states),
            &self.key.of(isa, states),
            &self.value.of(isa, states),
            self.query.bias.len(),
        );
        add(states, &self.output.of(isa, &seen));
        self.attention_norm.apply(states);
        let mut wide = self.wide.of(isa, states);
        wide.iter_mut().for_each(|value| *value = gelu(*value));
        add(states, &self.narrow.of(isa, &wide));
        self.norm.apply(states);
    }
}

fn add(states: &mut [f32], change: &[f32]) {
    states.iter_mut().zip(change).for_each(|(state, change)| *state += change);
}

/// What each token takes from all tokens, head by head.
fn attend(queries: &[f32], keys: &[f32], values: &[f32], width: usize) -> Vec<f32> {
    let count = queries.len() / width;
    let mut out = vec![0.0; queries.len()];
    let mut turned = vec![0.0; HEAD_WIDTH * count];
    for head in (0..width).step_by(HEAD_WIDTH) {
        let part = |rows: &[f32], token: usize| -> [f32; HEAD_WIDTH] {
            let from = token * width + head;
            rows[from..from + HEAD_WIDTH].try_into().expect("a slice of this length")
        };
        for token in 0..count {
            for (at, value) in part(keys, token).into_iter().enumerate() {
                turned[at * count + token] = value;
            }
        }
        for token in 0..count {
            let shares = shares(&part(queries, token), &turned, count);
            let mut sum = [0.0; HEAD_WIDTH];
            for (other, share) in shares.iter().enumerate() {
                let value = part(values, other);
                sum.iter_mut().zip(value).for_each(|(sum, value)| *sum += share * value);
            }
            out[token * width + head..][..HEAD_WIDTH].copy_from_slice(&sum);
        }
    }
    out
}

/// How much a token looks at each; `keys` hold one number of every token after the other.
fn shares(query: &[f32; HEAD_WIDTH], keys: &[f32], count: usize) -> Vec<f32> {
    let mut shares = vec![0.0; count];
    for (keys, query) in keys.chunks_exact(count).zip(query) {
        shares.iter_mut().zip(keys).for_each(|(share, key)| *share += query * key);
    }
    let scale = (HEAD_WIDTH as f32).sqrt().recip();
    let most = shares.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    shares.iter_mut().for_each(|share| *share = ((*share - most) * scale).exp());
    let total: f32 = shares.iter().sum();
    shares.iter_mut().for_each(|share| *share /= total);
    shares
}

/// The smooth step of the feed-forward part, by the error function to within 2e-7 (Abramowitz and
/// Stegun, 7.1.26).
fn gelu(value: f32) -> f32 {
    let x = value.abs() * std::f32::consts::FRAC_1_SQRT_2;
    let t = (1.0 + 0.327_591_1 * x).recip();
    let series = [1.061_405_4, -1.453_152, 1.421_413_7, -0.284_496_74, 0.254_829_6];
    let series = series.into_iter().fold(0.0, |sum, factor| (sum + factor) * t);
    let error = 1.0 - series * (-x * x).exp();
    0.5 * value * (1.0 + error.copysign(value))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_smooth_step_is_what_tables_say() {
        for (value, expected) in
            [(0.0, 0.0), (1.0, 0.841_344_7), (-1.0, -0.158_655_3), (3.0, 2.995_95), (-40.0, 0.0)]
        {
            assert!((gelu(value) - expected).abs() < 1e-5, "{value}: {}", gelu(value));
        }
    }
}
