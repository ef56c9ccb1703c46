//! How a value is compared: text without regard to case, numbers as numbers, addresses with networks.

use std::cmp::Ordering;

use memchr::memmem::Finder;
use vedette_event::Network;
use vedette_event::query::{Operator, Value};

use super::plan::unsupported;
use crate::StoreError;

/// What a value is compared with.
#[derive(Debug)]
pub(super) enum Wanted {
    Number(i64),
    /// In lower case, with a searcher for it.
    Text(String, Box<Finder<'static>>),
    Network(Network),
}

impl Wanted {
    pub(super) fn new(operator: Operator, value: &Value) -> Result<Self, StoreError> {
        match (operator, value) {
            (Operator::InNetwork, _) => {
                let network = value.to_string().parse::<Network>();
                network.map(Self::Network).map_err(|why| unsupported(why.to_string()))
            }
            (
                Operator::Less | Operator::LessEqual | Operator::Greater | Operator::GreaterEqual,
                _,
            ) => Ok(Self::Number(number(operator, value)?)),
            (Operator::Equal | Operator::NotEqual, Value::Number(number)) => {
                Ok(Self::Number(*number))
            }
            (_, value) => {
                let text = value.to_string().to_lowercase();
                let finder = Finder::new(text.as_bytes()).into_owned();
                Ok(Self::Text(text, Box::new(finder)))
            }
        }
    }

    /// Whether a value compares so.
    pub(super) fn matches(&self, value: &str, operator: Operator) -> bool {
        match self {
            Self::Number(number) => compare_number(value, operator, *number),
            Self::Network(network) => {
                value.trim().parse().is_ok_and(|address| network.contains(address))
            }
            Self::Text(text, finder) => compare_text(value, operator, (text, finder)),
        }
    }
}

fn number(operator: Operator, value: &Value) -> Result<i64, StoreError> {
    let number = match value {
        Value::Number(number) => Some(*number),
        Value::Text(text) => text.parse().ok(),
    };
    number.ok_or_else(|| unsupported(format!("{operator} with {value:?}, which is not a number")))
}

fn compare_number(value: &str, operator: Operator, number: i64) -> bool {
    let order = value.trim().parse::<i64>().ok().map(|found| found.cmp(&number));
    match operator {
        Operator::Equal => order == Some(Ordering::Equal),
        Operator::NotEqual => order != Some(Ordering::Equal),
        Operator::Less => order == Some(Ordering::Less),
        Operator::LessEqual => order.is_some_and(Ordering::is_le),
        Operator::Greater => order == Some(Ordering::Greater),
        Operator::GreaterEqual => order.is_some_and(Ordering::is_ge),
        _ => false,
    }
}

/// `wanted` is in lower case already.
fn compare_text(value: &str, operator: Operator, (wanted, finder): (&str, &Finder<'_>)) -> bool {
    let plain = value.is_ascii();
    match operator {
        Operator::Equal if plain => value.eq_ignore_ascii_case(wanted),
        Operator::NotEqual if plain => !value.eq_ignore_ascii_case(wanted),
        // A longer text is not in a shorter one, whatever the case (of ASCII).
        _ if plain && value.len() < wanted.len() => operator == Operator::NotEqual,
        _ => {
            let value = if plain { value.to_ascii_lowercase() } else { value.to_lowercase() };
            match operator {
                Operator::Equal => value == wanted,
                Operator::NotEqual => value != wanted,
                Operator::Contains => finder.find(value.as_bytes()).is_some(),
                Operator::StartsWith => value.starts_with(wanted),
                Operator::EndsWith => value.ends_with(wanted),
                _ => false,
            }
        }
    }
}
