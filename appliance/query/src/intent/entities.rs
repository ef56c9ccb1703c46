//! The things a question names: addresses, accounts, machines, programs, files, hashes, names, ports.

use std::net::{IpAddr, SocketAddr};

use vedette_event::query::{Operator, Predicate, Value};
use vedette_kb::dialects::{labels, products, program};

use super::clauses;
use super::found::{Found, Term};
use super::words::{Word, Words, is_plain};
use crate::incident::{domain, hash_field};
use crate::lower::is_network;
use crate::shape::{any, compare, text};

/// What kind of thing a value is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Source,
    Destination,
    Address,
    User,
    Host,
    Process,
    File,
    Registry,
    Hash,
    Url,
    Domain,
    Port,
    Mail,
    Code,
    Status,
    Method,
    Bytes,
    Fragment,
    /// A field that the question names itself.
    Field(&'static str),
}

impl Kind {
    /// Whether values of it are parts of a text, of which one text may hold several.
    pub(super) fn is_partial(self) -> bool {
        matches!(self, Self::Fragment | Self::Url | Self::File | Self::Registry)
    }
}

/// All that a question names.
pub(super) fn find(words: &Words<'_>) -> Found {
    let mut found = Found::default();
    let mut at = 0;
    while at < words.len() {
        if let Some(term) = clauses::read(words, at) {
            at = term.to;
            found.add(words, term);
            continue;
        }
        let mut place = Place { words, at, found: &mut found };
        let word = words.word(at);
        if !labelled(&mut place, word) {
            shaped(&mut place, word);
        }
        at += 1;
    }
    // A fragment is the weakest sign: where programs or files are named it would only narrow.
    let named = [Kind::Process, Kind::File, Kind::Registry, Kind::Url];
    let quoted = words.iter().any(|(_, word, _)| word.quoted);
    if !quoted && named.iter().any(|kind| found.has(*kind)) {
        found.forget(|kind| kind == Kind::Fragment);
    }
    found
}

/// A word of a question, and where what it names goes.
struct Place<'a, 'w> {
    words: &'a Words<'w>,
    at: usize,
    found: &'a mut Found,
}

impl Place<'_, '_> {
    fn add(&mut self, kind: Kind, predicate: Predicate) {
        let term = Term { kind, from: self.at, to: self.at + 1, predicate, negated: false };
        self.found.add(self.words, term);
    }
}

/// Values that the word before them names: `port 22`, `event id 4625`, `user alice`.
fn labelled(place: &mut Place<'_, '_>, word: Word<'_>) -> bool {
    let (words, at) = (place.words, place.at);
    let value = word.raw;
    let number = value.parse::<i64>().ok().filter(|number| *number >= 0);
    let (before, further) = (words.before(at), at.checked_sub(2).map_or("", |at| words.lower(at)));
    match (before, number) {
        ("port" | "ports", Some(port)) if port <= 65_535 => {
            let field = if further == "source" { "source.port" } else { "destination.port" };
            place.add(Kind::Port, compare(field, Operator::Equal, Value::Number(port)));
        }
        ("id" | "ids" | "code", Some(_)) if matches!(further, "event" | "eventid" | "log") => {
            place.add(Kind::Code, text("event.code", Operator::Equal, value));
        }
        ("eventid" | "eventids" | "eid" | "event", Some(code)) if code >= 100 => {
            place.add(Kind::Code, text("event.code", Operator::Equal, value));
        }
        ("status" | "code" | "response" | "http", Some(status)) if (100..600).contains(&status) => {
            let status = Value::Number(status);
            place.add(Kind::Status, compare("http.response.status_code", Operator::Equal, status));
        }
        ("user" | "username" | "account" | "user.name" | "users", None)
            if is_account(words, at, word) =>
        {
            place.add(Kind::User, text("user.name", Operator::Equal, value));
        }
        (
            "host" | "hostname" | "server" | "machine" | "workstation" | "computer" | "endpoint",
            None,
        ) if word.quoted || is_identifier(value) => {
            place.add(Kind::Host, text("host.name", Operator::Equal, value));
        }
        _ => return bytes(place, number),
    }
    true
}

