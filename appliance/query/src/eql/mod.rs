//! The Event Query Language of Elastic, on the Elastic Common Schema.

mod check;
mod grammar;
mod read;
mod write;

use time::Duration;
use vedette_event::query::{Operator, Predicate, Query, Value};
use vedette_kb::dialects::Source;

use crate::check::CheckError;
use crate::dialect::{Dialect, Meaning, limit_beside, without_projection};
use crate::lower::{Mapped, Platform, presence};
use crate::schema::Schema;
use crate::shape::compare;
use crate::text::refuse_plain;

/// EQL as the target of lowering.
pub(crate) struct Eql;

/// The least events that make a sequence, and the most that we write in one: each stands in full,
/// since not every version has `with runs`.
const MIN_RUNS: u64 = 2;
const MAX_RUNS: u64 = 10;

impl Platform for Eql {
    fn name(&self) -> &'static str {
        "eql"
    }

    fn refuses(&self, value: &str) -> Option<&'static str> {
        refuse_plain(value)
    }

    fn settle(&self, field: &str, operator: Operator, value: Value) -> Mapped {
        use Operator::{Contains, Equal, NotEqual};
        let wild = |text: &str| text.contains(['*', '?']);
        match (operator, &value) {
            (Equal | NotEqual, Value::Text(text)) if text.is_empty() => {
                Mapped::exact(presence(field, operator))
            }
            (NotEqual, _) => {
                let same = self.settle(field, Equal, value);
                Mapped { predicate: Predicate::Not(Box::new(same.predicate)), ..same }
            }
            (Equal, Value::Text(text)) if wild(text) => Mapped {
                predicate: compare(field, Contains, value),
                approximates: Some("anywhere in the text, as : takes * and ? for wildcards"),
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
}

impl Dialect for Eql {
    fn adapt(&self, mut query: Query, notes: &mut Vec<String>) -> Query {
        query = limit_beside(without_projection(query, notes), notes);
        if let Predicate::And(parts) = &mut query.filter {
            // The category stands first: it becomes the query's first word.
            parts.sort_by_key(|part| !write::is_category(part));
        }
        let Some(counting) = &mut query.aggregation else { return query };
        if counting.distinct.take().is_some() {
            notes.push("approximated: counts events, not distinct values".to_owned());
        }
        let asked = counting.at_least;
        counting.at_least = asked.clamp(MIN_RUNS, MAX_RUNS);
        if counting.at_least != asked {
            notes.push(format!(
                "approximated: {} events in a row stand for {asked}, in a sequence of 2 to 10",
                counting.at_least
            ));
        }
        query
    }

    fn write(&self, query: &Query, _source: &Source) -> String {
        write::write(query)
    }

    fn read(&self, text: &str) -> Option<Meaning> {
        read::read(&grammar::parse(text).ok()?)
    }

    fn check(&self, text: &str, schema: Option<&Schema>, fields: bool) -> Result<(), CheckError> {
        let query = grammar::parse(text)?;
        if fields { check::check(&query, schema) } else { Ok(()) }
    }

    fn carries_time(&self) -> bool {
        false
    }
}
