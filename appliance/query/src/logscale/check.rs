//! Whether a text stands on fields and functions that exist, and is bounded in rows.

use std::net::IpAddr;

use vedette_kb::dialects::{Dialect, FieldKind, dialect};

use super::read::field;
use super::write::COUNTED;
use crate::check::CheckError;
use crate::schema::Schema;
use crate::syntax::Expr;

/// Parameters whose values are fields.
const FIELD_PARAMETERS: [&str; 2] = ["field", "string"];

/// Checks names, types and the row limit.
pub(super) fn check(steps: &[Expr], schema: Option<&Schema>) -> Result<(), CheckError> {
    let Some(known) = dialect("logscale") else { return Ok(()) };
    let checker = Checker { known, schema };
    steps.iter().try_for_each(|step| checker.expr(step))?;
    let limits = |step: &Expr| {
        matches!(step, Expr::Call { name, arguments }
            if matches!(name.as_str(), "head" | "tail") && matches!(arguments.as_slice(), [Expr::Number(_)]))
    };
    if steps.iter().any(limits) {
        return Ok(());
    }
    Err(CheckError::Unbounded("rows: add | head(1000)".to_owned()))
}

struct Checker<'a> {
    known: &'static Dialect,
    schema: Option<&'a Schema>,
}

impl Checker<'_> {
    /// Tags and elements of arrays are the same field.
    fn kind(&self, name: &str) -> Option<FieldKind> {
        let bare = name.trim_start_matches('#').split('[').next().unwrap_or_default();
        match self.schema {
            Some(schema) => schema.kind_of(name).or_else(|| schema.kind_of(bare)),
            None => self.known.column(None, bare),
        }
    }

    fn named(&self, expr: &Expr) -> Result<Option<FieldKind>, CheckError> {
        let Some(name) = field(expr) else { return Ok(None) };
        if matches!(name.0.as_str(), "*" | COUNTED) {
            return Ok(Some(FieldKind::Other));
        }
        self.kind(&name.0).map(Some).ok_or(CheckError::UnknownField(name.0))
    }

    fn expr(&self, expr: &Expr) -> Result<(), CheckError> {
        let each = |parts: &[Expr]| parts.iter().try_for_each(|part| self.expr(part));
        match expr {
            Expr::And(parts) | Expr::Or(parts) | Expr::List(parts) => each(parts),
            Expr::Prefix { operand, .. } => self.expr(operand),
            Expr::Call { name, arguments } => {
                if !self.known.has_function(&name.to_ascii_lowercase()) {
                    return Err(CheckError::UnknownFunction(name.clone()));
                }
                arguments.iter().try_for_each(|argument| self.argument(argument))
            }
            Expr::Binary { operator, left, right } => self.comparison(operator, left, right),
            Expr::Name(_) | Expr::Part { .. } => self.named(expr).map(|_| ()),
            Expr::Text(_) | Expr::Pattern(_) | Expr::Number(_) | Expr::Piped { .. } => Ok(()),
        }
    }

    /// A parameter by name: its value is a field, a function or a word of the function's own.
    fn argument(&self, argument: &Expr) -> Result<(), CheckError> {
        match argument {
            Expr::Binary { operator: "=", left, right } => {
                let fields = matches!(left.as_ref(), Expr::Name(parameter)
                    if FIELD_PARAMETERS.contains(&parameter.as_str()));
                match right.as_ref() {
                    Expr::Name(_) if !fields => Ok(()),
                    value => self.expr(value),
                }
            }
            plain => self.expr(plain),
        }
    }

    fn comparison(&self, operator: &str, left: &Expr, right: &Expr) -> Result<(), CheckError> {
        let kind = self.named(left)?;
        let fits = match (kind, right) {
            (Some(FieldKind::Number), Expr::Text(text)) => text.parse::<f64>().is_ok(),
            (Some(FieldKind::Number), Expr::Pattern(_)) => false,
            (Some(FieldKind::Address), Expr::Text(text)) => text.parse::<IpAddr>().is_ok(),
            (Some(FieldKind::Address | FieldKind::Text | FieldKind::Wide), Expr::Number(_)) => {
                matches!(operator, "=" | "!=")
            }
            _ => true,
        };
        let name = field(left).map(|name| name.0).unwrap_or_default();
        if fits { Ok(()) } else { Err(CheckError::Type { field: name }) }
    }
}
