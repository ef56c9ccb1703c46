//! The syslog header: PRI, then RFC 5424 (read by `syslog_loose`), then the many shapes of RFC 3164.
//!
//! RFC 3164 is read here, because the loose parser takes any line's first words for host and tag, and
//! resolves times in the machine's own zone. A host or tag is believed only where it is plausible.

use syslog_loose::{Message, ProcId, Variant};
use time::OffsetDateTime;
use vedette_event::Defect;

use self::plain::Plain;
use crate::fields;
use crate::stamp::{self, Stamp};

mod plain;

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

/// Longest process id believed, in characters.
const MAX_PROCESS_ID: usize = 32;

/// Parameters kept of one line's structured data: no device sends near as many.
const MAX_PARAMETERS: usize = 256;

/// Blanks before a PRI or a counter.
const MAX_LEAD: usize = 4;

/// Words that stand where a host or a tag would, and are neither.
const LEVELS: &[&str] = &[
    "info", "warn", "warning", "err", "error", "debug", "fatal", "notice", "trace", "crit",
    "critical", "alert", "emerg", "severe", "log", "logon", "failed", "failure", "server", "user",
    "client", "message", "query", "get", "post",
];

/// Reads the header of a line. Never fails: what is not a header is left to the message.
pub(crate) fn read(text: &str, received_at: OffsetDateTime) -> Header {
    let mut header = Header::default();
    let after = priority(text, &mut header);
    if let Some(coat) = container_coat(&text[after..]) {
        header.timestamp = stamp::at_start(&text[after..], received_at).map(|stamp| stamp.time);
        header.message_offset = after + coat;
    } else if !rfc5424(text, after, &mut header) {
        rfc3164(text, after, received_at, &mut header);
    }
    header
}

/// Reads `<134>` and says where it ends.
fn priority(text: &str, header: &mut Header) -> usize {
    let lead = text.bytes().take(MAX_LEAD).take_while(|byte| is_blank(*byte)).count();
    let digits = text[lead..].strip_prefix('<').unwrap_or_default();
    let length = digits.bytes().take(9).take_while(u8::is_ascii_digit).count();
    if length == 0 || digits.as_bytes().get(length) != Some(&b'>') {
        header.defects.push(Defect::MissingPriority);
        return 0;
    }
    match digits[..length].parse::<u8>() {
        Ok(priority) if priority <= MAX_PRIORITY => header.priority = Some(priority),
        _ => header.defects.push(Defect::InvalidPriority),
    }
    lead + 1 + length + 1
}

fn is_blank(byte: u8) -> bool {
    matches!(byte, b'\t'..=b'\r' | b' ')
}

/// Where the first blank, or the text, ends.
fn word_end(text: &str) -> usize {
    text.bytes().position(is_blank).unwrap_or(text.len())
}

/// The bytes of leading blanks.
fn blanks(text: &str) -> usize {
    text.bytes().take_while(|byte| is_blank(*byte)).count()
}

/// Whether the text begins `2026-03-05T`.
fn is_dated(text: &str) -> bool {
    let pattern = b"0000-00-00T";
    let alike = |(byte, form): (&u8, &u8)| match form {
        b'0' => byte.is_ascii_digit(),
        _ => byte == form,
    };
    text.len() >= pattern.len() && text.as_bytes().iter().zip(pattern).all(alike)
}

/// The bytes of what container runtimes put before each line: the time, the stream, whole or part
/// (CRI).
fn container_coat(text: &str) -> Option<usize> {
    is_dated(text).then_some(())?;
    let end = word_end(text);
    let stream = [" stdout ", " stderr "].iter().any(|name| text[end..].starts_with(name));
    let part = text.as_bytes().get(end + 8..end + 10)?;
    (stream && (19..=41).contains(&end) && matches!(part, b"F " | b"P ")).then_some(end + 10)
}

