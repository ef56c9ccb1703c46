//! The local query dialect, run over the blocks of the store, the newest first, for a bounded time.

mod aggregate;
mod compare;
mod plan;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::sync::Arc;
use std::time::{Duration, Instant};

use serde::Serialize;
use time::OffsetDateTime;
use vedette_event::query::{Query, TimeRange};
use vedette_event::{
    EventId, EvidenceError, EvidenceLine, EvidenceSource, Fields, Peer, SyslogSeverity,
};

use self::plan::{Matcher, Plan};
use crate::block::Block;
use crate::catalog::{Entry, blocks_received};
use crate::instant::{from_micros, to_micros};
use crate::segment::Place;
use crate::{Reader, StoreError};

/// Longest run of one search: a person waits no longer, and the disk is wanted by the writer. What
/// was found by then is the answer, with how far back it reaches.
pub const SEARCH_TIME: Duration = Duration::from_secs(5);

/// Rows of one answer at most, whatever the query asks for.
pub const MAX_ROWS: u32 = 10_000;

/// A line that matches a query.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct SearchRow {
    /// Its number.
    pub event_id: EventId,
    /// When the box received it.
    #[serde(with = "time::serde::rfc3339")]
    pub received_at: OffsetDateTime,
    /// The time it speaks of: its own, else when it was received.
    #[serde(with = "time::serde::rfc3339")]
    pub occurred_at: OffsetDateTime,
    /// Who sent it.
    pub peer: Peer,
    /// What its sender thought of it.
    pub severity: Option<SyslogSeverity>,
    /// Host name in the header.
    pub host: Option<String>,
    /// Application name in the header.
    pub app: Option<String>,
    /// The decoder that knew it.
    pub dataset: Option<String>,
    /// What the decoders read out of it.
    pub fields: Fields,
    /// The message part as text.
    pub message: String,
    /// The whole line as text, invalid UTF-8 replaced.
    pub raw: String,
    /// The values of the query's projection, in its order.
    pub columns: Vec<Option<String>>,
    /// The group it was counted in, where the query aggregates.
    pub group: Option<Group>,
}

/// A group that reached the threshold of an aggregation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Group {
    /// The values it is grouped by, in the order of the query.
    pub by: Vec<String>,
    /// The highest count within one window.
    pub count: u64,
}

/// How far a search has come: it goes from the newest lines to the oldest.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Progress {
    /// Lines looked at, or passed over because nothing in their block can match.
    pub searched: u64,
    /// Lines in the time range, rounded up to whole blocks.
    pub total: u64,
    /// Lines that match so far.
    pub found: usize,
}

/// What a search found.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Answer {
    /// The newest matching lines, the oldest of them first.
    pub rows: Vec<SearchRow>,
    /// Where the time was up before all was searched: everything received from here on was, and
    /// older lines may match too.
    #[serde(with = "time::serde::rfc3339::option", skip_serializing_if = "Option::is_none")]
    pub searched_back_to: Option<OffsetDateTime>,
}

impl Reader {
    /// Runs a query: the newest matching lines up to its limit, oldest of them first. An aggregation
    /// gives the lines of the windows that reach its threshold, each with its group.
    ///
    /// The time range bounds the time of receipt; `@timestamp` compares the line's own. A relative
    /// range has no upper end, so that a clock set back hides nothing.
    ///
    /// # Errors
    /// When the query asks for what the dialect cannot do, an aggregation takes too long, or the store
    /// cannot be read.
    pub fn search(&self, query: &Query, now: OffsetDateTime) -> Result<Answer, StoreError> {
        let deadline = Instant::now() + SEARCH_TIME;
        self.search_while(query, now, |_| Instant::now() < deadline)
    }

    /// The same for as long as `go_on` says so; it is asked after each block.
    ///
    /// # Errors
    /// As [`Reader::search`].
    pub fn search_while(
        &self,
        query: &Query,
        now: OffsetDateTime,
        go_on: impl FnMut(&Progress) -> bool,
    ) -> Result<Answer, StoreError> {
        let plan = Plan::new(query, now)?;
        match &query.aggregation {
            None => self.newest(&plan, query.limit.min(MAX_ROWS) as usize, go_on),
            Some(aggregation) => aggregate::search(self, &plan, (aggregation, query), go_on),
        }
    }

    fn newest(
        &self,
        plan: &Plan,
        count: usize,
        go_on: impl FnMut(&Progress) -> bool,
    ) -> Result<Answer, StoreError> {
        // By time of receipt and number, the oldest first.
        let mut found: BTreeMap<(i64, EventId), SearchRow> = BTreeMap::new();
        let unsearched = self.scan(plan, go_on, |matcher, newest| {
            let full = || found.len() >= count;
            // Nothing in this block or behind it is newer than what is there.
            if full() && found.first_key_value().is_none_or(|((at, _), _)| *at > newest) {
                return ControlFlow::Break(());
            }
            let block = matcher.block();
            for row in matcher.rows() {
                let key = (block.received(row), block.id(row));
                let older = found.first_key_value().is_some_and(|(first, _)| *first > key);
                if found.len() >= count && (older || count == 0) {
                    continue;
                }
                found.insert(key, matcher.search_row(row, None));
                if found.len() > count {
                    found.pop_first();
                }
            }
            ControlFlow::Continue(found.len())
        })?;
        Ok(Answer { rows: found.into_values().collect(), searched_back_to: unsearched })
    }

