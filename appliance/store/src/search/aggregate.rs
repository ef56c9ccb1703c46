//! Counting by group with a threshold in a sliding window.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::ops::ControlFlow;

use vedette_event::EventId;
use vedette_event::query::{Aggregation, Query};

use super::plan::{Matcher, Plan, unsupported};
use super::{Answer, Group, MAX_ROWS, Progress, SEARCH_TIME, SearchRow};
use crate::{Reader, StoreError};

/// Lines one aggregation counts at most: bounds its memory to some tens of megabytes.
const MAX_COUNTED: usize = 200_000;

struct Line {
    id: EventId,
    at: i64,
    distinct: Option<String>,
}

/// The matching lines by group.
type Groups = HashMap<Vec<String>, Vec<Line>>;

/// The lines in windows that reach the threshold, the newest of them up to the limit of the query,
/// oldest first. A line that lacks a field it would be grouped by belongs to no group.
pub(super) fn search(
    reader: &Reader,
    plan: &Plan,
    (aggregation, query): (&Aggregation, &Query),
    go_on: impl FnMut(&Progress) -> bool,
) -> Result<Answer, StoreError> {
    let mut found = Vec::new();
    for (by, lines) in groups(reader, plan, go_on)? {
        let (highest, members) = reaching(&lines, aggregation);
        let group = Group { by, count: highest };
        found.extend(members.map(|line| (line.at, line.id, group.clone())));
    }
    found.sort_unstable_by_key(|(at, id, _)| (*at, *id));
    let surplus = found.len().saturating_sub(query.limit.min(MAX_ROWS) as usize);
    let shown = found.drain(surplus..).map(|(at, id, group)| ((at, id), group)).collect();
    Ok(Answer { rows: rows(reader, plan, shown)?, searched_back_to: None })
}

fn groups(
    reader: &Reader,
    plan: &Plan,
    go_on: impl FnMut(&Progress) -> bool,
) -> Result<Groups, StoreError> {
    let mut groups = Groups::new();
    let mut counted = 0;
    let unsearched = reader.scan(plan, go_on, |matcher, _| {
        for row in matcher.rows() {
            counted += 1;
            if counted > MAX_COUNTED {
                return ControlFlow::Break(());
            }
            let block = matcher.block();
            if let Some((by, distinct)) = matcher.grouping(row) {
                let line = Line { id: block.id(row), at: block.received(row), distinct };
                groups.entry(by).or_default().push(line);
            }
        }
        ControlFlow::Continue(counted)
    })?;
    if counted > MAX_COUNTED {
        return Err(unsupported(format!(
            "counting more than {MAX_COUNTED} lines: narrow the filter or the time range"
        )));
    }
    if unsearched.is_some() {
        return Err(StoreError::TooSlow { seconds: SEARCH_TIME.as_secs() });
    }
    groups.values_mut().for_each(|lines| lines.sort_unstable_by_key(|line| (line.at, line.id)));
    Ok(groups)
}

/// The lines themselves, in the order of their keys.
fn rows(
    reader: &Reader,
    plan: &Plan,
    mut shown: BTreeMap<(i64, EventId), Group>,
) -> Result<Vec<SearchRow>, StoreError> {
    let mut rows: BTreeMap<(i64, EventId), SearchRow> = BTreeMap::new();
    let all = |_: &Progress| true;
    reader.scan(plan, all, |matcher: &Matcher<'_>, _| {
        let block = matcher.block();
        for row in matcher.rows() {
            let key = (block.received(row), block.id(row));
            if let Some(group) = shown.remove(&key) {
                rows.insert(key, matcher.search_row(row, Some(group)));
            }
        }
        if shown.is_empty() { ControlFlow::Break(()) } else { ControlFlow::Continue(rows.len()) }
    })?;
    Ok(rows.into_values().collect())
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
