//! A field's value against what a rule wants: modifiers, wildcards, expressions, numbers, networks.

use regex::{Regex, RegexBuilder};
use vedette_event::Network;

use super::Refusal;
use super::view::Value;
use super::yaml::Node;
use crate::clean::clean;

/// Most memory a compiled expression may take, in bytes.
const PATTERN_BYTES: usize = 1 << 18;

/// How a field's value is looked at.
#[derive(Clone, Debug)]
pub(super) enum Test {
    /// Text with wildcards.
    Text(Glob, Sight),
    Expression(Regex),
    Network(Network),
    /// Less, equal, greater: those that are wanted.
    Number(f64, Order),
    /// The field is missing or empty.
    Nothing,
    /// Another field holds the same.
    SameAs(String),
}

/// Which form of a value a text is looked for in.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Sight {
    /// What shows of it, in lower case.
    Folded,
    /// What shows of it: case counts.
    Cased,
    /// As it came, in lower case: the rule asks for characters that do not show.
    Hidden,
}

/// How a number must stand to another.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Order {
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

impl Test {
    /// Whether a value that is there passes; [`Test::SameAs`] is the caller's.
    pub(super) fn passes(&self, value: &Value) -> bool {
        let text = value.text.as_str();
        match self {
            Self::Text(glob, Sight::Cased) => glob.matches(text.as_bytes()),
            Self::Text(glob, Sight::Folded) => glob.matches(value.folded.as_bytes()),
            Self::Text(glob, Sight::Hidden) => glob.matches(value.as_it_came().as_bytes()),
            Self::Expression(expression) => expression.is_match(text),
            Self::Network(network) => {
                text.trim().parse().is_ok_and(|address| network.contains(address))
            }
            Self::Number(wanted, order) => {
                text.trim().parse::<f64>().is_ok_and(|value| match order {
                    Order::Less => value < *wanted,
                    Order::LessOrEqual => value <= *wanted,
                    Order::Greater => value > *wanted,
                    Order::GreaterOrEqual => value >= *wanted,
                })
            }
            Self::Nothing => text.is_empty(),
            Self::SameAs(_) => false,
        }
    }
}

/// Text in which `*` stands for anything and `?` for one byte. Matching never goes back.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Glob {
    /// What stands between `*`.
    parts: Vec<Part>,
}

/// Bytes in a row, and which of them may be any.
#[derive(Clone, Debug, Default, PartialEq)]
struct Part {
    bytes: Vec<u8>,
    any: Vec<usize>,
}

impl Part {
    /// Whether a text begins with it.
    fn begins(&self, text: &[u8]) -> bool {
        let Some(text) = text.get(..self.bytes.len()) else { return false };
        if self.any.is_empty() {
            return text == self.bytes;
        }
        let same = |(place, (wanted, byte)): (usize, (&u8, &u8))| {
            wanted == byte || self.any.contains(&place)
        };
        self.bytes.iter().zip(text).enumerate().all(same)
    }

    fn find(&self, text: &[u8]) -> Option<usize> {
        if self.any.is_empty() {
            return memchr::memmem::find(text, &self.bytes);
        }
        let last = text.len().checked_sub(self.bytes.len())?;
        (0..=last).find(|place| self.begins(&text[*place..]))
    }
}

impl Glob {
    /// Reads a pattern: a backslash takes its meaning from a wildcard or a backslash, no other.
    pub(super) fn of(pattern: &str) -> Self {
        let mut parts = Vec::new();
        let mut part = Part::default();
        let mut bytes = pattern.bytes().peekable();
        while let Some(byte) = bytes.next() {
            match (byte, bytes.peek()) {
                (b'\\', Some(&next)) if matches!(next, b'*' | b'?' | b'\\') => {
                    part.bytes.push(next);
                    bytes.next();
                }
                (b'*', _) => parts.push(std::mem::take(&mut part)),
                (b'?', _) => {
                    part.any.push(part.bytes.len());
                    part.bytes.push(byte);
                }
                _ => part.bytes.push(byte),
            }
        }
        parts.push(part);
        Self { parts }
    }

    fn literal(text: &[u8]) -> Self {
        Self { parts: vec![Part { bytes: text.to_vec(), any: Vec::new() }] }
    }

    fn open_in_front(mut self) -> Self {
        self.parts.insert(0, Part::default());
        self
    }

    fn open_behind(mut self) -> Self {
        self.parts.push(Part::default());
        self
    }

    /// Whether all of a text is as the pattern says.
    pub(super) fn matches(&self, text: &[u8]) -> bool {
        let [first, middle @ .., last] = self.parts.as_slice() else {
            let only = &self.parts[0];
            return only.bytes.len() == text.len() && only.begins(text);
        };
        let Some(between) = text.len().checked_sub(first.bytes.len() + last.bytes.len()) else {
            return false;
        };
        if !first.begins(text) {
            return false;
        }
        let (mut rest, end) = text[first.bytes.len()..].split_at(between);
        for part in middle {
            match part.find(rest) {
                Some(place) => rest = &rest[place + part.bytes.len()..],
                None => return false,
            }
        }
        last.begins(end)
    }
}

