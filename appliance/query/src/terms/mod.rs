//! The grammar of search terms that Lucene and Kibana share: `field:value` joined by and, or, not.

mod check;
mod parse;
mod read;

pub(crate) use check::check;
pub(crate) use parse::{Rules, parse};
pub(crate) use read::read;

/// A condition.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Node {
    And(Vec<Node>),
    Or(Vec<Node>),
    Not(Box<Node>),
    /// A field's value, or that of any field where none is named.
    Term {
        field: Option<String>,
        value: Value,
    },
}

/// What a field is compared with.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Value {
    /// In quotes.
    Quoted(String),
    /// Bare, its wildcards apart from its text.
    Word(Vec<Piece>),
    /// A regular expression.
    Pattern(String),
    /// `[low TO high]`, curly where a bound is left out; `*` is no bound.
    Range { low: String, with_low: bool, high: String, with_high: bool },
    /// `>= value`.
    Ordered(&'static str, String),
    /// Alternatives of one field, or conditions on an element of a nested one.
    Group(Box<Node>),
}

/// A part of a bare word.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Piece {
    /// Text, its escapes read.
    Text(String),
    /// `*` or `?`.
    Wildcard(char),
}
