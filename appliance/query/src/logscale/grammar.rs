//! The tree of a LogScale text: conditions and functions joined by pipes.

use crate::scan::{ParseError, Tokens};
use crate::syntax::{Escape, Expr, Grammar, Lexicon, Parser, Quote, Quoted, tokens};

const LEXICON: Lexicon = Lexicon {
    quotes: &[
        Quote {
            open: "\"",
            close: "\"",
            escape: Escape::Only("\"\\nrt"),
            holds: Quoted::Text,
            lines: false,
        },
        Quote {
            open: "/",
            close: "/i",
            escape: Escape::Kept,
            holds: Quoted::Pattern,
            lines: false,
        },
    ],
    line_comments: &["//"],
    block_comments: true,
    signs: &[
        ":=", "!=", "<=", ">=", "<", ">", "=", "(", ")", "[", "]", "{", "}", ",", "|", "+", "-",
        "*", ";", "!",
    ],
    begins_word: |c| c.is_alphabetic() || "_@#".contains(c),
    in_word: |c| c.is_alphanumeric() || "_@#.:-".contains(c),
};

const GRAMMAR: Grammar = Grammar {
    binary: &[
        ("or", 1),
        ("and", 2),
        (":=", 4),
        ("=", 4),
        ("!=", 4),
        ("<", 4),
        ("<=", 4),
        (">", 4),
        (">=", 4),
        ("+", 5),
    ],
    prefix: &[("not", 3), ("!", 3), ("-", 6)],
    pairs: &[],
    reserved: &[],
    raw_calls: &[],
    units: &[],
    bracketed_names: false,
    sources: &[],
    stages: &[],
};

/// Reads a text.
pub(super) fn parse(text: &str) -> Result<Vec<Expr>, ParseError> {
    let tokens = Tokens::new(text, tokens(text, &LEXICON)?);
    let mut parser = Parser { tokens, grammar: &GRAMMAR };
    let mut steps = vec![parser.expr()?];
    while parser.sign("|") {
        steps.push(parser.expr()?);
    }
    parser.end()?;
    Ok(steps)
}
