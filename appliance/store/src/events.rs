//! Log lines: how a record becomes a row and a row a record.

use std::collections::HashMap;
use std::net::IpAddr;

use rusqlite::{OptionalExtension, Row, Transaction, params};
use serde::de::DeserializeOwned;
use vedette_event::{
    Defect, EventId, Facility, Fields, LogRecord, Peer, SyslogSeverity, Transport,
};

use crate::commit::is_fault_of_record;
use crate::instant::{from_micros, to_micros};
use crate::{Reader, StoreError};

/// Sources counted one by one; forged UDP senders beyond it share the name `other`.
const MAX_SOURCES: usize = 10_000;

/// Name under which lines are counted that came from the box itself.
const LOCAL_SOURCE: &str = "local";

const OTHER_SOURCES: &str = "other";

/// Columns in the order [`read_record`] expects them, the id first.
pub(crate) const RECORD_COLUMNS: &str = "e.id, e.received_at, e.stamped_at, e.peer, e.transport, \
     e.facility, e.severity, e.host, e.app, e.proc_id, e.msg_id, e.dataset, e.fields, e.raw, \
     e.message_offset, e.message, e.defects";

const INSERT: &str = "INSERT INTO events (received_at, stamped_at, peer, transport, facility, \
     severity, host, app, proc_id, msg_id, dataset, fields, raw, message_offset, message, defects) \
     VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)";

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
        self.with(|connection| {
            let sql = format!(
                "SELECT {RECORD_COLUMNS} FROM events e WHERE e.id > ? ORDER BY e.id LIMIT ?"
            );
            let mut statement = connection.prepare_cached(&sql)?;
            let mut rows = statement.query(params![after.0.cast_signed(), limit as i64])?;
            let mut events = Vec::new();
            while let Some(row) = rows.next()? {
                events.push(read_record(row)?);
            }
            Ok(events)
        })
    }

    /// One log line, unless it was deleted by age.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn event(&self, id: EventId) -> Result<Option<LogRecord>, StoreError> {
        self.with(|connection| {
            let sql = format!("SELECT {RECORD_COLUMNS} FROM events e WHERE e.id = ?");
            let mut statement = connection.prepare_cached(&sql)?;
            let mut rows = statement.query([id.0.cast_signed()])?;
            rows.next()?.map(|row| Ok(read_record(row)?.1)).transpose()
        })
    }

    /// The last event ever committed, kept or deleted since; `EventId(0)` where there was none.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn last_event_id(&self) -> Result<EventId, StoreError> {
        self.with(|connection| {
            let last: Option<i64> = connection
                .query_row("SELECT seq FROM sqlite_sequence WHERE name = 'events'", [], |row| {
                    row.get(0)
                })
                .optional()?;
            Ok(EventId(last.unwrap_or(0).cast_unsigned()))
        })
    }
}

/// What became of a batch.
#[derive(Debug, Default)]
pub(crate) struct Batch {
    pub(crate) stored: u64,
    /// Records the database refuses for what they are.
    pub(crate) refused: u64,
    pub(crate) last: Option<EventId>,
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
}

/// Counts by source that are not in the database yet.
#[derive(Clone, Debug, Default)]
pub(crate) struct Tallies(HashMap<Source, Tally>);

impl Tallies {
    /// Counts a record that could not be kept.
    pub(crate) fn drop_record(&mut self, record: &LogRecord) {
        self.of(record).dropped += 1;
    }

    fn of(&mut self, record: &LogRecord) -> &mut Tally {
        let source = Source::of(record.peer);
        let known = self.0.len() < MAX_SOURCES || self.0.contains_key(&source);
        let tally = self.0.entry(if known { source } else { Source::Other }).or_default();
        tally.last_seen = tally.last_seen.max(to_micros(record.received_at));
        tally
    }
}

/// Writes a batch and counts it by source, on top of what was counted before, in the caller's
/// transaction.
pub(crate) fn insert_events<'a>(
    transaction: &Transaction<'_>,
    records: impl Iterator<Item = &'a LogRecord>,
    mut tallies: Tallies,
) -> Result<Batch, StoreError> {
    let mut batch = Batch::default();
    for record in records {
        let tally = tallies.of(record);
        match insert_event(transaction, record) {
            Ok(()) => {
                batch.stored += 1;
                batch.last = Some(EventId(transaction.last_insert_rowid().cast_unsigned()));
                tally.stored += 1;
                tally.parsed += i64::from(record.dataset.is_some());
            }
            Err(error) if is_fault_of_record(&error) => {
                tracing::warn!(%error, peer = ?record.peer, "the store refuses a log line");
                batch.refused += 1;
                tally.dropped += 1;
            }
            Err(error) => return Err(error.into()),
        }
    }
    for (source, tally) in tallies.0 {
        count_source(transaction, source, &tally)?;
    }
    Ok(batch)
}

