//! From the lowered query to the query string.

use std::fmt::Write as _;

use vedette_event::query::{FieldName, Operator, Predicate, Value};
use vedette_kb::dialects::{FieldKind, dialect};

use crate::syntax::{Style, all_numbers, filter};

/// The query string of a filter.
pub(super) fn write(predicate: &Predicate) -> String {
    let mut text = String::new();
    filter(&mut text, &Lucene, predicate, false);
    text
}

struct Lucene;

impl Style for Lucene {
    const AND: &'static str = " AND ";
    const OR: &'static str = " OR ";
    const NOT: &'static str = "NOT ";
    const EVERYTHING: &'static str = "*:*";

    fn exists(&self, out: &mut String, field: &FieldName) {
        let _ = write!(out, "{}:*", name(field));
    }

    fn one_of(&self, field: &FieldName, values: &[&Value]) -> Option<String> {
        let wide = dialect("lucene").and_then(|known| known.column(None, &field.0))
            == Some(FieldKind::Wide);
        if wide || all_numbers(values)? {
            return None;
        }
        let quoted = |value: &&Value| quoted(&value.to_string());
        let values: Vec<String> = values.iter().map(quoted).collect();
        Some(format!("{}:({})", name(field), values.join(" OR ")))
    }

    fn comparison(&self, out: &mut String, field: &FieldName, operator: Operator, value: &Value) {
        let wide = dialect("lucene").and_then(|known| known.column(None, &field.0))
            == Some(FieldKind::Wide);
        let field = name(field);
        let text = value.to_string();
        let _ = match (operator, value) {
            (Operator::Greater, _) => write!(out, "{field}:{{{text} TO *]"),
            (Operator::GreaterEqual, _) => write!(out, "{field}:[{text} TO *]"),
            (Operator::Less, _) => write!(out, "{field}:[* TO {text}}}"),
            (Operator::LessEqual, _) => write!(out, "{field}:[* TO {text}]"),
            // A bare minus would be an operator.
            (_, Value::Number(_)) => write!(out, "{field}:{}", text.replace('-', "\\-")),
            (Operator::Contains, _) if !wide => write!(out, "{field}:*{}*", bare(&text)),
            (Operator::StartsWith, _) => write!(out, "{field}:{}*", bare(&text)),
            (Operator::EndsWith, _) => write!(out, "{field}:*{}", bare(&text)),
            (Operator::InNetwork, _) => write!(out, "{field}:{}", bare(&text)),
            _ => write!(out, "{field}:{}", quoted(&text)),
        };
    }
}

/// A field as it stands before its colon.
fn name(field: &FieldName) -> String {
    bare(&field.0)
}

/// A whole value.
fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
}

/// A text outside quotes: all that means something to the parser, and every blank, behind a backslash.
fn bare(text: &str) -> String {
    const SPECIAL: &str = "+-=&|><!(){}[]^\"~*?:\\/";
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        if SPECIAL.contains(character) || character.is_whitespace() {
            escaped.push('\\');
        }
        escaped.push(character);
    }
    escaped
}
