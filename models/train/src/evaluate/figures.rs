//! From answers to figures: each answer is marked once, and figures are counted over any marks.

use serde::Serialize;
use vedette_event::{Severity, ThreatClass, VerdictLabel};

use super::{Answer, Sample};
use crate::metrics::{Binary, Call, macro_f1, quadratic_kappa, share};

/// An answer beside the truth; what the data does not say is empty.
#[derive(Clone, Debug)]
pub(super) struct Mark {
    /// Flagged or not, on any label.
    pub(super) call: Option<Call>,
    /// Whether that label is strong.
    strong: bool,
    /// Flagged or not, where the source says whether a rule's author wants to hear of the line.
    pub(super) alert: Option<Call>,
    /// Whether it was called malicious outright.
    outright: bool,
    /// Class said and true; a class that the contract lets pass is said to be the true one.
    pub(super) class: Option<(usize, usize)>,
    /// Class right to the letter.
    strictly: bool,
    pub(super) technique: Option<TechniqueMark>,
    /// Severity said and true.
    pub(super) severity: Option<(usize, usize)>,
    abstained: bool,
}

#[derive(Clone, Copy, Debug)]
pub(super) struct TechniqueMark {
    exact: bool,
    parent: bool,
    in_three: bool,
}

impl Mark {
    pub(super) fn of(sample: &Sample, answer: &Answer) -> Self {
        let truth = &sample.row.truth;
        let call = |truth: bool| Call {
            score: answer.malicious,
            called: answer.verdict.is_flagged(),
            truth,
        };
        Self {
            call: truth.malicious.map(|label| call(label.value)),
            alert: truth.alert.map(call),
            strong: truth.malicious.is_some_and(|label| label.strong),
            outright: answer.verdict == VerdictLabel::Malicious,
            class: truth
                .class
                .map(|class| (said_class(sample, answer.class, class), class as usize)),
            strictly: truth.class == Some(answer.class),
            technique: (!sample.techniques.is_empty()).then(|| TechniqueMark::of(sample, answer)),
            severity: truth.severity.map(|severity| (grade(answer.severity), grade(severity))),
            abstained: answer.abstained,
        }
    }

    /// The call where the label is strong.
    pub(super) fn strong_call(&self) -> Option<Call> {
        self.call.filter(|_| self.strong)
    }
}

impl TechniqueMark {
    fn of(sample: &Sample, answer: &Answer) -> Self {
        let mut parents = Vec::new();
        for parent in answer.techniques.iter().map(|technique| technique.parent()) {
            if !parents.contains(&parent) {
                parents.push(parent);
            }
        }
        let right = |parent| sample.row.truth.techniques.contains(parent);
        Self {
            exact: answer.techniques.first().is_some_and(|first| sample.techniques.contains(first)),
            parent: parents.first().is_some_and(right),
            in_three: parents.iter().take(3).any(right),
        }
    }
}

/// The contract on classes: a web attack is right for an exploit that came as an HTTP request.
fn said_class(sample: &Sample, said: ThreatClass, truth: ThreatClass) -> usize {
    let near =
        truth == ThreatClass::Exploitation && said == ThreatClass::WebAttack && sample.row.http;
    if near { truth as usize } else { said as usize }
}

/// The data knows no informational lines: they count as low.
fn grade(severity: Severity) -> usize {
    severity.max(Severity::Low) as usize
}

/// Every figure of a judge on some lines. What the lines cannot tell is not a number.
#[derive(Clone, Debug, Serialize)]
pub struct Figures {
    /// Malicious or not, where the source says so of this very line.
    pub strong: Detection,
    /// Malicious or not, on strong and weak labels.
    pub any: Detection,
    /// Whether a rule's author wants to hear of it: no proof of malice.
    pub alert: Detection,
    /// Threat class.
    pub class: Classes,
    /// ATT&CK technique.
    pub technique: Techniques,
    /// Severity.
    pub severity: Severities,
}

/// Telling malicious from benign; a flagged line counts as called malicious.
#[derive(Clone, Debug, Serialize)]
pub struct Detection {
    /// The usual figures.
    #[serde(flatten)]
    pub binary: Binary,
    /// Share of benign lines that were called malicious outright, not just suspicious.
    pub outright: f64,
}

/// On the threat class, by the contract's leniency unless it says strict.
#[derive(Clone, Debug, Serialize)]
#[expect(missing_docs, reason = "they are named for what they are")]
pub struct Classes {
    pub lines: usize,
    pub accuracy: f64,
    pub strict: f64,
    pub macro_f1: f64,
}

