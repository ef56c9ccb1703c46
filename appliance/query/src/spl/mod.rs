//! The Search Processing Language of Splunk, on the fields of its Common Information Model.

mod check;
mod grammar;
mod read;
mod search;
mod write;

use time::Duration;
use vedette_event::query::{Operator, Predicate, Query, TimeRange, Value};
use vedette_kb::dialects::Source;

use crate::check::CheckError;
use crate::dialect::{Dialect, Meaning, to_seconds};
use crate::lower::{Mapped, Platform, presence};
use crate::schema::Schema;
use crate::shape::compare;
use crate::text::refuse_plain;

/// SPL as the target of lowering.
pub(crate) struct Spl;

impl Platform for Spl {
    fn name(&self) -> &'static str {
        "spl"
    }

    fn refuses(&self, value: &str) -> Option<&'static str> {
        refuse_plain(value)
    }

    /// A search knows no escape for the wildcard: a value that holds one finds more than itself.
    fn settle(&self, field: &str, operator: Operator, value: Value) -> Mapped {
        use Operator::{Equal, NotEqual};
        match (operator, &value) {
            (Equal | NotEqual, Value::Text(text)) if text.is_empty() => {
                Mapped::exact(presence(field, operator))
            }
            (NotEqual, _) => {
                let same = self.settle(field, Equal, value);
                Mapped { predicate: Predicate::Not(Box::new(same.predicate)), ..same }
            }
            (_, Value::Text(text)) if text.starts_with('*') || text.ends_with('*') => Mapped {
                predicate: compare(field, Operator::Contains, value),
                approximates: Some("anywhere, as a star stands for any text in a search"),
            },
            (_, Value::Text(text)) if text.contains('*') => Mapped {
                predicate: compare(field, operator, value),
                approximates: Some("a star stands for any text in a search"),
            },
            _ => Mapped::exact(compare(field, operator, value)),
        }
    }

    /// Whole seconds, at least one.
    fn window(&self, window: Duration) -> Duration {
        Duration::seconds(window.whole_seconds().max(1))
    }

    fn everything(&self) -> Option<Predicate> {
        Some(Predicate::And(Vec::new()))
    }

    fn chooses_source(&self) -> bool {
        true
    }
}

impl Dialect for Spl {
    fn adapt(&self, query: Query, notes: &mut Vec<String>) -> Query {
        if query.aggregation.is_some() {
            notes.push("approximated: counted in fixed slices of time".to_owned());
        }
        let time: TimeRange = to_seconds(query.time);
        Query { time, ..query }
    }

    fn write(&self, query: &Query, source: &Source) -> String {
        write::write(query, source)
    }

    fn read(&self, text: &str) -> Option<Meaning> {
        read::read(&grammar::parse(text).ok()?).map(Meaning::of_query)
    }

    fn check(&self, text: &str, schema: Option<&Schema>, fields: bool) -> Result<(), CheckError> {
        let query = grammar::parse(text)?;
        if fields { check::check(&query, schema) } else { Ok(()) }
    }

    fn carries_time(&self) -> bool {
        true
    }
}
