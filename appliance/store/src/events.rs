//! Log lines by number, and what every sender has sent.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::Arc;

use foldhash::fast::RandomState;
use rusqlite::{Connection, Transaction, params};
use serde::de::DeserializeOwned;
use vedette_event::{EventId, LogRecord, Peer};

use crate::block::Block;
use crate::catalog::{blocks_within, journal_first, last_event, open_block};
use crate::instant::to_micros;
use crate::{Reader, StoreError};

/// Sources counted one by one; forged UDP senders beyond it share the name `other`.
const MAX_SOURCES: usize = 10_000;

/// Name under which lines are counted that came from the box itself.
const LOCAL_SOURCE: &str = "local";

const OTHER_SOURCES: &str = "other";

/// Length of the sample of what is not understood of a source: enough to see the format.
const SAMPLE_CHARACTERS: usize = 400;

/// Blocks looked up at once: a page of lines seldom needs more.
const BLOCKS_AT_ONCE: usize = 8;

/// The last line that is counted by source.
const TALLIED: &str = "tallied";

/// The last line of a block, and the block where it can be read.
type Found = (EventId, Option<Arc<Block>>);

impl Reader {
    /// At most `limit` log lines committed after this one, in commit order. `EventId(0)` is before
    /// the first.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn events_after(
        &self,
        after: EventId,
        limit: usize,
    ) -> Result<Vec<(EventId, LogRecord)>, StoreError> {
        let mut events = Vec::new();
        self.with(|connection| {
            let snapshot = connection.unchecked_transaction()?;
            let mut at = after;
            while events.len() < limit {
                let next = EventId(at.0.saturating_add(1));
                let blocks = self.blocks_from(&snapshot, next)?;
                if blocks.is_empty() {
                    break;
                }
                for (last, block) in blocks {
                    at = last;
                    let Some(block) = block else { continue };
                    let from = block.row_of(next).unwrap_or(0);
                    let rows = (from..block.len()).take(limit - events.len());
                    events.extend(rows.map(|row| (block.id(row), block.record(row))));
                    if events.len() == limit {
                        break;
                    }
                }
            }
            Ok(events)
        })
    }

    /// The next blocks with lines from `next` on, each with its last line; what cannot be read is
    /// `None`. Empty behind the last.
    fn blocks_from(
        &self,
        connection: &Connection,
        next: EventId,
    ) -> Result<Vec<Found>, StoreError> {
        let entries = blocks_within(connection, next, EventId(u64::MAX), BLOCKS_AT_ONCE)?;
        if entries.is_empty() {
            let open = self.open_block(connection)?;
            let open = open.filter(|block| block.last().is_some_and(|last| last >= next));
            return Ok(open
                .into_iter()
                .map(|block| (block.id(block.len() - 1), Some(block)))
                .collect());
        }
        Ok(entries.iter().map(|entry| (entry.last(), self.block(entry).ok())).collect())
    }

    /// One log line, unless it was deleted by age.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn event(&self, id: EventId) -> Result<Option<LogRecord>, StoreError> {
        self.with(|connection| {
            let snapshot = connection.unchecked_transaction()?;
            self.event_of(&snapshot, id)
        })
    }

    pub(crate) fn event_of(
        &self,
        connection: &Connection,
        id: EventId,
    ) -> Result<Option<LogRecord>, StoreError> {
        let block = match blocks_within(connection, id, id, 1)?.first() {
            Some(entry) => self.block(entry).ok(),
            None => self.open_block(connection)?,
        };
        Ok(block.and_then(|block| block.row_of(id).map(|row| block.record(row))))
    }

    /// The last event ever committed, kept or deleted since; `EventId(0)` where there was none.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn last_event_id(&self) -> Result<EventId, StoreError> {
        self.with(|connection| last_event(connection))
    }

    /// The block in the making; read again only when there is news.
    pub(crate) fn open_block(
        &self,
        connection: &Connection,
    ) -> Result<Option<Arc<Block>>, StoreError> {
        let Some(first) = journal_first(connection)? else { return Ok(None) };
        if let Some(known) = self.cached_open(first, last_event(connection)?) {
            return Ok(Some(known));
        }
        Ok(open_block(connection)?.map(|block| self.cache_open(block)))
    }
}

/// Who is counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Source {
    Local,
    Address(IpAddr),
    Other,
}

