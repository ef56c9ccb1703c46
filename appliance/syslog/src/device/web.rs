//! nginx, Apache and relatives: access and error logs.

use std::sync::LazyLock;

use regex::Regex;
use vedette_event::Fields;

use super::pattern::{Lazy, Pattern, Patterns, ascii};
use super::{Decoder, Line, NO_APP, SURELY};
use crate::fields::{self, Side};

pub(super) const ACCESS: Decoder = Decoder {
    dataset: "web.access",
    app: NO_APP,
    marks: &[&["] \""], &["\" ", " [", " HTTP/"]],
    sniff: SURELY,
    parse: access,
};

/// W3C extended format as IIS writes it by default: the server's address comes first.
pub(super) const IIS: Decoder = Decoder {
    dataset: "iis",
    app: NO_APP,
    marks: &[&[]],
    sniff: |line| line.message.starts_with("20") && IIS_LINE.is_match(line.message),
    parse: iis,
};

pub(super) const ERROR: Decoder = Decoder {
    dataset: "web.error",
    app: NO_APP,
    marks: &[&["[client "], &[", client: "]],
    sniff: SURELY,
    parse: |line, fields| {
        fields.set("event.category", "web");
        let known = ERROR_LINES.apply(line.message, fields);
        if let Some(request) = NGINX_REQUEST.captures(line.message) {
            request_line(&request[1], fields);
        }
        known
    },
};

/// Common and combined log format, with or without a virtual host in front and extra columns.
static COMMON: LazyLock<Regex> = LazyLock::new(|| {
    let quoted = r#"((?:[^"\\]|\\.)*)"#;
    let address = r"\d{1,3}(?:\.\d{1,3}){3}|[0-9A-Fa-f:]*:[0-9A-Fa-f:.]+";
    let vhost = r#"(?:"?[A-Za-z0-9_.*:-]+"? +)??"#;
    let pattern = format!(
        r#"^(?:{vhost}\[?({address})\]?|([A-Za-z0-9.-]+))(?:,[^\[]*?)? +\S+ +(?:- )?([^\[]*?) *\[[^\]]{{10,40}}\] (?:[^" ]+ )?"{quoted}" (\d{{3}}) (\d+|-)(?: "{quoted}" "{quoted}")?"#
    );
    Regex::new(&ascii(&pattern)).expect("the pattern is constant")
});

static IIS_LINE: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(&ascii(r"^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d (?:W3SVC\d+ )?(?:[A-Za-z][\w.-]* )?([0-9A-Fa-f.:]+) ([A-Z]{3,12}) (/\S*) (\S+) (\d{1,5}) (\S+) ([0-9A-Fa-f.:]+) (?:HTTP/\S+ )?(\S+) (?:\S+ ){0,3}?([1-5]\d\d)\b"))
        .expect("the pattern is constant")
});

static NGINX_REQUEST: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r#", request: "([^"]*)""#).expect("the pattern is constant"));

static ERROR_LINES: Lazy = Lazy::new(|| Patterns::new(ERROR_PATTERNS));

const ERROR_PATTERNS: &[Pattern] = &[
    Pattern {
        needle: "ModSecurity",
        regex: r#"\[client {src}(?::(?P<source.port>\d+))?\].*?ModSecurity: (?P<event.reason>[^\[]*)"#,
        event: ["web", "waf_match", ""],
    },
    Pattern {
        needle: "[client ",
        regex: r"\[client {src}(?::(?P<source.port>\d+))?\] (?:AH\d+: )?(?:user (?P<user.name>\S+?)(?:: | not found| in realm)|(?P<event.reason>.*))",
        event: ["web", "web_error", "failure"],
    },
    Pattern {
        needle: "[client ",
        regex: r"\[client {src}",
        event: ["web", "web_error", "failure"],
    },
    Pattern {
        needle: "client: ",
        regex: r#"(?:user "(?P<user.name>[^"]*)"[^,]*)?, client: {src}, server: "#,
        event: ["web", "web_error", "failure"],
    },
    Pattern {
        needle: "client: ",
        regex: r", client: {src}",
        event: ["web", "web_error", "failure"],
    },
];

