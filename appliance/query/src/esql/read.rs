//! From the text back to the lowered query.

use time::Duration;
use vedette_event::query::{Aggregation, FieldName, Operator, Predicate, Query, TimeRange, Value};

use super::grammar::Piped;
use super::write::COUNTED;
use crate::dialect::read_stamp;
use crate::shape::all;
use crate::syntax::{Expr, Item, Stage, each_of, predicate};

/// The query of a text of ours, or `None` where it says more than our queries can.
pub(super) fn read(piped: &Piped) -> Option<Query> {
    let mut stages = piped.stages.iter();
    let time = time(only(stages.next().filter(|stage| stage.command == "where")?)?)?;
    let mut conditions = Vec::new();
    let (mut aggregation, mut projection, mut limit) = (None, Vec::new(), None);
    for stage in stages {
        match stage.command.as_str() {
            "where" if aggregation.is_none() => {
                conditions.push(predicate(only(stage)?, &comparison)?);
            }
            "where" => at_least(only(stage)?, aggregation.as_mut()?)?,
            "stats" => {
                aggregation = Some(counting(stage)?);
                projection = stage.items.iter().skip(1).map(shown).collect::<Option<_>>()?;
            }
            "keep" => {
                projection =
                    stage.items.iter().map(|item| field(&item.value)).collect::<Option<_>>()?;
            }
            "limit" => limit = u32::try_from(number(only(stage)?)?).ok(),
            _ => return None,
        }
    }
    Some(Query { filter: all(conditions), aggregation, projection, time, limit: limit? })
}

fn only(stage: &Stage) -> Option<&Expr> {
    match stage.items.as_slice() {
        [item] => Some(&item.value),
        _ => None,
    }
}

fn time(condition: &Expr) -> Option<TimeRange> {
    match condition {
        Expr::Binary { operator: ">=", right, .. } => match right.as_ref() {
            Expr::Binary { operator: "-", left, right } if is_now(left) => {
                span(right).map(TimeRange::Last)
            }
            _ => None,
        },
        Expr::And(bounds) => match bounds.as_slice() {
            [
                Expr::Binary { operator: ">=", right: from, .. },
                Expr::Binary { operator: "<", right: to, .. },
            ] => Some(TimeRange::Absolute { from: moment(from)?, to: moment(to)? }),
            _ => None,
        },
        _ => None,
    }
}

fn is_now(expr: &Expr) -> bool {
    matches!(expr, Expr::Call { name, arguments } if name == "NOW" && arguments.is_empty())
}

fn moment(expr: &Expr) -> Option<time::OffsetDateTime> {
    match expr {
        Expr::Text(text) => read_stamp(text),
        _ => None,
    }
}

/// `24 hours`, `1 day`.
fn span(expr: &Expr) -> Option<Duration> {
    let Expr::Number(text) = expr else { return None };
    let (digits, unit) = text.split_once(' ')?;
    let seconds = match unit.trim_end_matches('s') {
        "second" => 1,
        "minute" => 60,
        "hour" => 3_600,
        "day" => 86_400,
        _ => return None,
    };
    Some(Duration::seconds(digits.parse::<i64>().ok()?.checked_mul(seconds)?))
}

fn counting(stage: &Stage) -> Option<Aggregation> {
    let Expr::Call { name, arguments } = &stage.items.first()?.value else { return None };
    let distinct = match name.as_str() {
        "COUNT_DISTINCT" => Some(field(arguments.first()?)?),
        "COUNT" => None,
        _ => return None,
    };
    let (slice, by) = stage.by.split_last()?;
    let window = match &slice.value {
        Expr::Call { name, arguments } if name == "BUCKET" => span(arguments.get(1)?)?,
        _ => return None,
    };
    let by = by.iter().map(|item| field(&item.value)).collect::<Option<_>>()?;
    Some(Aggregation { by, distinct, at_least: 0, window })
}

fn at_least(condition: &Expr, counting: &mut Aggregation) -> Option<()> {
    match condition {
        Expr::Binary { operator: ">=", left, right }
            if **left == Expr::Name(COUNTED.to_owned()) =>
        {
            counting.at_least = u64::try_from(number(right)?).ok()?;
            Some(())
        }
        _ => None,
    }
}

fn shown(item: &Item) -> Option<FieldName> {
    match &item.value {
        Expr::Call { name, arguments } if name == "VALUES" => field(arguments.first()?),
        _ => None,
    }
}

/// A field, in lower case or as it is.
fn field(expr: &Expr) -> Option<FieldName> {
    match expr {
        Expr::Name(name) => Some(FieldName(name.clone())),
        Expr::Call { name, arguments } if name == "TO_LOWER" => match arguments.as_slice() {
            [Expr::Name(name)] => Some(FieldName(name.clone())),
            _ => None,
        },
        _ => None,
    }
}

fn number(expr: &Expr) -> Option<i64> {
    match expr {
        Expr::Number(number) => number.parse().ok(),
        Expr::Prefix { operator: "-", operand } => match operand.as_ref() {
            Expr::Number(number) => format!("-{number}").parse().ok(),
            _ => None,
        },
        _ => None,
    }
}

fn comparison(expr: &Expr) -> Option<Predicate> {
    let compare = |field, operator, value| Predicate::Compare { field, operator, value };
    let text = |text: &str| Value::Text(text.to_owned());
    match expr {
        Expr::Name(name) if name == "true" => Some(Predicate::And(Vec::new())),
        Expr::Call { name, arguments } => {
            let [of, Expr::Text(value)] = arguments.as_slice() else { return None };
            let operator = match name.as_str() {
                "CIDR_MATCH" => Operator::InNetwork,
                "STARTS_WITH" => Operator::StartsWith,
                "ENDS_WITH" => Operator::EndsWith,
                _ => return None,
            };
            Some(compare(field(of)?, operator, text(value)))
        }
        Expr::Binary { operator: "in", left, right } => match right.as_ref() {
            Expr::List(values) => each_of("==", (left, values), &comparison),
            _ => None,
        },
        Expr::Binary { operator: "is not", left, .. } => Some(Predicate::Exists(field(left)?)),
        Expr::Binary { operator: "like", left, right } => {
            let Expr::Text(pattern) = right.as_ref() else { return None };
            let inside = pattern.strip_prefix('*')?.strip_suffix('*')?;
            Some(compare(field(left)?, Operator::Contains, text(inside)))
        }
        Expr::Binary { operator: ">", left, right } if **right == Expr::Number("0".into()) => {
            located(left)
                .or_else(|| Some(compare(field(left)?, Operator::Greater, Value::Number(0))))
        }
        Expr::Binary { operator, left, right } => {
            let operator = if *operator == "==" { "=" } else { operator };
            let value = match right.as_ref() {
                Expr::Text(value) => text(value),
                other => Value::Number(number(other)?),
            };
            Some(compare(field(left)?, operator.parse().ok()?, value))
        }
        _ => None,
    }
}

/// `LOCATE(field, text)`.
fn located(expr: &Expr) -> Option<Predicate> {
    let Expr::Call { name, arguments } = expr else { return None };
    let [of, Expr::Text(value)] = arguments.as_slice() else { return None };
    let field = field(of).filter(|_| name == "LOCATE")?;
    let value = Value::Text(value.clone());
    Some(Predicate::Compare { field, operator: Operator::Contains, value })
}
