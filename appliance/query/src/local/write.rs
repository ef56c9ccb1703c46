//! From the query to the line.

use std::fmt::Write as _;

use time::Duration;
use time::format_description::well_known::Rfc3339;
use vedette_event::query::{Aggregation, FieldName, Operator, Predicate, Query, TimeRange, Value};

use crate::shape::is_everything;
use crate::text::is_deceptive;

/// The line of a query.
pub(crate) fn write(query: &Query) -> String {
    let mut line = String::new();
    filter(&mut line, &query.filter, false);
    if let Some(counting) = &query.aggregation {
        count(&mut line, counting);
    }
    if !query.projection.is_empty() {
        let _ = write!(line, " show {}", names(&query.projection));
    }
    let _ = match query.time {
        TimeRange::Last(past) => write!(line, " since {}", span(past)),
        TimeRange::Absolute { from, to } => {
            write!(line, " since {} until {}", stamp(from), stamp(to))
        }
    };
    let _ = write!(line, " limit {}", query.limit);
    line
}

fn count(line: &mut String, counting: &Aggregation) {
    line.push_str(" count");
    if let Some(field) = &counting.distinct {
        let _ = write!(line, " distinct {}", field.0);
    }
    if !counting.by.is_empty() {
        let _ = write!(line, " by {}", names(&counting.by));
    }
    let _ = write!(line, " at least {} within {}", counting.at_least, span(counting.window));
}

fn names(fields: &[FieldName]) -> String {
    fields.iter().map(|field| field.0.as_str()).collect::<Vec<_>>().join(", ")
}

fn filter(line: &mut String, predicate: &Predicate, grouped: bool) {
    match predicate {
        Predicate::And(parts) if is_everything(predicate) => {
            debug_assert!(parts.is_empty(), "an empty list is every line");
            line.push('*');
        }
        Predicate::And(parts) => joined(line, parts, " and ", grouped),
        Predicate::Or(parts) => joined(line, parts, " or ", grouped),
        Predicate::Not(inner) => {
            line.push_str("not ");
            filter(line, inner, true);
        }
        Predicate::Exists(field) => {
            let _ = write!(line, "{} exists", field.0);
        }
        Predicate::Compare { field, operator, value } => {
            let _ = write!(line, "{} {} ", field.0, operator_text(*operator));
            literal(line, value);
        }
    }
}

fn joined(line: &mut String, parts: &[Predicate], joint: &str, grouped: bool) {
    if grouped {
        line.push('(');
    }
    for (index, part) in parts.iter().enumerate() {
        if index > 0 {
            line.push_str(joint);
        }
        filter(line, part, true);
    }
    if grouped {
        line.push(')');
    }
}

fn operator_text(operator: Operator) -> &'static str {
    operator.as_str()
}

fn literal(line: &mut String, value: &Value) {
    match value {
        Value::Number(number) => {
            let _ = write!(line, "{number}");
        }
        Value::Text(text) => {
            line.push('"');
            text.chars().for_each(|character| escaped(line, character));
            line.push('"');
        }
    }
}

fn escaped(line: &mut String, character: char) {
    match character {
        '"' | '\\' => line.extend(['\\', character]),
        '\n' => line.push_str("\\n"),
        '\r' => line.push_str("\\r"),
        '\t' => line.push_str("\\t"),
        other if other.is_control() || is_deceptive(other) => {
            let _ = write!(line, "\\u{{{:x}}}", u32::from(other));
        }
        other => line.push(other),
    }
}

/// A time to the nanosecond, in UTC.
fn stamp(at: time::OffsetDateTime) -> String {
    let utc = at.to_offset(time::UtcOffset::UTC);
    utc.format(&Rfc3339).unwrap_or_else(|_| utc.unix_timestamp().to_string())
}

/// A span in the largest unit that keeps it whole, never below a second.
pub(crate) fn span(span: Duration) -> String {
    let seconds = span.whole_seconds().max(1);
    for (unit, length) in [("d", 86_400), ("h", 3_600), ("m", 60)] {
        // Two days read better as 48h; from three on, days do.
        let enough = if unit == "d" { 3 * length } else { length };
        if seconds % length == 0 && seconds >= enough {
            return format!("{}{unit}", seconds / length);
        }
    }
    format!("{seconds}s")
}
