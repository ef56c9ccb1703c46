//! Measuring any judge on labelled lines: figures with intervals, tables, plots.
//!
//! What is measured is an [`Answer`] to each [`Sample`], whoever gave it: the whole of triage, the
//! screen, a language model, or the [`baselines`], which are always asked too, the format probe among
//! them, which sees only how a line is written. Intervals come from drawing whole groups anew, since
//! lines of a group are alike. Knows no engine and asks nobody: answers are handed in.
//!
//! Start reading at [`Sheet::report`].

mod baselines;
mod bootstrap;
mod data;
mod figures;
mod injection;
mod list;
mod markdown;
mod novelty;
mod plots;
mod probe;
mod sheet;
mod slices;
mod svg;

use vedette_event::{Severity, TechniqueId, ThreatClass, Verdict, VerdictLabel};

pub use baselines::{BAYES, MAJORITY, PROBE, baselines};
pub use bootstrap::{Comparison, Finding, Interval, RESAMPLES, SEED};
pub use data::{Data, Sample, read};
pub use figures::{Abstention, Classes, Decided, Detection, Figures, Severities, Techniques};
pub use injection::{Differential, Twins, twins};
pub use list::{Contest, FIGURES, Figure, Part};
pub use sheet::{Confusion, Curve, Judged, Report, Sheet, Slice};

/// What a judge says of a line.
#[derive(Clone, Debug, PartialEq)]
pub struct Answer {
    /// P(malicious) under a class prior of one half, 0 to 1.
    pub malicious: f32,
    /// Benign, suspicious or malicious; the last two are flagged.
    pub verdict: VerdictLabel,
    /// Best guess of the class.
    pub class: ThreatClass,
    /// Best guess of the severity.
    pub severity: Severity,
    /// Techniques, best first.
    pub techniques: Vec<TechniqueId>,
    /// Whether it leaves the line to a person; its best guess counts all the same.
    pub abstained: bool,
}

impl From<&Verdict> for Answer {
    fn from(verdict: &Verdict) -> Self {
        Self {
            malicious: verdict.score,
            verdict: verdict.verdict,
            class: verdict.threat_class,
            severity: verdict.severity,
            techniques: verdict.techniques.iter().map(|technique| technique.id).collect(),
            abstained: verdict.abstained,
        }
    }
}

#[cfg(test)]
mod tests;
