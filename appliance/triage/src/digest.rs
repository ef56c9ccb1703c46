//! A line as the language model reads it: what is said, in few tokens.
//!
//! Times, identifiers and punctuation cost a model most of its time and teach it nothing. Addresses
//! become where they are (`lan`, `wan`), long numbers how long they are, opaque identifiers `#`; JSON
//! and XML lose their brackets, and of a large event the telling fields come first.

use std::fmt::Write;
use std::net::IpAddr;

use serde_json::Value;

use crate::clean::capped;
use crate::mask::mask;
use crate::policy::Policy;
use crate::screen::features::{percent_decoded, without_priority};

/// Longest digest, in bytes: about as much as the model reads of a line.
pub const DIGEST_CAP: usize = 640;

/// Longest value of a field: a command line is longer only when it hides something, and that it is
/// long shows in this much.
const VALUE_CAP: usize = 200;

/// Elements of a list that are told.
const ELEMENTS: usize = 4;

/// Fields of an event that are looked at, and how deep they lie.
const FIELDS: usize = 400;
const DEPTH: usize = 12;

/// Digits up to which a number is told as it is: a port, a status, the number of an event.
const SHORT_NUMBER: usize = 5;

/// Parts of field names, most telling first: what happened, to what, by whom, with what outcome.
const TELLING: [&[&str]; 4] = [
    &[
        "eventname",
        "event_name",
        "eventtype",
        "event_type",
        "eventid",
        "event_id",
        "action",
        "operation",
        "activity",
        "verb",
    ],
    &[
        "title",
        "message",
        "msg",
        "description",
        "signature",
        "rule",
        "alert",
        "category",
        "command",
        "cmdline",
        "script",
        "query",
        "request",
        "url",
        "uri",
        "summary",
        "text",
        "log",
        "reason",
        "threat",
    ],
    &[
        "image",
        "process",
        "file",
        "path",
        "target",
        "object",
        "resource",
        "key",
        "value",
        "result",
        "status",
        "outcome",
        "error",
        "severity",
        "type",
        "name",
        "user",
        "actor",
        "role",
        "policy",
        "permission",
        "method",
        "app",
        "service",
    ],
    &["ip", "address", "agent", "country", "location", "host", "source", "dest", "port"],
];

/// The digest of a text, at most [`DIGEST_CAP`] bytes.
pub fn digest(text: &str) -> String {
    let decoded = percent_decoded(without_priority(text));
    let mut out = match structured(&decoded) {
        Some((head, event)) => {
            let mut out = plain(head);
            fields(&event, &mut out);
            out
        }
        None if decoded.contains("<Event") || decoded.contains("<Data ") => {
            plain(&untagged(&decoded))
        }
        None => plain(&decoded),
    };
    let end = capped(&out, DIGEST_CAP).trim_end().len();
    out.truncate(end);
    out
}

/// A JSON object at the end of the text, and what stands before it.
fn structured(text: &str) -> Option<(&str, Value)> {
    let start = text.find('{')?;
    let event: Value = serde_json::from_str(text[start..].trim_end()).ok()?;
    event.is_object().then(|| (&text[..start], event))
}

/// The fields of an event, the telling ones first.
fn fields(event: &Value, out: &mut String) {
    let mut found = Vec::new();
    collect(event, "", 0, &mut found);
    found.sort_by_key(|(key, _)| telling(key));
    for (key, value) in &found {
        if out.len() >= DIGEST_CAP {
            break;
        }
        let _ = write!(out, "{}{key}={value}", if out.is_empty() { "" } else { " " });
    }
}

fn telling(key: &str) -> usize {
    let key = key.to_ascii_lowercase();
    let among = |names: &&[&str]| names.iter().any(|name| key.contains(name));
    TELLING.iter().position(among).unwrap_or(TELLING.len())
}

/// Gathers what the leaves of an event say; what says nothing is left out.
fn collect(value: &Value, key: &str, depth: usize, found: &mut Vec<(String, String)>) {
    if found.len() >= FIELDS || depth > DEPTH {
        return;
    }
    match value {
        Value::Object(members) => {
            // By name, for a sender's order says nothing.
            let mut members: Vec<_> = members.iter().collect();
            members.sort_unstable_by_key(|(name, _)| *name);
            for (name, member) in members {
                collect(member, name, depth + 1, found);
            }
        }
        Value::Array(elements) if elements.iter().any(Value::is_object) => {
            for element in elements.iter().take(ELEMENTS) {
                collect(element, key, depth + 1, found);
            }
        }
        Value::Array(elements) => {
            let texts: Vec<String> = elements.iter().take(ELEMENTS).filter_map(leaf).collect();
            push(key, texts.join(" "), found);
        }
        _ => push(key, leaf(value).unwrap_or_default(), found),
    }
}

fn push(key: &str, value: String, found: &mut Vec<(String, String)>) {
    if !value.is_empty() {
        found.push((capped(key, VALUE_CAP).to_owned(), value));
    }
}

fn leaf(value: &Value) -> Option<String> {
    let text = match value {
        // A forwarder's event inside an event.
        Value::String(text) => match structured(text) {
            Some((head, event)) => {
                let mut out = plain(head);
                fields(&event, &mut out);
                out
            }
            None => plain(text),
        },
        Value::Number(number) => plain(&number.to_string()),
        Value::Bool(yes) => yes.to_string(),
        _ => return None,
    };
    let says = text.chars().any(char::is_alphanumeric) && !text.starts_with(HUGE);
    says.then(|| capped(&text, VALUE_CAP).to_owned())
}

