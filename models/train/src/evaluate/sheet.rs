//! All judges on all lines, and what comes of it.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use anyhow::{Context, Result, ensure};
use serde::Serialize;
use vedette_event::ThreatClass;

use super::bootstrap::{Contestant, Draws};
use super::figures::Mark;
use super::slices::slices;
use super::{
    Abstention, Answer, BAYES, Comparison, Differential, Figures, Interval, MAJORITY, PROBE,
    RESAMPLES, SEED, Sample, plots,
};
use crate::metrics::{Bin, Call, PREVALENCE, precision, reliability};

/// Points of a precision-recall curve at most: more than a plot has room for.
const CURVE_POINTS: usize = 500;

/// Labelled lines and what each judge says of them.
#[derive(Clone, Debug)]
pub struct Sheet<'a> {
    /// The lines.
    pub samples: &'a [Sample],
    /// Name of each judge and its answers in the order of the lines; the first is the one whose
    /// confusion is plotted.
    pub judges: Vec<(String, Vec<Answer>)>,
    /// Judges to compare, the one that should be better first. Every judge is compared with the
    /// format probe besides; names of no judge are passed over.
    pub pairs: Vec<(String, String)>,
}

/// What all judges are worth.
#[derive(Clone, Debug, Serialize)]
pub struct Report {
    /// Class prior under which scores are calibrated and calibration is measured.
    pub prior: f64,
    /// Share of malicious lines for which precision holds.
    pub prevalence: f64,
    /// How often groups were drawn anew for the intervals.
    pub resamples: usize,
    /// Seed of the draws.
    pub seed: u64,
    /// Lines whose template the screen learnt from: what it says of them is no forecast.
    pub learnt: usize,
    /// All lines first, then parts of them.
    pub slices: Vec<Slice>,
    /// What is plotted of each judge, on strong labels.
    pub curves: Vec<Curve>,
    /// Classes said and true, of the first judge.
    pub confusion: Confusion,
    /// How each judge stood injected text, where that was tried; filled in by the caller.
    pub differentials: Vec<(String, Differential)>,
}

/// Some of the lines.
#[derive(Clone, Debug, Serialize)]
pub struct Slice {
    /// Which.
    pub name: String,
    /// Lines.
    pub lines: usize,
    /// Groups that they stem from.
    pub groups: usize,
    /// Every judge on them.
    pub judges: Vec<Judged>,
    /// Judges beside each other.
    pub comparisons: Vec<Comparison>,
}

/// A judge on some lines.
#[derive(Clone, Debug, Serialize)]
pub struct Judged {
    /// Who.
    pub judge: String,
    /// Every figure.
    pub figures: Figures,
    /// What leaving lines to a person gains.
    pub abstention: Abstention,
    /// 95 % interval of each of [`super::FIGURES`]; none where there are too few groups.
    pub intervals: Vec<Option<Interval>>,
}

/// What is plotted of a judge.
#[derive(Clone, Debug, Serialize)]
pub struct Curve {
    /// Who.
    pub judge: String,
    /// Promise and truth.
    pub reliability: Vec<Bin>,
    /// Recall and precision at the stated prevalence, from the strictest threshold to the loosest.
    pub precision_recall: Vec<[f64; 2]>,
}

/// How often each class was said of each.
#[derive(Clone, Debug, Serialize)]
pub struct Confusion {
    /// Who.
    pub judge: String,
    /// Classes that were said or true.
    pub classes: Vec<ThreatClass>,
    /// Lines, true classes outermost.
    pub counts: Vec<Vec<usize>>,
}

/// A judge's name and its marks, a line each.
type Marked<'a> = (&'a str, Vec<Mark>);

