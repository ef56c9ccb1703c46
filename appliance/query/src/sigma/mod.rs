//! Sigma rules: a log source, selections of field values and a condition over them; a correlation
//! where something is counted.

mod check;
mod grammar;
mod read;
mod write;
mod yaml;

use time::Duration;
use vedette_event::query::{Operator, Predicate, Query, Value};
use vedette_kb::dialects::Source;

use crate::check::CheckError;
use crate::dialect::{Dialect, Meaning, limit_beside, without_projection};
use crate::lower::{Mapped, Platform, presence};
use crate::schema::Schema;
use crate::shape::compare;
use crate::text::refuse_plain;

/// Sigma as the target of lowering.
pub(crate) struct Sigma;

impl Platform for Sigma {
    fn name(&self) -> &'static str {
        "sigma"
    }

    fn refuses(&self, value: &str) -> Option<&'static str> {
        // Unicode's last two characters of the first plane stand in no YAML text.
        let outside = |character: char| matches!(character, '\u{FFFE}' | '\u{FFFF}');
        let hidden = value.chars().any(outside);
        refuse_plain(value).or(hidden.then_some("holds a character that YAML has no place for"))
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

    fn chooses_source(&self) -> bool {
        true
    }
}

impl Dialect for Sigma {
    fn adapt(&self, query: Query, notes: &mut Vec<String>) -> Query {
        limit_beside(without_projection(query, notes), notes)
    }

    fn write(&self, query: &Query, source: &Source) -> String {
        write::write(query, source)
    }

    fn read(&self, text: &str) -> Option<Meaning> {
        read::read(&grammar::parse(text).ok()?)
    }

    fn check(&self, text: &str, schema: Option<&Schema>, fields: bool) -> Result<(), CheckError> {
        let rules = grammar::parse(text)?;
        check::check(&rules, schema, fields)
    }

    fn carries_time(&self) -> bool {
        false
    }
}
