use std::collections::BTreeMap;
use std::path::Path;

use safetensors::{SafeTensors, tensor::TensorView};
use vedette_event::{Severity, TechniqueId, ThreatClass};

use crate::EngineError;
use crate::gguf::hashed;
use crate::trie::log_sum_exp;

/// Largest file of heads: every technique for a model of a few thousand wide.
pub(crate) const MAX_HEADS_BYTES: u64 = 32 << 20;

/// A linear layer over states, with what its rows stand for.
pub(crate) struct Head<V> {
    values: Vec<V>,
    /// A row of weights to each value.
    weights: Vec<f32>,
    bias: Vec<f32>,
}

/// The layers that judge a line, over the mean of its states and the last one.
pub struct Heads {
    pub(crate) malicious: Head<bool>,
    pub(crate) class: Head<ThreatClass>,
    pub(crate) severity: Head<Severity>,
    pub(crate) technique: Head<TechniqueId>,
}

impl Heads {
    /// The file's name in a bundle and beside an adapter.
    pub const FILE: &str = "heads.safetensors";

    /// Reads heads from a file, after comparing its SHA-256 (hex) where that is given.
    ///
    /// # Errors
    /// When it cannot be read, is another one or is damaged.
    pub fn read(path: &Path, expected: Option<&str>) -> Result<Self, EngineError> {
        Self::parse(&hashed(path, expected, MAX_HEADS_BYTES)?.0)
    }

    /// Reads heads from the bytes of a safetensors file: `NAME.weight` and `NAME.bias` of
    /// `malicious`, `class`, `severity` and `technique`; the names of the rows are in the metadata
    /// under `classes`, `severities` and `techniques`, joined by commas.
    ///
    /// # Errors
    /// When a part is missing, of the wrong shape or has an unknown name.
    pub fn parse(bytes: &[u8]) -> Result<Self, EngineError> {
        let damaged = |why: safetensors::SafeTensorError| EngineError::Heads(why.to_string());
        let (_, metadata) = SafeTensors::read_metadata(bytes).map_err(damaged)?;
        let names = metadata.metadata().clone().unwrap_or_default().into_iter().collect();
        let tensors = SafeTensors::deserialize(bytes).map_err(damaged)?;
        Self::of(&tensors, "", &names)
    }

    /// The heads among tensors that have something before their names.
    pub(crate) fn of(
        tensors: &SafeTensors<'_>,
        before: &str,
        names: &BTreeMap<String, String>,
    ) -> Result<Self, EngineError> {
        let list = |name: &str| {
            let list = names.get(name);
            list.ok_or_else(|| EngineError::Heads(format!("nothing names the {name}")))
        };
        let at = |head: &str| format!("{before}{head}");
        Ok(Self {
            malicious: Head::new(tensors, &at("malicious"), vec![false, true])?,
            class: Head::new(tensors, &at("class"), parsed(list("classes")?)?)?,
            severity: Head::new(tensors, &at("severity"), parsed(list("severities")?)?)?,
            technique: Head::new(tensors, &at("technique"), parsed(list("techniques")?)?)?,
        })
    }

    /// Whether its rows stand for the same as another's, so that their answers can be put together.
    pub(crate) fn agree(&self, other: &Self) -> bool {
        self.class.values == other.class.values
            && self.severity.values == other.severity.values
            && self.technique.values == other.technique.values
    }

    /// Whether every head reads states of this many values.
    pub(crate) fn fit(&self, width: usize) -> bool {
        self.malicious.fits(width)
            && self.class.fits(width)
            && self.severity.fits(width)
            && self.technique.fits(width)
    }
}

/// Values by their names.
fn parsed<V: std::str::FromStr>(names: &str) -> Result<Vec<V>, EngineError> {
    let one = |name: &str| {
        name.parse().map_err(|_| EngineError::Heads(format!("{name:?} is no name of a row")))
    };
    names.split(',').map(one).collect()
}

impl<V: Copy> Head<V> {
    fn new(tensors: &SafeTensors<'_>, name: &str, values: Vec<V>) -> Result<Self, EngineError> {
        let part = |part: &str| {
            let found = tensors.tensor(&format!("{name}.{part}"));
            found.map_err(|why| EngineError::Heads(why.to_string())).and_then(|view| floats(&view))
        };
        let head = Self { weights: part("weight")?, bias: part("bias")?, values };
        let rows = head.values.len();
        let whole = rows > 1 && head.bias.len() == rows && head.weights.len().is_multiple_of(rows);
        if !whole || head.weights.iter().chain(&head.bias).any(|value| !value.is_finite()) {
            return Err(EngineError::Heads(format!("{name} is not a whole layer of {rows} rows")));
        }
        Ok(head)
    }

    fn fits(&self, width: usize) -> bool {
        self.weights.len() == self.values.len() * width
    }

    /// The log-probability of each value.
    fn judge(&self, states: &[f32]) -> Vec<f32> {
        let rows = self.weights.chunks_exact(states.len()).zip(&self.bias);
        let mut logits: Vec<f32> = rows
            .map(|(row, bias)| row.iter().zip(states).map(|(a, b)| a * b).sum::<f32>() + bias)
            .collect();
        let total = log_sum_exp(&logits);
        logits.iter_mut().for_each(|logit| *logit -= total);
        logits
    }
}

/// Each value with its probability, best first: by the mean of the log-probabilities that heads over the
/// same values give it, each over states of its own.
pub(crate) fn ranked<V: Copy>(judges: &[(&Head<V>, &[f32])]) -> Vec<(V, f32)> {
    let Some(((first, states), others)) = judges.split_first() else { return Vec::new() };
    let mut shares = first.judge(states);
    for (head, states) in others {
        shares.iter_mut().zip(head.judge(states)).for_each(|(sum, share)| *sum += share);
    }
    if !others.is_empty() {
        let count = judges.len() as f32;
        shares.iter_mut().for_each(|sum| *sum /= count);
        let total = log_sum_exp(&shares);
        shares.iter_mut().for_each(|share| *share -= total);
    }
    let shares = shares.into_iter().map(f32::exp);
    let mut ranked: Vec<(V, f32)> = first.values.iter().copied().zip(shares).collect();
    ranked.sort_by(|left, right| right.1.total_cmp(&left.1));
    ranked
}

fn floats(view: &TensorView<'_>) -> Result<Vec<f32>, EngineError> {
    if view.dtype() != safetensors::Dtype::F32 {
        return Err(EngineError::Heads(format!("{:?} where 32-bit floats belong", view.dtype())));
    }
    let four = |bytes: &[u8]| f32::from_le_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]);
    Ok(view.data().chunks_exact(4).map(four).collect())
}
