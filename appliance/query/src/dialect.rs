//! The dialects: what rendering and checking ask of one, and which there are.

use time::OffsetDateTime;
use vedette_event::query::{Aggregation, FieldName, Language, Predicate, Query, TimeRange};
use vedette_kb::dialects::Source;

use crate::check::CheckError;
use crate::lower::Platform;
use crate::schema::Schema;
use crate::{aql, eql, esql, kql, kuery, local, logscale, lucene, sigma, spl, yara_l};

/// A dialect: lowering's view of it, a writer, a reader and a checker.
pub(crate) trait Dialect: Platform {
    /// The query as the dialect can say it: counting left out where it cannot count, times rounded
    /// outwards where it knows only coarse ones, and a note for each.
    fn adapt(&self, query: Query, notes: &mut Vec<String>) -> Query;
    /// The text of a lowered and adapted query.
    fn write(&self, query: &Query, source: &Source) -> String;
    /// What a text of ours says.
    fn read(&self, text: &str) -> Option<Meaning>;
    /// Judges a text; `fields` says whether field lists and bounds count.
    ///
    /// # Errors
    /// The first thing that is wrong.
    fn check(&self, text: &str, schema: Option<&Schema>, fields: bool) -> Result<(), CheckError>;
    /// Whether its texts carry the time they look at.
    fn carries_time(&self) -> bool;
}

/// What a text says; absent what texts of its dialect do not carry.
#[derive(Debug, PartialEq)]
pub(crate) struct Meaning {
    pub(crate) filter: Predicate,
    pub(crate) aggregation: Option<Aggregation>,
    pub(crate) projection: Option<Vec<FieldName>>,
    pub(crate) time: Option<TimeRange>,
    pub(crate) limit: Option<u32>,
}

impl Meaning {
    /// That of a text which carries a filter alone.
    pub(crate) fn of_filter(filter: Predicate) -> Self {
        Self { filter, aggregation: None, projection: None, time: None, limit: None }
    }

    /// That of a text which carries everything.
    pub(crate) fn of_query(query: Query) -> Self {
        Self {
            filter: query.filter,
            aggregation: query.aggregation,
            projection: Some(query.projection),
            time: Some(query.time),
            limit: Some(query.limit),
        }
    }

    /// Whether this is the meaning of a lowered query.
    pub(crate) fn is_of(&self, query: &Query) -> bool {
        self.filter == query.filter
            && self.aggregation == query.aggregation
            && self.projection.as_ref().is_none_or(|shown| *shown == query.projection)
            && self.time.is_none_or(|time| time == query.time)
            && self.limit.is_none_or(|limit| limit == query.limit)
    }

    /// The query it is, what the text does not carry taken from another.
    pub(crate) fn into_query(self, rest: &Query) -> Query {
        Query {
            filter: self.filter,
            aggregation: self.aggregation,
            projection: self.projection.unwrap_or_else(|| rest.projection.clone()),
            time: self.time.unwrap_or(rest.time),
            limit: self.limit.unwrap_or(rest.limit),
        }
    }
}

/// The dialect of a language.
pub(crate) fn of(language: Language) -> &'static dyn Dialect {
    match language {
        Language::Local => &local::Local,
        Language::YaraL => &yara_l::YaraL,
        Language::Aql => &aql::Aql,
        Language::Kql => &kql::Kql,
        Language::Spl => &spl::Spl,
        Language::Esql => &esql::Esql,
        Language::Eql => &eql::Eql,
        Language::Lucene => &lucene::Lucene,
        Language::Kuery => &kuery::Kuery,
        Language::Sigma => &sigma::Sigma,
        Language::LogScale => &logscale::LogScale,
    }
}

/// The query without the counting that a dialect cannot say.
pub(crate) fn without_counting(query: Query, notes: &mut Vec<String>) -> Query {
    if let Some(Aggregation { at_least, .. }) = &query.aggregation {
        notes.push(format!(
            "left out: counting at least {at_least} (the dialect cannot count); the lines themselves \
             are found"
        ));
    }
    Query { aggregation: None, ..query }
}

/// The query without the list of fields to show, which the dialect's own view decides.
pub(crate) fn without_projection(query: Query, notes: &mut Vec<String>) -> Query {
    if !query.projection.is_empty() {
        notes.push("left out: which fields to show (the dialect has no list of them)".to_owned());
    }
    Query { projection: Vec::new(), ..query }
}

/// The row limit where the text has no place for one.
pub(crate) fn limit_beside(query: Query, notes: &mut Vec<String>) -> Query {
    notes.push(format!(
        "the text carries no row limit: {} rows are meant, set where it runs",
        query.limit
    ));
    query
}

/// A time in RFC 3339 and UTC to the millisecond, as most platforms read it.
pub(crate) fn stamp(at: OffsetDateTime) -> String {
    let utc = at.to_offset(time::UtcOffset::UTC);
    let (date, milliseconds) = (utc.date(), utc.millisecond());
    format!(
        "{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{milliseconds:03}Z",
        date.year(),
        u8::from(date.month()),
        date.day(),
        utc.hour(),
        utc.minute(),
        utc.second(),
    )
}

/// Reads what [`stamp`] writes.
pub(crate) fn read_stamp(text: &str) -> Option<OffsetDateTime> {
    OffsetDateTime::parse(text, &time::format_description::well_known::Rfc3339).ok()
}

/// The window to the second, rounded outwards and in UTC.
pub(crate) fn to_seconds(time: TimeRange) -> TimeRange {
    match to_milliseconds(time) {
        TimeRange::Absolute { from, to } => {
            let floor =
                |at: OffsetDateTime| at - time::Duration::nanoseconds(i64::from(at.nanosecond()));
            let end = floor(to);
            let to = if end == to { end } else { end + time::Duration::seconds(1) };
            TimeRange::Absolute { from: floor(from), to }
        }
        relative => relative,
    }
}

/// The window to the millisecond, absolute ones rounded outwards and in UTC, relative ones to whole
/// seconds.
pub(crate) fn to_milliseconds(time: TimeRange) -> TimeRange {
    let floor = |at: OffsetDateTime| {
        let utc = at.to_offset(time::UtcOffset::UTC);
        utc - time::Duration::nanoseconds(i64::from(utc.nanosecond() % 1_000_000))
    };
    match time {
        TimeRange::Last(span) => {
            TimeRange::Last(time::Duration::seconds(span.whole_seconds().max(1)))
        }
        TimeRange::Absolute { from, to } => {
            let end = floor(to);
            let to = if end == to { end } else { end + time::Duration::milliseconds(1) };
            TimeRange::Absolute { from: floor(from), to }
        }
    }
}