/// "more than 100 MB": at least so many bytes sent.
fn bytes(place: &mut Place<'_, '_>, number: Option<i64>) -> bool {
    let scale = match place.words.lower(place.at + 1) {
        "kb" | "kilobytes" => 1_000,
        "mb" | "megabytes" | "mib" => 1_000_000,
        "gb" | "gigabytes" | "gib" => 1_000_000_000,
        "bytes" => 1,
        _ => return false,
    };
    let Some(bytes) = number.and_then(|number| number.checked_mul(scale)) else { return false };
    let value = Value::Number(bytes);
    place.add(Kind::Bytes, compare("source.bytes", Operator::GreaterEqual, value));
    true
}

/// After "for user", "by user" and the like any word is an account; elsewhere only one that looks it.
fn is_account(words: &Words<'_>, at: usize, word: Word<'_>) -> bool {
    const KNOWN: [&str; 7] =
        ["root", "admin", "administrator", "guest", "oracle", "postgres", "sa"];
    let lower = words.lower(at);
    let led = at.checked_sub(2).is_some_and(|two| {
        matches!(words.lower(two), "for" | "by" | "from" | "of" | "as" | "against")
    });
    let follows = !matches!(lower, "account" | "accounts" | "name" | "agent" | "in" | "who");
    word.quoted
        || KNOWN.contains(&lower)
        || is_identifier(word.raw)
        || (led && follows && !is_plain(lower) && word.raw.chars().all(char::is_alphanumeric))
}

/// A word that is a name by its shape: letters with a digit, a dash, an underscore or a dot inside.
fn is_identifier(word: &str) -> bool {
    word.chars().all(|c| c.is_ascii_alphanumeric() || "-_.$\\@".contains(c))
        && word.chars().any(|c| c.is_ascii_alphabetic())
        && word.chars().any(|c| c.is_ascii_digit() || "_.$\\@".contains(c))
}

/// Values that their own shape names.
fn shaped(place: &mut Place<'_, '_>, word: Word<'_>) {
    let value = word.raw;
    let words = place.words;
    let lower = words.lower(place.at);
    if address(place, value) || name_like(place, word, lower) {
        return;
    }
    if let Some(file) = program(lower).filter(|_| !word.quoted) {
        place.add(Kind::Process, run(file, lower));
    } else if is_fragment(word, lower) {
        place.add(Kind::Fragment, text("process.command_line", Operator::Contains, value));
    }
}

fn address(place: &mut Place<'_, '_>, value: &str) -> bool {
    let socket = value.parse::<SocketAddr>().ok().filter(|_| value.contains(['.', '[']));
    let plain = socket.map_or_else(|| value.to_owned(), |socket| socket.ip().to_string());
    let operator = if plain.parse::<IpAddr>().is_ok() {
        Operator::Equal
    } else if is_network(&plain) {
        Operator::InNetwork
    } else {
        return false;
    };
    let on = |field: &str| text(field, operator, &plain);
    match role(place.words, place.at) {
        Kind::Source => place.add(Kind::Source, on("source.ip")),
        Kind::Destination => place.add(Kind::Destination, on("destination.ip")),
        _ => place.add(Kind::Address, any(vec![on("source.ip"), on("destination.ip")])),
    }
    if let Some(socket) = socket {
        let port = Value::Number(i64::from(socket.port()));
        place.add(Kind::Port, compare("destination.port", Operator::Equal, port));
    }
    true
}

