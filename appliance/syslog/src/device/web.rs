//! nginx, Apache and relatives: access and error logs.

use std::sync::LazyLock;

use regex::Regex;
use vedette_event::Fields;

use super::pattern::{Lazy, Pattern, Patterns};
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
    Regex::new(&pattern).expect("the pattern is constant")
});

static IIS_LINE: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d (?:W3SVC\d+ )?(?:[A-Za-z][\w.-]* )?([0-9A-Fa-f.:]+) ([A-Z]{3,12}) (/\S*) (\S+) (\d{1,5}) (\S+) ([0-9A-Fa-f.:]+) (?:HTTP/\S+ )?(\S+) (?:\S+ ){0,3}?([1-5]\d\d)\b")
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

fn access(line: &Line<'_>, fields: &mut Fields) -> bool {
    let Some(found) = COMMON.captures(line.message) else {
        return false;
    };
    let text = |group: usize| found.get(group).map_or("", |group| group.as_str());
    fields::set_address(fields, Side::Source, text(1));
    fields.set("source.domain", text(2));
    fields.set("event.category", "web");
    fields.set("event.action", "http_request");
    // Some servers put a request id and a dash where the user stands.
    if !text(3).ends_with(" -") {
        fields.set("user.name", text(3).trim_matches(['"', ' ']));
    }
    request_line(text(4), fields);
    fields.set("http.response.status_code", text(5));
    fields.set("http.response.bytes", text(6));
    fields.set("http.request.referrer", fields::bounded(text(7)));
    fields.set("user_agent.original", fields::bounded(text(8)));
    fields.set("event.outcome", fields::outcome(text(5)).unwrap_or_default());
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
