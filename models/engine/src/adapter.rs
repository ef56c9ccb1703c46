use std::collections::{HashMap, HashSet};
use std::path::Path;

use candle_core::safetensors::Load as _;
use candle_core::{DType, Device, Tensor};
use safetensors::SafeTensors;
use serde::Deserialize;

use crate::kernel::{LowRank, Source};
use crate::{EngineError, LlamaConfig};

/// The file names PEFT writes.
const WEIGHTS: &str = "adapter_model.safetensors";
const CONFIG: &str = "adapter_config.json";

/// What every tensor name of a causal language model begins with.
const PREFIX: &str = "base_model.model.model.layers.";

/// Largest files read: the adapter of rank 256 for all matrices of a model of seven billion.
const MAX_WEIGHTS_BYTES: u64 = 3 << 30;
const MAX_CONFIG_BYTES: u64 = 1 << 20;

/// Matrices by their names in PEFT and in GGUF.
const MATRICES: [(&str, &str); 7] = [
    ("self_attn.q_proj", "attn_q"),
    ("self_attn.k_proj", "attn_k"),
    ("self_attn.v_proj", "attn_v"),
    ("self_attn.o_proj", "attn_output"),
    ("mlp.gate_proj", "ffn_gate"),
    ("mlp.up_proj", "ffn_up"),
    ("mlp.down_proj", "ffn_down"),
];

/// A low-rank change of a model's matrices (LoRA), as PEFT writes it: to each weight matrix, a
/// product of a tall and a wide one is added.
pub struct Adapter {
    /// By the name of the matrix in GGUF.
    changes: HashMap<String, Change>,
    scale: f64,
}

struct Change {
    /// Rank by inputs.
    wide: Tensor,
    /// Outputs by rank.
    tall: Tensor,
}

impl Change {
    fn check(&self, name: &str, (rows, columns): (usize, usize)) -> Result<(), EngineError> {
        let found = (self.tall.dims(), self.wide.dims());
        match found {
            ([outputs, left], [right, inputs])
                if (*outputs, *inputs) == (rows, columns) && left == right && *left > 0 =>
            {
                Ok(())
            }
            _ => Err(EngineError::Adapter(format!(
                "{name} is {rows} by {columns} in the base, {found:?} in the adapter"
            ))),
        }
    }
}

/// The part of `adapter_config.json` that matters; what would change the arithmetic is refused.
#[derive(Deserialize)]
struct Config {
    r: u32,
    lora_alpha: f64,
    #[serde(default)]
    use_rslora: bool,
    #[serde(default)]
    use_dora: bool,
    #[serde(default)]
    fan_in_fan_out: bool,
    #[serde(default)]
    rank_pattern: HashMap<String, u32>,
    #[serde(default)]
    alpha_pattern: HashMap<String, f64>,
    #[serde(default)]
    modules_to_save: Option<Vec<String>>,
}

impl Adapter {
    /// Reads an adapter from the folder PEFT saved it in.
    ///
    /// # Errors
    /// When a file is missing or damaged, or changes what this engine does not know to change.
    pub fn read(folder: &Path) -> Result<Self, EngineError> {
        let (config, weights) = Self::files(folder)?;
        Self::parse(&config, &weights)
    }

    /// The configuration and the weights in a folder, as bytes.
    pub(crate) fn files(folder: &Path) -> Result<(Vec<u8>, Vec<u8>), EngineError> {
        let config = bounded(&folder.join(CONFIG), MAX_CONFIG_BYTES)?;
        Ok((config, bounded(&folder.join(WEIGHTS), MAX_WEIGHTS_BYTES)?))
    }

    /// Reads an adapter from the contents of the two files PEFT saved it in.
    ///
    /// # Errors
    /// When one is damaged, or changes what this engine does not know to change.
    pub fn parse(config: &[u8], weights: &[u8]) -> Result<Self, EngineError> {
        let tensors = SafeTensors::deserialize(weights)
            .map_err(|why| EngineError::Adapter(format!("{WEIGHTS}: {why}")))?;
        Self::of(config, &tensors, "")
    }

    /// An adapter among tensors that have something before their names.
    pub(crate) fn of(
        config: &[u8],
        tensors: &SafeTensors<'_>,
        before: &str,
    ) -> Result<Self, EngineError> {
        let config: Config = serde_json::from_slice(config)
            .map_err(|why| EngineError::Adapter(format!("{CONFIG}: {why}")))?;
        let damaged = |why: candle_core::Error| EngineError::Adapter(format!("{WEIGHTS}: {why}"));
        let own = tensors.tensors().into_iter().filter_map(|(name, view)| {
            let name = name.strip_prefix(before)?.to_owned();
            let read = view.load(&Device::Cpu).and_then(|tensor| tensor.to_dtype(DType::F32));
            Some(read.map_err(damaged).map(|tensor| (name, tensor)))
        });
        Self::build(config.scale()?, own.collect::<Result<_, EngineError>>()?)
    }

