//! sshd, PAM, sudo, su and the kernel's packet filter.

use vedette_event::Fields;

use super::pattern::{Lazy, Pattern, Patterns};
use super::{Decoder, Line, NO_APP, SURELY, pairs, program};
use crate::fields::Offers;

pub(super) const SSHD: Decoder = Decoder {
    dataset: "sshd",
    app: |app| ["sshd", "sshd-session", "dropbear", "sshd-auth"].contains(&program(app)),
    marks: &[],
    sniff: SURELY,
    parse: |line, fields| {
        fields.set("process.name", "sshd");
        daemon(line, fields, &[&SSHD_LINES, &PAM_LINES])
    },
};

pub(super) const SUDO: Decoder = Decoder {
    dataset: "sudo",
    app: |app| ["sudo", "su", "doas", "pkexec", "sudo-rs"].contains(&program(app)),
    marks: &[],
    sniff: SURELY,
    parse: |line, fields| {
        fields.set("process.name", line.app.unwrap_or_default());
        daemon(line, fields, &[&SUDO_LINES, &PAM_LINES])
    },
};

pub(super) const PAM: Decoder = Decoder {
    dataset: "pam",
    app: NO_APP,
    marks: &[&["pam_"], &["authentication failure;"]],
    sniff: |line| {
        line.message.contains("pam_") || line.message.starts_with("authentication failure;")
    },
    parse: |line, fields| daemon(line, fields, &[&PAM_LINES]),
};

pub(super) const NETFILTER: Decoder = Decoder {
    dataset: "netfilter",
    app: NO_APP,
    marks: &[&[" SRC=", " DST=", "PROTO="]],
    sniff: SURELY,
    parse: netfilter,
};

/// Applies the first table that knows the line. Daemons say much that carries no field: no match is
/// no defect.
fn daemon(line: &Line<'_>, fields: &mut Fields, tables: &[&Patterns]) -> bool {
    let _known = tables.iter().any(|table| table.apply(line.message, fields));
    true
}

fn netfilter(line: &Line<'_>, fields: &mut Fields) -> bool {
    let mut offers = Offers::default();
    pairs::key_values(line.message, |key, value| match key {
        "IN" => fields.set("observer.ingress.interface.name", value),
        "OUT" => fields.set("observer.egress.interface.name", value),
        "LEN" | "MAC" | "ID" | "TOS" | "TTL" | "WINDOW" | "URGP" | "PREC" | "MARK" => {}
        _ => offers.offer(key, value),
    });
    offers.fill(fields);
    let prefix = line.message.split("IN=").next().unwrap_or_default().to_ascii_uppercase();
    let blocked = ["BLOCK", "DROP", "DENY", "REJECT", "DENIED", "SHUNLIST"]
        .iter()
        .any(|word| prefix.contains(word));
    let allowed = ["ALLOW", "ACCEPT", "PASS"].iter().any(|word| prefix.contains(word));
    fields.set("event.category", "network");
    fields.set(
        "event.action",
        if blocked {
            "denied"
        } else if allowed {
            "allowed"
        } else {
            "logged"
        },
    );
    if blocked || allowed {
        fields.set("event.outcome", if blocked { "failure" } else { "success" });
    }
    fields.get("source.ip").is_some()
}

const AUTH: &str = "authentication";
const LOGIN: &str = "ssh_login";

/// The user name is the client's to choose, so the address is read from the last `from`.
const SSHD_PATTERNS: &[Pattern] = &[
    Pattern {
        needle: "Failed ",
        regex: r"^(?:error: )?Failed (?:\S+) for (?:invalid user |illegal user )?(?P<user.name>.*) from {src} port (?P<source.port>\d+)",
        event: [AUTH, LOGIN, "failure"],
    },
    Pattern {
        needle: "Accepted ",
        regex: r"^Accepted (?:\S+) for (?P<user.name>.*) from {src} port (?P<source.port>\d+)",
        event: [AUTH, LOGIN, "success"],
    },
    Pattern {
        needle: "nvalid user",
        regex: r"^(?:Disconnected from|Connection (?:closed|reset) by) invalid user (?P<user.name>.*) {src} port (?P<source.port>\d+)",
        event: [AUTH, LOGIN, "failure"],
    },
    Pattern {
        needle: " user",
        regex: r"^(?:Invalid|Illegal) user (?P<user.name>.*?) from {src}(?: port (?P<source.port>\d+))?$",
        event: [AUTH, LOGIN, "failure"],
    },
    Pattern {
        needle: " user ",
        regex: r"^(?:Disconnected from|Connection (?:closed|reset) by) authenticating user (?P<user.name>.*) {src} port (?P<source.port>\d+)",
        event: [AUTH, LOGIN, "failure"],
    },
    Pattern {
        needle: "aximum authentication attempts",
        regex: r"aximum authentication attempts exceeded for (?:invalid user )?(?P<user.name>.*) from {src} port (?P<source.port>\d+)",
        event: [AUTH, LOGIN, "failure"],
    },
    Pattern {
        needle: "Authentication",
        regex: r"PAM: (?:Authentication|User not known)[^:]*? for (?:illegal user |invalid user )?(?P<user.name>.*) from {src}",
        event: [AUTH, LOGIN, "failure"],
    },
    Pattern {
        needle: "not allowed",
        regex: r"^User (?P<user.name>.*) from (?:\S+ \()?{src}\)? not allowed",
        event: [AUTH, LOGIN, "failure"],
    },
    Pattern {
        needle: "LOGIN REFUSED",
        regex: r"^ROOT LOGIN REFUSED FROM {src}",
        event: [AUTH, LOGIN, "failure"],
    },
    Pattern {
        needle: "Received disconnect",
        regex: r"^Received disconnect from {src}(?: port (?P<source.port>\d+))?",
        event: ["network", "ssh_disconnect", ""],
    },
    Pattern {
        needle: "port ",
        regex: r"^(?:Connection (?:closed|reset) by|Disconnected from|Disconnecting)(?: user (?P<user.name>\S+))? {src} port (?P<source.port>\d+)",
        event: ["network", "ssh_disconnect", ""],
    },
    Pattern {
        needle: "dentification",
        regex: r"(?:Did not receive identification string from|banner exchange: Connection from) {src}(?: port (?P<source.port>\d+))?",
        event: ["network", "ssh_probe", "failure"],
    },
    Pattern {
        needle: "Bad protocol version",
        regex: r"^Bad protocol version identification .* from {src}(?: port (?P<source.port>\d+))?$",
        event: ["network", "ssh_probe", "failure"],
    },
    Pattern {
        needle: "Unable to negotiate",
        regex: r"Unable to negotiate with {src}(?: port (?P<source.port>\d+))?",
        event: ["network", "ssh_probe", "failure"],
    },
    Pattern {
        needle: "refused connect from",
        regex: r"refused connect from .*?\(?{src}\)?$",
        event: ["network", "ssh_connect", "failure"],
    },
    Pattern {
        needle: "BREAK-IN",
        regex: r"(?:\[{src}\] failed|Address (?:\S+) maps to)",
        event: ["network", "ssh_reverse_mapping", "failure"],
    },
];

