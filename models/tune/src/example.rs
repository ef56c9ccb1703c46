use std::collections::{BTreeMap, BTreeSet};
use std::io::BufRead;

use anyhow::{Context, Result};
use serde::Deserialize;
use vedette_engine::{Tokenizer, classifier_tokens};
use vedette_event::{Severity, TechniqueId, ThreatClass};

use crate::{Recipe, chance::Chance};

/// A technique with fewer examples gets no row in its head: it could only be learnt by heart.
const FEWEST: usize = 3;

/// How much further from the pace of tokens a line may stand than its length says, so that batches
/// differ from epoch to epoch.
const SPREAD: usize = 8;

/// Tokens of a text about a rule that are read: they begin with what matters.
const TEXT_TOKENS: usize = 48;

/// A text with what is true of it, as `vedette-train examples` writes them.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Example {
    text: String,
    kind: String,
    group: String,
    template: String,
    dev: bool,
    malicious: Option<bool>,
    strong: bool,
    class: Option<ThreatClass>,
    severity: Option<Severity>,
    techniques: Vec<TechniqueId>,
    #[serde(skip)]
    pub(crate) tokens: Vec<u32>,
}

/// What a head is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Question {
    Malicious,
    Class,
    Severity,
    Technique,
}

impl Question {
    pub(crate) const ALL: [Self; 4] =
        [Self::Malicious, Self::Class, Self::Severity, Self::Technique];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Malicious => "malicious",
            Self::Class => "class",
            Self::Severity => "severity",
            Self::Technique => "technique",
        }
    }

    /// Its part of the loss: a technique and a severity are told by few lines, and not surely.
    pub(crate) fn share(self) -> f64 {
        match self {
            Self::Malicious | Self::Class => 1.0,
            Self::Severity => 0.5,
            Self::Technique => 0.7,
        }
    }
}

/// Examples to learn from and others that share nothing with them, and what is asked of both.
pub struct Lesson {
    pub(crate) learnt: Vec<Example>,
    pub(crate) held: Vec<Example>,
    pub(crate) techniques: Vec<TechniqueId>,
    /// By which harmless and malicious examples are multiplied, so that both count the same.
    sides: [f32; 2],
}

impl Lesson {
    /// Reads examples, one JSON object a line, and holds back log lines of the dev split; what shares
    /// a group or a template with one of these is not learnt from.
    ///
    /// # Errors
    /// When a line is no example; the text says which, and why.
    pub fn read(input: impl BufRead, tokenizer: &Tokenizer, recipe: &Recipe) -> Result<Self> {
        let mut all = Vec::new();
        for (at, line) in input.lines().enumerate() {
            let line = line.context("the examples cannot be read")?;
            let read = serde_json::from_str(&line);
            let mut example: Example =
                read.with_context(|| format!("line {} of the examples is none", at + 1))?;
            example.tokens = classifier_tokens(tokenizer, &example.text);
            let most = if example.is_prose() { TEXT_TOKENS } else { recipe.length };
            example.tokens.truncate(most);
            all.push(example);
        }
        Self::new(all, recipe)
    }

    fn new(all: Vec<Example>, recipe: &Recipe) -> Result<Self> {
        let held: Vec<Example> =
            all.iter().filter(|one| one.dev && one.kind == "log lines").cloned().collect();
        let known =
            |key: fn(&Example) -> &str| -> BTreeSet<&str> { held.iter().map(key).collect() };
        let (groups, templates) = (known(|one| &one.group), known(|one| &one.template));
        let learnt: Vec<Example> = all
            .iter()
            .filter(|one| !one.dev && one.tokens.len() > 1)
            .filter(|one| !groups.contains(&*one.group) && !templates.contains(&*one.template))
            .cloned()
            .collect();
        anyhow::ensure!(!learnt.is_empty(), "there is no example to learn from");
        let mut counts: BTreeMap<TechniqueId, usize> = BTreeMap::new();
        for technique in learnt.iter().flat_map(|one| &one.techniques) {
            *counts.entry(*technique).or_default() += 1;
        }
        counts.retain(|_, count| *count >= FEWEST);
        anyhow::ensure!(
            counts.len() > 1,
            "the examples name fewer than two techniques {FEWEST} times"
        );
        let mut totals = [1e-9f32; 2];
        for one in &learnt {
            if let Some(side) = one.malicious {
                totals[usize::from(side)] += one.trust(recipe);
            }
        }
        let mean = (totals[0] + totals[1]) / 2.0;
        let techniques = counts.into_keys().collect();
        Ok(Self { learnt, held, techniques, sides: totals.map(|total| mean / total) })
    }

