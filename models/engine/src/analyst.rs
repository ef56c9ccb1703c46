use std::collections::BTreeSet;

use vedette_event::{
    LanguageModel, ModelError, ModelSay, Question, ScoredTechnique, Severity, TechniqueId,
    ThreatClass,
};

use crate::backend::Backend;
use crate::choice::Choice;
use crate::line::{capped, neutral};
use crate::search::{Branch, Search};
use crate::trie::Fork;
use crate::{Batch, EngineError, Llama, LoadOptions, ModelFile, Prompt, Tokenizer};

/// How many techniques are named.
const TECHNIQUES: usize = 5;

/// Branches of a line's technique tree read at once: a few rows cost little more than one.
const BRANCHES: usize = 6;

/// Positions kept for reading branches of technique trees, per line. Each pass reads at most
/// [`BRANCHES`] of a few tokens, and hardly ever more than ten passes are needed; a line that wants
/// more gets no techniques.
const SEARCH_POSITIONS: usize = 256;

/// Tokens after which a pass takes no further line. A pass of a few hundred is as fast by the token as
/// any longer one, and holds less memory.
const PASS_TOKENS: usize = 320;

/// A model with its prompt read: puts lines before it and reads off label scores.
///
/// One pass reads several lines with all cues and the forks of all answers; what stands before a line
/// was read once, when the analyst was made. Techniques are too many to read all: their tree is
/// searched in further, short passes.
pub struct Analyst {
    backend: Backend,
    tokenizer: Tokenizer,
    /// Positions of the fixed part.
    fixed: usize,
    line_tokens: usize,
    after: Vec<u32>,
    verdict: Choice<bool>,
    class: Choice<ThreatClass>,
    severity: Option<Choice<Severity>>,
    technique: Option<Choice<TechniqueId>>,
    bundle: String,
}

/// The rows of one line in a batch.
struct Asked {
    verdict: Vec<Fork>,
    class: Vec<Fork>,
    severity: Vec<Fork>,
    /// The row of the first fork of techniques.
    technique: Option<usize>,
}

