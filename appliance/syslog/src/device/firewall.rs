//! Cisco ASA and relatives, and the packet filter of pfSense and OPNsense.

use std::sync::LazyLock;

use regex::Regex;
use vedette_event::Fields;

use super::pattern::{Lazy, Pattern, Patterns, ascii};
use super::{Decoder, Line, NO_APP, program};
use crate::fields::{self, Side};

pub(super) const CISCO: Decoder = Decoder {
    dataset: "cisco.asa",
    app: NO_APP,
    marks: &[&["%ASA-"], &["%FTD-"], &["%PIX-"], &["%FWSM-"]],
    sniff: |line| CISCO_CODE.is_match(line.message),
    parse: cisco,
};

pub(super) const FILTERLOG: Decoder = Decoder {
    dataset: "pf.filterlog",
    app: |app| program(app) == "filterlog",
    marks: &[&["filterlog: "]],
    sniff: |line| {
        line.app.is_some_and(|app| program(app) == "filterlog")
            || line.message.starts_with("filterlog: ")
    },
    parse: filterlog,
};

static CISCO_CODE: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(&ascii(r"%(?:ASA|FTD|PIX|FWSM)-(?:[a-z]+-)?(\d)-(\d{6})"))
        .expect("the pattern is constant")
});

static CISCO_LINES: Lazy = Lazy::new(|| Patterns::new(CISCO_PATTERNS));

const CISCO_PATTERNS: &[Pattern] = &[
    Pattern {
        needle: "Built inbound",
        regex: r"Built inbound (?P<network.transport>\w+) connection \d+ for [^:]+:{src}/(?P<source.port>\d+).*? to [^:]+:{dst}/(?P<destination.port>\d+)",
        event: ["network", "connection_built", "success"],
    },
    Pattern {
        needle: "Built outbound",
        regex: r"Built outbound (?P<network.transport>\w+) connection \d+ for [^:]+:{dst}/(?P<destination.port>\d+).*? to [^:]+:{src}/(?P<source.port>\d+)",
        event: ["network", "connection_built", "success"],
    },
    Pattern {
        needle: "Teardown",
        regex: r"Teardown (?P<network.transport>\w+) connection \d+ for [^:]+:{src}/(?P<source.port>\d+).*? to [^:]+:{dst}/(?P<destination.port>\d+).*?bytes (?P<network.bytes>\d+)",
        event: ["network", "connection_closed", ""],
    },
    Pattern {
        needle: "Deny ",
        regex: r"Deny (?:protocol )?(?P<network.transport>\w+) (?:reverse path check )?src [^:]+:{src}(?:/(?P<source.port>\d+))?.*? dst [^:]+:{dst}(?:/(?P<destination.port>\d+))?",
        event: ["network", "denied", "failure"],
    },
    Pattern {
        needle: "Deny ",
        regex: r"Deny (?:inbound )?(?P<network.transport>\w+)(?: reverse path check)?.*? from {src}(?:/(?P<source.port>\d+))? to {dst}(?:/(?P<destination.port>\d+))?",
        event: ["network", "denied", "failure"],
    },
    Pattern {
        needle: "->",
        regex: r"access-list (?P<rule.name>\S+) (?P<event.action>denied|permitted|est-allowed) (?P<network.transport>\S+) [^/]+/{src}(?:\((?P<source.port>\d+)\))?.*?-> [^/]+/{dst}(?:\((?P<destination.port>\d+)\))?",
        event: ["network", "", ""],
    },
    Pattern {
        needle: "access denied",
        regex: r"(?P<network.transport>TCP|UDP) access denied by ACL from {src}/(?P<source.port>\d+) to [^:]+:{dst}",
        event: ["network", "denied", "failure"],
    },
    Pattern {
        needle: "SrcIP: ",
        regex: r"(?:AccessControlRuleAction: (?P<event.action>[^,]+), (?:.*?, )?)?SrcIP: {src}, DstIP: {dst}(?:, SrcPort: (?P<source.port>\d+), DstPort: (?P<destination.port>\d+))?(?:, Protocol: (?P<network.transport>\w+))?(?:.*?AccessControlRuleName: (?P<rule.name>[^,]+))?",
        event: ["network", "", ""],
    },
    Pattern {
        needle: "rejected",
        regex: r"authentication (?P<event.outcome>Rejected|rejected).*?reason = (?P<event.reason>[^:]+?) ?:.*?user = (?P<user.name>\S+)(?: : user IP = {src})?",
        event: ["authentication", "vpn_login", "failure"],
    },
    Pattern {
        needle: "Rejected",
        regex: r"authentication Rejected.*?reason = (?P<event.reason>[^:]+?) ?:.*?user = (?P<user.name>\S+)(?: : user IP = {src})?",
        event: ["authentication", "vpn_login", "failure"],
    },
    Pattern {
        needle: "Username = ",
        regex: r"Username = (?P<user.name>[^,]+), IP = {src}",
        event: ["authentication", "vpn_session", ""],
    },
    Pattern {
        needle: "User <",
        regex: r"User <(?P<user.name>[^>]*)> IP <{src}>",
        event: ["authentication", "vpn_session", ""],
    },
    Pattern {
        needle: "Login ",
        regex: r#"Login (?P<event.outcome>denied|permitted) from {src}(?:/(?P<source.port>\d+))? to [^:]+:{dst}(?:/(?P<destination.port>\d+))?.*? for user "(?P<user.name>[^"]*)""#,
        event: ["authentication", "login", ""],
    },
    Pattern {
        needle: "src",
        regex: r"src\s?[=:]?\s?(?:[\w.-]+:)?{src}(?:/(?P<source.port>\d+))?,? .*?de?st\s?[=:]?\s?(?:[\w.-]+:)?{dst}(?:/(?P<destination.port>\d+))?",
        event: ["network", "", ""],
    },
    Pattern {
        needle: "from",
        regex: r"from (?:[\w.-]+:)?{src}(?:/(?P<source.port>\d+))? to (?:[\w.-]+:)?{dst}(?:/(?P<destination.port>\d+))?",
        event: ["network", "", ""],
    },
];

