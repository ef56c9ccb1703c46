//! From the lowered query to the text.

use std::fmt::Write as _;
use std::net::IpAddr;

use time::Duration;
use vedette_event::query::{FieldName, Operator, Query, Value};

use crate::syntax::{Style, filter};

/// The name of what is counted.
pub(super) const COUNTED: &str = "Counted";

/// What means something inside a pattern; the slash would end it.
pub(super) const META: &str = "\\.+*?()|[]{}^$/#&-~";

/// The text of a query.
pub(super) fn write(query: &Query) -> String {
    let mut text = String::new();
    filter(&mut text, &LogScale, &query.filter, false);
    let list = |fields: &[FieldName]| {
        fields.iter().map(|field| field.0.as_str()).collect::<Vec<_>>().join(", ")
    };
    if let Some(counting) = &query.aggregation {
        let counted = match &counting.distinct {
            Some(field) => format!("count(field={}, distinct=true, as={COUNTED})", field.0),
            None => format!("count(as={COUNTED})"),
        };
        let (by, span) = (list(&counting.by), span(counting.window));
        let _ = write!(text, "\n| bucket(span={span}, field=[{by}], function=[{counted}])");
        let _ = write!(text, "\n| {COUNTED} >= {}", counting.at_least);
    } else if !query.projection.is_empty() {
        let _ = write!(text, "\n| select([{}])", list(&query.projection));
    }
    let _ = write!(text, "\n| head({})", query.limit);
    text
}

struct LogScale;

impl Style for LogScale {
    const EVERYTHING: &'static str = "*";

    fn exists(&self, out: &mut String, field: &FieldName) {
        let _ = write!(out, "{}=*", field.0);
    }

    /// Patterns have no list.
    fn one_of(&self, _field: &FieldName, _values: &[&Value]) -> Option<String> {
        None
    }

    fn comparison(&self, out: &mut String, field: &FieldName, operator: Operator, value: &Value) {
        let name = &field.0;
        let text = value.to_string();
        let pattern = || pattern(&text);
        let _ = match operator {
            Operator::InNetwork => write!(out, "cidr({name}, subnet=\"{text}\")"),
            Operator::Contains => write!(out, "{name}=/{}/i", pattern()),
            Operator::StartsWith => write!(out, "{name}=/^{}/i", pattern()),
            Operator::EndsWith => write!(out, "{name}=/{}$/i", pattern()),
            Operator::Equal if is_exact(name, value) => write!(out, "{name}=\"{text}\""),
            Operator::Equal if matches!(value, Value::Text(_)) => {
                write!(out, "{name}=/^{}$/i", pattern())
            }
            _ => write!(out, "{name} {operator} {text}"),
        };
    }
}

/// Whether a value compares as it stands: addresses, and the words that the standard keeps lower.
fn is_exact(field: &str, value: &Value) -> bool {
    let Value::Text(text) = value else { return false };
    let word = text.chars().all(|c| c.is_ascii_lowercase() || c == '_');
    text.parse::<IpAddr>().is_ok() || word && field.contains("event.")
}

/// A text as a pattern that matches it alone.
fn pattern(text: &str) -> String {
    let mut pattern = String::with_capacity(text.len());
    for character in text.chars() {
        if META.contains(character) {
            pattern.push('\\');
        }
        pattern.push(character);
    }
    pattern
}

/// A span in its largest whole unit.
fn span(span: Duration) -> String {
    let seconds = span.whole_seconds().max(1);
    for (unit, length) in [("d", 86_400), ("h", 3_600), ("m", 60)] {
        if seconds % length == 0 {
            return format!("{}{unit}", seconds / length);
        }
    }
    format!("{seconds}s")
}
