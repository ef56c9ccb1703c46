//! What the dialects' grammars share: a lexer, an expression parser by binding power and a parser of
//! pipelines, each driven by a dialect's table; reading predicates back from expressions, writing
//! them, and checking their names and types.

mod check;
mod expression;
mod lexer;
mod pipeline;
mod read;
mod write;

pub(crate) use check::{Names, expressions};
pub(crate) use expression::{Expr, Grammar, Item, Parsed, Parser};
pub(crate) use lexer::{Escape, Lexicon, Quote, Quoted, Token, tokens};
pub(crate) use pipeline::{Form, Stage};
pub(crate) use read::{each_of, predicate};
pub(crate) use write::{Style, all_numbers, filter, listed};
