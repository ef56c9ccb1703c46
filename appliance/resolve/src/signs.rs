//! What lines of evidence show of how an incident goes on: stopped, succeeded, harm, routine.
//!
//! Senders choose parts of many lines. What speaks for harm is therefore looked for everywhere, what
//! speaks against it only where the device itself writes: outside quoted text, and in those JSON values
//! that devices fill.

mod words;

use std::net::IpAddr;

use serde_json::Value;
use vedette_event::{EntityKind, Incident};

use words::{
    DEVICE_KEYS, FAILURES, HARM, LET_THROUGH, NEGATIONS, NO_STOP, NOT_STOPPED, NOTICES, ROUTINE,
    ROUTINE_PHRASES, STOP_FAILED, STOPPED, STOPPED_PHRASES, SUCCESSES,
};

/// Bytes of a line that are read; the telling part stands near the beginning.
const MOST_LINE_BYTES: usize = 4_096;
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
            && !self.is_let_through()
            && (says(&self.device, is_stop) || any(&self.device, &STOPPED_PHRASES))
    }

    /// A device let it pass, or only wrote it down.
    pub(crate) fn is_let_through(&self) -> bool {
        says(&self.device, |word| LET_THROUGH.contains(&word)) || any(&self.device, &NOT_STOPPED)
    }

    /// A web server answered that it will not: 401, 403, 406, 429 or 451 stand alone among what it
    /// writes of a request.
    pub(crate) fn is_refused_request(&self) -> bool {
        const REFUSALS: [&str; 5] = ["401", "403", "406", "429", "451"];
        const SERVED: [&str; 6] = ["200", "201", "202", "204", "301", "302"];
        let request = ["get /", "post /", "head /", "put /", "options /"]
            .iter()
            .any(|method| self.all.contains(method));
        let stands = |codes: &[&str]| self.device.split(' ').any(|word| codes.contains(&word));
        request && stands(&REFUSALS) && !stands(&SERVED)
    }

    /// A sign-in that failed.
    pub(crate) fn is_failure(&self) -> bool {
        any(&self.device, &FAILURES)
    }

    /// A sign-in that succeeded.
    pub(crate) fn is_success(&self) -> bool {
        any(&self.device, &SUCCESSES)
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
}

/// Whether all marks of one row stand in the text, in their order.
fn any(text: &str, rows: &[&[&str]]) -> bool {
    rows.iter().any(|marks| in_order(text, marks))
}

/// Whether one of the words stands in the text by itself: not denied, and no part of a name, address or
/// path, which a sender may choose.
fn says(text: &str, wanted: impl Fn(&str) -> bool) -> bool {
    let is_name = |letter: char| letter.is_alphanumeric() || "._-/@".contains(letter);
    let words = text.split(|letter: char| !is_name(letter)).filter(|word| !word.is_empty());
    let mut before = "";
    for word in words.map(|word| word.trim_end_matches('.')) {
        if wanted(word) && !NEGATIONS.contains(&before) {
            return true;
        }
        before = word;
    }
    false
}

/// Whether a word tells of a stop. One behind a low line or a dash, as in `session_deny`, does too.
fn is_stop(word: &str) -> bool {
    let named = word.contains(['.', '/', '@']) || word.starts_with("not_");
    let parts = std::iter::once(word).chain(word.rsplit(['_', '-']).next());
    let begins = |part: &str| {
        STOPPED.iter().any(|stem| part.starts_with(stem))
            && !NO_STOP.iter().any(|none| part.starts_with(none))
    };
    // Short stems are whole words, or they would begin a hundred others.
    let short = |part: &str| !part.starts_with("ban") || matches!(part, "ban" | "banned" | "bans");
    !named && parts.into_iter().any(|part| begins(part) && short(part))
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
    addresses.map(|entity| entity.value.parse()).all(|address| address.is_ok_and(is_own))
}

/// Whether an address lies in the own network.
pub(crate) fn is_own(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => {
            address.is_private() || address.is_loopback() || address.is_link_local()
        }
        IpAddr::V6(address) => {
            address.is_unique_local() || address.is_loopback() || address.is_unicast_link_local()
        }
    }
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
    let mut pairs: Vec<_> = object.iter().chain(nested).collect();
    pairs.sort_by_key(|(key, _)| *key);
    for (key, value) in pairs {
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
