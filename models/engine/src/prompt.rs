use std::collections::BTreeMap;

use serde::Deserialize;
use vedette_event::{Severity, TechniqueId, ThreatClass};

use crate::choice::Choice;
use crate::{EngineError, Tokenizer};

/// The prompt of the base bundle.
const BASE: &str = include_str!("../../bundles/base/prompt.toml");

/// How a bundle asks its model. Control tokens are meant in everything but the log line.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Prompt {
    /// Names the prompt in `bundle` of every answer; changes with it.
    pub name: String,
    /// Most tokens of a line that are read; of a longer one the head and the tail.
    pub line_tokens: usize,
    /// What stands before the line: read once, its state kept.
    pub before: String,
    /// What stands between the line and each question.
    pub after: String,
    /// Lines that say nothing. What the model answers to them is its prejudice, which is divided out.
    pub empty_lines: Vec<String>,
    /// Whether the line is malicious.
    pub verdict: VerdictPrompt,
    /// Of which class it is.
    pub class: AnswersPrompt<ThreatClass>,
    /// How bad it is. Asked where the model was taught to answer.
    #[serde(default)]
    pub severity: Option<AnswersPrompt<Severity>>,
    /// Which ATT&CK techniques it shows. Likewise.
    #[serde(default)]
    pub technique: Option<AnswersPrompt<TechniqueId>>,
}

/// The question for the verdict.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct VerdictPrompt {
    /// The question's words, up to the answer.
    pub cue: String,
    /// Answers that mean benign.
    pub benign: Vec<String>,
    /// Answers that mean malicious.
    pub malicious: Vec<String>,
}

/// A question with an answer for each of several values. No answer may be the beginning of another:
/// where codes are, end them all with the same mark.
#[derive(Clone, Debug, Deserialize)]
#[serde(
    deny_unknown_fields,
    rename_all = "kebab-case",
    bound(deserialize = "V: Deserialize<'de> + Ord")
)]
pub struct AnswersPrompt<V> {
    /// The question's words, up to the answer.
    pub cue: String,
    /// The answer for each value.
    pub answers: BTreeMap<V, String>,
}

impl<V: Copy> AnswersPrompt<V> {
    pub(crate) fn choice(&self, tokenizer: &Tokenizer) -> Result<Choice<V>, EngineError> {
        let answers = self.answers.iter().map(|(value, text)| (*value, text.clone()));
        Choice::new(tokenizer, &self.cue, answers)
    }

    fn is_empty(&self) -> bool {
        self.cue.is_empty() || self.answers.len() < 2
    }
}

impl Prompt {
    /// The prompt of the base bundle.
    ///
    /// # Errors
    /// When the built-in file is unusable, which a test rules out.
    pub fn base() -> Result<Self, EngineError> {
        Self::parse(BASE)
    }

    /// Reads a prompt.
    ///
    /// # Errors
    /// When a part is missing, unknown or empty.
    pub fn parse(text: &str) -> Result<Self, EngineError> {
        let prompt: Self =
            toml::from_str(text).map_err(|why| EngineError::Prompt(why.to_string()))?;
        let verdict = &prompt.verdict;
        let empty = prompt.before.is_empty()
            || prompt.line_tokens < 2
            || verdict.cue.is_empty()
            || [&verdict.benign, &verdict.malicious].iter().any(|answers| answers.is_empty())
            || prompt.empty_lines.is_empty()
            || prompt.class.is_empty()
            || prompt.severity.as_ref().is_some_and(AnswersPrompt::is_empty)
            || prompt.technique.as_ref().is_some_and(AnswersPrompt::is_empty);
        match empty {
            true => Err(EngineError::Prompt("a part of it is empty".into())),
            false => Ok(prompt),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_base_prompt_asks_for_every_class() {
        let prompt = Prompt::base().unwrap();
        for class in ThreatClass::ALL {
            assert!(prompt.class.answers.contains_key(class), "{class}");
        }
    }

    #[test]
    fn a_prompt_with_an_unknown_key_is_refused() {
        let text = BASE.replacen("line-tokens", "line-token", 1);
        assert!(Prompt::parse(&text).unwrap_err().to_string().contains("line-token"));
    }
}
