//! Masking: what varies from line to line becomes `<*>`, what tells the kind of line stays.

use std::sync::LazyLock;

use vedette_event::Span;

use crate::clean::{self, Clean, capped};

/// What stands for a masked value.
pub const PLACEHOLDER: &str = "<*>";

/// Longest template, in bytes: the first two kilobytes tell the kind of any line.
pub const TEMPLATE_CAP: usize = 2048;

/// Most values remembered of one line.
pub const VALUES_CAP: usize = 256;

/// A text with its values masked.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Masked {
    /// The text with each value replaced by [`PLACEHOLDER`], runs of white space made one.
    pub template: String,
    /// Where the values stand in the text that was masked, in order, at most [`VALUES_CAP`].
    pub values: Vec<Span>,
}

/// Masks a text. Control characters, terminal escapes and bidirectional marks are dropped first.
/// Linear in the length of the text.
pub fn mask(text: &str) -> Masked {
    let cleaned = clean::clean(text);
    let mut masker = Masker { source: &cleaned, out: Masked::default(), before: ["", ""] };
    masker.run();
    masker.out
}

/// Keys whose number is the kind of the event, not a value of it.
const KIND_KEYS: [&str; 15] = [
    "eventid",
    "event_id",
    "eventcode",
    "code",
    "logid",
    "logon_type",
    "logontype",
    "type",
    "status",
    "status_code",
    "signature_id",
    "sid",
    "rule_id",
    "rcode",
    "level",
];

/// Longest number that can be the kind of an event.
const KIND_DIGITS: usize = 6;

struct Masker<'a> {
    source: &'a Clean,
    out: Masked,
    /// The last two words, newest last.
    before: [&'a str; 2],
}

impl<'a> Masker<'a> {
    fn run(&mut self) {
        let source = self.source;
        let text = source.text.as_str();
        let mut at = 0;
        while at < text.len() && self.out.template.len() < TEMPLATE_CAP {
            let rest = &text[at..];
            let length = word_length(rest);
            if length == 0 {
                let delimiter = rest.chars().next().expect("the rest is not empty");
                self.delimiter(delimiter);
                at += delimiter.len_utf8();
            } else {
                self.word(&rest[..length], at);
                at += length;
            }
        }
        let end = capped(&self.out.template, TEMPLATE_CAP).trim_end().len();
        self.out.template.truncate(end);
    }

    fn delimiter(&mut self, delimiter: char) {
        if !delimiter.is_whitespace() {
            self.out.template.push(delimiter);
        } else if !self.out.template.is_empty() && !self.out.template.ends_with(' ') {
            self.out.template.push(' ');
        }
    }

    /// A run of characters between delimiters.
    fn word(&mut self, word: &'a str, at: usize) {
        let core = word.trim_end_matches(['.', ':', '-', '!']);
        if self.keeps_number(core) {
            self.out.template.push_str(core);
        } else {
            self.classified(core, at);
        }
        self.out.template.push_str(&word[core.len()..]);
        if !core.is_empty() {
            self.before = [self.before[1], core];
        }
    }

    /// Whether the number says which kind of event it is: after an event key, or an HTTP status.
    fn keeps_number(&self, core: &str) -> bool {
        let number = !core.is_empty()
            && core.len() <= KIND_DIGITS
            && core.bytes().all(|byte| byte.is_ascii_digit());
        let [_, last] = self.before;
        number
            && (KIND_KEYS.iter().any(|key| last.eq_ignore_ascii_case(key))
                || (self.before[0].eq_ignore_ascii_case("event")
                    && last.eq_ignore_ascii_case("id"))
                || (self.before[0].eq_ignore_ascii_case("logon")
                    && last.eq_ignore_ascii_case("type"))
                || (core.len() == 3 && last.starts_with("HTTP/")))
    }

    fn classified(&mut self, core: &str, at: usize) {
        match kind(core) {
            Kind::Word => self.out.template.push_str(core),
            Kind::Value => self.value(at, core.len()),
            Kind::Url => {
                let host = core.find("://").map_or(0, |scheme| scheme + 3);
                let path = core[host..].find('/').map_or(core.len(), |slash| host + slash);
                self.out.template.push_str(&core[..host]);
                self.value(at + host, path - host);
                self.pieces(&core[path..], at + path);
            }
            Kind::Mixed => self.mixed(core, at),
        }
    }

    /// A name before a value (`outside:192.0.2.1/443`), or a word with numbers in it.
    fn mixed(&mut self, core: &str, at: usize) {
        let named = |(head, tail): &(&str, &str)| {
            !head.is_empty() && !tail.is_empty() && !head.bytes().any(|byte| byte.is_ascii_digit())
        };
        let Some((head, tail)) = core.split_once(':').filter(named) else {
            return self.pieces(core, at);
        };
        self.out.template.push_str(head);
        self.out.template.push(':');
        let at = at + head.len() + 1;
        if is_numeric(tail) { self.value(at, tail.len()) } else { self.pieces(tail, at) }
    }

