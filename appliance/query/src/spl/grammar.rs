//! The tree of an SPL text: a search and the commands behind it. The text is cut at its pipes first,
//! since what a word is depends on the command.

use super::search::{self, Search};
use crate::scan::{ParseError, Tokens, locate};
use crate::syntax::{
    Escape, Expr, Grammar, Item, Lexicon, Parsed, Parser, Quote, Quoted, Token, tokens,
};

/// A command.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Command {
    /// Which lines.
    Search(Search),
    /// Which results.
    Where(Expr),
    /// Computed fields.
    Eval(Vec<Item>),
    /// Counted how and by what.
    Stats { items: Vec<Item>, by: Vec<String> },
    /// Options and names of a command that we read no further: `bin _time span=5m`.
    Plain { name: String, rest: String },
}

/// Commands whose arguments are only balanced.
const COMMANDS: &str = " abstract accum addcoltotals addinfo addtotals analyzefields anomalies \
 anomalousvalue anomalydetection append appendcols appendpipe apply arules associate autoregress bin \
 bucket bucketdir chart cluster cofilter collect concurrency contingency convert correlate datamodel \
 dbinspect dedup delete delta diff erex eventcount eventstats extract fieldformat fields fieldsummary \
 filldown fillnull findtypes fit folderize foreach format from fromjson gauge gentimes geom geomfilter \
 geostats head highlight history iconify input inputcsv inputlookup inputintelligence iplocation join kmeans kv kvform \
 loadjob localize localop lookup makecontinuous makemv makeresults map mcollect metadata metasearch \
 meventcollect mpreview mstats multikv multisearch mvcombine mvexpand nomv outlier outputcsv \
 outputlookup outputtext overlap pivot predict rangemap rare redistribute regex reltime rename replace \
 require rest return reverse rex rtorder run savedsearch script scrub searchtxn selfjoin sendalert \
 sendemail set setfields sichart sirare sistats sitimechart sitop sort spath strcat streamstats table \
 tags tail timechart timewrap tojson top transaction transpose trendline tscollect tstats typeahead \
 typelearner typer union uniq untable walklex where x11 xmlkv xmlunescape xpath xyseries http curl \
 sendrisk ldapsearch dnslookup cleansplunkd lookup_with_asset tscheck ";

const LEXICON: Lexicon = Lexicon {
    quotes: &[
        Quote {
            open: "\"",
            close: "\"",
            escape: Escape::Before("\"\\"),
            holds: Quoted::Text,
            lines: true,
        },
        Quote { open: "'", close: "'", escape: Escape::None, holds: Quoted::Name, lines: false },
        Quote { open: "`", close: "`", escape: Escape::None, holds: Quoted::Name, lines: true },
    ],
    line_comments: &[],
    block_comments: false,
    signs: &[
        "==", "!=", "<=", ">=", "<", ">", "=", "(", ")", "[", "]", "{", "}", ",", "+", "-", "*",
        "/", "%", ".", ":", "$", "&", "|", "?", "@", "#", ";", "\\", "^", "!", "~",
    ],
    begins_word: |c| c.is_alphabetic() || "_$".contains(c),
    in_word: |c| c.is_alphanumeric() || "_.:{}$@".contains(c),
};

const GRAMMAR: Grammar = Grammar {
    binary: &[
        ("or", 1),
        ("xor", 1),
        ("and", 2),
        ("=", 4),
        ("==", 4),
        ("!=", 4),
        ("<", 4),
        ("<=", 4),
        (">", 4),
        (">=", 4),
        ("in", 4),
        ("not in", 4),
        ("like", 4),
        (".", 5),
        ("+", 6),
        ("-", 6),
        ("*", 7),
        ("/", 7),
        ("%", 7),
    ],
    prefix: &[("not", 3), ("-", 8), ("!", 8)],
    pairs: &[("not", "in", "not in")],
    reserved: &["by", "as"],
    raw_calls: &[],
    units: &[],
    bracketed_names: false,
    sources: &[],
    stages: &[],
};

