//! From the line to the query.

use std::time::Duration as StdDuration;

use time::format_description::well_known::Rfc3339;
use time::{Duration, OffsetDateTime};
use vedette_event::query::{Aggregation, FieldName, Operator, Predicate, Query, TimeRange, Value};

use super::lexer::{Token, tokens};
use crate::scan::{ParseError, Tokens};
use crate::shape::{
    DEFAULT_LIMIT, DEFAULT_WINDOW, MAX_LIMIT, MAX_WINDOW, compare, earlier, simplify, text,
};

/// Reads a line of the local query language; `now` ends a window that names no end.
///
/// # Errors
/// When the line is no query: what is wrong, in which column, and how to mend it.
pub fn parse_local(line: &str, now: OffsetDateTime) -> Result<Query, ParseError> {
    let mut reader = Reader { tokens: Tokens::new(line, tokens(line)?), now };
    let filter = match reader.tokens.peek() {
        None => Predicate::And(Vec::new()),
        Some(Token::Word(word)) if is_clause(word) => Predicate::And(Vec::new()),
        Some(_) => reader.either()?,
    };
    reader.clauses(simplify(filter))
}

/// Reads a filter of the knowledge base, which carries no clauses.
pub(crate) fn parse_filter(line: &str) -> Result<Predicate, ParseError> {
    parse_local(line, OffsetDateTime::UNIX_EPOCH).map(|query| query.filter)
}

struct Reader<'a> {
    tokens: Tokens<'a, Token>,
    now: OffsetDateTime,
}

#[derive(Default)]
struct Clauses {
    since: Option<Moment>,
    until: Option<Moment>,
    limit: Option<u32>,
    projection: Vec<FieldName>,
    aggregation: Option<Aggregation>,
}

#[derive(Clone, Copy)]
enum Moment {
    At(OffsetDateTime),
    Ago(Duration),
}

fn is_clause(word: &str) -> bool {
    matches!(word, "since" | "until" | "limit" | "show" | "count")
}

