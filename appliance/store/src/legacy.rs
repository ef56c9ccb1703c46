//! Lines that a program of schema 2 or older has stored as rows: they move into blocks when the store
//! is opened, oldest first, and keep their numbers.

use rusqlite::{Connection, Row};
use vedette_event::{
    Defect, EventId, Facility, Fields, LogRecord, Peer, SyslogSeverity, Transport,
};

use crate::StoreError;
use crate::catalog::last_event;
use crate::events::from_json;
use crate::instant::from_micros;
use crate::lines::LineWriter;
use crate::segment::Segments;

/// Rows moved in one transaction.
const BATCH: i64 = 2000;

const SELECT: &str = "SELECT id, received_at, stamped_at, peer, transport, facility, severity, host, \
     app, proc_id, msg_id, dataset, fields, raw, message_offset, message, defects FROM events \
     ORDER BY id LIMIT ?";

/// Moves all rows there are; an interruption costs nothing, the next start goes on.
pub(crate) fn move_rows(
    connection: &mut Connection,
    segments: &Segments,
    max_bytes: u64,
) -> Result<(), StoreError> {
    let last = last_event(connection)?;
    let mut moved = 0;
    loop {
        let rows = read_rows(connection)?;
        let Some((first, _)) = rows.first() else { break };
        // Blocks number their lines without gaps: behind one, and at the start, comes a new block.
        let before = EventId(first.0 - 1);
        let mut lines = LineWriter::open(connection, segments.clone(), before, max_bytes)?;
        if lines.last() != before {
            lines.seal(connection)?;
            lines = LineWriter::open(connection, segments.clone(), before, max_bytes)?;
        }
        let records = rows.iter().zip(first.0..).take_while(|((id, _), next)| id.0 == *next);
        let records = records.map(|((_, record), _)| record);
        let delete = |transaction: &rusqlite::Transaction<'_>, up_to: EventId| {
            let sql = "DELETE FROM events WHERE id <= ?";
            transaction.execute(sql, [up_to.0.cast_signed()])?;
            crate::catalog::set_last_event(transaction, last)
        };
        moved += lines.append(connection, records, delete)?;
        tracing::info!(moved, "log lines are moved into segments");
    }
    Ok(())
}

fn read_rows(connection: &Connection) -> Result<Vec<(EventId, LogRecord)>, StoreError> {
    let mut statement = connection.prepare_cached(SELECT)?;
    let mut rows = statement.query([BATCH])?;
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        found.push(read_record(row)?);
    }
    Ok(found)
}

fn read_record(row: &Row<'_>) -> Result<(EventId, LogRecord), StoreError> {
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
        transport: Transport::ALL
            .into_iter()
            .find(|known| known.as_str() == transport)
            .unwrap_or(Transport::File),
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

#[cfg(test)]
mod tests {
    use vedette_event::EventId;

    use crate::testing::{open, record};

    /// What a program of schema 2 does to a store after an update was rolled back.
    const OLD_INSERT: &str = "INSERT INTO events (received_at, stamped_at, peer, transport, fields, \
         raw, message_offset) VALUES (1, 2, '192.0.2.7:514', 'udp', '{\"user.name\":\"eve\"}', ?, 4)";

    #[test]
    fn rows_of_an_older_program_move_into_blocks_with_their_numbers() {
        let folder = tempfile::tempdir().unwrap();
        for round in 0..2u64 {
            let (store, _) = open(folder.path());
            let before = store.reader().last_event_id().unwrap().0;
            assert_eq!(before, round * 2504);
            for _ in 0..3 {
                store.writer().append(record("new")).unwrap();
            }
            store.writer().flush().unwrap();
            store
                .writer()
                .with_connection(|connection| {
                    for number in 0..2500 {
                        connection.execute(OLD_INSERT, [format!("<13>old {number}").as_bytes()])?;
                    }
                    Ok(())
                })
                .unwrap();
            store.close().unwrap();

            let (store, _) = open(folder.path());
            let reader = store.reader();
            store.writer().append(record("last")).unwrap();
            store.writer().flush().unwrap();
            let events = reader.events_after(EventId(before), 9999).unwrap();
            assert_eq!(events.len(), 2504);
            assert!(events.iter().zip(before + 1..).all(|((id, _), number)| id.0 == number));
            let texts: Vec<_> = events.iter().map(|(_, line)| line.message.as_str()).collect();
            assert_eq!(
                (texts[2], texts[3], texts[2502], texts[2503]),
                ("new", "old 0", "old 2499", "last")
            );
            assert_eq!(events[3].1.fields.get("user.name"), Some("eve"));
            assert_eq!(reader.counts().unwrap().events, (round + 1) * 2504);
        }
    }
}