const PAM_PATTERNS: &[Pattern] = &[
    Pattern {
        needle: "rhost=",
        regex: r"uthentication failure;.*?\bruser=(?P<source.user.name>.*?) +rhost={src}(?: +user=(?P<user.name>.*))?\s*$",
        event: [AUTH, "pam_authentication", "failure"],
    },
    Pattern {
        needle: "uthentication failure",
        regex: r"uthentication failure;.*?\bruser=(?P<source.user.name>\S*) +rhost=(?P<source.address>\S*)(?: +user=(?P<user.name>\S+))?",
        event: [AUTH, "pam_authentication", "failure"],
    },
    Pattern {
        needle: "session opened",
        regex: r"session opened for user (?P<user.name>[^\s(]+)(?:\(uid=\d+\))?(?: by (?P<user.effective.name>[^\s(]+))?",
        event: [AUTH, "session_opened", "success"],
    },
    Pattern {
        needle: "session closed",
        regex: r"session closed for user (?P<user.name>\S+)",
        event: [AUTH, "session_closed", ""],
    },
    Pattern {
        needle: "password changed",
        regex: r"password changed for (?P<user.name>\S+)",
        event: ["iam", "password_changed", "success"],
    },
];

const SUDO_PATTERNS: &[Pattern] = &[
    Pattern {
        needle: "incorrect password",
        regex: r"^\s*(?P<user.name>\S+) : .*incorrect password attempts? ;.*USER=(?P<user.effective.name>\S+) ; COMMAND=(?P<process.command_line>.*)$",
        event: [AUTH, "sudo", "failure"],
    },
    Pattern {
        needle: "NOT in sudoers",
        regex: r"^\s*(?P<user.name>\S+) : user NOT in sudoers ;.*USER=(?P<user.effective.name>\S+) ; COMMAND=(?P<process.command_line>.*)$",
        event: [AUTH, "sudo", "failure"],
    },
    Pattern {
        needle: "command not allowed",
        regex: r"^\s*(?P<user.name>\S+) : command not allowed ;.*USER=(?P<user.effective.name>\S+) ; COMMAND=(?P<process.command_line>.*)$",
        event: [AUTH, "sudo", "failure"],
    },
    Pattern {
        needle: "COMMAND=",
        regex: r"^\s*(?P<user.name>\S+)\s?: .*?USER=(?P<user.effective.name>\S+) ;.*?COMMAND=(?P<process.command_line>.*)$",
        event: ["process", "sudo", "success"],
    },
    Pattern {
        needle: "[COMMAND=",
        regex: r"^(?P<user.name>[^\s:]+): .*\[USER=(?P<user.effective.name>[^\]]*)\].*\[COMMAND=(?P<process.command_line>.*)\]",
        event: ["process", "pkexec", ""],
    },
    Pattern {
        needle: "FAILED SU",
        regex: r"FAILED SU \(to (?P<user.effective.name>\S+)\) (?P<user.name>\S+) on",
        event: [AUTH, "su", "failure"],
    },
    Pattern {
        needle: "su",
        regex: r"^'su (?P<user.effective.name>\S+)' failed for (?P<user.name>\S+)",
        event: [AUTH, "su", "failure"],
    },
    Pattern {
        needle: "(to ",
        regex: r"^\(to (?P<user.effective.name>\S+)\) (?P<user.name>\S+) on",
        event: [AUTH, "su", "success"],
    },
];

static SSHD_LINES: Lazy = Lazy::new(|| Patterns::new(SSHD_PATTERNS));
static PAM_LINES: Lazy = Lazy::new(|| Patterns::new(PAM_PATTERNS));
static SUDO_LINES: Lazy = Lazy::new(|| Patterns::new(SUDO_PATTERNS));