    fn build(scale: f64, mut tensors: HashMap<String, Tensor>) -> Result<Self, EngineError> {
        let mut changes = HashMap::new();
        let names: HashSet<String> = tensors
            .keys()
            .filter_map(|name| name.strip_suffix(".lora_A.weight"))
            .map(Into::into)
            .collect();
        for name in names {
            let mut half = |part: &str| tensors.remove(&format!("{name}.lora_{part}.weight"));
            let (Some(wide), Some(tall)) = (half("A"), half("B")) else {
                return Err(EngineError::Adapter(format!("{name} has one half only")));
            };
            let matrix = matrix_of(&name)
                .ok_or_else(|| EngineError::Adapter(format!("{name} is no matrix of a Llama")))?;
            changes.insert(matrix, Change { wide, tall });
        }
        match tensors.keys().next() {
            Some(name) => Err(EngineError::Adapter(format!("{name} is no low-rank change"))),
            None if changes.is_empty() => Err(EngineError::Adapter("it changes nothing".into())),
            None => Ok(Self { changes, scale }),
        }
    }

    /// Adds the change of a matrix, named as in GGUF, to its values.
    pub(crate) fn merge(
        &self,
        config: &LlamaConfig,
        name: &str,
        (rows, columns): (usize, usize),
        source: &mut Source,
    ) -> Result<(), EngineError> {
        self.check(config)?;
        let Some(change) = self.changes.get(name) else {
            return Ok(());
        };
        let turned = !config.rope_apart && (name.contains("attn_q") || name.contains("attn_k"));
        let rank = change.wide.dims()[0];
        let wide = change.wide.flatten_all()?.to_vec1()?;
        let mut tall: Vec<f32> = change.tall.flatten_all()?.to_vec1()?;
        if turned {
            let rows = (0..rows).map(|row| before_rearranging(row, config.head_width));
            tall = rows.flat_map(|row| &tall[row * rank..][..rank]).copied().collect();
        }
        let change = LowRank { tall, wide, columns, scale: self.scale as f32 };
        let base = std::mem::replace(source, Source::Values(Vec::new()));
        *source = Source::Changed { base: Box::new(base), change };
        Ok(())
    }

    /// Whether it changes the matrix of this name.
    pub(crate) fn changes(&self, name: &str) -> bool {
        self.changes.contains_key(name)
    }

    /// The lowest layer that it changes.
    pub(crate) fn lowest_layer(&self) -> usize {
        self.changes.keys().filter_map(|name| layer_of(name)).min().unwrap_or(0)
    }

    /// Refuses an adapter that changes what the base does not have, or has in another shape.
    pub(crate) fn check(&self, config: &LlamaConfig) -> Result<(), EngineError> {
        let absent =
            |name: &&String| layer_of(name.as_str()).is_none_or(|layer| layer >= config.layers);
        if let Some(name) = self.changes.keys().find(absent) {
            return Err(EngineError::Adapter(format!("the base has no {name}")));
        }
        self.changes.iter().try_for_each(|(name, change)| change.check(name, shape(config, name)))
    }
}

impl Config {
    /// What the product is multiplied with.
    fn scale(&self) -> Result<f64, EngineError> {
        let odd = self.use_dora
            || self.fan_in_fan_out
            || !self.rank_pattern.is_empty()
            || !self.alpha_pattern.is_empty()
            || self.modules_to_save.as_ref().is_some_and(|modules| !modules.is_empty())
            || self.r == 0;
        if odd {
            let text = "it is not a plain LoRA with one rank and scale for all matrices";
            return Err(EngineError::Adapter(text.into()));
        }
        let rank = f64::from(self.r);
        Ok(self.lora_alpha / if self.use_rslora { rank.sqrt() } else { rank })
    }
}

/// The GGUF name of the matrix that a PEFT name speaks of.
fn matrix_of(name: &str) -> Option<String> {
    let (layer, part) = name.strip_prefix(PREFIX)?.split_once('.')?;
    let layer: usize = layer.parse().ok()?;
    let (_, part) = MATRICES.iter().find(|(theirs, _)| *theirs == part)?;
    Some(format!("blk.{layer}.{part}.weight"))
}

/// The layer of a matrix, by its GGUF name.
fn layer_of(name: &str) -> Option<usize> {
    name.split('.').nth(1)?.parse().ok()
}

/// Outputs and inputs of a matrix, by its GGUF name.
fn shape(config: &LlamaConfig, name: &str) -> (usize, usize) {
    let (hidden, wide, kv) = (config.hidden, config.feed_forward, config.kv_width());
    match name.split('.').nth(2) {
        Some("attn_q" | "attn_output") => (hidden, hidden),
        Some("attn_k" | "attn_v") => (kv, hidden),
        Some("ffn_down") => (hidden, wide),
        _ => (wide, hidden),
    }
}

/// Where a row of queries or keys stood before the file's maker rearranged rotary pairs, one of each
/// half of a head, to neighbours.
fn before_rearranging(row: usize, width: usize) -> usize {
    let within = row % width;
    row - within + within % 2 * (width / 2) + within / 2
}

fn bounded(path: &Path, most: u64) -> Result<Vec<u8>, EngineError> {
    let unreadable = |source| EngineError::Read { path: path.to_owned(), source };
    if std::fs::metadata(path).map_err(unreadable)?.len() > most {
        return Err(EngineError::Adapter(format!(
            "{} is larger than {most} bytes",
            path.display()
        )));
    }
    std::fs::read(path).map_err(unreadable)
}
