//! Text formats as data: a word that must be there, an expression whose groups carry the field's
//! name, and the fields that the match implies.

use std::sync::LazyLock;

use memchr::memmem;
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
pub(crate) struct Patterns {
    compiled: Vec<(Regex, &'static Pattern)>,
}

/// Shorthand for a lazily compiled table.
pub(crate) type Lazy = LazyLock<Patterns>;

impl Patterns {
    pub(crate) fn new(table: &'static [Pattern]) -> Self {
        let address = r"(?:\[?(?:::ffff:)?[0-9A-Fa-f:.]*[0-9A-Fa-f]\]?)";
        let compile = |pattern: &'static Pattern| {
            let text = pattern.regex;
            let text = text.replace("{src}", &format!("(?P<source.ip>{address})"));
            let text = text.replace("{dst}", &format!("(?P<destination.ip>{address})"));
            (Regex::new(&text).expect("the table of patterns is constant"), pattern)
        };
        Self { compiled: table.iter().map(compile).collect() }
    }

    /// Applies the first pattern that fits; false when none does.
    pub(crate) fn apply(&self, text: &str, fields: &mut Fields) -> bool {
        for (regex, pattern) in &self.compiled {
            if memmem::find(text.as_bytes(), pattern.needle.as_bytes()).is_none() {
                continue;
            }
            let Some(found) = regex.captures(text) else {
                continue;
            };
            for name in regex.capture_names().flatten() {
                if let Some(value) = found.name(name) {
                    set(fields, name, value.as_str());
                }
            }
            let [category, action, outcome] = pattern.event;
            fields::set_absent(fields, "event.category", category);
            fields::set_absent(fields, "event.action", action);
            fields::set_absent(fields, "event.outcome", outcome);
            if category == "web" && outcome.is_empty() {
                let status = fields.get("http.response.status_code").and_then(fields::outcome);
                fields::set_absent(fields, "event.outcome", status.unwrap_or_default());
            }
            return true;
        }
        false
    }
}

fn set(fields: &mut Fields, name: &str, value: &str) {
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
            fields.set(name.to_owned(), fields::bounded(value).trim());
        }
        _ => {}
    }
}