/// Log-probabilities of the answers for one line.
struct Scores {
    verdict: Vec<f32>,
    class: Vec<f32>,
    severity: Vec<f32>,
    techniques: Vec<ScoredTechnique>,
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
        let mut backend = Backend::load(&mut file, options)?;
        let fixed = tokenizer.encode_start(&prompt.before);
        backend.read(&Batch::chain(&fixed), &[], &[])?;
        let answers = |answers: &[String], value: bool| {
            answers.iter().map(|text| (value, text.clone())).collect::<Vec<_>>()
        };
        let verdicts =
            [answers(&prompt.verdict.benign, false), answers(&prompt.verdict.malicious, true)];
        let mut analyst = Self {
            fixed: fixed.len(),
            line_tokens: prompt.line_tokens,
            after: tokenizer.encode_prompt(&prompt.after),
            verdict: Choice::new(&tokenizer, &prompt.verdict.cue, verdicts.concat())?,
            class: prompt.class.choice(&tokenizer)?,
            severity: prompt.severity.as_ref().map(|asked| asked.choice(&tokenizer)).transpose()?,
            technique: prompt
                .technique
                .as_ref()
                .map(|asked| asked.choice(&tokenizer))
                .transpose()?,
            bundle: format!("{}@{}", prompt.name, file.sha256().get(..8).unwrap_or_default()),
            backend,
            tokenizer,
        };
        analyst.learn_prejudice(&prompt.empty_lines)?;
        Ok(analyst)
    }

    /// Names the prompt and the weights.
    pub fn bundle(&self) -> &str {
        &self.bundle
    }

    /// The model that answers, where it does so on the processor.
    pub fn llama(&self) -> Option<&Llama> {
        match &self.backend {
            Backend::Packed { llama, .. } => Some(llama),
            Backend::Tensors { .. } => None,
        }
    }

    /// How it cuts text.
    pub fn tokenizer(&self) -> &Tokenizer {
        &self.tokenizer
    }

    /// The number of tokens read for a line, questions included.
    pub fn tokens_of(&self, line: &str) -> usize {
        let mut batch = Batch::default();
        self.place(&mut batch, &self.line(line));
        batch.len()
    }

    /// Judges one line.
    ///
    /// # Errors
    /// When the prompt leaves no room for a line.
    pub fn answer(&mut self, question: &Question) -> Result<ModelSay, EngineError> {
        let mut says = self.answer_all(std::slice::from_ref(question))?;
        says.pop().ok_or_else(|| EngineError::Prompt("it leaves no room for a line".into()))
    }

    /// Judges several lines, several in a pass. No line changes another's answer.
    ///
    /// # Errors
    /// When the prompt leaves no room for a line.
    pub fn answer_all(&mut self, questions: &[Question]) -> Result<Vec<ModelSay>, EngineError> {
        let scores = self.score(questions.iter().map(|question| question.text.as_str()))?;
        Ok(questions
            .iter()
            .zip(&scores)
            .map(|(question, scores)| self.say(question, scores))
            .collect())
    }

    fn say(&self, question: &Question, scores: &Scores) -> ModelSay {
        let malicious = self.verdict.decide(&scores.verdict).filter(|(malicious, _)| *malicious);
        let severities = self.severity.as_ref().map(|choice| choice.ranked(&scores.severity));
        ModelSay {
            id: question.id,
            malicious: malicious.map(|(_, probability)| probability).sum(),
            classes: self.class.ranked(&scores.class),
            severities: severities.unwrap_or_default(),
            techniques: scores.techniques.clone(),
            bundle: self.bundle.clone(),
        }
    }

    /// Scores all answers for each line.
    fn score<'a>(
        &mut self,
        lines: impl Iterator<Item = &'a str>,
    ) -> Result<Vec<Scores>, EngineError> {
        let room = self.backend.capacity() - self.fixed;
        let reserve = if self.technique.is_some() { SEARCH_POSITIONS } else { 0 };
        let (mut batch, mut asked, mut scores) = (Batch::default(), Vec::new(), Vec::new());
        for line in lines {
            let line = self.line(line);
            let mut longer = batch.clone();
            let one = self.place(&mut longer, &line);
            let most = room.saturating_sub((asked.len() + 1) * reserve).min(PASS_TOKENS);
            if !asked.is_empty() && longer.len() > most {
                scores.extend(self.pass(&std::mem::take(&mut batch), &std::mem::take(&mut asked))?);
                asked.push(self.place(&mut batch, &line));
            } else {
                (batch, _) = (longer, asked.push(one));
            }
        }
        if !asked.is_empty() {
            scores.extend(self.pass(&batch, &asked)?);
        }
        Ok(scores)
    }

    /// Reads lines and scores their answers.
    fn pass(&mut self, batch: &Batch, asked: &[Asked]) -> Result<Vec<Scores>, EngineError> {
        let scores = self.pass_and_search(batch, asked);
        self.backend.truncate(self.fixed);
        scores
    }

    fn pass_and_search(
        &mut self,
        batch: &Batch,
        asked: &[Asked],
    ) -> Result<Vec<Scores>, EngineError> {
        let mut rows: Vec<usize> = asked.iter().flat_map(Asked::rows).collect();
        rows.sort_unstable();
        rows.dedup();
        let spots = batch.spots(self.backend.length());
        let choices = self.choices();
        let logits = self.backend.read(batch, &rows, &choices)?;
        let at = |row: usize, token: u32| {
            let row = rows.binary_search(&row).ok();
            let column = choices.binary_search(&token).ok();
            row.zip(column).map_or(f32::NEG_INFINITY, |(row, column)| logits[row][column])
        };
        let logit = |fork: &Fork, token: u32| at(fork.row, token);
        let mut scores: Vec<Scores> = asked
            .iter()
            .map(|asked| Scores {
                verdict: self.verdict.trie.score(&asked.verdict, logit),
                class: self.class.trie.score(&asked.class, logit),
                severity: self
                    .severity
                    .as_ref()
                    .map(|choice| choice.trie.score(&asked.severity, logit))
                    .unwrap_or_default(),
                techniques: Vec::new(),
            })
            .collect();
        let technique = self.technique.as_ref();
        let new = |row| {
            Some(Search::new(&technique?.trie, TECHNIQUES, &spots[row], |token| at(row, token)))
        };
        let searches = asked.iter().filter_map(|asked| new(asked.technique?)).collect();
        let techniques = search(&mut self.backend, technique, searches)?;
        for (scores, techniques) in scores.iter_mut().zip(techniques) {
            scores.techniques = techniques;
        }
        Ok(scores)
    }

    /// Every token an answer is chosen by.
    fn choices(&self) -> Vec<u32> {
        let mut choices: BTreeSet<u32> = self.verdict.trie.choices();
        choices.extend(self.class.trie.choices());
        choices.extend(self.severity.iter().flat_map(|choice| choice.trie.choices()));
        choices.extend(self.technique.iter().flat_map(|choice| choice.trie.choices()));
        choices.into_iter().collect()
    }

    /// A line's tokens, its middle left out where it is too long.
    fn line(&self, line: &str) -> Vec<u32> {
        capped(self.tokenizer.encode_inner(&neutral(line)), self.line_tokens)
    }

    /// Appends all that one question reads: the line, then the cues side by side, each with its answers.
    fn place(&self, batch: &mut Batch, line: &[u32]) -> Asked {
        let end = batch.extend(None, line);
        let end = batch.extend(end, &self.after);
        Asked {
            verdict: self.verdict.place(batch, end),
            class: self.class.place(batch, end),
            severity: self
                .severity
                .as_ref()
                .map(|choice| choice.place(batch, end))
                .unwrap_or_default(),
            technique: self.technique.as_ref().and_then(|choice| {
                let cue = batch.extend(end, &choice.cue);
                batch.extend(cue, &choice.trie.first_fork().1)
            }),
        }
    }

    fn learn_prejudice(&mut self, lines: &[String]) -> Result<(), EngineError> {
        let technique = self.technique.take();
        let scores = self.score(lines.iter().map(String::as_str))?;
        let part = |part: fn(&Scores) -> &Vec<f32>| -> Vec<Vec<f32>> {
            scores.iter().map(|scores| part(scores).clone()).collect()
        };
        self.verdict.learn(&part(|scores| &scores.verdict));
        self.class.learn(&part(|scores| &scores.class));
        if let Some(severity) = &mut self.severity {
            severity.learn(&part(|scores| &scores.severity));
        }
        self.technique = technique;
        Ok(())
    }
}