    /// Rows of a question's head.
    pub(crate) fn rows(&self, question: Question) -> usize {
        match question {
            Question::Malicious => 2,
            Question::Class => ThreatClass::ALL.len(),
            Question::Severity => Severity::ALL.len(),
            Question::Technique => self.techniques.len(),
        }
    }

    /// The rows that are right for an example; empty where nobody says.
    pub(crate) fn right(&self, example: &Example, question: Question) -> Vec<usize> {
        let place = |technique| self.techniques.binary_search(technique).ok();
        match question {
            Question::Malicious => example.malicious.map(usize::from).into_iter().collect(),
            Question::Class => ThreatClass::ALL
                .iter()
                .position(|one| Some(*one) == example.class)
                .into_iter()
                .collect(),
            Question::Severity => Severity::ALL
                .iter()
                .position(|one| Some(*one) == example.severity)
                .into_iter()
                .collect(),
            Question::Technique => example.techniques.iter().filter_map(place).collect(),
        }
    }

    /// How far an example's answer to a question counts.
    pub(crate) fn weight(&self, example: &Example, question: Question, recipe: &Recipe) -> f32 {
        /// Every author of rules grades by a scale of his own.
        const PROSE_SEVERITY: f32 = 0.3;
        let trust = example.trust(recipe);
        match question {
            Question::Malicious => {
                trust * example.malicious.map_or(0.0, |side| self.sides[usize::from(side)])
            }
            Question::Severity if example.is_prose() => trust * PROSE_SEVERITY,
            Question::Class | Question::Severity => trust,
            Question::Technique => 1.0,
        }
    }

    /// The examples of an epoch in batches of like length, as many as the recipe's tokens hold.
    pub(crate) fn epoch(&self, recipe: &Recipe, epoch: usize) -> Vec<Vec<usize>> {
        let mut chance = Chance::new(recipe.seed, 100 + epoch as u64);
        let mut rows: Vec<usize> = Vec::new();
        for (of, most, times) in [
            (Kind::Log, 0, recipe.real),
            (Kind::Synthetic, recipe.synthetic_rows, 1),
            (Kind::Prose, recipe.prose_rows, 1),
        ] {
            let mut some: Vec<usize> =
                (0..self.learnt.len()).filter(|at| self.learnt[*at].of() == of).collect();
            chance.shuffle(&mut some);
            some.truncate(if most == 0 { usize::MAX } else { most });
            rows.extend(some.iter().copied().cycle().take(some.len() * times));
        }
        chance.shuffle(&mut rows);
        let mut rows: Vec<(usize, usize)> = rows
            .into_iter()
            .map(|at| (self.learnt[at].tokens.len() + chance.below(SPREAD), at))
            .collect();
        rows.sort_by_key(|(length, _)| *length);
        let rows = rows.into_iter().map(|(_, at)| at);
        let mut batches = batches(&self.learnt, rows, recipe.batch);
        chance.shuffle(&mut batches);
        batches
    }
}

/// Places in a list of examples, cut where a batch's tokens, padding and all, would pass `tokens`.
pub(crate) fn batches(
    examples: &[Example],
    rows: impl Iterator<Item = usize>,
    tokens: usize,
) -> Vec<Vec<usize>> {
    let (mut batches, mut batch, mut longest) = (Vec::new(), Vec::new(), 0);
    for row in rows {
        let length = examples[row].tokens.len();
        longest = longest.max(length);
        if !batch.is_empty() && longest * (batch.len() + 1) > tokens {
            batches.push(std::mem::take(&mut batch));
            longest = length;
        }
        batch.push(row);
    }
    batches.extend((!batch.is_empty()).then_some(batch));
    batches
}

#[derive(PartialEq, Eq)]
enum Kind {
    Log,
    Synthetic,
    Prose,
}

impl Example {
    fn of(&self) -> Kind {
        match self.kind.as_str() {
            "log lines" => Kind::Log,
            kind if kind.starts_with("texts") => Kind::Prose,
            _ => Kind::Synthetic,
        }
    }

    fn is_prose(&self) -> bool {
        self.of() == Kind::Prose
    }

    /// Whether the source says of this very line whether it is malicious.
    pub(crate) fn is_strong(&self) -> bool {
        self.strong && self.malicious.is_some()
    }

    fn trust(&self, recipe: &Recipe) -> f32 {
        match self.of() {
            Kind::Prose => recipe.prose,
            Kind::Synthetic => recipe.synthetic,
            Kind::Log if self.strong || self.malicious.is_none() => 1.0,
            Kind::Log => recipe.weak,
        }
    }
}
