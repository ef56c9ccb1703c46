use anyhow::Result;
use candle_core::{D, Device, Tensor, Var};
use candle_nn::ops::{silu, softmax};
use candle_nn::rotary_emb::{rope_i_slow, rope_slow};
use vedette_engine::{LlamaConfig, ModelFile};

use crate::frozen::Frozen;
use crate::{Recipe, chance::Chance};

/// Matrices by their names in GGUF and in PEFT.
const MATRICES: [(&str, &str); 7] = [
    ("attn_q", "self_attn.q_proj"),
    ("attn_k", "self_attn.k_proj"),
    ("attn_v", "self_attn.v_proj"),
    ("attn_output", "self_attn.o_proj"),
    ("ffn_gate", "mlp.gate_proj"),
    ("ffn_up", "mlp.up_proj"),
    ("ffn_down", "mlp.down_proj"),
];

/// The frozen base in full precision, with a low-rank change of the upper layers' matrices that learns.
pub(crate) struct Llama {
    config: LlamaConfig,
    device: Device,
    embedding: Tensor,
    layers: Vec<Layer>,
    norm: Tensor,
    /// Cosines and sines, positions by pairs.
    turn: (Tensor, Tensor),
}

struct Layer {
    attention_norm: Tensor,
    feed_forward_norm: Tensor,
    /// In the order of `MATRICES`.
    matrices: Vec<Matrix>,
}

struct Matrix {
    frozen: Frozen,
    change: Option<Change>,
}

/// Tall times wide times scale is added to the matrix.
struct Change {
    /// Rank by inputs.
    wide: Var,
    /// Outputs by rank.
    tall: Var,
    scale: f64,
}

/// What all layers of one pass share.
struct Pass<'a> {
    config: &'a LlamaConfig,
    lines: usize,
    length: usize,
    cos: Tensor,
    sin: Tensor,
    /// 0 where a token sees another, minus infinity where not.
    mask: Tensor,
}

impl Llama {
    /// Reads the base; the changes begin as nothing.
    pub(crate) fn load(
        file: &mut ModelFile,
        recipe: &Recipe,
        chance: &mut Chance,
        device: &Device,
    ) -> Result<Self> {
        let config = LlamaConfig::read(file)?;
        let first = config.layers.saturating_sub(recipe.upper);
        let layers = (0..config.layers).map(|at| {
            let change = (at >= first).then_some(recipe);
            Layer::load(file, &config, at, &mut Drawn { change, chance, device })
        });
        let layers = layers.collect::<Result<_>>()?;
        let embedding = file.tensor("token_embd.weight", &[config.vocabulary, config.hidden])?;
        Ok(Self {
            embedding: embedding.to_device(device)?,
            norm: file.tensor("output_norm.weight", &[config.hidden])?.to_device(device)?,
            turn: turn(file, &config, recipe.length + 1, device)?,
            device: device.clone(),
            layers,
            config,
        })
    }

    /// Values of a pooled state: the mean of a line's states and the last one.
    pub(crate) fn width(&self) -> usize {
        2 * self.config.hidden
    }

    /// The pooled states of lines, a row each.
    pub(crate) fn states(&self, lines: &[&[u32]]) -> Result<Tensor> {
        let length = lines.iter().map(|line| line.len()).max().unwrap_or(0);
        let padded = lines.iter().flat_map(|line| {
            line.iter().copied().chain(std::iter::repeat_n(0, length - line.len()))
        });
        let tokens = Tensor::from_iter(padded, &self.device)?;
        let pass = Pass::new(&self.config, &self.turn, (lines.len(), length), &self.device)?;
        let mut states = self.embedding.index_select(&tokens, 0)?;
        for layer in &self.layers {
            states = layer.forward(&pass, &states)?;
        }
        let states = normed(&states, &self.norm, &self.config)?;
        let states = states.reshape((lines.len(), length, self.config.hidden))?;
        let pooled = pooling(lines, length, &self.device)?.matmul(&states)?;
        Ok(pooled.flatten_from(1)?)
    }

