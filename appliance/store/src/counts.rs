//! Figures for the status page.

use serde::Serialize;
use time::OffsetDateTime;

use crate::instant::from_micros;
use crate::retention::Size;
use crate::schema::version;
use crate::{Reader, Retention, StoreError};

/// What the store holds.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Counts {
    /// Log lines kept.
    pub events: u64,
    /// Log lines ever committed.
    pub events_ever: u64,
    /// Incidents, open ones.
    pub open_incidents: u64,
    /// Incidents, all.
    pub incidents: u64,
    /// Bytes of database and segments that hold something.
    pub used_bytes: u64,
    /// Bytes of database and segments, without the write-ahead log.
    pub file_bytes: u64,
    /// When the oldest line was received.
    #[serde(with = "time::serde::rfc3339::option")]
    pub oldest: Option<OffsetDateTime>,
    /// When the newest line was received.
    #[serde(with = "time::serde::rfc3339::option")]
    pub newest: Option<OffsetDateTime>,
    /// Lines in blocks that are damaged and cannot be read.
    pub damaged: u64,
    /// The schema of the database.
    pub schema: u32,
    /// Who sends, the busiest first.
    pub sources: Vec<SourceCount>,
}

/// What one sender has sent since the store was made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct SourceCount {
    /// Its address; `local` for the box itself, `other` for those beyond the bound.
    pub source: String,
    /// Lines that reached the store: `stored` and `dropped`.
    pub received: u64,
    /// Lines committed.
    pub stored: u64,
    /// Lines the store had to drop.
    pub dropped: u64,
    /// Of those committed, lines whose device is known.
    pub parsed: u64,
    /// When its last line was received.
    #[serde(with = "time::serde::rfc3339")]
    pub last_seen: OffsetDateTime,
    /// The beginning of the last line whose device was not known.
    pub unparsed: Option<String>,
}

impl Counts {
    /// How far back the store will reach under this retention if lines keep coming as they have;
    /// `None` while there is too little to tell.
    pub fn reach(&self, retention: &Retention) -> Option<time::Duration> {
        let span = (self.newest? - self.oldest?).as_seconds_f64();
        let days = time::Duration::days(i64::from(retention.days));
        if span <= 0.0 || self.used_bytes == 0 {
            return None;
        }
        let until_full = span * (retention.max_bytes as f64 / self.used_bytes as f64);
        Some(time::Duration::saturating_seconds_f64(until_full).min(days))
    }
}

impl Reader {
    /// What the store holds.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn counts(&self) -> Result<Counts, StoreError> {
        let events_ever = self.last_event_id()?.0;
        self.with(|connection| {
            let size = Size::of(connection)?;
            let (mut events, damaged, mut oldest, mut newest): (
                i64,
                i64,
                Option<i64>,
                Option<i64>,
            ) = connection.query_row(
                "SELECT coalesce(sum(count) FILTER (WHERE damaged = 0), 0), \
                     coalesce(sum(count) FILTER (WHERE damaged = 1), 0), \
                     min(received_min), max(received_max) FROM blocks",
                [],
                |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?)),
            )?;
            if let Some(open) = self.open_block(connection)?.filter(|block| block.len() > 0) {
                let (first, last) = open.span();
                events += open.len() as i64;
                oldest = Some(oldest.map_or(first, |oldest| oldest.min(first)));
                newest = Some(newest.map_or(last, |newest| newest.max(last)));
            }
            let incidents = |condition: &str| -> Result<u64, StoreError> {
                let sql = format!("SELECT count(*) FROM incidents WHERE {condition}");
                let count: i64 = connection.query_row(&sql, [], |row| row.get(0))?;
                Ok(count.cast_unsigned())
            };
            Ok(Counts {
                events: events.cast_unsigned(),
                events_ever,
                open_incidents: incidents("status = 'open'")?,
                incidents: incidents("true")?,
                used_bytes: size.used(),
                file_bytes: size.file(),
                damaged: damaged.cast_unsigned(),
                oldest: oldest.map(from_micros),
                newest: newest.map(from_micros),
                schema: version(connection)?,
                sources: sources(connection)?,
            })
        })
    }
}

fn sources(connection: &rusqlite::Connection) -> Result<Vec<SourceCount>, StoreError> {
    let sql = "SELECT source, stored, dropped, parsed, last_seen, unparsed FROM sources \
         ORDER BY stored + dropped DESC, source";
    let mut statement = connection.prepare_cached(sql)?;
    let rows = statement.query_map([], |row| {
        let number = |column| Ok::<_, rusqlite::Error>(row.get::<_, i64>(column)?.cast_unsigned());
        let (stored, dropped) = (number(1)?, number(2)?);
        Ok(SourceCount {
            source: row.get(0)?,
            received: stored + dropped,
            stored,
            dropped,
            parsed: number(3)?,
            last_seen: from_micros(row.get(4)?),
            unparsed: row.get(5)?,
        })
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}
