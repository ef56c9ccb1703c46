//! Mail servers and what filters mail, beyond the daemons that the mail decoder reads.

use super::{Columns, LOGIN_FAILED, Pattern, Product, form};

const MAIL_REJECTED: [&str; 3] = ["email", "mail_rejected", "failure"];

pub(super) const TABLE: &[Product] = &[
    Product::of("exim", "").apps(&["exim", "exim4"]).patterns(EXIM),
    Product::of("exim", "").marks(&["H="]).only(EXIM),
    Product::of("exim", "").marks(&["authenticator failed for"]).only(EXIM),
    Product::of("exim", "").marks(&["SMTP call from ", "["]).only(EXIM),
    Product::of("postscreen", "").apps(&["postscreen"]).patterns(&[
        form("PREGREET", r"(?P<event.action>PREGREET) \d+ after [\d.]+ from \[{src}\]:(?P<source.port>\d+)", ["email", "", "failure"]),
        form("]:", r"(?P<event.action>CONNECT|DISCONNECT|HANGUP|DNSBL|PASS \w+|WHITELISTED|ALLOWLISTED|BLACKLISTED|DENYLISTED)\b.*?\[{src}\]:(?P<source.port>\d+)", ["email", "", ""]),
    ]),
    Product::of("amavis", "").apps(&["amavis", "amavisd*"]).patterns(&[
        form("Blocked", r"(?P<event.action>Blocked [A-Z-]+) (?:\((?P<rule.name>[^)]*)\) )?\{.*?\[{src}\](?::(?P<source.port>\d+))?.*?<(?P<email.from.address>[^>]*)> -> <(?P<email.to.address>[^>]*)>", ["email", "", "failure"]),
        form("Passed", r"(?P<event.action>Passed [A-Z-]+) .*?\[{src}\](?::(?P<source.port>\d+))?.*?<(?P<email.from.address>[^>]*)> -> <(?P<email.to.address>[^>]*)>", ["email", "", "success"]),
    ]),
    Product::of("mailscanner", "").apps(&["MailScanner"]).patterns(&[
        form(" is spam", r"Message \S+ from {src} \((?P<email.from.address>[^)]*)\) to (?P<email.to.address>\S+) is spam(?: \((?P<event.reason>.*)\)$|, (?P<rule.name>.*))?", MAIL_REJECTED),
    ]),
    Product::of("exchange.smtp", "Microsoft").marks(&["Z,", ":25,"]).only(EXCHANGE_SMTP),
    Product::of("exchange.smtp", "Microsoft").marks(&["Z,", ",<,"]).only(EXCHANGE_SMTP),
    Product::of("exchange.smtp", "Microsoft").marks(&["Z,", ",>,"]).only(EXCHANGE_SMTP),
    Product::of("exchange.pop", "Microsoft").marks(&["Z,", ":110,"]).columns(exchange_pop()),
    Product::of("exchange.pop", "Microsoft").marks(&["Z,", ":143,"]).columns(exchange_pop()),
    Product::of("proofpoint", "Proofpoint").apps(&["filter_instance*"]),
    Product::of("symantec.messaging", "Symantec").marks(&["[Brightmail]"]),
    Product::of("clearswift", "Clearswift").marks(&["[Consolidator]"]),
    Product::of("rspamd", "").apps(&["rspamd"]),
    Product::of("spamassassin", "").apps(&["spamd", "spamc"]),
    Product::of("clamav", "").apps(&["clamd", "clamav-milter", "freshclam", "clamscan"]).patterns(&[
        form(" FOUND", r"(?P<file.path>\S.*?): (?P<rule.name>\S+) FOUND", ["malware", "malware_found", "failure"]),
    ]),
    Product::of("opendkim", "").apps(&["opendkim", "opendmarc", "policyd-spf", "postgrey", "milter-greylist", "policyd"]),
    Product::of("opensmtpd", "").apps(&["smtpd"]).only(&[
        form("failed-command", r"^(?P<event.id>[0-9a-f]{16}) smtp (?:event=)?failed-command(?: address={src})?.*?command=(?P<event.reason>.*)$", MAIL_REJECTED),
    ]),
    Product::of("cyrus", "").apps(&["cyrus*", "imapd", "pop3d", "imap", "pop3", "saslauthd", "imaps", "lmtpunix", "ipop3d"]).patterns(&[
        form("badlogin", r"badlogin: \S*\s*\[{src}\] \S+ (?:\[?(?P<user.name>[^\]\s]+)\]? )?(?P<event.reason>.*)$", LOGIN_FAILED),
        form("user=", r"Login (?:failed|failure) .*?user=(?P<user.name>\S+).*?\[{src}\]", LOGIN_FAILED),
    ]),
    Product::of("courier", "").apps(&["courier*", "authdaemond", "imapd-ssl", "pop3d-ssl"]),
    Product::of("zimbra", "").marks(&["oip=", "SoapEngine"]).patterns(&[
        form("failed for", r"authentication failed for \[(?P<user.name>[^\]]*)\](?:, (?P<event.reason>.*))?$", LOGIN_FAILED),
    ]),
    Product::of("zimbra", "").marks(&["[qtp", "oip="]).patterns(&[
        form("failed for", r"authentication failed for \[(?P<user.name>[^\]]*)\](?:, (?P<event.reason>.*))?$", LOGIN_FAILED),
    ]),
    Product::of("sympa", "").apps(&["sympa*", "wwsympa"]).patterns(&[
        form("[client ", r"\[robot (?P<url.domain>[^\]]*)\].*?\[client {src}\](?: \[user (?P<user.name>[^\]]*)\])? ?(?P<event.reason>.*)$", ["web", "", ""]),
    ]),
    Product::of("assp", "").marks(&["[Worker_"]),
    Product::of("kerio", "Kerio").marks(&["Failed ", " login from "]).only(&[
        form("login from", r"Failed (?P<network.protocol>\w+) login from {src}(?:, .*|.*?user (?P<user.name>\S+).*)?$", LOGIN_FAILED),
    ]),
    Product::of("roundcube", "").marks(&["IMAP Error: Login failed for "]).only(&[
        form("Login failed for", r"Login failed for (?P<user.name>\S+) ", LOGIN_FAILED),
    ]),
    Product::of("roundcube", "").marks(&["Failed login for ", " in session "]).only(&[
        form("Failed login", r"Failed login for (?P<user.name>.*) from {src} in session", LOGIN_FAILED),
    ]),
    Product::of("mailu", "").marks(&["WARNING in limiter: "]).only(&[
        form("attempt", r"Authentication attempt from {src}(?: for (?P<user.name>\S+))? has been (?P<event.reason>rate-limited)", LOGIN_FAILED),
    ]),
];

