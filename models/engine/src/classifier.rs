//! Reading a line once and judging it by heads: linear layers over the model's last states, trained
//! together with the adapter that the model was tuned by.

use std::path::Path;

use safetensors::{SafeTensors, tensor::TensorView};
use vedette_event::{
    LanguageModel, ModelError, ModelSay, Question, ScoredTechnique, Severity, TechniqueId,
    ThreatClass,
};

use crate::backend::Backend;
use crate::gguf::bytes;
use crate::line::{capped, neutral};
use crate::trie::log_sum_exp;
use crate::{Adapter, Batch, EngineError, LoadOptions, ModelFile, Tokenizer};

/// Most tokens of a line that are read; of a longer one the head and the tail.
pub const CLASSIFIER_TOKENS: usize = 128;

/// What stands before every line: the token that opens a message, on which attention can rest.
const START: &str = "<|im_start|>";

/// How many techniques are named.
const TECHNIQUES: usize = 5;

/// Tokens after which a pass takes no further line: longer passes are no faster by the token, and their
/// keys, values and states take more memory.
const PASS_TOKENS: usize = 192;

/// Largest file of heads: every technique for a model of a few thousand wide.
const MAX_HEADS_BYTES: u64 = 32 << 20;

/// What a text is read as: the token that opens a message, then the text's own.
pub fn classifier_tokens(tokenizer: &Tokenizer, text: &str) -> Vec<u32> {
    let mut tokens = tokenizer.encode_start(START);
    tokens.extend(capped(tokenizer.encode_inner(&neutral(text)), CLASSIFIER_TOKENS));
    tokens
}

/// A linear layer over states, with what its rows stand for.
struct Head<V> {
    values: Vec<V>,
    /// A row of weights to each value.
    weights: Vec<f32>,
    bias: Vec<f32>,
}

/// The layers that judge a line, over the mean of its states and the last one.
pub struct Heads {
    malicious: Head<bool>,
    class: Head<ThreatClass>,
    severity: Head<Severity>,
    technique: Head<TechniqueId>,
}

impl Heads {
    /// The file's name in a bundle and beside an adapter.
    pub const FILE: &str = "heads.safetensors";

    /// Reads heads from a file, after comparing its SHA-256 (hex) where that is given.
    ///
    /// # Errors
    /// When it cannot be read, is another one or is damaged.
    pub fn read(path: &Path, expected: Option<&str>) -> Result<Self, EngineError> {
        Self::parse(&bytes(path, expected, MAX_HEADS_BYTES)?)
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
        let names = metadata.metadata().clone().unwrap_or_default();
        let tensors = SafeTensors::deserialize(bytes).map_err(damaged)?;
        let list = |name: &str| {
            let list = names.get(name);
            list.ok_or_else(|| EngineError::Heads(format!("nothing names the {name}")))
        };
        Ok(Self {
            malicious: Head::new(&tensors, "malicious", vec![false, true])?,
            class: Head::new(&tensors, "class", parsed(list("classes")?)?)?,
            severity: Head::new(&tensors, "severity", parsed(list("severities")?)?)?,
            technique: Head::new(&tensors, "technique", parsed(list("techniques")?)?)?,
        })
    }

    /// Whether every head reads states of this many values.
    fn fit(&self, width: usize) -> bool {
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

    /// Each value with its probability, best first.
    fn ranked(&self, states: &[f32]) -> Vec<(V, f32)> {
        let rows = self.weights.chunks_exact(states.len()).zip(&self.bias);
        let logits: Vec<f32> = rows
            .map(|(row, bias)| row.iter().zip(states).map(|(a, b)| a * b).sum::<f32>() + bias)
            .collect();
        let total = log_sum_exp(&logits);
        let shares = logits.into_iter().map(|logit| (logit - total).exp());
        let mut ranked: Vec<(V, f32)> = self.values.iter().copied().zip(shares).collect();
        ranked.sort_by(|left, right| right.1.total_cmp(&left.1));
        ranked
    }
}

fn floats(view: &TensorView<'_>) -> Result<Vec<f32>, EngineError> {
    if view.dtype() != safetensors::Dtype::F32 {
        return Err(EngineError::Heads(format!("{:?} where 32-bit floats belong", view.dtype())));
    }
    let four = |bytes: &[u8]| f32::from_le_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]);
    Ok(view.data().chunks_exact(4).map(four).collect())
}

/// What was trained for one base: the change of its matrices and the heads.
pub struct Tuning {
    /// The change; none where the model's file has it already.
    pub adapter: Option<Adapter>,
    /// The heads.
    pub heads: Heads,
    /// Its name, for the `bundle` of an answer.
    pub name: String,
}

impl Tuning {
    /// What ships with the program for a base, by the base's SHA-256 (hex).
    ///
    /// # Errors
    /// When the shipped files are damaged, which a test rules out.
    pub fn shipped(base_sha256: &str) -> Result<Option<Self>, EngineError> {
        const BASE: &str = include_str!("../../bundles/tuned/base.sha256");
        const CONFIG: &[u8] = include_bytes!("../../bundles/tuned/adapter_config.json");
        const WEIGHTS: &[u8] = include_bytes!("../../bundles/tuned/adapter_model.safetensors");
        const HEADS: &[u8] = include_bytes!("../../bundles/tuned/heads.safetensors");
        if !base_sha256.eq_ignore_ascii_case(BASE.trim()) {
            return Ok(None);
        }
        let adapter = Some(Adapter::parse(CONFIG, WEIGHTS)?);
        Ok(Some(Self { adapter, heads: Heads::parse(HEADS)?, name: "tuned-1".to_owned() }))
    }

