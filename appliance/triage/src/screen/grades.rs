use serde::{Deserialize, Serialize};
use vedette_event::Severity;

/// The severities that are told apart: `informational` counts as `low`.
pub const GRADES: [Severity; 4] =
    [Severity::Low, Severity::Medium, Severity::High, Severity::Critical];

/// What a grade is chosen by: the head's log-probability of each, and the margin of malice.
pub const EVIDENCE: usize = GRADES.len() + 1;

/// Least probability whose logarithm is taken.
const LEAST: f32 = 1e-4;

/// How a grade is chosen. The severities' own head calls too much medium and next to nothing critical;
/// these weights are fitted to what it said of held-out lines, and lean towards the rare grades.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Grades {
    /// For each grade a weight of each piece of evidence.
    pub weights: [[f32; EVIDENCE]; GRADES.len()],
    /// Added to each grade's sum.
    pub bias: [f32; GRADES.len()],
}

impl Grades {
    /// The evidence in the scores of the severities, in the order of [`Severity::ALL`], and in the
    /// margin of malice.
    pub fn evidence(severities: &[f32], margin: f32) -> [f32; EVIDENCE] {
        let top = severities.iter().copied().fold(f32::MIN, f32::max);
        let mut sums = [0.0; GRADES.len()];
        for (severity, score) in Severity::ALL.iter().zip(severities) {
            sums[grade(*severity)] += (score - top).exp();
        }
        let total: f32 = sums.iter().sum();
        let mut evidence = [margin; EVIDENCE];
        for (at, sum) in evidence.iter_mut().zip(sums) {
            *at = (sum / total).max(LEAST).ln();
        }
        evidence
    }

    /// A score for each grade.
    pub(super) fn scores(&self, evidence: [f32; EVIDENCE]) -> [f32; GRADES.len()] {
        let mut scores = self.bias;
        for (score, weights) in scores.iter_mut().zip(&self.weights) {
            *score += weights.iter().zip(evidence).map(|(weight, at)| weight * at).sum::<f32>();
        }
        scores
    }
}

/// The place of a severity among [`GRADES`].
pub fn grade(severity: Severity) -> usize {
    GRADES.iter().position(|grade| *grade == severity).unwrap_or(0)
}
