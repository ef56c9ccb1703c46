use serde::Serialize;

use crate::kernel::{BLOCK, LANES};
use crate::{EngineError, ModelFile};

/// The measures of a model of the Llama family, from the metadata of its file.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct LlamaConfig {
    /// Width of the residual stream.
    pub hidden: usize,
    /// Number of blocks.
    pub layers: usize,
    /// Query heads.
    pub heads: usize,
    /// Key and value heads; divides `heads`.
    pub kv_heads: usize,
    /// Width of one head.
    pub head_width: usize,
    /// Width of the feed-forward layer.
    pub feed_forward: usize,
    /// Number of tokens known.
    pub vocabulary: usize,
    /// Most positions the model was trained for.
    pub context: usize,
    /// Base of the rotary frequencies.
    pub rope_base: f32,
    /// Whether rotary pairs are one of each half of a head, as in files that were not rearranged
    /// for GGUF, instead of two neighbours.
    pub rope_apart: bool,
    /// Epsilon of the RMS norms.
    pub norm_epsilon: f32,
}

/// Upper bounds of what a small box can run; a file that claims more is damaged.
const MAX_LAYERS: usize = 256;
const MAX_WIDTH: usize = 1 << 16;
const MAX_VOCABULARY: usize = 1 << 20;

impl LlamaConfig {
    /// Reads and checks the measures.
    ///
    /// # Errors
    /// When the model is of another family, or the measures contradict one another.
    pub fn read(file: &ModelFile) -> Result<Self, EngineError> {
        let family = file.text("general.architecture")?;
        if family != "llama" {
            return Err(EngineError::Unsupported(format!("architecture {family:?} (want llama)")));
        }
        let heads = file.number("llama.attention.head_count")?;
        let hidden = file.number("llama.embedding_length")?;
        let config = Self {
            hidden,
            layers: file.number("llama.block_count")?,
            heads,
            kv_heads: file.number("llama.attention.head_count_kv").unwrap_or(heads),
            head_width: hidden.checked_div(heads).unwrap_or(0),
            feed_forward: file.number("llama.feed_forward_length")?,
            vocabulary: file.texts("tokenizer.ggml.tokens")?.len(),
            context: file.number("llama.context_length")?,
            rope_base: file.real("llama.rope.freq_base").unwrap_or(10_000.0),
            rope_apart: file.text("llama.rope.pairs").is_ok_and(|pairs| pairs == "halves"),
            norm_epsilon: file.real("llama.attention.layer_norm_rms_epsilon")?,
        };
        config.check(file.number("llama.rope.dimension_count").unwrap_or(config.head_width))?;
        let scaling = file.text("llama.rope.scaling.type").unwrap_or("none");
        if scaling != "none" {
            return Err(EngineError::Unsupported(format!("rotary scaling {scaling:?}")));
        }
        Ok(config)
    }

    /// Width of all keys (or values) of one position.
    pub fn kv_width(&self) -> usize {
        self.kv_heads * self.head_width
    }

    fn check(&self, rope_width: usize) -> Result<(), EngineError> {
        let within = |value: usize, most: usize| (1..=most).contains(&value);
        let sound = within(self.layers, MAX_LAYERS)
            && within(self.hidden, MAX_WIDTH)
            && within(self.feed_forward, MAX_WIDTH)
            && within(self.vocabulary, MAX_VOCABULARY)
            && within(self.kv_heads, self.heads)
            && self.context > 0
            && self.head_width * self.heads == self.hidden
            && self.heads.is_multiple_of(self.kv_heads)
            && self.head_width.is_multiple_of(2)
            && self.rope_base > 1.0
            && self.norm_epsilon > 0.0;
        if !sound {
            return Err(EngineError::Corrupt(format!("measures contradict one another: {self:?}")));
        }
        let unsupported = |what: &str| Err(EngineError::Unsupported(what.into()));
        if rope_width != self.head_width {
            return unsupported("rotary embedding over part of a head");
        }
        if !self.hidden.is_multiple_of(BLOCK) || !self.feed_forward.is_multiple_of(BLOCK) {
            return unsupported("widths that are no multiple of 32");
        }
        if !self.head_width.is_multiple_of(LANES) {
            return unsupported("heads whose width is no multiple of 16");
        }
        Ok(())
    }
}
