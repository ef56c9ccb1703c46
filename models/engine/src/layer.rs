use std::sync::Arc;

use rayon::prelude::*;

use crate::batch::Spot;
use crate::kernel::{
    Attention, Inputs, Isa, KeyValues, LANES, Packed, Target, multiply, multiply_gated, rms_norm,
    rotate,
};
use crate::llama::Loader;
use crate::rotation::Rotation;
use crate::{Adapter, EngineError, LlamaConfig, ModelFile};

/// A matrix, which the members of an ensemble may have in common.
type Matrix = Arc<Packed>;

/// One block of the model.
pub(crate) struct Layer {
    attention_norm: Vec<f32>,
    /// Queries, keys, values: one product over the same inputs.
    attention_input: [Matrix; 3],
    attention_output: Matrix,
    feed_forward_norm: Vec<f32>,
    /// Gate and up: likewise.
    feed_forward_input: [Matrix; 2],
    feed_forward_output: Matrix,
}

/// What every layer of one pass shares.
pub(crate) struct Step<'a> {
    isa: Isa,
    config: &'a LlamaConfig,
    rotation: &'a Rotation,
    /// Where each token stands and what it sees.
    spots: Vec<Spot>,
    /// Positions in the cache before the batch.
    before: usize,
}

/// Rows that pass through the feed-forward part together: enough to reuse each weight that was
/// fetched, few enough that their wide outputs fit a core's second cache.
const FEED_FORWARD_ROWS: usize = 96;

/// Buffers that live from pass to pass.
#[derive(Default)]
pub(crate) struct Scratch {
    width: usize,
    /// The residual stream, a row to each token still of interest.
    states: Vec<f32>,
    /// Queries, keys and values, side by side.
    attention: Vec<f32>,
    /// Of each part of the rows that a thread takes through a layer.
    parts: Vec<Part>,
}

/// Buffers of some rows.
#[derive(Default)]
struct Part {
    inputs: Inputs,
    /// What gate and up make together.
    wide: Vec<f32>,
}

/// Parts of the rows for each thread, so that one that is held up does not hold up all, and the fewest
/// rows worth a part of their own: with fewer, the threads share out the columns of each product.
const PARTS: usize = 2;
const PART_ROWS: usize = 24;

impl<'a> Step<'a> {
    /// The step of reading what has these spots behind `before` positions.
    pub(crate) fn new(
        isa: Isa,
        config: &'a LlamaConfig,
        rotation: &'a Rotation,
        spots: Vec<Spot>,
        before: usize,
    ) -> Self {
        Self { isa, config, rotation, spots, before }
    }
}

impl Scratch {
    /// Begins a pass with the embeddings of tokens.
    pub(crate) fn start(
        &mut self,
        width: usize,
        tokens: &[u32],
        embed: impl Fn(usize, &mut [f32]),
    ) {
        self.width = width;
        self.states.resize(tokens.len() * width, 0.0);
        for (token, out) in tokens.iter().zip(self.states.chunks_exact_mut(width)) {
            embed(*token as usize, out);
        }
    }

    pub(crate) fn all(&self) -> &[f32] {
        &self.states
    }

    /// Goes on from states that were put aside.
    pub(crate) fn resume(&mut self, states: &[f32]) {
        self.states.clear();
        self.states.extend_from_slice(states);
    }

    /// How many of `count` rows make a part, with buffers for all parts.
    fn share(&mut self, count: usize) -> usize {
        let threads = rayon::current_num_threads();
        let parts = if threads > 1 { (threads * PARTS).min(count / PART_ROWS).max(1) } else { 1 };
        self.parts.resize_with(self.parts.len().max(parts), Part::default);
        count.div_ceil(parts).max(1)
    }

    /// Keeps some rows only.
    fn keep(&mut self, rows: &[usize]) {
        let kept: Vec<f32> = rows
            .iter()
            .flat_map(|row| &self.states[row * self.width..][..self.width])
            .copied()
            .collect();
        self.states = kept;
    }
}

/// The first `length` of a buffer that only ever grows: growing again would write zeros for nothing.
fn room(buffer: &mut Vec<f32>, length: usize) -> &mut [f32] {
    buffer.resize(buffer.len().max(length), 0.0);
    &mut buffer[..length]
}

/// Products of the same inputs with several matrices, side by side.
pub(crate) fn project(isa: Isa, inputs: &Inputs, matrices: &[&Packed], values: &mut [f32]) {
    let width = matrices.iter().map(|matrix| matrix.rows()).sum();
    let mut column = 0;
    for matrix in matrices {
        multiply(isa, inputs, matrix, Target { values, width, column, add: false });
        column += matrix.rows();
    }
}

impl Layer {
    pub(crate) fn load(
        file: &mut ModelFile,
        loader: &mut Loader<'_>,
        index: usize,
        member: Option<&Adapter>,
    ) -> Result<Self, EngineError> {
        let config = loader.config;
        let (hidden, wide, kv) = (config.hidden, config.feed_forward, config.kv_width());
        let name = |part: &str| format!("blk.{index}.{part}.weight");
        let norm = |file: &mut ModelFile, part: &str| file.values(&name(part), &[hidden]);
        let mut matrix = |part: &str, rows: usize, columns: usize| {
            loader.matrix(file, &name(part), (rows, columns), member)
        };
        let (query, key) = (matrix("attn_q", hidden, hidden)?, matrix("attn_k", kv, hidden)?);
        let attention_input = [query, key, matrix("attn_v", kv, hidden)?];
        let attention_output = matrix("attn_output", hidden, hidden)?;
        let gate = matrix("ffn_gate", wide, hidden)?;
        let feed_forward_input = [gate, matrix("ffn_up", wide, hidden)?];
        Ok(Self {
            attention_input,
            attention_output,
            feed_forward_input,
            feed_forward_output: matrix("ffn_down", hidden, wide)?,
            attention_norm: norm(file, "attn_norm")?,
            feed_forward_norm: norm(file, "ffn_norm")?,
        })
    }

