//! Whatever names its own values: Suricata, Zeek and other JSON, FortiGate and other key=value.

use vedette_event::Fields;

use super::{Decoder, Line, pairs};
use crate::fields::{self, Offers};

pub(super) const SURICATA: Decoder = Decoder {
    dataset: "suricata.eve",
    sniff: |line| {
        line.json_has("event_type") && line.has("\"flow_id\"")
            || line.json_has("event_type") && line.has("src_ip")
    },
    parse: |line, fields| {
        let alert = line.has("\"alert\"");
        fields.set("event.category", if alert { "intrusion_detection" } else { "network" });
        json(line, fields)
    },
};

pub(super) const ZEEK: Decoder = Decoder {
    dataset: "zeek",
    sniff: |line| line.json_has("id.orig_h"),
    parse: |line, fields| {
        fields.set("event.category", "network");
        json(line, fields)
    },
};

pub(super) const JSON: Decoder =
    Decoder { dataset: "json", sniff: |line| line.is_json(), parse: json };

pub(super) const FORTINET: Decoder = Decoder {
    dataset: "fortinet",
    sniff: |line| {
        line.has("devname=") && line.has("logid=")
            || line.has("devid=") && line.has("type=")
            || line.has("log_id=") && line.has("subtype=")
    },
    parse: |line, fields| {
        let pairs = pairs::key_values(line.message);
        let get = |name: &str| pairs.iter().find(|(key, _)| *key == name).map(|(_, value)| *value);
        let traffic = get("type") == Some("traffic");
        fields.set(
            "event.category",
            if traffic { "network" } else { get("subtype").unwrap_or_default() },
        );
        key_values(line, fields)
    },
};

/// Lines that are mostly pairs: logfmt, other firewalls, audit.
pub(super) const KEY_VALUE: Decoder = Decoder {
    dataset: "key_value",
    sniff: |line| {
        let first = line.message.split([' ', '=']).next().unwrap_or_default();
        line.message.trim_start()[first.len().min(line.message.trim_start().len())..]
            .starts_with('=')
            && pairs::key_values(line.message).len() >= 3
    },
    parse: key_values,
};

fn json(line: &Line<'_>, fields: &mut Fields) -> bool {
    let Some(value) = line.json() else {
        return false;
    };
    let mut offers = Offers::default();
    pairs::walk(value, &mut |path, text| offers.offer(path, text));
    offers.fill(fields);
    !fields.is_empty()
}

pub(super) fn key_values(line: &Line<'_>, fields: &mut Fields) -> bool {
    let mut offers = Offers::default();
    for (key, value) in pairs::key_values(line.message) {
        offers.offer(key, value);
    }
    offers.fill(fields);
    if let Some(outcome) = fields.get("event.action").and_then(fields::outcome) {
        fields::set_absent(fields, "event.outcome", outcome);
    }
    true
}