/// Where the time begins in `VERSION? TIME HOST APP PROCID MSGID` and structured data or nil: RFC
/// 5424, also as senders write it that leave the version out.
fn rfc5424_time(text: &str) -> Option<usize> {
    let mut at = usize::from(text.bytes().next().is_some_and(is_blank));
    let version = text[at..].bytes().take(3).take_while(u8::is_ascii_digit).count();
    let numbered = (1..=2).contains(&version) && text.as_bytes()[at] != b'0';
    if numbered && text.as_bytes().get(at + version).is_some_and(|byte| is_blank(*byte)) {
        at += version + 1;
    }
    let start = at;
    at += blanks(&text[at..]);
    let time = &text[at..][..word_end(&text[at..])];
    let zoned = is_dated(time) && is_clock(&time[11..]);
    if time != "-" && !zoned {
        return None;
    }
    at += time.len() + 1;
    for _ in 0..4 {
        let word = word_end(text.get(at..)?);
        at += word + blanks(&text[at + word..]);
        (word > 0).then_some(())?;
    }
    let data = text.get(at..)?;
    let name = data
        .strip_prefix('[')
        .map(|inside| inside.bytes().position(|byte| is_blank(byte) || byte == b']').unwrap_or(0));
    (data.starts_with('-') || name.is_some_and(|length| length > 0)).then_some(start)
}

/// `10:21:35.123`, then a zone, then a second one that some relays add.
fn is_clock(text: &str) -> bool {
    let rest = text.trim_start_matches(|c: char| c.is_ascii_digit() || c == ':' || c == '.');
    let offset = rest.strip_prefix(['+', '-']).and_then(|zone| {
        let digits = zone.get(..5)?;
        let shaped = digits.bytes().enumerate().all(|(at, byte)| match at {
            2 => byte == b':',
            _ => byte.is_ascii_digit(),
        });
        shaped.then(|| &zone[5..])
    });
    let behind = offset.or_else(|| rest.strip_prefix('Z')).unwrap_or(rest);
    rest.len() < text.len() && matches!(behind, "" | "Z")
}

/// Reads an RFC 5424 header at `after`; false where there is none.
fn rfc5424(text: &str, after: usize, header: &mut Header) -> bool {
    let rest = &text[after..];
    // What reads as plain behind a version of one digit needs no second look.
    let versioned = matches!(rest.as_bytes(), [b'1'..=b'9', b' ', ..]);
    let read = versioned.then(|| plain::read(rest[2..].trim_end())).flatten();
    let Some(start) = read.as_ref().map(|_| 2).or_else(|| rfc5424_time(rest)) else {
        return false;
    };
    let body = rest[start..].trim();
    if let Some(Plain { timestamp, words: [host, app, process, id], message }) =
        read.or_else(|| plain::read(body))
    {
        header.timestamp = timestamp;
        header.host = host.map(str::to_owned);
        header.app = app.map(str::to_owned);
        header.proc_id = process.map(process_id);
        header.msg_id = id.map(str::to_owned);
        header.message_offset = message_offset(text, message, after);
        return true;
    }
    // The loose parser wants a PRI and a version, and a time without the double zone some relays make.
    let line = match body.split_once("+00:00Z ") {
        Some((before, behind)) => ["<13>1 ", before, "+00:00 ", behind].concat(),
        None => ["<13>1 ", body].concat(),
    };
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
    header.message_offset = message_offset(text, message.msg, after);
    true
}

/// A number as one writes it, or a name.
fn process_id(word: &str) -> String {
    word.parse::<i32>().map_or_else(|_| word.to_owned(), |number| number.to_string())
}

/// Where the message begins: it runs to the end of the line, blanks at the end aside.
fn message_offset(text: &str, message: &str, after: usize) -> usize {
    let offset = text.trim_end().len().saturating_sub(message.len()).max(after);
    let bom = '\u{feff}';
    if text[offset..].starts_with(bom) { offset + bom.len_utf8() } else { offset }
}

/// The foreign parser's answer, or `None` where it fails, panics included: a line must not end the box.
fn parse_guarded(line: &str) -> Option<Message<&str>> {
    let parse = || syslog_loose::parse_message_with_year_exact(line, |_| 1970, Variant::RFC5424);
    std::panic::catch_unwind(parse).ok()?.ok()
}