/// The parts of a line in common or combined log format.
#[derive(Debug, Default, PartialEq)]
struct Access<'t> {
    address: &'t str,
    domain: &'t str,
    user: &'t str,
    request: &'t str,
    status: &'t str,
    bytes: &'t str,
    referrer: &'t str,
    agent: &'t str,
}

impl<'t> Access<'t> {
    /// By hand where the line is as most are, else by the expression.
    fn of(text: &'t str) -> Option<Self> {
        Self::plain(text).or_else(|| Self::any(text))
    }

    /// `ADDRESS IDENTITY USER [TIME] "REQUEST" STATUS BYTES`, and then the end or `"REFERRER" "AGENT"`.
    fn plain(text: &'t str) -> Option<Self> {
        let (address, rest) = text.split_once(' ')?;
        let numeric = |b: u8| b.is_ascii_digit() || b == b'.';
        (address.bytes().all(numeric) && address.parse::<std::net::Ipv4Addr>().is_ok())
            .then_some(())?;
        let (identity, rest) = rest.split_once(' ')?;
        let (user, rest) = rest.split_once(" [")?;
        let (time, rest) = rest.split_once("] ")?;
        let odd = |c: char| c == '[' || c == ' ' || c == '\t';
        let fits = !identity.is_empty() && !user.is_empty() && !user.contains(odd);
        (fits && (10..=40).contains(&time.len()) && !time.contains(']')).then_some(())?;
        let (request, rest) = quoted(rest)?;
        let (status, rest) = rest.strip_prefix(' ')?.split_once(' ')?;
        let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
        (status.len() == 3 && digits(status)).then_some(())?;
        let (bytes, rest) = rest.split_at(rest.find(' ').unwrap_or(rest.len()));
        (bytes == "-" || !bytes.is_empty() && digits(bytes)).then_some(())?;
        let user = if user == "-" { "" } else { user };
        let access = Self { address, user, request, status, bytes, ..Self::default() };
        let Some(rest) = rest.strip_prefix(' ') else { return Some(access) };
        let (referrer, rest) = quoted(rest)?;
        let (agent, _) = quoted(rest.strip_prefix(' ')?)?;
        Some(Self { referrer, agent, ..access })
    }

    fn any(text: &'t str) -> Option<Self> {
        let found = COMMON.captures(text)?;
        let part = |group: usize| found.get(group).map_or("", |group| group.as_str());
        Some(Self {
            address: part(1),
            domain: part(2),
            user: part(3),
            request: part(4),
            status: part(5),
            bytes: part(6),
            referrer: part(7),
            agent: part(8),
        })
    }
}

/// The text in quotes that begins here, escapes left as they are, and what follows it.
fn quoted(text: &str) -> Option<(&str, &str)> {
    let inside = text.strip_prefix('"')?;
    let mut at = 0;
    loop {
        at += memchr::memchr2(b'"', b'\\', inside.as_bytes().get(at..)?)?;
        if inside.as_bytes()[at] == b'"' {
            return Some((&inside[..at], &inside[at + 1..]));
        }
        // Steps over the whole escaped character.
        at += 1 + inside[at + 1..].chars().next()?.len_utf8();
    }
}

fn access(line: &Line<'_>, fields: &mut Fields) -> bool {
    let Some(access) = Access::of(line.message) else {
        return false;
    };
    fields::set_address(fields, Side::Source, access.address);
    fields.set("source.domain", access.domain);
    fields.set("event.category", "web");
    fields.set("event.action", "http_request");
    // Some servers put a request id and a dash where the user stands.
    if !access.user.ends_with(" -") {
        fields.set("user.name", access.user.trim_matches(['"', ' ']));
    }
    request_line(access.request, fields);
    fields.set("http.response.status_code", access.status);
    fields.set("http.response.bytes", access.bytes);
    fields.set("http.request.referrer", fields::bounded(access.referrer));
    fields.set("user_agent.original", fields::bounded(access.agent));
    fields.set("event.outcome", fields::outcome(access.status).unwrap_or_default());
    true
}

