//! From the lowered query to the statement.

use std::fmt::Write as _;
use std::net::IpAddr;

use time::{Duration, OffsetDateTime, UtcOffset};
use vedette_event::query::{Aggregation, FieldName, Operator, Predicate, Query, TimeRange, Value};

use crate::shape::is_everything;

/// What a person sees first of an event.
pub(super) const USUAL_COLUMNS: [&str; 8] = [
    "startTime",
    "LOGSOURCENAME(logsourceid)",
    "QIDNAME(qid)",
    "CATEGORYNAME(category)",
    "sourceip",
    "destinationip",
    "userName",
    "UTF8(payload)",
];

/// The aliases of what is counted, and of the slice of time it is counted in.
pub(super) const COUNTED: &str = "Counted";
pub(super) const SLICE: &str = "Slice";

/// The statement of a lowered query.
pub(super) fn write(query: &Query, from: &str) -> String {
    let mut statement = String::from("SELECT ");
    columns(&mut statement, query);
    let _ = write!(statement, " FROM {}", property(&FieldName(from.to_owned())));
    if !is_everything(&query.filter) {
        statement.push_str(" WHERE ");
        filter(&mut statement, &query.filter, false);
    }
    if let Some(counting) = &query.aggregation {
        let groups: Vec<String> = counting.by.iter().map(property).collect();
        let _ = write!(statement, " GROUP BY {}, \"{SLICE}\"", groups.join(", "));
        let _ = write!(statement, " HAVING \"{COUNTED}\" >= {}", counting.at_least);
    }
    let _ = write!(statement, " LIMIT {} ", query.limit);
    time(&mut statement, query.time);
    statement
}

fn columns(statement: &mut String, query: &Query) {
    let mut columns: Vec<String> = match (&query.aggregation, query.projection.is_empty()) {
        (Some(counting), _) => counting.by.iter().map(property).collect(),
        (None, false) => query.projection.iter().map(property).collect(),
        (None, true) => USUAL_COLUMNS.map(str::to_owned).to_vec(),
    };
    if let Some(counting) = &query.aggregation {
        columns.push(counted(counting));
        // Events carry milliseconds; a slice is the number of windows since 1970.
        let milliseconds = counting.window.whole_milliseconds();
        columns.push(format!("LONG(startTime / {milliseconds}) AS \"{SLICE}\""));
        columns.extend(query.projection.iter().map(|field| format!("FIRST({})", property(field))));
    }
    statement.push_str(&columns.join(", "));
}

/// An event record may stand for several received events: their number is in `eventCount`.
fn counted(counting: &Aggregation) -> String {
    match &counting.distinct {
        Some(field) => format!("UNIQUECOUNT({}) AS \"{COUNTED}\"", property(field)),
        None => format!("SUM(eventCount) AS \"{COUNTED}\""),
    }
}

/// A property as it stands in a statement: expressions and normalised ones as they are, custom ones
/// and whatever is no plain word in double quotes.
fn property(field: &FieldName) -> String {
    let name = field.0.as_str();
    let plain = !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
    let call = name.split_once('(').is_some_and(|(function, rest)| {
        function.chars().all(|c| c.is_ascii_alphanumeric()) && rest.ends_with(')')
    });
    let custom = matches!(name, "Application" | "Command" | "Filename" | "Hostname" | "Method");
    if call || (plain && !custom && !name.starts_with(|c: char| c.is_ascii_digit())) {
        name.to_owned()
    } else {
        format!("\"{}\"", name.replace('"', "\"\""))
    }
}

fn filter(statement: &mut String, predicate: &Predicate, grouped: bool) {
    match predicate {
        Predicate::And(parts) => joined(statement, parts, " AND ", grouped),
        Predicate::Or(parts) => joined(statement, parts, " OR ", grouped),
        Predicate::Not(inner) if is_everything(inner) => {
            statement.push_str("NOT (qid IS NULL OR NOT (qid IS NULL))");
        }
        Predicate::Not(inner) => {
            statement.push_str("NOT (");
            filter(statement, inner, false);
            statement.push(')');
        }
        Predicate::Exists(field) => {
            let _ = write!(statement, "{} IS NOT NULL", property(field));
        }
        Predicate::Compare { field, operator, value } => {
            comparison(statement, field, *operator, value);
        }
    }
}