const EXIM: &[Pattern] = &[
    form(
        "authenticator failed",
        r"authenticator failed for (?:(?P<source.domain>[^\s\[(]+) )?(?:\([^)]*\) )?\[{src}\](?::(?P<source.port>\d+))?(?: I=\[[^\]]*\]:\d+)?(?: U=\S+)?: (?P<event.reason>.*?)(?: \(set_id=(?P<user.name>.*)\))?$",
        ["authentication", "mail_login", "failure"],
    ),
    form(
        "H=",
        r"(?:^|\s)H=(?:(?P<source.domain>[^\s\[(]+) )?(?:\([^)]*\) )?\[{src}\](?::(?P<source.port>\d+))?.*?(?:F=<(?P<email.from.address>[^>]*)> )?(?:temporarily )?rejected (?:RCPT|MAIL|EHLO or HELO|after DATA|during MIME ACL checks)(?: <(?P<email.to.address>[^>]*)>)?:? ?(?P<event.reason>.*)$",
        ["email", "mail_rejected", "failure"],
    ),
    form(
        "H=",
        r"(?:^|\s)H=(?:(?P<source.domain>[^\s\[(]+) )?(?:\([^)]*\) )?\[{src}\](?::(?P<source.port>\d+))?.*? (?P<event.reason>(?:temporarily )?rejected .*|sender verify .*|Warning: .*)$",
        ["email", "mail_rejected", "failure"],
    ),
    form(
        "call from",
        r"SMTP (?:protocol .*? )?call from (?:(?P<source.domain>[^\s\[(]+) )?(?:\([^)]*\) )?\[{src}\](?::(?P<source.port>\d+))?(?: I=\[[^\]]*\]:\d+)? (?P<event.reason>dropped: .*|lost.*)$",
        ["email", "mail_rejected", "failure"],
    ),
    form(
        "SMTP",
        r"SMTP (?:protocol|syntax) \w*error .*?H=(?:(?P<source.domain>[^\s\[(]+) )?(?:\([^)]*\) )?\[{src}\](?::(?P<source.port>\d+))?",
        ["email", "mail_rejected", "failure"],
    ),
    form(
        " <= ",
        r" <= (?P<email.from.address>\S+) H=(?:(?P<source.domain>[^\s\[(]+) )?(?:\([^)]*\) )?\[{src}\](?::(?P<source.port>\d+))?",
        ["email", "mail_received", "success"],
    ),
];

/// `time,connector,session,number,local,remote,event,data,context` of protocol logs.
const EXCHANGE_SMTP: &[Pattern] = &[form(
    ",",
    r"^(?:\S+Z,)?[^,]*,[0-9A-F]{16},\d+,{dst}:(?P<destination.port>\d+),{src}:(?P<source.port>\d+),(?P<event.action>[-+<>*]),(?P<event.reason>[^,]*)",
    ["email", "", ""],
)];

const fn exchange_pop() -> Columns {
    Columns {
        delimiter: b',',
        told_by: (9, "auth"),
        fields: &[
            (3, "destination.ip"),
            (4, "source.ip"),
            (5, "user.name"),
            (9, "event.action"),
            (11, "event.reason"),
        ],
        category: "authentication",
    }
}
