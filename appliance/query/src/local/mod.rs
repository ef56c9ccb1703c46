//! The box's own query line: every field is an ECS field and every text can be written.

mod lexer;
mod read;
mod write;

pub(crate) use read::parse_filter;
pub use read::parse_local;
pub(crate) use write::{span, write};

use time::{Duration, OffsetDateTime};
use vedette_event::query::{Operator, Predicate, Query, Value};
use vedette_kb::dialects::Source;

use crate::check::CheckError;
use crate::dialect::{Dialect, Meaning};
use crate::lower::{Mapped, Platform};
use crate::schema::Schema;
use crate::shape::{compare, each_field};

/// The local dialect as the target of lowering.
pub(crate) struct Local;

impl Platform for Local {
    fn name(&self) -> &'static str {
        "local"
    }

    fn refuses(&self, _value: &str) -> Option<&'static str> {
        None
    }

    fn settle(&self, field: &str, operator: Operator, value: Value) -> Mapped {
        Mapped::exact(compare(field, operator, value))
    }

    /// Whole seconds, at least one.
    fn window(&self, window: Duration) -> Duration {
        Duration::seconds(window.whole_seconds().max(1))
    }

    fn takes_any_field(&self) -> bool {
        true
    }

    fn everything(&self) -> Option<Predicate> {
        Some(Predicate::And(Vec::new()))
    }
}

impl Dialect for Local {
    fn adapt(&self, query: Query, _notes: &mut Vec<String>) -> Query {
        query
    }

    fn write(&self, query: &Query, _source: &Source) -> String {
        write(query)
    }

    fn read(&self, text: &str) -> Option<Meaning> {
        parse_local(text, OffsetDateTime::UNIX_EPOCH).ok().map(Meaning::of_query)
    }

    /// A line may use any ECS field; under a schema, the schema's.
    fn check(&self, text: &str, schema: Option<&Schema>, _fields: bool) -> Result<(), CheckError> {
        let query = parse_local(text, OffsetDateTime::UNIX_EPOCH)?;
        let mut unknown = None;
        each_field(&query.filter, &mut |field| {
            if schema.is_some_and(|schema| schema.kind_of(&field.0).is_none()) {
                unknown.get_or_insert_with(|| field.0.clone());
            }
        });
        unknown.map_or(Ok(()), |field| Err(CheckError::UnknownField(field)))
    }

    fn carries_time(&self) -> bool {
        true
    }
}

#[cfg(test)]
mod tests;
