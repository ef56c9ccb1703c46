//! From the lowered query to the text.

use std::fmt::Write as _;

use vedette_event::query::{FieldName, Operator, Predicate, Query, Value};

use crate::shape::is_everything;
use crate::syntax::{Style, all_numbers, filter, listed};

/// The field that a query's first word compares.
pub(super) const CATEGORY: &str = "event.category";

/// The text of a query: one event, or as many of it in a row as are counted.
pub(super) fn write(query: &Query) -> String {
    let event = event(&query.filter);
    let Some(counting) = &query.aggregation else { return event };
    let by: Vec<String> = counting.by.iter().map(name).collect();
    let by = if by.is_empty() { String::new() } else { format!("by {} ", by.join(", ")) };
    let seconds = counting.window.whole_seconds().max(1);
    let mut text = format!("sequence {by}with maxspan={seconds}s");
    for _ in 0..counting.at_least {
        let _ = write!(text, "\n  [{event}]");
    }
    text
}

fn event(predicate: &Predicate) -> String {
    let (category, rest) = split(predicate);
    let mut text = format!("{category} where ");
    match rest {
        Some(rest) => filter(&mut text, &Eql, &rest, false),
        None => text.push_str("true"),
    }
    text
}

/// The category of a conjunction, and what else it asks.
fn split(predicate: &Predicate) -> (String, Option<Predicate>) {
    if let Some(only) = category(predicate) {
        return (only, None);
    }
    if let Predicate::And(parts) = predicate
        && let Some((first, rest)) = parts.split_first()
        && let Some(category) = category(first)
    {
        let rest = rest.to_vec();
        return (category, (!rest.is_empty()).then(|| crate::shape::all(rest)));
    }
    ("any".to_owned(), (!is_everything(predicate)).then(|| predicate.clone()))
}

/// Whether a part of a conjunction can be the first word.
pub(super) fn is_category(part: &Predicate) -> bool {
    category(part).is_some()
}

fn category(part: &Predicate) -> Option<String> {
    match part {
        Predicate::Compare { field, operator: Operator::Equal, value: Value::Text(value) }
            if field.0 == CATEGORY && is_plain(value) =>
        {
            Some(value.clone())
        }
        _ => None,
    }
}

/// Whether a category can stand as the first word.
fn is_plain(category: &str) -> bool {
    category.starts_with(|first: char| first.is_ascii_lowercase())
        && category.chars().all(|c| c.is_ascii_lowercase() || c == '_')
        && !matches!(category, "any" | "sequence" | "sample" | "join")
}

struct Eql;

impl Style for Eql {
    const EVERYTHING: &'static str = "true";

    fn exists(&self, out: &mut String, field: &FieldName) {
        let _ = write!(out, "{} != null", name(field));
    }

    fn one_of(&self, field: &FieldName, values: &[&Value]) -> Option<String> {
        if values.iter().any(|value| is_address(&value.to_string())) {
            return None;
        }
        let operator = if all_numbers(values)? { "in" } else { ":" };
        Some(format!("{} {operator} ({})", name(field), listed(values, literal)))
    }

    fn comparison(&self, out: &mut String, field: &FieldName, operator: Operator, value: &Value) {
        let name = name(field);
        let literal = literal(value);
        let text = value.to_string();
        let wild = text.contains(['*', '?']);
        let inside = &literal[1..literal.len().saturating_sub(1).max(1)];
        let _ = match operator {
            Operator::InNetwork => write!(out, "cidrMatch({name}, {literal})"),
            Operator::Contains if wild => write!(out, "stringContains~({name}, {literal})"),
            Operator::StartsWith if wild => write!(out, "startsWith~({name}, {literal})"),
            Operator::EndsWith if wild => write!(out, "endsWith~({name}, {literal})"),
            Operator::Contains => write!(out, "{name} : \"*{inside}*\""),
            Operator::StartsWith => write!(out, "{name} : \"{inside}*\""),
            Operator::EndsWith => write!(out, "{name} : \"*{inside}\""),
            Operator::Equal if matches!(value, Value::Text(_)) && !is_address(&text) => {
                write!(out, "{name} : {literal}")
            }
            Operator::Equal => write!(out, "{name} == {literal}"),
            _ => write!(out, "{name} {operator} {literal}"),
        };
    }
}

/// Addresses compare as a whole.
fn is_address(text: &str) -> bool {
    text.parse::<std::net::IpAddr>().is_ok()
}

/// A field; one that is no plain path stands in back quotes.
fn name(field: &FieldName) -> String {
    let plain = field.0.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_' || c == '@')
        && field.0.chars().all(|c| c.is_ascii_alphanumeric() || "_@.".contains(c));
    if plain { field.0.clone() } else { format!("`{}`", field.0.replace('`', "``")) }
}

fn literal(value: &Value) -> String {
    match value {
        Value::Number(number) => number.to_string(),
        Value::Text(text) => format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\"")),
    }
}