    /// Shows each block that may hold matching lines, the newest first, with the time of receipt of
    /// the newest line in it or behind it. Returns how far it came if `go_on` stopped it.
    fn scan(
        &self,
        plan: &Plan,
        mut go_on: impl FnMut(&Progress) -> bool,
        mut visit: impl FnMut(&Matcher<'_>, i64) -> ControlFlow<(), usize>,
    ) -> Result<Option<OffsetDateTime>, StoreError> {
        let sources = self.sources(plan)?;
        let total = sources.iter().map(Source::lines).sum();
        let mut progress = Progress { searched: 0, total, found: 0 };
        let mut filters = Filters::default();
        for source in sources {
            let newest = source.newest();
            progress.searched += source.lines();
            let block = match source {
                Source::Open(block) => Some(block),
                Source::Sealed(entry) if filters.may_match(self, plan, &entry) => {
                    // One that cannot be read is told in the log; the others are there.
                    self.read_block(&entry).ok()
                }
                Source::Sealed(_) => None,
            };
            if let Some(block) = block {
                match visit(&Matcher::new(plan, &block), newest) {
                    ControlFlow::Break(()) => return Ok(None),
                    ControlFlow::Continue(found) => progress.found = found,
                }
            }
            if !go_on(&progress) && progress.searched < progress.total {
                return Ok(Some(from_micros(newest)));
            }
        }
        Ok(None)
    }

    fn sources(&self, plan: &Plan) -> Result<Vec<Source>, StoreError> {
        let (from, to) = plan.span();
        self.with(|connection| {
            let snapshot = connection.unchecked_transaction()?;
            let open = self.open_block(&snapshot)?.filter(|block| block.len() > 0);
            let sealed = blocks_received(&snapshot, from, to)?;
            let mut sources: Vec<Source> = sealed.into_iter().map(Source::Sealed).collect();
            sources.extend(open.map(Source::Open));
            sources.sort_by_key(|source| std::cmp::Reverse(source.newest()));
            Ok(sources)
        })
    }
}

impl EvidenceSource for Reader {
    fn evidence(&self, query: &Query) -> Result<Vec<EvidenceLine>, EvidenceError> {
        let answer = self
            .search(query, OffsetDateTime::now_utc())
            .map_err(|error| EvidenceError(error.to_string()))?;
        let line = |row: SearchRow| EvidenceLine {
            event_id: Some(row.event_id),
            start: 0,
            end: row.raw.len(),
            raw: row.raw,
        };
        Ok(answer.rows.into_iter().map(line).collect())
    }
}

/// Where lines are.
enum Source {
    Sealed(Entry),
    Open(Arc<Block>),
}

impl Source {
    fn lines(&self) -> u64 {
        match self {
            Self::Sealed(entry) => entry.count.into(),
            Self::Open(block) => block.len() as u64,
        }
    }

    fn newest(&self) -> i64 {
        match self {
            Self::Sealed(entry) => entry.received_max,
            Self::Open(block) => block.span().1,
        }
    }
}

/// Reads a filter of one segment: where it lies, and how long it is.
type ReadFilter = Box<dyn FnMut(u64, u32) -> Option<crate::block::Filter>>;

/// The filters of the segment looked at last.
#[derive(Default)]
struct Filters {
    open: Option<(EventId, ReadFilter)>,
}

impl Filters {
    fn may_match(&mut self, reader: &Reader, plan: &Plan, entry: &Entry) -> bool {
        if !plan.is_selective() {
            return true;
        }
        let Place { segment, offset } = entry.place;
        if self.open.as_ref().is_none_or(|(known, _)| *known != segment) {
            // A filter that cannot be read denies nothing.
            let Ok(read) = reader.segments().filters(segment) else { return true };
            self.open = Some((segment, Box::new(read)));
        }
        let filter = self.open.as_mut().and_then(|(_, read)| read(offset, entry.filter_bytes));
        filter.is_none_or(|filter| plan.may_match(&filter))
    }
}

/// First and one past the last point in time, in microseconds.
fn bounds(range: TimeRange, now: OffsetDateTime) -> (i64, i64) {
    match range {
        TimeRange::Absolute { from, to } => (to_micros(from), to_micros(to)),
        TimeRange::Last(span) => (now.checked_sub(span).map_or(i64::MIN, to_micros), i64::MAX),
    }
}
