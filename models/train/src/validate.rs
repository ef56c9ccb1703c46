//! Measuring on what training did not see: by held-out groups, by held-out sources.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use anyhow::Result;
use vedette_triage::screen::{Column, Weights};

use crate::assemble::assemble;
use crate::dataset::{Kind, Row, SOURCES, Split};
use crate::heads::{Labels, Question};
use crate::judge::{Baselines, Figures, Linear, Scores, Tally, probability};
use crate::recipe::Recipe;

/// Parts into which the groups of the training split are dealt.
const FOLDS: u64 = 5;

/// The judge as trained, before its weights are quantised and thinned: what the file loses is the
/// difference.
pub const UNQUANTISED: &str = "screen before quantising";

/// Judges trained side by side: memory for a technique head each, and the machines have few cores.
const WORKERS: usize = 2;

/// The same lines judged by ours, naive Bayes and the majority class.
#[derive(Clone, Debug, Default)]
pub struct Contest {
    /// Name and tally of each judge.
    pub judges: BTreeMap<&'static str, Tally>,
}

impl Contest {
    /// Trains on one set of rows, judges another.
    ///
    /// # Errors
    /// When the weights would pass a cap of their format.
    pub fn hold(train: &[&Row], test: &[&Row], recipe: &Recipe) -> Result<Self> {
        let linear = Linear::train(train, recipe);
        let file = assemble(&linear)?;
        let mut contest = Self::default();
        let labels = &linear.labels;
        for row in test {
            contest.judged("screen", row, labels, &file_scores(&file, row));
            contest.judged(UNQUANTISED, row, labels, &linear.scores(row));
        }
        if recipe.without_baselines {
            return Ok(contest);
        }
        let baselines = Baselines::train(train, labels, recipe);
        let majority = baselines.majority();
        for row in test {
            contest.judged("naive Bayes", row, labels, &baselines.bayes(row));
            contest.judged("majority", row, labels, &majority);
        }
        Ok(contest)
    }

    /// Adds what a judge said of a line: its scores and its P(malicious).
    pub fn add(
        &mut self,
        judge: &'static str,
        row: &Row,
        labels: &Labels,
        (scores, malicious): (&Scores, f32),
    ) {
        self.judges.entry(judge).or_default().add(row, labels, scores, malicious);
    }

    fn judged(&mut self, judge: &'static str, row: &Row, labels: &Labels, scores: &Scores) {
        let malicious = probability(&scores[Question::Malicious as usize]);
        self.add(judge, row, labels, (scores, malicious));
    }

    /// The same, techniques left out: for judges that were not taught any.
    pub fn without_techniques(mut self) -> Self {
        self.judges.values_mut().for_each(Tally::forget_techniques);
        self
    }

    /// The figures of each judge.
    pub fn figures(&self) -> Vec<(&'static str, Figures)> {
        self.judges.iter().rev().map(|(name, tally)| (*name, tally.figures())).collect()
    }

    fn join(&mut self, other: Self) {
        for (name, tally) in other.judges {
            self.judges.entry(name).or_default().join(tally);
        }
    }
}

/// Rows to learn from when `test` is measured: none that shares a template or a group with it.
pub fn disjoint<'a>(rows: &'a [Row], test: &[&Row]) -> Vec<&'a Row> {
    let measured = Measured::of(test.iter().copied());
    rows.iter().filter(|row| measured.leaves(row)).collect()
}

/// Templates and groups that are measured, so never learnt from.
pub struct Measured<'a> {
    templates: BTreeSet<&'a str>,
    groups: BTreeSet<&'a str>,
}

impl<'a> Measured<'a> {
    /// Those of rows.
    pub fn of(rows: impl Iterator<Item = &'a Row>) -> Self {
        let (templates, groups) =
            rows.map(|row| (row.template.as_str(), row.group.as_str())).unzip();
        Self { templates, groups }
    }

    /// Whether a row may be learnt from.
    pub fn leaves(&self, row: &Row) -> bool {
        row.split == Split::Train
            && !self.groups.contains(row.group.as_str())
            && !self.templates.contains(row.template.as_str())
    }
}

/// Judges every labelled line of the training split by groups held out in turn.
///
/// # Errors
/// When the weights would pass a cap of their format.
pub fn by_group(rows: &[Row], recipe: &Recipe) -> Result<Contest> {
    let folds: Vec<Vec<&Row>> = (0..FOLDS)
        .map(|fold| logs(rows, Split::Train).filter(|row| fold_of(&row.group) == fold).collect())
        .collect();
    let mut all = Contest::default();
    for contest in contests(rows, &folds, recipe) {
        all.join(contest?);
    }
    Ok(all)
}

/// Judges the training split's lines of each source by the other sources.
///
/// # Errors
/// When the weights would pass a cap of their format.
pub fn by_source(rows: &[Row], recipe: &Recipe) -> Result<Vec<(&'static str, Contest)>> {
    let tests: Vec<Vec<&Row>> = SOURCES
        .iter()
        .map(|source| logs(rows, Split::Train).filter(|row| row.source == *source).collect())
        .collect();
    let contests = contests(rows, &tests, recipe).into_iter();
    SOURCES.into_iter().zip(contests).map(|(source, one)| Ok((source, one?))).collect()
}

/// Labelled log lines of a split.
pub fn logs(rows: &[Row], split: Split) -> impl Iterator<Item = &Row> {
    rows.iter().filter(move |row| row.kind == Kind::Log && row.split == split)
}

fn contests(rows: &[Row], tests: &[Vec<&Row>], recipe: &Recipe) -> Vec<Result<Contest>> {
    let next = AtomicUsize::new(0);
    let done = Mutex::new(BTreeMap::new());
    thread::scope(|scope| {
        for _ in 0..WORKERS {
            scope.spawn(|| {
                loop {
                    let place = next.fetch_add(1, Ordering::Relaxed);
                    let Some(test) = tests.get(place) else { break };
                    let contest = Contest::hold(&disjoint(rows, test), test, recipe);
                    done.lock().expect("no worker panics with the lock").insert(place, contest);
                }
            });
        }
    });
    done.into_inner().expect("no worker panics with the lock").into_values().collect()
}

/// The file's columns as scores by question.
pub fn file_scores(weights: &Weights, row: &Row) -> Scores {
    let columns = weights.score(&row.bag);
    Question::ALL.map(|question| match question {
        Question::Malicious => vec![0.0, columns[Column::Malicious.index()]],
        Question::Class => columns[Column::CLASSES].to_vec(),
        Question::Severity => columns[Column::SEVERITIES].to_vec(),
        Question::Technique => columns[Column::TECHNIQUES].to_vec(),
    })
}

/// The part a group is dealt to, by FNV-1a of its name: the same on every machine.
pub fn fold_of(group: &str) -> u64 {
    let hash = group.bytes().fold(0xCBF2_9CE4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01B3)
    });
    (hash >> 32) % FOLDS
}
