//! What the detectors hand to correlation.

use std::borrow::Cow;
use std::net::IpAddr;

use time::OffsetDateTime;
use vedette_event::{EventId, EvidenceLine, Severity, TechniqueId, ThreatClass};

use crate::confirmed::Precedent;

/// Something happened that may belong to an incident.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Alert {
    /// The line that completed it.
    pub(crate) event: EventId,
    /// When it came: what a line says of its time is its sender's word.
    pub(crate) at: OffsetDateTime,
    /// The rule's name, in plain words.
    pub(crate) rule: Cow<'static, str>,
    /// Its class.
    pub(crate) class: ThreatClass,
    /// Its techniques.
    pub(crate) techniques: Vec<TechniqueId>,
    /// How bad.
    pub(crate) severity: Severity,
    /// How sure, 0 to 1.
    pub(crate) confidence: f32,
    /// Whether it opens an incident, or only joins one.
    pub(crate) opens: bool,
    /// Whether it means that the attacker got in: what the account and the machine do from now on
    /// belongs to the same incident.
    pub(crate) compromise: bool,
    /// What it is about, root cause first.
    pub(crate) subject: Subject,
    /// Earlier lines that led to it.
    pub(crate) earlier: Vec<EventId>,
    /// The line as evidence.
    pub(crate) evidence: EvidenceLine,
    /// Whether a person should decide.
    pub(crate) undecided: bool,
    /// What people said of lines like the one that completed it.
    pub(crate) precedent: Option<Precedent>,
}

/// Who and what an alert is about.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Subject {
    /// Where it came from.
    pub(crate) source: Option<IpAddr>,
    /// Where it went.
    pub(crate) destination: Option<IpAddr>,
    /// The account.
    pub(crate) user: Option<String>,
    /// The machine.
    pub(crate) host: Option<String>,
    /// The machine's own address, where the line came from itself.
    pub(crate) home: Option<IpAddr>,
    /// Where it went, if that is none of the owner's networks.
    pub(crate) outside: Option<IpAddr>,
    /// Whether the account under attack ties the lines together, from whatever source.
    pub(crate) by_user: bool,
}
