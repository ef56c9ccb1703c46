//! What a value must look like to be one for its field.

use std::borrow::Cow;
use std::net::{IpAddr, Ipv4Addr};

use vedette_event::Fields;

use crate::device::web;

/// Longest value kept in a field, in bytes; script blocks and command lines fit, floods do not.
pub(crate) const MAX_VALUE_BYTES: usize = 8192;

/// The value as the field wants it, or `None` where it cannot be one.
pub(super) fn checked<'v>(field: &'static str, value: &'v str) -> Option<Cow<'v, str>> {
    let value = bounded(value);
    let made = |text: String| Some(Cow::Owned(text));
    let fits = match field {
        "source.ip" | "destination.ip" | "host.ip" => {
            return made(address_text(address(value)?.0));
        }
        "source.port" | "destination.port" => return made(value.parse::<u16>().ok()?.to_string()),
        "event.outcome" => return outcome(value).map(Cow::Borrowed),
        "http.response.status_code" => {
            let code: u16 = value.parse().ok()?;
            return (100..600).contains(&code).then(|| code.to_string().into());
        }
        "http.request.method" if is_method(value) => return made(value.to_ascii_uppercase()),
        "http.request.method" => false,
        "url.original" => {
            let target =
                value.split(' ').find(|part| part.starts_with('/') || part.contains("://"));
            return target.map(Cow::Borrowed);
        }
        "host.name" | "url.domain" | "dns.question.name" => is_name(value),
        "user.name" => return user(value).map(Cow::Borrowed),
        "file.hash.sha256" | "process.hash.sha256" => return hash(value, 64).map(Cow::Owned),
        "file.hash.sha1" => return hash(value, 40).map(Cow::Owned),
        "file.hash.md5" => return hash(value, 32).map(Cow::Owned),
        "file.path" => value.contains(['/', '\\', '.']),
        "event.action" => value.len() <= 128,
        "network.transport" => return Some(transport(value)),
        _ => true,
    };
    fits.then_some(Cow::Borrowed(value))
}

/// An address as text. Those of IPv4 by hand: most are, and the library's way takes many times as long.
pub(crate) fn address_text(ip: IpAddr) -> String {
    let IpAddr::V4(ip) = ip else { return ip.to_string() };
    let mut text = String::with_capacity(15);
    for (place, octet) in ip.octets().into_iter().enumerate() {
        if place > 0 {
            text.push('.');
        }
        if octet >= 100 {
            text.push(char::from(b'0' + octet / 100));
        }
        if octet >= 10 {
            text.push(char::from(b'0' + octet / 10 % 10));
        }
        text.push(char::from(b'0' + octet % 10));
    }
    text
}

/// Reads an address and nothing else; those of IPv4 by hand, as [`address_text`] writes them.
pub(crate) fn ip(text: &str) -> Option<IpAddr> {
    match ipv4(text) {
        Some(ip) => Some(ip.into()),
        None if text.contains(':') => text.parse().ok(),
        None => None,
    }
}

fn ipv4(text: &str) -> Option<Ipv4Addr> {
    let mut octets = [0; 4];
    let (mut place, mut number, mut digits) = (0, 0, 0);
    for byte in text.bytes() {
        match byte {
            // Zeros in front would make it octal for some.
            b'0'..=b'9' if digits == 0 || number > 0 => {
                number = number * 10 + u16::from(byte - b'0');
                digits += 1;
            }
            b'.' if digits > 0 && place < 3 => {
                place += 1;
                (number, digits) = (0, 0);
            }
            _ => return None,
        }
        octets[place] = u8::try_from(number).ok()?;
    }
    (place == 3 && digits > 0).then(|| octets.into())
}

/// A prefix of a value that fits a field.
pub(crate) fn bounded(value: &str) -> &str {
    &value[..value.floor_char_boundary(MAX_VALUE_BYTES)]
}

/// Longest prefix of a network, in bits.
const MAX_PREFIX: u16 = 128;