impl Reader<'_> {
    fn word(&mut self, wanted: &str) -> bool {
        self.tokens.take_if(|token| matches!(token, Token::Word(word) if word == wanted))
    }

    fn sign(&mut self, wanted: &str) -> bool {
        self.tokens.take_if(|token| matches!(token, Token::Sign(sign) if *sign == wanted))
    }

    fn either(&mut self) -> Result<Predicate, ParseError> {
        self.tokens.deeper()?;
        let mut parts = vec![self.both()?];
        while self.word("or") {
            parts.push(self.both()?);
        }
        self.tokens.shallower();
        Ok(list(parts, Predicate::Or))
    }

    fn both(&mut self) -> Result<Predicate, ParseError> {
        let mut parts = vec![self.negated()?];
        while self.word("and") {
            parts.push(self.negated()?);
        }
        Ok(list(parts, Predicate::And))
    }

    fn negated(&mut self) -> Result<Predicate, ParseError> {
        if self.word("not") {
            self.tokens.deeper()?;
            let inner = self.negated()?;
            self.tokens.shallower();
            return Ok(Predicate::Not(Box::new(inner)));
        }
        if self.sign("(") {
            let inner = self.either()?;
            if !self.sign(")") {
                return Err(self.tokens.error("a missing parenthesis", "close the group with )"));
            }
            return Ok(inner);
        }
        if self.sign("*") {
            return Ok(Predicate::And(Vec::new()));
        }
        self.comparison()
    }

    fn comparison(&mut self) -> Result<Predicate, ParseError> {
        let mend = "write: field operator value, for example source.ip = 203.0.113.9";
        match self.tokens.peek().cloned() {
            Some(Token::Text(words)) => {
                self.tokens.take();
                Ok(text("message", Operator::Contains, &words))
            }
            Some(Token::Word(field)) if is_field(&field) => {
                self.tokens.take();
                if self.word("exists") {
                    return Ok(Predicate::Exists(FieldName(field)));
                }
                let operator = self.operator(&field)?;
                let value = self.value()?;
                Ok(compare(&field, operator, value))
            }
            Some(Token::Word(word)) => {
                Err(self.tokens.error(&format!("{word:?} is no field name"), mend))
            }
            Some(Token::Sign(sign)) => Err(self.tokens.error(&format!("a misplaced {sign}"), mend)),
            None => Err(self.tokens.error("the line ends where a comparison should stand", mend)),
        }
    }

    fn operator(&mut self, field: &str) -> Result<Operator, ParseError> {
        let name = match self.tokens.peek() {
            Some(Token::Word(word)) => word.clone(),
            Some(Token::Sign(sign)) => (*sign).to_owned(),
            _ => String::new(),
        };
        let operator: Operator = name.parse().map_err(|_| {
            let mend = format!(
                "use = != < <= > >= contains startswith endswith in or exists; to look for the \
                 word itself write message contains {field:?}"
            );
            self.tokens.error(&format!("no operator after {field}"), &mend)
        })?;
        self.tokens.take();
        Ok(operator)
    }

    fn value(&mut self) -> Result<Value, ParseError> {
        let value = match self.tokens.peek() {
            Some(Token::Text(quoted)) => Value::Text(quoted.clone()),
            Some(Token::Word(bare)) => {
                number(bare).map_or_else(|| Value::Text(bare.clone()), Value::Number)
            }
            _ => {
                let mend = "write a word, a number or a text in double quotes";
                return Err(self.tokens.error("no value after the operator", mend));
            }
        };
        self.tokens.take();
        Ok(value)
    }

    fn clauses(mut self, filter: Predicate) -> Result<Query, ParseError> {
        let mut clauses = Clauses::default();
        while self.tokens.peek().is_some() {
            self.clause(&mut clauses)?;
        }
        let time = self.time(clauses.since, clauses.until)?;
        Ok(Query {
            filter,
            aggregation: clauses.aggregation,
            projection: clauses.projection,
            time,
            limit: clauses.limit.unwrap_or(DEFAULT_LIMIT),
        })
    }

    fn clause(&mut self, clauses: &mut Clauses) -> Result<(), ParseError> {
        if self.word("since") {
            clauses.since = Some(self.moment()?);
        } else if self.word("until") {
            clauses.until = Some(self.moment()?);
        } else if self.word("limit") {
            let limit = self.count("a number of rows")?;
            clauses.limit = u32::try_from(limit).ok().filter(|n| (1..=MAX_LIMIT).contains(n));
            if clauses.limit.is_none() {
                let mend = format!("ask for 1 to {MAX_LIMIT} rows");
                return Err(self.tokens.error("a limit out of range before this point", &mend));
            }
        } else if self.word("show") {
            clauses.projection = self.fields()?;
        } else if self.word("count") {
            clauses.aggregation = Some(self.aggregation()?);
        } else {
            let mend = "join comparisons by and or or; after them come since, until, limit, show \
                        and count; a value with spaces stands in double quotes";
            return Err(self.tokens.error("something that does not belong here", mend));
        }
        Ok(())
    }

    fn aggregation(&mut self) -> Result<Aggregation, ParseError> {
        let distinct = if self.word("distinct") { Some(self.field()?) } else { None };
        let by = if self.word("by") { self.fields()? } else { Vec::new() };
        let threshold = self.word("at") && self.word("least");
        if !threshold {
            return Err(self.tokens.error("a count without a threshold", "write: at least 10"));
        }
        let at_least = self.count("a threshold")?;
        if !self.word("within") {
            return Err(self.tokens.error("a count without a window", "write: within 5m"));
        }
        let window = self.span()?;
        Ok(Aggregation { by, distinct, at_least, window })
    }

    fn fields(&mut self) -> Result<Vec<FieldName>, ParseError> {
        let mut fields = vec![self.field()?];
        while self.sign(",") {
            fields.push(self.field()?);
        }
        Ok(fields)
    }

    fn field(&mut self) -> Result<FieldName, ParseError> {
        match self.tokens.peek().cloned() {
            Some(Token::Word(name)) if is_field(&name) => {
                self.tokens.take();
                Ok(FieldName(name))
            }
            _ => Err(self.tokens.error("no field name", "write a field such as source.ip")),
        }
    }

    fn count(&mut self, what: &str) -> Result<u64, ParseError> {
        let count = match self.tokens.peek() {
            Some(Token::Word(word)) => word.parse().ok(),
            _ => None,
        };
        let missing = || self.tokens.error(&format!("{what} is missing"), "write a whole number");
        let count = count.ok_or_else(missing)?;
        self.tokens.take();
        Ok(count)
    }

    fn span(&mut self) -> Result<Duration, ParseError> {
        match self.moment()? {
            Moment::Ago(span) => Ok(span),
            Moment::At(_) => Err(self.tokens.error("a time instead of a span", "write 5m or 1h")),
        }
    }

    fn moment(&mut self) -> Result<Moment, ParseError> {
        let moment = match self.tokens.peek() {
            Some(Token::Word(word) | Token::Text(word)) => parse_moment(word),
            _ => None,
        };
        let moment = moment.ok_or_else(|| {
            let mend = "write 24h, 7d, 2026-11-20 or 2026-11-20T10:00:00Z";
            self.tokens.error("no time that can be read", mend)
        })?;
        self.tokens.take();
        Ok(moment)
    }

    fn time(&self, since: Option<Moment>, until: Option<Moment>) -> Result<TimeRange, ParseError> {
        let at = |moment| match moment {
            Moment::At(at) => at,
            Moment::Ago(span) => earlier(self.now, span),
        };
        let (from, to) = match (since, until) {
            (None, None) => return Ok(TimeRange::Last(DEFAULT_WINDOW)),
            (Some(Moment::Ago(span)), None) => return Ok(TimeRange::Last(span)),
            (Some(since), until) => (at(since), until.map_or(self.now, at)),
            (None, Some(until)) => (earlier(at(until), DEFAULT_WINDOW), at(until)),
        };
        if from >= to {
            let mend = "let since stand before until";
            return Err(self.tokens.error("a window that ends before it begins", mend));
        }
        Ok(TimeRange::Absolute { from: from.max(earlier(to, MAX_WINDOW)), to })
    }
}