    /// A path or a word with numbers in it: the parts that are numbers are values.
    fn pieces(&mut self, text: &str, at: usize) {
        let mut start = 0;
        for part in text.split_inclusive(['/', '\\']) {
            let name = part.trim_end_matches(['/', '\\']);
            if is_opaque(name) {
                self.value(at + start, name.len());
            } else {
                self.digits(name, at + start);
            }
            self.out.template.push_str(&part[name.len()..]);
            start += part.len();
        }
    }

    /// Masks runs of two digits and more, but for percent-encoded bytes.
    fn digits(&mut self, name: &str, at: usize) {
        let bytes = name.as_bytes();
        let mut done = 0;
        while done < name.len() {
            if bytes[done] == b'%' {
                let end = name.floor_char_boundary((done + 3).min(name.len())).max(done + 1);
                self.out.template.push_str(&name[done..end]);
                done = end;
                continue;
            }
            let run = bytes[done..].iter().take_while(|byte| byte.is_ascii_digit()).count();
            if run >= 2 {
                self.value(at + done, run);
            } else {
                let length = name[done..].chars().next().map_or(1, char::len_utf8);
                self.out.template.push_str(&name[done..done + length]);
                done += length;
                continue;
            }
            done += run;
        }
    }

    fn value(&mut self, at: usize, length: usize) {
        if length == 0 {
            return;
        }
        // Neighbouring values (a date of several parts) read as one.
        if !self.out.template.ends_with(PLACEHOLDER) {
            self.out.template.push_str(PLACEHOLDER);
        }
        if self.out.values.len() < VALUES_CAP {
            self.out.values.push(self.source.span(at, at + length));
        }
    }
}

/// Length of the run of characters between delimiters that a text begins with.
fn word_length(text: &str) -> usize {
    let (bytes, delimiters) = (text.as_bytes(), &*DELIMITERS);
    let mut at = 0;
    while let Some(byte) = bytes.get(at) {
        let (is_delimiter, length) = if byte.is_ascii() {
            (delimiters[usize::from(*byte)], 1)
        } else {
            let letter = text[at..].chars().next().expect("a character begins here");
            (is_delimiter(letter), letter.len_utf8())
        };
        if is_delimiter {
            break;
        }
        at += length;
    }
    at
}

/// Which characters of ASCII are delimiters.
static DELIMITERS: LazyLock<[bool; 128]> =
    LazyLock::new(|| std::array::from_fn(|code| is_delimiter(char::from(code as u8))));

fn is_delimiter(character: char) -> bool {
    character.is_whitespace()
        || matches!(
            character,
            '"' | '\''
                | '`'
                | '('
                | ')'
                | '['
                | ']'
                | '{'
                | '}'
                | '<'
                | '>'
                | ','
                | ';'
                | '='
                | '|'
                | '&'
                | '?'
        )
}

enum Kind {
    /// Stays.
    Word,
    /// Masked whole.
    Value,
    /// Scheme stays, host is masked, path as in [`Kind::Mixed`].
    Url,
    /// Numbers inside are masked.
    Mixed,
}

/// Longest run of letters and digits that can still be a word.
const WORD_CAP: usize = 40;

fn kind(core: &str) -> Kind {
    if core.len() < WORD_CAP && core.bytes().all(|byte| byte.is_ascii_alphabetic()) {
        return Kind::Word;
    }
    if core.contains("://") {
        return Kind::Url;
    }
    if is_email(core) || is_domain(core) || is_ipv6(core) {
        return Kind::Value;
    }
    if !core.bytes().any(|byte| byte.is_ascii_digit()) {
        let opaque = core.len() >= WORD_CAP && is_opaque(core);
        return if opaque { Kind::Value } else { Kind::Word };
    }
    if is_name_with_digits(core) {
        return Kind::Word;
    }
    if is_numeric(core) { Kind::Value } else { Kind::Mixed }
}

/// Names that carry digits and tell the kind: Cisco mnemonics, CVE ids, protocol versions.
fn is_name_with_digits(core: &str) -> bool {
    let bytes = core.as_bytes();
    (bytes[0] == b'%' && bytes.len() > 3 && bytes[1..4].iter().all(u8::is_ascii_uppercase))
        || bytes.get(..4).is_some_and(|head| head.eq_ignore_ascii_case(b"cve-"))
        || core.starts_with("HTTP/")
}