/// What begins the stand-in of a long number.
const HUGE: &str = "N~";

/// Text with stand-ins for its values, runs of white space made one, quotes left out.
fn plain(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut done = 0;
    for span in mask(text).values {
        if span.start < done || span.end > text.len() {
            continue;
        }
        push_words(&text[done..span.start], &mut out);
        stand_in(&text[span.start..span.end], &mut out);
        done = span.end;
    }
    push_words(&text[done..], &mut out);
    let end = out.trim_end().len();
    out.truncate(end);
    out
}

fn push_words(text: &str, out: &mut String) {
    for letter in text.chars() {
        match letter {
            '"' => {}
            _ if letter.is_whitespace() => {
                if !out.is_empty() && !out.ends_with(' ') {
                    out.push(' ');
                }
            }
            _ => out.push(letter),
        }
        if out.len() >= DIGEST_CAP {
            return;
        }
    }
}

/// What stands for a masked value.
fn stand_in(value: &str, out: &mut String) {
    let digits = value.bytes().filter(u8::is_ascii_digit).count();
    if let Some(address) = address(value) {
        out.push_str(if Policy::is_private(address) { "lan" } else { "wan" });
    } else if digits == value.len() {
        if digits <= SHORT_NUMBER {
            out.push_str(value);
        } else {
            let _ = write!(out, "{HUGE}{digits}");
        }
    } else if value.bytes().any(|byte| byte.is_ascii_alphabetic())
        && (value.contains('@')
            || !value.bytes().any(|byte| byte.is_ascii_digit())
            || is_name(value))
    {
        out.push_str(value);
    } else if !is_time(value) && !out.ends_with('#') {
        out.push('#');
    }
}

/// Host and domain names.
fn is_name(value: &str) -> bool {
    value.split('.').count() >= 2
        && value
            .split('.')
            .any(|label| label.len() >= 2 && label.bytes().all(|byte| byte.is_ascii_alphabetic()))
}

/// Dates and times of day.
fn is_time(value: &str) -> bool {
    value.bytes().filter(|byte| b":-/.".contains(byte)).count() >= 2
        && value.len() <= 32
        && value.bytes().all(|byte| byte.is_ascii_digit() || b":-/.+TZ".contains(&byte))
}

/// The address, with or without a port or prefix length behind it.
fn address(value: &str) -> Option<IpAddr> {
    let parsed = |text: &str| text.parse::<IpAddr>().ok();
    parsed(value)
        .or_else(|| parsed(value.split(['/', '%']).next()?))
        .or_else(|| parsed(value.rsplit_once([':', '#'])?.0))
}

/// XML without its tags: a `Data` field keeps its name.
fn untagged(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for piece in text.split('<') {
        let Some((tag, content)) = piece.split_once('>') else {
            out.push_str(piece);
            continue;
        };
        let name = tag.strip_prefix("Data Name=").map(|name| name.trim_matches(['\'', '"']));
        let name =
            name.or_else(|| (!tag.starts_with(['/', '?'])).then(|| tag.split(' ').next())?);
        if let Some(name) = name.filter(|_| !content.trim().is_empty()) {
            let _ = write!(out, " {name}=");
        }
        out.push_str(content);
    }
    out.replace("&lt;", "<").replace("&gt;", ">").replace("&quot;", "\"").replace("&amp;", "&")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_said_stays_and_the_rest_goes() {
        for (text, expected) in [
            (
                "<13>Oct  3 09:12:44 web1 sshd[811]: Failed password for root from 203.0.113.9 port 51234 ssh2",
                "Oct 3 web1 sshd[811]: Failed password for root from wan port 51234 ssh2",
            ),
            (
                "GET /a?id=1%27%20OR%201=1 HTTP/1.1 from 10.0.0.7",
                "GET /a?id=1' OR 1=1 HTTP/1.1 from lan",
            ),
            (
                r#"x: {"id":"7d4f8a1e-0c1b-4a52-9f3e-1b2c3d4e5f60","z":{"sourceIPAddress":"198.51.100.7"},"eventName":"StopLogging","bytes":123456789,"mfa":false,"none":null}"#,
                "x: eventName=StopLogging sourceIPAddress=wan mfa=false",
            ),
            (
                "<Event><System><EventID>4688</EventID></System><EventData><Data Name='CommandLine'>whoami &amp; net</Data></EventData></Event>",
                "EventID=4688 CommandLine=whoami & net",
            ),
            (r#"{"broken": "json"#, "{broken: json"),
            ("", ""),
        ] {
            assert_eq!(digest(text), expected);
        }
    }

    #[test]
    fn it_is_bounded() {
        let deep = "[".repeat(200_000);
        let wide = format!("{{\"a\":[{}1]}}", "{\"b\":\"x y z\"},".repeat(20_000));
        for text in [deep, wide, "ä".repeat(50_000), "1.2.3.4 ".repeat(9_000)] {
            assert!(digest(&text).len() <= DIGEST_CAP);
        }
    }
}
