//! Sentences to vectors: a model of the BERT family as MiniLM is one, on the kernels of the house.
//!
//! Two texts that mean alike get vectors whose product is near one, whatever words they use.

mod block;
mod pieces;
mod tensors;

use std::path::Path;

use rayon::ThreadPool;
use safetensors::SafeTensors;

use crate::EngineError;
use crate::gguf::hashed;
use crate::kernel::{Isa, Packed};
use block::{Block, HEAD_WIDTH, Norm};
use pieces::Pieces;

/// Most tokens of a text that are read: a title and a paragraph.
const MAX_TOKENS: usize = 128;

/// Largest file of weights or words: ten times the known one.
const MAX_BYTES: u64 = 1 << 30;

/// Most blocks; more are no sentence model for a small box.
const MAX_BLOCKS: usize = 48;

/// A sentence model.
pub struct Embedder {
    name: String,
    isa: Isa,
    threads: ThreadPool,
    pieces: Pieces,
    words: Packed,
    /// What is added at each position, a row each.
    positions: Vec<f32>,
    norm: Norm,
    blocks: Vec<Block>,
}

impl Embedder {
    /// Loads the weights (safetensors, names as BERT's) and the vocabulary, after comparing each file
    /// with its SHA-256 (hex).
    ///
    /// # Errors
    /// When a file cannot be read, is another one, or is of another kind.
    pub fn open(
        weights: (&Path, &str),
        vocabulary: (&Path, &str),
        threads: usize,
    ) -> Result<Self, EngineError> {
        let name = format!("sentences@{}", weights.1.get(..8).unwrap_or(weights.1));
        let words = hashed(vocabulary.0, Some(vocabulary.1), MAX_BYTES)?.0;
        Self::parse(name, &hashed(weights.0, Some(weights.1), MAX_BYTES)?.0, &words, threads)
    }

    /// The same from bytes that were checked.
    pub(crate) fn parse(
        name: String,
        weights: &[u8],
        vocabulary: &[u8],
        threads: usize,
    ) -> Result<Self, EngineError> {
        let tensors = SafeTensors::deserialize(weights).map_err(tensors::damaged)?;
        let pieces = Pieces::new(vocabulary)?;
        let table = "embeddings.word_embeddings.weight";
        let (count, width) = tensors::shape(&tensors, table)?;
        if count != pieces.count() || width == 0 || !width.is_multiple_of(HEAD_WIDTH) {
            let text = format!("{count} words of width {width}, {} in the list", pieces.count());
            return Err(EngineError::Corrupt(text));
        }
        let (wide, _) = tensors::shape(&tensors, "encoder.layer.0.intermediate.dense.weight")?;
        let present = |layer: &usize| {
            let name = format!("encoder.layer.{layer}.output.dense.weight");
            tensors.tensor(&name).is_ok()
        };
        let blocks = (0..MAX_BLOCKS).take_while(present);
        let blocks = blocks.map(|layer| Block::read(&tensors, layer, (width, wide)));
        let threads = rayon::ThreadPoolBuilder::new().num_threads(threads.max(1));
        Ok(Self {
            name,
            isa: Isa::best(),
            threads: threads.build().map_err(EngineError::Threads)?,
            words: tensors::matrix(&tensors, table, (count, width))?,
            positions: positions(&tensors, width)?,
            norm: Norm::read(&tensors, "embeddings.LayerNorm", width)?,
            blocks: blocks.collect::<Result<_, _>>()?,
            pieces,
        })
    }

    /// Names the model, by the beginning of its hash.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The vector of a text, of length one. The same text gives the same bits.
    pub fn embed(&self, text: &str) -> Vec<f32> {
        let width = self.words.columns();
        let tokens = self.pieces.encode(text, MAX_TOKENS.min(self.positions.len() / width));
        let mut states = vec![0.0; tokens.len() * width];
        let rows = states.chunks_exact_mut(width).zip(self.positions.chunks_exact(width));
        for ((state, position), token) in rows.zip(&tokens) {
            self.words.row(*token as usize, state);
            state.iter_mut().zip(position).for_each(|(state, position)| *state += position);
        }
        self.norm.apply(&mut states);
        self.threads.install(|| {
            self.blocks.iter().for_each(|block| block.forward(self.isa, &mut states));
        });
        let mut sum = vec![0.0; width];
        for state in states.chunks_exact(width) {
            sum.iter_mut().zip(state).for_each(|(sum, value)| *sum += value);
        }
        let length = sum.iter().map(|value| value * value).sum::<f32>().sqrt();
        sum.iter_mut().for_each(|value| *value /= length.max(f32::MIN_POSITIVE));
        sum
    }
}

/// What each position adds, with what marks the first of two texts: there is only one.
fn positions(tensors: &SafeTensors<'_>, width: usize) -> Result<Vec<f32>, EngineError> {
    let name = "embeddings.position_embeddings.weight";
    let (count, _) = tensors::shape(tensors, name)?;
    let mut positions = tensors::values(tensors, name, &[count, width])?;
    let name = "embeddings.token_type_embeddings.weight";
    let (kinds, _) = tensors::shape(tensors, name)?;
    let kinds = tensors::values(tensors, name, &[kinds, width])?;
    for row in positions.chunks_exact_mut(width) {
        row.iter_mut().zip(&kinds).for_each(|(value, kind)| *value += kind);
    }
    Ok(positions)
}

#[cfg(test)]
mod tests;
