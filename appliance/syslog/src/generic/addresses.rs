//! Which address in a text is the source, which the destination.

use std::net::IpAddr;

use vedette_event::Fields;

use super::side_of;
use crate::fields::{self, Side};

/// Addresses weighed in one line; lists of more say nothing by their words.
const MAX_ADDRESSES: usize = 24;

/// Words looked back for a label.
const MAX_WORDS: usize = 3;

/// Bytes looked back for a label.
const MAX_LABEL_BYTES: usize = 64;

/// An address without any label. Above it stands what is labelled, below what is quoted.
const UNLABELLED: i32 = 30;

/// What a word before an address makes of it, and how surely.
const WORDS: &[(&str, Side, i32)] = &[
    ("from", Side::Source, 100),
    ("h", Side::Source, 95),
    ("host", Side::Source, 60),
    ("address", Side::Source, 85),
    ("ban", Side::Source, 80),
    ("banned", Side::Source, 80),
    ("blocked", Side::Source, 80),
    ("by", Side::Source, 60),
    ("with", Side::Source, 60),
    ("for", Side::Source, 50),
    ("unknown", Side::Source, 45),
    ("to", Side::Destination, 90),
    ("into", Side::Destination, 90),
    ("server", Side::Destination, 90),
    ("via", Side::Destination, 70),
    ("local", Side::Destination, 80),
    ("listening", Side::Destination, 80),
    ("upstream", Side::Destination, 90),
    ("i", Side::Destination, 80),
    ("on", Side::Destination, 60),
    ("at", Side::Destination, 50),
    ("backend", Side::Destination, 90),
    ("interface", Side::Destination, 60),
    ("destination", Side::Destination, 90),
];

/// An address and what the text around says of it.
#[derive(Debug)]
struct Candidate {
    ip: IpAddr,
    port: Option<u16>,
    side: Side,
    score: i32,
    /// Labelled `from`: the last one counts, since names before it are the client's to choose.
    last_wins: bool,
}

/// Sets the source and the destination where they are still empty.
pub(super) fn fill(text: &str, fields: &mut Fields) {
    if fields.get("source.ip").is_some() && fields.get("destination.ip").is_some() {
        return;
    }
    let mut candidates = candidates(text);
    tell_apart_by_port(&mut candidates);
    if fields.get("source.ip").is_none()
        && let Some(source) = best(&candidates, Side::Source, None)
    {
        set(fields, source);
    }
    let source = fields.get("source.ip").and_then(fields::ip);
    if let Some(destination) = best(&candidates, Side::Destination, source) {
        set(fields, destination);
    }
}

/// Where words say nothing, the first two are told apart by their ports: the end with the well-known
/// one is the server.
fn tell_apart_by_port(candidates: &mut [Candidate]) {
    if let [first, second, ..] = candidates
        && let (Some(port), Some(other)) = (first.port, second.port)
        && (first.score, second.score) == (UNLABELLED, UNLABELLED)
        && port < 1024
        && other >= 1024
    {
        first.side = Side::Destination;
    }
}

fn set(fields: &mut Fields, candidate: &Candidate) {
    let (ip, port) = candidate.side.fields();
    fields::set_absent(fields, ip, &fields::address_text(candidate.ip));
    if let Some(number) = candidate.port {
        fields::set_absent(fields, port, &number.to_string());
    }
}

fn best(candidates: &[Candidate], side: Side, except: Option<IpAddr>) -> Option<&Candidate> {
    let mut best: Option<&Candidate> = None;
    for candidate in candidates {
        if candidate.side != side || except == Some(candidate.ip) {
            continue;
        }
        let better = best.is_none_or(|best| {
            candidate.score > best.score || candidate.last_wins && candidate.score == best.score
        });
        if better {
            best = Some(candidate);
        }
    }
    best
}

/// What a byte may be, as bits.
const WORD: u8 = 1;
const RUN: u8 = 2;
const STARTS: u8 = 4;

static CLASSES: [u8; 256] = {
    let mut classes = [0; 256];
    let mut index = 0;
    while index < 256 {
        let byte = index as u8;
        let word = is_word(byte);
        let starts = byte.is_ascii_hexdigit() || byte == b':';
        let run = starts || byte == b'.';
        classes[index] = if word { WORD } else { 0 }
            | if run { RUN } else { 0 }
            | if starts { STARTS } else { 0 };
        index += 1;
    }
    classes
};

fn is(byte: u8, class: u8) -> bool {
    CLASSES[usize::from(byte)] & class != 0
}