impl Source {
    fn of(peer: Peer) -> Self {
        match peer {
            Peer::Network(address) => Self::Address(address.ip().to_canonical()),
            Peer::Local => Self::Local,
        }
    }

    fn name(self) -> String {
        match self {
            Self::Local => LOCAL_SOURCE.to_owned(),
            Self::Address(address) => address.to_string(),
            Self::Other => OTHER_SOURCES.to_owned(),
        }
    }
}

#[derive(Clone, Debug, Default)]
struct Tally {
    stored: i64,
    parsed: i64,
    dropped: i64,
    last_seen: i64,
    /// The last line that no device decoder knew.
    unparsed: Option<String>,
}

/// Counts by source that are not in the database yet.
#[derive(Clone, Debug, Default)]
pub(crate) struct Tallies(HashMap<Source, Tally, RandomState>);

impl Tallies {
    /// Counts a record that could not be kept.
    pub(crate) fn drop_record(&mut self, record: &LogRecord) {
        self.of(record).dropped += 1;
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Counts a record that was kept.
    pub(crate) fn store_record(&mut self, record: &LogRecord) {
        let tally = self.of(record);
        tally.stored += 1;
        match record.dataset {
            Some(_) => tally.parsed += 1,
            // One for each flush is enough.
            None if tally.unparsed.is_none() => {
                let raw = String::from_utf8_lossy(&record.raw);
                tally.unparsed = Some(raw.chars().take(SAMPLE_CHARACTERS).collect());
            }
            None => {}
        }
    }

    fn of(&mut self, record: &LogRecord) -> &mut Tally {
        let source = Source::of(record.peer);
        let known = self.0.len() < MAX_SOURCES || self.0.contains_key(&source);
        let tally = self.0.entry(if known { source } else { Source::Other }).or_default();
        tally.last_seen = tally.last_seen.max(to_micros(record.received_at));
        tally
    }

    /// Adds to what the database has counted, up to the line `last`.
    pub(crate) fn write(
        &self,
        transaction: &Transaction<'_>,
        last: EventId,
    ) -> Result<(), StoreError> {
        for (source, tally) in &self.0 {
            count_source(transaction, *source, tally)?;
        }
        set_mark(transaction, TALLIED, last)
    }

    /// Counts what was committed but not counted before the process died.
    pub(crate) fn catch_up(connection: &Connection) -> Result<Self, StoreError> {
        let mut tallies = Self::default();
        let counted = mark(connection, TALLIED)?;
        if let Some(block) = open_block(connection)? {
            (0..block.len())
                .filter(|row| block.id(*row) > counted)
                .for_each(|row| tallies.store_record(&block.record(row)));
        }
        Ok(tallies)
    }
}

/// A number that the store remembers for itself; 0 where it does not.
pub(crate) fn mark(connection: &Connection, name: &str) -> Result<EventId, StoreError> {
    let mut statement = connection.prepare_cached("SELECT value FROM marks WHERE name = ?")?;
    let mut rows = statement.query([name])?;
    let value: Option<i64> = rows.next()?.map(|row| row.get(0)).transpose()?;
    Ok(EventId(value.unwrap_or(0).cast_unsigned()))
}

/// Never backwards: a commit tried twice must not undo a later one.
pub(crate) fn set_mark(
    transaction: &Transaction<'_>,
    name: &str,
    value: EventId,
) -> Result<(), StoreError> {
    let sql = "INSERT INTO marks (name, value) VALUES (?1, ?2) \
         ON CONFLICT (name) DO UPDATE SET value = max(value, ?2)";
    transaction.prepare_cached(sql)?.execute(params![name, value.0.cast_signed()])?;
    Ok(())
}

fn count_source(
    transaction: &Transaction<'_>,
    source: Source,
    tally: &Tally,
) -> Result<(), StoreError> {
    let name = source.name();
    let values =
        params![tally.stored, tally.parsed, tally.dropped, tally.last_seen, tally.unparsed, name];
    let update = "UPDATE sources SET stored = stored + ?1, parsed = parsed + ?2, \
         dropped = dropped + ?3, last_seen = max(last_seen, ?4), \
         unparsed = coalesce(?5, unparsed) WHERE source = ?6";
    if transaction.prepare_cached(update)?.execute(values)? == 1 {
        return Ok(());
    }
    let insert = "INSERT INTO sources (stored, parsed, dropped, last_seen, unparsed, source) \
         SELECT ?1, ?2, ?3, ?4, ?5, iif((SELECT count(*) FROM sources) < ?7, ?6, ?8) WHERE true \
         ON CONFLICT (source) DO UPDATE SET stored = stored + ?1, parsed = parsed + ?2, \
         dropped = dropped + ?3, last_seen = max(last_seen, ?4), unparsed = coalesce(?5, unparsed)";
    transaction.prepare_cached(insert)?.execute(params![
        tally.stored,
        tally.parsed,
        tally.dropped,
        tally.last_seen,
        tally.unparsed,
        name,
        MAX_SOURCES as i64,
        OTHER_SOURCES
    ])?;
    Ok(())
}

pub(crate) fn to_json(value: &impl serde::Serialize) -> String {
    serde_json::to_string(value).expect("the border types have string keys and plain values")
}

pub(crate) fn from_json<T: DeserializeOwned>(
    table: &'static str,
    text: &str,
) -> Result<T, StoreError> {
    serde_json::from_str(text).map_err(|source| StoreError::Corrupt { table, source })
}

#[cfg(test)]
mod tests {
    use super::*;
    use vedette_event::{Defect, Facility, SyslogSeverity, Transport};

