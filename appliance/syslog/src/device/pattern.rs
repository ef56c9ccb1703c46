//! Text formats as data: a word that must be there, an expression whose groups carry the field's
//! name, and the fields that the match implies.

use std::sync::{LazyLock, OnceLock};

use memchr::memmem::Finder;
use regex::{CaptureLocations, Regex};
use vedette_event::Fields;

use super::web;
use crate::fields::{self, Side};

/// One kind of message.
pub(crate) struct Pattern {
    /// Must occur in the text: a cheap test before the expression.
    pub(crate) needle: &'static str,
    /// Groups named like the fields they set. `{src}` and `{dst}` stand for an address; a group
    /// `request` is a request line of HTTP.
    pub(crate) regex: &'static str,
    /// `event.category`, `event.action` and `event.outcome`, empty where it implies none.
    pub(crate) event: [&'static str; 3],
}

/// Patterns made ready.
pub(crate) struct Patterns(Vec<Ready>);

struct Ready {
    needle: Finder<'static>,
    /// The text with which every match begins, where there is one, and the expression held to it.
    begins: Option<(Finder<'static>, Regex)>,
    /// The expression, searched for anywhere.
    source: String,
    regex: OnceLock<Regex>,
    /// Groups and the fields they set.
    groups: Vec<(usize, &'static str)>,
    event: [&'static str; 3],
}

/// Places tried one by one where a match may begin; behind them the expression is searched for, which is
/// slower and stays linear whatever the text.
const MAX_BEGINNINGS: usize = 4;

/// Shortest text that is worth being looked for.
const MIN_BEGINNING_BYTES: usize = 3;

/// Shorthand for a lazily compiled table.
pub(crate) type Lazy = LazyLock<Patterns>;

impl Patterns {
    pub(crate) fn new(table: &'static [Pattern]) -> Self {
        Self(table.iter().map(Ready::new).collect())
    }

    /// Applies the first pattern that fits; false when none does.
    pub(crate) fn apply(&self, text: &str, fields: &mut Fields) -> bool {
        self.0.iter().any(|ready| ready.apply(text, fields))
    }
}

impl Ready {
    fn new(pattern: &'static Pattern) -> Self {
        // Ends in a digit, and says at each letter which way to go: so most forms need no going back.
        let address = r"(?:\[?(?:[:.]*[0-9A-Fa-f])+\]?)";
        let text = ascii(pattern.regex);
        let text = text.replace("{src}", &format!("(?P<source.ip>{address})"));
        let source = text.replace("{dst}", &format!("(?P<destination.ip>{address})"));
        let begins = beginning(pattern.regex).map(|text| {
            (Finder::new(text.as_bytes()).into_owned(), compile(&format!("^(?:{source})")))
        });
        let regex = OnceLock::new();
        let any =
            begins.as_ref().map_or_else(|| regex.get_or_init(|| compile(&source)), |(_, r)| r);
        let indexes = any.capture_names().enumerate().filter(|(_, name)| name.is_some());
        let groups = indexes.map(|(index, _)| index).zip(names(pattern.regex)).collect();
        let needle = Finder::new(pattern.needle);
        Self { needle, begins, source, regex, groups, event: pattern.event }
    }

    /// The first match, and from where in the text its places count.
    fn find(&self, text: &str) -> Option<(CaptureLocations, usize)> {
        self.needle.find(text.as_bytes())?;
        let mut from = 0;
        if let Some((begins, regex)) = &self.begins {
            let mut found = None;
            for _ in 0..MAX_BEGINNINGS {
                from += begins.find(&text.as_bytes()[from..])?;
                let mut locations = found.take().unwrap_or_else(|| regex.capture_locations());
                if regex.captures_read(&mut locations, &text[from..]).is_some() {
                    return Some((locations, from));
                }
                from += 1;
                found = Some(locations);
            }
        }
        let regex = self.regex.get_or_init(|| compile(&self.source));
        let mut found = regex.capture_locations();
        // A beginning is ASCII at its first byte, so that `from` lies between characters.
        regex.captures_read_at(&mut found, text, from).map(|_| (found, 0))
    }

    fn apply(&self, text: &str, fields: &mut Fields) -> bool {
        let Some((found, from)) = self.find(text) else { return false };
        for (index, name) in &self.groups {
            if let Some((start, end)) = found.get(*index) {
                set(fields, name, &text[from + start..from + end]);
            }
        }
        let [category, action, outcome] = self.event;
        fields::set_absent(fields, "event.category", category);
        fields::set_absent(fields, "event.action", action);
        fields::set_absent(fields, "event.outcome", outcome);
        if category == "web" && outcome.is_empty() {
            let status = fields.get("http.response.status_code").and_then(fields::outcome);
            fields::set_absent(fields, "event.outcome", status.unwrap_or_default());
        }
        true
    }
}

fn compile(regex: &str) -> Regex {
    Regex::new(regex).expect("the table of patterns is constant")
}

/// The plain text with which every match of an expression begins, where it is long enough.
fn beginning(regex: &str) -> Option<String> {
    let mut text = String::new();
    let mut characters = regex.char_indices();
    while let Some((at, character)) = characters.next() {
        match character {
            // A quantifier makes what stands before it optional, or many.
            '?' | '*' | '+' => {
                text.pop();
                break;
            }
            '{' if !regex[at..].starts_with("{src}") && !regex[at..].starts_with("{dst}") => {
                text.pop();
                break;
            }
            '\\' => match characters.next() {
                Some((_, mark)) if mark.is_ascii_punctuation() => text.push(mark),
                _ => break,
            },
            '[' | '(' | '.' | '^' | '$' | '{' | '|' => break,
            plain => text.push(plain),
        }
    }
    let fits = text.len() >= MIN_BEGINNING_BYTES && text.as_bytes()[0].is_ascii();
    (fits && !is_choice(regex)).then_some(text)
}

/// Whether an expression as a whole is one of several.
fn is_choice(regex: &str) -> bool {
    let (mut depth, mut class, mut escaped) = (0, false, false);
    regex.bytes().any(|byte| {
        let plain = !std::mem::take(&mut escaped);
        match byte {
            b'\\' if plain => escaped = true,
            b'[' if plain => class = true,
            b']' if plain => class = false,
            b'(' if plain && !class => depth += 1,
            b')' if plain && !class => depth -= 1,
            _ => {}
        }
        byte == b'|' && plain && !class && depth == 0
    })
}

/// The named groups of an expression, in order.
fn names(regex: &'static str) -> impl Iterator<Item = &'static str> {
    let mut rest = regex;
    std::iter::from_fn(move || {
        let (at, length, name) =
            [("{src}", "source.ip"), ("{dst}", "destination.ip"), ("(?P<", "")]
                .into_iter()
                .filter_map(|(mark, name)| Some((rest.find(mark)?, mark.len(), name)))
                .min()?;
        rest = &rest[at + length..];
        if name.is_empty() { rest.split('>').next() } else { Some(name) }
    })
}

/// The expression with classes of ASCII for those of Unicode, which cost a decoder of UTF-8 each.
pub(super) fn ascii(regex: &str) -> String {
    let mut text = String::with_capacity(regex.len() * 2);
    let mut characters = regex.chars();
    while let Some(character) = characters.next() {
        let class = match (character, character == '\\') {
            (_, true) => characters.next(),
            (plain, _) => {
                text.push(plain);
                continue;
            }
        };
        match class {
            Some('d') => text.push_str("[0-9]"),
            Some('w') => text.push_str("[0-9A-Za-z_]"),
            Some('s') => text.push_str(r"[\t-\r ]"),
            Some('S') => text.push_str(r"[^\t-\r ]"),
            Some('b') => text.push_str(r"(?-u:\b)"),
            other => {
                text.push('\\');
                text.extend(other);
            }
        }
    }
    text
}

fn set(fields: &mut Fields, name: &'static str, value: &str) {
    match name {
        "source.ip" => {
            fields::set_address(fields, Side::Source, value);
        }
        "destination.ip" => {
            fields::set_address(fields, Side::Destination, value);
        }
        "request" => web::request_line(value, fields),
        "url.original" => web::set_url(value, fields),
        "event.outcome" => {
            fields::set_absent(fields, "event.outcome", fields::outcome(value).unwrap_or_default());
        }
        "network.transport" if fields.get(name).is_none() => {
            fields.set("network.transport", value.to_ascii_lowercase());
        }
        _ if fields.get(name).is_none() => {
            fields.set(name, fields::bounded(value).trim());
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn groups_are_named_in_order() {
        let regex = r"(?P<user.name>\S+) (?:x|y) {src}:(\d+) {dst}(?P<a>b)";
        let found: Vec<_> = names(regex).collect();
        assert_eq!(found, ["user.name", "source.ip", "destination.ip", "a"]);
    }

    #[test]
    fn beginnings_are_what_every_match_begins_with() {
        for (regex, expected) in [
            (r"query\[(?P<a>\w+)\]", Some("query[")),
            (r"for {src}", Some("for ")),
            (r"abcd?e", Some("abc")),
            (r"abcd{2}", Some("abc")),
            (r"abc|def", None),
            (r"abc[|](?:d|e)", Some("abc")),
            (r"abc\|", Some("abc|")),
            (r"^abc", None),
            (r"ab\d", None),
            ("", None),
        ] {
            assert_eq!(beginning(regex).as_deref(), expected, "{regex}");
        }
    }

    #[test]
    fn a_match_is_the_same_wherever_it_begins() {
        static FORM: Pattern =
            Pattern { needle: "to ", regex: r"at (?P<a>\S+) to (?P<b>\S+)", event: [""; 3] };
        let patterns = Patterns::new(std::slice::from_ref(&FORM));
        for front in 0..2 * MAX_BEGINNINGS {
            let text = format!("{}at x to y", "at é ".repeat(front));
            let mut fields = Fields::default();
            assert!(patterns.apply(&text, &mut fields), "{text}");
            assert_eq!((fields.get("a"), fields.get("b")), (Some("x"), Some("y")), "{text}");
        }
        assert!(!patterns.apply("at x at y to", &mut Fields::default()));
    }

    #[test]
    fn classes_become_ascii() {
        for (regex, expected) in [
            (r"\d\.[\w.-]", r"[0-9]\.[[0-9A-Za-z_].-]"),
            (r"\\d\b", r"\\d(?-u:\b)"),
            (r"[^\s(]\S", r"[^[\t-\r ](][^\t-\r ]"),
        ] {
            assert_eq!(ascii(regex), expected);
            assert!(Regex::new(expected).is_ok(), "{expected}");
        }
    }
}
