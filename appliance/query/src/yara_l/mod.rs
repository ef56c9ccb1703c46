//! YARA-L 2.0 on Google SecOps' Unified Data Model.

mod check;
mod grammar;
mod lexer;
mod read;
mod write;

use time::Duration;
use vedette_event::query::{Operator, Predicate, Query, Value};
use vedette_kb::dialects::Source;

use crate::check::CheckError;
use crate::dialect::{Dialect, Meaning, limit_beside};
use crate::lower::{Mapped, Platform, folded, presence};
use crate::schema::Schema;
use crate::shape::{compare, text};
use crate::text::refuse_plain;

/// YARA-L as the target of lowering.
pub(crate) struct YaraL;

/// What "every line" is said with: a rule needs at least one predicate.
pub(crate) const EVERYTHING: (&str, &str) = ("metadata.event_type", "EVENTTYPE_UNSPECIFIED");

impl Platform for YaraL {
    fn name(&self) -> &'static str {
        "yara-l"
    }

    fn refuses(&self, value: &str) -> Option<&'static str> {
        refuse_plain(value)
    }

    fn settle(&self, field: &str, operator: Operator, value: Value) -> Mapped {
        use Operator::{Contains, EndsWith, Equal, NotEqual, StartsWith};
        Mapped::exact(match (operator, &value) {
            // Absent numbers read as zero, absent texts as empty.
            (NotEqual, Value::Number(0)) => presence(field, operator),
            (Equal | NotEqual, Value::Text(empty)) if empty.is_empty() => presence(field, operator),
            (Contains | StartsWith | EndsWith, Value::Text(part)) => folded(field, operator, part),
            _ => compare(field, operator, value),
        })
    }

    fn window(&self, window: Duration) -> Duration {
        write::match_window(window)
    }

    fn everything(&self) -> Option<Predicate> {
        Some(text(EVERYTHING.0, Operator::NotEqual, EVERYTHING.1))
    }
}

impl Dialect for YaraL {
    fn adapt(&self, query: Query, notes: &mut Vec<String>) -> Query {
        limit_beside(query, notes)
    }

    fn write(&self, query: &Query, _source: &Source) -> String {
        write::write(query)
    }

    fn read(&self, text: &str) -> Option<Meaning> {
        read::read(&grammar::parse(text).ok()?)
    }

    fn check(&self, text: &str, schema: Option<&Schema>, fields: bool) -> Result<(), CheckError> {
        check::check(&grammar::parse(text)?, schema, fields)
    }

    fn carries_time(&self) -> bool {
        false
    }
}

#[cfg(test)]
mod tests;
