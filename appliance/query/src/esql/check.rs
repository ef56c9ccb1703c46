//! Whether a query stands on fields and functions that exist, and is bounded.

use std::collections::BTreeSet;

use vedette_kb::dialects::{Dialect, FieldKind, dialect};

use super::grammar::Piped;
use crate::check::CheckError;
use crate::schema::Schema;
use crate::syntax::{Expr, Names, expressions};

/// Checks names, types and bounds.
pub(super) fn check(piped: &Piped, schema: Option<&Schema>) -> Result<(), CheckError> {
    let Some(known) = dialect("esql") else { return Ok(()) };
    let source = piped.source.trim_matches('"');
    if schema.is_some_and(|schema| schema.sources().all(|name| name != source)) {
        return Err(CheckError::UnknownField(format!("FROM {source}")));
    }
    let time = match schema {
        Some(schema) => schema.sources_of(known).into_iter().find(|known| known.name == source),
        None => known.sources.first().cloned(),
    };
    let time = time.map_or_else(|| "@timestamp".to_owned(), |source| source.time);
    // Every index carries its time, whatever the schema lists.
    let given = BTreeSet::from([time.clone()]);
    let mut names = EsqlNames { known, schema: schema.map(|schema| (schema, source)), given };
    for stage in &piped.stages {
        let items = || stage.items.iter().chain(&stage.by);
        items().try_for_each(|item| expressions(&names, &item.value))?;
        names.given.extend(items().filter_map(|item| item.alias.clone()));
    }
    let of =
        |command: &'static str| piped.stages.iter().filter(move |stage| stage.command == command);
    if of("limit").next().is_none() {
        return Err(CheckError::Unbounded("rows: add | LIMIT 1000".to_owned()));
    }
    if !of("where").flat_map(|stage| &stage.items).any(|item| bounds(&item.value, &time)) {
        return Err(CheckError::Unbounded(format!("time: add | WHERE {time} >= NOW() - 24 hours")));
    }
    Ok(())
}

/// Whether a condition keeps to what came after some time.
fn bounds(condition: &Expr, time: &str) -> bool {
    match condition {
        Expr::And(parts) => parts.iter().any(|part| bounds(part, time)),
        Expr::Binary { operator: ">" | ">=", left, .. } => **left == Expr::Name(time.to_owned()),
        _ => false,
    }
}

struct EsqlNames<'a> {
    known: &'static Dialect,
    schema: Option<(&'a Schema, &'a str)>,
    /// Names that earlier steps gave.
    given: BTreeSet<String>,
}

impl Names for EsqlNames<'_> {
    const TEXT_OPERATORS: &'static [&'static str] =
        &["like", "not like", "rlike", "not rlike", "=~", ":"];
    const COMPARISONS: &'static [&'static str] =
        &["==", "!=", "<", "<=", ">", ">=", "in", "not in"];

    fn field(&self, name: &str) -> Option<FieldKind> {
        if self.given.contains(name) {
            return Some(FieldKind::Other);
        }
        match self.schema {
            Some((schema, source)) => schema.kind_in(source, name),
            None => self.known.column(None, name),
        }
    }

    fn function(&self, name: &str) -> bool {
        self.known.has_function(&name.to_ascii_lowercase())
    }
}
