//! Making predicates and bringing them into one shape, so that equal questions are equal trees.

use time::{Duration, OffsetDateTime};
use vedette_event::query::{FieldName, Operator, Predicate, TimeRange, Value, Window};

/// Rows of a query that names no limit: what a person looks through in one sitting.
pub const DEFAULT_LIMIT: u32 = 1000;

/// The most rows a query may ask for: what the platforms' own result pages hold.
pub(crate) const MAX_LIMIT: u32 = 10_000;

/// The window of a question that names none.
pub(crate) const DEFAULT_WINDOW: Duration = Duration::hours(24);

/// The longest window: a year and a day; longer ones are cut to it.
pub(crate) const MAX_WINDOW: Duration = Duration::days(366);

/// How deep parentheses may nest in a text and a tree: far above what people write, far below what
/// would exhaust the stack.
pub(crate) const MAX_DEPTH: usize = 64;

/// A comparison.
pub(crate) fn compare(field: &str, operator: Operator, value: Value) -> Predicate {
    Predicate::Compare { field: FieldName(field.to_owned()), operator, value }
}

/// A comparison with text.
pub(crate) fn text(field: &str, operator: Operator, value: &str) -> Predicate {
    compare(field, operator, Value::Text(value.to_owned()))
}

/// All of these, in one shape.
pub(crate) fn all(parts: Vec<Predicate>) -> Predicate {
    simplify(Predicate::And(parts))
}

/// One of these, in one shape.
pub(crate) fn any(parts: Vec<Predicate>) -> Predicate {
    simplify(Predicate::Or(parts))
}

/// Whether every line satisfies it.
pub(crate) fn is_everything(predicate: &Predicate) -> bool {
    matches!(predicate, Predicate::And(parts) if parts.is_empty())
}

/// The same predicate with nested lists flattened, lists of one opened and repeated parts dropped.
/// An empty `Or` becomes the negation of an empty `And`.
pub(crate) fn simplify(predicate: Predicate) -> Predicate {
    match predicate {
        Predicate::And(parts) => {
            let parts = flatten(parts, |part| match part {
                Predicate::And(inner) => Ok(inner),
                other => Err(other),
            });
            open_single(parts, Predicate::And)
        }
        Predicate::Or(parts) if parts.is_empty() => nothing(),
        Predicate::Or(parts) => {
            let parts = flatten(parts, |part| match part {
                Predicate::Or(inner) => Ok(inner),
                other => Err(other),
            });
            if let Some(at) = parts.iter().position(is_everything) {
                return parts.into_iter().nth(at).unwrap_or_else(nothing);
            }
            open_single(parts, Predicate::Or)
        }
        Predicate::Not(inner) => match simplify(*inner) {
            Predicate::Not(twice) => *twice,
            other => Predicate::Not(Box::new(other)),
        },
        leaf => leaf,
    }
}

fn nothing() -> Predicate {
    Predicate::Not(Box::new(Predicate::And(Vec::new())))
}

fn flatten(
    parts: Vec<Predicate>,
    open: fn(Predicate) -> Result<Vec<Predicate>, Predicate>,
) -> Vec<Predicate> {
    let mut flat: Vec<Predicate> = Vec::with_capacity(parts.len());
    for part in parts {
        match open(simplify(part)) {
            Ok(inner) => inner.into_iter().for_each(|part| push_new(&mut flat, part)),
            Err(part) => push_new(&mut flat, part),
        }
    }
    flat
}

fn push_new(parts: &mut Vec<Predicate>, part: Predicate) {
    if !parts.contains(&part) {
        parts.push(part);
    }
}

fn open_single(mut parts: Vec<Predicate>, list: fn(Vec<Predicate>) -> Predicate) -> Predicate {
    match (parts.len(), parts.pop()) {
        (1, Some(only)) => only,
        (_, Some(last)) => {
            parts.push(last);
            list(parts)
        }
        (_, None) => list(parts),
    }
}

/// The absolute window of a time range.
pub(crate) fn window(time: TimeRange, now: OffsetDateTime) -> Window {
    match time {
        TimeRange::Absolute { from, to } => Window { from, to },
        TimeRange::Last(span) => Window { from: earlier(now, span), to: now },
    }
}

/// `span` before `now`, without overflow.
pub(crate) fn earlier(now: OffsetDateTime, span: Duration) -> OffsetDateTime {
    now.checked_sub(span.clamp(Duration::ZERO, MAX_WINDOW)).unwrap_or(now)
}

/// Visits every field a predicate compares or looks for.
pub(crate) fn each_field<'a>(predicate: &'a Predicate, visit: &mut impl FnMut(&'a FieldName)) {
    match predicate {
        Predicate::And(parts) | Predicate::Or(parts) => {
            parts.iter().for_each(|part| each_field(part, visit));
        }
        Predicate::Not(inner) => each_field(inner, visit),
        Predicate::Compare { field, .. } | Predicate::Exists(field) => visit(field),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_questions_become_equal_trees() {
        let a = || text("a", Operator::Equal, "1");
        let b = || text("b", Operator::Equal, "2");
        let not = |inner| Predicate::Not(Box::new(inner));
        for (given, expected) in [
            (Predicate::And(vec![a()]), a()),
            (Predicate::Or(vec![Predicate::And(vec![a()])]), a()),
            (
                Predicate::And(vec![Predicate::And(vec![a(), b()]), a()]),
                Predicate::And(vec![a(), b()]),
            ),
            (not(not(a())), a()),
            (Predicate::Or(vec![]), nothing()),
            (Predicate::And(vec![]), Predicate::And(vec![])),
        ] {
            assert_eq!(simplify(given), expected);
        }
    }
}
