//! Deleting what is too old or too much, one segment at a time between commits, and looking for
//! damage while there is nothing else to do.

use std::time::{Duration, Instant};

use rusqlite::{Connection, OptionalExtension, params};
use time::OffsetDateTime;
use vedette_event::EventId;

use crate::catalog::{Entry, blocks_within};
use crate::events::mark;
use crate::instant::to_micros;
use crate::lines::LineWriter;
use crate::segment::{Segments, is_readable};
use crate::{Retention, StoreError};

/// Rest between two sweeps that found nothing to do.
pub(crate) const SWEEP_INTERVAL: Duration = Duration::from_secs(60);

/// Rest between the steps of a sweep that has more to do: commits go first.
pub(crate) const SWEEP_PAUSE: Duration = Duration::from_millis(20);

/// Pages given back to the file system in one step.
const PAGES_PER_STEP: u32 = 2000;

/// Blocks checked for damage in one sweep, about 10 MB: a day for 15 GB.
const CHECKED_PER_SWEEP: usize = 100;

/// How many days' worth of lines go by age at once after a start.
const DAYS_AT_ONCE: i64 = 1;

/// How many times faster than time passes the age of what is kept may move on: enough to catch up
/// after months without power, too little for a clock that leaps by years to empty the store unseen.
const CATCH_UP: i64 = 4;

/// Up to which line blocks were checked for damage.
const CHECKED: &str = "checked";

/// Deletes and checks, step by step.
#[derive(Debug, Default)]
pub(crate) struct Sweeper {
    /// When the first sweep was, and how old the oldest segment was then.
    began: Option<(Instant, i64)>,
}

impl Sweeper {
    /// Does one step, if there is one; whether there may be more to do.
    pub(crate) fn sweep(
        &mut self,
        connection: &mut Connection,
        lines: &mut LineWriter,
        retention: &Retention,
        now: OffsetDateTime,
    ) -> Result<bool, StoreError> {
        let size = Size::of(connection)?;
        let doomed = if size.used() > retention.max_bytes {
            oldest(connection, "min(first)")?
        } else {
            let age = time::Duration::days(i64::from(retention.days));
            let cutoff = now.checked_sub(age).map_or(i64::MIN, to_micros);
            let oldest = oldest(connection, "max(received_max)")?;
            oldest.filter(|(_, received)| *received < cutoff && self.may_go(*received))
        };
        if let Some((segment, _)) = doomed {
            lines.let_go(segment);
            delete_segment(connection, segment)?;
            lines.segments().remove(segment)?;
        }
        let shrinks =
            size.free_pages > u64::from(PAGES_PER_STEP) && size.file() > retention.max_bytes;
        if shrinks {
            connection.execute_batch(&format!("PRAGMA incremental_vacuum({PAGES_PER_STEP})"))?;
        }
        if doomed.is_some() || shrinks {
            return Ok(true);
        }
        check_some(connection, lines.segments())?;
        Ok(false)
    }

    /// Whether lines of this age may go already: see [`CATCH_UP`].
    fn may_go(&mut self, received: i64) -> bool {
        let (began, oldest) = *self.began.get_or_insert((Instant::now(), received));
        let passed = i64::try_from(began.elapsed().as_micros()).unwrap_or(i64::MAX);
        let day = to_micros(OffsetDateTime::UNIX_EPOCH + time::Duration::days(DAYS_AT_ONCE));
        received <= oldest.saturating_add(day).saturating_add(passed.saturating_mul(CATCH_UP))
    }
}

/// The segment for which `rank` is lowest, with its rank.
fn oldest(
    connection: &Connection,
    rank: &'static str,
) -> Result<Option<(EventId, i64)>, StoreError> {
    let sql = format!(
        "SELECT segment, {rank} AS rank FROM blocks GROUP BY segment ORDER BY rank, segment LIMIT 1"
    );
    let row = connection
        .prepare_cached(&sql)?
        .query_row([], |row| Ok((EventId(row.get::<_, i64>(0)?.cast_unsigned()), row.get(1)?)))
        .optional()?;
    Ok(row)
}

