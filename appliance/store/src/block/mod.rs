//! A block: some thousand log lines by column, as they lie in the journal and, compressed, in a
//! segment.
//!
//! What lines share (sender, header, names of fields) stands once as a [`Kind`]; the value of a field
//! that stands in the line is kept as its place there. A block is read without making anything of its
//! lines; [`Block::record`] makes one whole.

mod builder;
mod filter;
mod kind;
#[cfg(test)]
mod tests;
mod varint;

use std::borrow::Cow;
use std::ops::Range;

use vedette_event::{EventId, Fields, LogRecord, Peer};

pub(crate) use self::builder::Builder;
pub(crate) use self::filter::{Filter, Trace};
pub(crate) use self::kind::Kind;
pub(crate) use self::varint::{Cursor, Damaged};

use self::builder::{State, UNITS};
use self::varint::unzigzag;
use crate::instant::from_micros;

/// Number of streams of a block.
const STREAMS: usize = 11;

/// The columns of a block. Their numbers are those in the files: new ones come at the end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stream {
    /// The kinds, each behind its length.
    Kinds,
    /// Values that do not stand in their line, each behind its length.
    Literals,
    /// By line, the number of its kind.
    KindOf,
    /// By line of a network sender, its port.
    Ports,
    /// By line, microseconds since the line before was received.
    Received,
    /// By line, its own time.
    Stamped,
    /// By line, the bytes of the raw line.
    Lengths,
    /// By line, where its message begins.
    Offsets,
    /// By value, one more than where it stands in the raw line; 0 for a literal.
    Starts,
    /// By value, its bytes, or the number of the literal.
    Sizes,
    /// The raw lines.
    Raw,
}

/// The streams of a block.
#[derive(Clone, Debug, Default)]
pub(crate) struct Streams([Vec<u8>; STREAMS]);

impl Streams {
    fn of(&self, stream: Stream) -> &[u8] {
        &self.0[stream as usize]
    }

    fn of_mut(&mut self, stream: Stream) -> &mut Vec<u8> {
        &mut self.0[stream as usize]
    }

    fn lengths(&self) -> [usize; STREAMS] {
        self.0.each_ref().map(Vec::len)
    }

    fn truncate(&mut self, lengths: &[usize; STREAMS]) {
        for (stream, length) in self.0.iter_mut().zip(lengths) {
            stream.truncate(*length);
        }
    }

    /// What was added since the streams had these lengths, each part behind its length.
    fn since(&self, lengths: &[usize; STREAMS]) -> Vec<u8> {
        let added = || self.0.iter().zip(lengths).map(|(stream, from)| &stream[*from..]);
        let mut out = Vec::with_capacity(added().map(|part| part.len() + 4).sum());
        for part in added() {
            varint::put_bytes(&mut out, part);
        }
        out
    }

    /// All of it.
    pub(crate) fn whole(&self) -> Vec<u8> {
        self.since(&[0; STREAMS])
    }

    /// Adds what [`Streams::since`] gave.
    pub(crate) fn extend(&mut self, increment: &[u8]) -> Result<(), Damaged> {
        let mut cursor = Cursor::new(increment);
        for stream in &mut self.0 {
            stream.extend_from_slice(cursor.bytes()?);
        }
        Ok(())
    }

    fn entries(&self, stream: Stream) -> Result<Vec<&[u8]>, Damaged> {
        let mut cursor = Cursor::new(self.of(stream));
        let mut entries = Vec::new();
        while !cursor.is_empty() {
            entries.push(cursor.bytes()?);
        }
        Ok(entries)
    }
}

/// A line as far as it stands in columns of its own.
#[derive(Clone, Debug)]
struct Row {
    kind: usize,
    port: u16,
    received: i64,
    stamped: Option<i64>,
    raw: Range<usize>,
    offset: usize,
    /// Where its values begin.
    values: usize,
}

/// A value: a place in the raw line, or the number of a literal.
#[derive(Clone, Copy, Debug)]
enum Value {
    Part { start: usize, size: usize },
    Literal(usize),
}

/// A block that was read.
#[derive(Debug)]
pub(crate) struct Block {
    first: EventId,
    raw: Vec<u8>,
    literals: Vec<String>,
    kinds: Vec<Kind>,
    rows: Vec<Row>,
    values: Vec<Value>,
    state: State,
}

