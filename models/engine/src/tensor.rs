use candle_core::{D, Device, Tensor};
use candle_nn::ops::{rms_norm, softmax_last_dim, swiglu};
use candle_nn::rotary_emb::{rope, rope_i};

use crate::batch::Spot;
use crate::kernel::Source;
use crate::{Adapter, Batch, EngineError, LlamaConfig, ModelFile};

/// The same model on candle's tensors in full precision: what a GPU runs, and what the packed forward
/// pass is tested against.
pub struct TensorLlama {
    device: Device,
    config: LlamaConfig,
    embedding: Tensor,
    layers: Vec<Layer>,
    norm: Tensor,
    /// The embedding again where the model ties the two.
    output: Tensor,
    rotation: Rotation,
}

struct Layer {
    attention_norm: Tensor,
    /// Queries, keys and values in one matrix. All matrices are kept inputs by outputs, the way
    /// `gemm` reads them without rearranging every weight at every pass.
    qkv: Tensor,
    attention_output: Tensor,
    feed_forward_norm: Tensor,
    /// Gate and up in one matrix.
    gate_up: Tensor,
    down: Tensor,
}

/// Cosines and sines by position.
struct Rotation {
    cos: Tensor,
    sin: Tensor,
}

/// Keys and values of the positions read so far. Allocated once; truncating forgets.
pub struct TensorCache {
    layers: Vec<(Tensor, Tensor)>,
    length: usize,
    capacity: usize,
}

impl TensorCache {
    /// Positions held.
    pub fn length(&self) -> usize {
        self.length
    }

    /// Positions there is room for.
    pub fn capacity(&self) -> usize {
        self.capacity
    }

    /// Forgets all but the first `length` positions.
    pub fn truncate(&mut self, length: usize) {
        self.length = self.length.min(length);
    }
}

impl TensorLlama {
    /// Reads the weights and merges low-rank changes into them. `positions` bounds the length of all that
    /// is read at once.
    ///
    /// # Errors
    /// When a tensor is missing, cut off or of the wrong shape, or a change is of another model.
    pub fn load(
        file: &mut ModelFile,
        positions: usize,
        adapters: &[&Adapter],
        device: &Device,
    ) -> Result<Self, EngineError> {
        let config = LlamaConfig::read(file)?;
        let table = [config.vocabulary, config.hidden];
        let embedding = file.tensor("token_embd.weight", &table)?.to_device(device)?;
        let output = match file.has_tensor("output.weight") {
            true => file.tensor("output.weight", &table)?.to_device(device)?,
            false => embedding.clone(),
        };
        let layers = (0..config.layers).map(|index| {
            Layer::load(&mut Weights { file, config: &config, adapters, device }, index)
        });
        let layers = layers.collect::<Result<_, _>>()?;
        let tables = crate::rotation::Rotation::new(file, &config, positions.min(config.context))?;
        Ok(Self {
            device: device.clone(),
            layers,
            norm: file.tensor("output_norm.weight", &[config.hidden])?.to_device(device)?,
            rotation: Rotation::new(&tables, device)?,
            embedding,
            output,
            config,
        })
    }

    /// The model's measures.
    pub fn config(&self) -> &LlamaConfig {
        &self.config
    }

    /// An empty cache for as many positions as the model was loaded for.
    ///
    /// # Errors
    /// When memory cannot be had.
    pub fn cache(&self) -> Result<TensorCache, EngineError> {
        let capacity = self.rotation.cos.dim(0)?;
        let shape = (self.config.kv_heads, capacity, self.config.head_width);
        let zeros = || Tensor::zeros(shape, candle_core::DType::F32, &self.device);
        let layers = self.layers.iter().map(|_| Ok((zeros()?, zeros()?)));
        Ok(TensorCache { layers: layers.collect::<Result<_, EngineError>>()?, length: 0, capacity })
    }

