use crate::trie::{Fork, Trie, log_sum_exp};
use crate::{Batch, EngineError, Tokenizer};

/// A question with its answers, and the model's prejudice for each.
pub(crate) struct Choice<V> {
    pub(crate) cue: Vec<u32>,
    pub(crate) trie: Trie,
    pub(crate) values: Vec<V>,
    /// Log-probability of each answer on lines that say nothing.
    prior: Vec<f32>,
}

impl<V: Copy> Choice<V> {
    /// The question `cue` with the text of each answer.
    pub(crate) fn new(
        tokenizer: &Tokenizer,
        cue: &str,
        answers: impl IntoIterator<Item = (V, String)>,
    ) -> Result<Self, EngineError> {
        let (values, texts): (Vec<V>, Vec<String>) = answers.into_iter().unzip();
        let labels: Vec<Vec<u32>> = texts.iter().map(|text| tokenizer.encode_inner(text)).collect();
        let prior = vec![0.0; values.len()];
        Ok(Self { cue: tokenizer.encode_prompt(cue), trie: Trie::new(&labels)?, values, prior })
    }

    /// Appends to the batch, behind `end`, all that must be read to score every answer.
    pub(crate) fn place(&self, batch: &mut Batch, end: Option<usize>) -> Vec<Fork> {
        let cue = batch.extend(end, &self.cue);
        cue.map(|row| self.trie.place(batch, row)).unwrap_or_default()
    }

    /// Learns from the scores on lines that say nothing.
    pub(crate) fn learn(&mut self, scores: &[Vec<f32>]) {
        let count = scores.len() as f32;
        let column = |at: usize| scores.iter().map(|line| line[at]).collect::<Vec<_>>();
        let mean = |at: usize| log_sum_exp(&column(at)) - count.ln();
        self.prior = (0..self.values.len()).map(mean).collect();
    }

    /// The probability of each answer with the prejudice divided out.
    pub(crate) fn decide(&self, scores: &[f32]) -> impl Iterator<Item = (V, f32)> {
        let fair: Vec<f32> =
            scores.iter().zip(&self.prior).map(|(score, prior)| score - prior).collect();
        let total = log_sum_exp(&fair);
        self.values.iter().copied().zip(fair.into_iter().map(move |score| (score - total).exp()))
    }

    /// The same, best first.
    pub(crate) fn ranked(&self, scores: &[f32]) -> Vec<(V, f32)> {
        let mut ranked: Vec<_> = self.decide(scores).collect();
        ranked.sort_by(|left, right| right.1.total_cmp(&left.1));
        ranked
    }
}
