//! Every figure that is shown: its name, how it is counted, which way is better.

use serde::Serialize;

use super::figures::{Figures, Mark};

/// What a figure is about; each part is a table of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Part {
    /// Malicious or not, strong labels.
    Strong,
    /// Malicious or not, any label.
    Any,
    /// Whether a rule's author wants to hear of a line.
    Alert,
    /// Threat class.
    Class,
    /// ATT&CK technique.
    Technique,
    /// Severity.
    Severity,
}

impl Part {
    /// All of them, in the order of the report.
    pub const ALL: [Self; 6] =
        [Self::Strong, Self::Any, Self::Alert, Self::Class, Self::Technique, Self::Severity];

    /// Its name in tables.
    pub fn name(self) -> &'static str {
        match self {
            Self::Strong => "detection, strong labels",
            Self::Any => "detection, any label",
            Self::Alert => "alert wanted",
            Self::Class => "class",
            Self::Technique => "technique",
            Self::Severity => "severity",
        }
    }

    /// Lines that its figures are counted over.
    pub fn lines(self, figures: &Figures) -> usize {
        match self {
            Self::Strong => figures.strong.binary.lines,
            Self::Any => figures.any.binary.lines,
            Self::Alert => figures.alert.binary.lines,
            Self::Class => figures.class.lines,
            Self::Technique => figures.technique.lines,
            Self::Severity => figures.severity.lines,
        }
    }

    /// Whether a line counts.
    pub(super) fn counts(self, mark: &Mark) -> bool {
        match self {
            Self::Strong => mark.strong_call().is_some(),
            Self::Any => mark.call.is_some(),
            Self::Alert => mark.alert.is_some(),
            Self::Class => mark.class.is_some(),
            Self::Technique => mark.technique.is_some(),
            Self::Severity => mark.severity.is_some(),
        }
    }
}

/// A figure.
#[derive(Clone, Copy, Debug)]
pub struct Figure {
    /// What it is about.
    pub part: Part,
    /// Its name within the part.
    pub name: &'static str,
    /// Whether judges are compared by it, and which way is better.
    pub contest: Contest,
    /// How it is read.
    pub of: fn(&Figures) -> f64,
}

/// Whether judges are compared by a figure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Contest {
    /// The higher the better.
    Higher,
    /// The lower the better.
    Lower,
    /// It is only shown.
    None,
}

const fn figure(
    part: Part,
    name: &'static str,
    contest: Contest,
    of: fn(&Figures) -> f64,
) -> Figure {
    Figure { part, name, contest, of }
}

/// How many figures there are.
pub(super) const COUNT: usize = 28;

/// Every figure.
pub const FIGURES: [Figure; COUNT] = {
    use Contest::{Higher, Lower, None};
    use Part::{Alert, Any, Class, Severity, Strong, Technique};
    [
        figure(Strong, "balanced accuracy", Higher, |f| f.strong.binary.balanced),
        figure(Strong, "AUROC", Higher, |f| f.strong.binary.auc),
        figure(Strong, "recall", None, |f| f.strong.binary.recall),
        figure(Strong, "benign flagged", Lower, |f| f.strong.binary.false_positives),
        figure(Strong, "benign called malicious", None, |f| f.strong.outright),
        figure(Strong, "precision at 1:1000", None, |f| f.strong.binary.precision),
        figure(Strong, "calibration error", Lower, |f| f.strong.binary.calibration),
        figure(Strong, "accuracy", None, |f| f.strong.binary.accuracy),
        figure(Any, "balanced accuracy", Higher, |f| f.any.binary.balanced),
        figure(Any, "AUROC", None, |f| f.any.binary.auc),
        figure(Any, "recall", None, |f| f.any.binary.recall),
        figure(Any, "benign flagged", Lower, |f| f.any.binary.false_positives),
        figure(Any, "benign called malicious", None, |f| f.any.outright),
        figure(Any, "calibration error", None, |f| f.any.binary.calibration),
        figure(Any, "accuracy", None, |f| f.any.binary.accuracy),
        figure(Alert, "balanced accuracy", Higher, |f| f.alert.binary.balanced),
        figure(Alert, "AUROC", None, |f| f.alert.binary.auc),
        figure(Alert, "unwanted flagged", None, |f| f.alert.binary.false_positives),
        figure(Alert, "accuracy", None, |f| f.alert.binary.accuracy),
        figure(Class, "accuracy", Higher, |f| f.class.accuracy),
        figure(Class, "macro F1", Higher, |f| f.class.macro_f1),
        figure(Class, "accuracy, strict", None, |f| f.class.strict),
        figure(Technique, "parent", Higher, |f| f.technique.parent),
        figure(Technique, "parent in three", Higher, |f| f.technique.parent_in_three),
        figure(Technique, "exact", None, |f| f.technique.exact),
        figure(Severity, "macro F1", Higher, |f| f.severity.macro_f1),
        figure(Severity, "weighted kappa", Higher, |f| f.severity.kappa),
        figure(Severity, "accuracy", None, |f| f.severity.accuracy),
    ]
};
