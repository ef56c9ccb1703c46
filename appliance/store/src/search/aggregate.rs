//! Counting by group with a threshold in a sliding window.

use std::collections::{HashMap, HashSet};

use rusqlite::types::Value;
use rusqlite::{Connection, params_from_iter};
use vedette_event::EventId;
use vedette_event::query::Aggregation;

use super::compile::{Compiler, unsupported};
use super::{Group, text_of};
use crate::StoreError;

/// Lines one aggregation counts at most: bounds its memory to some tens of megabytes.
const MAX_COUNTED: usize = 200_000;

struct Line {
    id: i64,
    at: i64,
    distinct: Option<String>,
}

/// The lines in windows that reach the threshold, the newest `count` of them, oldest first. A line
/// that lacks a field it would be grouped by belongs to no group.
pub(super) fn lines(
    connection: &Connection,
    aggregation: &Aggregation,
    filter: &Compiler,
    count: usize,
) -> Result<Vec<(EventId, Group)>, StoreError> {
    let mut found = Vec::new();
    for (by, lines) in groups(connection, aggregation, filter)? {
        let (highest, members) = reaching(&lines, aggregation);
        let group = Group { by, count: highest };
        found.extend(members.map(|line| (line.at, line.id, group.clone())));
    }
    found.sort_unstable_by_key(|(at, id, _)| (*at, *id));
    let surplus = found.len().saturating_sub(count);
    Ok(found.drain(surplus..).map(|(_, id, group)| (EventId(id.cast_unsigned()), group)).collect())
}

/// The matching lines by group, each group in order of time.
fn groups(
    connection: &Connection,
    aggregation: &Aggregation,
    filter: &Compiler,
) -> Result<HashMap<Vec<String>, Vec<Line>>, StoreError> {
    let mut select = Compiler::default();
    select.projection(&aggregation.by);
    select.projection(aggregation.distinct.as_slice());
    let sql = format!(
        "SELECT e.id, e.received_at{} FROM events e WHERE {} ORDER BY e.received_at, e.id LIMIT ?",
        select.sql, filter.sql
    );
    let mut values = select.values;
    values.extend(filter.values.iter().cloned());
    values.push(Value::Integer(MAX_COUNTED as i64 + 1));
    let mut statement = connection.prepare(&sql)?;
    let mut rows = statement.query(params_from_iter(values))?;
    let mut groups: HashMap<Vec<String>, Vec<Line>> = HashMap::new();
    let mut counted = 0;
    while let Some(row) = rows.next()? {
        counted += 1;
        if counted > MAX_COUNTED {
            return Err(unsupported(format!(
                "counting more than {MAX_COUNTED} lines: narrow the filter or the time range"
            )));
        }
        let last = 2 + aggregation.by.len();
        let by: Option<Vec<String>> = (2..last)
            .map(|column| Ok(text_of(row.get_ref(column)?)))
            .collect::<Result<_, StoreError>>()?;
        let distinct = match aggregation.distinct {
            Some(_) => text_of(row.get_ref(last)?),
            None => None,
        };
        if let Some(by) = by {
            let line = Line { id: row.get(0)?, at: row.get(1)?, distinct };
            groups.entry(by).or_default().push(line);
        }
    }
    Ok(groups)
}

/// The highest count in any window, and the lines of the windows that reach the threshold.
fn reaching<'a>(
    lines: &'a [Line],
    aggregation: &Aggregation,
) -> (u64, impl Iterator<Item = &'a Line>) {
    let window = i64::try_from(aggregation.window.whole_microseconds()).unwrap_or(i64::MAX);
    let mut values: HashMap<&str, u64> = HashMap::new();
    let (mut first, mut highest) = (0, 0);
    let mut members = HashSet::new();
    let mut marked = 0;
    for (last, line) in lines.iter().enumerate() {
        if let Some(value) = line.distinct.as_deref() {
            *values.entry(value).or_default() += 1;
        }
        while line.at - lines[first].at > window {
            forget(&mut values, lines[first].distinct.as_deref());
            first += 1;
        }
        let count = match aggregation.distinct {
            Some(_) => values.len(),
            None => last + 1 - first,
        } as u64;
        highest = highest.max(count);
        if count >= aggregation.at_least {
            members.extend(first.max(marked)..=last);
            marked = last + 1;
        }
    }
    let inside = move |(index, line)| members.contains(&index).then_some(line);
    (highest, lines.iter().enumerate().filter_map(inside))
}

fn forget<'a>(values: &mut HashMap<&'a str, u64>, value: Option<&'a str>) {
    let Some(value) = value else { return };
    if let Some(count) = values.get_mut(value) {
        *count -= 1;
        if *count == 0 {
            values.remove(value);
        }
    }
}