/// Keeps what parentheses grouped apart, so that the tree reads back as it was written.
fn list(mut parts: Vec<Predicate>, make: fn(Vec<Predicate>) -> Predicate) -> Predicate {
    match parts.pop() {
        Some(only) if parts.is_empty() => only,
        Some(last) => {
            parts.push(last);
            make(parts)
        }
        None => make(parts),
    }
}

/// ECS names: letters, digits, dots, dashes, underscores and `@`, beginning with a letter or `@`.
fn is_field(word: &str) -> bool {
    word.starts_with(|first: char| first.is_ascii_alphabetic() || first == '@')
        && word.chars().all(|c| c.is_ascii_alphanumeric() || "._-@".contains(c))
        && !is_clause(word)
        && !matches!(word, "and" | "or" | "not")
}

/// A number as it would be written back; `007` stays text.
fn number(word: &str) -> Option<i64> {
    word.parse().ok().filter(|number: &i64| number.to_string() == word)
}

fn parse_moment(word: &str) -> Option<Moment> {
    if let Some(span) = parse_span(word) {
        return Some(Moment::Ago(span));
    }
    if let Ok(at) = OffsetDateTime::parse(word, &Rfc3339) {
        return Some(Moment::At(at));
    }
    let midnight = format!("{word}T00:00:00Z");
    OffsetDateTime::parse(&midnight, &Rfc3339).ok().map(Moment::At)
}

/// `90s`, `5m`, `24h`, `7d`, `2w`; at least a second, at most [`MAX_WINDOW`].
fn parse_span(word: &str) -> Option<Duration> {
    let digits = word.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let seconds: u64 = match &word[digits.len()..] {
        "s" => 1,
        "m" => 60,
        "h" => 3_600,
        "d" => 86_400,
        "w" => 604_800,
        _ => return None,
    };
    let total = digits.parse::<u64>().ok()?.checked_mul(seconds).filter(|total| *total > 0)?;
    Duration::try_from(StdDuration::from_secs(total)).ok().map(|span| span.min(MAX_WINDOW))
}