fn delete_segment(connection: &mut Connection, segment: EventId) -> Result<(), StoreError> {
    let transaction = connection.transaction()?;
    let segment = segment.0.cast_signed();
    let (first, last): (i64, i64) = transaction
        .prepare_cached("SELECT min(first), max(first + count - 1) FROM blocks WHERE segment = ?")?
        .query_row([segment], |row| Ok((row.get(0)?, row.get(1)?)))?;
    for sql in [
        "DELETE FROM verdicts WHERE event BETWEEN ? AND ?",
        "DELETE FROM members WHERE event BETWEEN ? AND ?",
    ] {
        transaction.prepare_cached(sql)?.execute([first, last])?;
    }
    transaction.prepare_cached("DELETE FROM blocks WHERE segment = ?")?.execute([segment])?;
    Ok(transaction.commit()?)
}

/// Reads the next blocks and marks those that are damaged; from the first again behind the last.
fn check_some(connection: &mut Connection, segments: &Segments) -> Result<(), StoreError> {
    let next = EventId(mark(connection, CHECKED)?.0 + 1);
    let entries = blocks_within(connection, next, EventId(u64::MAX), CHECKED_PER_SWEEP)?;
    for entry in &entries {
        match segments.frame(entry.place) {
            Ok((header, frame)) if is_readable(&header, &frame) => {}
            found => set_aside(connection, segments, entry, found.ok().map(|(_, frame)| frame))?,
        }
    }
    let checked = entries.last().map_or(0, |entry| entry.last().0);
    let sql = "INSERT OR REPLACE INTO marks (name, value) VALUES (?, ?)";
    connection.prepare_cached(sql)?.execute(params![CHECKED, checked.cast_signed()])?;
    Ok(())
}

/// Marks a damaged block, so that nobody stumbles over it again, and keeps a copy of its bytes.
fn set_aside(
    connection: &Connection,
    segments: &Segments,
    entry: &Entry,
    frame: Option<Vec<u8>>,
) -> Result<(), StoreError> {
    let frame = frame.or_else(|| {
        let tail = segments.tail(entry.place.segment, entry.place.offset).ok()?;
        Some(tail[..tail.len().min(usize::try_from(entry.bytes).ok()?)].to_vec())
    });
    let kept = segments.quarantine(entry.place, &frame.unwrap_or_default())?;
    tracing::error!(
        lines = entry.count,
        first = entry.first.0,
        kept = %kept.display(),
        "a block of log lines is damaged and cannot be read"
    );
    connection
        .prepare_cached("UPDATE blocks SET damaged = 1 WHERE first = ?")?
        .execute([entry.first.0.cast_signed()])?;
    Ok(())
}

/// How large the store is.
pub(crate) struct Size {
    page_bytes: u64,
    pages: u64,
    free_pages: u64,
    segments: u64,
}

impl Size {
    pub(crate) fn of(connection: &Connection) -> Result<Self, StoreError> {
        let value = |name| -> Result<u64, StoreError> {
            let value: i64 = connection.pragma_query_value(None, name, |row| row.get(0))?;
            Ok(value.cast_unsigned())
        };
        let segments: i64 = connection
            .prepare_cached("SELECT coalesce(sum(bytes), 0) FROM blocks")?
            .query_row([], |row| row.get(0))?;
        Ok(Self {
            page_bytes: value("page_size")?,
            pages: value("page_count")?,
            free_pages: value("freelist_count")?,
            segments: segments.cast_unsigned(),
        })
    }

    /// Bytes that hold something.
    pub(crate) fn used(&self) -> u64 {
        (self.pages - self.free_pages.min(self.pages)) * self.page_bytes + self.segments
    }

    /// Bytes of the files, without the write-ahead log.
    pub(crate) fn file(&self) -> u64 {
        self.pages * self.page_bytes + self.segments
    }
}

#[cfg(test)]
mod tests {
    use time::Duration;

    use super::*;
    use crate::testing::{at, open, record};
    use crate::{Reader, Store};

    /// Lines a day apart, in a segment each.
    fn days(folder: &std::path::Path, count: i64) -> Store {
        let (store, _) = open(folder);
        for day in 0..count {
            for second in 0..50 {
                let text = format!("line {second} of day {day} {}", noise(day * 100 + second));
                let mut line = record(&text);
                line.received_at = at(day * 100_000 + second);
                store.writer().append(line).unwrap();
            }
            store.writer().flush().unwrap();
            store.writer().seal().unwrap();
        }
        store
    }

