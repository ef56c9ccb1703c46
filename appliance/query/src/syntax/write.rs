//! From a predicate to infix text.

use vedette_event::query::{FieldName, Operator, Predicate, Value};

/// How a dialect joins and negates, and how it writes a comparison.
pub(crate) trait Style {
    /// What stands between all of several, spaces included.
    const AND: &'static str = " and ";
    /// What stands between one of several, spaces included.
    const OR: &'static str = " or ";
    /// What stands before a negated parenthesis.
    const NOT: &'static str = "not ";
    /// Every line, where it stands inside a larger filter.
    const EVERYTHING: &'static str;
    /// A field that is there.
    fn exists(&self, out: &mut String, field: &FieldName);
    /// A comparison.
    fn comparison(&self, out: &mut String, field: &FieldName, operator: Operator, value: &Value);
    /// A field that equals one of several values, as a list where the dialect has one for them.
    fn one_of(&self, field: &FieldName, values: &[&Value]) -> Option<String>;
}

/// Writes a predicate; whatever `and` and `or` join below the top stands in parentheses.
pub(crate) fn filter<S: Style>(out: &mut String, style: &S, predicate: &Predicate, inner: bool) {
    match predicate {
        Predicate::And(parts) | Predicate::Or(parts) if parts.is_empty() => {
            out.push_str(S::EVERYTHING);
        }
        Predicate::And(parts) => {
            let parts: Vec<String> = parts.iter().map(|part| written(style, part)).collect();
            joined(out, &parts, (S::AND, inner));
        }
        Predicate::Or(parts) => joined(out, &alternatives(style, parts), (S::OR, inner)),
        Predicate::Not(operand) => {
            out.push_str(S::NOT);
            out.push('(');
            filter(out, style, operand, false);
            out.push(')');
        }
        Predicate::Exists(field) => style.exists(out, field),
        Predicate::Compare { field, operator, value } => {
            style.comparison(out, field, *operator, value);
        }
    }
}

fn written<S: Style>(style: &S, part: &Predicate) -> String {
    let mut text = String::new();
    filter(&mut text, style, part, true);
    text
}

/// Alternatives as they are written, neighbours that compare one field with a value as one list.
fn alternatives<S: Style>(style: &S, parts: &[Predicate]) -> Vec<String> {
    let mut said = Vec::new();
    let mut rest = parts;
    while let Some((first, others)) = rest.split_first() {
        let same = equals(first).map_or(0, |(field, _)| {
            rest.iter().take_while(|part| equals(part).is_some_and(|(f, _)| f == field)).count()
        });
        let values: Vec<&Value> =
            rest[..same].iter().filter_map(equals).map(|(_, value)| value).collect();
        let list =
            equals(first).filter(|_| same > 1).and_then(|(field, _)| style.one_of(field, &values));
        match list {
            Some(list) => {
                said.push(list);
                rest = &rest[same..];
            }
            None => {
                said.push(written(style, first));
                rest = others;
            }
        }
    }
    said
}

/// The field and the value of an equation.
fn equals(part: &Predicate) -> Option<(&FieldName, &Value)> {
    match part {
        Predicate::Compare { field, operator: Operator::Equal, value } => Some((field, value)),
        _ => None,
    }
}

fn joined(out: &mut String, parts: &[String], (joint, inner): (&str, bool)) {
    let grouped = inner && parts.len() > 1;
    if grouped {
        out.push('(');
    }
    out.push_str(&parts.join(joint));
    if grouped {
        out.push(')');
    }
}

/// Whether values are all numbers, all texts, or mixed.
pub(crate) fn all_numbers(values: &[&Value]) -> Option<bool> {
    let numbers = values.iter().filter(|value| matches!(value, Value::Number(_))).count();
    match numbers {
        0 => Some(false),
        all if all == values.len() => Some(true),
        _ => None,
    }
}

/// Values by commas, each as `literal` writes it.
pub(crate) fn listed(values: &[&Value], literal: fn(&Value) -> String) -> String {
    values.iter().map(|value| literal(value)).collect::<Vec<_>>().join(", ")
}
