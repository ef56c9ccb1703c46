//! What lines of evidence show of how an incident goes on: stopped, succeeded, routine, fault.
//!
//! Senders choose parts of many lines. What speaks for harm is therefore looked for everywhere, what
//! speaks against it only where the device itself writes: outside quoted text, and in those JSON values
//! that devices fill.

use std::net::IpAddr;

use serde_json::Value;
use vedette_event::{EntityKind, Incident};

/// Bytes of a line that are read; the telling part stands near the beginning.
const MOST_LINE_BYTES: usize = 4_096;
/// Parts of the names of keys whose values devices fill.
const DEVICE_KEYS: [&str; 18] = [
    "action",
    "channel",
    "decision",
    "description",
    "disposition",
    "error",
    "event",
    "message",
    "operation",
    "outcome",
    "provider",
    "reason",
    "response",
    "result",
    "state",
    "status",
    "type",
    "verdict",
];

/// What devices write of what they turned away, removed or locked.
const STOPPED: [&str; 30] = [
    "always_nxdomain",
    "ban",
    "banned",
    "block",
    "blocked",
    "blocking",
    "cleaned",
    "cleanedup",
    "denied",
    "deny",
    "discarded",
    "discardedinbound",
    "disinfected",
    "drop",
    "dropped",
    "forbidden",
    "mitigated",
    "nxdomain",
    "prevented",
    "prevention",
    "quarantine",
    "quarantined",
    "rej",
    "reject",
    "rejected",
    "remove",
    "removed",
    "sinkhole",
    "terminate",
    "terminated",
];
const STOPPED_PHRASES: [&[&str]; 1] = [&["locked out"]];
/// A device tried and could not, or did not try.
const STOP_FAILED: [&[&str]; 9] = [
    &["action failed"],
    &["unable to"],
    &["access is denied"],
    &["left alone"],
    &["failed to remediate"],
    &["failed to remove"],
    &["failed to clean"],
    &["failed to quarantine"],
    &["failed to block"],
];
/// Words before one of those that turn it round.
const NEGATIONS: [&str; 5] = ["not", "no", "never", "cannot", "un"];
/// A device that let something pass stopped nothing, whatever else it writes.
const LET_THROUGH: [&str; 5] = ["accept", "allow", "allowed", "permitted", "pass"];
/// A sign-in that failed.
const FAILURES: [&[&str]; 15] = [
    &["failed password"],
    &["auth failed"],
    &["authentication", "fail"],
    &["verification failed"],
    &["invalid credentials"],
    &["invalid user"],
    &["login failed"],
    &["fail login"],
    &["logon failure"],
    &["eventid=4625"],
    &["eventid=4771"],
    &["eventid=4776"],
    &["failed to log in"],
    &["session.start", "result=failure"],
    &["authentication", "result=den"],
];
/// A sign-in that succeeded.
const SUCCESSES: [&[&str]; 12] = [
    &["accepted "],
    &["eventid=4624"],
    &["eventid=4672"],
    &["authentication succeeded"],
    &["login succe"],
    &["ok login"],
    &["logged in"],
    &["session opened"],
    &["authenticated as"],
    &["eap successful"],
    &["session.start", "result=success"],
    &["authentication", "result=success"],
];
/// An account that was made.
const NEW_ACCOUNTS: [&[&str]; 2] = [&["eventid=4720"], &["new user:"]];
/// A sensor noticed something and says nothing of what became of it.
const NOTICES: [&[&str]; 3] = [&["eventid=1116"], &[" found"], &["query["]];
/// What routine does not do.
const HARM: [&[&str]; 20] = [
    &["vssadmin", "delete"],
    &["wbadmin", "delete"],
    &["shadowcopy", "delete"],
    &["recoveryenabled", "no"],
    &["powershell", "-enc"],
    &["downloadstring"],
    &["/dev/tcp/"],
    &["curl", "| sh"],
    &["rclone", "copy"],
    &["mimikatz"],
    &["lsass", ".dmp"],
    &["audit log was cleared"],
    &["disablerealtimemonitoring"],
    &["psexesvc"],
    &["w3wp.exe"],
    &["www-data", "user=root"],
    &["domain admins"],
    &["new-inboxrule", "forwardto"],
    &["\\temp\\", ".exe"],
    &["rename|ok", ".locked"],
];
/// Programs and words of work that administrators arrange: scanners, backup, rollout, monitoring.
const ROUTINE: [&str; 37] = [
    "acronis",
    "acunetix",
    "ansible",
    "bacula",
    "bareos",
    "blackbox",
    "borg",
    "chef",
    "freshclam",
    "greenbone",
    "gvm",
    "healthcheck",
    "healthchecker",
    "icinga",
    "intune",
    "msiinstaller",
    "nagios",
    "nessus",
    "openvas",
    "prometheus",
    "prtg",
    "puppet",
    "qualys",
    "rapid7",
    "restic",
    "rsync",
    "salt",
    "sccm",
    "signatureupdate",
    "telegraf",
    "tenable",
    "unattended",
    "veeam",
    "vmotion",
    "windowsupdateclient",
    "wsus",
    "zabbix",
];
/// The same in more words; `backup` alone may be an account.
const ROUTINE_PHRASES: [&[&str]; 9] = [
    &["backup", "finished"],
    &["backup ok"],
    &["backup of "],
    &["creating archive"],
    &["deployment", "completed"],
    &["update", "completed"],
    &["signature version"],
    &["installation successful"],
    &["azure ad connect"],
];
/// Something is set wrong or worn out.
const FAULTS: [&[&str]; 22] = [
    &["expired"],
    &["0xc0000071"],
    &["clock skew"],
    &["out of date"],
    &["out of memory"],
    &["secret", "incorrect"],
    &["incorrect community"],
    &["duplicate"],
    &["table full"],
    &["service account"],
    &["no server"],
    &["timeout"],
    &["timed out"],
    &["unreachable"],
    &["cannot resolve"],
    &["not known"],
    &["no space left"],
    &["misconfigur"],
    &["mismatch"],
    &["too many"],
    &["can't synchroni"],
    &["flapping"],
];