/// Which end of a connection the words before an address speak of; a list shares its first word's.
fn role(words: &Words<'_>, at: usize) -> Kind {
    const REACH: usize = 6;
    for back in 1..=REACH.min(at) {
        match words.lower(at - back) {
            "from" | "source" | "src" | "by" | "attacker" | "client" | "sourceip" => {
                return Kind::Source;
            }
            "to" | "destination" | "dest" | "dst" | "against" | "target" | "toward" | "towards" => {
                return Kind::Destination;
            }
            "ip" | "address" | "addresses" | "and" | "or" | "network" | "the" | "subnet"
            | "host" => {}
            other if other.parse::<IpAddr>().is_ok() || is_network(other) => {}
            _ => break,
        }
    }
    Kind::Address
}

fn name_like(place: &mut Place<'_, '_>, word: Word<'_>, lower: &str) -> bool {
    let value = word.raw;
    let contains = |field: &str| text(field, Operator::Contains, value);
    let hexadecimal = value.bytes().all(|byte| byte.is_ascii_hexdigit());
    if matches!(value.len(), 32 | 40 | 64) && hexadecimal {
        place.add(Kind::Hash, text(hash_field(value), Operator::Equal, lower));
    } else if lower.starts_with("http://") || lower.starts_with("https://") {
        if !is_reference(place.words, place.at) {
            place.add(Kind::Url, contains("url.original"));
        }
    } else if is_key(place.words, value, lower) {
        place.add(Kind::Registry, contains("registry.path"));
    } else if is_path(value) {
        place.add(Kind::File, any(vec![contains("file.path"), contains("process.command_line")]));
    } else if let Some((name, host)) = value.split_once('@').filter(|_| is_mail(value)) {
        debug_assert!(!name.is_empty() && !host.is_empty(), "is_mail saw both");
        place.add(Kind::Mail, mail(place.words, value));
    } else if lower.starts_with("cve-") && value.len() > 8 {
        place.add(Kind::Fragment, contains("message"));
    } else if let Some(ending) = file_ending(lower) {
        place.add(Kind::File, file(ending, value, found_kind(ending)));
    } else if is_domain(lower) && !word.quoted || (word.quoted && is_domain(lower)) {
        place.add(Kind::Domain, domain(value));
    } else if matches!(value, "GET" | "POST" | "PUT" | "DELETE" | "HEAD" | "OPTIONS" | "CONNECT") {
        place.add(Kind::Method, text("http.request.method", Operator::Equal, value));
    } else {
        return false;
    }
    true
}

/// Whether a path is one of the registry: it begins with a hive, or the question speaks of the registry
/// and no file is named.
fn is_key(words: &Words<'_>, value: &str, lower: &str) -> bool {
    if ["hklm", "hkcu", "hkey_", "hkcr", "hku"].iter().any(|hive| lower.starts_with(hive)) {
        return true;
    }
    let asked = words.phrase("registry").is_some() && words.phrase("file").is_none();
    asked
        && is_path(value)
        && lower.contains('\\')
        && !lower.contains([':', '/', '%'])
        && file_ending(lower).is_none()
}

/// Links to further reading and licences are not what is looked for.
fn is_reference(words: &Words<'_>, at: usize) -> bool {
    let before = words.before(at);
    matches!(before, "license" | "reference" | "see" | "references" | "licence" | "link")
}

fn mail(words: &Words<'_>, value: &str) -> Predicate {
    let speaks_of_mail = ["mail", "email", "phishing", "sender", "recipient"]
        .iter()
        .any(|word| words.phrase(word).is_some());
    if speaks_of_mail {
        any(["email.from.address", "email.to.address"]
            .map(|field| text(field, Operator::Equal, value))
            .to_vec())
    } else {
        text("user.name", Operator::Equal, value)
    }
}

fn is_mail(value: &str) -> bool {
    value
        .split_once('@')
        .is_some_and(|(name, host)| !name.is_empty() && is_domain(&host.to_lowercase()))
}

fn is_path(value: &str) -> bool {
    let windows = value.contains('\\') && value.len() > 3 && !value.starts_with("\\x");
    let unix = value.starts_with('/')
        && value.matches('/').count() >= 2
        && value.len() > 4
        && !value.contains("//");
    windows || unix
}

