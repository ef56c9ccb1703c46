use std::fmt;

use serde::{Deserialize, Serialize};

use crate::{ScoredTechnique, Severity, ThreatClass};

/// What the linear screen says of a line, in microseconds.
#[derive(Clone, Debug, PartialEq)]
pub struct ScreenSay {
    /// Calibrated P(malicious) under a class prior of 0.5.
    pub malicious: f32,
    /// Classes and their probabilities, best first; at least one.
    pub classes: Vec<(ThreatClass, f32)>,
    /// Techniques, best first.
    pub techniques: Vec<ScoredTechnique>,
    /// Severities and their probabilities, best first; at least one.
    pub severities: Vec<(Severity, f32)>,
    /// Share of the line's features never seen in training, 0 to 1.
    pub novelty: f32,
}

/// A fast local classifier that sees every line.
pub trait Screen: Send + Sync {
    /// Judges the text of one line.
    fn assess(&self, text: &str) -> ScreenSay;

    /// Names the weights, for the `bundle` of a verdict.
    fn bundle(&self) -> &str;
}

/// Names a question between triage and whoever answers it: a hash of exactly what the model sees.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct QuestionId(pub u64);

/// A line put before the language model. `text` is all it sees, and all that the id hashes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Question {
    /// Hash of `text`.
    pub id: QuestionId,
    /// Log text, data only.
    pub text: String,
}

/// What the language model says, read off label scores.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ModelSay {
    /// The question answered.
    pub id: QuestionId,
    /// P(malicious) as scored, not calibrated.
    pub malicious: f32,
    /// Classes and their probabilities, best first.
    pub classes: Vec<(ThreatClass, f32)>,
    /// Severities and their probabilities, best first; empty where the bundle does not ask.
    #[serde(default)]
    pub severities: Vec<(Severity, f32)>,
    /// The best techniques and their probabilities; empty where the bundle does not ask.
    #[serde(default)]
    pub techniques: Vec<ScoredTechnique>,
    /// The bundle that answered.
    pub bundle: String,
}

/// Why the language model gave no answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ModelError {
    /// No bundle is there; the text says what to do.
    Missing(String),
    /// The bundle or the worker is broken; the text says how.
    Failed(String),
}

impl fmt::Display for ModelError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Missing(why) => write!(f, "no language model: {why}"),
            Self::Failed(why) => write!(f, "the language model failed: {why}"),
        }
    }
}

impl std::error::Error for ModelError {}

/// A language model, wherever it runs.
pub trait LanguageModel: Send {
    /// Answers each question, in order.
    ///
    /// # Errors
    /// When no answer can be had at all; the questions may be asked again.
    fn ask(&mut self, questions: &[Question]) -> Result<Vec<ModelSay>, ModelError>;
}

/// A sentence model, wherever it runs: texts to vectors whose products say how alike they are.
pub trait Embedder: Send + Sync {
    /// A vector of length one for each text, in order; nothing where nobody answers in time.
    fn embed(&self, texts: &[&str]) -> Option<Vec<Vec<f32>>>;
}