fn insert_event(transaction: &Transaction<'_>, record: &LogRecord) -> rusqlite::Result<()> {
    let peer = match record.peer {
        Peer::Network(address) => Some(address.to_string()),
        Peer::Local => None,
    };
    let fields = (!record.fields.is_empty()).then(|| to_json(&record.fields));
    let defects = (!record.defects.is_empty()).then(|| to_json(&record.defects));
    let rest = record.raw.get(record.message_offset..).unwrap_or_default();
    let message = (rest != record.message.as_bytes()).then_some(&record.message);
    transaction.prepare_cached(INSERT)?.execute(params![
        to_micros(record.received_at),
        record.timestamp.map(to_micros),
        peer,
        record.transport.as_str(),
        record.facility.map(Facility::code),
        record.severity.map(SyslogSeverity::code),
        record.host,
        record.app,
        record.proc_id,
        record.msg_id,
        record.dataset,
        fields,
        record.raw,
        i64::try_from(record.message_offset).unwrap_or(i64::MAX),
        message,
        defects,
    ])?;
    Ok(())
}

fn count_source(
    transaction: &Transaction<'_>,
    source: Source,
    tally: &Tally,
) -> Result<(), StoreError> {
    let name = source.name();
    let values = params![tally.stored, tally.parsed, tally.dropped, tally.last_seen, name];
    let update = "UPDATE sources SET stored = stored + ?1, parsed = parsed + ?2, \
         dropped = dropped + ?3, last_seen = max(last_seen, ?4) WHERE source = ?5";
    if transaction.prepare_cached(update)?.execute(values)? == 1 {
        return Ok(());
    }
    let insert = "INSERT INTO sources (stored, parsed, dropped, last_seen, source) \
         SELECT ?1, ?2, ?3, ?4, iif((SELECT count(*) FROM sources) < ?6, ?5, ?7) WHERE true \
         ON CONFLICT (source) DO UPDATE SET stored = stored + ?1, parsed = parsed + ?2, \
         dropped = dropped + ?3, last_seen = max(last_seen, ?4)";
    transaction.prepare_cached(insert)?.execute(params![
        tally.stored,
        tally.parsed,
        tally.dropped,
        tally.last_seen,
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

/// Reads a row of [`RECORD_COLUMNS`].
pub(crate) fn read_record(row: &Row<'_>) -> Result<(EventId, LogRecord), StoreError> {
    let raw: Vec<u8> = row.get(13)?;
    let message_offset = usize::try_from(row.get::<_, i64>(14)?).unwrap_or(usize::MAX);
    let message: Option<String> = row.get(15)?;
    let message = message.unwrap_or_else(|| {
        String::from_utf8_lossy(raw.get(message_offset..).unwrap_or_default()).into_owned()
    });
    let peer = row.get_ref(3)?.as_str_or_null().map_err(rusqlite::Error::from)?;
    let transport = row.get_ref(4)?.as_str().map_err(rusqlite::Error::from)?;
    let fields: Option<String> = row.get(12)?;
    let defects: Option<String> = row.get(16)?;
    let record = LogRecord {
        received_at: from_micros(row.get(1)?),
        timestamp: row.get::<_, Option<i64>>(2)?.map(from_micros),
        peer: peer.and_then(|text| text.parse().ok()).map_or(Peer::Local, Peer::Network),
        transport: read_transport(transport),
        facility: row.get::<_, Option<u8>>(5)?.and_then(Facility::from_code),
        severity: row.get::<_, Option<u8>>(6)?.and_then(SyslogSeverity::from_code),
        host: row.get(7)?,
        app: row.get(8)?,
        proc_id: row.get(9)?,
        msg_id: row.get(10)?,
        dataset: row.get::<_, Option<String>>(11)?.map(Into::into),
        fields: fields.map_or(Ok(Fields::default()), |text| from_json("events", &text))?,
        defects: defects.map_or(Ok(Vec::<Defect>::new()), |text| from_json("events", &text))?,
        raw,
        message_offset,
        message,
    };
    Ok((EventId(row.get::<_, i64>(0)?.cast_unsigned()), record))
}

/// The transport of this name; `file` for one that this program does not know yet.
fn read_transport(name: &str) -> Transport {
    Transport::ALL
        .into_iter()
        .find(|transport| transport.as_str() == name)
        .unwrap_or(Transport::File)
}

#[cfg(test)]
mod tests {
    use super::*;
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
        let read = store.reader().events_after(EventId(0), 100).unwrap();
        assert_eq!(read.len(), records.len());
        for ((number, (id, read)), written) in (1..).zip(read).zip(&records) {
            assert_eq!((id, &read), (EventId(number), written));
            assert_eq!(store.reader().event(id).unwrap(), Some(read));
        }
        assert_eq!(store.reader().event(EventId(99)).unwrap(), None);
        assert_eq!(store.reader().events_after(EventId(3), 1).unwrap()[0].0, EventId(4));
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
        assert_eq!((counts.events, counts.oldest, counts.newest), (3, Some(at(1)), Some(at(2))));
    }
}
