//! The tree of an EQL query: one event, or a sequence or sample of events, and the pipes behind.

use crate::scan::{ParseError, Tokens};
use crate::syntax::{
    Escape, Expr, Form, Grammar, Lexicon, Parsed, Parser, Quote, Quoted, Stage, Token, tokens,
};

/// A query.
#[derive(Debug, PartialEq)]
pub(super) struct Search {
    /// Keys that all events share.
    pub(super) by: Vec<Expr>,
    /// Whether the order of the events counts.
    pub(super) ordered: bool,
    /// The span within which they must lie, as written.
    pub(super) within: Option<String>,
    /// The events; one alone is no sequence.
    pub(super) events: Vec<Event>,
    /// What follows by pipes.
    pub(super) pipes: Vec<Stage>,
}

/// An event of a query.
#[derive(Debug, PartialEq)]
pub(super) struct Event {
    pub(super) category: String,
    pub(super) filter: Expr,
    /// Its own keys.
    pub(super) by: Vec<Expr>,
    /// How often in a row, where that is said.
    pub(super) runs: Option<u64>,
}

const LEXICON: Lexicon = Lexicon {
    quotes: &[
        Quote {
            open: "\"\"\"",
            close: "\"\"\"",
            escape: Escape::None,
            holds: Quoted::Text,
            lines: false,
        },
        Quote {
            open: "\"",
            close: "\"",
            escape: Escape::Only("btnfr\"'\\u"),
            holds: Quoted::Text,
            lines: false,
        },
        Quote { open: "`", close: "`", escape: Escape::Doubled, holds: Quoted::Name, lines: false },
    ],
    line_comments: &["//"],
    block_comments: true,
    signs: &[
        "==", "!=", "<=", ">=", "<", ">", ":", "(", ")", "[", "]", ",", "|", "+", "-", "*", "/",
        "%", ".", "=", "!",
    ],
    begins_word: |c| c.is_alphabetic() || "_@?$".contains(c),
    in_word: |c| c.is_alphanumeric() || "_@.$-".contains(c),
};

const GRAMMAR: Grammar = Grammar {
    binary: &[
        ("or", 1),
        ("and", 2),
        ("==", 4),
        ("!=", 4),
        (":", 4),
        ("<", 4),
        ("<=", 4),
        (">", 4),
        (">=", 4),
        ("in", 4),
        ("in~", 4),
        ("not in", 4),
        ("not in~", 4),
        ("like", 4),
        ("like~", 4),
        ("regex", 4),
        ("regex~", 4),
        ("+", 5),
        ("-", 5),
        ("*", 6),
        ("/", 6),
        ("%", 6),
    ],
    prefix: &[("not", 3), ("-", 7)],
    pairs: &[("not", "in", "not in"), ("not", "in~", "not in~")],
    reserved: &["by", "with", "where"],
    raw_calls: &[],
    units: &[],
    bracketed_names: false,
    sources: &[],
    stages: &[
        ("head", Form::Count),
        ("tail", Form::Count),
        ("count", Form::Loose),
        ("unique", Form::List),
        ("unique_count", Form::List),
        ("filter", Form::Condition),
        ("sort", Form::Sorted),
    ],
};

/// Reads a query.
pub(super) fn parse(text: &str) -> Result<Search, ParseError> {
    let tokens = Tokens::new(text, tokens(text, &LEXICON)?);
    let mut parser = Parser { tokens, grammar: &GRAMMAR };
    let mut search = Search {
        by: Vec::new(),
        ordered: parser.word("sequence"),
        within: None,
        events: Vec::new(),
        pipes: Vec::new(),
    };
    if search.ordered || parser.word("sample") {
        sequence(&mut parser, &mut search)?;
    } else {
        search.events.push(event(&mut parser)?);
    }
    search.pipes = parser.stages()?;
    parser.end()?;
    Ok(search)
}

fn sequence(parser: &mut Parser<'_>, search: &mut Search) -> Parsed<()> {
    loop {
        if parser.word("by") {
            search.by = keys(parser)?;
        } else if parser.word("with") {
            parser.name("maxspan")?;
            parser.expect("=")?;
            search.within = match parser.tokens.take() {
                Some(Token::Number(span)) => Some(span),
                _ => return Err(parser.tokens.error("no span", "write maxspan=5m")),
            };
        } else {
            break;
        }
    }
    while parser.at_sign("[") || parser.at_sign("!") || parser.at_word("until") {
        parser.word("until");
        parser.sign("!");
        parser.expect("[")?;
        let mut event = event(parser)?;
        parser.expect("]")?;
        if parser.word("by") {
            event.by = keys(parser)?;
        }
        event.runs = runs(parser)?;
        search.events.push(event);
    }
    let alone = search.events.iter().map(|event| event.runs.unwrap_or(1)).sum::<u64>() < 2;
    if alone {
        return Err(parser.tokens.error("a sequence of fewer than two events", "add another"));
    }
    Ok(())
}

fn keys(parser: &mut Parser<'_>) -> Parsed<Vec<Expr>> {
    let mut keys = vec![Expr::Name(parser.name("key")?)];
    while parser.sign(",") {
        keys.push(Expr::Name(parser.name("key")?));
    }
    Ok(keys)
}

fn runs(parser: &mut Parser<'_>) -> Parsed<Option<u64>> {
    if !parser.at_word("with") {
        return Ok(None);
    }
    parser.tokens.take();
    let name = parser.name("option")?;
    parser.expect("=")?;
    match parser.tokens.take() {
        Some(Token::Number(number)) if name == "runs" => {
            let runs = number.parse().ok().filter(|runs| (1..=100).contains(runs));
            runs.map(Some).ok_or_else(|| parser.tokens.error("runs out of range", "1 to 100"))
        }
        Some(Token::Word(_)) => Ok(None),
        _ => Err(parser.tokens.error("no value of the option", "write runs=3")),
    }
}

fn event(parser: &mut Parser<'_>) -> Parsed<Event> {
    let category = match parser.tokens.take() {
        Some(Token::Word(category) | Token::Name(category) | Token::Text(category)) => category,
        _ => return Err(parser.tokens.error("no event category", "write any where …")),
    };
    if !parser.word("where") {
        return Err(parser.tokens.error("no where", "write category where condition"));
    }
    Ok(Event { category, filter: parser.expr()?, by: Vec::new(), runs: None })
}
