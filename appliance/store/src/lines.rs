//! The way of log lines to the disk: increments into the journal, full blocks into segments.

use rusqlite::{Connection, Transaction};
use vedette_event::{EventId, LogRecord};

use crate::StoreError;
use crate::block::Builder;
use crate::catalog::{
    Entry, add_block, add_increment, clear_journal, newest_segment, resume, set_last_event,
};
use crate::segment::{Place, Segments};

/// Bytes of a segment at most: it is what retention deletes at once.
const SEGMENT_BYTES: u64 = 16 << 20;

/// A store of the smallest size still has this many segments, so that little goes at once.
const SEGMENTS_AT_LEAST: u64 = 32;

/// The time one segment spans at most, in microseconds, so that retention is right by a day.
const SEGMENT_SPAN: i64 = 24 * 3600 * 1_000_000;

/// What is written to.
#[derive(Debug)]
pub(crate) struct LineWriter {
    segments: Segments,
    segment_bytes: u64,
    builder: Builder,
    current: Option<Current>,
}

/// The segment that is written to.
#[derive(Clone, Copy, Debug)]
struct Current {
    segment: EventId,
    length: u64,
    /// When its first line was received, in microseconds since 1970.
    began: i64,
}

impl LineWriter {
    /// Goes on where the store ended; `last` is the last line it ever had.
    pub(crate) fn open(
        connection: &Connection,
        segments: Segments,
        last: EventId,
        max_bytes: u64,
    ) -> Result<Self, StoreError> {
        let current = newest_segment(connection)?.map(|(segment, length, began)| Current {
            segment,
            length,
            began,
        });
        let segment_bytes = SEGMENT_BYTES.min(max_bytes / SEGMENTS_AT_LEAST);
        Ok(Self { segments, segment_bytes, builder: resume(connection, last)?, current })
    }

    pub(crate) fn segments(&self) -> &Segments {
        &self.segments
    }

    /// The last line committed.
    pub(crate) fn last(&self) -> EventId {
        self.builder.last()
    }

    /// Writes lines until the block is full and returns how many; the rest is for the next call.
    /// `beside` writes what belongs to the same transaction.
    pub(crate) fn append<'a>(
        &mut self,
        connection: &mut Connection,
        records: impl Iterator<Item = &'a LogRecord>,
        beside: impl FnOnce(&Transaction<'_>, EventId) -> Result<(), StoreError>,
    ) -> Result<usize, StoreError> {
        if self.builder.is_full() {
            self.seal(connection)?;
        }
        let mark = self.builder.mark();
        let before = self.builder.count();
        for record in records {
            self.builder.push(record);
            if self.builder.is_full() {
                break;
            }
        }
        let count = self.builder.count() - before;
        let written = self.write_increment(connection, (count, self.builder.since(&mark)), beside);
        if written.is_err() {
            self.builder.rollback(&mark);
        }
        written.map(|()| count as usize)
    }

    /// Whether the next lines begin a new block, after this one has moved to a segment.
    pub(crate) fn is_full(&self) -> bool {
        self.builder.is_full()
    }

    /// Writes what `beside` writes, and no lines.
    pub(crate) fn note(
        &self,
        connection: &mut Connection,
        beside: impl FnOnce(&Transaction<'_>, EventId) -> Result<(), StoreError>,
    ) -> Result<(), StoreError> {
        self.write_increment(connection, (0, Vec::new()), beside)
    }

    fn write_increment(
        &self,
        connection: &mut Connection,
        (count, increment): (u32, Vec<u8>),
        beside: impl FnOnce(&Transaction<'_>, EventId) -> Result<(), StoreError>,
    ) -> Result<(), StoreError> {
        let last = self.builder.last();
        let transaction = connection.transaction()?;
        if count > 0 {
            let first = EventId(last.0 + 1 - u64::from(count));
            add_increment(&transaction, first, count, &increment)?;
            set_last_event(&transaction, last)?;
        }
        beside(&transaction, last)?;
        Ok(transaction.commit()?)
    }

    /// Moves the block from the journal to a segment. The frame is on the disk before the journal
    /// lets go of the lines; one that was written but not entered is written over.
    pub(crate) fn seal(&mut self, connection: &mut Connection) -> Result<(), StoreError> {
        if self.builder.count() == 0 {
            return Ok(());
        }
        let (segment, length) = match self.current {
            Some(current) if self.has_room(&current) => (current.segment, current.length),
            _ => (self.builder.first(), 0),
        };
        let header = self.segments.append(segment, length, &self.builder)?;
        let entry = Entry::new(&header, Place { segment, offset: length });
        let transaction = connection.transaction()?;
        add_block(&transaction, &entry)?;
        clear_journal(&transaction)?;
        transaction.commit()?;
        let began = match self.current {
            Some(current) if length > 0 => current.began,
            _ => header.received_min,
        };
        self.current = Some(Current { segment, length: length + entry.bytes, began });
        self.builder = Builder::new(EventId(entry.last().0 + 1));
        Ok(())
    }

    fn has_room(&self, current: &Current) -> bool {
        let age = self.builder.received().abs_diff(current.began);
        current.length < self.segment_bytes && age < SEGMENT_SPAN.unsigned_abs()
    }

    /// Writes to this segment no more: retention deletes it.
    pub(crate) fn let_go(&mut self, segment: EventId) {
        if self.current.is_some_and(|current| current.segment == segment) {
            self.current = None;
        }
    }
}