fn cisco(line: &Line<'_>, fields: &mut Fields) -> bool {
    let Some(code) = CISCO_CODE.captures(line.message) else {
        return false;
    };
    fields.set("event.code", &code[2]);
    CISCO_LINES.apply(line.message, fields);
    if fields
        .get("network.transport")
        .is_some_and(|name| name.bytes().any(|byte| byte.is_ascii_uppercase()))
    {
        let lower = fields.get("network.transport").unwrap_or_default().to_ascii_lowercase();
        fields.set("network.transport", lower);
    }
    true
}

/// Netgate's filter log format: nine common columns, then those of the IP version, then ports.
fn filterlog(line: &Line<'_>, fields: &mut Fields) -> bool {
    let text = line.message.strip_prefix("filterlog: ").unwrap_or(line.message);
    let columns: Vec<&str> = text.trim().splitn(40, ',').collect();
    let column = |index: usize| columns.get(index).copied().unwrap_or_default();
    fields.set("event.category", "network");
    fields.set("rule.id", column(3));
    fields.set("observer.ingress.interface.name", column(4));
    fields.set("event.action", column(6));
    fields.set("event.outcome", fields::outcome(column(6)).unwrap_or_default());
    fields.set("network.direction", column(7));
    let (transport, source) = match column(8) {
        "4" => (16, 18),
        "6" => (12, 15),
        _ => return false,
    };
    fields.set("network.transport", column(transport).to_ascii_lowercase());
    let addressed = fields::set_address(fields, Side::Source, column(source))
        & fields::set_address(fields, Side::Destination, column(source + 1));
    for (field, index) in [("source.port", source + 2), ("destination.port", source + 3)] {
        if column(index).parse::<u16>().is_ok() {
            fields.set(field, column(index));
        }
    }
    addressed
}