/// Programs run; what other files do is told by the activity.
fn run(file: &str, word: &str) -> Predicate {
    any(vec![
        text("process.name", Operator::Equal, file),
        text("process.command_line", Operator::Contains, word),
    ])
}

fn found_kind(ending: &str) -> Kind {
    if matches!(ending, "exe" | "com" | "scr" | "bat" | "cmd" | "ps1" | "vbs" | "sh" | "py" | "hta")
    {
        Kind::Process
    } else {
        Kind::File
    }
}

fn file(ending: &str, value: &str, kind: Kind) -> Predicate {
    let bare = value.trim_start_matches('*');
    if kind == Kind::Process && bare.len() > ending.len() + 1 {
        return any(vec![
            text("process.name", Operator::Equal, bare),
            text("process.command_line", Operator::Contains, bare),
        ]);
    }
    text("file.path", Operator::EndsWith, bare)
}

/// The ending of a file name, where the word is one.
fn file_ending(lower: &str) -> Option<&str> {
    const ENDINGS: [&str; 44] = [
        "exe", "dll", "sys", "scr", "cpl", "bat", "cmd", "ps1", "psm1", "vbs", "vbe", "js", "jse",
        "wsf", "hta", "msi", "lnk", "iso", "img", "vhd", "zip", "rar", "7z", "doc", "docx", "docm",
        "xls", "xlsx", "xlsm", "ppt", "rtf", "pdf", "jsp", "jspx", "asp", "aspx", "php", "sh",
        "py", "jar", "dmp", "dit", "plist", "ocx",
    ];
    let (name, ending) = lower.rsplit_once('.')?;
    let plain = !name.contains(['/', '\\', ' ', '@', ':']);
    ENDINGS.iter().find(|known| plain && **known == ending).map(|_| ending)
}

/// Labels joined by dots that end in a top-level domain people meet.
fn is_domain(lower: &str) -> bool {
    const TOPS: [&str; 32] = [
        "com", "net", "org", "io", "ru", "cn", "info", "biz", "xyz", "top", "onion", "local", "de",
        "uk", "fr", "co", "me", "tk", "dev", "app", "site", "online", "cloud", "gov", "edu",
        "test", "example", "internal", "lan", "pw", "cc", "su",
    ];
    let Some((name, top)) = lower.rsplit_once('.') else { return false };
    TOPS.contains(&top)
        && name.split('.').all(|label| {
            !label.is_empty() && label.chars().all(|c| c.is_ascii_alphanumeric() || c == '-')
        })
}

/// A text that would stand in a command: quoted, a cmdlet (`Invoke-Expression`) or a name in mixed
/// case (`MiniDump`).
fn is_fragment(word: Word<'_>, lower: &str) -> bool {
    if word.quoted {
        return word.raw.len() > 2 && !is_plain(lower);
    }
    let letters = word.raw.chars().all(|c| c.is_ascii_alphanumeric() || "-_".contains(c));
    let cmdlet = word.raw.split_once('-').is_some_and(|(verb, noun)| {
        let capital = |part: &str| {
            part.len() > 2
                && part.starts_with(|c: char| c.is_ascii_uppercase())
                && part[1..].contains(|c: char| c.is_ascii_lowercase())
        };
        capital(verb) && capital(noun) && noun[1..].contains(|c: char| c.is_ascii_uppercase())
    });
    let humps = word
        .raw
        .as_bytes()
        .windows(2)
        .filter(|pair| pair[0].is_ascii_lowercase() && pair[1].is_ascii_uppercase());
    letters
        && word.raw.len() >= 6
        && (cmdlet || (!word.raw.contains('-') && humps.count() >= 1))
        && !matches!(lower, "javascript" | "macos" | "socprime" | "vmware")
        && !labels().contains_key(lower)
        && products().iter().all(|product| product.phrases.iter().all(|name| name != lower))
}
