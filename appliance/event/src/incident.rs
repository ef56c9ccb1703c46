use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

use crate::taxonomy::fixed_list;
use crate::{
    EventId, IncidentId, ParseTaxonomyError, ResolutionCode, Severity, TechniqueId, ThreatClass,
};

fixed_list! {
    /// What an entity is.
    EntityKind, "entity type",
    /// Address a connection or request came from.
    SourceIp = "source_ip",
    /// Address it went to.
    DestinationIp = "destination_ip",
    /// Account.
    User = "user",
    /// Machine.
    Host = "host",
    /// Process or program.
    Process = "process",
    /// File path.
    File = "file",
    /// File hash, lower case hexadecimal.
    Hash = "hash",
    /// URL.
    Url = "url",
    /// Domain name.
    Domain = "domain",
    /// Port number.
    Port = "port",
}

/// Something an incident is about.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Entity {
    /// What it is.
    #[serde(rename = "type")]
    pub kind: EntityKind,
    /// Its name or number, as it stood in the log.
    pub value: String,
}

/// One part of a risk score.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RiskReason {
    /// Why, in words for a person.
    pub reason: String,
    /// Points added (or taken away); the points of all reasons sum to the risk.
    pub points: i32,
}

/// A log line that an incident rests on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EvidenceLine {
    /// Where it is in the store; absent for lines from outside.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub event_id: Option<EventId>,
    /// The line as text, invalid UTF-8 replaced.
    pub raw: String,
    /// First byte of the telling part.
    #[serde(default)]
    pub start: usize,
    /// One past its last byte.
    #[serde(default)]
    pub end: usize,
}

fixed_list! {
    /// Whether somebody has closed an incident.
    #[derive(Default)]
    IncidentStatus, "incident status",
    /// Still growing or waiting for a person.
    #[default]
    Open = "open",
    /// Has an outcome.
    Closed = "closed",
}

/// How an incident ended, as a person said.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Outcome {
    /// What it turned out to be.
    pub code: ResolutionCode,
    /// In their own words.
    #[serde(default)]
    pub note: String,
    /// Who said so.
    pub author: String,
    /// When.
    #[serde(with = "time::serde::rfc3339")]
    pub at: OffsetDateTime,
}

/// Alerts that share a root cause. Also the incident file that `query` and `resolve` read, where all
/// but `threat_class` or `techniques` may be missing.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Incident {
    /// Its number on this box; 0 for one from outside.
    #[serde(default)]
    pub id: IncidentId,
    /// One line for a person.
    #[serde(default)]
    pub title: String,
    /// The leading class.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub threat_class: Option<ThreatClass>,
    /// How bad.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub severity: Option<Severity>,
    /// Risk, 0 to 100: the sum of the points of `risk_reasons`.
    #[serde(default)]
    pub risk: i32,
    /// Why the risk is what it is.
    #[serde(default)]
    pub risk_reasons: Vec<RiskReason>,
    /// Techniques seen, in order of first appearance.
    #[serde(default)]
    pub techniques: Vec<TechniqueId>,
    /// Time of the first member.
    #[serde(
        default,
        with = "time::serde::rfc3339::option",
        skip_serializing_if = "Option::is_none"
    )]
    pub first_seen: Option<OffsetDateTime>,
    /// Time of the last member.
    #[serde(
        default,
        with = "time::serde::rfc3339::option",
        skip_serializing_if = "Option::is_none"
    )]
    pub last_seen: Option<OffsetDateTime>,
    /// What it is about; the root cause (usually the attacker's address) first.
    #[serde(default)]
    pub entities: Vec<Entity>,
    /// The lines it rests on, capped; `members` counts all.
    #[serde(default)]
    pub evidence: Vec<EvidenceLine>,
    /// How many flagged lines belong to it.
    #[serde(default)]
    pub members: u64,
    /// Rules that fired, by name, in order of first appearance.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub rules: Vec<String>,
    /// Whether a person should decide.
    #[serde(default)]
    pub needs_human: bool,
    /// Whether the language model was asked about its lines and answered.
    #[serde(default)]
    pub model_consulted: bool,
    /// Open or closed.
    #[serde(default)]
    pub status: IncidentStatus,
    /// How it ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub outcome: Option<Outcome>,
    /// The box it happened on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub device_id: Option<String>,
    /// The customer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tenant: Option<String>,
    /// The site.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub site: Option<String>,
}
