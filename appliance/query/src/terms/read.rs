//! From terms back to a predicate.

use vedette_event::query::{FieldName, Operator, Predicate, Value as Literal};
use vedette_kb::dialects::{Dialect, FieldKind};

use super::{Node, Piece, Value};

/// The predicate of terms that we write; `None` where they say more than our queries can. A quoted
/// text is the whole value of a field, and a part of one that holds free text.
pub(crate) fn read(node: &Node, dialect: &Dialect) -> Option<Predicate> {
    let all = |parts: &[Node]| -> Option<Vec<Predicate>> {
        parts.iter().map(|part| read(part, dialect)).collect()
    };
    match node {
        Node::And(parts) => Some(Predicate::And(all(parts)?)),
        Node::Or(parts) => Some(Predicate::Or(all(parts)?)),
        Node::Not(inner) => read(inner, dialect).map(|inner| Predicate::Not(Box::new(inner))),
        Node::Term { field: None, value: Value::Word(pieces) } => {
            (pieces.as_slice() == [Piece::Wildcard('*')]).then(|| Predicate::And(Vec::new()))
        }
        Node::Term { field: Some(field), value: Value::Word(pieces) } if field == "*" => {
            (pieces.as_slice() == [Piece::Wildcard('*')]).then(|| Predicate::And(Vec::new()))
        }
        Node::Term { field: Some(field), value } => {
            let wide = dialect.column(None, field) == Some(FieldKind::Wide);
            comparison(FieldName(field.clone()), value, wide)
        }
        Node::Term { .. } => None,
    }
}

fn comparison(field: FieldName, value: &Value, wide: bool) -> Option<Predicate> {
    let (operator, value) = match value {
        Value::Quoted(text) => {
            let operator = if wide { Operator::Contains } else { Operator::Equal };
            (operator, Literal::Text(text.clone()))
        }
        Value::Word(pieces) if pieces.as_slice() == [Piece::Wildcard('*')] => {
            return Some(Predicate::Exists(field));
        }
        Value::Word(pieces) => word(pieces)?,
        Value::Ordered(sign, number) => (sign.parse().ok()?, Literal::Number(number.parse().ok()?)),
        Value::Range { low, with_low, high, with_high } => {
            let (operator, bound) = match (low.as_str(), high.as_str()) {
                (low, "*") if *with_low => (Operator::GreaterEqual, low),
                (low, "*") => (Operator::Greater, low),
                ("*", high) if *with_high => (Operator::LessEqual, high),
                ("*", high) => (Operator::Less, high),
                _ => return None,
            };
            (operator, Literal::Number(bound.parse().ok()?))
        }
        Value::Group(group) => return alternatives(&field, group, wide),
        Value::Pattern(_) => return None,
    };
    Some(Predicate::Compare { field, operator, value })
}

/// Values of one field in parentheses, one of which must hold.
fn alternatives(field: &FieldName, group: &Node, wide: bool) -> Option<Predicate> {
    let Node::Or(values) = group else { return None };
    let one = |node: &Node| match node {
        Node::Term { field: None, value } => comparison(field.clone(), value, wide),
        _ => None,
    };
    values.iter().map(one).collect::<Option<_>>().map(Predicate::Or)
}

fn word(pieces: &[Piece]) -> Option<(Operator, Literal)> {
    use Piece::{Text, Wildcard};
    let (operator, text) = match pieces {
        [Text(text)] => match text.parse() {
            Ok(number) => return Some((Operator::Equal, Literal::Number(number))),
            Err(_) => (Operator::InNetwork, text),
        },
        [Wildcard('*'), Text(text), Wildcard('*')] => (Operator::Contains, text),
        [Text(text), Wildcard('*')] => (Operator::StartsWith, text),
        [Wildcard('*'), Text(text)] => (Operator::EndsWith, text),
        _ => return None,
    };
    Some((operator, Literal::Text(text.clone())))
}
