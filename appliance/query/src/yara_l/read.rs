//! From the rule back to the lowered query: the proof that nothing changed on the way.

use time::Duration;
use vedette_event::query::{Aggregation, FieldName, Operator, Predicate, Value};

use super::grammar::{Expr, Rule};
use crate::dialect::Meaning;
use crate::shape::simplify;

/// The query of a rule, or `None` where the rule says more than our queries can.
pub(super) fn read(rule: &Rule) -> Option<Meaning> {
    let mut filter = Vec::new();
    let mut groups: Vec<(String, FieldName)> = Vec::new();
    for statement in &rule.events {
        match placeholder(statement) {
            Some(group) => groups.push(group),
            None => filter.push(predicate(statement)?),
        }
    }
    let mut distinct = None;
    let mut projection = Vec::new();
    for (name, value) in &rule.outcome {
        let field = outcome_field(value)?;
        if name == "distinct_count" {
            distinct = Some(field);
        } else {
            projection.push(field);
        }
    }
    let aggregation = match &rule.matched {
        None => None,
        Some(matched) => {
            let by = matched.variables.iter().map(|variable| {
                groups.iter().find(|(name, _)| name == variable).map(|(_, field)| field.clone())
            });
            let window = Duration::seconds(i64::try_from(matched.seconds).ok()?);
            let at_least = threshold(rule.condition.as_ref()?)?;
            Some(Aggregation { by: by.collect::<Option<_>>()?, distinct, at_least, window })
        }
    };
    Some(Meaning {
        filter: simplify(Predicate::And(filter)),
        aggregation,
        projection: Some(projection),
        time: None,
        limit: None,
    })
}

fn field(expr: &Expr) -> Option<FieldName> {
    match expr {
        Expr::Variable { path, keyed: false, .. } if !path.is_empty() => {
            Some(FieldName(path.join(".")))
        }
        _ => None,
    }
}

/// `$e1.field = $variable`.
fn placeholder(expr: &Expr) -> Option<(String, FieldName)> {
    match expr {
        Expr::Binary { left, operator, right, .. } if operator == "=" => match right.as_ref() {
            Expr::Variable { name, path, .. } if path.is_empty() => {
                Some((name.clone(), field(left)?))
            }
            _ => None,
        },
        _ => None,
    }
}

fn outcome_field(expr: &Expr) -> Option<FieldName> {
    match expr {
        Expr::Call { name, arguments }
            if matches!(name.as_str(), "count_distinct" | "array_distinct") =>
        {
            field(arguments.first()?)
        }
        other => field(other),
    }
}

fn threshold(condition: &Expr) -> Option<u64> {
    match condition {
        Expr::And(parts) => parts.iter().find_map(threshold),
        Expr::Binary { operator, right, .. } if operator == ">=" => match right.as_ref() {
            Expr::Number(number) => number.parse().ok(),
            _ => None,
        },
        _ => None,
    }
}

fn predicate(expr: &Expr) -> Option<Predicate> {
    let all = |parts: &[Expr]| parts.iter().map(predicate).collect::<Option<Vec<_>>>();
    match expr {
        Expr::And(parts) => all(parts).map(Predicate::And),
        Expr::Or(parts) => all(parts).map(Predicate::Or),
        Expr::Not(inner) => predicate(inner).map(|inner| Predicate::Not(Box::new(inner))),
        Expr::Call { name, arguments } => call(name, arguments),
        Expr::Binary { left, operator, right, .. } => comparison(left, operator, right),
        _ => None,
    }
}

fn call(name: &str, arguments: &[Expr]) -> Option<Predicate> {
    let [subject, Expr::Text(value)] = arguments else { return None };
    let value = Value::Text(value.clone());
    let operator = match name {
        "net.ip_in_range_cidr" => Operator::InNetwork,
        "strings.contains" => Operator::Contains,
        "strings.starts_with" => Operator::StartsWith,
        "strings.ends_with" => Operator::EndsWith,
        _ => return None,
    };
    let field = match subject {
        Expr::Call { name, arguments } if name == "strings.to_lower" => field(arguments.first()?)?,
        other => field(other)?,
    };
    Some(Predicate::Compare { field, operator, value })
}

fn comparison(left: &Expr, operator: &str, right: &Expr) -> Option<Predicate> {
    let field = field(left)?;
    let operator: Operator = operator.parse().ok()?;
    match right {
        Expr::Text(text) if text.is_empty() && operator == Operator::NotEqual => {
            Some(Predicate::Exists(field))
        }
        Expr::Number(zero) if zero == "0" && operator == Operator::NotEqual => {
            Some(Predicate::Exists(field))
        }
        Expr::Text(text) => {
            Some(Predicate::Compare { field, operator, value: Value::Text(text.clone()) })
        }
        Expr::Number(number) => {
            let value = Value::Number(number.parse().ok()?);
            Some(Predicate::Compare { field, operator, value })
        }
        // A negative number reads as a subtraction from zero.
        Expr::Binary { left: zero, operator: minus, right: number, .. } if minus == "-" => {
            match (zero.as_ref(), number.as_ref()) {
                (Expr::Number(zero), Expr::Number(number)) if zero == "0" => {
                    let value = Value::Number(format!("-{number}").parse().ok()?);
                    Some(Predicate::Compare { field, operator, value })
                }
                _ => None,
            }
        }
        _ => None,
    }
}