fn joined(statement: &mut String, parts: &[Predicate], joint: &str, grouped: bool) {
    if grouped {
        statement.push('(');
    }
    for (index, part) in parts.iter().enumerate() {
        if index > 0 {
            statement.push_str(joint);
        }
        filter(statement, part, true);
    }
    if grouped {
        statement.push(')');
    }
}

fn comparison(statement: &mut String, field: &FieldName, operator: Operator, value: &Value) {
    let name = property(field);
    let text = match value {
        Value::Number(number) => {
            let _ = write!(statement, "{name} {operator} {number}");
            return;
        }
        Value::Text(text) => text.replace('\'', "''"),
    };
    let plain = super::is_plain(&text, operator);
    let _ = match operator {
        Operator::InNetwork => write!(statement, "INCIDR('{text}', {name})"),
        Operator::Equal | Operator::NotEqual if is_address(field, &text) => {
            write!(statement, "{name} {operator} '{text}'")
        }
        Operator::Equal if plain => write!(statement, "{name} ILIKE '{text}'"),
        Operator::Contains if plain => write!(statement, "{name} ILIKE '%{text}%'"),
        Operator::StartsWith if plain => write!(statement, "{name} ILIKE '{text}%'"),
        Operator::EndsWith => write!(statement, "{name} ILIKE '%{text}'"),
        Operator::Contains => write!(statement, "STRPOS(LOWER({name}), '{text}') >= 0"),
        Operator::StartsWith => write!(statement, "STRPOS(LOWER({name}), '{text}') = 0"),
        Operator::Equal => write!(statement, "LOWER({name}) = '{text}'"),
        _ => write!(statement, "{name} {operator} '{text}'"),
    };
}

/// Addresses compare by `=`, whatever property holds them.
fn is_address(field: &FieldName, value: &str) -> bool {
    super::is_address(&field.0) || value.parse::<IpAddr>().is_ok()
}

fn time(statement: &mut String, time: TimeRange) {
    let _ = match time {
        TimeRange::Last(span) => {
            let minutes = whole_minutes(span);
            if minutes % 1_440 == 0 {
                write!(statement, "LAST {} DAYS", minutes / 1_440)
            } else if minutes % 60 == 0 {
                write!(statement, "LAST {} HOURS", minutes / 60)
            } else {
                write!(statement, "LAST {minutes} MINUTES")
            }
        }
        TimeRange::Absolute { from, to } => {
            write!(statement, "START '{}' STOP '{}'", minute(from), minute(to))
        }
    };
}

fn whole_minutes(span: Duration) -> i64 {
    let seconds = span.whole_seconds().max(1);
    (seconds + 59) / 60
}

/// The window as AQL can say it: whole minutes, rounded outwards.
pub(super) fn rounded(time: TimeRange) -> TimeRange {
    match time {
        TimeRange::Last(span) => TimeRange::Last(Duration::minutes(whole_minutes(span))),
        TimeRange::Absolute { from, to } => {
            let floor = |at: OffsetDateTime| {
                let into = at.unix_timestamp().rem_euclid(60);
                at - Duration::seconds(into) - Duration::nanoseconds(i64::from(at.nanosecond()))
            };
            let end = floor(to);
            let to = if end == to { to } else { end.saturating_add(Duration::minutes(1)) };
            TimeRange::Absolute {
                from: floor(from).to_offset(UtcOffset::UTC),
                to: to.to_offset(UtcOffset::UTC),
            }
        }
    }
}

/// A time in UTC to the minute, the only form with a time zone that the guide defines.
fn minute(at: OffsetDateTime) -> String {
    let at = at.to_offset(UtcOffset::UTC);
    let date = at.date();
    let (year, month, day) = (date.year(), u8::from(date.month()), date.day());
    format!("{year:04}-{month:02}-{day:02} {:02}:{:02}Z", at.hour(), at.minute())
}
