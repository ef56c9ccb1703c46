//! From the lowered query to the text.

use std::fmt::Write as _;

use time::{Duration, OffsetDateTime};
use vedette_event::query::{FieldName, Operator, Predicate, Query, TimeRange, Value};
use vedette_kb::dialects::Source;

use crate::shape::is_everything;
use crate::syntax::{Style, all_numbers, filter, listed};

/// The name of what is counted.
pub(super) const COUNTED: &str = "Counted";

/// The text of a query on an index.
pub(super) fn write(query: &Query, source: &Source) -> String {
    let index = if source.name.is_empty() { "*".to_owned() } else { value(&source.name) };
    let mut text = format!("index={index} ");
    let _ = match query.time {
        TimeRange::Last(past) => write!(text, "earliest=-{} latest=now", span(past)),
        TimeRange::Absolute { from, to } => {
            write!(text, "earliest={} latest={}", epoch(from), epoch(to))
        }
    };
    if !is_everything(&query.filter) {
        text.push(' ');
        filter(&mut text, &Spl, &query.filter, matches!(query.filter, Predicate::Or(_)));
    }
    if let Some(counting) = &query.aggregation {
        let counted = match &counting.distinct {
            Some(field) => format!("dc({})", name(field)),
            None => "count".to_owned(),
        };
        let mut shown = format!("{counted} AS {COUNTED}");
        for field in &query.projection {
            let _ = write!(shown, " values({}) AS {}", name(field), name(field));
        }
        let mut by: Vec<String> = counting.by.iter().map(name).collect();
        by.push("_time".to_owned());
        let _ = write!(text, "\n| bin _time span={}", span(counting.window));
        let _ = write!(text, "\n| stats {shown} BY {}", by.join(", "));
        let _ = write!(text, "\n| where {COUNTED} >= {}", counting.at_least);
    }
    let _ = write!(text, "\n| head {}", query.limit);
    if query.aggregation.is_none() && !query.projection.is_empty() {
        let shown: Vec<String> = query.projection.iter().map(name).collect();
        let _ = write!(text, "\n| table {}", shown.join(", "));
    }
    text
}

struct Spl;

impl Style for Spl {
    const AND: &'static str = " ";
    const OR: &'static str = " OR ";
    const NOT: &'static str = "NOT ";
    const EVERYTHING: &'static str = "index=*";

    fn exists(&self, out: &mut String, field: &FieldName) {
        let _ = write!(out, "{}=*", name(field));
    }

    fn one_of(&self, field: &FieldName, values: &[&Value]) -> Option<String> {
        let literal = |value: &Value| match value {
            Value::Number(number) => number.to_string(),
            Value::Text(text) => format!("\"{}\"", escaped(text)),
        };
        all_numbers(values)?;
        Some(format!("{} IN ({})", name(field), listed(values, literal)))
    }

    fn comparison(&self, out: &mut String, field: &FieldName, operator: Operator, value: &Value) {
        let name = name(field);
        let text = value.to_string();
        let inside = escaped(&text);
        let _ = match (operator, value) {
            (Operator::InNetwork, _) => write!(out, "{name}={text}"),
            (Operator::Contains, _) => write!(out, "{name}=\"*{inside}*\""),
            (Operator::StartsWith, _) => write!(out, "{name}=\"{inside}*\""),
            (Operator::EndsWith, _) => write!(out, "{name}=\"*{inside}\""),
            (_, Value::Number(_)) => write!(out, "{name}{operator}{text}"),
            _ => write!(out, "{name}=\"{inside}\""),
        };
    }
}

/// A field; one that is no plain word stands in quotes.
fn name(field: &FieldName) -> String {
    value(&field.0)
}

fn value(text: &str) -> String {
    let plain =
        !text.is_empty() && text.chars().all(|c| c.is_ascii_alphanumeric() || "_.".contains(c));
    if plain { text.to_owned() } else { format!("\"{}\"", escaped(text)) }
}

fn escaped(text: &str) -> String {
    text.replace('\\', "\\\\").replace('"', "\\\"")
}

/// Seconds since 1970, which mean the same in every time zone.
fn epoch(at: OffsetDateTime) -> i64 {
    at.unix_timestamp()
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
