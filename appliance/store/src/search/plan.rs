//! A query made ready: its fields resolved to columns, its values parsed, and what it needs of a
//! block's filter.

use std::borrow::Cow;

use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;
use vedette_event::query::{FieldName, Operator, Predicate, Query, Value};
use vedette_event::{Facility, Peer, SyslogSeverity};

use super::compare::Wanted;
use super::{Group, SearchRow};
use crate::StoreError;
use crate::block::{Block, Filter, Kind, Trace};
use crate::instant::{from_micros, to_micros};

/// Comparisons in one query: far more than a person or a generated query needs.
const MAX_NODES: usize = 500;

/// Nesting of one query, for the same reason.
const MAX_DEPTH: usize = 32;

/// What every line has in a column of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Column {
    Message,
    Raw,
    Id,
    Dataset,
    Occurred,
    Received,
    Peer,
    Facility,
    Severity,
    Host,
    App,
    Process,
    MessageId,
}

/// Where the value of a field is found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Operand {
    Column(Column),
    /// The field at this place of [`Plan::fields`], else the column.
    Field(usize, Option<Column>),
}

/// The columns of ECS fields, and whether what a decoder read goes before.
fn column(field: &str) -> Option<(Column, bool)> {
    Some(match field {
        "message" => (Column::Message, false),
        "raw" | "event.original" => (Column::Raw, false),
        "event.id" => (Column::Id, false),
        "event.dataset" => (Column::Dataset, false),
        "@timestamp" => (Column::Occurred, false),
        "event.created" | "event.ingested" => (Column::Received, false),
        "log.source.address" => (Column::Peer, false),
        "log.syslog.facility.code" => (Column::Facility, false),
        "log.syslog.severity.code" => (Column::Severity, false),
        "log.syslog.hostname" => (Column::Host, false),
        "log.syslog.appname" => (Column::App, false),
        "log.syslog.procid" => (Column::Process, false),
        "log.syslog.msgid" => (Column::MessageId, false),
        "host.name" | "host.hostname" => (Column::Host, true),
        "process.name" => (Column::App, true),
        "process.pid" => (Column::Process, true),
        _ => return None,
    })
}

/// What a line must satisfy.
#[derive(Debug)]
enum Test {
    All(Vec<Test>),
    Any(Vec<Test>),
    Not(Box<Test>),
    Exists(Operand),
    Compare(Operand, Operator, Wanted),
    Time(Column, Operator, i64),
}

/// What the filter of a block must satisfy, if any line of it is to match.
#[derive(Debug)]
enum Need {
    Nothing,
    Trace(Trace),
    All(Vec<Need>),
    Any(Vec<Need>),
}

/// A query made ready.
#[derive(Debug)]
pub(super) struct Plan {
    test: Test,
    need: Need,
    span: (i64, i64),
    fields: Vec<String>,
    projection: Vec<Operand>,
    /// What an aggregation groups by.
    by: Vec<Operand>,
    distinct: Option<Operand>,
}

impl Plan {
    pub(super) fn new(query: &Query, now: OffsetDateTime) -> Result<Self, StoreError> {
        let mut resolver = Resolver::default();
        let test = resolver.test(&query.filter, 0)?;
        let all = |resolver: &mut Resolver, fields: &[FieldName]| {
            fields.iter().map(|field| resolver.operand(&field.0)).collect::<Vec<_>>()
        };
        let projection = all(&mut resolver, &query.projection);
        let grouping = query.aggregation.as_ref();
        let by = grouping.map(|grouping| all(&mut resolver, &grouping.by)).unwrap_or_default();
        let distinct = grouping.and_then(|grouping| grouping.distinct.as_ref());
        let distinct = distinct.map(|field| resolver.operand(&field.0));
        Ok(Self {
            test,
            need: need(&query.filter),
            span: super::bounds(query.time, now),
            fields: resolver.fields,
            projection,
            by,
            distinct,
        })
    }

    /// The time of receipt: first and one past the last, in microseconds since 1970. A line's own time
    /// is written by its sender.
    pub(super) fn span(&self) -> (i64, i64) {
        self.span
    }

    /// Whether filters can rule out a block.
    pub(super) fn is_selective(&self) -> bool {
        !matches!(self.need, Need::Nothing)
    }

    pub(super) fn may_match(&self, filter: &Filter) -> bool {
        self.need.is_met(filter)
    }
}

#[derive(Default)]
struct Resolver {
    fields: Vec<String>,
    nodes: usize,
}