/// On the technique; a line may have several, and any of them is right.
#[derive(Clone, Debug, Serialize)]
#[expect(missing_docs, reason = "they are named for what they are")]
pub struct Techniques {
    pub lines: usize,
    pub exact: f64,
    pub parent: f64,
    pub parent_in_three: f64,
}

/// On the severity.
#[derive(Clone, Debug, Serialize)]
#[expect(missing_docs, reason = "they are named for what they are")]
pub struct Severities {
    pub lines: usize,
    pub accuracy: f64,
    pub macro_f1: f64,
    pub kappa: f64,
}

impl Figures {
    pub(super) fn of(marks: &[&Mark]) -> Self {
        let class: Vec<_> = marks.iter().filter_map(|mark| mark.class).collect();
        let severity: Vec<_> = marks.iter().filter_map(|mark| mark.severity).collect();
        let technique: Vec<_> = marks.iter().filter_map(|mark| mark.technique).collect();
        let right = |(said, truth): &(usize, usize)| said == truth;
        let strictly = marks.iter().filter(|mark| mark.class.is_some()).map(|mark| mark.strictly);
        Self {
            strong: Detection::of(marks, Mark::strong_call),
            any: Detection::of(marks, |mark| mark.call),
            alert: Detection::of(marks, |mark| mark.alert),
            class: Classes {
                lines: class.len(),
                accuracy: share(class.iter().map(right)),
                strict: share(strictly),
                macro_f1: macro_f1(&class),
            },
            technique: Techniques {
                lines: technique.len(),
                exact: share(technique.iter().map(|mark| mark.exact)),
                parent: share(technique.iter().map(|mark| mark.parent)),
                parent_in_three: share(technique.iter().map(|mark| mark.in_three)),
            },
            severity: Severities {
                lines: severity.len(),
                accuracy: share(severity.iter().map(right)),
                macro_f1: macro_f1(&severity),
                kappa: quadratic_kappa(&severity),
            },
        }
    }
}

impl Detection {
    fn of(marks: &[&Mark], call: fn(&Mark) -> Option<Call>) -> Self {
        let calls: Vec<Call> = marks.iter().filter_map(|mark| call(mark)).collect();
        let benign = |mark: &&&Mark| call(mark).is_some_and(|call| !call.truth);
        Self {
            binary: Binary::of_calls(&calls),
            outright: share(marks.iter().filter(benign).map(|mark| mark.outright)),
        }
    }
}

/// What is gained by leaving lines to a person.
#[derive(Clone, Debug, Serialize)]
pub struct Abstention {
    /// Share of lines that the judge left to a person.
    pub share: f64,
    /// Accuracy of detection, strong labels, on the others.
    pub detection: f64,
    /// Accuracy of the class on the others.
    pub class: f64,
    /// Detection, strong labels, on the lines whose P(malicious) is at least so far from one half.
    pub curve: Vec<Decided>,
}

/// What is right of the lines that are decided at a margin.
#[derive(Clone, Debug, Serialize)]
pub struct Decided {
    /// Distance of P(malicious) from one half.
    pub margin: f32,
    /// Share of lines decided.
    pub coverage: f64,
    /// Share of them that is right.
    pub accuracy: f64,
    /// Mean of the two recalls on them.
    pub balanced: f64,
}

/// Margins of the abstention curve.
const MARGINS: [f32; 7] = [0.0, 0.1, 0.2, 0.3, 0.4, 0.45, 0.49];

impl Abstention {
    pub(super) fn of(marks: &[&Mark]) -> Self {
        let decided: Vec<&Mark> = marks.iter().copied().filter(|mark| !mark.abstained).collect();
        let figures = Figures::of(&decided);
        let calls: Vec<Call> = marks.iter().filter_map(|mark| mark.strong_call()).collect();
        let at = |margin: f32| {
            let far: Vec<Call> =
                calls.iter().copied().filter(|call| (call.score - 0.5).abs() >= margin).collect();
            let binary = Binary::of_calls(&far);
            Decided {
                margin,
                coverage: far.len() as f64 / calls.len() as f64,
                accuracy: binary.accuracy,
                balanced: binary.balanced,
            }
        };
        Self {
            share: share(marks.iter().map(|mark| mark.abstained)),
            detection: figures.strong.binary.accuracy,
            class: figures.class.accuracy,
            curve: MARGINS.map(at).into(),
        }
    }
}