impl Block {
    /// Reads streams; every place they name is checked here, so that nothing later can fail.
    pub(crate) fn read(first: EventId, mut streams: Streams) -> Result<Self, Damaged> {
        let kinds: Vec<Kind> = streams
            .entries(Stream::Kinds)?
            .into_iter()
            .map(Kind::read)
            .collect::<Result<_, _>>()?;
        let literals = streams.entries(Stream::Literals)?.into_iter();
        let literals = literals.map(|text| String::from_utf8_lossy(text).into_owned()).collect();
        let raw = std::mem::take(streams.of_mut(Stream::Raw));
        let mut block = Self {
            first,
            raw,
            literals,
            kinds,
            rows: Vec::new(),
            values: Vec::new(),
            state: State::default(),
        };
        let mut columns = Columns::of(&streams);
        while !columns.kind_of.is_empty() {
            block.read_row(&mut columns)?;
        }
        Ok(block)
    }

    fn read_row(&mut self, columns: &mut Columns<'_>) -> Result<(), Damaged> {
        let damaged = columns.kind_of.damaged();
        let kind = columns.kind_of.size()?;
        let common = self.kinds.get(kind).ok_or(damaged)?;
        let port = if common.address.is_some() { columns.ports.number()? } else { 0 };
        let port = u16::try_from(port).map_err(|_| damaged)?;
        let received = self.state.received.wrapping_add(unzigzag(columns.received.number()?));
        let stamped = stamp(columns.stamped.number()?, self.state.stamped);
        let begin = self.rows.last().map_or(0, |row| row.raw.end);
        let end = begin.checked_add(columns.lengths.size()?).ok_or(damaged)?;
        let line = self.raw.get(begin..end).ok_or(damaged)?.len();
        let offset = usize::try_from(columns.offsets.number()?).unwrap_or(usize::MAX);
        let values = self.values.len();
        for _ in 0..common.values() {
            let (start, size) = (columns.starts.size()?, columns.sizes.size()?);
            self.values.push(match start.checked_sub(1) {
                None if size < self.literals.len() => Value::Literal(size),
                Some(start) if start.checked_add(size).is_some_and(|end| end <= line) => {
                    Value::Part { start, size }
                }
                _ => return Err(damaged),
            });
        }
        self.rows.push(Row { kind, port, received, stamped, raw: begin..end, offset, values });
        self.state.count += 1;
        self.state.received = received;
        self.state.stamped = stamped.unwrap_or(self.state.stamped);
        Ok(())
    }

    /// The number of a line.
    pub(crate) fn id(&self, row: usize) -> EventId {
        EventId(self.first.0 + row as u64)
    }

    /// The line with this number.
    pub(crate) fn row_of(&self, id: EventId) -> Option<usize> {
        let row = usize::try_from(id.0.checked_sub(self.first.0)?).ok()?;
        (row < self.rows.len()).then_some(row)
    }

    pub(crate) fn len(&self) -> usize {
        self.rows.len()
    }

    /// Its last line.
    pub(crate) fn last(&self) -> Option<EventId> {
        self.len().checked_sub(1).map(|row| self.id(row))
    }

    pub(crate) fn kinds(&self) -> &[Kind] {
        &self.kinds
    }

    pub(crate) fn kind_of(&self, row: usize) -> usize {
        self.rows[row].kind
    }

    /// When a line was received, in microseconds since 1970.
    pub(crate) fn received(&self, row: usize) -> i64 {
        self.rows[row].received
    }

    /// The time a line speaks of, likewise.
    pub(crate) fn occurred(&self, row: usize) -> i64 {
        self.rows[row].stamped.unwrap_or(self.rows[row].received)
    }

    pub(crate) fn raw(&self, row: usize) -> &[u8] {
        &self.raw[self.rows[row].raw.clone()]
    }

