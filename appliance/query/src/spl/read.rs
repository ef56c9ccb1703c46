//! From the text back to the lowered query.

use time::{Duration, OffsetDateTime};
use vedette_event::query::{Aggregation, FieldName, Operator, Predicate, Query, TimeRange, Value};

use super::grammar::Command;
use super::search::{Literal, Search};
use super::write::COUNTED;
use crate::lower::is_network;
use crate::shape::all;
use crate::syntax::{Expr, Item};

/// The query of a text of ours, or `None` where it says more than our queries can.
pub(super) fn read(commands: &[Command]) -> Option<Query> {
    let (Command::Search(search), rest) = commands.split_first()? else { return None };
    let (time, filter) = frame(search)?;
    let (mut aggregation, mut projection, mut limit) = (None, Vec::new(), None);
    let mut window = None;
    for command in rest {
        match command {
            Command::Plain { name, rest } if name == "bin" => {
                window = span(rest.strip_prefix("_time span=")?);
            }
            Command::Stats { items, by } => {
                aggregation = Some(counting(items, by, window?)?);
                projection = items.iter().skip(1).map(shown).collect::<Option<_>>()?;
            }
            Command::Where(condition) => at_least(condition, aggregation.as_mut()?)?,
            Command::Plain { name, rest } if name == "head" => limit = rest.parse().ok(),
            Command::Plain { name, rest } if name == "table" => {
                projection = rest.split(", ").map(bare).collect::<Option<_>>()?;
            }
            _ => return None,
        }
    }
    Some(Query { filter, aggregation, projection, time, limit: limit? })
}

/// The time of a search and what else it asks.
fn frame(search: &Search) -> Option<(TimeRange, Predicate)> {
    let Search::And(parts) = search else { return None };
    let [
        Search::Compare { field: index, .. },
        Search::Compare { field: from, value: earliest, .. },
        Search::Compare { field: to, value: latest, .. },
        rest @ ..,
    ] = parts.as_slice()
    else {
        return None;
    };
    if (index.as_str(), from.as_str(), to.as_str()) != ("index", "earliest", "latest") {
        return None;
    }
    let time = match (earliest.text.strip_prefix('-'), latest.text.as_str()) {
        (Some(past), "now") => TimeRange::Last(span(past)?),
        _ => TimeRange::Absolute { from: epoch(&earliest.text)?, to: epoch(&latest.text)? },
    };
    let filter = rest.iter().map(predicate).collect::<Option<_>>()?;
    Some((time, all(filter)))
}

fn epoch(text: &str) -> Option<OffsetDateTime> {
    OffsetDateTime::from_unix_timestamp(text.parse().ok()?).ok()
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

fn predicate(search: &Search) -> Option<Predicate> {
    let each = |parts: &[Search]| parts.iter().map(predicate).collect::<Option<Vec<_>>>();
    match search {
        Search::And(parts) => Some(Predicate::And(each(parts)?)),
        Search::Or(parts) => Some(Predicate::Or(each(parts)?)),
        Search::Not(inner) => predicate(inner).map(|inner| Predicate::Not(Box::new(inner))),
        Search::Compare { field, sign, value } => comparison(field, sign, value),
        Search::In { field, values } => {
            let one = |value| comparison(field, "=", value);
            values.iter().map(one).collect::<Option<_>>().map(Predicate::Or)
        }
        Search::Phrase(_) | Search::Elsewhere => None,
    }
}

fn comparison(field: &str, sign: &str, Literal { text, quoted }: &Literal) -> Option<Predicate> {
    let name = FieldName(field.to_owned());
    let operator: Operator = sign.parse().ok()?;
    if !quoted {
        return match (field, text.as_str()) {
            ("index", "*") => Some(Predicate::And(Vec::new())),
            (_, "*") => Some(Predicate::Exists(name)),
            (_, network) if is_network(network) => {
                let value = Value::Text(text.clone());
                Some(Predicate::Compare { field: name, operator: Operator::InNetwork, value })
            }
            (_, number) => {
                let value = Value::Number(number.parse().ok()?);
                Some(Predicate::Compare { field: name, operator, value })
            }
        };
    }
    let behind = text.strip_prefix('*');
    let (operator, value) = match (behind, text.strip_suffix('*')) {
        (Some(behind), Some(_)) => (Operator::Contains, behind.strip_suffix('*').unwrap_or("")),
        (Some(behind), None) => (Operator::EndsWith, behind),
        (None, Some(front)) => (Operator::StartsWith, front),
        (None, None) => (operator, text.as_str()),
    };
    Some(Predicate::Compare { field: name, operator, value: Value::Text(value.to_owned()) })
}

fn counting(items: &[Item], by: &[String], window: Duration) -> Option<Aggregation> {
    let Expr::Call { name, arguments } = &items.first()?.value else { return None };
    let distinct = match (name.as_str(), arguments.as_slice()) {
        ("dc", [of]) => Some(field(of)?),
        ("count", []) => None,
        _ => return None,
    };
    let (_, by) = by.split_last()?;
    let by = by.iter().map(|name| FieldName(name.clone())).collect();
    Some(Aggregation { by, distinct, at_least: 0, window })
}

fn shown(item: &Item) -> Option<FieldName> {
    match &item.value {
        Expr::Call { name, arguments } if name == "values" => field(arguments.first()?),
        _ => None,
    }
}

fn field(expr: &Expr) -> Option<FieldName> {
    match expr {
        Expr::Name(name) | Expr::Text(name) => Some(FieldName(name.clone())),
        _ => None,
    }
}

/// A field as it stands in a list by commas.
fn bare(written: &str) -> Option<FieldName> {
    let inside = written.strip_prefix('"').and_then(|rest| rest.strip_suffix('"'));
    let name = inside.map_or_else(
        || written.to_owned(),
        |inside| inside.replace("\\\"", "\"").replace("\\\\", "\\"),
    );
    (!name.is_empty()).then_some(FieldName(name))
}

fn at_least(condition: &Expr, counting: &mut Aggregation) -> Option<()> {
    match condition {
        Expr::Binary { operator: ">=", left, right }
            if **left == Expr::Name(COUNTED.to_owned()) =>
        {
            let Expr::Number(number) = right.as_ref() else { return None };
            counting.at_least = number.parse().ok()?;
            Some(())
        }
        _ => None,
    }
}