    /// Reads the batch behind what the cache holds and returns the final states of `rows`, one a row.
    /// The batch's own positions stay in the cache, in order: truncate unless it was one chain.
    ///
    /// # Errors
    /// When the cache is too small or the arithmetic fails.
    pub fn read(
        &self,
        cache: &mut TensorCache,
        batch: &Batch,
        rows: &[usize],
    ) -> Result<Tensor, EngineError> {
        let wanted = cache.length + batch.len();
        if wanted > cache.capacity {
            return Err(EngineError::ContextFull { wanted, capacity: cache.capacity });
        }
        if let Some(token) =
            batch.tokens().iter().find(|id| **id as usize >= self.config.vocabulary)
        {
            return Err(EngineError::Corrupt(format!("token {token} is not in the vocabulary")));
        }
        let tokens = Tensor::new(batch.tokens(), &self.device)?;
        let step = Step::new(&self.rotation, batch, cache.length, &self.device)?;
        let mut states = self.embedding.index_select(&tokens, 0)?;
        for (layer, kept) in self.layers.iter().zip(&cache.layers) {
            states = layer.forward(&self.config, &states, &step, kept)?;
        }
        cache.length = wanted;
        let rows: Vec<u32> =
            rows.iter().map(|row| u32::try_from(*row).unwrap_or(u32::MAX)).collect();
        let states = states.index_select(&Tensor::new(rows, &self.device)?, 0)?;
        Ok(rms_norm(&states, &self.norm, self.config.norm_epsilon)?)
    }

    /// Logits of a few tokens for each state: one row a state, one column a token.
    ///
    /// # Errors
    /// When the arithmetic fails.
    pub fn logits_of(&self, states: &Tensor, tokens: &[u32]) -> Result<Vec<Vec<f32>>, EngineError> {
        let rows = self.output.index_select(&Tensor::new(tokens, &self.device)?, 0)?;
        Ok(states.matmul(&rows.t()?)?.to_vec2()?)
    }

    /// Logits of every token for each state.
    ///
    /// # Errors
    /// When the arithmetic fails.
    pub fn logits(&self, states: &Tensor) -> Result<Vec<Vec<f32>>, EngineError> {
        Ok(states.matmul(&self.output.t()?)?.to_vec2()?)
    }
}

/// Where layers come from.
struct Weights<'a> {
    file: &'a mut ModelFile,
    config: &'a LlamaConfig,
    adapters: &'a [&'a Adapter],
    device: &'a Device,
}

impl Weights<'_> {
    fn norm(&mut self, name: &str) -> Result<Tensor, EngineError> {
        Ok(self.file.tensor(name, &[self.config.hidden])?.to_device(self.device)?)
    }

    /// A matrix with all changes merged in.
    fn matrix(&mut self, name: &str, rows: usize, columns: usize) -> Result<Tensor, EngineError> {
        let mut source = Source::Values(self.file.values(name, &[rows, columns])?);
        for adapter in self.adapters {
            adapter.merge(self.config, name, (rows, columns), &mut source)?;
        }
        let values = source.all_values(rows * columns);
        Ok(Tensor::from_vec(values, (rows, columns), self.device)?)
    }
}

impl Layer {
    fn load(weights: &mut Weights<'_>, index: usize) -> Result<Self, EngineError> {
        let config = weights.config;
        let (hidden, wide, kv) = (config.hidden, config.feed_forward, config.kv_width());
        let name = |part: &str| format!("blk.{index}.{part}.weight");
        let mut matrix = |part: &str, rows: usize| weights.matrix(&name(part), rows, hidden);
        let (query, key) = (matrix("attn_q", hidden)?, matrix("attn_k", kv)?);
        let (value, output) = (matrix("attn_v", kv)?, matrix("attn_output", hidden)?);
        let (gate, up) = (matrix("ffn_gate", wide)?, matrix("ffn_up", wide)?);
        Ok(Self {
            attention_norm: weights.norm(&name("attn_norm"))?,
            qkv: turned(&Tensor::cat(&[query, key, value], 0)?)?,
            attention_output: turned(&output)?,
            feed_forward_norm: weights.norm(&name("ffn_norm"))?,
            gate_up: turned(&Tensor::cat(&[gate, up], 0)?)?,
            down: turned(&weights.matrix(&name("ffn_down"), hidden, wide)?)?,
        })
    }

