use serde::{Deserialize, Serialize};

/// Syslog facility (RFC 5424, section 6.2.1, table 1): 0 to 23.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Facility(u8);

impl Facility {
    /// The facility with this code, or `None` above 23.
    pub fn from_code(code: u8) -> Option<Self> {
        (code <= 23).then_some(Self(code))
    }

    /// The numeric code, 0 to 23.
    pub fn code(self) -> u8 {
        self.0
    }
}

/// Syslog severity (RFC 5424, section 6.2.1, table 2); what the sender thought of its line, not what
/// triage thinks of it ([`crate::Severity`]).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[repr(u8)]
#[expect(missing_docs, reason = "the names are the RFC's")]
pub enum SyslogSeverity {
    Emergency = 0,
    Alert = 1,
    Critical = 2,
    Error = 3,
    Warning = 4,
    Notice = 5,
    Informational = 6,
    Debug = 7,
}

impl SyslogSeverity {
    /// All severities by code.
    pub const ALL: [Self; 8] = [
        Self::Emergency,
        Self::Alert,
        Self::Critical,
        Self::Error,
        Self::Warning,
        Self::Notice,
        Self::Informational,
        Self::Debug,
    ];

    /// The severity with this code, or `None` above 7.
    pub fn from_code(code: u8) -> Option<Self> {
        Self::ALL.get(usize::from(code)).copied()
    }

    /// The numeric code, 0 (emergency) to 7 (debug).
    pub fn code(self) -> u8 {
        self as u8
    }
}
