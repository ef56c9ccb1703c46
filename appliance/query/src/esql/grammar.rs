//! The tree of an ES|QL text: a source and what is piped from it.

use crate::scan::{ParseError, Tokens};
use crate::syntax::{Escape, Form, Grammar, Lexicon, Parser, Quote, Quoted, Stage, Token, tokens};

/// A query.
#[derive(Debug, PartialEq)]
pub(super) struct Piped {
    /// What it reads, as written.
    pub(super) source: String,
    /// What is done with it.
    pub(super) stages: Vec<Stage>,
}

const LEXICON: Lexicon = Lexicon {
    quotes: &[
        Quote {
            open: "\"\"\"",
            close: "\"\"\"",
            escape: Escape::None,
            holds: Quoted::Text,
            lines: true,
        },
        Quote {
            open: "\"",
            close: "\"",
            escape: Escape::Only("\"\\nrt"),
            holds: Quoted::Text,
            lines: false,
        },
        Quote { open: "`", close: "`", escape: Escape::Doubled, holds: Quoted::Name, lines: false },
    ],
    line_comments: &["//"],
    block_comments: true,
    signs: &[
        "==", "=~", "!=", "<=", ">=", "::", "<", ">", "=", "(", ")", "[", "]", "{", "}", ",", "|",
        "+", "-", "*", "/", "%", ".", ":", "?",
    ],
    begins_word: |c| c.is_alphabetic() || "_@".contains(c),
    in_word: |c| c.is_alphanumeric() || "_@.".contains(c),
};

const GRAMMAR: Grammar = Grammar {
    binary: &[
        ("where", 1),
        ("or", 2),
        ("and", 3),
        ("==", 5),
        ("=~", 5),
        ("!=", 5),
        ("<", 5),
        ("<=", 5),
        (">", 5),
        (">=", 5),
        (":", 5),
        ("in", 5),
        ("not in", 5),
        ("like", 5),
        ("not like", 5),
        ("rlike", 5),
        ("not rlike", 5),
        ("is", 5),
        ("is not", 5),
        ("+", 6),
        ("-", 6),
        ("*", 7),
        ("/", 7),
        ("%", 7),
        ("::", 9),
    ],
    prefix: &[("not", 4), ("-", 8)],
    pairs: &[
        ("not", "in", "not in"),
        ("not", "like", "not like"),
        ("not", "rlike", "not rlike"),
        ("is", "not", "is not"),
    ],
    reserved: &["by"],
    raw_calls: &[],
    units: &[
        "millisecond",
        "milliseconds",
        "second",
        "seconds",
        "minute",
        "minutes",
        "hour",
        "hours",
        "day",
        "days",
        "week",
        "weeks",
        "month",
        "months",
        "quarter",
        "year",
        "years",
        "h",
        "m",
        "s",
        "d",
        "ms",
        "min",
        "w",
    ],
    bracketed_names: false,
    sources: &[],
    stages: &[
        ("where", Form::Condition),
        ("eval", Form::List),
        ("stats", Form::Grouped),
        ("inlinestats", Form::Grouped),
        ("inline", Form::Loose),
        ("keep", Form::Names),
        ("drop", Form::Names),
        ("rename", Form::Loose),
        ("sort", Form::Sorted),
        ("limit", Form::Count),
        ("dissect", Form::Loose),
        ("grok", Form::Loose),
        ("enrich", Form::Loose),
        ("lookup", Form::Loose),
        ("mv_expand", Form::Loose),
        ("change_point", Form::Loose),
        ("completion", Form::Loose),
        ("fork", Form::Loose),
        ("fuse", Form::Loose),
        ("rerank", Form::Loose),
        ("sample", Form::Loose),
        ("uri_parts", Form::Loose),
    ],
};

/// Reads a text.
pub(super) fn parse(text: &str) -> Result<Piped, ParseError> {
    let tokens = Tokens::new(text, tokens(text, &LEXICON)?);
    let mut parser = Parser { tokens, grammar: &GRAMMAR };
    while parser.at_word("set") {
        parser.balanced(|_| false)?;
        parser.expect(";")?;
    }
    let reads = ["from", "row", "show", "ts"].iter().any(|word| parser.at_word(word));
    if !reads {
        return Err(parser.tokens.error("no source", "begin with FROM and an index pattern"));
    }
    parser.tokens.take();
    let from = parser.tokens.offset();
    if matches!(parser.tokens.peek(), None | Some(Token::Sign("|"))) {
        return Err(parser.tokens.error("no source", "write an index pattern behind FROM"));
    }
    parser.balanced(|_| false)?;
    let source = parser.tokens.slice(from).trim().to_owned();
    let stages = parser.stages()?;
    parser.end()?;
    Ok(Piped { source, stages })
}