/// A line as the rules see it.
pub(crate) struct Reading {
    /// All of it, in lower case.
    all: String,
    /// What only the device wrote, in lower case.
    device: String,
}

impl Reading {
    pub(crate) fn new(line: &str) -> Self {
        let line = &line[..line.floor_char_boundary(MOST_LINE_BYTES)];
        let device = device_json(line).unwrap_or_else(|| without_quotes(line));
        Self { all: line.to_lowercase(), device: device.to_lowercase() }
    }

    /// Turned away, removed or locked by a device.
    pub(crate) fn is_stopped(&self) -> bool {
        !any(&self.device, &STOP_FAILED)
            && !says(&self.device, &LET_THROUGH)
            && (says(&self.device, &STOPPED) || any(&self.device, &STOPPED_PHRASES))
    }

    /// A sign-in that failed.
    pub(crate) fn is_failure(&self) -> bool {
        any(&self.device, &FAILURES)
    }

    /// A sign-in that succeeded.
    pub(crate) fn is_success(&self) -> bool {
        any(&self.device, &SUCCESSES)
    }

    /// An account that was made: by whom it should have been, no line can tell.
    pub(crate) fn is_new_account(&self) -> bool {
        any(&self.device, &NEW_ACCOUNTS)
    }

    /// A sensor noticed something and says nothing of what became of it.
    pub(crate) fn is_notice(&self) -> bool {
        any(&self.device, &NOTICES)
    }

    /// Something that routine does not do, wherever in the line it stands.
    pub(crate) fn is_harm(&self) -> bool {
        any(&self.device, &STOP_FAILED) || any(&self.all, &HARM)
    }

    /// Work that administrators arrange. A sender inside may write so; one outside is not believed.
    pub(crate) fn is_routine(&self) -> bool {
        has_word(&self.all, &ROUTINE) || any(&self.all, &ROUTINE_PHRASES)
    }

    /// Something is set wrong or worn out.
    pub(crate) fn is_fault(&self) -> bool {
        any(&self.all, &FAULTS)
    }

    /// Whether both say the same but for numbers.
    pub(crate) fn same_as(&self, other: &Self) -> bool {
        let words = |line: &str| {
            let parts = line.split(|letter: char| !letter.is_alphabetic()).map(str::to_owned);
            parts.filter(|part| !part.is_empty()).collect::<Vec<_>>()
        };
        words(&self.all) == words(&other.all)
    }
}

/// Whether all marks of one row stand in the text, in their order.
fn any(text: &str, rows: &[&[&str]]) -> bool {
    rows.iter().any(|marks| in_order(text, marks))
}

/// Whether one of the words stands in the text by itself: not denied, and no part of a name, address or
/// path, which a sender may choose.
fn says(text: &str, wanted: &[&str]) -> bool {
    let is_name = |letter: char| letter.is_alphanumeric() || "._-/@".contains(letter);
    let words = text.split(|letter: char| !is_name(letter)).filter(|word| !word.is_empty());
    let mut before = "";
    for word in words.map(|word| word.trim_end_matches('.')) {
        if wanted.contains(&word) && !NEGATIONS.contains(&before) {
            return true;
        }
        before = word;
    }
    false
}

