use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;
use std::net::SocketAddr;

use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

use crate::{Facility, SyslogSeverity};

/// How a frame reached the box.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[expect(missing_docs, reason = "the names say it")]
pub enum Transport {
    Udp,
    Tcp,
    Tls,
    Relp,
    Unix,
    File,
}

impl Transport {
    /// Every transport, in the order of the metrics page.
    pub const ALL: [Self; 6] =
        [Self::Udp, Self::Tcp, Self::Tls, Self::Relp, Self::Unix, Self::File];

    /// The name in metrics, configuration and JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Udp => "udp",
            Self::Tcp => "tcp",
            Self::Tls => "tls",
            Self::Relp => "relp",
            Self::Unix => "unix",
            Self::File => "file",
        }
    }
}

/// Who sent a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Peer {
    /// A network sender.
    Network(SocketAddr),
    /// A process on the box, a replayed file, or standard input.
    Local,
}

/// What was wrong with a line. A record is made all the same: decoding never fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Defect {
    /// The bytes are not UTF-8; the message text replaces what is not.
    InvalidUtf8,
    /// No `<PRI>` in front.
    MissingPriority,
    /// A `<PRI>` above 191 or not a number.
    InvalidPriority,
    /// No timestamp that could be read.
    MissingTimestamp,
    /// The frame was longer than the cap and was cut there.
    Truncated,
    /// The line looks like a known device's but its fields did not parse.
    DeviceFields,
    /// A NUL or other control character inside.
    ControlCharacters,
    /// Its sender had sent it before and never heard that it was safe: very likely the same line, stored
    /// a second time. Triage does not judge it again.
    Repeated,
}

/// Fields of a record under Elastic Common Schema names (`source.ip`, `user.name`), values as text.
#[derive(Clone, Default)]
pub struct Fields {
    /// In order of the names: a record has a dozen, for which a tree is dear.
    sorted: Vec<Field>,
    /// The values, one behind the other: one allocation instead of a dozen.
    values: String,
}

/// A name, and where its value stands.
#[derive(Clone)]
struct Field {
    name: Cow<'static, str>,
    start: usize,
    end: usize,
}

/// Fields that most records stay below, so that the list grows once.
const USUAL_FIELDS: usize = 16;

/// Bytes of values that most records stay below, likewise.
const USUAL_BYTES: usize = 256;

impl Fields {
    /// Sets a field, unless the value is empty or a bare `-` (how most formats write "none").
    pub fn set(&mut self, name: impl Into<Cow<'static, str>>, value: impl AsRef<str>) {
        let (name, value) = (name.into(), value.as_ref());
        if value.is_empty() || value == "-" {
            return;
        }
        let start = self.values.len();
        if self.sorted.capacity() == 0 {
            self.sorted.reserve(USUAL_FIELDS);
            self.values.reserve(USUAL_BYTES);
        }
        // A value that is replaced stays behind unread: that is rare.
        self.values.push_str(value);
        let end = self.values.len();
        match self.sorted.binary_search_by(|field| field.name.as_ref().cmp(&name)) {
            Ok(index) => (self.sorted[index].start, self.sorted[index].end) = (start, end),
            Err(index) => self.sorted.insert(index, Field { name, start, end }),
        }
    }

    /// The value of a field.
    pub fn get(&self, name: &str) -> Option<&str> {
        // Most names differ in length already: cheaper than the comparisons of a binary search.
        self.sorted.iter().find(|field| field.name.as_ref() == name).map(|field| self.value(field))
    }

    fn value(&self, field: &Field) -> &str {
        &self.values[field.start..field.end]
    }

    /// All fields in name order.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.sorted.iter().map(|field| (field.name.as_ref(), self.value(field)))
    }

    /// How many fields there are.
    pub fn len(&self) -> usize {
        self.sorted.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.sorted.is_empty()
    }
}

impl PartialEq for Fields {
    fn eq(&self, other: &Self) -> bool {
        self.iter().eq(other.iter())
    }
}

impl Eq for Fields {}

impl fmt::Debug for Fields {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(self.iter()).finish()
    }
}

impl Serialize for Fields {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.iter())
    }
}

impl<'de> Deserialize<'de> for Fields {
    /// In any order, as another version may have written them.
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let mut fields = Self::default();
        for (name, value) in BTreeMap::<String, String>::deserialize(deserializer)? {
            fields.set(name, value);
        }
        Ok(fields)
    }
}

/// One log line as received and as understood.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LogRecord {
    /// The frame byte for byte: PRI included, transport framing and one trailing LF or CRLF left off.
    pub raw: Vec<u8>,
    /// When the box received it.
    #[serde(with = "time::serde::rfc3339")]
    pub received_at: OffsetDateTime,
    /// Who sent it.
    pub peer: Peer,
    /// How it came.
    pub transport: Transport,
    /// Facility from the PRI.
    pub facility: Option<Facility>,
    /// Severity from the PRI.
    pub severity: Option<SyslogSeverity>,
    /// The time in the line, if there is one that can be read.
    #[serde(with = "time::serde::rfc3339::option")]
    pub timestamp: Option<OffsetDateTime>,
    /// Host name in the header.
    pub host: Option<String>,
    /// Application name or tag in the header.
    pub app: Option<String>,
    /// Process id in the header.
    pub proc_id: Option<String>,
    /// Message id in the header (RFC 5424).
    pub msg_id: Option<String>,
    /// The message part as text: what triage reads. Invalid UTF-8 is replaced.
    pub message: String,
    /// Byte offset in `raw` where the message part begins.
    pub message_offset: usize,
    /// The decoder that knew the line (`sshd`, `fortigate`), `None` when only the generic one did.
    pub dataset: Option<Cow<'static, str>>,
    /// What the decoders read out of it.
    pub fields: Fields,
    /// What was wrong with it.
    pub defects: Vec<Defect>,
}

impl LogRecord {
    /// The time the line speaks of: its own, else when it came.
    pub fn occurred_at(&self) -> OffsetDateTime {
        self.timestamp.unwrap_or(self.received_at)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_sorted_and_replaced_by_name() {
        let mut fields = Fields::default();
        for (name, value) in [("b", "1"), ("a", "2"), ("c", "-"), ("b", "3"), ("d", "")] {
            fields.set(name, value);
        }
        assert_eq!(fields.iter().collect::<Vec<_>>(), [("a", "2"), ("b", "3")]);
        assert_eq!((fields.get("b"), fields.get("c"), fields.len()), (Some("3"), None, 2));
    }
}
