//! Whether a query stands on fields and functions that exist.

use vedette_kb::dialects::{Dialect, FieldKind, dialect};

use super::grammar::Search;
use crate::check::CheckError;
use crate::schema::Schema;
use crate::syntax::{Expr, Names, expressions};

/// Checks names and types.
pub(super) fn check(search: &Search, schema: Option<&Schema>) -> Result<(), CheckError> {
    let Some(known) = dialect("eql") else { return Ok(()) };
    let names = EqlNames { known, schema };
    let keys = search.by.iter().chain(search.events.iter().flat_map(|event| &event.by));
    let filters = search.events.iter().map(|event| &event.filter);
    filters.chain(keys).try_for_each(|expr| expressions(&names, expr))?;
    let piped = search.pipes.iter().flat_map(|pipe| &pipe.items);
    piped.map(|item| &item.value).try_for_each(|expr| match expr {
        Expr::Number(_) => Ok(()),
        expr => expressions(&names, expr),
    })
}

struct EqlNames<'a> {
    known: &'static Dialect,
    schema: Option<&'a Schema>,
}

impl Names for EqlNames<'_> {
    const TEXT_OPERATORS: &'static [&'static str] = &["like", "like~", "regex", "regex~", ":"];
    const COMPARISONS: &'static [&'static str] =
        &["==", "!=", "<", "<=", ">", ">=", "in", "in~", "not in", "not in~"];

    /// A question mark before a field says that it may be missing from the mapping.
    fn field(&self, name: &str) -> Option<FieldKind> {
        let name = name.trim_start_matches('?');
        match self.schema {
            Some(schema) => schema.kind_of(name),
            None => self.known.column(None, name),
        }
    }

    fn function(&self, name: &str) -> bool {
        self.known.has_function(name.trim_end_matches('~'))
    }
}
