//! Lines in, streams out. Every stream only grows, so what was added since a mark is an increment that
//! the journal keeps, and the increments of a block, put together, are the block.

use std::collections::HashMap;

use foldhash::fast::RandomState;
use memchr::memchr_iter;
use vedette_event::{EventId, LogRecord, Peer};

use super::kind::write_kind;
use super::varint::{Damaged, put, put_bytes, zigzag};
use super::{Block, STREAMS, Stream, Streams, is_tail};
use crate::instant::to_micros;

/// Raw bytes after which a block is full: enough for zstd to find what repeats (half as much costs 4 to
/// 8 % more room, twice as much saves 3 %), little enough that one damaged block loses few lines and one
/// line of it is read within milliseconds.
pub(crate) const FULL_BYTES: usize = 1 << 20;

/// Lines after which a block is full, however short they are.
pub(crate) const FULL_LINES: u32 = 16_384;

/// Texts that many lines share, by the order in which they came.
#[derive(Debug, Default)]
struct Dictionary(HashMap<Box<[u8]>, u32, RandomState>);

impl Dictionary {
    /// The number of a text; it goes to the stream when it is new.
    fn number(&mut self, text: &[u8], stream: &mut Vec<u8>) -> u32 {
        if let Some(number) = self.0.get(text) {
            return *number;
        }
        let number = self.0.len() as u32;
        put_bytes(stream, text);
        self.0.insert(text.into(), number);
        number
    }

    /// Forgets all but the first `count`.
    fn truncate(&mut self, count: u32) {
        if self.0.len() as u32 > count {
            self.0.retain(|_, number| *number < count);
        }
    }
}

/// A block in the making.
#[derive(Debug)]
pub(crate) struct Builder {
    first: EventId,
    streams: Streams,
    kinds: Dictionary,
    literals: Dictionary,
    state: State,
    scratch: Vec<u8>,
}

/// What the next line is written relative to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct State {
    pub(super) count: u32,
    pub(super) received: i64,
    pub(super) stamped: i64,
}

/// A point to which a builder can return.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Mark {
    lengths: [usize; STREAMS],
    kinds: u32,
    literals: u32,
    state: State,
}

impl Builder {
    /// An empty block whose first line has this number.
    pub(crate) fn new(first: EventId) -> Self {
        Self {
            first,
            streams: Streams::default(),
            kinds: Dictionary::default(),
            literals: Dictionary::default(),
            state: State::default(),
            scratch: Vec::new(),
        }
    }

    /// Goes on with a block of which these increments were kept.
    pub(crate) fn resume(
        first: EventId,
        increments: impl IntoIterator<Item = impl AsRef<[u8]>>,
    ) -> Result<Self, Damaged> {
        let mut streams = Streams::default();
        for increment in increments {
            streams.extend(increment.as_ref())?;
        }
        let block = Block::read(first, streams.clone())?;
        let mut builder = Self::new(first);
        let entries = |stream| streams.entries(stream);
        for text in entries(Stream::Kinds)? {
            builder.kinds.number(text, &mut Vec::new());
        }
        for text in entries(Stream::Literals)? {
            builder.literals.number(text, &mut Vec::new());
        }
        builder.state = block.state;
        builder.streams = streams;
        Ok(builder)
    }

    pub(crate) fn first(&self) -> EventId {
        self.first
    }

    pub(crate) fn count(&self) -> u32 {
        self.state.count
    }

    /// The last line; the one before the first where there is none.
    pub(crate) fn last(&self) -> EventId {
        EventId(self.first.0 + u64::from(self.state.count) - 1)
    }

    /// When the last line was received, in microseconds since 1970.
    pub(crate) fn received(&self) -> i64 {
        self.state.received
    }

    pub(crate) fn is_full(&self) -> bool {
        self.state.count >= FULL_LINES || self.streams.of(Stream::Raw).len() >= FULL_BYTES
    }

    pub(crate) fn streams(&self) -> &Streams {
        &self.streams
    }

    pub(crate) fn mark(&self) -> Mark {
        Mark {
            lengths: self.streams.lengths(),
            kinds: self.kinds.0.len() as u32,
            literals: self.literals.0.len() as u32,
            state: self.state,
        }
    }

    /// What was added since.
    pub(crate) fn since(&self, mark: &Mark) -> Vec<u8> {
        self.streams.since(&mark.lengths)
    }

    /// Takes back what was added since.
    pub(crate) fn rollback(&mut self, mark: &Mark) {
        self.streams.truncate(&mark.lengths);
        self.kinds.truncate(mark.kinds);
        self.literals.truncate(mark.literals);
        self.state = mark.state;
    }

    pub(crate) fn push(&mut self, record: &LogRecord) {
        let own_message = !is_tail(record);
        self.scratch.clear();
        write_kind(record, own_message, &mut self.scratch);
        let kind = self.kinds.number(&self.scratch, self.streams.of_mut(Stream::Kinds));
        let mut number = |stream, number| put(self.streams.of_mut(stream), number);
        number(Stream::KindOf, kind.into());
        if let Peer::Network(address) = record.peer {
            number(Stream::Ports, address.port().into());
        }
        let received = to_micros(record.received_at);
        number(Stream::Received, zigzag(received.wrapping_sub(self.state.received)));
        let stamped = record.timestamp.map(to_micros);
        number(Stream::Stamped, stamp(stamped, self.state.stamped));
        number(Stream::Lengths, record.raw.len() as u64);
        number(Stream::Offsets, record.message_offset as u64);
        self.streams.of_mut(Stream::Raw).extend_from_slice(&record.raw);
        let process = record.proc_id.as_deref();
        let message = own_message.then_some(record.message.as_str());
        for value in process.into_iter().chain(message) {
            self.value(&record.raw, value);
        }
        for (_, value) in record.fields.iter() {
            self.value(&record.raw, value);
        }
        self.state.count += 1;
        self.state.received = received;
        self.state.stamped = stamped.unwrap_or(self.state.stamped);
    }

    /// A value as the place in the line where it stands, else as a text of its own.
    fn value(&mut self, raw: &[u8], value: &str) {
        let (start, size) = match find(raw, value.as_bytes()) {
            Some(start) => (start as u64 + 1, value.len() as u64),
            None => {
                let literals = self.streams.of_mut(Stream::Literals);
                (0, self.literals.number(value.as_bytes(), literals).into())
            }
        };
        put(self.streams.of_mut(Stream::Starts), start);
        put(self.streams.of_mut(Stream::Sizes), size);
    }
}

/// The first place where a part stands in a line. Most parts are found at the second or third place
/// their first byte is at, which is sooner than a searcher for them is built.
fn find(line: &[u8], part: &[u8]) -> Option<usize> {
    let first = part.first()?;
    memchr_iter(*first, line).find(|start| line[*start..].starts_with(part))
}

/// Units in which a stamp may be whole, in microseconds, the coarsest first: most devices give
/// seconds, and their last six digits need not be kept.
pub(super) const UNITS: [i64; 3] = [1_000_000, 1_000, 1];

/// 0 for none, else the distance from the last stamp in the coarsest unit that holds it, and the unit.
fn stamp(stamped: Option<i64>, last: i64) -> u64 {
    let Some(stamped) = stamped else { return 0 };
    let unit = UNITS.iter().position(|unit| stamped % unit == 0).unwrap_or(UNITS.len() - 1);
    let distance = stamped / UNITS[unit] - last.div_euclid(UNITS[unit]);
    1 + zigzag(distance) * UNITS.len() as u64 + unit as u64
}
