//! Whether a query stands on tables, columns and functions that exist, and is bounded.

use std::collections::BTreeSet;

use vedette_kb::dialects::{Dialect, FieldKind, dialect};

use super::grammar::Tabular;
use crate::check::CheckError;
use crate::schema::Schema;
use crate::syntax::{Expr, Names, Stage, expressions};

/// Checks names, types and bounds of a query on one table.
pub(super) fn check(tabular: &Tabular, schema: Option<&Schema>) -> Result<(), CheckError> {
    let Some(known) = dialect("kql") else { return Ok(()) };
    let Some(Expr::Name(table)) = &tabular.source else {
        let what = "a source that is no single table: begin with a table".to_owned();
        return Err(CheckError::Shape(what));
    };
    if tabular.queries > 1 {
        return Err(CheckError::Shape("several queries: keep one".to_owned()));
    }
    let is_table = match schema {
        Some(schema) => schema.sources().any(|name| name == table),
        None => known.has_table(table) || tabular.names.contains(table),
    };
    if !is_table {
        return Err(CheckError::UnknownField(table.clone()));
    }
    let time = match schema {
        Some(schema) => schema.sources_of(known).into_iter().find(|source| source.name == *table),
        None => known.source(table).cloned(),
    };
    let time = time.map_or_else(|| "TimeGenerated".to_owned(), |source| source.time);
    // Every table carries its time, whatever the schema lists.
    let given = BTreeSet::from([time.clone()]);
    let mut names = KqlNames { known, schema, table, given };
    for stage in &tabular.stages {
        let items = || stage.items.iter().chain(&stage.by);
        items().try_for_each(|item| expressions(&names, &item.value))?;
        names.given.extend(items().filter_map(|item| item.alias.clone()));
    }
    bounded(&tabular.stages, &time)
}

fn bounded(stages: &[Stage], time: &str) -> Result<(), CheckError> {
    let of = |command: &str| stages.iter().filter(|stage| stage.command == command).count();
    if of("take") + of("limit") + of("top") == 0 {
        return Err(CheckError::Unbounded("rows: add | take 1000".to_owned()));
    }
    let conditions = stages.iter().filter(|stage| stage.command == "where");
    let mut compared = conditions.flat_map(|stage| &stage.items);
    if compared.any(|item| bounds(&item.value, time)) {
        return Ok(());
    }
    Err(CheckError::Unbounded(format!("time: add | where {time} > ago(24h)")))
}

/// Whether a condition keeps to what came after some time.
fn bounds(condition: &Expr, time: &str) -> bool {
    match condition {
        Expr::And(parts) => parts.iter().any(|part| bounds(part, time)),
        Expr::Binary { operator: ">" | ">=" | "between", left, .. } => {
            **left == Expr::Name(time.to_owned())
        }
        _ => false,
    }
}

struct KqlNames<'a> {
    known: &'static Dialect,
    schema: Option<&'a Schema>,
    table: &'a str,
    /// Names that earlier steps gave.
    given: BTreeSet<String>,
}

impl Names for KqlNames<'_> {
    const TEXT_OPERATORS: &'static [&'static str] = &[
        "=~",
        "!~",
        "contains",
        "!contains",
        "contains_cs",
        "has",
        "!has",
        "has_cs",
        "has_any",
        "has_all",
        "startswith",
        "!startswith",
        "endswith",
        "!endswith",
        "matches regex",
        "in~",
        "!in~",
        "hasprefix",
        "hassuffix",
    ];
    const COMPARISONS: &'static [&'static str] =
        &["==", "!=", "<>", "<", "<=", ">", ">=", "in", "!in"];

    fn field(&self, name: &str) -> Option<FieldKind> {
        if self.given.contains(name) {
            return Some(FieldKind::Other);
        }
        match self.schema {
            Some(schema) => schema.kind_in(self.table, name),
            None => self.known.column(Some(self.table), name),
        }
    }

    fn function(&self, name: &str) -> bool {
        self.known.has_function(&name.to_ascii_lowercase())
    }
}
