//! One entry of the journal as JSON (systemd.journal-fields(7)), and as a line of RFC 5424.

use serde::Deserialize;
use time::OffsetDateTime;
use time::macros::format_description;

/// What is asked of `journalctl`; cursor and time come unasked.
pub(super) const FIELDS: &str =
    "MESSAGE,PRIORITY,SYSLOG_FACILITY,SYSLOG_IDENTIFIER,SYSLOG_PID,_COMM,_PID,_HOSTNAME";

/// What names no facility is a daemon's, and no severity is a notice of no weight; journald holds it so
/// too.
const DEFAULT_FACILITY: u8 = 3;
const DEFAULT_SEVERITY: u8 = 6;

/// Longest names in a header (RFC 5424, section 6).
const HOST_MAX: usize = 255;
const APP_MAX: usize = 48;
const PROCESS_MAX: usize = 128;

#[derive(Deserialize)]
pub(super) struct Entry {
    #[serde(rename = "__CURSOR")]
    pub(super) cursor: String,
    #[serde(rename = "__REALTIME_TIMESTAMP")]
    microseconds: Option<String>,
    #[serde(rename = "MESSAGE")]
    message: Option<Value>,
    #[serde(rename = "PRIORITY")]
    priority: Option<Value>,
    #[serde(rename = "SYSLOG_FACILITY")]
    facility: Option<Value>,
    #[serde(rename = "SYSLOG_IDENTIFIER")]
    identifier: Option<Value>,
    #[serde(rename = "_COMM")]
    command: Option<Value>,
    #[serde(rename = "SYSLOG_PID")]
    process: Option<Value>,
    #[serde(rename = "_PID")]
    true_process: Option<Value>,
    #[serde(rename = "_HOSTNAME")]
    host: Option<Value>,
}

/// A field is text, bytes where it is no text, or several of them.
#[derive(Deserialize)]
#[serde(untagged)]
enum Value {
    Text(String),
    Bytes(Vec<u8>),
    Several(Vec<Value>),
}

impl Value {
    fn bytes(&self) -> &[u8] {
        match self {
            Self::Text(text) => text.as_bytes(),
            Self::Bytes(bytes) => bytes,
            Self::Several(values) => values.first().map_or(b"", Self::bytes),
        }
    }
}

impl Entry {
    pub(super) fn read(json: &[u8]) -> serde_json::Result<Self> {
        serde_json::from_slice(json)
    }

    /// `<PRI>1 TIME HOST APP PROCESS - - MESSAGE`.
    pub(super) fn line(&self) -> Vec<u8> {
        let priority = number(self.facility.as_ref(), 23).unwrap_or(DEFAULT_FACILITY) * 8
            + number(self.priority.as_ref(), 7).unwrap_or(DEFAULT_SEVERITY);
        let app = name(&[self.identifier.as_ref(), self.command.as_ref()], APP_MAX);
        let process = name(&[self.process.as_ref(), self.true_process.as_ref()], PROCESS_MAX);
        let host = name(&[self.host.as_ref()], HOST_MAX);
        let time = self.time().unwrap_or_else(|| "-".to_owned());
        let mut line = format!("<{priority}>1 {time} {host} {app} {process} - - ").into_bytes();
        line.extend_from_slice(self.message.as_ref().map_or(b"", Value::bytes));
        line
    }

    fn time(&self) -> Option<String> {
        let microseconds: i128 = self.microseconds.as_ref()?.parse().ok()?;
        let at =
            OffsetDateTime::from_unix_timestamp_nanos(microseconds.checked_mul(1_000)?).ok()?;
        let form = format_description!(
            "[year]-[month]-[day]T[hour]:[minute]:[second].[subsecond digits:6]Z"
        );
        at.format(form).ok()
    }
}

fn number(value: Option<&Value>, most: u8) -> Option<u8> {
    let number: u8 = std::str::from_utf8(value?.bytes()).ok()?.trim().parse().ok()?;
    (number <= most).then_some(number)
}

/// The first that there is, as a header can hold it: printable, without a space.
fn name(values: &[Option<&Value>], most: usize) -> String {
    let bytes = values.iter().flatten().map(|value| value.bytes()).find(|bytes| !bytes.is_empty());
    let Some(bytes) = bytes else { return "-".to_owned() };
    let printable = |byte: &u8| if byte.is_ascii_graphic() { char::from(*byte) } else { '_' };
    bytes.iter().take(most).map(printable).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_become_lines_of_rfc_5424() {
        for (json, expected) in [
            (
                r#"{"__CURSOR":"s=1","__REALTIME_TIMESTAMP":"1700000000123456","MESSAGE":"Accepted password","PRIORITY":"6","SYSLOG_FACILITY":"10","SYSLOG_IDENTIFIER":"sshd","_PID":"812","_HOSTNAME":"box"}"#,
                "<86>1 2023-11-14T22:13:20.123456Z box sshd 812 - - Accepted password",
            ),
            (
                r#"{"__CURSOR":"s=2","MESSAGE":[104,105,255],"_COMM":"my prog"}"#,
                "<30>1 - - my_prog - - - hi\u{fffd}",
            ),
            (
                r#"{"__CURSOR":"s=3","MESSAGE":["two","values"],"PRIORITY":"9","SYSLOG_FACILITY":"x","SYSLOG_IDENTIFIER":""}"#,
                "<30>1 - - - - - - two",
            ),
            (r#"{"__CURSOR":"s=4","MESSAGE":null}"#, "<30>1 - - - - - - "),
            (
                r#"{"__CURSOR":"s=5","__REALTIME_TIMESTAMP":"99999999999999999999999999999999999999"}"#,
                "<30>1 - - - - - - ",
            ),
        ] {
            let line = Entry::read(json.as_bytes()).unwrap().line();
            assert_eq!(String::from_utf8_lossy(&line), expected, "{json}");
        }
        assert!(Entry::read(b"{\"MESSAGE\":\"no cursor\"}").is_err());
        assert!(Entry::read(b"{\"__CURSOR\":\"s=1\",\"MESS").is_err());
    }
}