    /// What learns, by the names that PEFT gives it.
    pub(crate) fn changes(&self) -> impl Iterator<Item = (String, &Var)> {
        self.layers.iter().enumerate().flat_map(|(at, layer)| {
            layer.matrices.iter().zip(MATRICES).flat_map(move |(matrix, (_, theirs))| {
                let name = format!("base_model.model.model.layers.{at}.{theirs}.lora");
                let change = matrix.change.iter();
                change.flat_map(move |Change { wide, tall, .. }| {
                    [(format!("{name}_A.weight"), wide), (format!("{name}_B.weight"), tall)]
                })
            })
        })
    }

    /// A change as PEFT has it: there a rotary pair is one of each half of a head, in files for this
    /// engine mostly two neighbours.
    pub(crate) fn as_in_peft(&self, name: &str, value: &Tensor) -> Result<Tensor> {
        let turned =
            name.ends_with("q_proj.lora_B.weight") || name.ends_with("k_proj.lora_B.weight");
        if self.config.rope_apart || !turned {
            return Ok(value.clone());
        }
        let (rows, rank) = value.dims2()?;
        let width = self.config.head_width;
        let pairs = value.reshape((rows / width, width / 2, 2, rank))?;
        Ok(pairs.transpose(1, 2)?.contiguous()?.reshape((rows, rank))?)
    }
}

/// What a layer's changes are drawn from.
struct Drawn<'a> {
    change: Option<&'a Recipe>,
    chance: &'a mut Chance,
    device: &'a Device,
}

impl Layer {
    fn load(
        file: &mut ModelFile,
        config: &LlamaConfig,
        at: usize,
        drawn: &mut Drawn<'_>,
    ) -> Result<Self> {
        let (hidden, kv, wide) = (config.hidden, config.kv_width(), config.feed_forward);
        let shapes = [
            (hidden, hidden),
            (kv, hidden),
            (kv, hidden),
            (hidden, hidden),
            (wide, hidden),
            (wide, hidden),
            (hidden, wide),
        ];
        let mut norm = |name: &str| -> Result<Tensor> {
            let norm = file.tensor(&format!("blk.{at}.{name}.weight"), &[hidden])?;
            Ok(norm.to_device(drawn.device)?)
        };
        let (attention_norm, feed_forward_norm) = (norm("attn_norm")?, norm("ffn_norm")?);
        let matrices = MATRICES.iter().zip(shapes).map(|((ours, _), (rows, columns))| {
            let matrix = file.tensor(&format!("blk.{at}.{ours}.weight"), &[rows, columns])?;
            let recipe = drawn.change;
            let change = recipe.map(|recipe| Change::new(recipe, (rows, columns), drawn));
            Ok(Matrix {
                frozen: Frozen(matrix.to_device(drawn.device)?),
                change: change.transpose()?,
            })
        });
        Ok(Self { attention_norm, feed_forward_norm, matrices: matrices.collect::<Result<_>>()? })
    }

    fn forward(&self, pass: &Pass<'_>, states: &Tensor) -> Result<Tensor> {
        let [query, key, value, output, gate, up, down] = self.matrices.as_slice() else {
            unreachable!("a layer is loaded with all its matrices");
        };
        let inner = normed(states, &self.attention_norm, pass.config)?;
        let seen = pass.attend([query, key, value].map(|matrix| matrix.forward(&inner)))?;
        let states = (states + output.forward(&seen)?)?;
        let inner = normed(&states, &self.feed_forward_norm, pass.config)?;
        let opened = (silu(&gate.forward(&inner)?)? * up.forward(&inner)?)?;
        Ok((states + down.forward(&opened)?)?)
    }
}

impl Matrix {
    fn forward(&self, rows: &Tensor) -> Result<Tensor> {
        let product = self.frozen.forward(rows)?;
        let Some(Change { wide, tall, scale }) = &self.change else { return Ok(product) };
        let change = rows.matmul(&wide.t()?)?.matmul(&tall.t()?)?;
        Ok((product + (change * *scale)?)?)
    }
}

impl Change {
    /// A wide half drawn evenly, as Kaiming He and others have it for a slope of the root of five, and
    /// a tall one of zeros: together nothing.
    fn new(
        recipe: &Recipe,
        (rows, columns): (usize, usize),
        drawn: &mut Drawn<'_>,
    ) -> Result<Self> {
        let most = 1.0 / (columns as f32).sqrt();
        let values = drawn.chance.evenly(recipe.rank * columns, most);
        let wide = Tensor::from_vec(values, (recipe.rank, columns), drawn.device)?;
        let tall = Tensor::zeros((rows, recipe.rank), candle_core::DType::F32, drawn.device)?;
        let scale = recipe.alpha / recipe.rank as f64;
        Ok(Self { wide: Var::from_tensor(&wide)?, tall: Var::from_tensor(&tall)?, scale })
    }
}

