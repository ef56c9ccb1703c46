//! Whether expressions stand on names that exist and compare what can be compared.

use vedette_kb::dialects::FieldKind;

use super::expression::Expr;
use super::pipeline::Stage;
use crate::check::CheckError;

/// The names a text may use.
pub(crate) trait Names {
    /// The kind of a field; `None` where there is none of this name.
    fn field(&self, name: &str) -> Option<FieldKind>;
    /// Whether there is a function of this name.
    fn function(&self, name: &str) -> bool;
    /// Operators that compare text only.
    const TEXT_OPERATORS: &'static [&'static str];
    /// Operators that compare a field with a value.
    const COMPARISONS: &'static [&'static str];
}

/// Names that stand for no field.
const KEYWORDS: [&str; 4] = ["*", "null", "true", "false"];

/// Checks every name and comparison of an expression.
pub(crate) fn expressions<N: Names>(names: &N, expr: &Expr) -> Result<(), CheckError> {
    let each = |parts: &[Expr]| parts.iter().try_for_each(|part| expressions(names, part));
    match expr {
        Expr::Text(_) | Expr::Pattern(_) | Expr::Number(_) => Ok(()),
        Expr::Name(name) => match names.field(name) {
            _ if KEYWORDS.iter().any(|keyword| keyword.eq_ignore_ascii_case(name)) => Ok(()),
            Some(_) => Ok(()),
            // A wildcard names what is there.
            None if name.contains('*') => Ok(()),
            None => Err(CheckError::UnknownField(name.clone())),
        },
        Expr::Call { name, arguments } => {
            if !names.function(name) {
                return Err(CheckError::UnknownFunction(name.clone()));
            }
            each(arguments)
        }
        Expr::Binary { operator, left, right } => {
            expressions(names, left)?;
            expressions(names, right)?;
            comparison(names, operator, left, right)
        }
        Expr::Prefix { operand, .. } => expressions(names, operand),
        Expr::And(parts) | Expr::Or(parts) | Expr::List(parts) => each(parts),
        Expr::Part { of, .. } => expressions(names, of),
        Expr::Piped { source, stages } => {
            expressions(names, source)?;
            stages.iter().try_for_each(|stage| items(names, stage))
        }
    }
}

fn items<N: Names>(names: &N, stage: &Stage) -> Result<(), CheckError> {
    stage.items.iter().chain(&stage.by).try_for_each(|item| expressions(names, &item.value))
}

/// A field is compared with a value of its kind; alternatives in a list all count.
fn comparison<N: Names>(
    names: &N,
    operator: &str,
    left: &Expr,
    right: &Expr,
) -> Result<(), CheckError> {
    let Expr::Name(name) = left else { return Ok(()) };
    if !N::COMPARISONS.contains(&operator) && !N::TEXT_OPERATORS.contains(&operator) {
        return Ok(());
    }
    let values = match right {
        Expr::List(values) => values.as_slice(),
        one => std::slice::from_ref(one),
    };
    let fits = values.iter().all(|value| fits::<N>(names.field(name), operator, value));
    if fits { Ok(()) } else { Err(CheckError::Type { field: name.clone() }) }
}

fn fits<N: Names>(kind: Option<FieldKind>, operator: &str, value: &Expr) -> bool {
    let text_only = N::TEXT_OPERATORS.contains(&operator);
    match (kind, value) {
        (Some(FieldKind::Number), Expr::Text(_)) => false,
        (Some(FieldKind::Number), _) => !text_only,
        (Some(FieldKind::Text | FieldKind::Name | FieldKind::Wide | FieldKind::Address), value) => {
            let ordered = matches!(operator, "<" | "<=" | ">" | ">=");
            !matches!(value, Expr::Number(_)) && !ordered
        }
        _ => true,
    }
}