/// Numbers, addresses, times, hashes, UUIDs, MACs: nothing but hexadecimal digits, what joins them,
/// and at most a short unit behind.
fn is_numeric(core: &str) -> bool {
    let mut digits = 0;
    let mut hex_letters = 0;
    let mut others = 0;
    for byte in core.bytes() {
        match byte {
            b'0'..=b'9' => digits += 1,
            b'a'..=b'f' | b'A'..=b'F' => hex_letters += 1,
            b'.' | b':' | b'-' | b'+' | b'/' | b'#' | b'_' | b'@' | b'$' => {}
            b'x' | b'X' | b'T' | b'Z' | b'%' => {}
            _ => others += 1,
        }
    }
    if others > 0 {
        return is_date(core) || (others + hex_letters <= 2 && core.as_bytes()[0].is_ascii_digit());
    }
    hex_letters == 0 || digits + hex_letters >= 6 || core.starts_with("0x")
}

const MONTHS: [&str; 12] =
    ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];

/// A date with its month written out: `14/Aug/2026:09:21:07`, `21-Nov-2026`.
fn is_date(core: &str) -> bool {
    core.as_bytes()[0].is_ascii_digit()
        && core
            .split(['/', '-'])
            .nth(1)
            .is_some_and(|month| MONTHS.iter().any(|name| month.eq_ignore_ascii_case(name)))
}

/// Random-looking: one long run of letters and digits, or a long hexadecimal or base64 blob.
fn is_opaque(name: &str) -> bool {
    let digits = name.bytes().filter(u8::is_ascii_digit).count();
    let encoded = name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"+/=_-".contains(&byte));
    encoded
        && ((name.len() >= 16 && digits >= 4)
            || (name.len() >= WORD_CAP && !name.contains(['-', '_']))
            || (digits > 0
                && name.len() >= 8
                && name.bytes().all(|byte| byte.is_ascii_hexdigit() || byte == b'-')))
}

fn is_email(core: &str) -> bool {
    core.split_once('@').is_some_and(|(name, domain)| {
        !name.is_empty() && domain.contains('.') && !domain.contains('/')
    })
}

/// A host name of three labels or more in lower case, `ns1.example.net`.
fn is_domain(core: &str) -> bool {
    let labels = core.split('.').count();
    labels >= 3
        && core.bytes().all(|byte| {
            byte.is_ascii_lowercase() || byte.is_ascii_digit() || b".-_".contains(&byte)
        })
        && core.split('.').all(|label| !label.is_empty())
        && core.rsplit('.').next().is_some_and(|last| {
            last.len() >= 2 && last.bytes().all(|byte| byte.is_ascii_lowercase())
        })
}

fn is_ipv6(core: &str) -> bool {
    core.bytes().filter(|byte| *byte == b':').count() >= 2
        && core.bytes().all(|byte| byte.is_ascii_hexdigit() || b":.%/".contains(&byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_go_and_words_stay() {
        for (text, expected) in [
            (
                "Failed password for root from 203.0.113.45 port 51234 ssh2",
                "Failed password for root from <*> port <*> ssh2",
            ),
            (
                "%ASA-4-106023: Deny tcp src outside:1.2.3.4/5",
                "%ASA-4-106023: Deny tcp src outside:<*>",
            ),
            ("EventID: 4625 An account", "EventID: 4625 An account"),
            ("\"GET /a/123/b HTTP/1.1\" 404 512", "\"GET /a/<*>/b HTTP/1.1\" 404 <*>"),
            ("id 3fa85f64-5717-4562-b3fc-2c963f66afa6 x", "id <*> x"),
            ("mac 00:1a:2b:3c:4d:5e", "mac <*>"),
            ("v6 2001:db8::1 end", "v6 <*> end"),
            ("at 2026-08-14T09:21:07.123456+00:00 up", "at <*> up"),
            ("[14/Aug/2026:09:21:07 +0000]", "[<*> <*>]"),
            ("to bob@example.com.", "to <*>."),
            ("see https://a.example/x/99/y", "see https://<*>/x/<*>/y"),
            ("CVE-2021-44228 seen", "CVE-2021-44228 seen"),
            ("a\u{1b}[31mb  c", "ab c"),
            ("took 35ms", "took <*>"),
            ("", ""),
        ] {
            assert_eq!(mask(text).template, expected, "{text:?}");
        }
    }

    #[test]
    fn values_point_into_the_text_that_was_given() {
        let text = "from \u{1b}[1m203.0.113.45\u{1b}[0m port 51234";
        let values: Vec<_> =
            mask(text).values.iter().map(|span| &text[span.start..span.end]).collect();
        assert_eq!(values, ["203.0.113.45", "51234"]);
    }

    #[test]
    fn long_text_is_capped() {
        for text in ["a ".repeat(100_000), "9".repeat(100_000), "é1-".repeat(50_000)] {
            let masked = mask(&text);
            assert!(masked.template.len() <= TEMPLATE_CAP);
            assert!(masked.values.len() <= VALUES_CAP);
        }
    }
}
