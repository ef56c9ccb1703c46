//! From the text back to the lowered query.

use time::Duration;
use vedette_event::query::{Aggregation, FieldName, Operator, Predicate, Query, TimeRange, Value};

use super::grammar::Tabular;
use super::write::COUNTED;
use crate::dialect::read_stamp;
use crate::shape::all;
use crate::syntax::{Expr, Item, Stage, each_of, predicate};

/// The query of a text of ours, or `None` where it says more than our queries can.
pub(super) fn read(tabular: &Tabular) -> Option<Query> {
    let mut stages = tabular.stages.iter();
    let time = time(only(stages.next().filter(|stage| stage.command == "where")?)?)?;
    let mut conditions = Vec::new();
    let (mut aggregation, mut projection, mut limit) = (None, Vec::new(), None);
    for stage in stages {
        match stage.command.as_str() {
            "where" if aggregation.is_none() => {
                conditions.push(predicate(only(stage)?, &comparison)?);
            }
            "where" => at_least(only(stage)?, aggregation.as_mut()?)?,
            "summarize" => {
                aggregation = Some(counting(stage)?);
                projection = stage.items.iter().skip(1).map(shown).collect::<Option<_>>()?;
            }
            "project" => {
                projection =
                    stage.items.iter().map(|item| field(&item.value)).collect::<Option<_>>()?;
            }
            "take" => limit = u32::try_from(number(only(stage)?)?).ok(),
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
        Expr::Binary { operator: ">", right, .. } => match right.as_ref() {
            Expr::Call { name, arguments } if name == "ago" => {
                span(arguments.first()?).map(TimeRange::Last)
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

fn moment(expr: &Expr) -> Option<time::OffsetDateTime> {
    match expr {
        Expr::Call { name, arguments } if name == "datetime" => match arguments.as_slice() {
            [Expr::Text(text)] => read_stamp(text),
            _ => None,
        },
        _ => None,
    }
}

/// `90s`, `5m`, `24h`, `7d`.
fn span(expr: &Expr) -> Option<Duration> {
    let Expr::Number(text) = expr else { return None };
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

fn counting(stage: &Stage) -> Option<Aggregation> {
    let Expr::Call { name, arguments } = &stage.items.first()?.value else { return None };
    let distinct = match name.as_str() {
        "dcount" => Some(field(arguments.first()?)?),
        "count" => None,
        _ => return None,
    };
    let (slice, by) = stage.by.split_last()?;
    let window = match &slice.value {
        Expr::Call { name, arguments } if name == "bin" => span(arguments.get(1)?)?,
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
        Expr::Call { name, arguments } if name == "take_any" => field(arguments.first()?),
        _ => None,
    }
}

fn field(expr: &Expr) -> Option<FieldName> {
    match expr {
        Expr::Name(name) => Some(FieldName(name.clone())),
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
    match expr {
        Expr::Name(name) if name == "true" => Some(Predicate::And(Vec::new())),
        Expr::Call { name, arguments } => match (name.as_str(), arguments.as_slice()) {
            ("isnotempty" | "isnotnull", [of]) => Some(Predicate::Exists(field(of)?)),
            ("ipv4_is_in_range" | "ipv6_is_in_range", [of, Expr::Text(network)]) => {
                Some(compare(field(of)?, Operator::InNetwork, Value::Text(network.clone())))
            }
            _ => None,
        },
        Expr::Binary { operator: "in" | "in~", left, right } => match right.as_ref() {
            Expr::List(values) => each_of("==", (left, values), &comparison),
            _ => None,
        },
        Expr::Binary { operator, left, right } => {
            let operator = match *operator {
                "==" | "=~" => Operator::Equal,
                "!~" => Operator::NotEqual,
                other => other.parse().ok()?,
            };
            let value = match right.as_ref() {
                Expr::Text(text) => Value::Text(text.clone()),
                other => Value::Number(number(other)?),
            };
            Some(compare(field(left)?, operator, value))
        }
        _ => None,
    }
}
