//! The SQL functions of the dialect. `field(json, name)` is the value of a field, or NULL; SQLite's
//! own would cut it at a NUL. `compare(field, operator, value)` is 0 or 1, never NULL, so that NOT
//! means what it says. Names and values may hold any bytes.

use std::borrow::Cow;
use std::cmp::Ordering;
use std::fmt;

use rusqlite::Connection;
use rusqlite::functions::{Context, FunctionFlags};
use rusqlite::types::ValueRef;
use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, Visitor};
use vedette_event::Network;
use vedette_event::query::Operator;

pub(crate) fn register(connection: &Connection) -> rusqlite::Result<()> {
    let flags = FunctionFlags::SQLITE_UTF8 | FunctionFlags::SQLITE_DETERMINISTIC;
    connection.create_scalar_function("field", 2, flags, field)?;
    connection.create_scalar_function("compare", 3, flags, compare)
}

fn field(context: &Context<'_>) -> rusqlite::Result<Option<String>> {
    let Some(fields) = context.get_raw(0).as_str_or_null()? else { return Ok(None) };
    let wanted = Wanted(context.get_raw(1).as_str()?);
    // What is not JSON has no fields.
    Ok(wanted.deserialize(&mut serde_json::Deserializer::from_str(fields)).unwrap_or_default())
}

/// Reads one value out of a JSON object of texts without building the rest.
struct Wanted<'a>(&'a str);

impl<'de> DeserializeSeed<'de> for Wanted<'_> {
    type Value = Option<String>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for Wanted<'_> {
    type Value = Option<String>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object of texts")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut found = None;
        while let Some(name) = map.next_key::<String>()? {
            if name == self.0 {
                found = Some(map.next_value()?);
            } else {
                map.next_value::<IgnoredAny>()?;
            }
        }
        Ok(found)
    }
}

fn compare(context: &Context<'_>) -> rusqlite::Result<bool> {
    let operator: Operator = context
        .get_raw(1)
        .as_str()?
        .parse()
        .map_err(|error| rusqlite::Error::UserFunctionError(Box::new(error)))?;
    let Some(field) = text(context.get_raw(0)) else {
        // A field that is not there differs from everything.
        return Ok(operator == Operator::NotEqual);
    };
    Ok(match context.get_raw(2) {
        ValueRef::Integer(number) => compare_number(&field, operator, number),
        value => compare_text(&field, operator, &text(value).unwrap_or_default()),
    })
}

fn text(value: ValueRef<'_>) -> Option<Cow<'_, str>> {
    match value {
        ValueRef::Null => None,
        ValueRef::Integer(number) => Some(number.to_string().into()),
        ValueRef::Real(number) => Some(number.to_string().into()),
        ValueRef::Text(bytes) | ValueRef::Blob(bytes) => Some(String::from_utf8_lossy(bytes)),
    }
}

fn compare_number(field: &str, operator: Operator, number: i64) -> bool {
    let order = field.trim().parse::<i64>().ok().map(|found| found.cmp(&number));
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

/// `value` is in lower case already.
fn compare_text(field: &str, operator: Operator, value: &str) -> bool {
    if operator == Operator::InNetwork {
        return contains_address(value, field);
    }
    let field = field.to_lowercase();
    match operator {
        Operator::Equal => field == value,
        Operator::NotEqual => field != value,
        Operator::Contains => field.contains(value),
        Operator::StartsWith => field.starts_with(value),
        Operator::EndsWith => field.ends_with(value),
        _ => false,
    }
}

fn contains_address(network: &str, address: &str) -> bool {
    let address = address.trim().parse();
    matches!((network.parse::<Network>(), address), (Ok(network), Ok(address)) if network.contains(address))
}
