//! The tree of a KQL text: statements, of which the last asks, a source and what is piped from it.

use crate::scan::{ParseError, Tokens};
use crate::syntax::{
    Escape, Expr, Form, Grammar, Lexicon, Parsed, Parser, Quote, Quoted, Stage, Token, tokens,
};

/// A query.
#[derive(Debug, PartialEq)]
pub(super) struct Tabular {
    /// What it reads; `None` where that is no plain table.
    pub(super) source: Option<Expr>,
    /// What is done with it.
    pub(super) stages: Vec<Stage>,
    /// Names that `let` gives.
    pub(super) names: Vec<String>,
    /// How many queries the text holds.
    pub(super) queries: usize,
}

const fn text(open: &'static str, close: &'static str, escape: Escape) -> Quote {
    Quote { open, close, escape, holds: Quoted::Text, lines: false }
}

const ESCAPES: Escape = Escape::Only("\\'\"nrtabfv0xuU");

const LEXICON: Lexicon = Lexicon {
    quotes: &[
        Quote { open: "```", close: "```", escape: Escape::None, holds: Quoted::Text, lines: true },
        Quote { open: "~~~", close: "~~~", escape: Escape::None, holds: Quoted::Text, lines: true },
        text("h@\"", "\"", Escape::Doubled),
        text("h@'", "'", Escape::Doubled),
        text("@\"", "\"", Escape::Doubled),
        text("@'", "'", Escape::Doubled),
        text("h\"", "\"", ESCAPES),
        text("h'", "'", ESCAPES),
        text("\"", "\"", ESCAPES),
        text("'", "'", ESCAPES),
    ],
    line_comments: &["//"],
    block_comments: false,
    signs: &[
        "=~", "!~", "==", "!=", "<>", "<=", ">=", "=>", "..", "<", ">", "=", "(", ")", "[", "]",
        "{", "}", ",", ";", "|", "+", "-", "*", "/", "%", ".", ":", "~", "@", "#", "?", "\\", "!",
        "$", "&", "^",
    ],
    begins_word: |c| c.is_alphabetic() || "_$".contains(c),
    in_word: |c| c.is_alphanumeric() || c == '_',
};

const GRAMMAR: Grammar = Grammar {
    binary: &[
        ("or", 1),
        ("and", 2),
        ("==", 3),
        ("!=", 3),
        ("<>", 3),
        ("=~", 3),
        ("!~", 3),
        ("<", 3),
        ("<=", 3),
        (">", 3),
        (">=", 3),
        ("in", 3),
        ("in~", 3),
        ("!in", 3),
        ("!in~", 3),
        ("contains", 3),
        ("notcontains", 3),
        ("!contains", 3),
        ("contains_cs", 3),
        ("!contains_cs", 3),
        ("has", 3),
        ("!has", 3),
        ("has_cs", 3),
        ("!has_cs", 3),
        ("has_any", 3),
        ("has_all", 3),
        ("hasprefix", 3),
        ("!hasprefix", 3),
        ("hasprefix_cs", 3),
        ("hassuffix", 3),
        ("!hassuffix", 3),
        ("startswith", 3),
        ("!startswith", 3),
        ("startswith_cs", 3),
        ("!startswith_cs", 3),
        ("endswith", 3),
        ("!endswith", 3),
        ("endswith_cs", 3),
        ("!endswith_cs", 3),
        ("matches regex", 3),
        ("between", 3),
        ("!between", 3),
        ("..", 4),
        ("+", 5),
        ("-", 5),
        ("*", 6),
        ("/", 6),
        ("%", 6),
    ],
    prefix: &[("-", 7), ("+", 7)],
    pairs: &[("matches", "regex", "matches regex")],
    reserved: &["by"],
    raw_calls: &["datetime", "date", "time", "timespan", "dynamic", "guid"],
    units: &[],
    bracketed_names: true,
    sources: &OTHER_SOURCES,
    stages: &[
        ("where", Form::Condition),
        ("filter", Form::Condition),
        ("extend", Form::List),
        ("project", Form::List),
        ("project-away", Form::Loose),
        ("project-keep", Form::Loose),
        ("project-rename", Form::List),
        ("project-reorder", Form::Loose),
        ("distinct", Form::List),
        ("summarize", Form::Grouped),
        ("sort", Form::Sorted),
        ("order", Form::Sorted),
        ("top", Form::Loose),
        ("take", Form::Count),
        ("limit", Form::Count),
        ("count", Form::Alone),
        ("as", Form::Loose),
        ("consume", Form::Loose),
        ("evaluate", Form::Loose),
        ("externaldata", Form::Loose),
        ("facet", Form::Loose),
        ("find", Form::Loose),
        ("fork", Form::Loose),
        ("getschema", Form::Alone),
        ("invoke", Form::Loose),
        ("join", Form::Loose),
        ("lookup", Form::Loose),
        ("make-graph", Form::Loose),
        ("graph-match", Form::Loose),
        ("make-series", Form::Loose),
        ("mv-apply", Form::Loose),
        ("mv-expand", Form::Loose),
        ("mvexpand", Form::Loose),
        ("parse", Form::Loose),
        ("parse-kv", Form::Loose),
        ("parse-where", Form::Loose),
        ("partition", Form::Loose),
        ("reduce", Form::Loose),
        ("render", Form::Loose),
        ("sample", Form::Loose),
        ("sample-distinct", Form::Loose),
        ("scan", Form::Loose),
        ("search", Form::Loose),
        ("serialize", Form::Loose),
        ("top-hitters", Form::Loose),
        ("top-nested", Form::Loose),
        ("union", Form::Loose),
    ],
};