fn iis(line: &Line<'_>, fields: &mut Fields) -> bool {
    let Some(found) = IIS_LINE.captures(line.message) else {
        return false;
    };
    fields::set_address(fields, Side::Destination, &found[1]);
    fields::set_address(fields, Side::Source, &found[7]);
    fields.set("event.category", "web");
    fields.set("event.action", "http_request");
    fields.set("http.request.method", &found[2]);
    let query = if &found[4] == "-" { String::new() } else { format!("?{}", &found[4]) };
    set_url(&format!("{}{query}", &found[3]), fields);
    fields.set("destination.port", &found[5]);
    fields.set("user.name", &found[6]);
    fields.set("user_agent.original", found[8].replace('+', " "));
    fields.set("http.response.status_code", &found[9]);
    fields.set("event.outcome", fields::outcome(&found[9]).unwrap_or_default());
    true
}

/// Splits `GET /path?query HTTP/1.1`; anything else is kept whole as the target.
pub(super) fn request_line(request: &str, fields: &mut Fields) {
    let (target, version) = match request.rsplit_once(" HTTP/") {
        Some((front, version)) => (front, Some(version)),
        None => (request, None),
    };
    let target = match target.split_once(' ') {
        Some((method, target)) if fields::is_method(method) => {
            fields.set("http.request.method", method);
            target
        }
        _ => target,
    };
    fields.set("http.version", version.unwrap_or_default());
    set_url(target, fields);
}

/// Sets a URL and its parts.
pub(crate) fn set_url(target: &str, fields: &mut Fields) {
    let target = fields::bounded(target);
    fields::set_absent(fields, "url.original", target);
    let behind_scheme = target.split_once("://").map(|(_, rest)| rest);
    if let Some(authority) = behind_scheme.and_then(|rest| rest.split(['/', '?', '#']).next()) {
        let host = authority.rsplit('@').next().unwrap_or_default();
        let host = host.split(':').next().unwrap_or_default();
        fields::set_absent(fields, "url.domain", host);
    }
    let path =
        behind_scheme.map_or(target, |rest| rest.find('/').map_or("", |slash| &rest[slash..]));
    let (path, query) = path.split_once('?').unwrap_or((path, ""));
    fields::set_absent(fields, "url.path", path);
    fields::set_absent(fields, "url.query", query);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_read_by_hand_the_expression_reads_alike() {
        for line in [
            r#"192.0.2.1 - - [24/Jan/2022:16:22:14 +0000] "GET / HTTP/1.1" 404 5"#,
            r#"192.0.2.1 - bob [24/Jan/2022:16:22:14 +0000] "GET /a\"b HTTP/1.1" 200 - "-" "curl \é" 7"#,
            r#"192.0.2.1 x y [24/Jan/2022:16:22:14 +0000] "" 400 0 "" """#,
        ] {
            let plain = Access::plain(line);
            assert!(plain.is_some(), "{line}");
            assert_eq!(plain, Access::any(line), "{line}");
        }
        for line in [
            r#"host 192.0.2.1 - - [24/Jan/2022:16:22:14 +0000] "GET / HTTP/1.1" 404 5"#,
            r#"192.0.2.1 - - [24/Jan/2022:16:22:14 +0000] "GET / HTTP/1.1" 404 5 "-""#,
            r#"192.0.2.1 - - [24/Jan/2022:16:22:14 +0000] "GET / HTTP/1.1 404 5"#,
            "",
        ] {
            assert_eq!(Access::plain(line), None, "{line}");
        }
    }
}