fn has_word(text: &str, wanted: &[&str]) -> bool {
    text.split(|letter: char| !letter.is_alphanumeric()).any(|word| wanted.contains(&word))
}

/// Whether the marks stand in the text one after the other.
pub(crate) fn in_order(text: &str, marks: &[&str]) -> bool {
    let mut rest = text;
    marks.iter().all(|mark| {
        let found = rest.split_once(mark);
        rest = found.map_or("", |(_, after)| after);
        found.is_some()
    })
}

/// Whether every address of an incident lies in the own network; one without addresses does.
pub(crate) fn is_inside(incident: &Incident) -> bool {
    let addresses = incident
        .entities
        .iter()
        .filter(|entity| matches!(entity.kind, EntityKind::SourceIp | EntityKind::DestinationIp));
    addresses.map(|entity| entity.value.parse()).all(|address| match address {
        Ok(IpAddr::V4(address)) => {
            address.is_private() || address.is_loopback() || address.is_link_local()
        }
        Ok(IpAddr::V6(address)) => {
            address.is_unique_local() || address.is_loopback() || address.is_unicast_link_local()
        }
        Err(_) => false,
    })
}

/// What the device says in a line of JSON, alone or behind a syslog header.
fn device_json(line: &str) -> Option<String> {
    let (header, _) = line.split_once('{')?;
    let trimmed = header.trim_end();
    let is_header = trimmed.is_empty() || trimmed.ends_with([':', '-', ']']);
    if !is_header || trimmed.contains('"') {
        return None;
    }
    let value: Value = serde_json::from_str(&line[header.len()..]).ok()?;
    value.as_object().map(device_values)
}

/// `key=value` of the keys that devices fill, one level deep.
fn device_values(object: &serde_json::Map<String, Value>) -> String {
    let mut text = String::new();
    let nested = object.values().filter_map(Value::as_object).flatten();
    for (key, value) in object.iter().chain(nested) {
        let key = key.to_lowercase();
        let value = match value {
            Value::String(value) => value.clone(),
            Value::Number(value) => value.to_string(),
            _ => continue,
        };
        if DEVICE_KEYS.iter().any(|part| key.contains(part)) {
            text.push_str(&format!("{key}={value}; "));
        }
    }
    text
}

/// Text in quotes comes from outside in most logs; behind a `=` the device names its own value.
fn without_quotes(line: &str) -> String {
    let mut text = String::with_capacity(line.len());
    for (number, part) in line.split('"').enumerate() {
        if number % 2 == 0 || text.ends_with('=') {
            text.push_str(part);
        }
        if number % 2 == 0 && part.ends_with('=') {
            continue;
        }
        text.push(' ');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_sender_writes_stops_nothing() {
        for (line, expected) in [
            ("fw action=\"deny\" src=192.0.2.1", true),
            (r#"{"alert":{"action":"blocked"}}"#, true),
            (r#"192.0.2.1 - - "GET /?x=gravity blocked HTTP/1.1" 200 5"#, false),
            (r#"{"url":"/?action=blocked","status":"200"}"#, false),
            (r#"<134>fw ids[7]: {"alert":{"action":"blocked"}}"#, true),
            (r#"<134>app: no such user {"action":"blocked"}"#, false),
            ("proxy: host=drop.example.net path=/blocked/x", false),
            ("proxy: blocked host=a.example.net", true),
            ("proxy: host=blocked action=allowed", false),
            ("scanner: result: not disinfected", false),
            (r#"{"ActionName":"Remove","ErrorDescription":"The action failed."}"#, false),
            ("", false),
            ("\"\"\"=\"", false),
        ] {
            assert_eq!(Reading::new(line).is_stopped(), expected, "{line}");
        }
    }

    #[test]
    fn addresses_inside_are_told_from_those_outside() {
        for (value, expected) in [
            ("192.168.3.4", true),
            ("fd00::7", true),
            ("203.0.113.9", false),
            ("2001:db8::7", false),
            ("nonsense", false),
        ] {
            let kind = EntityKind::SourceIp;
            let entity = vedette_event::Entity { kind, value: value.into() };
            let incident = Incident { entities: vec![entity], ..Incident::default() };
            assert_eq!(is_inside(&incident), expected, "{value}");
        }
        assert!(is_inside(&Incident::default()));
    }
}