impl Sheet<'_> {
    /// Counts everything. The same sheet gives the same report, to the byte.
    ///
    /// # Errors
    /// When there is no judge, or one has not answered every line.
    pub fn report(&self) -> Result<Report> {
        ensure!(!self.judges.is_empty(), "nobody judged: ask at least one judge");
        for (name, answers) in &self.judges {
            let (given, asked) = (answers.len(), self.samples.len());
            ensure!(given == asked, "{name} gave {given} answers to {asked} lines");
        }
        let marked: Vec<Marked<'_>> = self
            .judges
            .iter()
            .map(|(name, answers)| {
                let marks = self.samples.iter().zip(answers).map(|(s, a)| Mark::of(s, a));
                (name.as_str(), marks.collect())
            })
            .collect();
        let parts = slices(self.samples);
        Ok(Report {
            prior: 0.5,
            prevalence: PREVALENCE,
            resamples: RESAMPLES,
            seed: SEED,
            learnt: self.samples.iter().filter(|sample| sample.learnt).count(),
            slices: parts
                .into_iter()
                .map(|(name, rows)| self.slice(name, &rows, &marked))
                .collect(),
            curves: marked.iter().map(Curve::of).collect(),
            confusion: Confusion::of(&marked[0]),
            differentials: Vec::new(),
        })
    }

    fn slice(&self, name: String, rows: &[usize], marked: &[Marked<'_>]) -> Slice {
        let groups: Vec<&str> = self.samples.iter().map(|s| s.row.group.as_str()).collect();
        let draws = Draws::of(rows, &groups, &marked[0].1);
        let redrawn: Vec<_> = marked.iter().map(|(_, marks)| draws.figures(marks)).collect();
        let judge = |((judge, marks), redrawn): (&Marked<'_>, _)| {
            let marks: Vec<&Mark> = rows.iter().map(|row| &marks[*row]).collect();
            Judged {
                judge: (*judge).to_owned(),
                figures: Figures::of(&marks),
                abstention: Abstention::of(&marks),
                intervals: draws.intervals(redrawn),
            }
        };
        let judges: Vec<Judged> = marked.iter().zip(&redrawn).map(judge).collect();
        let contestants: Vec<Contestant<'_>> = judges
            .iter()
            .zip(&redrawn)
            .map(|(Judged { judge, figures, .. }, redrawn)| Contestant {
                name: judge,
                figures,
                redrawn,
            })
            .collect();
        let find = |name: &str| contestants.iter().find(|judge| judge.name == name);
        let comparisons = self
            .pairs()
            .iter()
            .filter_map(|(ours, theirs)| Some(draws.compare(find(ours)?, find(theirs)?)))
            .flatten()
            .collect();
        let distinct: BTreeSet<&str> = rows.iter().map(|row| groups[*row]).collect();
        Slice { name, lines: rows.len(), groups: distinct.len(), judges, comparisons }
    }

    /// The caller's pairs, and everyone but the baselines against the format probe.
    fn pairs(&self) -> Vec<(String, String)> {
        let mut pairs = self.pairs.clone();
        for (name, _) in &self.judges {
            let pair = (name.clone(), PROBE.to_owned());
            if ![MAJORITY, BAYES, PROBE].contains(&name.as_str()) && !pairs.contains(&pair) {
                pairs.push(pair);
            }
        }
        pairs
    }
}

impl Curve {
    fn of((judge, marks): &Marked<'_>) -> Self {
        let calls: Vec<Call> = marks.iter().filter_map(Mark::strong_call).collect();
        Self {
            judge: (*judge).to_owned(),
            reliability: reliability(&calls).into_iter().filter(|b| !b.weight.is_nan()).collect(),
            precision_recall: precision_recall(calls),
        }
    }
}

/// Recall and precision at each distinct score, from the top; nothing where a class is missing.
fn precision_recall(mut calls: Vec<Call>) -> Vec<[f64; 2]> {
    let positives = calls.iter().filter(|call| call.truth).count() as f64;
    let negatives = calls.len() as f64 - positives;
    if positives * negatives == 0.0 {
        return Vec::new();
    }
    calls.sort_by(|a, b| b.score.total_cmp(&a.score));
    let (mut hits, mut alarms) = (0.0, 0.0);
    let points: Vec<[f64; 2]> = calls
        .chunk_by(|a, b| a.score == b.score)
        .map(|tie| {
            let up = tie.iter().filter(|call| call.truth).count() as f64;
            hits += up;
            alarms += tie.len() as f64 - up;
            let recall = hits / positives;
            [recall, precision(recall, alarms / negatives)]
        })
        .collect();
    let step = points.len().div_ceil(CURVE_POINTS).max(1);
    let last = points.len() - 1;
    points
        .into_iter()
        .enumerate()
        .filter(|(at, _)| at % step == 0 || *at == last)
        .map(|(_, p)| p)
        .collect()
}

impl Confusion {
    fn of((judge, marks): &Marked<'_>) -> Self {
        let pairs: Vec<(usize, usize)> = marks.iter().filter_map(|mark| mark.class).collect();
        let seen: BTreeSet<usize> =
            pairs.iter().flat_map(|(said, truth)| [*said, *truth]).collect();
        let count =
            |truth: usize, said: usize| pairs.iter().filter(|pair| **pair == (said, truth)).count();
        Self {
            judge: (*judge).to_owned(),
            classes: seen.iter().map(|class| ThreatClass::ALL[*class]).collect(),
            counts: seen
                .iter()
                .map(|truth| seen.iter().map(|said| count(*truth, *said)).collect())
                .collect(),
        }
    }
}

impl Report {
    /// Writes `report.md`, `report.json`, `confusion.svg`, `reliability.svg` and
    /// `precision-recall.svg` into a folder, which is made where it is missing.
    ///
    /// # Errors
    /// When the folder or a file cannot be written.
    pub fn write(&self, folder: &Path) -> Result<()> {
        fs::create_dir_all(folder)
            .with_context(|| format!("{} cannot be made", folder.display()))?;
        let json =
            serde_json::to_string_pretty(self).context("the report cannot be written as JSON")?;
        for (name, text) in [
            ("report.md", self.markdown()),
            ("report.json", json + "\n"),
            ("confusion.svg", plots::confusion(&self.confusion)),
            ("reliability.svg", plots::reliability(&self.curves)),
            ("precision-recall.svg", plots::precision_recall(&self.curves)),
        ] {
            let path = folder.join(name);
            fs::write(&path, text)
                .with_context(|| format!("{} cannot be written", path.display()))?;
        }
        Ok(())
    }
}
