//! Who did what to whom, read from a record's fields, else from its text.

use std::net::IpAddr;
use std::sync::LazyLock;

use regex::Regex;
use vedette_event::LogRecord;

use crate::clean::{capped, clean};
use crate::patterns::Filter;

/// Longest name kept of an account, a host or a path.
pub(crate) const NAME_CAP: usize = 96;

/// What a line is about.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Facts {
    /// Where the connection or request came from.
    pub source: Option<IpAddr>,
    /// Where it went.
    pub destination: Option<IpAddr>,
    /// Its port.
    pub port: Option<u16>,
    /// The account, in lower case.
    pub user: Option<String>,
    /// The machine it happened on, in lower case.
    pub host: Option<String>,
    /// Path, file or query name that tells apart what was touched.
    pub object: Option<String>,
    /// HTTP status.
    pub status: Option<u16>,
    /// Whether a login form was sent.
    pub login_post: bool,
    /// Bytes that left.
    pub bytes_out: u64,
}

/// Borders of words and digits are ASCII here: the search is several times quicker, and what these
/// patterns look for is ASCII.
static SOURCE: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r#"(?i)(?-u:\b)(?:src(?:_?ip|_?addr)?|source(?:\.ip|_?ip|-address|\s+(?:network\s+)?address)?|rhost|rip|oip|remote[_ -]?(?:ip|addr(?:ess)?|host)|client(?:[_ -]?(?:ip|addr(?:ess)?|host))?|ip(?:_?addr(?:ess)?)?|from(?: ip| ip address|:)?|by|host|rejected connect from|peer|attacker)[^0-9A-Za-z_]{0,6}(?:ipv[46]:|IPV4/(?:UDP|TCP|TLS)/)?([0-9a-f:]{2,}:[0-9a-f:.]+|[0-9]{1,3}(?:\.[0-9]{1,3}){3})"#,
    )
});

static ANY_ADDRESS: LazyLock<Regex> = LazyLock::new(|| {
    pattern(r"[0-9]{1,3}(?:\.[0-9]{1,3}){3}|[0-9A-Fa-f]{1,4}(?::[0-9A-Fa-f]{0,4}){2,7}")
});

static USER: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r#"(?i)(?:(?:invalid|illegal|unknown|for|authenticating) user|(?-u:\b)users?(?:_?name)?(?-u:\b)|(?-u:\b)acct(?-u:\b)|(?-u:\b)account(?: name)?|(?-u:\b)login(?-u:\b)|(?-u:\b)set_id|(?-u:\b)sasl_username|(?-u:\b)password for)["'=:\s\[(<]{1,4}([a-z0-9][0-9A-Za-z_.@$\\+-]{0,63})"#,
    )
});

const REQUEST: &str = r#"(?:GET|POST|HEAD|PUT|OPTIONS|DELETE|PATCH|PROPFIND) ([^\s"]{1,512})(?: HTTP/[0-9.]+\\?"?,?)?(?: (?:[^"0-9]{0,20})?([1-5][0-9]{2})(?-u:\b))?"#;

const PATH: &str =
    r#"(?i)"[0-9A-Za-z_.-]{0,24}(?:path|uri|url)\\?"\s{0,2}:\s{0,2}\\?"(/[^"]{0,512})"#;

/// A form with a password sent: many of them that are not redirected onwards are guesses.
const LOGIN_POST: &str = r#"(?i)(?-u:\b)POST [^\s"?]{0,200}(?:log[-_]?in|sign-?in|xmlrpc|/auth|/sessions?)(?-u:\b)[^"]{0,300}" [2-5][0-9][0-9] "#;

/// The status behind its name, and in the short forms of some servers.
const STATUS: &str = r#"(?i)(?:(?:status|status_?code|response_?code)"?[=: ]{1,3}"?|returned )([1-5][0-9]{2})(?-u:\b)"#;

const SHORT_STATUS: &str = r"(?:\| |: )([1-5][0-9]{2})(?-u:\b)";

/// The patterns about web requests, and which of them a text can match at all.
struct Web {
    filter: Filter,
    patterns: Vec<Regex>,
}

static WEB: LazyLock<Web> = LazyLock::new(|| {
    let texts = [REQUEST, PATH, LOGIN_POST, STATUS, SHORT_STATUS];
    Web { filter: Filter::new(texts), patterns: texts.into_iter().map(pattern).collect() }
});

/// What the text says of a web request: target, path, whether a login form was sent, status.
#[derive(Default)]
struct Request<'a> {
    target: Option<&'a str>,
    path: Option<&'a str>,
    login_post: bool,
    status: Option<&'a str>,
}

