//! How a line travels: bare, behind a header, inside JSON, by way of a relay.

use std::str::FromStr;

use anyhow::{Error, bail};
use rand::RngExt;
use rand_chacha::ChaCha8Rng;
use time::OffsetDateTime;

use super::clock::written;
use super::values::made;

/// A way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Envelope {
    /// Nothing around it.
    Bare,
    /// RFC 3164: time, host, tag.
    Syslog,
    /// RFC 3164 without a tag: the product's own text after time and host.
    Header,
    /// RFC 5424.
    Rfc5424,
    /// A field of a forwarder's JSON.
    Json,
}

impl Envelope {
    /// Where a product says nothing.
    pub(super) const USUAL: [Self; 5] =
        [Self::Bare, Self::Syslog, Self::Syslog, Self::Rfc5424, Self::Json];

    /// The line in its envelope.
    pub(super) fn around(self, line: &str, sender: &Sender<'_>, random: &mut ChaCha8Rng) -> String {
        let written = |slot| written(slot, sender.at).expect("these are times");
        let Sender { host, program, .. } = sender;
        let id = match random.random_range(0..3) {
            0 => String::new(),
            _ => format!("[{}]", made("pid", random).unwrap_or_default()),
        };
        let priority = match random.random_range(0..3) {
            0 => format!("<{}>", random.random_range(0..192)),
            _ => String::new(),
        };
        match self {
            Self::Bare => line.to_owned(),
            Self::Syslog if random.random_range(0..12) == 0 => {
                // A relay that puts its own header before the sender's.
                format!(
                    "{priority}{} relay {} {host} {program}{id}: {line}",
                    written("iso"),
                    written("time")
                )
            }
            Self::Syslog if random.random_range(0..5) == 0 => {
                format!("{priority}{} {host} {program}{id}: {line}", written("iso_us"))
            }
            Self::Syslog => format!("{priority}{} {host} {program}{id}: {line}", written("time")),
            Self::Header => format!("{priority}{} {host} {line}", written("time")),
            Self::Rfc5424 => {
                let process = if id.is_empty() { "-" } else { id.trim_matches(['[', ']']) };
                let priority = if priority.is_empty() { "<134>" } else { &priority };
                format!("{priority}1 {} {host} {program} {process} - - {line}", written("iso_ms"))
            }
            Self::Json => {
                let message = serde_json::Value::from(line);
                let iso = written("iso_ms");
                if random.random_range(0..2) == 0 {
                    format!(
                        r#"{{"@timestamp":"{iso}","host":{{"name":"{host}"}},"message":{message},"process":{{"name":"{program}"}}}}"#
                    )
                } else {
                    format!(
                        r#"{{"time":"{iso}","hostname":"{host}","ident":"{program}","log":{message}}}"#
                    )
                }
            }
        }
    }
}

/// Who sends a line and when.
pub(super) struct Sender<'a> {
    /// The machine.
    pub host: String,
    /// The syslog tag.
    pub program: &'a str,
    /// The moment.
    pub at: OffsetDateTime,
}

impl FromStr for Envelope {
    type Err = Error;

    fn from_str(name: &str) -> Result<Self, Error> {
        Ok(match name {
            "bare" => Self::Bare,
            "syslog" => Self::Syslog,
            "header" => Self::Header,
            "rfc5424" => Self::Rfc5424,
            "json" => Self::Json,
            other => bail!("`{other}` is no envelope: bare, syslog, header, rfc5424 or json"),
        })
    }
}
