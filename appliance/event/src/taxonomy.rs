use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// A name that is in none of the fixed lists.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ParseTaxonomyError {
    what: &'static str,
    text: String,
}

impl ParseTaxonomyError {
    pub(crate) fn new(what: &'static str, text: &str) -> Self {
        Self { what, text: text.to_owned() }
    }
}

impl fmt::Display for ParseTaxonomyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?} is not a {}", self.text, self.what)
    }
}

impl std::error::Error for ParseTaxonomyError {}

macro_rules! fixed_list {
    ($(#[$doc:meta])* $name:ident, $what:literal, $( $(#[$variant_doc:meta])* $variant:ident = $text:literal ),+ $(,)?) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        pub enum $name {
            $( $(#[$variant_doc])* #[serde(rename = $text)] $variant, )+
        }

        impl $name {
            /// Every value, in declaration order.
            pub const ALL: &[Self] = &[$(Self::$variant),+];

            /// The name in JSON, configuration and metrics.
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $text),+ }
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(self.as_str())
            }
        }

        impl FromStr for $name {
            type Err = ParseTaxonomyError;

            fn from_str(text: &str) -> Result<Self, ParseTaxonomyError> {
                Self::ALL.iter().copied().find(|value| value.as_str() == text)
                    .ok_or_else(|| ParseTaxonomyError::new($what, text))
            }
        }
    };
}
pub(crate) use fixed_list;

fixed_list! {
    /// What kind of threat a line or an incident is.
    ThreatClass, "threat class",
    /// No threat.
    Benign = "benign",
    /// Scanning and probing.
    Reconnaissance = "reconnaissance",
    /// Guessing of credentials, by list or by stuffing.
    BruteForce = "brute_force",
    /// Attacks carried in an HTTP request: injection, cross-site scripting, traversal, inclusion.
    WebAttack = "web_attack",
    /// Use of a vulnerability other than those of [`ThreatClass::WebAttack`].
    Exploitation = "exploitation",
    /// Mail or pages that lure people.
    Phishing = "phishing",
    /// Malicious software other than ransomware.
    Malware = "malware",
    /// Encryption for extortion and what directly prepares it.
    Ransomware = "ransomware",
    /// Gaining higher rights.
    PrivilegeEscalation = "privilege_escalation",
    /// Staying in.
    Persistence = "persistence",
    /// Hiding, disabling of defences, clearing of logs.
    DefenseEvasion = "defense_evasion",
    /// Moving from host to host.
    LateralMovement = "lateral_movement",
    /// Talking to the attacker's servers.
    CommandAndControl = "command_and_control",
    /// Taking data out.
    Exfiltration = "exfiltration",
    /// Making a service unavailable.
    DenialOfService = "denial_of_service",
    /// Against the house rules, not an attack by itself.
    PolicyViolation = "policy_violation",
}

fixed_list! {
    /// How bad it is, as triage grades it (the sender's own grade is [`crate::SyslogSeverity`]).
    Severity, "severity",
    /// Nothing to do.
    Informational = "informational",
    /// Look when there is time.
    Low = "low",
    /// Look this week.
    Medium = "medium",
    /// Look today.
    High = "high",
    /// Look now.
    Critical = "critical",
}

/// An ATT&CK Enterprise technique, `T1110` or `T1110.001`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TechniqueId {
    number: u16,
    /// Sub-technique, 1 to 999; 0 where there is none.
    sub: u16,
}

impl TechniqueId {
    /// The technique without its sub-technique.
    pub fn parent(self) -> Self {
        Self { number: self.number, sub: 0 }
    }

    /// Whether this is a sub-technique.
    pub fn is_sub(self) -> bool {
        self.sub != 0
    }
}

impl FromStr for TechniqueId {
    type Err = ParseTaxonomyError;

    fn from_str(text: &str) -> Result<Self, ParseTaxonomyError> {
        let digits = |part: &str, length: usize| {
            (part.len() == length && part.bytes().all(|byte| byte.is_ascii_digit()))
                .then(|| part.parse::<u16>().ok())
                .flatten()
        };
        let parse = || {
            let (number, sub) = match text.strip_prefix('T')?.split_once('.') {
                Some((number, sub)) => (number, digits(sub, 3).filter(|sub| *sub != 0)?),
                None => (&text[1..], 0),
            };
            Some(Self { number: digits(number, 4)?, sub })
        };
        parse().ok_or_else(|| ParseTaxonomyError::new("technique id", text))
    }
}

impl fmt::Display for TechniqueId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "T{:04}", self.number)?;
        if self.is_sub() {
            write!(f, ".{:03}", self.sub)?;
        }
        Ok(())
    }
}

impl fmt::Debug for TechniqueId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Serialize for TechniqueId {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for TechniqueId {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn technique_ids_read_back_as_written() {
        for (text, valid) in [
            ("T1110", true),
            ("T1110.001", true),
            ("T0001", true),
            ("T1110.000", false),
            ("T110", false),
            ("t1110", false),
            ("T1110.01", false),
            ("T+110", false),
            ("T", false),
            ("", false),
        ] {
            let parsed = text.parse::<TechniqueId>();
            assert_eq!(parsed.is_ok(), valid, "{text:?}");
            if let Ok(id) = parsed {
                assert_eq!(id.to_string(), text);
            }
        }
    }
}
