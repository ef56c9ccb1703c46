//! Which lines lie where: the blocks of the segments, and the journal of the block in the making.

use rusqlite::{Connection, OptionalExtension, Row, Transaction, params};
use vedette_event::EventId;

use crate::StoreError;
use crate::block::{Block, Builder, Streams};
use crate::segment::{Header, Place};

/// A block of a segment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Entry {
    pub(crate) first: EventId,
    pub(crate) count: u32,
    pub(crate) place: Place,
    pub(crate) bytes: u64,
    pub(crate) filter_bytes: u32,
    pub(crate) received_min: i64,
    pub(crate) received_max: i64,
}

impl Entry {
    pub(crate) fn new(header: &Header, place: Place) -> Self {
        Self {
            first: header.first,
            count: header.count,
            place,
            bytes: header.frame_bytes(),
            filter_bytes: header.filter_bytes,
            received_min: header.received_min,
            received_max: header.received_max,
        }
    }

    pub(crate) fn last(&self) -> EventId {
        EventId(self.first.0 + u64::from(self.count) - 1)
    }
}

const COLUMNS: &str =
    "first, count, segment, offset, bytes, filter_bytes, received_min, received_max";

/// Blocks that hold lines from `first` to `last`, in order; those known to be damaged are left out.
pub(crate) fn blocks_within(
    connection: &Connection,
    first: EventId,
    last: EventId,
    limit: usize,
) -> Result<Vec<Entry>, StoreError> {
    let sql = format!(
        "SELECT {COLUMNS} FROM blocks WHERE first + count > ?1 AND first <= ?2 AND damaged = 0 \
         AND first >= coalesce((SELECT max(first) FROM blocks WHERE first <= ?1), 0) \
         ORDER BY first LIMIT ?3"
    );
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    let last = i64::try_from(last.0).unwrap_or(i64::MAX);
    let mut statement = connection.prepare_cached(&sql)?;
    let rows = statement.query_map(params![first.0.cast_signed(), last, limit], read_entry)?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// Blocks that hold lines received between, the newest first.
pub(crate) fn blocks_received(
    connection: &Connection,
    from: i64,
    to: i64,
) -> Result<Vec<Entry>, StoreError> {
    let sql = format!(
        "SELECT {COLUMNS} FROM blocks WHERE received_max >= ? AND received_min < ? AND damaged = 0 \
         ORDER BY received_max DESC, first DESC"
    );
    let mut statement = connection.prepare_cached(&sql)?;
    let rows = statement.query_map(params![from, to], read_entry)?;
    Ok(rows.collect::<Result<_, _>>()?)
}

pub(crate) fn all_blocks(connection: &Connection) -> Result<Vec<Entry>, StoreError> {
    let sql = format!("SELECT {COLUMNS} FROM blocks ORDER BY first");
    let mut statement = connection.prepare(&sql)?;
    let rows = statement.query_map([], read_entry)?;
    Ok(rows.collect::<Result<_, _>>()?)
}

fn read_entry(row: &Row<'_>) -> rusqlite::Result<Entry> {
    let number = |column| Ok::<_, rusqlite::Error>(row.get::<_, i64>(column)?.cast_unsigned());
    Ok(Entry {
        first: EventId(number(0)?),
        count: row.get(1)?,
        place: Place { segment: EventId(number(2)?), offset: number(3)? },
        bytes: number(4)?,
        filter_bytes: row.get(5)?,
        received_min: row.get(6)?,
        received_max: row.get(7)?,
    })
}

pub(crate) fn add_block(transaction: &Transaction<'_>, entry: &Entry) -> Result<(), StoreError> {
    let sql = format!("INSERT INTO blocks ({COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?)");
    transaction.prepare_cached(&sql)?.execute(params![
        entry.first.0.cast_signed(),
        entry.count,
        entry.place.segment.0.cast_signed(),
        entry.place.offset.cast_signed(),
        entry.bytes.cast_signed(),
        entry.filter_bytes,
        entry.received_min,
        entry.received_max,
    ])?;
    Ok(())
}

pub(crate) fn remove_block(
    transaction: &Transaction<'_>,
    first: EventId,
) -> Result<(), StoreError> {
    transaction
        .prepare_cached("DELETE FROM blocks WHERE first = ?")?
        .execute([first.0.cast_signed()])?;
    Ok(())
}

/// The segment written last and the bytes of it that are known.
pub(crate) fn newest_segment(
    connection: &Connection,
) -> Result<Option<(EventId, u64, i64)>, StoreError> {
    let sql = "SELECT segment, max(offset + bytes), min(received_min) FROM blocks \
         WHERE segment = (SELECT max(segment) FROM blocks) GROUP BY segment";
    let row = connection
        .query_row(sql, [], |row| {
            let number = |column| row.get::<_, i64>(column);
            Ok((EventId(number(0)?.cast_unsigned()), number(1)?.cast_unsigned(), number(2)?))
        })
        .optional()?;
    Ok(row)
}

pub(crate) fn add_increment(
    transaction: &Transaction<'_>,
    first: EventId,
    count: u32,
    body: &[u8],
) -> Result<(), StoreError> {
    transaction
        .prepare_cached("INSERT INTO journal (first, count, body) VALUES (?, ?, ?)")?
        .execute(params![first.0.cast_signed(), count, body])?;
    Ok(())
}

pub(crate) fn clear_journal(transaction: &Transaction<'_>) -> Result<(), StoreError> {
    transaction.prepare_cached("DELETE FROM journal")?.execute([])?;
    Ok(())
}

/// Removes what lies behind this line of the journal; how many lines that were.
pub(crate) fn cut_journal(transaction: &Transaction<'_>, last: EventId) -> Result<u64, StoreError> {
    let last = last.0.cast_signed();
    let lost: i64 = transaction
        .prepare_cached("SELECT coalesce(sum(count), 0) FROM journal WHERE first > ?")?
        .query_row([last], |row| row.get(0))?;
    transaction.prepare_cached("DELETE FROM journal WHERE first > ?")?.execute([last])?;
    Ok(lost.cast_unsigned())
}

/// The first line of the block in the making.
pub(crate) fn journal_first(connection: &Connection) -> Result<Option<EventId>, StoreError> {
    let mut statement = connection.prepare_cached("SELECT min(first) FROM journal")?;
    let first: Option<i64> = statement.query_row([], |row| row.get(0))?;
    Ok(first.map(|first| EventId(first.cast_unsigned())))
}

/// The increments of a block, with the number of its first line.
pub(crate) type Increments = (EventId, Vec<Vec<u8>>);

/// The increments of the block in the making.
pub(crate) fn increments(connection: &Connection) -> Result<Option<Increments>, StoreError> {
    let mut statement =
        connection.prepare_cached("SELECT first, count, body FROM journal ORDER BY first")?;
    let mut rows = statement.query([])?;
    let mut found: Option<Increments> = None;
    let mut next = 0;
    while let Some(row) = rows.next()? {
        let first = row.get::<_, i64>(0)?.cast_unsigned();
        let (_, bodies) = found.get_or_insert((EventId(first), Vec::new()));
        if !bodies.is_empty() && first != next {
            // What lies behind a gap cannot be read without what is missing.
            break;
        }
        next = first + u64::from(row.get::<_, u32>(1)?);
        bodies.push(row.get(2)?);
    }
    Ok(found)
}

/// The block in the making.
pub(crate) fn open_block(connection: &Connection) -> Result<Option<Block>, StoreError> {
    let Some((first, bodies)) = increments(connection)? else { return Ok(None) };
    let mut streams = Streams::default();
    let read = bodies.iter().try_for_each(|body| streams.extend(body));
    let block = read.and_then(|()| Block::read(first, streams));
    block.map(Some).map_err(|damage| StoreError::Internal(format!("the journal is {damage}")))
}

/// The block in the making, to go on with; a new one behind `last` where there is none.
pub(crate) fn resume(connection: &Connection, last: EventId) -> Result<Builder, StoreError> {
    let Some((first, bodies)) = increments(connection)? else {
        return Ok(Builder::new(EventId(last.0 + 1)));
    };
    Builder::resume(first, bodies)
        .map_err(|damage| StoreError::Internal(format!("the journal is {damage}")))
}

/// The last line ever committed, kept or deleted since.
pub(crate) fn last_event(connection: &Connection) -> Result<EventId, StoreError> {
    let last: Option<i64> = connection
        .prepare_cached("SELECT seq FROM sqlite_sequence WHERE name = 'events'")?
        .query_row([], |row| row.get(0))
        .optional()?;
    Ok(EventId(last.unwrap_or(0).cast_unsigned()))
}

/// Notes the last line committed, in the row where the program one version older looks for it.
pub(crate) fn set_last_event(
    transaction: &Transaction<'_>,
    last: EventId,
) -> Result<(), StoreError> {
    let last = last.0.cast_signed();
    let update = "UPDATE sqlite_sequence SET seq = ? WHERE name = 'events'";
    if transaction.prepare_cached(update)?.execute([last])? == 0 {
        let insert = "INSERT INTO sqlite_sequence (name, seq) VALUES ('events', ?)";
        transaction.prepare_cached(insert)?.execute([last])?;
    }
    Ok(())
}
