//! AQL, the Ariel Query Language of IBM QRadar, on its `events`.

mod check;
mod grammar;
mod lexer;
mod read;
mod write;

use std::net::IpAddr;

use time::Duration;
use vedette_event::query::{Operator, Predicate, Query, Value};
use vedette_kb::dialects::Source;

use crate::check::CheckError;
use crate::dialect::{Dialect, Meaning};
use crate::lower::{Mapped, Platform, folded, presence};
use crate::schema::Schema;
use crate::shape::compare;
use crate::text::refuse_plain;

/// AQL as the target of lowering.
pub(crate) struct Aql;

impl Platform for Aql {
    fn name(&self) -> &'static str {
        "aql"
    }

    fn refuses(&self, value: &str) -> Option<&'static str> {
        refuse_plain(value)
    }

    fn settle(&self, field: &str, operator: Operator, value: Value) -> Mapped {
        use Operator::{Contains, EndsWith, Equal, NotEqual, StartsWith};
        let field = match &value {
            Value::Text(address) if address.contains(':') => v6_property(field),
            _ => field,
        };
        let Value::Text(text) = &value else {
            return Mapped::exact(compare(field, operator, value));
        };
        let is_text = !is_address(field) && text.parse::<IpAddr>().is_err();
        match operator {
            Equal | NotEqual if text.is_empty() => Mapped::exact(presence(field, operator)),
            // Text differs where it is not equal in any case; one form less to write and read.
            NotEqual if is_text => {
                let same = self.settle(field, Equal, value).predicate;
                Mapped::exact(Predicate::Not(Box::new(same)))
            }
            EndsWith if !is_plain(text, EndsWith) => Mapped {
                predicate: folded(field, Contains, text),
                approximates: Some("anywhere in the text, as ILIKE cannot hold % or _"),
            },
            Equal | Contains | StartsWith if is_text && !is_plain(text, operator) => {
                Mapped::exact(folded(field, operator, text))
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

impl Dialect for Aql {
    fn adapt(&self, query: Query, notes: &mut Vec<String>) -> Query {
        if query.aggregation.is_some() {
            notes.push("approximated: counted in fixed slices of time".to_owned());
        }
        Query { time: write::rounded(query.time), ..query }
    }

    fn write(&self, query: &Query, source: &Source) -> String {
        let from = if source.name.is_empty() { "events" } else { &source.name };
        write::write(query, from)
    }

    fn read(&self, text: &str) -> Option<Meaning> {
        read::read(&grammar::parse(text).ok()?).map(Meaning::of_query)
    }

    fn check(&self, text: &str, schema: Option<&Schema>, fields: bool) -> Result<(), CheckError> {
        check::check(&grammar::parse(text)?, schema, fields)
    }

    fn carries_time(&self) -> bool {
        true
    }
}

/// Addresses have a property of their own per family.
fn v6_property(field: &str) -> &str {
    match field {
        "sourceip" => "sourcev6",
        "destinationip" => "destinationv6",
        other => other,
    }
}

/// Whether a property holds an address, which compares without ILIKE.
fn is_address(field: &str) -> bool {
    field.ends_with("ip") || field.ends_with("IP") || field.ends_with("v6")
}

/// Whether a text can stand in ILIKE: the guide defines no escape for `%` and `_`, and a backslash
/// beside the wildcard might be taken for one.
fn is_plain(text: &str, operator: Operator) -> bool {
    let beside_wildcard = matches!(operator, Operator::Contains | Operator::StartsWith);
    let unclear_end = beside_wildcard && text.ends_with('\\');
    !(unclear_end || text.contains(['%', '_']))
}

#[cfg(test)]
mod tests;