    /// The heads beside a model's file, where it was built with some, held to their SHA-256 (hex)
    /// where it is given.
    ///
    /// # Errors
    /// When they are there and others or damaged, or should be there and are not.
    pub fn beside(model: &Path, expected: Option<&str>) -> Result<Option<Self>, EngineError> {
        let path = model.with_file_name(Heads::FILE);
        if expected.is_none() && !path.exists() {
            return Ok(None);
        }
        let folder = model.parent().and_then(Path::file_name).unwrap_or_default();
        let name = folder.to_string_lossy().into_owned();
        Ok(Some(Self { adapter: None, heads: Heads::read(&path, expected)?, name }))
    }
}

/// A tuned model that reads a line once and judges it by its heads.
pub struct Classifier {
    backend: Backend,
    tokenizer: Tokenizer,
    heads: Heads,
    bundle: String,
}

impl Classifier {
    /// Loads the model with its change merged in.
    ///
    /// # Errors
    /// When the file is damaged or of another kind, or the tuning is of another base.
    pub fn new(
        mut file: ModelFile,
        tuning: Tuning,
        options: LoadOptions,
    ) -> Result<Self, EngineError> {
        let tokenizer = Tokenizer::read(&file)?;
        let bundle = format!("{}@{}", tuning.name, &file.sha256()[..8]);
        let mut options = LoadOptions { positions: PASS_TOKENS + CLASSIFIER_TOKENS + 8, ..options };
        options.adapters.extend(tuning.adapter);
        let backend = Backend::load(&mut file, &options)?;
        if !tuning.heads.fit(2 * backend.width()) {
            return Err(EngineError::Heads("they are of a model of another width".into()));
        }
        Ok(Self { backend, tokenizer, heads: tuning.heads, bundle })
    }

    /// Names the tuning and the base.
    pub fn bundle(&self) -> &str {
        &self.bundle
    }

    /// The number of tokens read for a line.
    pub fn tokens_of(&self, line: &str) -> usize {
        classifier_tokens(&self.tokenizer, line).len()
    }

    /// Judges lines, several in a pass. No line changes another's answer.
    ///
    /// # Errors
    /// When the arithmetic of a graphics processor fails.
    pub fn answer_all(&mut self, questions: &[Question]) -> Result<Vec<ModelSay>, EngineError> {
        let read = |question: &Question| classifier_tokens(&self.tokenizer, &question.text);
        let lines: Vec<Vec<u32>> = questions.iter().map(read).collect();
        let mut says = Vec::with_capacity(questions.len());
        let mut rest = lines.as_slice();
        while !rest.is_empty() {
            let mut length = 0;
            let fits = |line: &&Vec<u32>| {
                length += line.len();
                length <= PASS_TOKENS
            };
            let together = rest.iter().take_while(fits).count().max(1);
            for states in self.pass(&rest[..together])? {
                says.push(self.say(&questions[says.len()], &states));
            }
            rest = &rest[together..];
        }
        Ok(says)
    }

    /// The mean of each line's states, and behind it the last one.
    fn pass(&mut self, lines: &[Vec<u32>]) -> Result<Vec<Vec<f32>>, EngineError> {
        let mut batch = Batch::default();
        for line in lines {
            batch.extend(None, line);
        }
        let width = self.backend.width();
        let rows = self.backend.states(&batch)?;
        self.backend.truncate(0);
        let mut rows = rows.chunks_exact(width);
        let pooled = lines.iter().map(|line| {
            let mut states = vec![0.0; 2 * width];
            let (mean, last) = states.split_at_mut(width);
            for row in rows.by_ref().take(line.len()) {
                let share = 1.0 / line.len() as f32;
                mean.iter_mut().zip(row).for_each(|(mean, value)| *mean += value * share);
                last.copy_from_slice(row);
            }
            states
        });
        Ok(pooled.collect())
    }

    fn say(&self, question: &Question, states: &[f32]) -> ModelSay {
        let malicious = self.heads.malicious.ranked(states).into_iter().find(|(value, _)| *value);
        let techniques = self.heads.technique.ranked(states).into_iter().take(TECHNIQUES);
        ModelSay {
            id: question.id,
            malicious: malicious.map_or(0.5, |(_, probability)| probability),
            classes: self.heads.class.ranked(states),
            severities: self.heads.severity.ranked(states),
            techniques: techniques.map(|(id, score)| ScoredTechnique { id, score }).collect(),
            bundle: self.bundle.clone(),
        }
    }
}

impl LanguageModel for Classifier {
    fn ask(&mut self, questions: &[Question]) -> Result<Vec<ModelSay>, ModelError> {
        self.answer_all(questions).map_err(|why| ModelError::Failed(why.to_string()))
    }
}

#[cfg(test)]
mod tests;