    /// What no compression makes small.
    fn noise(seed: i64) -> String {
        let step = |number: &u64| Some(number.wrapping_mul(6_364_136_223_846_793_005) + 1);
        std::iter::successors(Some(seed.cast_unsigned() + 7), step)
            .take(20)
            .map(|number| format!("{number:x}"))
            .collect()
    }

    fn sweep_all(store: &Store, sweeper: Sweeper, retention: Retention, now: OffsetDateTime) {
        store
            .writer()
            .with_lines(move |connection, lines| {
                let mut sweeper = sweeper;
                // Bounded: each true has deleted a segment or given back pages.
                while sweeper.sweep(connection, lines, &retention, now)? {}
                Ok(())
            })
            .unwrap();
    }

    fn kept(reader: &Reader) -> Vec<i64> {
        let lines = reader.events_after(EventId(0), 10_000).unwrap();
        let mut days: Vec<_> = lines
            .iter()
            .map(|(_, line)| (line.received_at - at(0)).whole_seconds() / 100_000)
            .collect();
        days.dedup();
        days
    }

    /// A sweeper that may delete whatever is old.
    fn patient() -> Sweeper {
        Sweeper { began: Some((Instant::now(), i64::MAX)) }
    }

    #[test]
    fn the_oldest_lines_go_first_by_age_and_by_size() {
        let folder = tempfile::tempdir().unwrap();
        let store = days(folder.path(), 10);
        let reader = store.reader();
        let by_age = Retention { days: 1, max_bytes: u64::MAX };
        let now = at(300_000) + Duration::days(1);
        sweep_all(&store, patient(), by_age, now);
        assert_eq!(kept(&reader), [3, 4, 5, 6, 7, 8, 9]);
        assert_eq!(reader.counts().unwrap().events, 350);

        let half = reader.counts().unwrap().used_bytes - 30_000;
        sweep_all(&store, patient(), Retention { days: 99_999, max_bytes: half }, now);
        let counts = reader.counts().unwrap();
        assert!(counts.used_bytes <= half && counts.events > 0, "{counts:?}");
        assert_eq!(kept(&reader).last(), Some(&9));
        assert_eq!(reader.last_event_id().unwrap().0, 500);
        assert_eq!(reader.event(EventId(1)).unwrap(), None);

        sweep_all(&store, patient(), Retention { days: 1, max_bytes: 0 }, now);
        assert_eq!(kept(&reader), [0; 0]);
        store.writer().append(record("goes on")).unwrap();
        store.writer().flush().unwrap();
        store.writer().seal().unwrap();
        assert_eq!(reader.event(EventId(501)).unwrap(), Some(record("goes on")));
    }

    #[test]
    fn a_clock_that_leaps_does_not_empty_the_store() {
        let folder = tempfile::tempdir().unwrap();
        let store = days(folder.path(), 10);
        let ten_years = at(0) + Duration::days(3650);
        let month = Retention { days: 30, max_bytes: u64::MAX };
        sweep_all(&store, Sweeper::default(), month, ten_years);
        assert_eq!(kept(&store.reader()), (1..10).collect::<Vec<_>>());
    }

    #[test]
    fn damaged_blocks_are_put_aside_and_their_neighbours_read() {
        let folder = tempfile::tempdir().unwrap();
        let store = days(folder.path(), 5);
        let segments = store.reader().segments().clone();
        let (third, size) = segments.list().unwrap()[2];
        let path = segments.path(third);
        let mut bytes = std::fs::read(&path).unwrap();
        bytes[size as usize / 2] ^= 1;
        std::fs::write(&path, bytes).unwrap();

        let reader = Reader::open(folder.path()).unwrap();
        assert_eq!(kept(&reader), [0, 1, 3, 4]);
        let forever = Retention { days: 99_999, max_bytes: u64::MAX };
        sweep_all(&store, patient(), forever, at(0));
        assert_eq!(kept(&reader), [0, 1, 3, 4]);
        assert_eq!(reader.counts().unwrap().damaged, 50);
        assert_eq!(std::fs::read_dir(segments.folder().join("damaged")).unwrap().count(), 1);
    }
}