impl Resolver {
    fn test(&mut self, predicate: &Predicate, depth: usize) -> Result<Test, StoreError> {
        self.nodes += 1;
        if depth > MAX_DEPTH || self.nodes > MAX_NODES {
            return Err(unsupported(format!(
                "more than {MAX_NODES} conditions or {MAX_DEPTH} levels"
            )));
        }
        let mut all = |parts: &[Predicate]| {
            parts.iter().map(|part| self.test(part, depth + 1)).collect::<Result<Vec<_>, _>>()
        };
        Ok(match predicate {
            Predicate::And(parts) => Test::All(all(parts)?),
            Predicate::Or(parts) => Test::Any(all(parts)?),
            Predicate::Not(part) => Test::Not(Box::new(self.test(part, depth + 1)?)),
            Predicate::Exists(field) => Test::Exists(self.operand(&field.0)),
            Predicate::Compare { field, operator, value } => match column(&field.0) {
                Some((column @ (Column::Occurred | Column::Received), _)) => {
                    Test::Time(column, *operator, point_in_time(*operator, value)?)
                }
                _ => {
                    let wanted = Wanted::new(*operator, value)?;
                    Test::Compare(self.operand(&field.0), *operator, wanted)
                }
            },
        })
    }

    fn operand(&mut self, field: &str) -> Operand {
        match column(field) {
            Some((column, false)) => Operand::Column(column),
            other => {
                let known = self.fields.iter().position(|known| known == field);
                let place = known.unwrap_or_else(|| {
                    self.fields.push(field.to_owned());
                    self.fields.len() - 1
                });
                Operand::Field(place, other.map(|(column, _)| column))
            }
        }
    }
}

fn point_in_time(operator: Operator, value: &Value) -> Result<i64, StoreError> {
    use Operator::{Equal, Greater, GreaterEqual, Less, LessEqual, NotEqual};
    if !matches!(operator, Equal | NotEqual | Less | LessEqual | Greater | GreaterEqual) {
        return Err(unsupported(format!("{operator} on a point in time")));
    }
    OffsetDateTime::parse(&value.to_string(), &Rfc3339)
        .map(to_micros)
        .map_err(|_| unsupported(format!("{value:?} is not a time (RFC 3339)")))
}

pub(super) fn unsupported(what: String) -> StoreError {
    StoreError::Unsupported(what)
}

/// Shortest text that leaves a trace by its pieces.
const PIECE: usize = 3;

fn need(predicate: &Predicate) -> Need {
    match predicate {
        Predicate::And(parts) => {
            let needs: Vec<Need> = parts.iter().map(need).filter(Need::is_something).collect();
            if needs.is_empty() { Need::Nothing } else { Need::All(needs) }
        }
        Predicate::Or(parts) => {
            let needs: Vec<Need> = parts.iter().map(need).collect();
            if needs.iter().all(Need::is_something) { Need::Any(needs) } else { Need::Nothing }
        }
        Predicate::Not(_) => Need::Nothing,
        Predicate::Exists(field) => match column(&field.0) {
            None => Need::Trace(Trace::Field(field.0.clone())),
            Some(_) => Need::Nothing,
        },
        Predicate::Compare { operator: Operator::NotEqual, .. } => Need::Nothing,
        Predicate::Compare { field, operator, value } => {
            let text = value.to_string().to_lowercase();
            match (column(&field.0), operator) {
                (None, Operator::Equal) => value_trace(&field.0, text),
                (None, _) => Need::Trace(Trace::Field(field.0.clone())),
                (Some((Column::Message | Column::Raw, _)), _) if text.len() >= PIECE => match value
                {
                    Value::Text(_) => Need::Trace(Trace::Text(text)),
                    Value::Number(_) => Need::Nothing,
                },
                (Some((column, or_field)), Operator::Equal) => {
                    let header = header_name(column).map(|name| value_trace(name, text.clone()));
                    match (header, or_field) {
                        (Some(header), true) => {
                            Need::Any(vec![header, value_trace(&field.0, text)])
                        }
                        (Some(header), false) => header,
                        (None, _) => Need::Nothing,
                    }
                }
                _ => Need::Nothing,
            }
        }
    }
}

fn value_trace(name: &str, value: String) -> Need {
    Need::Trace(Trace::Value(name.to_owned(), value))
}

/// The name under which a column of the header is in the filter.
fn header_name(column: Column) -> Option<&'static str> {
    match column {
        Column::Host => Some("log.syslog.hostname"),
        Column::App => Some("log.syslog.appname"),
        Column::MessageId => Some("log.syslog.msgid"),
        Column::Dataset => Some("event.dataset"),
        _ => None,
    }
}

impl Need {
    fn is_something(&self) -> bool {
        !matches!(self, Self::Nothing)
    }

    fn is_met(&self, filter: &Filter) -> bool {
        match self {
            Self::Nothing => true,
            Self::Trace(trace) => filter.may_hold(trace),
            Self::All(needs) => needs.iter().all(|need| need.is_met(filter)),
            Self::Any(needs) => needs.iter().any(|need| need.is_met(filter)),
        }
    }
}

