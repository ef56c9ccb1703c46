//! Whatever names its own values: Suricata, Zeek and other JSON, FortiGate and other key=value.

use vedette_event::Fields;

use super::{Decoder, Line, NO_APP, SURELY, pairs};

pub(super) const SURICATA: Decoder = Decoder {
    dataset: "suricata.eve",
    app: NO_APP,
    marks: &[&["event_type", "\"flow_id\""], &["event_type", "src_ip"]],
    sniff: |line| line.json_has("event_type"),
    parse: |line, fields| {
        let alert = line.has("\"alert\"");
        fields.set("event.category", if alert { "intrusion_detection" } else { "network" });
        json(line, fields)
    },
};

pub(super) const ZEEK: Decoder = Decoder {
    dataset: "zeek",
    app: NO_APP,
    marks: &[&["id.orig_h"]],
    sniff: |line| line.json_has("id.orig_h"),
    parse: |line, fields| {
        fields.set("event.category", "network");
        json(line, fields)
    },
};

pub(super) const JSON: Decoder = Decoder {
    dataset: "json",
    app: NO_APP,
    marks: &[&[]],
    sniff: |line| line.is_json(),
    parse: json,
};

pub(super) const FORTINET: Decoder = Decoder {
    dataset: "fortinet",
    app: NO_APP,
    marks: &[&["devname=", "logid="], &["devid=", "type="], &["log_id=", "subtype="]],
    sniff: SURELY,
    parse: |line, fields| {
        let (mut kind, mut subtype, mut any) = (None, None, false);
        pairs::key_values(line.message, |key, value| {
            any = true;
            match key {
                "type" => kind = kind.or(Some(value)),
                "subtype" => subtype = subtype.or(Some(value)),
                _ => {}
            }
        });
        let traffic = kind == Some("traffic");
        let category = if traffic { "network" } else { subtype.unwrap_or_default() };
        fields.set("event.category", category);
        any
    },
};

/// Lines that are mostly pairs: logfmt, other firewalls, audit.
pub(super) const KEY_VALUE: Decoder = Decoder {
    dataset: "key_value",
    app: NO_APP,
    marks: &[&[]],
    sniff: |line| {
        let text = line.message.trim_start();
        let word = text.find(|c: char| !(c.is_ascii_alphanumeric() || "_.-".contains(c)));
        let begins = word.is_some_and(|end| end > 0 && text[end..].starts_with('='));
        begins && memchr::memchr_iter(b'=', text.as_bytes()).take(MIN_PAIRS).count() == MIN_PAIRS
    },
    parse: |_, _| true,
};

/// Pairs that make a line a list of pairs.
const MIN_PAIRS: usize = 3;

/// The values themselves are mapped for every line alike, by the generic part.
fn json(line: &Line<'_>, _fields: &mut Fields) -> bool {
    line.json().is_some()
}