/// The addresses of a text in order. Each has a full stop or a colon: only there it is looked at closely.
fn candidates(text: &str) -> Vec<Candidate> {
    let bytes = text.as_bytes();
    let mut found = Vec::new();
    let (mut at, mut quotes) = (0, Quotes::default());
    while found.len() < MAX_ADDRESSES
        && let Some(mark) = memchr::memchr2(b'.', b':', &bytes[at..])
    {
        let mark = at + mark;
        let digits = bytes[at..mark].iter().rev().take_while(|byte| is(**byte, RUN)).count();
        let start = mark - digits;
        if !is(bytes[start], STARTS) || start > 0 && is(bytes[start - 1], WORD) {
            at = mark + 1;
            continue;
        }
        let end = start + bytes[start..].iter().take_while(|byte| is(**byte, RUN)).count();
        match address_in(text, start, end) {
            Some((ip, end)) => {
                let inside = quotes.open_at(bytes, start) && bytes[start.saturating_sub(1)] != b'"';
                found.push(weigh(text, (start, end), ip, inside));
                at = end;
            }
            None => at = end,
        }
    }
    found
}

/// Counts quotes, those behind a backslash aside, as far as somebody asked.
#[derive(Default)]
struct Quotes {
    at: usize,
    open: bool,
}

impl Quotes {
    /// Whether a quote is open at this byte, which lies behind those asked for before.
    fn open_at(&mut self, bytes: &[u8], at: usize) -> bool {
        for quote in memchr::memchr_iter(b'"', &bytes[self.at..at]).map(|quote| self.at + quote) {
            self.open ^= quote == 0 || bytes[quote - 1] != b'\\';
        }
        self.at = at;
        self.open
    }
}

const fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-') || byte >= 0x80
}

/// The address that begins at `start`, in a run of its letters up to `end`, and where it ends.
fn address_in(text: &str, start: usize, end: usize) -> Option<(IpAddr, usize)> {
    let run = text[start..end].trim_end_matches(['.', ':']);
    let count = |mark: u8| run.bytes().filter(|byte| *byte == mark).count();
    if count(b'.') < 3 && count(b':') < 2 {
        return None;
    }
    // A letter or hyphen straight behind makes it a name or a version.
    let open = |length: usize| {
        let next = text.as_bytes().get(start + length).copied().unwrap_or(b' ');
        !(next.is_ascii_alphanumeric() || matches!(next, b'_' | b'-'))
    };
    if let Some(ip) = fields::ip(run) {
        // `a::b` is more likely a name in a program than an address.
        let plain = ip.is_ipv4()
            || run.starts_with("::") && run.len() > 2
            || run.split(':').any(|group| group.len() > 2);
        return (plain && open(run.len())).then(|| (ip.to_canonical(), start + run.len()));
    }
    // `1.2.3.4:80`, and whatever else follows an address after a colon.
    let front = run
        .split(':')
        .next()
        .filter(|front| front.bytes().filter(|byte| *byte == b'.').count() == 3)?;
    let ip = fields::ip(front)?;
    Some((ip, start + front.len()))
}

fn weigh(text: &str, (start, end): (usize, usize), ip: IpAddr, quoted: bool) -> Candidate {
    let (side, mut score, last_wins) = label(text, start, end);
    if quoted {
        score -= 60;
    }
    if ip.is_unspecified() || ip.is_multicast() {
        score -= 25;
    } else if ip.is_loopback() {
        score -= 5;
    }
    Candidate { ip, port: port(&text[end..]), side, score, last_wins }
}

fn label(text: &str, start: usize, end: usize) -> (Side, i32, bool) {
    let from = text.floor_char_boundary(start.saturating_sub(MAX_LABEL_BYTES));
    let before = &text[from..start];
    let behind = text[end..].trim_start_matches(|c: char| {
        c.is_ascii_digit() || matches!(c, ':' | '/' | ' ' | '(' | ')' | ']')
    });
    let near = before.trim_end();
    if near.ends_with("->") || near.ends_with("=>") {
        return (Side::Destination, 90, false);
    }
    if near.ends_with("://") {
        return (Side::Destination, 60, false);
    }
    let pointed = behind.starts_with("->") || behind.starts_with("=>");
    if near.ends_with("([") {
        // What a mail client calls itself.
        return (Side::Source, UNLABELLED / 2, false);
    }
    if near.ends_with(['@']) {
        // The host of a mail or SIP address, unless nothing stands before it.
        return (Side::Source, if near.ends_with("?@") { 70 } else { 20 }, false);
    }
    let quoted_host = ["'@'", "\"@\"", "`@`"].iter().any(|mark| near.ends_with(mark));
    if quoted_host {
        return (Side::Source, 70, false);
    }
    if let Some(labelled) = labelled(before) {
        return labelled;
    }
    (Side::Source, if pointed { 85 } else { UNLABELLED }, false)
}