    fn forward(
        &self,
        config: &LlamaConfig,
        states: &Tensor,
        step: &Step,
        kept: &(Tensor, Tensor),
    ) -> Result<Tensor, EngineError> {
        let normed = rms_norm(states, &self.attention_norm, config.norm_epsilon)?;
        let qkv = normed.matmul(&self.qkv)?;
        let attended = attend(config, &qkv, step, kept)?;
        let states = (states + attended.matmul(&self.attention_output)?)?;
        let normed = rms_norm(&states, &self.feed_forward_norm, config.norm_epsilon)?;
        let opened = swiglu(&normed.matmul(&self.gate_up)?)?;
        Ok((states + opened.matmul(&self.down)?)?)
    }
}

/// Outputs by inputs, as files hold a matrix, to inputs by outputs.
fn turned(matrix: &Tensor) -> Result<Tensor, EngineError> {
    Ok(matrix.t()?.contiguous()?)
}

/// What every layer of one step shares.
struct Step {
    cos: Tensor,
    sin: Tensor,
    /// 0 where a token sees a position, minus infinity where not.
    mask: Tensor,
    /// Positions before the batch, and with it.
    before: usize,
    after: usize,
}

impl Step {
    fn new(
        rotation: &Rotation,
        batch: &Batch,
        before: usize,
        device: &Device,
    ) -> Result<Self, EngineError> {
        let spots = batch.spots(before);
        let narrow = |spot: &Spot| u32::try_from(spot.position).unwrap_or(u32::MAX);
        let positions: Vec<u32> = spots.iter().map(narrow).collect();
        let positions = Tensor::new(positions, device)?;
        let after = before + batch.len();
        Ok(Self {
            cos: rotation.cos.index_select(&positions, 0)?,
            sin: rotation.sin.index_select(&positions, 0)?,
            mask: Tensor::from_vec(batch.mask(before), (batch.len(), after), device)?,
            before,
            after,
        })
    }
}

/// Attention of the batch over what is kept and itself. Query heads that share a key head are
/// stacked, so that no key is copied.
fn attend(
    config: &LlamaConfig,
    qkv: &Tensor,
    step: &Step,
    kept: &(Tensor, Tensor),
) -> Result<Tensor, EngineError> {
    let tokens = qkv.dim(0)?;
    let (heads, groups, width) = (config.heads, config.kv_heads, config.head_width);
    let part = |start: usize, heads: usize| -> candle_core::Result<Tensor> {
        let part = qkv.narrow(1, start, heads * width)?;
        part.reshape((tokens, heads, width))?.transpose(0, 1)?.contiguous()
    };
    let rotate = |part: Tensor| -> candle_core::Result<Tensor> {
        let turn = if config.rope_apart { rope } else { rope_i };
        turn(&part.unsqueeze(0)?, &step.cos, &step.sin)?.squeeze(0)
    };
    let query = rotate(part(0, heads)?)?.reshape((groups, heads / groups * tokens, width))?;
    kept.0.slice_set(&rotate(part(config.hidden, groups)?)?, 1, step.before)?;
    kept.1.slice_set(&part(config.hidden + config.kv_width(), groups)?, 1, step.before)?;
    let (keys, values) = (kept.0.narrow(1, 0, step.after)?, kept.1.narrow(1, 0, step.after)?);
    let scale = 1.0 / (width as f64).sqrt();
    let scores = (query.matmul(&keys.transpose(1, 2)?)? * scale)?;
    let scores = scores.reshape((heads, tokens, step.after))?.broadcast_add(&step.mask)?;
    let weights = softmax_last_dim(&scores)?;
    let weights = weights.reshape((groups, heads / groups * tokens, step.after))?;
    let mixed = weights.matmul(&values)?.reshape((heads, tokens, width))?;
    Ok(mixed.transpose(0, 1)?.contiguous()?.flatten_from(D::Minus2)?)
}

impl Rotation {
    fn new(tables: &crate::rotation::Rotation, device: &Device) -> Result<Self, EngineError> {
        let shape = (tables.positions(), tables.half);
        Ok(Self {
            cos: Tensor::from_slice(&tables.cos, shape, device)?,
            sin: Tensor::from_slice(&tables.sin, shape, device)?,
        })
    }
}