/// What a key of a selection says behind its field.
#[derive(Debug, Default)]
pub(super) struct Modifiers {
    /// Every value must be found, not one of them.
    pub(super) all: bool,
    /// The value says whether the field is there.
    pub(super) exists: bool,
    /// The opposite is wanted.
    pub(super) not: bool,
    names: Vec<String>,
}

impl Modifiers {
    /// Those of words that stand anywhere in the line.
    pub(super) fn words(all: bool) -> Self {
        Self { all, names: vec!["contains".to_owned()], ..Self::default() }
    }

    /// Reads the names behind a field.
    pub(super) fn of<'a>(names: impl Iterator<Item = &'a str>) -> Result<Self, Refusal> {
        const KNOWN: [&str; 22] = [
            "contains",
            "startswith",
            "endswith",
            "re",
            "i",
            "m",
            "s",
            "cased",
            "cidr",
            "lt",
            "lte",
            "gt",
            "gte",
            "base64",
            "base64offset",
            "wide",
            "utf16",
            "utf16le",
            "utf16be",
            "windash",
            "fieldref",
            "utf8",
        ];
        let mut read = Self::default();
        for name in names {
            match name.to_ascii_lowercase().as_str() {
                "all" => read.all = true,
                "exists" => read.exists = true,
                "neq" => read.not = true,
                known if KNOWN.contains(&known) => read.names.push(known.to_owned()),
                other => return Err(Refusal::Modifier(other.to_owned())),
            }
        }
        Ok(read)
    }

    fn has(&self, name: &str) -> bool {
        self.names.iter().any(|known| known == name)
    }

    /// The tests of one value, one of which must pass.
    pub(super) fn tests(&self, value: &Node) -> Result<Vec<Test>, Refusal> {
        if value.is_null() {
            return Ok(vec![Test::Nothing]);
        }
        let text = value.text().ok_or(Refusal::Shape("a value that is no text"))?;
        if self.has("re") {
            return Ok(vec![Test::Expression(self.expression(text)?)]);
        }
        if self.has("cidr") {
            let network = text.parse().map_err(|_| Refusal::Value(text.to_owned()))?;
            return Ok(vec![Test::Network(network)]);
        }
        if self.has("fieldref") {
            return Ok(vec![Test::SameAs(text.to_owned())]);
        }
        if let Some(order) = self.order() {
            let number = text.parse().map_err(|_| Refusal::Value(text.to_owned()))?;
            return Ok(vec![Test::Number(number, order)]);
        }
        if text.is_empty() {
            return Ok(vec![Test::Nothing]);
        }
        Ok(self.texts(text))
    }

    fn order(&self) -> Option<Order> {
        let orders = [
            ("lt", Order::Less),
            ("lte", Order::LessOrEqual),
            ("gt", Order::Greater),
            ("gte", Order::GreaterOrEqual),
        ];
        orders.into_iter().find(|(name, _)| self.has(name)).map(|(_, order)| order)
    }

    fn expression(&self, text: &str) -> Result<Regex, Refusal> {
        let built = RegexBuilder::new(text)
            .case_insensitive(self.has("i"))
            .multi_line(self.has("m"))
            .dot_matches_new_line(self.has("s"))
            .size_limit(PATTERN_BYTES)
            .dfa_size_limit(PATTERN_BYTES)
            .build();
        built.map_err(|_| Refusal::Expression(text.to_owned()))
    }

    fn texts(&self, text: &str) -> Vec<Test> {
        let encoded = self.has("base64") || self.has("base64offset");
        let sight = if !encoded && clean(text).text != text {
            Sight::Hidden
        } else if self.has("cased") || encoded {
            Sight::Cased
        } else {
            Sight::Folded
        };
        let folded = if sight == Sight::Cased { text.to_owned() } else { text.to_lowercase() };
        let globs: Vec<Glob> = if encoded {
            self.encodings(text).iter().map(|text| Glob::literal(text.as_bytes())).collect()
        } else if self.has("windash") {
            dashes(&folded).iter().map(|text| Glob::of(text)).collect()
        } else {
            vec![Glob::of(&folded)]
        };
        let anywhere = self.has("contains");
        let shaped = globs.into_iter().map(|glob| {
            let glob = if anywhere || self.has("endswith") { glob.open_in_front() } else { glob };
            let glob = if anywhere || self.has("startswith") { glob.open_behind() } else { glob };
            Test::Text(glob, sight)
        });
        shaped.collect()
    }

    fn encodings(&self, text: &str) -> Vec<String> {
        let bytes = if self.has("utf16be") {
            text.encode_utf16().flat_map(u16::to_be_bytes).collect()
        } else if self.has("wide") || self.has("utf16le") || self.has("utf16") {
            text.encode_utf16().flat_map(u16::to_le_bytes).collect()
        } else {
            text.as_bytes().to_vec()
        };
        if self.has("base64offset") {
            (0..3).map(|offset| base64_at(&bytes, offset)).collect()
        } else {
            vec![base64(&bytes)]
        }
    }
}

