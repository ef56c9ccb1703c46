use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

use crate::ParseTaxonomyError;
use crate::taxonomy::fixed_list;

fixed_list! {
    /// How the language model is.
    ModelState, "model state",
    /// Answers.
    Up = "up",
    /// Loading, or between two attempts to start.
    Starting = "starting",
    /// Cannot be started; screen and rules answer.
    Down = "down",
    /// No bundle is there; screen and rules answer.
    Missing = "missing",
    /// Switched off in the configuration.
    Off = "off",
}

fixed_list! {
    /// Outcome of a hardware check.
    CheckState, "check state",
    /// Good.
    Ok = "ok",
    /// Should be looked at.
    Warn = "warn",
    /// Must be looked at.
    Fail = "fail",
    /// Does not exist on this machine.
    NotApplicable = "not_applicable",
}

/// What the appliance says of itself: `vedette status --json`, `/api/v1/status`, the System page.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Status {
    /// Version of the software.
    pub version: String,
    /// Version of the store's schema.
    pub schema: u32,
    /// The slot this image runs from; absent where there are no slots.
    pub slot: Option<String>,
    /// Whether everything works as it should.
    pub healthy: bool,
    /// Why not, one sentence each, with what to do.
    pub reasons: Vec<String>,
    /// Whether `serve` is running; the rest is read from the store when it is not.
    pub running: bool,
    /// The id of this box.
    pub device_id: String,
    /// When `serve` started.
    #[serde(with = "time::serde::rfc3339::option")]
    pub started_at: Option<OffsetDateTime>,
    /// The language model.
    pub model: ModelStatus,
    /// What came in.
    pub ingest: IngestStatus,
    /// What is kept.
    pub store: StoreStatus,
    /// Incidents that are open.
    pub open_incidents: u64,
    /// Tickets by state.
    pub tickets: BTreeMap<String, u64>,
    /// Quick checks of the hardware.
    pub hardware: Vec<HardwareCheck>,
}

/// How the language model is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ModelStatus {
    /// Up, or why screen and rules answer alone.
    pub state: ModelState,
    /// Why it is not up, and what to do.
    pub detail: Option<String>,
    /// The bundle.
    pub bundle: Option<String>,
    /// Questions answered since start.
    pub answered: u64,
    /// Starts of the worker after the first.
    pub restarts: u64,
}

/// What came in since start: `received` = stored + the sum of `dropped` (+ what is on its way).
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct IngestStatus {
    /// Addresses listened on, such as `udp 127.0.0.1:5514`.
    pub listening: Vec<String>,
    /// Frames received.
    pub received: u64,
    /// Lines stored.
    pub stored: u64,
    /// Frames dropped, by reason.
    pub dropped: BTreeMap<String, u64>,
    /// Datagrams that wait on the disk, or did.
    #[serde(default)]
    pub spool: SpoolStatus,
    /// By source.
    pub sources: Vec<SourceStatus>,
}

/// Datagrams for which the disk was the waiting room, because more came than could be stored.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SpoolStatus {
    /// Those that wait now.
    pub waiting: u64,
    /// Those that had to wait since the start.
    pub written: u64,
    /// Those that the process before had left.
    pub found: u64,
}

/// One sender.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SourceStatus {
    /// Its address.
    pub address: String,
    /// Frames received since start.
    pub received: u64,
    /// Lines in the store.
    pub stored: u64,
    /// Frames dropped since start, by reason.
    pub dropped: BTreeMap<String, u64>,
    /// Share of its stored lines that a device decoder knew, in percent.
    pub parsed_percent: f32,
    /// The beginning of its last line that none knew.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unparsed_sample: Option<String>,
    /// When it was last heard.
    #[serde(with = "time::serde::rfc3339::option")]
    pub last_seen: Option<OffsetDateTime>,
}

/// What is kept.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct StoreStatus {
    /// Lines.
    pub events: u64,
    /// Lines not yet triaged.
    pub waiting: u64,
    /// Bytes on disk.
    pub bytes: u64,
    /// Time of the oldest line.
    #[serde(with = "time::serde::rfc3339::option")]
    pub oldest: Option<OffsetDateTime>,
    /// Time of the newest line.
    #[serde(with = "time::serde::rfc3339::option")]
    pub newest: Option<OffsetDateTime>,
    /// When the retention limit will be reached at this rate, in words.
    pub forecast: Option<String>,
}

/// One quick check of the hardware.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HardwareCheck {
    /// What was checked.
    pub name: String,
    /// Good or not.
    pub state: CheckState,
    /// What was found, with units.
    pub detail: String,
}