/// Reads a text.
pub(super) fn parse(text: &str) -> Result<Vec<Command>, ParseError> {
    let parts = split(text)?;
    let mut commands = Vec::new();
    for (index, (at, part)) in parts.iter().enumerate() {
        let trimmed = part.trim();
        match (trimmed.is_empty(), index) {
            (true, 0) => {}
            (true, _) => {
                let mend = "write a command, or leave the pipe out";
                return Err(locate(text, *at, "no command after the pipe", mend));
            }
            _ => commands.push(command(text, part, (*at, index == 0))?),
        }
    }
    if commands.is_empty() {
        return Err(locate(text, 0, "nothing asked", "begin with index=* and a condition"));
    }
    Ok(commands)
}

/// The parts between the pipes that stand outside quotes and brackets, with their offsets.
fn split(text: &str) -> Parsed<Vec<(usize, &str)>> {
    let mut parts = Vec::new();
    let mut open: Vec<(char, usize)> = Vec::new();
    let (mut from, mut quote) = (0, None);
    let mut characters = text.char_indices();
    while let Some((at, character)) = characters.next() {
        match (quote, character) {
            (Some((opening, _)), closing) if closing == opening => quote = None,
            (Some(('"', _)), '\\') => {
                characters.next();
            }
            (Some(_), _) => {}
            (None, '"' | '`') => quote = Some((character, at)),
            (None, '(' | '[') => open.push((if character == '(' { ')' } else { ']' }, at)),
            (None, ')' | ']') if open.pop().is_none_or(|(closing, _)| closing != character) => {
                let what = "a bracket that was not opened";
                return Err(locate(text, at, what, "balance the brackets"));
            }
            (None, '|') if open.is_empty() => {
                parts.push((from, &text[from..at]));
                from = at + 1;
            }
            _ => {}
        }
    }
    if let Some((_, at)) = quote.or(open.pop()) {
        return Err(locate(text, at, "a quote or bracket without an end", "close it"));
    }
    parts.push((from, &text[from..]));
    Ok(parts)
}

fn command(text: &str, part: &str, (at, first): (usize, bool)) -> Parsed<Command> {
    let begin = at + part.len() - part.trim_start().len();
    let part = part.trim();
    if part.starts_with('`') {
        return Ok(Command::Plain { name: "`".to_owned(), rest: part.to_owned() });
    }
    let length = part.find(|c: char| !(c.is_alphanumeric() || "_-".contains(c)));
    let (word, rest) = part.split_at(length.unwrap_or(part.len()));
    let name = word.to_ascii_lowercase();
    let behind = begin + word.len();
    let is_field = rest.trim_start().starts_with(['=', '!', '<', '>']) && name != "eval";
    match name.as_str() {
        "search" if !is_field => search::parse(text, rest, behind).map(Command::Search),
        _ if first => search::parse(text, part, begin).map(Command::Search),
        "where" => {
            let mut parser = parser(text, rest, behind)?;
            let condition = parser.expr()?;
            parser.end().map(|()| Command::Where(condition))
        }
        "eval" => {
            let mut parser = parser(text, rest, behind)?;
            let items = assignments(&mut parser)?;
            parser.end().map(|()| Command::Eval(items))
        }
        "stats" => stats(text, rest, behind),
        known if COMMANDS.contains(&format!(" {known} ")) => {
            Ok(Command::Plain { name, rest: rest.trim().to_owned() })
        }
        _ => Err(locate(text, begin, &format!("{word} is no command"), "use one of Splunk's")),
    }
}

fn parser<'a>(text: &'a str, part: &'a str, at: usize) -> Parsed<Parser<'a>> {
    let shifted = |error: ParseError| locate(text, at, &error.what, &error.mend);
    let mut tokens = tokens(part, &LEXICON).map_err(shifted)?;
    tokens.iter_mut().for_each(|spot| spot.at += at);
    let upto = &text[..at + part.len()];
    Ok(Parser { tokens: Tokens::new(upto, tokens), grammar: &GRAMMAR })
}

