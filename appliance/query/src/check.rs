//! Whether a text is a query of its language: grammar, fields, types, functions, bounds.

use thiserror::Error;
use vedette_event::query::Language;

use crate::dialect;
use crate::scan::ParseError;
use crate::schema::{Schema, SchemaError};

/// Why a text is no valid query.
#[derive(Debug, Error)]
pub enum CheckError {
    /// It does not follow the grammar.
    #[error("the query does not follow the grammar: {0}")]
    Syntax(#[from] ParseError),
    /// It is grammatical but not whole.
    #[error("the query is not whole: {0}")]
    Shape(String),
    /// It names a field that is not there.
    #[error("the query names {0}, which is not in the field list; use one that is")]
    UnknownField(String),
    /// It names a function that is not there.
    #[error("the query calls {0}, which is no function of the language")]
    UnknownFunction(String),
    /// A field is compared with what it cannot hold.
    #[error("the query compares {field} with a value or by an operator that does not fit its type")]
    Type {
        /// The field.
        field: String,
    },
    /// It could return without end.
    #[error("the query is not bounded in {0}")]
    Unbounded(String),
    /// It is checked against another language's schema.
    #[error("the query cannot be checked: {0}")]
    Schema(#[from] SchemaError),
}

/// Checks a query: grammar, field list (the schema's, where given), types, functions and bounds.
///
/// # Errors
/// The first thing that is wrong, and how to mend it.
pub fn check(language: Language, text: &str, schema: Option<&Schema>) -> Result<(), CheckError> {
    schema.map_or(Ok(()), |schema| schema.expect_language(language))?;
    dialect::of(language).check(text, schema, true)
}

/// Checks a query's grammar and shape alone: its fields may be a deployment's own.
///
/// # Errors
/// The first thing that is wrong, and how to mend it.
pub fn check_grammar(language: Language, text: &str) -> Result<(), CheckError> {
    dialect::of(language).check(text, None, false)
}
