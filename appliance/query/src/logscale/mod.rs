//! The CrowdStrike Query Language (LogScale), on the CrowdStrike Parsing Standard.

mod check;
mod grammar;
mod read;
mod write;

use time::Duration;
use vedette_event::query::{Operator, Predicate, Query, Value};
use vedette_kb::dialects::Source;

use crate::check::CheckError;
use crate::dialect::{Dialect, Meaning};
use crate::lower::{Mapped, Platform, presence};
use crate::schema::Schema;
use crate::shape::compare;
use crate::text::refuse_plain;

/// LogScale as the target of lowering.
pub(crate) struct LogScale;

impl Platform for LogScale {
    fn name(&self) -> &'static str {
        "logscale"
    }

    fn refuses(&self, value: &str) -> Option<&'static str> {
        refuse_plain(value)
    }

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

impl Dialect for LogScale {
    fn adapt(&self, query: Query, notes: &mut Vec<String>) -> Query {
        if query.aggregation.is_some() {
            notes.push("approximated: counted in fixed slices of time".to_owned());
            return crate::dialect::without_projection(query, notes);
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
        let steps = grammar::parse(text)?;
        if fields { check::check(&steps, schema) } else { Ok(()) }
    }

    fn carries_time(&self) -> bool {
        false
    }
}