/// Sources that are no table: what stands behind them is stepped over.
const OTHER_SOURCES: [&str; 9] = [
    "union",
    "find",
    "search",
    "print",
    "range",
    "datatable",
    "externaldata",
    "evaluate",
    "cluster",
];

/// Reads a text.
pub(super) fn parse(text: &str) -> Result<Tabular, ParseError> {
    let tokens = Tokens::new(text, tokens(text, &LEXICON)?);
    let mut parser = Parser { tokens, grammar: &GRAMMAR };
    let mut tabular = Tabular { source: None, stages: Vec::new(), names: Vec::new(), queries: 0 };
    while parser.tokens.peek().is_some() {
        if parser.sign(";") {
            continue;
        }
        if parser.at_word("let") || parser.at_word("set") || parser.at_word("declare") {
            statement(&mut parser, &mut tabular)?;
            continue;
        }
        tabular.queries += 1;
        source(&mut parser, &mut tabular)?;
        tabular.stages.extend(parser.stages()?);
        // Several queries in one text stand apart by lines.
        if parser.tokens.peek().is_some() && !parser.tokens.begins_line() {
            parser.expect(";")?;
        }
    }
    match tabular.queries {
        0 => Err(parser.tokens.error("nothing asked", "name a table")),
        _ => Ok(tabular),
    }
}

fn statement(parser: &mut Parser<'_>, tabular: &mut Tabular) -> Parsed<()> {
    parser.tokens.take();
    if let Some(Token::Word(name)) = parser.tokens.peek() {
        tabular.names.push(name.clone());
    }
    // A let may hold a pipeline or a function: its brackets must balance, and a semicolon end it.
    loop {
        parser.balanced(|_| false)?;
        if !parser.sign("|") {
            break;
        }
    }
    match parser.tokens.peek() {
        None => Err(parser.tokens.error("a statement without a query", "ask something after it")),
        Some(_) => parser.expect(";"),
    }
}

fn source(parser: &mut Parser<'_>, tabular: &mut Tabular) -> Parsed<()> {
    if OTHER_SOURCES.iter().any(|word| parser.at_word(word)) {
        return parser.balanced(|_| false);
    }
    tabular.source = Some(parser.expr()?);
    // Tables by commas are a union.
    while parser.sign(",") {
        parser.expr()?;
        tabular.source = None;
    }
    Ok(())
}
