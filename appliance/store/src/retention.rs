//! Deleting what is too old or too much, oldest first, in small steps between commits.

use std::time::Duration;

use rusqlite::Connection;
use time::OffsetDateTime;

use crate::instant::to_micros;
use crate::{Retention, StoreError};

/// Rest between two sweeps that found nothing to do.
pub(crate) const SWEEP_INTERVAL: Duration = Duration::from_secs(60);

/// Rest between the steps of a sweep that has more to do: commits go first.
pub(crate) const SWEEP_PAUSE: Duration = Duration::from_millis(20);

/// Lines deleted in one transaction: a few milliseconds.
const BATCH: i64 = 2000;

/// Pages given back to the file system in one step.
const PAGES_PER_STEP: u32 = 2000;

/// Deletes one batch, if there is one; whether there may be more to do.
pub(crate) fn sweep(
    connection: &mut Connection,
    retention: &Retention,
    now: OffsetDateTime,
) -> Result<bool, StoreError> {
    let size = Size::of(connection)?;
    let last = if size.used() > retention.max_bytes {
        last_of_batch(connection, i64::MAX)?
    } else {
        let age = time::Duration::days(i64::from(retention.days));
        match now.checked_sub(age) {
            Some(cutoff) => last_of_batch(connection, to_micros(cutoff))?,
            None => None,
        }
    };
    if let Some(last) = last {
        delete_up_to(connection, last)?;
    }
    let shrinks = size.file() > retention.max_bytes && size.free_pages > 0;
    if shrinks {
        connection.execute_batch(&format!("PRAGMA incremental_vacuum({PAGES_PER_STEP})"))?;
    }
    Ok(last.is_some() || shrinks)
}

/// The last of the oldest lines that were received before `cutoff`, within one batch. Lines are
/// looked at in commit order only, so a forged or jumping clock costs no scan.
fn last_of_batch(connection: &Connection, cutoff: i64) -> Result<Option<i64>, StoreError> {
    let sql = "SELECT id, received_at FROM events ORDER BY id LIMIT ?";
    let mut statement = connection.prepare_cached(sql)?;
    let mut rows = statement.query([BATCH])?;
    let mut last = None;
    while let Some(row) = rows.next()? {
        if row.get::<_, i64>(1)? >= cutoff {
            break;
        }
        last = Some(row.get(0)?);
    }
    Ok(last)
}

fn delete_up_to(connection: &mut Connection, last: i64) -> Result<(), StoreError> {
    let transaction = connection.transaction()?;
    for sql in [
        "DELETE FROM events WHERE id <= ?",
        "DELETE FROM verdicts WHERE event <= ?",
        "DELETE FROM members WHERE event <= ?",
    ] {
        transaction.prepare_cached(sql)?.execute([last])?;
    }
    Ok(transaction.commit()?)
}

/// How large the database is.
pub(crate) struct Size {
    page_bytes: u64,
    pages: u64,
    free_pages: u64,
}

impl Size {
    pub(crate) fn of(connection: &Connection) -> Result<Self, StoreError> {
        let value = |name| -> Result<u64, StoreError> {
            let value: i64 = connection.pragma_query_value(None, name, |row| row.get(0))?;
            Ok(value.cast_unsigned())
        };
        Ok(Self {
            page_bytes: value("page_size")?,
            pages: value("page_count")?,
            free_pages: value("freelist_count")?,
        })
    }

    /// Bytes that hold something.
    pub(crate) fn used(&self) -> u64 {
        (self.pages - self.free_pages.min(self.pages)) * self.page_bytes
    }

    /// Bytes of the file, without the write-ahead log.
    pub(crate) fn file(&self) -> u64 {
        self.pages * self.page_bytes
    }
}

#[cfg(test)]
mod tests {
    use time::Duration;

    use super::*;
    use crate::testing::{at, open, record};

    #[test]
    fn the_oldest_lines_go_first_by_age_and_by_size() {
        let folder = tempfile::tempdir().unwrap();
        let (store, _) = open(folder.path());
        for second in 0..5000 {
            let mut line = record(&format!("line {second} {}", "x".repeat(300)));
            line.received_at = at(second);
            store.writer().append(line).unwrap();
        }
        store.writer().flush().unwrap();
        let reader = store.reader();
        let sweep_all = |retention: Retention, now| {
            store
                .writer()
                .with_connection(move |connection| {
                    // Bounded: each true has deleted a batch or given back pages.
                    while sweep(connection, &retention, now)? {}
                    Ok(())
                })
                .unwrap();
            reader.events_after(vedette_event::EventId(0), 10_000).unwrap()
        };

        let by_age = Retention { days: 1, max_bytes: u64::MAX };
        let now = at(1000) + Duration::days(1);
        let kept = sweep_all(by_age.clone(), now);
        assert_eq!(kept.first().map(|(_, line)| line.received_at), Some(at(1000)));
        assert_eq!(kept.len(), 4000);

        let by_size = Retention { days: 1, max_bytes: 1_000_000 };
        let kept = sweep_all(by_size, now);
        assert!(!kept.is_empty() && kept.len() <= 2000, "{}", kept.len());
        assert_eq!(kept.last().map(|(_, line)| line.received_at), Some(at(4999)));
        let counts = reader.counts().unwrap();
        assert!(counts.file_bytes <= 1_100_000, "{}", counts.file_bytes);
        assert_eq!(counts.events, kept.len() as u64);
        assert_eq!(reader.last_event_id().unwrap().0, 5000);
    }
}