    pub(crate) fn message(&self, row: usize) -> Cow<'_, str> {
        let kind = &self.kinds[self.rows[row].kind];
        if kind.own_message {
            return self.value(row, usize::from(kind.has_process));
        }
        text(self.raw(row).get(self.rows[row].offset..).unwrap_or_default())
    }

    pub(crate) fn process(&self, row: usize) -> Option<Cow<'_, str>> {
        self.kinds[self.rows[row].kind].has_process.then(|| self.value(row, 0))
    }

    /// The value of the field at this place of [`Kind::names`].
    pub(crate) fn field(&self, row: usize, place: usize) -> Cow<'_, str> {
        self.value(row, self.kinds[self.rows[row].kind].first_field() + place)
    }

    fn value(&self, row: usize, place: usize) -> Cow<'_, str> {
        match self.values[self.rows[row].values + place] {
            Value::Literal(number) => Cow::Borrowed(&self.literals[number]),
            Value::Part { start, size } => text(&self.raw(row)[start..start + size]),
        }
    }

    pub(crate) fn peer(&self, row: usize) -> Peer {
        let Row { kind, port, .. } = self.rows[row];
        let address = self.kinds[kind].address;
        address.map_or(Peer::Local, |address| Peer::Network(address.with_port(port)))
    }

    /// A line, whole.
    pub(crate) fn record(&self, row: usize) -> LogRecord {
        let Row { kind, received, stamped, offset, .. } = self.rows[row];
        let kind = &self.kinds[kind];
        let mut fields = Fields::default();
        for (place, name) in kind.names.iter().enumerate() {
            fields.set(name.clone(), self.field(row, place));
        }
        LogRecord {
            raw: self.raw(row).to_vec(),
            received_at: from_micros(received),
            peer: self.peer(row),
            transport: kind.transport,
            facility: kind.facility,
            severity: kind.severity,
            timestamp: stamped.map(from_micros),
            host: kind.host.clone(),
            app: kind.app.clone(),
            proc_id: self.process(row).map(Cow::into_owned),
            msg_id: kind.msg_id.clone(),
            message: self.message(row).into_owned(),
            message_offset: offset,
            dataset: kind.dataset.clone().map(Cow::Owned),
            fields,
            defects: kind.defects.clone(),
        }
    }

    /// Earliest and latest receipt, in microseconds since 1970.
    pub(crate) fn span(&self) -> (i64, i64) {
        let received = || self.rows.iter().map(|row| row.received);
        (received().min().unwrap_or_default(), received().max().unwrap_or_default())
    }
}

/// The columns that are read line by line.
struct Columns<'a> {
    kind_of: Cursor<'a>,
    ports: Cursor<'a>,
    received: Cursor<'a>,
    stamped: Cursor<'a>,
    lengths: Cursor<'a>,
    offsets: Cursor<'a>,
    starts: Cursor<'a>,
    sizes: Cursor<'a>,
}

impl<'a> Columns<'a> {
    fn of(streams: &'a Streams) -> Self {
        let cursor = |stream| Cursor::new(streams.of(stream));
        Self {
            kind_of: cursor(Stream::KindOf),
            ports: cursor(Stream::Ports),
            received: cursor(Stream::Received),
            stamped: cursor(Stream::Stamped),
            lengths: cursor(Stream::Lengths),
            offsets: cursor(Stream::Offsets),
            starts: cursor(Stream::Starts),
            sizes: cursor(Stream::Sizes),
        }
    }
}

/// The inverse of what the builder writes.
fn stamp(code: u64, last: i64) -> Option<i64> {
    let code = code.checked_sub(1)?;
    let unit = UNITS[(code % UNITS.len() as u64) as usize];
    let distance = unzigzag(code / UNITS.len() as u64);
    Some(last.div_euclid(unit).wrapping_add(distance).wrapping_mul(unit))
}

/// Whether the message of a line is simply the tail of its bytes, read as text.
fn is_tail(record: &LogRecord) -> bool {
    let tail = record.raw.get(record.message_offset..).unwrap_or_default();
    tail == record.message.as_bytes() || text(tail) == record.message
}

/// Bytes as text. The strict check is several times faster than the lossy one, and most pass it.
fn text(bytes: &[u8]) -> Cow<'_, str> {
    match std::str::from_utf8(bytes) {
        Ok(text) => Cow::Borrowed(text),
        Err(_) => String::from_utf8_lossy(bytes),
    }
}