fn rfc3164(text: &str, after: usize, received_at: OffsetDateTime, header: &mut Header) {
    let rest = &text[after..];
    let counter = counter(rest);
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

/// The bytes of counters and marks before the time (`000123: *Mar 1 …`), as Cisco devices write them.
fn counter(text: &str) -> usize {
    let mut at = text.bytes().take(MAX_LEAD).take_while(|byte| is_blank(*byte)).count();
    let digits = text[at..].bytes().take(10).take_while(u8::is_ascii_digit).count();
    if digits > 0 && text[at + digits..].starts_with(": ") {
        at += digits + 2;
    }
    at += usize::from(text[at..].starts_with(['*', '.', ':']));
    at + usize::from(text[at..].bytes().next().is_some_and(is_blank))
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
    let (host, mut end) = host(body)?;
    if is_level(host) || !plausible_host(host) {
        return None;
    }
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

/// A word that may be a host, an address in brackets too, and where what follows it begins.
fn host(body: &str) -> Option<(&str, usize)> {
    let word = &body[..word_end(body)];
    let bare = word.strip_suffix(':').filter(|bare| !bare.is_empty()).unwrap_or(word);
    let inside = bare.strip_prefix('[').and_then(|text| text.strip_suffix(']'));
    let begins =
        bare.bytes().next().is_some_and(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    let fits = match inside {
        Some(address) => {
            !address.is_empty()
                && address.bytes().all(|byte| byte.is_ascii_hexdigit() || b".:".contains(&byte))
        }
        None => begins && bare.bytes().all(|b| b.is_ascii_alphanumeric() || b"_.:-".contains(&b)),
    };
    let mut end = word.len() + blanks(&body[word.len()..]);
    if !fits || end == word.len() {
        return None;
    }
    if body[end..].starts_with(':') && body[end + 1..].bytes().next().is_some_and(is_blank) {
        end += 2;
    }
    Some((inside.unwrap_or(bare), end))
}

fn is_level(word: &str) -> bool {
    LEVELS.iter().any(|level| level.eq_ignore_ascii_case(word))
}

/// `app:`, `app[7]:` and `app[7] `: the name, the process id, where what follows begins.
fn tag_parts(body: &str) -> Option<(&str, Option<&str>, usize)> {
    let bytes = body.as_bytes();
    let percent = usize::from(bytes.first() == Some(&b'%'));
    let first = *bytes.get(percent)?;
    (first.is_ascii_alphanumeric() || first == b'_' || first == b'(').then_some(())?;
    let in_name = |byte: &u8| byte.is_ascii_alphanumeric() || b"_./@()#%-".contains(byte);
    let name = percent + bytes[percent..].iter().take_while(|byte| in_name(byte)).count();
    let (id, mut end) = match bytes.get(name)? {
        b':' => (None, name + 1),
        b'[' => {
            let length = body[name + 1..].find(']')?;
            let id = &body[name + 1..name + 1 + length];
            let marked = bytes.get(name + length + 2).is_some_and(|b| *b == b':' || is_blank(*b));
            let short = id.chars().count() <= MAX_PROCESS_ID && !id.bytes().any(is_blank);
            (short && marked).then_some((Some(id), name + length + 3))?
        }
        _ => return None,
    };
    end += usize::from(body[end..].bytes().next().is_some_and(is_blank));
    Some((&body[..name], id, end))
}

fn tag(body: &str) -> Option<Names> {
    let (app, proc_id, end) = tag_parts(body)?;
    let proc_id = proc_id.map(str::to_owned).filter(|id| !id.is_empty());
    // `CEF:0|…` and `LEEF:1.0|…` are the message's own start.
    if app.len() > MAX_NAME_BYTES
        || matches!(app, "CEF" | "LEEF")
        || is_level(app)
        || fields::ip(app).is_some()
    {
        return None;
    }
    // Cisco's `%ASA-4-106023:` is the message's own start, told by it later.
    let end = if app.starts_with('%') { 0 } else { end };
    let app = app.trim_start_matches('%');
    // An all-digit word before a colon is a clock or a counter.
    let named = app.bytes().any(|byte| byte.is_ascii_alphabetic());
    named.then(|| Names { host: None, app: Some(app.to_owned()), proc_id, end })
}

fn plausible_host(host: &str) -> bool {
    fields::ip(host).is_some()
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
