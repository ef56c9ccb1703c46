use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::query::Query;
use crate::taxonomy::fixed_list;
use crate::{EvidenceLine, Incident, IncidentId, ParseTaxonomyError, TechniqueId, ThreatClass};

fixed_list! {
    /// What an incident turned out to be, or most likely is.
    ResolutionCode, "resolution code",
    /// Real, and stopped.
    TruePositiveContained = "true_positive_contained",
    /// Real, and somebody must act.
    TruePositiveActionNeeded = "true_positive_action_needed",
    /// Wanted activity.
    BenignExpected = "benign_expected",
    /// A fault or a wrong setting, not an attack.
    BenignMisconfiguration = "benign_misconfiguration",
    /// Already known under another number.
    Duplicate = "duplicate",
    /// Cannot be told from here.
    NeedsHuman = "needs_human",
}

/// A runbook and how well it fits.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RankedRunbook {
    /// Its id in the knowledge base.
    pub id: String,
    /// Its title.
    pub title: String,
    /// Fit, higher is better; comparable within one answer only.
    pub score: f32,
}

/// A step to take and the paragraph it comes from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CitedStep {
    /// What to do.
    pub text: String,
    /// Where that stands: `runbook-id#section`, `INC-7`, or `event 42`.
    pub source: String,
}

/// What to do about an incident.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Resolution {
    /// Runbooks, best first.
    pub runbooks: Vec<RankedRunbook>,
    /// The most likely outcome.
    pub resolution_code: ResolutionCode,
    /// Steps in order, each with its source.
    pub steps: Vec<CitedStep>,
}

/// A closed incident, as guidance for the next one like it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PastIncident {
    /// Its number.
    pub id: IncidentId,
    /// Its title.
    pub title: String,
    /// Its class.
    pub threat_class: Option<ThreatClass>,
    /// Its techniques.
    pub techniques: Vec<TechniqueId>,
    /// How it ended.
    pub code: ResolutionCode,
    /// What the person wrote.
    pub note: String,
}

/// Closed incidents that resemble one (implemented by the store).
pub trait Retriever {
    /// At most `limit` closed incidents like this one, best first. An unreadable store gives none.
    fn similar(&self, incident: &Incident, limit: usize) -> Vec<PastIncident>;
}

/// Why evidence could not be fetched.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EvidenceError(pub String);

impl fmt::Display for EvidenceError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "evidence query failed: {}", self.0)
    }
}

impl std::error::Error for EvidenceError {}

/// Runs a query on the box's own log lines, read-only and bounded in time and rows (implemented by
/// the store).
pub trait EvidenceSource {
    /// The matching lines, newest last.
    ///
    /// # Errors
    /// When the store cannot be read or the query uses what it does not support.
    fn evidence(&self, query: &Query) -> Result<Vec<EvidenceLine>, EvidenceError>;
}
