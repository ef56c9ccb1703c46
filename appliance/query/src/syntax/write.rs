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
}

/// Writes a predicate; whatever `and` and `or` join below the top stands in parentheses.
pub(crate) fn filter<S: Style>(out: &mut String, style: &S, predicate: &Predicate, inner: bool) {
    match predicate {
        Predicate::And(parts) | Predicate::Or(parts) if parts.is_empty() => {
            out.push_str(S::EVERYTHING);
        }
        Predicate::And(parts) => joined(out, style, parts, (S::AND, inner)),
        Predicate::Or(parts) => joined(out, style, parts, (S::OR, inner)),
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

fn joined<S: Style>(
    out: &mut String,
    style: &S,
    parts: &[Predicate],
    (joint, grouped): (&str, bool),
) {
    if grouped {
        out.push('(');
    }
    for (index, part) in parts.iter().enumerate() {
        if index > 0 {
            out.push_str(joint);
        }
        filter(out, style, part, true);
    }
    if grouped {
        out.push(')');
    }
}
