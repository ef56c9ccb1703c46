//! Postfix, Dovecot, Exim and sendmail.

use super::pattern::{Lazy, Pattern, Patterns};
use super::{Decoder, SURELY};

pub(super) const MAIL: Decoder = Decoder {
    dataset: "mail",
    app: |app| {
        let suite = app.split(['/', '-']).next().unwrap_or_default();
        ["postfix", "dovecot", "exim", "exim4", "sendmail", "sm", "auth"].contains(&suite)
    },
    marks: &[&[" rip="], &["authenticator failed for"], &[" H=", "F=<"]],
    sniff: SURELY,
    parse: |line, fields| {
        fields.set("event.category", "email");
        MAIL_LINES.apply(line.message, fields);
        true
    },
};

static MAIL_LINES: Lazy = Lazy::new(|| Patterns::new(MAIL_PATTERNS));

const AUTH: &str = "authentication";

const MAIL_PATTERNS: &[Pattern] = &[
    Pattern {
        needle: "SASL",
        regex: r"\[{src}\](?::(?P<source.port>\d+))?: SASL (?:\S+) authentication failed(?:.*sasl_username=(?P<user.name>.+))?",
        event: [AUTH, "mail_login", "failure"],
    },
    Pattern {
        needle: "sasl_username=",
        regex: r"client=\S*\[{src}\].*sasl_username=(?P<user.name>[^\s,]+)",
        event: [AUTH, "mail_login", "success"],
    },
    Pattern {
        needle: "reject:",
        regex: r"reject: (?:\w+) from \S*\[{src}\](?::(?P<source.port>\d+))?: (?P<event.reason>.*?)(?:; from=<(?P<email.from.address>[^>]*)>)?(?: to=<(?P<email.to.address>[^>]*)>)?(?: proto=\S+)?(?: helo=<(?P<source.domain>[^>]*)>)?$",
        event: ["email", "mail_rejected", "failure"],
    },
    Pattern {
        needle: "rip=",
        regex: r"(?:auth failed|no auth attempts|Aborted login|Auth process|password mismatch|unknown user)[^:]*:?.*?(?:user=<(?P<user.name>[^>]*)>.*?)?rip={src}(?:.*?lip={dst})?",
        event: [AUTH, "mail_login", "failure"],
    },
    Pattern {
        needle: "rip=",
        regex: r"Login: user=<(?P<user.name>[^>]*)>.*?rip={src}(?:.*?lip={dst})?",
        event: [AUTH, "mail_login", "success"],
    },
    Pattern {
        needle: "rip=",
        regex: r"(?:user=<(?P<user.name>[^>]*)>.*?)?rip={src}(?:.*?lip={dst})?",
        event: [AUTH, "mail_session", ""],
    },
    Pattern {
        needle: "authenticator failed",
        regex: r"authenticator failed for (?:[^\s\[(]+ )?(?:\([^)]*\) )?\[{src}\](?::(?P<source.port>\d+))?.*?(?:\(set_id=(?P<user.name>[^)]*)\))?$",
        event: [AUTH, "mail_login", "failure"],
    },
    Pattern {
        needle: "H=",
        regex: r"H=(?:\S+ )?(?:\([^)]*\) )?\[{src}\](?::(?P<source.port>\d+))?.*?(?:F=<(?P<email.from.address>[^>]*)> )?rejected",
        event: ["email", "mail_rejected", "failure"],
    },
    Pattern {
        needle: "H=",
        regex: r" <= (?P<email.from.address>\S+) H=(?:\S+ )?(?:\([^)]*\) )?\[{src}\]",
        event: ["email", "mail_received", "success"],
    },
    Pattern {
        needle: "auth",
        regex: r"auth(?:-worker)?(?:\(\d+\))?: .*?\((?P<user.name>[^,()\s]+),{src}",
        event: [AUTH, "mail_login", "failure"],
    },
    Pattern {
        needle: "status=",
        regex: r"to=<(?P<email.to.address>[^>]*)>.*?relay=(?:\S*\[{dst}\])?.*?status=(?P<event.reason>\w+)",
        event: ["email", "mail_delivery", ""],
    },
    Pattern {
        needle: "client=",
        regex: r"client=(?P<source.domain>[^\[\s]+)\[{src}\]",
        event: ["email", "mail_connection", ""],
    },
    Pattern {
        needle: "from",
        regex: r"connect from (?P<source.domain>[^\[\s]+)\[{src}\]",
        event: ["email", "mail_connection", ""],
    },
    Pattern {
        needle: "from=<",
        regex: r"from=<(?P<email.from.address>[^>]*)>(?:.*?size=(?P<network.bytes>\d+))?",
        event: ["email", "mail_queued", ""],
    },
];
