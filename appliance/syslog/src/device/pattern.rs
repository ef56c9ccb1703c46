//! Text formats as data: a word that must be there, an expression whose groups carry the field's
//! name, and the fields that the match implies.

use std::sync::LazyLock;

use memchr::memmem::Finder;
use regex::Regex;
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
    regex: Regex,
    /// Groups and the fields they set.
    groups: Vec<(usize, &'static str)>,
    event: [&'static str; 3],
}

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
        let address = r"(?:\[?(?:::ffff:)?[0-9A-Fa-f:.]*[0-9A-Fa-f]\]?)";
        let text = ascii(pattern.regex);
        let text = text.replace("{src}", &format!("(?P<source.ip>{address})"));
        let text = text.replace("{dst}", &format!("(?P<destination.ip>{address})"));
        let regex = Regex::new(&text).expect("the table of patterns is constant");
        let indexes = regex.capture_names().enumerate().filter(|(_, name)| name.is_some());
        let groups = indexes.map(|(index, _)| index).zip(names(pattern.regex)).collect();
        Self { needle: Finder::new(pattern.needle), regex, groups, event: pattern.event }
    }

    fn apply(&self, text: &str, fields: &mut Fields) -> bool {
        if self.needle.find(text.as_bytes()).is_none() {
            return false;
        }
        let mut found = self.regex.capture_locations();
        if self.regex.captures_read(&mut found, text).is_none() {
            return false;
        }
        for (index, name) in &self.groups {
            if let Some((start, end)) = found.get(*index) {
                set(fields, name, &text[start..end]);
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