/// A plan applied to a block.
pub(super) struct Matcher<'a> {
    plan: &'a Plan,
    block: &'a Block,
    /// By kind and field of the plan, the place of its value.
    places: Vec<Vec<Option<usize>>>,
}

impl<'a> Matcher<'a> {
    pub(super) fn new(plan: &'a Plan, block: &'a Block) -> Self {
        let places = |kind: &Kind| {
            let place = |field| kind.names.iter().position(|name| name == field);
            plan.fields.iter().map(place).collect()
        };
        Self { plan, block, places: block.kinds().iter().map(places).collect() }
    }

    pub(super) fn block(&self) -> &'a Block {
        self.block
    }

    /// The matching lines.
    pub(super) fn rows(&self) -> impl Iterator<Item = usize> {
        let (from, to) = self.plan.span;
        (0..self.block.len()).filter(move |row| {
            (from..to).contains(&self.block.received(*row)) && self.test(&self.plan.test, *row)
        })
    }

    fn test(&self, test: &Test, row: usize) -> bool {
        match test {
            Test::All(parts) => parts.iter().all(|part| self.test(part, row)),
            Test::Any(parts) => parts.iter().any(|part| self.test(part, row)),
            Test::Not(part) => !self.test(part, row),
            Test::Exists(operand) => self.value(*operand, row).is_some(),
            Test::Compare(operand, operator, wanted) => match self.value(*operand, row) {
                Some(value) => wanted.matches(&value, *operator),
                // A field that is not there differs from everything.
                None => *operator == Operator::NotEqual,
            },
            Test::Time(column, operator, wanted) => {
                let at = match column {
                    Column::Occurred => self.block.occurred(row),
                    _ => self.block.received(row),
                };
                match operator {
                    Operator::Equal => at == *wanted,
                    Operator::NotEqual => at != *wanted,
                    Operator::Less => at < *wanted,
                    Operator::LessEqual => at <= *wanted,
                    Operator::Greater => at > *wanted,
                    _ => at >= *wanted,
                }
            }
        }
    }

    fn value(&self, operand: Operand, row: usize) -> Option<Cow<'a, str>> {
        match operand {
            Operand::Column(column) => self.column(column, row),
            Operand::Field(field, column) => match self.places[self.block.kind_of(row)][field] {
                Some(place) => Some(self.block.field(row, place)),
                None => self.column(column?, row),
            },
        }
    }

    fn column(&self, column: Column, row: usize) -> Option<Cow<'a, str>> {
        let block = self.block;
        let kind = &block.kinds()[block.kind_of(row)];
        let number = |number: i64| Some(Cow::Owned(number.to_string()));
        match column {
            Column::Message => Some(block.message(row)),
            Column::Raw => Some(String::from_utf8_lossy(block.raw(row))),
            Column::Id => number(block.id(row).0.cast_signed()),
            Column::Occurred => number(block.occurred(row)),
            Column::Received => number(block.received(row)),
            Column::Peer => match block.peer(row) {
                Peer::Network(address) => Some(Cow::Owned(address.to_string())),
                Peer::Local => None,
            },
            Column::Facility => {
                kind.facility.map(Facility::code).and_then(|code| number(code.into()))
            }
            Column::Severity => {
                kind.severity.map(SyslogSeverity::code).and_then(|code| number(code.into()))
            }
            Column::Dataset => kind.dataset.as_deref().map(Cow::Borrowed),
            Column::Host => kind.host.as_deref().map(Cow::Borrowed),
            Column::App => kind.app.as_deref().map(Cow::Borrowed),
            Column::MessageId => kind.msg_id.as_deref().map(Cow::Borrowed),
            Column::Process => block.process(row),
        }
    }

    /// The values a line is grouped by, and the one counted once; `None` where one is missing.
    pub(super) fn grouping(&self, row: usize) -> Option<(Vec<String>, Option<String>)> {
        let text = |operand| self.value(operand, row).map(Cow::into_owned);
        let by = self.plan.by.iter().map(|operand| text(*operand)).collect::<Option<_>>()?;
        Some((by, self.plan.distinct.and_then(text)))
    }

    pub(super) fn search_row(&self, row: usize, group: Option<Group>) -> SearchRow {
        let columns = self.plan.projection.iter();
        let columns = columns.map(|field| self.value(*field, row).map(Cow::into_owned)).collect();
        let record = self.block.record(row);
        SearchRow {
            event_id: self.block.id(row),
            received_at: record.received_at,
            occurred_at: from_micros(self.block.occurred(row)),
            peer: record.peer,
            severity: record.severity,
            raw: String::from_utf8_lossy(&record.raw).into_owned(),
            host: record.host,
            app: record.app,
            dataset: record.dataset.map(Into::into),
            fields: record.fields,
            message: record.message,
            columns,
            group,
        }
    }
}
