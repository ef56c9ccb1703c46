//! From the statement back to the lowered query: the proof that nothing changed on the way.

use time::format_description::well_known::Rfc3339;
use time::{Duration, OffsetDateTime};
use vedette_event::query::{Aggregation, FieldName, Operator, Predicate, Query, TimeRange, Value};

use super::grammar::{Expr, Select, Time};
use super::write::{COUNTED, SLICE, USUAL_COLUMNS};
use crate::shape::simplify;

/// The query of a statement, or `None` where it says more than our queries can.
pub(super) fn read(select: &Select) -> Option<Query> {
    let filter = match &select.filter {
        None => Predicate::And(Vec::new()),
        Some(filter) => simplify(predicate(filter)?),
    };
    let aggregation = if select.group_by.is_empty() { None } else { Some(aggregation(select)?) };
    let projection = projection(select, aggregation.is_some())?;
    let time = time(select.time.as_ref()?)?;
    let limit = u32::try_from(select.limit?).ok()?;
    Some(Query { filter, aggregation, projection, time, limit })
}

/// A property, or a function of one as the field tables write it.
fn field(expr: &Expr) -> Option<FieldName> {
    match expr {
        Expr::Name(name) => Some(FieldName(name.clone())),
        Expr::Call { name, arguments } => match arguments.as_slice() {
            [Expr::Name(argument)] => Some(FieldName(format!("{name}({argument})"))),
            _ => None,
        },
        _ => None,
    }
}

fn projection(select: &Select, counts: bool) -> Option<Vec<FieldName>> {
    if counts {
        let firsts = select.columns.iter().filter_map(|column| match &column.value {
            Expr::Call { name, arguments } if name == "FIRST" => arguments.first(),
            _ => None,
        });
        return firsts.map(field).collect();
    }
    let columns: Vec<FieldName> =
        select.columns.iter().map(|column| field(&column.value)).collect::<Option<_>>()?;
    let usual = columns.iter().map(|column| column.0.as_str()).eq(USUAL_COLUMNS);
    Some(if usual { Vec::new() } else { columns })
}

fn aggregation(select: &Select) -> Option<Aggregation> {
    let alias =
        |wanted: &str| select.columns.iter().find(|column| column.alias.as_deref() == Some(wanted));
    let distinct = match &alias(COUNTED)?.value {
        Expr::Call { name, arguments } if name == "UNIQUECOUNT" => Some(field(arguments.first()?)?),
        _ => None,
    };
    let window = match &alias(SLICE)?.value {
        Expr::Call { arguments, .. } => match arguments.first()? {
            Expr::Binary { right, .. } => number(right)?,
            _ => return None,
        },
        _ => return None,
    };
    let at_least = match select.having.as_ref()? {
        Expr::Binary { operator, right, .. } if operator == ">=" => number(right)?,
        _ => return None,
    };
    let by = select.group_by.iter().map(field).collect::<Option<Vec<_>>>()?;
    Some(Aggregation {
        by: by.into_iter().filter(|field| field.0 != SLICE).collect(),
        distinct,
        at_least: u64::try_from(at_least).ok()?,
        window: Duration::milliseconds(window),
    })
}

fn number(expr: &Expr) -> Option<i64> {
    match expr {
        Expr::Number(digits) => digits.parse().ok(),
        _ => None,
    }
}

fn time(time: &Time) -> Option<TimeRange> {
    match time {
        Time::Last(seconds) => {
            i64::try_from(*seconds).ok().map(|seconds| TimeRange::Last(Duration::seconds(seconds)))
        }
        Time::Between(Expr::Text(from), Some(Expr::Text(to))) => {
            Some(TimeRange::Absolute { from: minute(from)?, to: minute(to)? })
        }
        Time::Between(..) => None,
    }
}

/// Reads `2026-11-20 10:00Z`.
fn minute(text: &str) -> Option<OffsetDateTime> {
    let (date, time) = text.strip_suffix('Z')?.split_once(' ')?;
    OffsetDateTime::parse(&format!("{date}T{time}:00Z"), &Rfc3339).ok()
}

fn predicate(expr: &Expr) -> Option<Predicate> {
    let all = |parts: &[Expr]| parts.iter().map(predicate).collect::<Option<Vec<_>>>();
    match expr {
        Expr::And(parts) => all(parts).map(Predicate::And),
        Expr::Or(parts) => all(parts).map(Predicate::Or),
        Expr::Not(inner) => match inner.as_ref() {
            Expr::IsNull(of) => field(of).map(Predicate::Exists),
            inner if is_always(inner) => Some(Predicate::Not(Box::new(Predicate::And(Vec::new())))),
            inner => predicate(inner).map(|inner| Predicate::Not(Box::new(inner))),
        },
        Expr::Call { name, arguments } if name == "INCIDR" => match arguments.as_slice() {
            [Expr::Text(network), of] => {
                Some(compare(field(of)?, Operator::InNetwork, Value::Text(network.clone())))
            }
            _ => None,
        },
        Expr::Binary { left, operator, right } => comparison(left, operator, right),
        _ => None,
    }
}

/// `x IS NULL OR NOT (x IS NULL)`, how the writer says "every event" inside a negation.
fn is_always(expr: &Expr) -> bool {
    matches!(expr, Expr::Or(parts) if matches!(parts.as_slice(),
        [Expr::IsNull(one), Expr::Not(other)] if **other == Expr::IsNull(Box::new(Expr::Name("qid".to_owned())))
            && **one == Expr::Name("qid".to_owned())))
}

fn compare(field: FieldName, operator: Operator, value: Value) -> Predicate {
    Predicate::Compare { field, operator, value }
}

fn comparison(left: &Expr, operator: &str, right: &Expr) -> Option<Predicate> {
    match (left, operator, right) {
        (Expr::Call { name, arguments }, _, Expr::Number(_)) if name == "STRPOS" => {
            position(arguments, operator)
        }
        (Expr::Call { name, arguments }, "=", Expr::Text(text)) if name == "LOWER" => {
            let field = field(arguments.first()?)?;
            Some(compare(field, Operator::Equal, Value::Text(text.clone())))
        }
        (of, "ILIKE", Expr::Text(pattern)) => {
            let (operator, text) = like(pattern);
            Some(compare(field(of)?, operator, Value::Text(text.to_owned())))
        }
        (of, _, Expr::Text(text)) => {
            Some(compare(field(of)?, operator.parse().ok()?, Value::Text(text.clone())))
        }
        (of, _, Expr::Number(digits)) => {
            Some(compare(field(of)?, operator.parse().ok()?, Value::Number(digits.parse().ok()?)))
        }
        _ => None,
    }
}

fn position(arguments: &[Expr], operator: &str) -> Option<Predicate> {
    let [Expr::Call { name, arguments: of }, Expr::Text(text)] = arguments else { return None };
    let operator = match operator {
        ">=" => Operator::Contains,
        "=" => Operator::StartsWith,
        _ => return None,
    };
    let field = field(of.first()?).filter(|_| name == "LOWER")?;
    Some(compare(field, operator, Value::Text(text.clone())))
}

fn like(pattern: &str) -> (Operator, &str) {
    let behind = pattern.strip_prefix('%');
    match (behind, pattern.strip_suffix('%')) {
        (Some(behind), Some(_)) => {
            (Operator::Contains, behind.strip_suffix('%').unwrap_or_default())
        }
        (Some(behind), None) => (Operator::EndsWith, behind),
        (None, Some(front)) => (Operator::StartsWith, front),
        (None, None) => (Operator::Equal, pattern),
    }
}
