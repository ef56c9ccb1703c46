//! The local query dialect: a [`Query`] compiled to SQL, every value bound as a parameter, run on a
//! read-only connection for a bounded time.

mod aggregate;
mod compile;
mod functions;
#[cfg(test)]
mod tests;

use std::time::{Duration, Instant};

use rusqlite::types::{Value, ValueRef};
use rusqlite::{Connection, ErrorCode, Row, params_from_iter};
use serde::Serialize;
use time::OffsetDateTime;
use vedette_event::query::{Query, TimeRange};
use vedette_event::{
    EventId, EvidenceError, EvidenceLine, EvidenceSource, Fields, Peer, SyslogSeverity,
};

pub(crate) use self::functions::register;

use self::compile::Compiler;
use crate::events::{RECORD_COLUMNS, read_record};
use crate::instant::to_micros;
use crate::{Reader, StoreError};

/// Longest run of one query: a person waits no longer, and the disk is wanted by the writer.
pub const SEARCH_TIME: Duration = Duration::from_secs(5);

/// Rows of one answer at most, whatever the query asks for.
pub const MAX_ROWS: u32 = 10_000;

/// Steps of SQLite's machine between two looks at the clock: some tens of microseconds.
const STEPS_PER_CHECK: i32 = 1000;

/// Number of columns in [`RECORD_COLUMNS`]; those of the projection follow.
const RECORD_WIDTH: usize = 17;

/// A line that matches a query.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct SearchRow {
    /// Its number.
    pub event_id: EventId,
    /// When the box received it.
    #[serde(with = "time::serde::rfc3339")]
    pub received_at: OffsetDateTime,
    /// The time it speaks of: its own, else when it was received.
    #[serde(with = "time::serde::rfc3339")]
    pub occurred_at: OffsetDateTime,
    /// Who sent it.
    pub peer: Peer,
    /// What its sender thought of it.
    pub severity: Option<SyslogSeverity>,
    /// Host name in the header.
    pub host: Option<String>,
    /// Application name in the header.
    pub app: Option<String>,
    /// The decoder that knew it.
    pub dataset: Option<String>,
    /// What the decoders read out of it.
    pub fields: Fields,
    /// The message part as text.
    pub message: String,
    /// The whole line as text, invalid UTF-8 replaced.
    pub raw: String,
    /// The values of the query's projection, in its order.
    pub columns: Vec<Option<String>>,
    /// The group it was counted in, where the query aggregates.
    pub group: Option<Group>,
}

/// A group that reached the threshold of an aggregation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Group {
    /// The values it is grouped by, in the order of the query.
    pub by: Vec<String>,
    /// The highest count within one window.
    pub count: u64,
}

impl Reader {
    /// Runs a query: the newest matching lines up to its limit, oldest of them first. An aggregation
    /// gives the lines of the windows that reach its threshold, each with its group.
    ///
    /// The time range bounds the time of receipt; `@timestamp` compares the line's own. A relative
    /// range has no upper end, so that a clock set back hides nothing.
    ///
    /// # Errors
    /// When the query asks for what the dialect cannot do, takes too long, or the store cannot be
    /// read.
    pub fn search(&self, query: &Query, now: OffsetDateTime) -> Result<Vec<SearchRow>, StoreError> {
        self.search_within(query, now, SEARCH_TIME)
    }

    fn search_within(
        &self,
        query: &Query,
        now: OffsetDateTime,
        limit: Duration,
    ) -> Result<Vec<SearchRow>, StoreError> {
        let mut filter = Compiler::default();
        filter.time(query.time, now);
        filter.predicate(&query.filter)?;
        let count = query.limit.min(MAX_ROWS) as usize;
        self.with(|connection| {
            within(connection, limit, |connection| match &query.aggregation {
                None => newest(connection, query, filter, count),
                Some(aggregation) => {
                    let found = aggregate::lines(connection, aggregation, &filter, count)?;
                    found.into_iter().map(|(id, group)| one(connection, query, id, group)).collect()
                }
            })
        })
    }
}

impl EvidenceSource for Reader {
    fn evidence(&self, query: &Query) -> Result<Vec<EvidenceLine>, EvidenceError> {
        let rows = self
            .search(query, OffsetDateTime::now_utc())
            .map_err(|error| EvidenceError(error.to_string()))?;
        let line = |row: SearchRow| EvidenceLine {
            event_id: Some(row.event_id),
            start: 0,
            end: row.raw.len(),
            raw: row.raw,
        };
        Ok(rows.into_iter().map(line).collect())
    }
}

