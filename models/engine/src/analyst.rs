use std::collections::BTreeSet;

use vedette_event::{LanguageModel, ModelError, ModelSay, Question, ThreatClass};

use crate::line::{capped, neutral};
use crate::trie::{Fork, Trie, log_sum_exp};
use crate::{Batch, EngineError, KvCache, Llama, LoadOptions, ModelFile, Prompt, Tokenizer};

/// A model with its prompt read: puts one line at a time before it and reads off label scores.
///
/// One question is one forward pass over the line, both cues and the forks of all answers; what
/// stands before the line was read once, when the analyst was made.
pub struct Analyst {
    llama: Llama,
    tokenizer: Tokenizer,
    cache: KvCache,
    /// Positions of the fixed part.
    fixed: usize,
    line_tokens: usize,
    after: Vec<u32>,
    verdict: Choice<bool>,
    class: Choice<ThreatClass>,
    bundle: String,
}

/// A question with its answers, and the model's prejudice for each.
struct Choice<V> {
    cue: Vec<u32>,
    trie: Trie,
    values: Vec<V>,
    /// Log-probability of each answer on lines that say nothing.
    prior: Vec<f32>,
}

impl Analyst {
    /// Loads the model and reads the fixed part of the prompt.
    ///
    /// # Errors
    /// When the file is damaged or of another kind, or the prompt does not fit it.
    pub fn new(
        mut file: ModelFile,
        prompt: &Prompt,
        options: &LoadOptions,
    ) -> Result<Self, EngineError> {
        let tokenizer = Tokenizer::read(&file)?;
        let llama = Llama::load(&mut file, options)?;
        let mut cache = llama.cache();
        let fixed = tokenizer.encode_prompt(&prompt.before);
        llama.read(&mut cache, &Batch::chain(&fixed), &[])?;
        let answers = |answers: &[String], value: bool| {
            answers.iter().map(|text| (value, text.clone())).collect::<Vec<_>>()
        };
        let verdicts =
            [answers(&prompt.verdict.benign, false), answers(&prompt.verdict.malicious, true)];
        let classes = prompt.class.answers.iter().map(|(class, text)| (*class, text.clone()));
        let mut analyst = Self {
            fixed: fixed.len(),
            line_tokens: prompt.line_tokens,
            after: tokenizer.encode_prompt(&prompt.after),
            verdict: Choice::new(&tokenizer, &prompt.verdict.cue, verdicts.concat())?,
            class: Choice::new(&tokenizer, &prompt.class.cue, classes.collect())?,
            bundle: format!("{}@{}", prompt.name, file.sha256().get(..8).unwrap_or_default()),
            llama,
            tokenizer,
            cache,
        };
        analyst.learn_prejudice(&prompt.empty_lines)?;
        Ok(analyst)
    }

    /// Names the prompt and the weights.
    pub fn bundle(&self) -> &str {
        &self.bundle
    }

    /// The number of tokens read for a line, questions included.
    pub fn tokens_of(&self, line: &str) -> usize {
        self.batch(line).0.len()
    }

    /// Judges one line.
    ///
    /// # Errors
    /// When the arithmetic fails.
    pub fn answer(&mut self, question: &Question) -> Result<ModelSay, EngineError> {
        let (verdict, class) = self.score(&question.text)?;
        let malicious =
            self.verdict.decide(&verdict).filter(|(malicious, _)| *malicious).map(|(_, p)| p).sum();
        let mut classes: Vec<_> = self.class.decide(&class).collect();
        classes.sort_by(|left, right| right.1.total_cmp(&left.1));
        Ok(ModelSay { id: question.id, malicious, classes, bundle: self.bundle.clone() })
    }

    /// Log-probabilities of all answers to both questions.
    fn score(&mut self, line: &str) -> Result<(Vec<f32>, Vec<f32>), EngineError> {
        let (batch, verdict, class) = self.batch(line);
        let rows: Vec<usize> = verdict.iter().chain(&class).map(|fork| fork.row).collect();
        let states = self.llama.read(&mut self.cache, &batch, &rows);
        self.cache.truncate(self.fixed);
        let choices: BTreeSet<u32> =
            self.verdict.trie.choices().union(&self.class.trie.choices()).copied().collect();
        let choices: Vec<u32> = choices.into_iter().collect();
        let logits = self.llama.logits_of(&states?, &choices)?;
        let logit = |fork: &Fork, token: u32| {
            let row = rows.iter().position(|row| *row == fork.row);
            let column = choices.binary_search(&token).ok();
            row.zip(column).map_or(f32::NEG_INFINITY, |(row, column)| logits[row][column])
        };
        Ok((self.verdict.trie.score(&verdict, logit), self.class.trie.score(&class, logit)))
    }

    /// All that one question reads: the line, then both cues side by side, each with its answers.
    fn batch(&self, line: &str) -> (Batch, Vec<Fork>, Vec<Fork>) {
        let line = capped(self.tokenizer.encode(&neutral(line)), self.line_tokens);
        let mut batch = Batch::default();
        let end = batch.extend(None, &line);
        let end = batch.extend(end, &self.after);
        let verdict = self.verdict.place(&mut batch, end);
        let class = self.class.place(&mut batch, end);
        (batch, verdict, class)
    }

    fn learn_prejudice(&mut self, lines: &[String]) -> Result<(), EngineError> {
        let scores = lines.iter().map(|line| self.score(line)).collect::<Result<Vec<_>, _>>()?;
        let (verdicts, classes): (Vec<_>, Vec<_>) = scores.into_iter().unzip();
        self.verdict.prior = mean(&verdicts);
        self.class.prior = mean(&classes);
        Ok(())
    }
}

impl LanguageModel for Analyst {
    fn ask(&mut self, questions: &[Question]) -> Result<Vec<ModelSay>, ModelError> {
        let answers = questions.iter().map(|question| self.answer(question));
        let answers: Result<Vec<_>, _> = answers.collect();
        answers.map_err(|why| ModelError::Failed(why.to_string()))
    }
}

impl<V: Copy> Choice<V> {
    fn new(
        tokenizer: &Tokenizer,
        cue: &str,
        answers: Vec<(V, String)>,
    ) -> Result<Self, EngineError> {
        let (values, texts): (Vec<V>, Vec<String>) = answers.into_iter().unzip();
        let labels: Vec<Vec<u32>> = texts.iter().map(|text| tokenizer.encode(text)).collect();
        let prior = vec![0.0; values.len()];
        Ok(Self { cue: tokenizer.encode_prompt(cue), trie: Trie::new(&labels)?, values, prior })
    }

    fn place(&self, batch: &mut Batch, end: Option<usize>) -> Vec<Fork> {
        let cue = batch.extend(end, &self.cue);
        cue.map(|row| self.trie.place(batch, row)).unwrap_or_default()
    }

    /// The probability of each answer with the prejudice divided out.
    fn decide(&self, scores: &[f32]) -> impl Iterator<Item = (V, f32)> {
        let fair: Vec<f32> =
            scores.iter().zip(&self.prior).map(|(score, prior)| score - prior).collect();
        let total = log_sum_exp(&fair);
        self.values.iter().copied().zip(fair.into_iter().map(move |score| (score - total).exp()))
    }
}

/// The logarithm of the mean probability of each answer.
fn mean(scores: &[Vec<f32>]) -> Vec<f32> {
    let count = scores.len() as f32;
    let answers = scores.first().map_or(0, Vec::len);
    let column = |at: usize| scores.iter().map(|line| line[at]).collect::<Vec<_>>();
    (0..answers).map(|at| log_sum_exp(&column(at)) - count.ln()).collect()
}
