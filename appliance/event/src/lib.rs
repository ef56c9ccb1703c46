//! Plain types that cross the borders between the crates of the appliance.
//!
//! Nothing here does I/O, knows a clock, or depends on another crate of the house. What one crate
//! hands to another is defined here once: the decoded log line ([`LogRecord`]), what triage says of
//! it ([`Verdict`]), what it becomes ([`Incident`]), the query asked back about it ([`query::Query`]),
//! the guidance found for it ([`Resolution`]) and the traits behind which the heavy rooms hide
//! ([`Screen`], [`LanguageModel`], [`Embedder`], [`EvidenceSource`], [`Retriever`]).
//!
//! Start reading at [`LogRecord`] and [`Incident`].

mod ids;
mod incident;
mod model;
mod network;
pub mod query;
mod record;
mod resolution;
mod status;
mod syslog;
mod taxonomy;
mod ticket;
mod verdict;
pub mod worker;

pub use ids::{EventId, IncidentId, ParseIdError};
pub use incident::{
    Entity, EntityKind, EvidenceLine, Incident, IncidentStatus, Outcome, RiskReason,
};
pub use model::{
    Embedder, LanguageModel, ModelError, ModelSay, Question, QuestionId, Screen, ScreenSay,
};
pub use network::{Network, ParseNetworkError};
pub use record::{Defect, Fields, LogRecord, Peer, Transport};
pub use resolution::{
    CitedStep, EvidenceError, EvidenceSource, PastIncident, RankedRunbook, Resolution,
    ResolutionCode, Retriever,
};
pub use status::{
    CheckState, HardwareCheck, IngestStatus, ModelState, ModelStatus, SourceStatus, SpoolStatus,
    Status, StoreStatus,
};
pub use syslog::{Facility, SyslogSeverity};
pub use taxonomy::{ParseTaxonomyError, Severity, TechniqueId, ThreatClass};
pub use ticket::{TicketDraft, TicketState};
pub use verdict::{Decider, Flag, ScoredTechnique, Span, Verdict, VerdictLabel};
