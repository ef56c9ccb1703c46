//! Fits how the log-odds of rules, screen and model are added (`vedette-triage`'s `voices`), on lines
//! that none of them learnt from.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::Result;
use serde::Deserialize;

use crate::dataset::json_lines;
use crate::metrics::{Binary, Judged};
use crate::validate::fold_of;

/// Newton's method is done in about ten.
const ROUNDS: usize = 30;

/// Pull towards the weights one would choose without data, in lines: a few dozen lines of a kind
/// shall not overrule them.
const CAUTION: f64 = 4.0;

/// Weight of a weak label beside a strong one.
const WEAK: f64 = 0.3;

/// Parts into which the groups are dealt for measuring.
const FOLDS: u64 = 5;

/// Bias, rules, screen, model.
type Weights = [f64; 4];

/// What is believed without data.
const PRIOR: Weights = [0.0, 1.0, 0.5, 0.5];

#[derive(Deserialize)]
struct Row {
    group: String,
    malicious: Option<bool>,
    strong: bool,
    matched: bool,
    said: BTreeMap<String, Said>,
}

#[derive(Deserialize)]
struct Said {
    score: f64,
}

/// A line with a label: log-odds of each decider, as triage adds them.
struct Point {
    group: String,
    matched: bool,
    x: Weights,
    truth: bool,
    strong: bool,
}

/// The weights for one way of speaking together.
#[derive(Clone, Copy, Debug)]
pub struct Fitted {
    /// Whether a rule matched.
    pub matched: bool,
    /// Whether the model answered.
    pub heard: bool,
    /// Lines it was fitted on.
    pub lines: usize,
    /// Bias, rules, screen, model.
    pub weights: Weights,
}

/// What was fitted, and what such weights are worth on groups held out of fitting.
pub struct Report {
    /// Each way of speaking together.
    pub fitted: Vec<Fitted>,
    /// With the model and without: figures on strong labels.
    pub held_out: [Binary; 2],
}

/// Fits on the rows that `vedette model eval --rows` wrote.
///
/// # Errors
/// When the file cannot be read or is not of that form.
pub fn fit(path: &Path) -> Result<Report> {
    let rows: Vec<Row> = json_lines(path)?;
    let points: Vec<Point> = rows.iter().filter_map(point).collect();
    let all: Vec<&Point> = points.iter().collect();
    let fitted = ways().map(|(matched, heard)| fitted(&all, matched, heard));
    let held_out = [true, false].map(|heard| Binary::of(&held_out(&points, heard)));
    Ok(Report { fitted: fitted.collect(), held_out })
}

/// Every way of speaking together: whether a rule matched, whether the model answered.
fn ways() -> impl Iterator<Item = (bool, bool)> {
    [(false, false), (false, true), (true, false), (true, true)].into_iter()
}

fn point(row: &Row) -> Option<Point> {
    let score = |name: &str| row.said.get(name).map_or(0.0, |said| logit(said.score));
    let rules = if row.matched { score("rules") } else { 0.0 };
    Some(Point {
        group: row.group.clone(),
        matched: row.matched,
        x: [1.0, rules, score("screen"), score("model")],
        truth: row.malicious?,
        strong: row.strong,
    })
}

fn fitted(points: &[&Point], matched: bool, heard: bool) -> Fitted {
    let these: Vec<&Point> = points.iter().copied().filter(|p| p.matched == matched).collect();
    let active = [true, matched, true, heard];
    let mut weights = PRIOR;
    for (weight, active) in weights.iter_mut().zip(active) {
        *weight *= f64::from(u8::from(active));
    }
    for _ in 0..ROUNDS {
        weights = step(&these, weights, active);
    }
    Fitted { matched, heard, lines: these.len(), weights }
}

/// A step of Newton's method on the diagonal of the curvature, halved for safety.
fn step(points: &[&Point], weights: Weights, active: [bool; 4]) -> Weights {
    let totals = [false, true].map(|truth| {
        let same = points.iter().filter(|point| point.truth == truth);
        same.map(|point| belief(point)).sum::<f64>().max(1e-9)
    });
    let mean = (totals[0] + totals[1]) / 2.0;
    let (mut slope, mut curve) = ([0.0; 4], [CAUTION; 4]);
    for at in 0..4 {
        slope[at] = CAUTION * (weights[at] - if active[at] { PRIOR[at] } else { 0.0 });
    }
    for point in points {
        let p = 1.0 / (1.0 + (-sum(weights, point.x)).exp());
        // Both truths count the same: scores are calibrated to even odds.
        let weight = belief(point) * mean / totals[usize::from(point.truth)];
        for at in 0..4 {
            slope[at] += weight * (p - f64::from(u8::from(point.truth))) * point.x[at];
            curve[at] += weight * p * (1.0 - p) * point.x[at] * point.x[at];
        }
    }
    let mut next = weights;
    for at in (0..4).filter(|at| active[*at]) {
        next[at] -= 0.5 * slope[at] / curve[at];
    }
    next
}

fn belief(point: &Point) -> f64 {
    if point.strong { 1.0 } else { WEAK }
}

fn sum(weights: Weights, x: Weights) -> f64 {
    weights.iter().zip(x).map(|(weight, x)| weight * x).sum()
}

fn held_out(points: &[Point], heard: bool) -> Vec<Judged> {
    let mut judged = Vec::new();
    for fold in 0..FOLDS {
        let learn: Vec<&Point> = points.iter().filter(|p| fold_of(&p.group) != fold).collect();
        let ways = [false, true].map(|matched| fitted(&learn, matched, heard).weights);
        for point in points.iter().filter(|p| p.strong && fold_of(&p.group) == fold) {
            let log_odds = sum(ways[usize::from(point.matched)], point.x);
            judged.push(((1.0 / (1.0 + (-log_odds).exp())) as f32, point.truth));
        }
    }
    judged
}

/// Log-odds as triage takes them.
fn logit(p: f64) -> f64 {
    let p = p.clamp(0.001, 0.999);
    (p / (1.0 - p)).ln()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_is_right_gets_weight() {
        let point = |at: usize| {
            let truth = at.is_multiple_of(2);
            let sign = if truth { 2.0 } else { -2.0 };
            let noise = if at.is_multiple_of(3) { 2.0 } else { -2.0 };
            let x = [1.0, 0.0, noise, sign];
            Point { group: format!("g{at}"), matched: false, x, truth, strong: true }
        };
        let points: Vec<Point> = (0..200).map(point).collect();
        let all: Vec<&Point> = points.iter().collect();
        let heard = fitted(&all, false, true);
        assert!(heard.weights[3] > 0.8 && heard.weights[2].abs() < 0.3, "{heard:?}");
        assert!(fitted(&all, false, false).weights[3].abs() < 1e-9);
        assert!(Binary::of(&held_out(&points, true)).accuracy > 0.99);
        assert!(Binary::of(&held_out(&points, false)).accuracy < 0.8);
    }
}