/// Runs something on one state of the store, interrupted when its time is up.
fn within<T>(
    connection: &mut Connection,
    limit: Duration,
    work: impl FnOnce(&Connection) -> Result<T, StoreError>,
) -> Result<T, StoreError> {
    let deadline = Instant::now() + limit;
    connection.progress_handler(STEPS_PER_CHECK, Some(move || Instant::now() >= deadline))?;
    // One snapshot for all statements of the work: lines found by the first are there for the next.
    let answer = connection
        .unchecked_transaction()
        .map_err(StoreError::from)
        .and_then(|snapshot| work(&snapshot));
    connection.progress_handler(0, None::<fn() -> bool>)?;
    answer.map_err(|error| match error {
        StoreError::Database(source)
            if source.sqlite_error_code() == Some(ErrorCode::OperationInterrupted) =>
        {
            StoreError::TooSlow { seconds: limit.as_secs() }
        }
        other => other,
    })
}

fn newest(
    connection: &Connection,
    query: &Query,
    filter: Compiler,
    count: usize,
) -> Result<Vec<SearchRow>, StoreError> {
    let mut select = Compiler::default();
    select.projection(&query.projection);
    let sql = format!(
        "SELECT {RECORD_COLUMNS}{} FROM events e WHERE {} \
         ORDER BY e.received_at DESC, e.id DESC LIMIT ?",
        select.sql, filter.sql
    );
    let mut values = select.values;
    values.extend(filter.values);
    values.push(Value::Integer(count as i64));
    let mut statement = connection.prepare(&sql)?;
    let mut rows = statement.query(params_from_iter(values))?;
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        found.push(read_row(row, query.projection.len(), None)?);
    }
    found.reverse();
    Ok(found)
}

fn one(
    connection: &Connection,
    query: &Query,
    id: EventId,
    group: Group,
) -> Result<SearchRow, StoreError> {
    let mut select = Compiler::default();
    select.projection(&query.projection);
    let sql = format!("SELECT {RECORD_COLUMNS}{} FROM events e WHERE e.id = ?", select.sql);
    let mut values = select.values;
    values.push(Value::Integer(id.0.cast_signed()));
    let mut statement = connection.prepare_cached(&sql)?;
    let mut rows = statement.query(params_from_iter(values))?;
    match rows.next()? {
        Some(row) => read_row(row, query.projection.len(), Some(group)),
        None => Err(StoreError::Database(rusqlite::Error::QueryReturnedNoRows)),
    }
}

fn read_row(
    row: &Row<'_>,
    projected: usize,
    group: Option<Group>,
) -> Result<SearchRow, StoreError> {
    let (event_id, record) = read_record(row)?;
    let columns = (RECORD_WIDTH..RECORD_WIDTH + projected)
        .map(|column| Ok(text_of(row.get_ref(column)?)))
        .collect::<Result<_, StoreError>>()?;
    Ok(SearchRow {
        event_id,
        received_at: record.received_at,
        occurred_at: record.occurred_at(),
        peer: record.peer,
        severity: record.severity,
        raw: String::from_utf8_lossy(&record.raw).into_owned(),
        host: record.host,
        app: record.app,
        dataset: record.dataset.map(Into::into),
        fields: record.fields,
        message: record.message,
        columns,
        group,
    })
}

/// A value as text; `None` for NULL.
fn text_of(value: ValueRef<'_>) -> Option<String> {
    match value {
        ValueRef::Null => None,
        ValueRef::Integer(number) => Some(number.to_string()),
        ValueRef::Real(number) => Some(number.to_string()),
        ValueRef::Text(bytes) | ValueRef::Blob(bytes) => {
            Some(String::from_utf8_lossy(bytes).into_owned())
        }
    }
}

/// First and one past the last point in time, in microseconds.
fn bounds(range: TimeRange, now: OffsetDateTime) -> (i64, i64) {
    match range {
        TimeRange::Absolute { from, to } => (to_micros(from), to_micros(to)),
        TimeRange::Last(span) => (now.checked_sub(span).map_or(i64::MIN, to_micros), i64::MAX),
    }
}