impl<'a> Pass<'a> {
    fn new(
        config: &'a LlamaConfig,
        turn: &(Tensor, Tensor),
        (lines, length): (usize, usize),
        device: &Device,
    ) -> Result<Self> {
        let seen = |at: usize| if at % length <= at / length { 0.0 } else { f32::NEG_INFINITY };
        let mask: Vec<f32> = (0..length * length).map(seen).collect();
        Ok(Self {
            config,
            lines,
            length,
            cos: turn.0.narrow(0, 0, length)?,
            sin: turn.1.narrow(0, 0, length)?,
            mask: Tensor::from_vec(mask, (1, 1, 1, length, length), device)?,
        })
    }

    /// Attention of each line over itself, from queries, keys and values. Query heads that share a key
    /// head are stacked, so that no key is copied.
    fn attend(&self, [query, key, value]: [Result<Tensor>; 3]) -> Result<Tensor> {
        let Self { config, lines, length, .. } = self;
        let (groups, width) = (config.kv_heads, config.head_width);
        let shared = config.heads / groups;
        let split = |part: &Tensor, heads: usize| {
            part.reshape((*lines, *length, heads, width))?.transpose(1, 2)?.contiguous()
        };
        let turned = |part: &Tensor| match config.rope_apart {
            true => rope_slow(part, &self.cos, &self.sin),
            false => rope_i_slow(part, &self.cos, &self.sin),
        };
        let query = turned(&split(&query?, config.heads)?)?;
        let key = turned(&split(&key?, groups)?)?;
        let value = split(&value?, groups)?;
        let query = query.reshape((*lines, groups, shared * length, width))?;
        let scores = (query.matmul(&key.t()?)? * (width as f64).powf(-0.5))?;
        let scores = scores.reshape((*lines, groups, shared, *length, *length))?;
        let weights = softmax(&scores.broadcast_add(&self.mask)?, D::Minus1)?;
        let weights = weights.reshape((*lines, groups, shared * length, *length))?;
        let seen = weights.matmul(&value)?.reshape((*lines, config.heads, *length, width))?;
        Ok(seen.transpose(1, 2)?.contiguous()?.reshape((lines * length, config.hidden))?)
    }
}

/// Root mean square norm, in operations that candle can go back through.
fn normed(states: &Tensor, weight: &Tensor, config: &LlamaConfig) -> Result<Tensor> {
    let mean = states.sqr()?.mean_keepdim(D::Minus1)?;
    let root = (mean + f64::from(config.norm_epsilon))?.sqrt()?;
    Ok(states.broadcast_div(&root)?.broadcast_mul(weight)?)
}

/// Lines by two by positions: the share of each position in the mean, and 1 at the last one.
fn pooling(lines: &[&[u32]], length: usize, device: &Device) -> Result<Tensor> {
    let mut shares = vec![0.0f32; lines.len() * 2 * length];
    for (line, shares) in lines.iter().zip(shares.chunks_exact_mut(2 * length)) {
        shares[..line.len()].fill(1.0 / line.len() as f32);
        shares[length + line.len() - 1] = 1.0;
    }
    Ok(Tensor::from_vec(shares, (lines.len(), 2, length), device)?)
}

/// Cosines and sines of the rotary embedding.
fn turn(
    file: &mut ModelFile,
    config: &LlamaConfig,
    positions: usize,
    device: &Device,
) -> Result<(Tensor, Tensor)> {
    let half = config.head_width / 2;
    let divisors = match file.has_tensor("rope_freqs.weight") {
        true => file.tensor("rope_freqs.weight", &[half])?.to_vec1()?,
        false => vec![1.0f32; half],
    };
    let angles = (0..positions * half).map(|at| {
        let (position, pair) = (at / half, at % half);
        let exponent = -((2 * pair) as f32) / config.head_width as f32;
        position as f32 * config.rope_base.powf(exponent) / divisors[pair]
    });
    let angles = Tensor::from_iter(angles, device)?.reshape((positions, half))?;
    Ok((angles.cos()?, angles.sin()?))
}