    /// Its matrices; other layers may hold the same.
    pub(crate) fn matrices(&self) -> impl Iterator<Item = &Matrix> {
        let inputs = self.attention_input.iter().chain(&self.feed_forward_input);
        inputs.chain([&self.attention_output, &self.feed_forward_output])
    }

    /// Passes the states through. With `rows`, only those are finished and left.
    pub(crate) fn forward(
        &self,
        step: &Step<'_>,
        kept: &mut KeyValues,
        scratch: &mut Scratch,
        rows: Option<&[usize]>,
    ) {
        let every: Vec<usize> = (0..step.spots.len()).collect();
        self.keep_keys(step, kept, scratch);
        if let Some(rows) = rows {
            scratch.keep(rows);
        }
        let (rows, hidden) = (rows.unwrap_or(&every), step.config.hidden);
        let each = scratch.share(rows.len());
        let Scratch { states, attention, parts, .. } = scratch;
        let states = states.par_chunks_mut(each * hidden).zip(rows.par_chunks(each));
        states.zip(parts).for_each(|((states, rows), part)| {
            self.attend(step, (kept, attention), (rows, states), part);
            self.feed_forward(step, states, part);
        });
    }

    /// Makes queries, keys and values, turns them, and puts keys and values into the cache.
    fn keep_keys(&self, step: &Step<'_>, kept: &mut KeyValues, scratch: &mut Scratch) {
        let (isa, config) = (step.isa, step.config);
        let (hidden, kv, count) = (config.hidden, config.kv_width(), step.spots.len());
        let width = hidden + 2 * kv;
        let each = scratch.share(count);
        let Scratch { states, attention, parts, .. } = scratch;
        let attention = room(attention, count * width);
        let [query, key, value] = &self.attention_input;
        let rows = states.par_chunks(each * hidden).zip(attention.par_chunks_mut(each * width));
        rows.zip(step.spots.par_chunks(each)).zip(parts).for_each(
            |(((states, rows), spots), part)| {
                normalise(isa, &mut part.inputs, states, &self.attention_norm, config.norm_epsilon);
                project(isa, &part.inputs, &[query, key, value], rows);
                for (row, spot) in rows.chunks_exact_mut(width).zip(spots) {
                    let (cos, sin) = step.rotation.at(spot.position);
                    for head in row[..hidden + kv].chunks_exact_mut(config.head_width) {
                        rotate(isa, head, cos, sin, step.rotation.apart);
                    }
                }
            },
        );
        for (at, row) in attention.chunks_exact(width).enumerate() {
            let (keys, values) = row[hidden..].split_at(kv);
            kept.put(step.before + at, keys, values);
        }
    }

    fn attend(
        &self,
        step: &Step<'_>,
        (kept, attention): (&KeyValues, &[f32]),
        (rows, states): (&[usize], &mut [f32]),
        part: &mut Part,
    ) {
        let (isa, hidden) = (step.isa, step.config.hidden);
        let width = hidden + 2 * step.config.kv_width();
        part.inputs.fill(isa, (rows.len(), hidden), |at, out| {
            let row = rows[at];
            let query = &attention[row * width..][..hidden];
            Attention { kept, runs: &step.spots[row].runs, query }.run(isa, out);
        });
        let target = Target { values: states, width: hidden, column: 0, add: true };
        multiply(isa, &part.inputs, &self.attention_output, target);
    }

    /// A few rows at a time, so that what is between the products stays near the processor.
    fn feed_forward(&self, step: &Step<'_>, states: &mut [f32], part: &mut Part) {
        let (isa, config) = (step.isa, step.config);
        let (hidden, width) = (config.hidden, config.feed_forward);
        // A vector more, lest rows whose length is a power of two crowd a few places of the cache.
        let stride = width + LANES;
        let Part { inputs, wide } = part;
        let rows = states.len() / hidden;
        let each = rows.div_ceil(rows.div_ceil(FEED_FORWARD_ROWS).max(1)).max(1);
        for states in states.chunks_mut(each * hidden) {
            let count = states.len() / hidden;
            normalise(isa, inputs, states, &self.feed_forward_norm, config.norm_epsilon);
            let wide = room(wide, count * stride);
            let [gate, up] = &self.feed_forward_input;
            let target = Target { values: wide, width: stride, column: 0, add: false };
            multiply_gated(isa, inputs, [gate, up], target);
            inputs.fill(isa, (count, width), |row, out| {
                out.copy_from_slice(&wide[row * stride..][..width]);
            });
            let target = Target { values: states, width: hidden, column: 0, add: true };
            multiply(isa, inputs, &self.feed_forward_output, target);
        }
    }
}

/// Makes normed states the inputs of the next product.
fn normalise(isa: Isa, inputs: &mut Inputs, states: &[f32], weights: &[f32], epsilon: f32) {
    let width = weights.len();
    inputs.fill(isa, (states.len() / width, width), |row, out| {
        rms_norm(isa, &states[row * width..][..width], weights, epsilon, out);
    });
}
