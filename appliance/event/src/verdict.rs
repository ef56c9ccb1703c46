use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::taxonomy::fixed_list;
use crate::{ParseTaxonomyError, Severity, TechniqueId, ThreatClass};

fixed_list! {
    /// What triage thinks of a line. Flagged means suspicious or malicious.
    VerdictLabel, "verdict",
    /// Nothing to see.
    Benign = "benign",
    /// Worth a look.
    Suspicious = "suspicious",
    /// An attack or its effect.
    Malicious = "malicious",
}

impl VerdictLabel {
    /// Whether the line counts towards an incident.
    pub fn is_flagged(self) -> bool {
        self != Self::Benign
    }
}

fixed_list! {
    /// Who answers, and who decided.
    Decider, "decider",
    /// Screen, model and rules together.
    Ensemble = "ensemble",
    /// The language model alone.
    Model = "model",
    /// The linear screen alone.
    Screen = "screen",
    /// The rules alone.
    Rules = "rules",
}

fixed_list! {
    /// What a line tries on its reader. A flag changes no verdict; it may open an incident of its own.
    Flag, "flag",
    /// Text that addresses a language model.
    PromptInjection = "prompt_injection",
    /// Control characters or terminal escapes.
    ControlCharacters = "control_characters",
    /// HTML or script outside a field where a request carries it.
    Markup = "markup",
    /// Bidirectional overrides.
    Bidi = "bidi",
}

/// A technique and how sure triage is of it, 0 to 1.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct ScoredTechnique {
    /// The technique.
    pub id: TechniqueId,
    /// Confidence, 0 to 1.
    pub score: f32,
}

/// A range of bytes in the raw line: `start` inclusive, `end` exclusive.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Span {
    /// First byte.
    pub start: usize,
    /// One past the last byte.
    pub end: usize,
}

/// What triage says of one line. Serialises as the body of a `vedette triage` output line.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Verdict {
    /// Benign, suspicious or malicious.
    pub verdict: VerdictLabel,
    /// Calibrated P(malicious) under a class prior of 0.5.
    pub score: f32,
    /// Best guess of the class.
    pub threat_class: ThreatClass,
    /// Techniques, best first; empty where benign.
    pub techniques: Vec<ScoredTechnique>,
    /// How bad.
    pub severity: Severity,
    /// Whether a person should decide; the best guess is filled in all the same.
    pub abstained: bool,
    /// Who decided.
    pub decided_by: Decider,
    /// The masked template of the line.
    pub template: String,
    /// Where in the raw line the reason stands.
    pub evidence: Vec<Span>,
    /// What the line tries on its reader.
    pub flags: Vec<Flag>,
    /// Rules that matched and say more than that the line is routine, in plain words, strongest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub rules: Vec<String>,
    /// The bundle (screen weights, model) that answered.
    pub bundle: String,
}
