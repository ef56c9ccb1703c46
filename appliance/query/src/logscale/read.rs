//! From the text back to the lowered query.

use time::Duration;
use vedette_event::query::{Aggregation, FieldName, Operator, Predicate, Value};

use super::write::{COUNTED, META};
use crate::dialect::Meaning;
use crate::shape::all;
use crate::syntax::{Expr, predicate};

/// What a text of ours says, or `None` where it says more than our queries can.
pub(super) fn read(steps: &[Expr]) -> Option<Meaning> {
    let (filter, rest) = steps.split_first()?;
    let filter = all(vec![predicate(filter, &comparison)?]);
    let mut meaning = Meaning { projection: Some(Vec::new()), ..Meaning::of_filter(filter) };
    for step in rest {
        match step {
            Expr::Call { name, arguments } => match (name.as_str(), arguments.as_slice()) {
                ("head", [Expr::Number(limit)]) => meaning.limit = limit.parse().ok(),
                ("select", [Expr::List(fields)]) => meaning.projection = Some(names(fields)?),
                ("bucket", arguments) => meaning.aggregation = Some(counting(arguments)?),
                _ => return None,
            },
            Expr::Binary { operator: ">=", left, right }
                if **left == Expr::Name(COUNTED.to_owned()) =>
            {
                let Expr::Number(number) = right.as_ref() else { return None };
                meaning.aggregation.as_mut()?.at_least = number.parse().ok()?;
            }
            _ => return None,
        }
    }
    Some(meaning)
}

/// The value given to a parameter by name.
fn given<'a>(arguments: &'a [Expr], parameter: &str) -> Option<&'a Expr> {
    arguments.iter().find_map(|argument| match argument {
        Expr::Binary { operator: "=", left, right }
            if **left == Expr::Name(parameter.to_owned()) =>
        {
            Some(right.as_ref())
        }
        _ => None,
    })
}

fn counting(arguments: &[Expr]) -> Option<Aggregation> {
    let Expr::List(by) = given(arguments, "field")? else { return None };
    let Expr::Number(window) = given(arguments, "span")? else { return None };
    let Expr::List(functions) = given(arguments, "function")? else { return None };
    let [Expr::Call { name, arguments }] = functions.as_slice() else { return None };
    let distinct = given(arguments, "field").map(|of| field(of).filter(|_| name == "count"));
    let distinct = match distinct {
        Some(found) => Some(found?),
        None => None,
    };
    Some(Aggregation { by: names(by)?, distinct, at_least: 0, window: span(window)? })
}

fn names(fields: &[Expr]) -> Option<Vec<FieldName>> {
    fields.iter().map(field).collect()
}

/// `90s`, `5m`, `24h`, `7d`.
fn span(text: &str) -> Option<Duration> {
    let digits = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let seconds = match &text[digits.len()..] {
        "s" => 1,
        "m" => 60,
        "h" => 3_600,
        "d" => 86_400,
        _ => return None,
    };
    Some(Duration::seconds(digits.parse::<i64>().ok()?.checked_mul(seconds)?))
}

/// A field, or the first of an array's elements.
pub(super) fn field(expr: &Expr) -> Option<FieldName> {
    match expr {
        Expr::Name(name) => Some(FieldName(name.clone())),
        Expr::Part { of, at } => match (of.as_ref(), at.as_slice()) {
            (Expr::Name(name), [Expr::Number(index)]) => {
                Some(FieldName(format!("{name}[{index}]")))
            }
            _ => None,
        },
        _ => None,
    }
}

fn comparison(expr: &Expr) -> Option<Predicate> {
    let compare = |field, operator, value| Predicate::Compare { field, operator, value };
    let text = |text: &str| Value::Text(text.to_owned());
    match expr {
        Expr::Name(name) if name == "*" => Some(Predicate::And(Vec::new())),
        Expr::Call { name, arguments } if name == "cidr" => {
            let Expr::Text(network) = given(arguments, "subnet")? else { return None };
            Some(compare(field(arguments.first()?)?, Operator::InNetwork, text(network)))
        }
        Expr::Binary { operator: "=", left, right } => {
            let field = field(left)?;
            match right.as_ref() {
                Expr::Name(star) if star == "*" => Some(Predicate::Exists(field)),
                Expr::Text(value) => Some(compare(field, Operator::Equal, text(value))),
                Expr::Pattern(pattern) => {
                    let (operator, value) = unescaped(pattern)?;
                    Some(compare(field, operator, Value::Text(value)))
                }
                other => Some(compare(field, Operator::Equal, number(other)?)),
            }
        }
        Expr::Binary { operator, left, right } => {
            Some(compare(field(left)?, operator.parse().ok()?, number(right)?))
        }
        _ => None,
    }
}

fn number(expr: &Expr) -> Option<Value> {
    match expr {
        Expr::Number(number) => number.parse().ok().map(Value::Number),
        Expr::Prefix { operator: "-", operand } => match operand.as_ref() {
            Expr::Number(number) => format!("-{number}").parse().ok().map(Value::Number),
            _ => None,
        },
        _ => None,
    }
}

/// The text that a pattern matches, and where it must stand.
fn unescaped(pattern: &str) -> Option<(Operator, String)> {
    let mut text = String::new();
    let (mut begins, mut ends) = (false, false);
    let mut characters = pattern.chars();
    while let Some(character) = characters.next() {
        match character {
            '^' if text.is_empty() && !begins => begins = true,
            '$' => ends = true,
            '\\' => text.push(characters.next().filter(|next| META.contains(*next))?),
            other if META.contains(other) || ends => return None,
            other => text.push(other),
        }
    }
    let operator = match (begins, ends) {
        (true, true) => Operator::Equal,
        (true, false) => Operator::StartsWith,
        (false, true) => Operator::EndsWith,
        (false, false) => Operator::Contains,
    };
    Some((operator, text))
}