/// `name=expression, …`.
fn assignments(parser: &mut Parser<'_>) -> Parsed<Vec<Item>> {
    let mut items = Vec::new();
    loop {
        let alias = match parser.tokens.take() {
            Some(Token::Word(name) | Token::Name(name) | Token::Text(name)) => name,
            _ => return Err(parser.tokens.error("no field to set", "write name=expression")),
        };
        parser.expect("=")?;
        items.push(Item { alias: Some(alias), value: parser.expr()? });
        if !parser.sign(",") {
            return Ok(items);
        }
    }
}

/// `count AS x dc(user) AS y BY a, b`; commas may be left out.
fn stats(text: &str, rest: &str, at: usize) -> Parsed<Command> {
    let mut parser = parser(text, rest, at)?;
    let (mut items, mut by) = (Vec::new(), Vec::new());
    while parser.tokens.peek().is_some() && !parser.at_word("by") {
        if let (Some(Token::Word(_)), Some(Token::Sign("="))) =
            (parser.tokens.peek(), parser.tokens.peek_after(1))
        {
            (0..3).for_each(|_| drop(parser.tokens.take()));
            continue;
        }
        if let Some(Token::Name(_)) = parser.tokens.peek() {
            parser.tokens.take();
            continue;
        }
        let value = aggregate(&mut parser)?;
        let alias = if parser.word("as") { Some(label(&mut parser)?) } else { None };
        items.push(Item { alias, value });
        parser.sign(",");
    }
    if parser.word("by") {
        while parser.tokens.peek().is_some() {
            by.push(label(&mut parser)?);
            parser.sign(",");
        }
        if by.is_empty() {
            return Err(parser.tokens.error("no field behind BY", "name one"));
        }
    }
    if items.is_empty() && by.is_empty() {
        return Err(parser.tokens.error("nothing counted", "write count"));
    }
    parser.end().map(|()| Command::Stats { items, by })
}

/// `count`, `dc(field)`, `sum(eval(…))`.
fn aggregate(parser: &mut Parser<'_>) -> Parsed<Expr> {
    let name = parser.name("aggregation")?;
    if !parser.sign("(") {
        return Ok(Expr::Call { name, arguments: Vec::new() });
    }
    let mut arguments = Vec::new();
    while !parser.sign(")") {
        let argument = match parser.tokens.peek() {
            Some(Token::Sign("*")) => {
                parser.tokens.take();
                parser.tokens.take_if(|token| matches!(token, Token::Word(_)));
                Expr::Name("*".to_owned())
            }
            _ => parser.expr()?,
        };
        arguments.push(argument);
        parser.sign("*");
        if !parser.sign(",") {
            parser.expect(")")?;
            break;
        }
    }
    Ok(Expr::Call { name, arguments })
}

/// A field behind AS or BY, with wildcards and in quotes of any kind.
fn label(parser: &mut Parser<'_>) -> Parsed<String> {
    let from = parser.tokens.offset();
    match parser.tokens.peek().cloned() {
        Some(Token::Text(name) | Token::Name(name)) => {
            parser.tokens.take();
            return Ok(name);
        }
        Some(Token::Word(_) | Token::Number(_) | Token::Sign("*" | "$" | "#")) => {
            parser.tokens.take();
        }
        _ => return Err(parser.tokens.error("no field", "name one")),
    }
    // `All_Traffic.src*` and `a-b` go on without a blank.
    while parser.tokens.slice(from).trim_end().len() == parser.tokens.slice(from).len()
        && matches!(
            parser.tokens.peek(),
            Some(
                Token::Sign("*" | "-" | "$" | ":" | "." | "/" | "#")
                    | Token::Word(_)
                    | Token::Number(_)
            )
        )
    {
        parser.tokens.take();
    }
    Ok(parser.tokens.slice(from).trim().to_owned())
}
