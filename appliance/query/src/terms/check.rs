//! Whether terms name fields that exist and values that their fields can hold.

use std::net::IpAddr;

use vedette_kb::dialects::{Dialect, FieldKind};

use super::{Node, Piece, Value};
use crate::check::CheckError;
use crate::lower::is_network;
use crate::schema::Schema;

/// Names of the platform that are no fields of a line.
const OWN: [&str; 4] = ["_exists_", "_id", "_index", "*"];

/// Checks names and values against the dialect's fields, or the schema's where one is given.
pub(crate) fn check(
    node: &Node,
    dialect: &Dialect,
    schema: Option<&Schema>,
) -> Result<(), CheckError> {
    let kind = |name: &str| match schema {
        Some(schema) => schema.kind_of(name),
        None => dialect.column(None, name),
    };
    terms(node, None, &kind)
}

type Kind<'a> = &'a dyn Fn(&str) -> Option<FieldKind>;

fn terms(node: &Node, field: Option<&str>, kind: Kind<'_>) -> Result<(), CheckError> {
    match node {
        Node::And(parts) | Node::Or(parts) => {
            parts.iter().try_for_each(|part| terms(part, field, kind))
        }
        Node::Not(inner) => terms(inner, field, kind),
        Node::Term { field: own, value } => match own.as_deref().or(field) {
            Some(name) if OWN.contains(&name) => Ok(()),
            Some(name) => {
                let Some(held) = kind(name) else {
                    return Err(CheckError::UnknownField(name.to_owned()));
                };
                match value {
                    Value::Group(inner) => terms(inner, Some(name), kind),
                    value if fits(held, value) => Ok(()),
                    _ => Err(CheckError::Type { field: name.to_owned() }),
                }
            }
            None => Ok(()),
        },
    }
}

fn fits(kind: FieldKind, value: &Value) -> bool {
    let number = |text: &str| text == "*" || text.parse::<f64>().is_ok();
    let address = |text: &str| text.parse::<IpAddr>().is_ok() || is_network(text);
    let wild = |pieces: &[Piece]| pieces.iter().any(|piece| matches!(piece, Piece::Wildcard(_)));
    match (kind, value) {
        (FieldKind::Number, Value::Quoted(text)) => number(text),
        (FieldKind::Number, Value::Word(pieces)) => match pieces.as_slice() {
            [Piece::Text(text)] => number(text),
            pieces => wild(pieces) && pieces.len() == 1,
        },
        (FieldKind::Number, Value::Ordered(_, bound)) => number(bound),
        (FieldKind::Number, Value::Range { low, high, .. }) => number(low) && number(high),
        (FieldKind::Number | FieldKind::Address, Value::Pattern(_)) => false,
        (FieldKind::Address, Value::Quoted(text)) => address(text),
        (FieldKind::Address, Value::Word(pieces)) => match pieces.as_slice() {
            [Piece::Text(text)] => address(text),
            pieces => wild(pieces) && pieces.len() == 1,
        },
        _ => true,
    }
}
