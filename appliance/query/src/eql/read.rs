//! From the text back to the lowered query.

use time::Duration;
use vedette_event::query::{Aggregation, FieldName, Operator, Predicate, Value};

use super::grammar::{Event, Search};
use super::write::CATEGORY;
use crate::dialect::Meaning;
use crate::shape::{all, text};
use crate::syntax::{Expr, each_of, predicate};

/// What a query of ours says.
pub(super) fn read(search: &Search) -> Option<Meaning> {
    let (event, others) = search.events.split_first()?;
    let same = others.iter().all(|other| other == event) && event.runs.is_none();
    let aggregation = match &search.within {
        None => None,
        Some(within) => {
            let seconds = within.strip_suffix('s')?.parse().ok()?;
            Some(Aggregation {
                by: search.by.iter().map(field).collect::<Option<_>>()?,
                distinct: None,
                at_least: u64::try_from(search.events.len()).ok()?,
                window: Duration::seconds(seconds),
            })
        }
    };
    if !same || aggregation.is_none() && !others.is_empty() {
        return None;
    }
    Some(Meaning { aggregation, ..Meaning::of_filter(filter(event)?) })
}

fn filter(event: &Event) -> Option<Predicate> {
    let rest = predicate(&event.filter, &comparison)?;
    let mut parts = Vec::new();
    if event.category != "any" {
        parts.push(text(CATEGORY, Operator::Equal, &event.category));
    }
    parts.push(rest);
    Some(all(parts))
}

fn field(expr: &Expr) -> Option<FieldName> {
    match expr {
        Expr::Name(name) => Some(FieldName(name.clone())),
        _ => None,
    }
}

fn comparison(expr: &Expr) -> Option<Predicate> {
    match expr {
        Expr::Name(name) if name == "true" => Some(Predicate::And(Vec::new())),
        Expr::Call { name, arguments } => {
            let [of, Expr::Text(value)] = arguments.as_slice() else { return None };
            let operator = match name.as_str() {
                "cidrMatch" => Operator::InNetwork,
                "stringContains~" => Operator::Contains,
                "startsWith~" => Operator::StartsWith,
                "endsWith~" => Operator::EndsWith,
                _ => return None,
            };
            Some(compare(field(of)?, operator, Value::Text(value.clone())))
        }
        Expr::Binary { operator: "!=", left, right } if **right == Expr::Name("null".into()) => {
            Some(Predicate::Exists(field(left)?))
        }
        Expr::Binary { operator: operator @ ("in" | ":"), left, right }
            if matches!(right.as_ref(), Expr::List(_)) =>
        {
            let Expr::List(values) = right.as_ref() else { return None };
            let one = if *operator == "in" { "==" } else { ":" };
            each_of(one, (left, values), &comparison)
        }
        Expr::Binary { operator: ":", left, right } => {
            let Expr::Text(pattern) = right.as_ref() else { return None };
            let (operator, value) = wildcards(pattern);
            Some(compare(field(left)?, operator, Value::Text(value.to_owned())))
        }
        Expr::Binary { operator, left, right } => {
            let operator = if *operator == "==" { "=" } else { operator };
            Some(compare(field(left)?, operator.parse().ok()?, literal(right)?))
        }
        _ => None,
    }
}

fn compare(field: FieldName, operator: Operator, value: Value) -> Predicate {
    Predicate::Compare { field, operator, value }
}

fn literal(expr: &Expr) -> Option<Value> {
    match expr {
        Expr::Text(text) => Some(Value::Text(text.clone())),
        Expr::Number(number) => number.parse().ok().map(Value::Number),
        Expr::Prefix { operator: "-", operand } => match operand.as_ref() {
            Expr::Number(number) => format!("-{number}").parse().ok().map(Value::Number),
            _ => None,
        },
        _ => None,
    }
}

fn wildcards(pattern: &str) -> (Operator, &str) {
    let behind = pattern.strip_prefix('*');
    match (behind, pattern.strip_suffix('*')) {
        (Some(behind), Some(_)) => (Operator::Contains, behind.strip_suffix('*').unwrap_or("")),
        (Some(behind), None) => (Operator::EndsWith, behind),
        (None, Some(front)) => (Operator::StartsWith, front),
        (None, None) => (Operator::Equal, pattern),
    }
}
