//! The syslog header: PRI, then RFC 5424 (read by `syslog_loose`), then the many shapes of RFC 3164.
//!
//! RFC 3164 is read here, because the loose parser takes any line's first words for host and tag, and
//! resolves times in the machine's own zone. A host or tag is believed only where it is plausible.

use std::sync::LazyLock;

use regex::Regex;
use syslog_loose::{Message, ProcId, Variant};
use time::OffsetDateTime;
use vedette_event::Defect;

use crate::stamp::{self, Stamp};

/// What stands in front of the message.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Header {
    pub(crate) priority: Option<u8>,
    pub(crate) timestamp: Option<OffsetDateTime>,
    pub(crate) host: Option<String>,
    pub(crate) app: Option<String>,
    pub(crate) proc_id: Option<String>,
    pub(crate) msg_id: Option<String>,
    /// Parameters of RFC 5424 structured data.
    pub(crate) parameters: Vec<(String, String)>,
    /// Where the message begins in the text.
    pub(crate) message_offset: usize,
    pub(crate) defects: Vec<Defect>,
}

/// Highest PRI: facility 23, severity 7 (RFC 5424, section 6.2.1).
const MAX_PRIORITY: u8 = 191;

/// Longest host name or tag believed, in bytes (RFC 5424, section 6: host names up to 255).
const MAX_NAME_BYTES: usize = 255;

/// Parameters kept of one line's structured data: no device sends near as many.
const MAX_PARAMETERS: usize = 256;

static PRIORITY: LazyLock<Regex> = LazyLock::new(|| regex(r"^\s{0,4}<(\d{1,9})>"));

/// `VERSION? TIME HOST APP PROCID MSGID` and then structured data or nil: RFC 5424, also as senders
/// write it that leave the version out.
static RFC5424: LazyLock<Regex> = LazyLock::new(|| {
    regex(
        r"^\s?([1-9]\d?\s)?\s*(?:-|\d{4}-\d\d-\d\dT[\d:.]+(?:Z|[+-]\d\d:\d\d)?Z?)\s\S+\s+\S+\s+\S+\s+\S+\s+(?:-|\[[^\s\]]+[\s\]])",
    )
});

/// Counters and marks before the time (`000123: *Mar 1 …`), as Cisco devices write them.
static COUNTER: LazyLock<Regex> = LazyLock::new(|| regex(r"^\s{0,4}(?:\d{1,10}: )?[*.:]?\s?"));

/// What container runtimes put before each line: the time, the stream, whole or part (CRI).
static CONTAINER: LazyLock<Regex> =
    LazyLock::new(|| regex(r"^\d{4}-\d\d-\d\dT\S{8,30} std(?:out|err) [FP] "));

static TAG: LazyLock<Regex> = LazyLock::new(|| {
    regex(r"^(%?[A-Za-z0-9_(][A-Za-z0-9_./@()#%-]*?)(?:\[([^\]\s]{0,32})\](?::|\s)|:)(?:\s|$)?")
});

static HOST: LazyLock<Regex> = LazyLock::new(|| {
    regex(r"^(?:\[([0-9A-Fa-f.:]+)\]|([A-Za-z0-9_][A-Za-z0-9_.:-]*?)):?\s+(?::\s)?")
});

static LEVEL: LazyLock<Regex> = LazyLock::new(|| {
    regex(
        r"^(?i:info|warn|warning|err|error|debug|fatal|notice|trace|crit|critical|alert|emerg|severe|log|logon|failed|failure|server|user|client|message|query|get|post)$",
    )
});

fn regex(pattern: &str) -> Regex {
    Regex::new(pattern).expect("the pattern is constant")
}

/// Reads the header of a line. Never fails: what is not a header is left to the message.
pub(crate) fn read(text: &str, received_at: OffsetDateTime) -> Header {
    let mut header = Header::default();
    let after = priority(text, &mut header);
    if let Some(coat) = CONTAINER.find(&text[after..]) {
        header.timestamp = stamp::at_start(coat.as_str(), received_at).map(|stamp| stamp.time);
        header.message_offset = after + coat.end();
    } else if !rfc5424(text, after, &mut header) {
        rfc3164(text, after, received_at, &mut header);
    }
    header
}

fn priority(text: &str, header: &mut Header) -> usize {
    let Some(found) = PRIORITY.captures(text) else {
        header.defects.push(Defect::MissingPriority);
        return 0;
    };
    match found[1].parse::<u8>() {
        Ok(priority) if priority <= MAX_PRIORITY => header.priority = Some(priority),
        _ => header.defects.push(Defect::InvalidPriority),
    }
    found[0].len()
}

