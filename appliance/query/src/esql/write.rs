//! From the lowered query to the text.

use std::fmt::Write as _;
use std::net::IpAddr;

use time::Duration;
use vedette_event::query::{FieldName, Operator, Query, TimeRange, Value};
use vedette_kb::dialects::Source;

use crate::dialect::stamp;
use crate::shape::is_everything;
use crate::syntax::{Style, all_numbers, filter, listed};

/// The names of what is counted and of the slice of time it is counted in.
pub(super) const COUNTED: &str = "counted";
pub(super) const SLICE: &str = "slice";

/// The text of a query on an index pattern.
pub(super) fn write(query: &Query, source: &Source) -> String {
    let time = name(&source.time);
    let mut text = format!("FROM {}\n| WHERE ", pattern(&source.name));
    let _ = match query.time {
        TimeRange::Last(past) => write!(text, "{time} >= NOW() - {}", span(past)),
        TimeRange::Absolute { from, to } => {
            let (from, to) = (stamp(from), stamp(to));
            write!(text, "{time} >= \"{from}\" AND {time} < \"{to}\"")
        }
    };
    if !is_everything(&query.filter) {
        text.push_str("\n| WHERE ");
        filter(&mut text, &Esql, &query.filter, false);
    }
    if let Some(counting) = &query.aggregation {
        let counted = match &counting.distinct {
            Some(field) => format!("COUNT_DISTINCT({})", name(&field.0)),
            None => "COUNT(*)".to_owned(),
        };
        let mut shown: Vec<String> = vec![format!("{COUNTED} = {counted}")];
        shown.extend(query.projection.iter().map(|field| format!("VALUES({})", name(&field.0))));
        let mut by: Vec<String> = counting.by.iter().map(|field| name(&field.0)).collect();
        by.push(format!("{SLICE} = BUCKET({time}, {})", span(counting.window)));
        let _ = write!(text, "\n| STATS {} BY {}", shown.join(", "), by.join(", "));
        let _ = write!(text, "\n| WHERE {COUNTED} >= {}", counting.at_least);
    } else if !query.projection.is_empty() {
        let shown: Vec<String> = query.projection.iter().map(|field| name(&field.0)).collect();
        let _ = write!(text, "\n| KEEP {}", shown.join(", "));
    }
    let _ = write!(text, "\n| LIMIT {}", query.limit);
    text
}

struct Esql;

impl Style for Esql {
    const AND: &'static str = " AND ";
    const OR: &'static str = " OR ";
    const NOT: &'static str = "NOT ";
    const EVERYTHING: &'static str = "true";

    fn exists(&self, out: &mut String, field: &FieldName) {
        let _ = write!(out, "{} IS NOT NULL", name(&field.0));
    }

    fn one_of(&self, field: &FieldName, values: &[&Value]) -> Option<String> {
        let plain = |value: &&Value| !folded(&field.0, value);
        let name = name(&field.0);
        let name = if all_numbers(values)? || values.iter().all(plain) {
            name
        } else if values.iter().any(plain) {
            return None;
        } else {
            format!("TO_LOWER({name})")
        };
        Some(format!("{name} IN ({})", listed(values, literal)))
    }

    fn comparison(&self, out: &mut String, field: &FieldName, operator: Operator, value: &Value) {
        let name = name(&field.0);
        let literal = literal(value);
        let text = value.to_string();
        let wild = text.contains(['*', '?', '\\']);
        let inside = &literal[1..literal.len().saturating_sub(1).max(1)];
        let _ = match operator {
            Operator::InNetwork => write!(out, "CIDR_MATCH({name}, {literal})"),
            Operator::Contains if wild => write!(out, "LOCATE(TO_LOWER({name}), {literal}) > 0"),
            Operator::Contains => write!(out, "TO_LOWER({name}) LIKE \"*{inside}*\""),
            Operator::StartsWith => write!(out, "STARTS_WITH(TO_LOWER({name}), {literal})"),
            Operator::EndsWith => write!(out, "ENDS_WITH(TO_LOWER({name}), {literal})"),
            Operator::Equal if folded(&field.0, value) => {
                write!(out, "TO_LOWER({name}) == {literal}")
            }
            Operator::Equal => write!(out, "{name} == {literal}"),
            _ => write!(out, "{name} {operator} {literal}"),
        };
    }
}

/// Whether a value compares with the field in lower case: where it has letters and the field is none
/// of those that ECS keeps in lower case.
fn folded(field: &str, value: &Value) -> bool {
    const LOWER: [&str; 7] = [
        "event.category",
        "event.type",
        "event.outcome",
        "host.os.type",
        "network.direction",
        "network.transport",
        "network.protocol",
    ];
    let Value::Text(text) = value else { return false };
    let address = text.parse::<IpAddr>().is_ok();
    !address && text.chars().any(char::is_alphabetic) && !LOWER.contains(&field)
}

/// A field; one that is no plain path stands in back quotes.
fn name(name: &str) -> String {
    let plain = name.split('.').all(|part| {
        part.starts_with(|first: char| first.is_ascii_alphabetic() || first == '_' || first == '@')
            && part.chars().all(|c| c.is_ascii_alphanumeric() || c == '_' || c == '@')
    });
    if plain { name.to_owned() } else { format!("`{}`", name.replace('`', "``")) }
}

/// An index pattern; one that is no plain name stands in quotes.
fn pattern(name: &str) -> String {
    let plain =
        !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || "._*-".contains(c));
    if plain { name.to_owned() } else { format!("\"{}\"", escaped(name)) }
}

fn literal(value: &Value) -> String {
    match value {
        Value::Number(number) => number.to_string(),
        Value::Text(text) => format!("\"{}\"", escaped(text)),
    }
}

fn escaped(text: &str) -> String {
    text.replace('\\', "\\\\").replace('"', "\\\"")
}

/// A span in its largest whole unit.
fn span(span: Duration) -> String {
    let seconds = span.whole_seconds().max(1);
    for (unit, length) in [("day", 86_400), ("hour", 3_600), ("minute", 60), ("second", 1)] {
        if seconds % length == 0 {
            let number = seconds / length;
            let many = if number == 1 { "" } else { "s" };
            return format!("{number} {unit}{many}");
        }
    }
    format!("{seconds} seconds")
}
