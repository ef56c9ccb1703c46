//! From the lowered query to the query line.

use std::fmt::Write as _;

use vedette_event::query::{FieldName, Operator, Predicate, Value};
use vedette_kb::dialects::{FieldKind, dialect};

use crate::syntax::{Style, all_numbers, filter};

/// The query line of a filter.
pub(super) fn write(predicate: &Predicate) -> String {
    let mut text = String::new();
    filter(&mut text, &Kuery, predicate, false);
    text
}

struct Kuery;

impl Style for Kuery {
    const EVERYTHING: &'static str = "*";

    fn exists(&self, out: &mut String, field: &FieldName) {
        let _ = write!(out, "{}:*", bare(&field.0));
    }

    fn one_of(&self, field: &FieldName, values: &[&Value]) -> Option<String> {
        let wide = dialect("kuery").and_then(|known| known.column(None, &field.0))
            == Some(FieldKind::Wide);
        if wide || all_numbers(values)? {
            return None;
        }
        let quoted = |value: &&Value| quoted(&value.to_string());
        let values: Vec<String> = values.iter().map(quoted).collect();
        Some(format!("{}:({})", bare(&field.0), values.join(" or ")))
    }

    fn comparison(&self, out: &mut String, field: &FieldName, operator: Operator, value: &Value) {
        let wide = dialect("kuery").and_then(|known| known.column(None, &field.0))
            == Some(FieldKind::Wide);
        let field = bare(&field.0);
        let text = value.to_string();
        let _ = match operator {
            Operator::Less | Operator::LessEqual | Operator::Greater | Operator::GreaterEqual => {
                write!(out, "{field} {operator} {text}")
            }
            _ if matches!(value, Value::Number(_)) => write!(out, "{field}:{text}"),
            Operator::Contains if !wide => write!(out, "{field}:*{}*", bare(&text)),
            Operator::StartsWith => write!(out, "{field}:{}*", bare(&text)),
            Operator::EndsWith => write!(out, "{field}:*{}", bare(&text)),
            Operator::InNetwork => write!(out, "{field}:{}", bare(&text)),
            _ => write!(out, "{field}:{}", quoted(&text)),
        };
    }
}

/// A whole value.
fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
}

/// A text outside quotes, what means something to the parser behind a backslash.
fn bare(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        if "\\():<>\"*{}".contains(character) {
            escaped.push('\\');
        }
        escaped.push(character);
    }
    escaped
}
