//! The box's own query line: every field is an ECS field and every text can be written.

mod lexer;
mod read;
mod write;

pub(crate) use read::parse_filter;
pub use read::parse_local;
pub(crate) use write::{span, write};

use time::Duration;
use vedette_event::query::{Operator, Predicate, Value};

use crate::lower::{Mapped, Platform};
use crate::shape::compare;

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

#[cfg(test)]
mod tests;