/// Reads an address as devices write it: quoted, in brackets, with a port, mapped into IPv6.
pub(crate) fn address(text: &str) -> Option<(IpAddr, Option<u16>)> {
    if let Some(ip) = ipv4(text) {
        return Some((ip.into(), None));
    }
    let text = text.trim_matches(['"', '\'', ' ', '<', '>', '(', ')']);
    // A list of proxies begins with the client; a path form (`ipv4:1.2.3.4:80`) ends with it.
    let text = text.split([',', ' ']).next()?;
    // Asterisk: `IPV4/UDP/1.2.3.4/5060`.
    if let Some(rest) = text.strip_prefix("IPV4/").or_else(|| text.strip_prefix("IPV6/")) {
        let (ip, port) = rest.split_once('/')?.1.rsplit_once('/')?;
        return Some((self::ip(ip)?.to_canonical(), port.parse().ok()));
    }
    let text = text.strip_prefix("ipv4:").or_else(|| text.strip_prefix("ipv6:")).unwrap_or(text);
    // One bracket of a pair, as a list's first and last have.
    let text = match (text.starts_with('['), text.contains(']')) {
        (true, false) => &text[1..],
        (false, true) => text.trim_end_matches(']'),
        _ => text,
    };
    if let Some(ip) = ip(text) {
        return Some((ip.to_canonical(), None));
    }
    if let Some((inside, behind)) = text.strip_prefix('[').and_then(|text| text.split_once(']')) {
        let port = behind.strip_prefix(':').and_then(|port| port.parse().ok());
        return ip(inside).map(|ip| (ip.to_canonical(), port));
    }
    // SonicWall: `1.2.3.4:5060:X1:name`.
    let mut parts = text.split(':');
    if let (Some(ip), port) = (parts.next().and_then(ipv4), parts.next()) {
        return Some((ip.into(), port.and_then(|port| port.parse().ok())));
    }
    let (front, port) = text.rsplit_once([':', '/', '#'])?;
    let ip = ip(front.trim_matches('/'))?;
    // `/24` is a network, not a port.
    let network = text[front.len()..].starts_with('/');
    let port = port.parse().ok().filter(|port| !network || *port > MAX_PREFIX);
    Some((ip.to_canonical(), port))
}

/// `failure` or `success` from the words devices use.
pub(crate) fn outcome(value: &str) -> Option<&'static str> {
    const FAILURE: [&str; 14] = [
        "fail",
        "den",
        "block",
        "reject",
        "drop",
        "invalid",
        "error",
        "unsuccess",
        "false",
        "refus",
        "unauth",
        "forbid",
        "bad",
        "deny",
    ];
    const SUCCESS: [&str; 10] =
        ["succe", "ok", "accept", "allow", "pass", "true", "permit", "grant", "yes", "authorized"];
    let begins = |words: &[&str]| {
        let front = |length: usize| value.as_bytes().get(..length).unwrap_or_default();
        words.iter().any(|word| front(word.len()).eq_ignore_ascii_case(word.as_bytes()))
    };
    if begins(&FAILURE) || value.eq_ignore_ascii_case("no") {
        Some("failure")
    } else if begins(&SUCCESS) {
        Some("success")
    } else {
        let code: u16 = value.parse().ok().filter(|code| (100..600).contains(code))?;
        Some(if code < 400 { "success" } else { "failure" })
    }
}

fn transport(value: &str) -> Cow<'_, str> {
    match value {
        "1" => "icmp".into(),
        "6" => "tcp".into(),
        "17" => "udp".into(),
        _ => value.to_ascii_lowercase().into(),
    }
}

/// Whether a word is an HTTP method.
pub(crate) fn is_method(value: &str) -> bool {
    (3..=16).contains(&value.len())
        && value.bytes().all(|byte| byte.is_ascii_alphabetic() || byte == b'_')
}

fn is_name(value: &str) -> bool {
    value.len() <= 255 && !value.contains([' ', '{', '<', '"', '/'])
}

