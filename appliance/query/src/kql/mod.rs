//! The Kusto Query Language on the tables of Microsoft Sentinel, and of Defender where the schema says
//! so.

mod check;
mod grammar;
mod read;
mod write;

use time::Duration;
use vedette_event::query::{Operator, Predicate, Query, Value};
use vedette_kb::dialects::Source;

use crate::check::CheckError;
use crate::dialect::{Dialect, Meaning, to_milliseconds};
use crate::lower::{Mapped, Platform, presence};
use crate::schema::Schema;
use crate::shape::compare;
use crate::text::refuse_plain;

/// KQL as the target of lowering.
pub(crate) struct Kql;

impl Platform for Kql {
    fn name(&self) -> &'static str {
        "kql"
    }

    fn refuses(&self, value: &str) -> Option<&'static str> {
        refuse_plain(value)
    }

    fn settle(&self, field: &str, operator: Operator, value: Value) -> Mapped {
        Mapped::exact(match (operator, &value) {
            (Operator::Equal | Operator::NotEqual, Value::Text(text)) if text.is_empty() => {
                presence(field, operator)
            }
            _ => compare(field, operator, value),
        })
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

    fn anywhere(&self) -> Option<&'static str> {
        Some("*")
    }
}

impl Dialect for Kql {
    fn adapt(&self, query: Query, notes: &mut Vec<String>) -> Query {
        if query.aggregation.is_some() {
            notes.push("approximated: counted in fixed slices of time".to_owned());
        }
        Query { time: to_milliseconds(query.time), ..query }
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