/// Carries the searches of several lines on until all are over; the best techniques of each.
fn search(
    backend: &mut Backend,
    technique: Option<&Choice<TechniqueId>>,
    mut searches: Vec<Search<'_>>,
) -> Result<Vec<Vec<ScoredTechnique>>, EngineError> {
    let Some(technique) = technique else {
        return Ok(Vec::new());
    };
    let choices: Vec<u32> = technique.trie.choices().into_iter().collect();
    loop {
        let branches: Vec<(usize, Branch)> = searches
            .iter_mut()
            .enumerate()
            .flat_map(|(at, search)| search.next(BRANCHES).into_iter().map(move |b| (at, b)))
            .collect();
        let mut batch = Batch::default();
        let rows: Vec<usize> = branches
            .iter()
            .filter_map(|(_, branch)| batch.extend_behind(&branch.behind, &branch.tokens))
            .collect();
        let full = backend.length() + batch.len() > backend.capacity();
        if branches.is_empty() || full {
            break;
        }
        let spots = batch.spots(backend.length());
        let logits = backend.read(&batch, &rows, &choices)?;
        for (((at, branch), row), logits) in branches.iter().zip(rows).zip(&logits) {
            searches[*at].learn(branch, &spots[row], |token| {
                choices.binary_search(&token).map_or(f32::NEG_INFINITY, |at| logits[at])
            });
        }
    }
    let scored = |(label, score): (usize, f32)| ScoredTechnique {
        id: technique.values[label],
        score: score.exp(),
    };
    let found = searches.into_iter().map(|search| search.found().into_iter().map(scored).collect());
    Ok(found.collect())
}

impl Asked {
    /// Rows whose states are needed.
    fn rows(&self) -> impl Iterator<Item = usize> {
        let forks = self.verdict.iter().chain(&self.class).chain(&self.severity);
        forks.map(|fork| fork.row).chain(self.technique)
    }
}

impl LanguageModel for Analyst {
    fn ask(&mut self, questions: &[Question]) -> Result<Vec<ModelSay>, ModelError> {
        self.answer_all(questions).map_err(|why| ModelError::Failed(why.to_string()))
    }
}

#[cfg(test)]
mod tests;
