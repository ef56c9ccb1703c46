use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How long a log line waits at most for others to share its commit: what was received earlier than
/// this survives a power cut.
const COMMIT_INTERVAL: Duration = Duration::from_millis(100);

/// `[retention]`: how long log lines are kept. What is older or over the size goes, oldest first;
/// incidents, tickets and the audit log stay.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct Retention {
    /// Days a log line is kept after it was received. Default: 30.
    pub days: u32,
    /// Size of the store in bytes above which the oldest log lines are deleted.
    /// Default: 20000000000 (20 GB).
    pub max_bytes: u64,
}

impl Default for Retention {
    fn default() -> Self {
        Self { days: 30, max_bytes: 20_000_000_000 }
    }
}

/// What a store is opened with.
#[derive(Clone, Debug)]
pub struct Options {
    /// How long log lines are kept.
    pub retention: Retention,
    /// Longest wait of a record before its group commit (default 100 ms).
    pub commit_interval: Duration,
}

impl Default for Options {
    fn default() -> Self {
        Self { retention: Retention::default(), commit_interval: COMMIT_INTERVAL }
    }
}
