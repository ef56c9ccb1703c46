//! Whether a statement stands on properties and functions that exist, and is bounded.

use vedette_kb::dialects::{FieldKind, ariel_property, is_aql_function};

use super::grammar::{Expr, Select};
use crate::check::CheckError;
use crate::schema::Schema;

/// Checks names, types and bounds; `fields` says whether the field list and the bounds count.
pub(super) fn check(
    select: &Select,
    schema: Option<&Schema>,
    fields: bool,
) -> Result<(), CheckError> {
    if !fields {
        return Ok(());
    }
    let aliases = select.columns.iter().filter_map(|column| column.alias.as_deref()).collect();
    let checker = Checker { schema, aliases };
    checker.source(&select.from)?;
    let columns = select.columns.iter().map(|column| &column.value);
    let filters = select.filter.iter().chain(&select.having);
    for expr in columns.chain(filters).chain(&select.group_by).chain(&select.order_by) {
        checker.expr(expr)?;
    }
    if select.limit.is_none() {
        return Err(CheckError::Unbounded("rows: add LIMIT 1000".to_owned()));
    }
    if select.time.is_none() {
        return Err(CheckError::Unbounded("time: add LAST 24 HOURS".to_owned()));
    }
    Ok(())
}

struct Checker<'a> {
    schema: Option<&'a Schema>,
    aliases: Vec<&'a str>,
}

impl Checker<'_> {
    fn source(&self, from: &str) -> Result<(), CheckError> {
        let known = match self.schema {
            Some(schema) if schema.sources().any(|name| name.eq_ignore_ascii_case(from)) => true,
            _ => from.eq_ignore_ascii_case("events"),
        };
        if known { Ok(()) } else { Err(CheckError::UnknownField(format!("FROM {from}"))) }
    }

    fn kind(&self, name: &str) -> Option<FieldKind> {
        match self.schema {
            // What every event carries can be shown and counted whatever the schema lists.
            Some(schema) => schema.kind_of(name).or_else(|| carried(name)),
            None => ariel_property(name),
        }
    }

    fn expr(&self, expr: &Expr) -> Result<(), CheckError> {
        match expr {
            Expr::Star | Expr::Text(_) | Expr::Number(_) | Expr::TextSearch(_) => Ok(()),
            Expr::Name(name) => {
                if self.aliases.contains(&name.as_str()) || self.kind(name).is_some() {
                    Ok(())
                } else {
                    Err(CheckError::UnknownField(name.clone()))
                }
            }
            Expr::Call { name, arguments } => {
                if !is_aql_function(name) {
                    return Err(CheckError::UnknownFunction(name.clone()));
                }
                arguments.iter().try_for_each(|argument| self.expr(argument))
            }
            Expr::Binary { left, operator, right } => {
                self.expr(left)?;
                self.expr(right)?;
                self.types(left, operator, right)
            }
            Expr::In { value, list } => {
                self.expr(value)?;
                list.iter().try_for_each(|item| self.expr(item))
            }
            Expr::Between { value, low, high } => {
                [value, low, high].into_iter().try_for_each(|part| self.expr(part))
            }
            Expr::IsNull(inner) | Expr::Not(inner) => self.expr(inner),
            Expr::Case(parts) | Expr::And(parts) | Expr::Or(parts) => {
                parts.iter().try_for_each(|part| self.expr(part))
            }
        }
    }

    fn types(&self, left: &Expr, operator: &str, right: &Expr) -> Result<(), CheckError> {
        let Expr::Name(name) = left else { return Ok(()) };
        let pattern = matches!(operator, "LIKE" | "ILIKE" | "MATCHES" | "IMATCHES");
        let fits = match (self.kind(name), right) {
            (Some(FieldKind::Number), Expr::Text(_)) => false,
            (Some(FieldKind::Number | FieldKind::Address), _) if pattern => false,
            (Some(FieldKind::Text), Expr::Number(_)) => false,
            _ => true,
        };
        if fits { Ok(()) } else { Err(CheckError::Type { field: name.clone() }) }
    }
}

fn carried(name: &str) -> Option<FieldKind> {
    const CARRIED: [&str; 9] = [
        "startTime",
        "logsourceid",
        "qid",
        "category",
        "eventCount",
        "sourceip",
        "destinationip",
        "userName",
        "payload",
    ];
    CARRIED.iter().any(|known| known.eq_ignore_ascii_case(name)).then(|| ariel_property(name))?
}