/// The same flag with each dash that Windows programs take.
fn dashes(text: &str) -> Vec<String> {
    let flag = |at: usize| at == 0 || text[..at].ends_with([' ', '"', '\'', '*']);
    let Some(at) = text.char_indices().find(|(at, c)| matches!(c, '-' | '/') && flag(*at)) else {
        return vec![text.to_owned()];
    };
    let dashes = ['-', '/', '\u{2013}', '\u{2014}', '\u{2015}'];
    dashes.iter().map(|dash| format!("{}{dash}{}", &text[..at.0], &text[at.0 + 1..])).collect()
}

const BASE64: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/// RFC 4648, section 4.
fn base64(bytes: &[u8]) -> String {
    let mut text = String::new();
    for chunk in bytes.chunks(3) {
        let bits = (0..3).fold(0_usize, |bits, place| {
            (bits << 8) | usize::from(chunk.get(place).copied().unwrap_or(0))
        });
        for place in 0..4 {
            let digit = char::from(BASE64[(bits >> (18 - 6 * place)) & 63]);
            text.push(if place <= chunk.len() { digit } else { '=' });
        }
    }
    text
}

/// What stays of an encoded text wherever it begins: `offset` bytes stand before it, and what they and
/// the bytes behind it share a digit with is left off.
fn base64_at(bytes: &[u8], offset: usize) -> String {
    let mut shifted = vec![b' '; offset];
    shifted.extend_from_slice(bytes);
    let text = base64(&shifted);
    let start = [0, 2, 3][offset];
    let end = text.len() - [0, 3, 2][shifted.len() % 3];
    text.get(start..end).unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn passes(key: &str, wanted: &str, value: &str) -> bool {
        let modifiers = Modifiers::of(key.split('|').skip(1)).unwrap();
        let tests = modifiers.tests(&Node::Scalar(wanted.to_owned(), false)).unwrap();
        tests.iter().any(|test| test.passes(&Value::from(value)))
    }

    #[test]
    fn values_pass_or_not() {
        for (key, wanted, value, expected) in [
            ("f", "cmd.exe", "CMD.EXE", true),
            ("f", "cmd.exe", "cmd.exe ", false),
            ("f", "*\\cmd.exe", "C:\\Windows\\cmd.exe", true),
            ("f", "a*b*c", "a__b__b__c", true),
            ("f", "a*b*c", "ab", false),
            ("f", "a?c", "abc", true),
            ("f", r"a\*c", "abc", false),
            ("f", r"a\*c", "a*c", true),
            ("f|contains", "-enc", "powershell -ENC aa", true),
            ("f|startswith", "C:\\", "c:\\x", true),
            ("f|endswith", ".docm", "a.docm.exe", false),
            ("f|cased", "Run", "run", false),
            ("f", "mimikatz", "mimi\u{200b}katz\u{1b}[0m", true),
            ("f|re", "^mimikatz$", "mimi\0katz", true),
            ("f", "tab here", "tab\there", true),
            ("f|contains", "\u{202e}fdp", "inv\u{202e}FDP.exe", true),
            ("f|contains", "\u{202e}fdp", "invfdp.exe", false),
            ("f|re", "^a+$", "aaa", true),
            ("f|re", "^a+$", "AAA", false),
            ("f|re|i", "^a+$", "AAA", true),
            ("f|cidr", "10.0.0.0/8", "10.1.2.3", true),
            ("f|cidr", "10.0.0.0/8", "11.1.2.3", false),
            ("f|gte", "5", "5", true),
            ("f|lt", "5", "5", false),
            ("f|base64|contains", "foobar", "x Zm9vYmFy y", true),
            ("f|base64offset|contains", "foobar", "YWZvb2Jhcg==", true),
            ("f|wide|base64offset|contains", "ab", "YQBiAA==", true),
            ("f|windash|contains", " -enc ", "powershell /enc x", true),
            ("f|windash|contains", " -enc ", "powershell enc x", false),
        ] {
            assert_eq!(passes(key, wanted, value), expected, "{key}: {wanted} {value}");
        }
    }

    #[test]
    fn what_is_not_known_is_refused() {
        assert!(Modifiers::of(["expand"].into_iter()).is_err());
        let modifiers = Modifiers::of(["re"].into_iter()).unwrap();
        assert!(modifiers.tests(&Node::Scalar("(?=a)".to_owned(), false)).is_err());
    }
}