/// Reads an RFC 5424 header at `after`; false where there is none.
fn rfc5424(text: &str, after: usize, header: &mut Header) -> bool {
    let rest = &text[after..];
    let Some(found) = RFC5424.captures(rest) else {
        return false;
    };
    let version = found.get(1).map_or(0, |version| version.end());
    // The loose parser wants a PRI and a version, and a time without the double zone some relays make.
    let body = rest[version..].trim().replacen("+00:00Z ", "+00:00 ", 1);
    let line = format!("<13>1 {body}");
    let Some(message) = parse_guarded(&line) else {
        return false;
    };
    header.timestamp = message.timestamp.and_then(|at| {
        let time =
            OffsetDateTime::from_unix_timestamp_nanos(at.timestamp_nanos_opt()?.into()).ok()?;
        let offset = time::UtcOffset::from_whole_seconds(at.offset().local_minus_utc()).ok()?;
        time.checked_to_offset(offset)
    });
    header.host = message.hostname.map(str::to_owned);
    header.app = message.appname.map(|app| app.trim_end_matches(':').to_owned());
    header.msg_id = message.msgid.map(str::to_owned);
    header.proc_id = message.procid.map(|id| match id {
        ProcId::PID(number) => number.to_string(),
        ProcId::Name(name) => name.to_owned(),
    });
    let parameters = message.structured_data.iter().flat_map(|element| element.params());
    header.parameters = parameters
        .take(MAX_PARAMETERS)
        .map(|(name, value)| ((*name).to_owned(), value.to_string()))
        .collect();
    // The message runs to the end of the line, blanks at the end aside.
    header.message_offset = text.trim_end().len().saturating_sub(message.msg.len()).max(after);
    let bom = '\u{feff}';
    if text[header.message_offset..].starts_with(bom) {
        header.message_offset += bom.len_utf8();
    }
    true
}

/// The foreign parser's answer, or `None` where it fails, panics included: a line must not end the box.
fn parse_guarded(line: &str) -> Option<Message<&str>> {
    let parse = || syslog_loose::parse_message_with_year_exact(line, |_| 1970, Variant::RFC5424);
    std::panic::catch_unwind(parse).ok()?.ok()
}

fn rfc3164(text: &str, after: usize, received_at: OffsetDateTime, header: &mut Header) {
    let rest = &text[after..];
    let counter = COUNTER.find(rest).map_or(0, |found| found.end());
    let stamp = stamp::at_start(&rest[counter..], received_at);
    header.timestamp = stamp.map(|stamp| stamp.time);
    header.message_offset = after;
    let has_priority = header.priority.is_some();
    let Some(body) = body_offset(&rest[counter..], stamp, has_priority) else {
        return;
    };
    let offset = after + counter + body;
    let named = names(&text[offset..], has_priority || stamp.is_some_and(|stamp| stamp.rfc3164));
    if let Some(names) = named {
        header.host = names.host;
        header.app = names.app;
        header.proc_id = names.proc_id;
        header.message_offset = offset + names.end;
    } else if has_priority || stamp.is_some_and(|stamp| stamp.rfc3164) {
        header.message_offset = offset;
    }
}

/// Where the part behind the time begins, if what stands before it can be a header.
fn body_offset(rest: &str, stamp: Option<Stamp>, has_priority: bool) -> Option<usize> {
    let Some(stamp) = stamp else {
        // Some devices send the host or the tag straight after the PRI, without a time.
        return has_priority.then_some(0);
    };
    let bracketed = rest[..stamp.end].trim_start().starts_with('[');
    let behind = &rest[stamp.end..];
    if bracketed && !(stamp.rfc3164 && behind.starts_with("] ")) {
        return None;
    }
    let gap = behind.len() - behind.trim_start_matches([' ', '\t', ':', ']']).len();
    (gap > 0).then_some(stamp.end + gap)
}

#[derive(Debug)]
struct Names {
    host: Option<String>,
    app: Option<String>,
    proc_id: Option<String>,
    end: usize,
}

/// Host and tag behind the time. `lenient`: it is surely syslog, so that a host without a tag counts.
fn names(body: &str, lenient: bool) -> Option<Names> {
    if let Some(tag) = tag(body) {
        // A tag in the host's place is a tag when brackets, a `%` or surely syslog say so.
        if lenient || tag.proc_id.is_some() {
            return Some(tag);
        }
        return None;
    }
    let found = HOST.captures(body)?;
    let host = found.get(1).or_else(|| found.get(2))?.as_str();
    if LEVEL.is_match(host) || !plausible_host(host) {
        return None;
    }
    let mut end = found[0].len();
    // UniFi writes the host twice.
    if let Some(again) = body[end..].strip_prefix(host).filter(|rest| rest.starts_with(' ')) {
        end = body.len() - again.trim_start().len();
    }
    match tag(&body[end..]) {
        Some(tag) => Some(Names { host: Some(host.to_owned()), end: end + tag.end, ..tag }),
        None if lenient => {
            Some(Names { host: Some(host.to_owned()), app: None, proc_id: None, end })
        }
        None => None,
    }
}

