//! Sigma rules: a log source, selections of field values and a condition over them; a correlation
//! where something is counted.

mod check;
mod grammar;
mod read;
mod write;
mod yaml;

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

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
            (Operator::InNetwork, Value::Text(network)) => {
                Mapped::exact(compare(field, operator, Value::Text(without_host_bits(network))))
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

    fn anywhere(&self) -> Option<&'static str> {
        Some("*")
    }
}

/// The same network by its own address, as strict readers want it.
fn without_host_bits(network: &str) -> String {
    let Some((address, length)) = network.split_once('/') else { return network.to_owned() };
    let bits = length.parse().unwrap_or(0_u32);
    match address.parse() {
        Ok(IpAddr::V4(v4)) => {
            let mask = u32::MAX.checked_shl(32_u32.saturating_sub(bits)).unwrap_or(0);
            format!("{}/{bits}", Ipv4Addr::from(u32::from(v4) & mask))
        }
        Ok(IpAddr::V6(v6)) => {
            let mask = u128::MAX.checked_shl(128_u32.saturating_sub(bits)).unwrap_or(0);
            format!("{}/{bits}", Ipv6Addr::from(u128::from(v6) & mask))
        }
        Err(_) => network.to_owned(),
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