fn user(value: &str) -> Option<&str> {
    const NOBODY: [&str; 9] =
        ["null", "none", "n/a", "(null)", "undefined", "nil", "unknown", "user", "<unknown>"];
    let value = value.trim_matches(['"', '\'', '<', '>', '[', ']']);
    let named = !value.is_empty()
        && value.len() <= 256
        && !NOBODY.iter().any(|nobody| nobody.eq_ignore_ascii_case(value));
    (named && !value.starts_with('{')).then_some(value)
}

fn hash(value: &str, digits: usize) -> Option<String> {
    let hex = value.len() == digits && value.bytes().all(|byte| byte.is_ascii_hexdigit());
    hex.then(|| value.to_ascii_lowercase())
}

/// Sets a field that has no value yet.
pub(crate) fn set_absent(fields: &mut Fields, name: &'static str, value: &str) {
    if fields.get(name).is_none() {
        fields.set(name, bounded(value));
    }
}

/// Sets a field that has no value yet, where the value is one for it; an address may bring its port.
pub(crate) fn set_checked(fields: &mut Fields, name: &'static str, value: &str) {
    if let Some(side) = Side::of(name) {
        set_address(fields, side, value);
    } else if name == "url.original" {
        web::set_url(value, fields);
    } else if let Some(value) = checked(name, value.trim()) {
        set_absent(fields, name, &value);
    }
}

/// Sets an address and, where it carries one, its port.
pub(crate) fn set_address(fields: &mut Fields, side: Side, text: &str) -> bool {
    let Some((ip, port)) = address(text) else {
        return false;
    };
    let (ip_field, port_field) = side.fields();
    set_absent(fields, ip_field, &address_text(ip));
    if let Some(port) = port {
        set_absent(fields, port_field, &port.to_string());
    }
    true
}

/// One end of a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Side {
    Source,
    Destination,
}

impl Side {
    /// The side whose address this field is.
    pub(super) fn of(field: &str) -> Option<Self> {
        [Self::Source, Self::Destination].into_iter().find(|side| side.fields().0 == field)
    }

    pub(crate) fn fields(self) -> (&'static str, &'static str) {
        match self {
            Self::Source => ("source.ip", "source.port"),
            Self::Destination => ("destination.ip", "destination.port"),
        }
    }
}

/// A program's name is the last part of its path.
pub(super) fn name_processes(fields: &mut Fields) {
    for (path, name) in [
        ("process.executable", "process.name"),
        ("process.parent.executable", "process.parent.name"),
    ] {
        if fields.get(name).is_none()
            && let Some(path) = fields.get(path)
        {
            let last = path.rsplit(['\\', '/']).next().unwrap_or_default().to_owned();
            fields.set(name, last);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_written_as_the_library_writes_them() {
        for text in
            ["0.0.0.0", "1.20.100.255", "9.10.99.109", "::1", "::ffff:1.2.3.4", "2001:db8::"]
        {
            let ip: IpAddr = text.parse().unwrap();
            assert_eq!(address_text(ip), ip.to_string());
        }
    }

    #[test]
    fn addresses_are_read_as_the_library_reads_them() {
        for text in [
            "0.0.0.0",
            "255.255.255.255",
            "1.20.100.25",
            "256.1.1.1",
            "1.2.3",
            "1.2.3.4.5",
            "01.2.3.4",
            "1.2.3.00",
            "1..2.3",
            ".1.2.3",
            "1.2.3.",
            "1.2.3.4 ",
            "+1.2.3.4",
            "1.2.3.1000",
            "",
            "a.b.c.d",
            "::",
            "::1",
            "1::2:3",
            "::ffff:1.2.3.4",
            "::ffff:1.2.3.04",
            "fe80::1%eth0",
            "1:2:3:4:5:6:7:8",
        ] {
            assert_eq!(ip(text), text.parse().ok(), "{text:?}");
        }
    }
}
