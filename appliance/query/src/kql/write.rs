//! From the lowered query to the text.

use std::fmt::Write as _;
use std::net::IpAddr;

use time::Duration;
use vedette_event::query::{FieldName, Operator, Predicate, Query, TimeRange, Value};
use vedette_kb::dialects::{FieldKind, Source, dialect};

use crate::dialect::stamp;
use crate::shape::is_everything;
use crate::syntax::{Style, all_numbers, filter, listed};

/// The names of what is counted and of the slice of time it is counted in.
pub(super) const COUNTED: &str = "Counted";
pub(super) const SLICE: &str = "Slice";

/// The text of a query on a table.
pub(super) fn write(query: &Query, source: &Source) -> String {
    let time = name(&source.time);
    let mut text = name(&source.name);
    text.push_str("\n| where ");
    let _ = match query.time {
        TimeRange::Last(past) => write!(text, "{time} > ago({})", span(past)),
        TimeRange::Absolute { from, to } => {
            let (from, to) = (stamp(from), stamp(to));
            write!(text, "{time} >= datetime({from}) and {time} < datetime({to})")
        }
    };
    let style = Kql { table: source.name.clone() };
    match &query.filter {
        Predicate::And(parts) if !parts.is_empty() => {
            parts.iter().for_each(|part| condition(&mut text, &style, part));
        }
        everything if is_everything(everything) => {}
        other => condition(&mut text, &style, other),
    }
    if let Some(counting) = &query.aggregation {
        let counted = match &counting.distinct {
            Some(field) => format!("dcount({})", name(&field.0)),
            None => "count()".to_owned(),
        };
        let mut shown: Vec<String> = vec![format!("{COUNTED} = {counted}")];
        shown.extend(query.projection.iter().map(|field| format!("take_any({})", name(&field.0))));
        let mut by: Vec<String> = counting.by.iter().map(|field| name(&field.0)).collect();
        by.push(format!("{SLICE} = bin({time}, {})", span(counting.window)));
        let _ = write!(text, "\n| summarize {} by {}", shown.join(", "), by.join(", "));
        let _ = write!(text, "\n| where {COUNTED} >= {}", counting.at_least);
    } else if !query.projection.is_empty() {
        let shown: Vec<String> = query.projection.iter().map(|field| name(&field.0)).collect();
        let _ = write!(text, "\n| project {}", shown.join(", "));
    }
    let _ = write!(text, "\n| take {}", query.limit);
    text
}

fn condition(text: &mut String, style: &Kql, part: &Predicate) {
    text.push_str("\n| where ");
    filter(text, style, part, false);
}

struct Kql {
    table: String,
}

impl Kql {
    fn is_number(&self, field: &FieldName) -> bool {
        dialect("kql").and_then(|known| known.column(Some(&self.table), &field.0))
            == Some(FieldKind::Number)
    }
}

impl Style for Kql {
    const NOT: &'static str = "not";
    const EVERYTHING: &'static str = "true";

    fn exists(&self, out: &mut String, field: &FieldName) {
        let function = if self.is_number(field) { "isnotnull" } else { "isnotempty" };
        let _ = write!(out, "{function}({})", name(&field.0));
    }

    fn one_of(&self, field: &FieldName, values: &[&Value]) -> Option<String> {
        let exact = |value: &&Value| value.to_string().parse::<IpAddr>().is_ok();
        let numbers = all_numbers(values)?;
        let as_is = numbers || values.iter().all(exact);
        let operator = if as_is { "in" } else { "in~" };
        Some(format!("{} {operator} ({})", name(&field.0), listed(values, literal)))
    }

    fn comparison(&self, out: &mut String, field: &FieldName, operator: Operator, value: &Value) {
        let name = name(&field.0);
        let literal = literal(value);
        let exact =
            matches!(value, Value::Number(_)) || value.to_string().parse::<IpAddr>().is_ok();
        let v6 = literal.contains(':');
        let _ = match operator {
            Operator::InNetwork if v6 => write!(out, "ipv6_is_in_range({name}, {literal})"),
            Operator::InNetwork => write!(out, "ipv4_is_in_range({name}, {literal})"),
            Operator::Equal if exact => write!(out, "{name} == {literal}"),
            Operator::Equal => write!(out, "{name} =~ {literal}"),
            Operator::NotEqual if !exact => write!(out, "{name} !~ {literal}"),
            _ => write!(out, "{name} {operator} {literal}"),
        };
    }
}

/// A column or table; one that is no plain word stands in brackets and quotes.
fn name(name: &str) -> String {
    let plain = name.starts_with(|first: char| first.is_ascii_alphabetic() || first == '_')
        && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
    // A star stands for every column.
    if plain || name == "*" { name.to_owned() } else { format!("['{}']", escaped(name)) }
}

fn literal(value: &Value) -> String {
    match value {
        Value::Number(number) => number.to_string(),
        Value::Text(text) => format!("\"{}\"", escaped(text)),
    }
}

/// Text inside quotes of either kind; control characters are refused before.
fn escaped(text: &str) -> String {
    text.replace('\\', "\\\\").replace('"', "\\\"").replace('\'', "\\'")
}

/// A span in its largest whole unit.
fn span(span: Duration) -> String {
    let seconds = span.whole_seconds();
    for (unit, length) in [("d", 86_400), ("h", 3_600), ("m", 60)] {
        if seconds % length == 0 && seconds > 0 {
            return format!("{}{unit}", seconds / length);
        }
    }
    format!("{seconds}s")
}