fn tag(body: &str) -> Option<Names> {
    let found = TAG.captures(body)?;
    let app = found.get(1)?.as_str();
    let proc_id = found.get(2).map(|id| id.as_str().to_owned()).filter(|id| !id.is_empty());
    // `CEF:0|…` and `LEEF:1.0|…` are the message's own start.
    if app.len() > MAX_NAME_BYTES
        || matches!(app, "CEF" | "LEEF")
        || LEVEL.is_match(app)
        || app.parse::<std::net::IpAddr>().is_ok()
    {
        return None;
    }
    // Cisco's `%ASA-4-106023:` is the message's own start, told by it later.
    let end = if app.starts_with('%') { 0 } else { found[0].len() };
    let app = app.trim_start_matches('%');
    // An all-digit word before a colon is a clock or a counter.
    let named = app.bytes().any(|byte| byte.is_ascii_alphabetic());
    named.then(|| Names { host: None, app: Some(app.to_owned()), proc_id, end })
}

fn plausible_host(host: &str) -> bool {
    let address = host.parse::<std::net::IpAddr>().is_ok();
    address
        || (host.len() <= MAX_NAME_BYTES
            && !host.contains(':')
            && host.bytes().any(|byte| byte.is_ascii_alphabetic()))
}

#[cfg(test)]
mod tests {
    use time::macros::datetime;

    use super::*;

    /// Line, host, app, process id, message.
    const HEADERS: &[[&str; 5]] = &[
        ["<34>1 2003-10-11T22:14:00Z h su - - - hi", "h", "su", "", "hi"],
        ["<34>1 2003-10-11T22:14:00+00:00Z h su - - - hi", "h", "su", "", "hi"],
        [
            "<34>Oct 11 22:14:15 mymachine su[12]: 'su root' failed",
            "mymachine",
            "su",
            "12",
            "'su root' failed",
        ],
        [
            "<34>1 2003-10-11T22:14:15.003Z h.example.com su 7 ID47 [a@1 b=\"c\"] hi",
            "h.example.com",
            "su",
            "7",
            "hi",
        ],
        ["<34>1 - - - - - - ", "", "", "", ""],
        [
            "<34> 2026-08-14T09:21:07.123456+00:00 edge DNAC - - - {\"a\":1}",
            "edge",
            "DNAC",
            "",
            "{\"a\":1}",
        ],
        ["Jan 15 08:00:00 host app: text", "host", "app", "", "text"],
        ["Apr 25 11:19:00 ovpn-server[13820]: TLS Error", "", "ovpn-server", "13820", "TLS Error"],
        [
            "Feb 15 11:25:46 gw.local system,error login failure",
            "gw.local",
            "",
            "",
            "system,error login failure",
        ],
        [
            "2024-08-29T01:09:08.98+00:00 box postfix/smtpd[19]: NOQUEUE",
            "box",
            "postfix/smtpd",
            "19",
            "NOQUEUE",
        ],
        ["<166>%ASA-6-302013: Built", "", "ASA-6-302013", "", "%ASA-6-302013: Built"],
        ["<166>Aug 14 09:21:07 edge : %ASA-3-1: x", "edge", "ASA-3-1", "", "%ASA-3-1: x"],
        ["<134>Aug 14 09:21:07 filterlog: 82,,", "", "filterlog", "", "82,,"],
        [
            "2022-02-14 18:01:07.092 Warn Server: AUTH-ERROR",
            "",
            "",
            "",
            "2022-02-14 18:01:07.092 Warn Server: AUTH-ERROR",
        ],
        [
            "2025-02-22 01:27:36 someone 192.168.1.1 failed",
            "",
            "",
            "",
            "2025-02-22 01:27:36 someone 192.168.1.1 failed",
        ],
        ["{\"a\": 1}", "", "", "", "{\"a\": 1}"],
        [
            "1.2.3.4 - - [24/Jan/2022:16:22:14 +0000] \"GET / HTTP/1.1\" 404 5",
            "",
            "",
            "",
            "1.2.3.4 - - [24/Jan/2022:16:22:14 +0000] \"GET / HTTP/1.1\" 404 5",
        ],
    ];

    #[test]
    fn headers_are_read_where_they_are() {
        let some = |text: &str| Some(text.to_owned()).filter(|text| !text.is_empty());
        for [line, host, app, proc_id, message] in HEADERS.iter().copied() {
            let header = read(line, datetime!(2026-08-15 0:00 UTC));
            assert_eq!(header.host, some(host), "host of {line:?}");
            assert_eq!(header.app, some(app), "app of {line:?}");
            assert_eq!(header.proc_id, some(proc_id), "process id of {line:?}");
            assert_eq!(&line[header.message_offset..].trim_end(), &message, "message of {line:?}");
        }
    }

    #[test]
    fn a_bad_priority_is_a_defect() {
        for (line, priority, defects) in [
            ("<191>x", Some(191), vec![]),
            ("<192>x", None, vec![Defect::InvalidPriority]),
            ("<999999>x", None, vec![Defect::InvalidPriority]),
            ("x", None, vec![Defect::MissingPriority]),
            ("<W>x", None, vec![Defect::MissingPriority]),
        ] {
            let header = read(line, datetime!(2026-08-15 0:00 UTC));
            assert_eq!((header.priority, header.defects), (priority, defects), "{line:?}");
        }
    }
}
