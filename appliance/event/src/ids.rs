use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// The number the store gives a log line when it commits it: never reused, ascending in commit order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct EventId(pub u64);

impl fmt::Display for EventId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// The number of an incident on this box; written `INC-7` wherever a person or another system sees it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct IncidentId(pub u64);

impl fmt::Display for IncidentId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "INC-{}", self.0)
    }
}

impl FromStr for IncidentId {
    type Err = ParseIdError;

    /// Accepts `INC-7`, `inc-7` and `7`.
    fn from_str(text: &str) -> Result<Self, ParseIdError> {
        let digits = match text.get(..4) {
            Some(prefix) if prefix.eq_ignore_ascii_case("inc-") => &text[4..],
            _ => text,
        };
        digits.parse().map(Self).map_err(|_| ParseIdError { text: text.to_owned() })
    }
}

impl Serialize for IncidentId {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for IncidentId {
    /// An incident written by another system may carry any id, or none: what is not ours reads as 0.
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(untagged)]
        enum Foreign {
            Number(u64),
            Text(String),
            Other(serde::de::IgnoredAny),
        }
        Ok(match Foreign::deserialize(deserializer)? {
            Foreign::Number(number) => Self(number),
            Foreign::Text(text) => text.parse().unwrap_or_default(),
            Foreign::Other(_) => Self::default(),
        })
    }
}

/// A text that names no incident.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ParseIdError {
    text: String,
}

impl fmt::Display for ParseIdError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?} is not an incident id (write INC-7 or 7)", self.text)
    }
}

impl std::error::Error for ParseIdError {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn incident_ids_read_back_as_written() {
        for (text, expected) in [
            ("INC-7", Some(7)),
            ("inc-7", Some(7)),
            ("7", Some(7)),
            ("INC-", None),
            ("é-7", None),
            ("", None),
        ] {
            assert_eq!(text.parse::<IncidentId>().ok(), expected.map(IncidentId), "{text:?}");
        }
        assert_eq!(IncidentId(7).to_string(), "INC-7");
    }
}