/// The nearest word with a meaning, unless a full stop or the like stands between.
fn labelled(before: &str) -> Option<(Side, i32, bool)> {
    let mut rest = before;
    for distance in 0..MAX_WORDS {
        let trimmed = rest.trim_end_matches(|c: char| !c.is_ascii_alphanumeric());
        let gap = &rest[trimmed.len()..];
        let closed = gap.contains(')') && gap.contains(['[', '(', '<']) || gap.ends_with(") ");
        if closed || distance > 0 && gap.contains([',', ';', ':', '|', '"']) {
            return None;
        }
        let word_start = trimmed
            .rfind(|c: char| !(c.is_ascii_alphanumeric() || matches!(c, '_' | '-')))
            .map_or(0, |at| at + trimmed[at..].chars().next().map_or(1, char::len_utf8));
        let word = &trimmed[word_start..];
        if word.is_empty() {
            return None;
        }
        let away = 12 * i32::try_from(distance).unwrap_or(0);
        let known = WORDS.iter().find(|(known, _, _)| known.eq_ignore_ascii_case(word));
        if let Some((_, side, score)) = known {
            return Some((*side, score - away, *score == 100));
        }
        if let Some(field) = fields::address_field(word) {
            return Some((side_of(field), 90 - away, false));
        }
        rest = &trimmed[..word_start];
    }
    None
}

/// The port behind an address: `:80`, `#80`, `(80)`, `/8080`, ` port 80`.
fn port(behind: &str) -> Option<u16> {
    let behind = behind.trim_start_matches([']', '"', '\'']);
    let digits = behind
        .strip_prefix([':', '#', '/', '('])
        .or_else(|| behind.strip_prefix(" port "))
        .or_else(|| behind.strip_prefix(" port="))?;
    let length = digits.bytes().take_while(u8::is_ascii_digit).count();
    let number: u16 = digits[..length].parse().ok()?;
    // `/24` is a network, not a port.
    let network = behind.starts_with('/') && number <= 128;
    (number > 0 && !network).then_some(number)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_attacker_becomes_the_source() {
        for (text, source, destination) in [
            ("failure from 1.2.3.4 port 22", "1.2.3.4:22", ""),
            ("from 1.2.3.4 to 5.6.7.8:80", "1.2.3.4", "5.6.7.8:80"),
            ("5.6.7.8:443 -> 1.2.3.4:80", "5.6.7.8:443", "1.2.3.4:80"),
            ("user x from 9.9.9.9 port 1 ssh2 from 1.2.3.4 port 22 ssh2", "1.2.3.4:22", ""),
            (
                "server: 5.6.7.8, client: 1.2.3.4, request: \"GET /?from 9.9.9.9\"",
                "1.2.3.4",
                "5.6.7.8",
            ),
            ("denied for user 'root'@'1.2.3.4'", "1.2.3.4", ""),
            ("Can't find user [100@10.0.0.1] from 1.2.3.4", "1.2.3.4", ""),
            ("from [AF_INET]1.2.3.4:5", "1.2.3.4:5", ""),
            ("rejected H=(x) [1.2.3.4]:5 I=[5.6.7.8]:25", "1.2.3.4:5", "5.6.7.8:25"),
            ("from ::ffff:1.2.3.4", "1.2.3.4", ""),
            ("from 2001:db8::1 port 2", "2001:db8::1#2", ""),
            ("at 12:34:56 mac aa:bb:cc:dd:ee:ff v1.2.3.4-rc a::b std::ffi", "", ""),
            ("version 1.2.3 and 1.2.3.4.5", "", ""),
            ("run curl http://1.2.3.4/x", "", "1.2.3.4"),
            ("network 10.0.0.0/24", "10.0.0.0", ""),
        ] {
            let mut fields = Fields::default();
            fill(text, &mut fields);
            let end = |side: Side| {
                let (ip, port) = side.fields();
                let ip = fields.get(ip).unwrap_or_default().to_owned();
                let mark = if ip.contains(':') { "#" } else { ":" };
                fields.get(port).map_or(ip.clone(), |port| format!("{ip}{mark}{port}"))
            };
            assert_eq!(
                (end(Side::Source).as_str(), end(Side::Destination).as_str()),
                (source, destination),
                "{text}"
            );
        }
    }
}
