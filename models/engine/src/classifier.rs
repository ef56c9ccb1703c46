//! Reading a line once and judging it by heads: linear layers over the model's last states, trained
//! together with the adapter that the model was tuned by.

use vedette_event::{LanguageModel, ModelError, ModelSay, Question, ScoredTechnique};

use crate::backend::Backend;
use crate::heads::{Head, ranked};
use crate::line::{capped, neutral};
use crate::tuning::apart;
use crate::{Batch, EngineError, Heads, LoadOptions, ModelFile, Tokenizer, Tuning};

/// Most tokens of a line that are read; of a longer one the head and the tail.
pub const CLASSIFIER_TOKENS: usize = 128;

/// What stands before every line: the token that opens a message, on which attention can rest.
const START: &str = "<|im_start|>";

/// How many techniques are named.
const TECHNIQUES: usize = 5;

/// Tokens after which a pass takes no further line: longer passes are no faster by the token, and their
/// keys, values and states take more memory.
const PASS_TOKENS: usize = 192;

/// What a text is read as: the token that opens a message, then the text's own.
pub fn classifier_tokens(tokenizer: &Tokenizer, text: &str) -> Vec<u32> {
    let mut tokens = tokenizer.encode_start(START);
    tokens.extend(capped(tokenizer.encode_inner(&neutral(text)), CLASSIFIER_TOKENS));
    tokens
}

/// A tuned model that reads a line once and judges it by its heads; of an ensemble, by the mean of the
/// log-probabilities that each question's heads give.
pub struct Classifier {
    backend: Backend,
    tokenizer: Tokenizer,
    /// Of each member.
    heads: Vec<Heads>,
    bundle: String,
}

impl Classifier {
    /// Loads the model with its change merged in, or with the changes of all members.
    ///
    /// # Errors
    /// When the file is damaged or of another kind, the tuning is of another base, or its members do not
    /// judge the same.
    pub fn new(
        mut file: ModelFile,
        tuning: Tuning,
        options: LoadOptions,
    ) -> Result<Self, EngineError> {
        let tokenizer = Tokenizer::read(&file)?;
        let bundle = format!("{}@{}", tuning.name, &file.sha256()[..8]);
        let mut options = LoadOptions { positions: PASS_TOKENS + CLASSIFIER_TOKENS + 8, ..options };
        let (changes, heads) = apart(tuning.members)?;
        match heads.len() {
            1 => options.adapters.extend(changes),
            _ => options.members = changes,
        }
        let backend = Backend::load(&mut file, &options)?;
        if !heads.iter().all(|heads| heads.fit(2 * backend.width())) {
            return Err(EngineError::Heads("they are of a model of another width".into()));
        }
        Ok(Self { backend, tokenizer, heads, bundle })
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

    /// The mean of each line's states, and behind it the last one; of each member.
    fn pass(&mut self, lines: &[Vec<u32>]) -> Result<Vec<Vec<Vec<f32>>>, EngineError> {
        let mut batch = Batch::default();
        for line in lines {
            batch.extend(None, line);
        }
        let width = self.backend.width();
        let rows = self.backend.states(&batch)?;
        self.backend.truncate(0);
        let mut rows = rows.chunks_exact(width);
        let mut pooled = vec![Vec::with_capacity(self.heads.len()); lines.len()];
        for _ in &self.heads {
            for (line, pooled) in lines.iter().zip(&mut pooled) {
                pooled.push(pool(rows.by_ref().take(line.len()), (line.len(), width)));
            }
        }
        Ok(pooled)
    }

    fn say(&self, question: &Question, states: &[Vec<f32>]) -> ModelSay {
        let malicious = self.ranked(states, |heads| &heads.malicious);
        let malicious = malicious.into_iter().find(|(value, _)| *value);
        let techniques = self.ranked(states, |heads| &heads.technique).into_iter();
        let techniques = techniques.take(TECHNIQUES);
        ModelSay {
            id: question.id,
            malicious: malicious.map_or(0.5, |(_, probability)| probability),
            classes: self.ranked(states, |heads| &heads.class),
            severities: self.ranked(states, |heads| &heads.severity),
            techniques: techniques.map(|(id, score)| ScoredTechnique { id, score }).collect(),
            bundle: self.bundle.clone(),
        }
    }

    /// What the members' heads for one question make of their states.
    fn ranked<V: Copy>(
        &self,
        states: &[Vec<f32>],
        head: impl Fn(&Heads) -> &Head<V>,
    ) -> Vec<(V, f32)> {
        let judges = self.heads.iter().map(head).zip(states.iter().map(Vec::as_slice));
        ranked(&judges.collect::<Vec<_>>())
    }
}

/// The mean of some states, and behind it the last one.
fn pool<'a>(rows: impl Iterator<Item = &'a [f32]>, (count, width): (usize, usize)) -> Vec<f32> {
    let mut states = vec![0.0; 2 * width];
    let (mean, last) = states.split_at_mut(width);
    let share = 1.0 / count as f32;
    for row in rows {
        mean.iter_mut().zip(row).for_each(|(mean, value)| *mean += value * share);
        last.copy_from_slice(row);
    }
    states
}

impl LanguageModel for Classifier {
    fn ask(&mut self, questions: &[Question]) -> Result<Vec<ModelSay>, ModelError> {
        self.answer_all(questions).map_err(|why| ModelError::Failed(why.to_string()))
    }
}

#[cfg(test)]
mod tests;