    use crate::testing::{at, open, record};

    #[test]
    fn a_record_reads_back_as_it_was_written() {
        let every_byte: Vec<u8> = (0..=255).collect();
        let bare = LogRecord { raw: every_byte.clone(), peer: Peer::Local, ..record("bare") };
        let mut full = record("<34>the message");
        full.message = "the message".to_owned();
        full.message_offset = 4;
        full.peer = Peer::Network("[2001:db8::1]:6514".parse().unwrap());
        full.transport = Transport::Tls;
        full.facility = Facility::from_code(4);
        full.severity = SyslogSeverity::from_code(2);
        full.timestamp = Some(at(-5) + time::Duration::microseconds(123_456));
        full.host = Some("h\0st".to_owned());
        full.app = Some("su".to_owned());
        full.proc_id = Some("1".to_owned());
        full.msg_id = Some("ID47".to_owned());
        full.dataset = Some("sshd".into());
        full.fields.set("user.name", "a\0\"\u{1F600}'");
        full.defects = vec![Defect::InvalidUtf8, Defect::Truncated];
        let past = LogRecord { message_offset: 99, ..record("offset past the end") };
        let replaced = LogRecord {
            message: String::from_utf8_lossy(&every_byte).into_owned(),
            raw: every_byte,
            ..record("")
        };
        let records = [bare, full, past, replaced, record("")];

        let folder = tempfile::tempdir().unwrap();
        let (store, _) = open(folder.path());
        for record in &records {
            store.writer().append(record.clone()).unwrap();
        }
        store.writer().flush().unwrap();
        let read_back = || {
            let read = store.reader().events_after(EventId(0), 100).unwrap();
            assert_eq!(read.len(), records.len());
            for ((number, (id, read)), written) in (1..).zip(read).zip(&records) {
                assert_eq!((id, &read), (EventId(number), written));
                assert_eq!(store.reader().event(id).unwrap(), Some(read));
            }
            assert_eq!(store.reader().event(EventId(99)).unwrap(), None);
            assert_eq!(store.reader().events_after(EventId(3), 1).unwrap()[0].0, EventId(4));
        };
        read_back();
        store.writer().seal().unwrap();
        read_back();
    }

    #[test]
    fn sources_are_counted_one_by_one() {
        let folder = tempfile::tempdir().unwrap();
        let (store, _) = open(folder.path());
        for (second, peer) in [(1, "192.0.2.1:1"), (3, "192.0.2.1:2"), (2, "192.0.2.9:1")] {
            let mut line = record("x");
            line.received_at = at(second);
            line.peer = Peer::Network(peer.parse().unwrap());
            line.dataset = (second == 1).then_some("sshd".into());
            store.writer().append(line).unwrap();
            store.writer().flush().unwrap();
        }
        let counts = store.reader().counts().unwrap();
        let seen: Vec<_> = counts
            .sources
            .iter()
            .map(|source| {
                (source.source.as_str(), source.received, source.parsed, source.last_seen)
            })
            .collect();
        assert_eq!(seen, [("192.0.2.1", 2, 1, at(3)), ("192.0.2.9", 1, 0, at(2))]);
        assert!(counts.sources.iter().all(|source| source.unparsed.as_deref() == Some("x")));
        assert_eq!((counts.events, counts.oldest, counts.newest), (3, Some(at(1)), Some(at(3))));
    }
}
