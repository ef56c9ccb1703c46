use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

/// What a check found.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// The machine does not tell, or has no such part.
    NotApplicable,
    /// As it should be.
    Ok,
    /// Works, but somebody should look.
    Warn,
    /// The appliance cannot do its work like this.
    Fail,
}

/// Which check.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CheckName {
    /// How long the disk takes to make a write last.
    WriteLatency,
    /// Room left for the state.
    FreeSpace,
    /// Memory there is and memory left.
    Memory,
    /// Whether the clock can be right at all.
    Clock,
    /// Whether the clock is kept by a time service.
    ClockSync,
    /// Whether a disk wears out or has failed; one check a disk that tells.
    DiskHealth,
}

impl CheckName {
    /// Every check, in the order they are run.
    pub const ALL: &[Self] = &[
        Self::WriteLatency,
        Self::FreeSpace,
        Self::Memory,
        Self::Clock,
        Self::ClockSync,
        Self::DiskHealth,
    ];

    /// The name in JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::WriteLatency => "write_latency",
            Self::FreeSpace => "free_space",
            Self::Memory => "memory",
            Self::Clock => "clock",
            Self::ClockSync => "clock_sync",
            Self::DiskHealth => "disk_health",
        }
    }
}

impl fmt::Display for CheckName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// The outcome of one check.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Check {
    /// Which.
    pub name: CheckName,
    /// What it found.
    pub state: State,
    /// One sentence for a person; says what to do where `state` is worse than ok.
    pub detail: String,
    /// What was measured, by quantity and unit (`median_ms`, `free_bytes`).
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub values: BTreeMap<String, f64>,
}

impl Check {
    pub(crate) fn new(name: CheckName, state: State, detail: impl Into<String>) -> Self {
        Self { name, state, detail: detail.into(), values: BTreeMap::new() }
    }

    pub(crate) fn with(mut self, quantity: &str, value: f64) -> Self {
        self.values.insert(quantity.to_owned(), value);
        self
    }
}

/// `Fail` below the first threshold, `Warn` below the second.
pub(crate) fn grade(value: u64, fail_below: u64, warn_below: u64) -> State {
    match value {
        _ if value < fail_below => State::Fail,
        _ if value < warn_below => State::Warn,
        _ => State::Ok,
    }
}

/// Bytes for a person: `3.2 GiB`.
pub(crate) fn readable(bytes: u64) -> String {
    const UNITS: [&str; 4] = ["KiB", "MiB", "GiB", "TiB"];
    let mut amount = bytes as f64;
    let mut readable = format!("{bytes} bytes");
    for unit in UNITS {
        if amount < 1_024.0 {
            break;
        }
        amount /= 1_024.0;
        readable = format!("{amount:.1} {unit}");
    }
    readable
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_read_well() {
        for (bytes, text) in [
            (0, "0 bytes"),
            (1_023, "1023 bytes"),
            (1_024, "1.0 KiB"),
            (3_435_973_837, "3.2 GiB"),
            (1 << 50, "1024.0 TiB"),
        ] {
            assert_eq!(readable(bytes), text);
        }
    }

    #[test]
    fn names_are_those_of_the_json() {
        for name in CheckName::ALL {
            assert_eq!(serde_json::to_value(name).unwrap(), name.as_str());
        }
    }
}