impl<'a> Request<'a> {
    /// Reads a text; what its record names already, the object or the status, is not looked for.
    fn of(text: &'a str, object_known: bool, status_known: bool) -> Self {
        let mut request = Self::default();
        for number in WEB.filter.candidates_of(text) {
            let pattern = &WEB.patterns[number];
            match number {
                0 if !(object_known && status_known) => {
                    let found = pattern.captures(text);
                    let group = |at| found.as_ref().and_then(|it| it.get(at)).map(|it| it.as_str());
                    (request.target, request.status) = (group(1), group(2));
                }
                1 if !object_known => request.path = first_group(pattern, text),
                2 => request.login_post = pattern.is_match(text),
                3.. if !status_known && request.status.is_none() => {
                    request.status = first_group(pattern, text);
                }
                _ => {}
            }
        }
        request
    }
}

fn first_group<'a>(pattern: &Regex, text: &'a str) -> Option<&'a str> {
    Some(pattern.captures(text)?.get(1)?.as_str())
}

/// Words that stand where a name could, but are none.
const NO_NAMES: [&str; 16] = [
    "from", "unknown", "user", "for", "with", "not", "failed", "failure", "name", "is", "has",
    "was", "by", "and", "the", "password",
];

fn pattern(text: &str) -> Regex {
    Regex::new(text).expect("the pattern is a constant that the tests compile")
}

impl Facts {
    /// Reads a record; `text` is its neutral text.
    pub fn of(record: &LogRecord, text: &str) -> Self {
        let field = |names: &[&str]| names.iter().find_map(|name| record.fields.get(name));
        let object = field(&["url.path", "url.original", "dns.question.name", "file.path"]);
        let status = field(&["http.response.status_code"]);
        let request = Request::of(text, object.is_some(), status.is_some());
        let status = status.or(request.status);
        Self {
            source: field(&["source.ip", "client.ip"])
                .and_then(address)
                .or_else(|| source_in(text)),
            destination: field(&["destination.ip", "server.ip"]).and_then(address),
            port: field(&["destination.port", "server.port"]).and_then(|port| port.parse().ok()),
            user: field(&["user.target.name", "user.name", "client.user.name"])
                .map(name)
                .or_else(|| user_in(text)),
            host: field(&["host.name", "host.hostname"])
                .or(record.host.as_deref())
                .map(machine)
                .filter(|host| !host.is_empty()),
            object: object
                .or(request.target)
                .or(request.path)
                .map(|object| capped(object, NAME_CAP).to_owned()),
            status: status.and_then(|status| status.parse().ok()),
            login_post: status.is_none_or(|status| !status.starts_with('3')) && request.login_post,
            bytes_out: field(&["source.bytes", "client.bytes", "network.bytes"])
                .and_then(|bytes| bytes.parse().ok())
                .unwrap_or(0),
        }
    }
}

/// A name for comparing: shown characters only, lower case, capped.
fn name(text: &str) -> String {
    let cleaned = clean(capped(text, NAME_CAP)).text;
    cleaned.trim_matches(['"', '\'', '<', '>', ' ']).to_lowercase()
}

/// The name of a machine for comparing.
pub(crate) fn machine(text: &str) -> String {
    short(&name(text)).to_owned()
}

/// A machine's own name without its domain: one device writes both forms, another only one.
fn short(host: &str) -> &str {
    let numbers = host.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
    if numbers { host } else { host.split('.').next().unwrap_or(host) }
}

/// An address; mapped IPv4 becomes IPv4.
fn address(text: &str) -> Option<IpAddr> {
    let text = text.trim_matches(['[', ']', '"', ' ']);
    let text = text.split_once('%').map_or(text, |(address, _)| address);
    text.parse::<IpAddr>().ok().map(|address| address.to_canonical())
}

/// Longest stretch of a text that is searched for addresses and names.
const SEARCH_CAP: usize = 4096;

fn source_in(text: &str) -> Option<IpAddr> {
    let text = capped(text, SEARCH_CAP);
    let named = SOURCE
        .captures_iter(text)
        .filter_map(|found| address(found.get(1)?.as_str()))
        .find(|address| !address.is_unspecified());
    named.or_else(|| {
        ANY_ADDRESS
            .find_iter(text)
            .filter_map(|found| address(found.as_str()))
            .find(|address| !address.is_unspecified())
    })
}

fn user_in(text: &str) -> Option<String> {
    USER.captures_iter(capped(text, SEARCH_CAP))
        .filter_map(|found| Some(name(found.get(1)?.as_str())))
        .find(|name| !NO_NAMES.contains(&name.as_str()))
}
