//! What the detectors hand to correlation.

use std::net::IpAddr;

use time::OffsetDateTime;
use vedette_event::{EventId, EvidenceLine, Severity, TechniqueId, ThreatClass};

/// Something happened that may belong to an incident.
#[derive(Clone, Debug, PartialEq)]
pub struct Alert {
    /// The line that completed it.
    pub event: EventId,
    /// When, by the line's own time.
    pub at: OffsetDateTime,
    /// The rule's name, in plain words.
    pub rule: &'static str,
    /// Its class.
    pub class: ThreatClass,
    /// Its techniques.
    pub techniques: Vec<TechniqueId>,
    /// How bad.
    pub severity: Severity,
    /// How sure, 0 to 1.
    pub confidence: f32,
    /// Whether it opens an incident, or only joins one.
    pub opens: bool,
    /// Whether it means that the attacker got in: what the account and the machine do from now on
    /// belongs to the same incident.
    pub compromise: bool,
    /// What it is about, root cause first.
    pub subject: Subject,
    /// Earlier lines that led to it.
    pub earlier: Vec<EventId>,
    /// The line as evidence.
    pub evidence: EvidenceLine,
    /// Whether a person should decide.
    pub undecided: bool,
}

/// Who and what an alert is about.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Subject {
    /// Where it came from.
    pub source: Option<IpAddr>,
    /// Where it went.
    pub destination: Option<IpAddr>,
    /// The account.
    pub user: Option<String>,
    /// The machine.
    pub host: Option<String>,
    /// Whether the account under attack ties the lines together, from whatever source.
    pub by_user: bool,
}
