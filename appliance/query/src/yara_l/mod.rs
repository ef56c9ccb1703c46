//! YARA-L 2.0 on Google SecOps' Unified Data Model.

mod check;
mod grammar;
mod lexer;
mod read;
mod write;

pub(crate) use check::check;
pub(crate) use grammar::parse;
pub(crate) use read::read;
pub(crate) use write::write;

use time::Duration;
use vedette_event::query::{Operator, Predicate, Value};

use crate::lower::{Mapped, Platform, folded, presence};
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

#[cfg(test)]
mod tests;
