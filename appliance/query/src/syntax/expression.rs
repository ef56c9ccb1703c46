//! Expressions: the tree, and a parser of it by binding power.

use super::lexer::Token;
use super::pipeline::{Form, Stage};
use crate::scan::{ParseError, Tokens};

/// An expression.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Expr {
    /// A field, a table, a keyword such as `null`, or `*`.
    Name(String),
    Text(String),
    /// A regular expression, as written.
    Pattern(String),
    Number(String),
    Call {
        name: String,
        arguments: Vec<Expr>,
    },
    /// An operator between two sides, in lower case.
    Binary {
        operator: &'static str,
        left: Box<Expr>,
        right: Box<Expr>,
    },
    /// An operator before its operand, in lower case.
    Prefix {
        operator: &'static str,
        operand: Box<Expr>,
    },
    And(Vec<Expr>),
    Or(Vec<Expr>),
    /// Several in brackets.
    List(Vec<Expr>),
    /// A part of another: a member or an element.
    Part {
        of: Box<Expr>,
        at: Vec<Expr>,
    },
    /// A pipeline in parentheses.
    Piped {
        source: Box<Expr>,
        stages: Vec<Stage>,
    },
}

/// An expression and the name it is given.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Item {
    pub(crate) alias: Option<String>,
    pub(crate) value: Expr,
}

/// What a dialect's expressions are made of.
#[derive(Debug)]
pub(crate) struct Grammar {
    /// Operators between two sides and how tightly they bind.
    pub(crate) binary: &'static [(&'static str, u8)],
    /// Operators before one.
    pub(crate) prefix: &'static [(&'static str, u8)],
    /// Operators of two words, as they stand, and what they are called together.
    pub(crate) pairs: &'static [(&'static str, &'static str, &'static str)],
    /// Words that never are names.
    pub(crate) reserved: &'static [&'static str],
    /// Calls whose argument is no expression: it is kept as it stands.
    pub(crate) raw_calls: &'static [&'static str],
    /// Words that stand behind a number as its unit.
    pub(crate) units: &'static [&'static str],
    /// Whether a text alone in square brackets is a name.
    pub(crate) bracketed_names: bool,
    /// Words that open a source other than a table, which is stepped over.
    pub(crate) sources: &'static [&'static str],
    /// Commands of a pipeline and what stands behind them.
    pub(crate) stages: &'static [(&'static str, Form)],
}

/// Operators in a row at one level: a query with more is no question of a person.
const MAX_CHAIN: usize = 2_000;

/// The outcome of reading.
pub(crate) type Parsed<T> = Result<T, ParseError>;

/// A parser of a dialect's expressions and pipelines.
pub(crate) struct Parser<'a> {
    pub(crate) tokens: Tokens<'a, Token>,
    pub(crate) grammar: &'static Grammar,
}

impl Parser<'_> {
    /// Takes a sign where it stands next.
    pub(crate) fn sign(&mut self, wanted: &str) -> bool {
        self.tokens.take_if(|token| matches!(token, Token::Sign(sign) if *sign == wanted))
    }

    /// Whether a sign stands next.
    pub(crate) fn at_sign(&self, wanted: &str) -> bool {
        matches!(self.tokens.peek(), Some(Token::Sign(sign)) if *sign == wanted)
    }

    /// Takes a sign or says that it is missing.
    pub(crate) fn expect(&mut self, wanted: &str) -> Parsed<()> {
        if self.sign(wanted) {
            return Ok(());
        }
        Err(self.tokens.error(&format!("no {wanted} where one must stand"), "put it there"))
    }

    /// Takes a keyword, in any case, where it stands next.
    pub(crate) fn word(&mut self, wanted: &str) -> bool {
        self.tokens.take_if(|token| is_word(token, wanted))
    }

    /// Whether a keyword stands next.
    pub(crate) fn at_word(&self, wanted: &str) -> bool {
        self.tokens.peek().is_some_and(|token| is_word(token, wanted))
    }

    /// Takes any word or quoted name.
    pub(crate) fn name(&mut self, what: &str) -> Parsed<String> {
        match self.tokens.peek().cloned() {
            Some(Token::Word(name) | Token::Name(name)) => {
                self.tokens.take();
                Ok(name)
            }
            _ => Err(self.tokens.error(&format!("no {what}"), "write a name")),
        }
    }

    /// Says what does not belong where the text should have ended.
    pub(crate) fn end(&self) -> Parsed<()> {
        match self.tokens.peek() {
            None => Ok(()),
            Some(_) => Err(self.tokens.error("text after the query", "end the query before it")),
        }
    }

    /// An expression.
    pub(crate) fn expr(&mut self) -> Parsed<Expr> {
        self.expr_from(0)
    }

    fn expr_from(&mut self, least: u8) -> Parsed<Expr> {
        self.tokens.deeper()?;
        let mut left = self.operand()?;
        let mut chain = 0;
        while let Some((operator, power, words)) = self.operator(least) {
            chain += 1;
            if chain > MAX_CHAIN {
                return Err(self.tokens.error("too many operators", "ask for less at once"));
            }
            (0..words).for_each(|_| drop(self.tokens.take()));
            let right = self.expr_from(power + 1)?;
            left = joined(operator, left, right);
        }
        self.tokens.shallower();
        Ok(left)
    }

    /// The operator that stands next, how tightly it binds and how many tokens it takes.
    fn operator(&self, least: u8) -> Option<(&'static str, u8, usize)> {
        let next = self.tokens.peek()?;
        let after = self.tokens.peek_after(1);
        let pair = self.grammar.pairs.iter().find(|(first, second, _)| {
            is(next, first) && after.is_some_and(|after| is(after, second))
        });
        let (name, words) = match pair {
            Some((.., both)) => (*both, 2),
            None => ("", 1),
        };
        self.grammar
            .binary
            .iter()
            .find(|(operator, power)| {
                *power >= least && if words == 2 { *operator == name } else { is(next, operator) }
            })
            .map(|(operator, power)| (*operator, *power, words))
    }

    fn operand(&mut self) -> Parsed<Expr> {
        let next = self.tokens.peek();
        let prefix = self
            .grammar
            .prefix
            .iter()
            .find(|(operator, _)| next.is_some_and(|next| is(next, operator)));
        if let Some((operator, power)) = prefix {
            self.tokens.take();
            let operand = Box::new(self.expr_from(*power)?);
            return Ok(Expr::Prefix { operator, operand });
        }
        let mut operand = self.primary()?;
        loop {
            let at = if !self.concatenates() && self.sign(".") {
                if self.at_sign("[") {
                    continue;
                }
                vec![self.member()?]
            } else if self.at_sign("[") {
                self.tokens.take();
                self.list("]")?
            } else {
                return Ok(operand);
            };
            operand = Expr::Part { of: Box::new(operand), at };
        }
    }

    /// Whether a dot joins texts rather than naming a member.
    fn concatenates(&self) -> bool {
        self.grammar.binary.iter().any(|(operator, _)| *operator == ".")
    }

    fn member(&mut self) -> Parsed<Expr> {
        let name = self.name("member")?;
        if self.sign("(") {
            return Ok(Expr::Call { name, arguments: self.list(")")? });
        }
        Ok(Expr::Name(name))
    }

    fn primary(&mut self) -> Parsed<Expr> {
        let missing = || {
            let mend = "put a field, a text in quotes, a number or a parenthesis here";
            self.tokens.error("no operand where one must stand", mend)
        };
        match self.tokens.peek().cloned() {
            Some(Token::Word(word)) if self.is_reserved(&word) => Err(missing()),
            Some(Token::Word(word)) => {
                self.tokens.take();
                self.named(word)
            }
            Some(Token::Name(name)) => {
                self.tokens.take();
                Ok(Expr::Name(name))
            }
            Some(Token::Text(text)) => self.took(Expr::Text(text)),
            Some(Token::Pattern(pattern)) => self.took(Expr::Pattern(pattern)),
            Some(Token::Number(number)) => {
                self.tokens.take();
                Ok(Expr::Number(self.with_unit(number)))
            }
            Some(Token::Sign("*")) => self.took(Expr::Name("*".to_owned())),
            Some(Token::Sign("(")) => {
                self.tokens.take();
                let mut parts = self.list(")")?;
                match (parts.len(), parts.pop()) {
                    (1, Some(only)) => Ok(only),
                    (_, last) => {
                        parts.extend(last);
                        Ok(Expr::List(parts))
                    }
                }
            }
            Some(Token::Sign("[")) => {
                self.tokens.take();
                let mut parts = self.list("]")?;
                match (self.grammar.bracketed_names, parts.len(), parts.pop()) {
                    (true, 1, Some(Expr::Text(name))) => Ok(Expr::Name(name)),
                    (.., last) => {
                        parts.extend(last);
                        Ok(Expr::List(parts))
                    }
                }
            }
            Some(Token::Sign("{")) => {
                self.tokens.take();
                self.balanced(|_| false)?;
                self.expect("}")?;
                Ok(Expr::List(Vec::new()))
            }
            _ => Err(missing()),
        }
    }

    /// A number with the unit behind it, where one is.
    fn with_unit(&mut self, number: String) -> String {
        match self.tokens.peek() {
            Some(Token::Word(unit))
                if self.grammar.units.iter().any(|known| known.eq_ignore_ascii_case(unit)) =>
            {
                let both = format!("{number} {unit}");
                self.tokens.take();
                both
            }
            _ => number,
        }
    }

    fn took(&mut self, expr: Expr) -> Parsed<Expr> {
        self.tokens.take();
        Ok(expr)
    }

    fn is_reserved(&self, word: &str) -> bool {
        let is = |known: &str| known.eq_ignore_ascii_case(word);
        self.grammar.reserved.iter().any(|known| is(known))
            || self.grammar.binary.iter().any(|(operator, _)| is(operator))
    }

    fn named(&mut self, mut name: String) -> Parsed<Expr> {
        if name.ends_with('.') {
            // A part of a path in quotes, or a text joined to a field.
            match self.tokens.peek().cloned() {
                Some(Token::Name(rest)) => {
                    self.tokens.take();
                    name.push_str(&rest);
                }
                Some(Token::Text(text)) if self.concatenates() => {
                    self.tokens.take();
                    let right = Box::new(Expr::Text(text));
                    return Ok(Expr::Binary {
                        operator: ".",
                        left: Box::new(Expr::Name(name)),
                        right,
                    });
                }
                _ => {}
            }
        }
        if !self.sign("(") {
            return Ok(Expr::Name(name));
        }
        if self.grammar.raw_calls.iter().any(|raw| raw.eq_ignore_ascii_case(&name)) {
            let argument = self.raw_argument()?;
            return Ok(Expr::Call { name, arguments: vec![Expr::Text(argument)] });
        }
        Ok(Expr::Call { name, arguments: self.list(")")? })
    }

    /// What stands up to the closing parenthesis, as it is written.
    fn raw_argument(&mut self) -> Parsed<String> {
        let from = self.tokens.offset();
        self.balanced(|_| false)?;
        let argument = self.tokens.slice(from).trim().to_owned();
        self.expect(")")?;
        Ok(argument)
    }

    /// Expressions up to a closing bracket; an empty one and a comma before the bracket are allowed.
    fn list(&mut self, close: &str) -> Parsed<Vec<Expr>> {
        let mut parts = Vec::new();
        while !self.sign(close) {
            parts.push(self.argument()?);
            if !self.sign(",") {
                self.expect(close)?;
                break;
            }
        }
        Ok(parts)
    }

    /// An expression that may be the source of a pipeline, or given to a parameter by name.
    fn argument(&mut self) -> Parsed<Expr> {
        if self.grammar.sources.iter().any(|word| self.at_word(word)) {
            loop {
                self.balanced(|token| *token == Token::Sign(","))?;
                if !self.sign("|") && !self.sign(",") {
                    return Ok(Expr::Name("*".to_owned()));
                }
            }
        }
        let mut source = self.expr()?;
        if self.sign("=") {
            source = self.expr()?;
        }
        if self.grammar.stages.is_empty() || !self.at_sign("|") {
            return Ok(source);
        }
        Ok(Expr::Piped { source: Box::new(source), stages: self.stages()? })
    }

    /// Takes tokens with their brackets in balance up to `stop`, a pipe, a semicolon, a bracket that
    /// closes an outer one, or the end.
    pub(crate) fn balanced(&mut self, stop: impl Fn(&Token) -> bool) -> Parsed<()> {
        let mut open: Vec<&str> = Vec::new();
        while let Some(token) = self.tokens.peek() {
            match token {
                token if open.is_empty() && stop(token) => return Ok(()),
                Token::Sign("|" | ";") if open.is_empty() => return Ok(()),
                Token::Sign("(") => open.push(")"),
                Token::Sign("[") => open.push("]"),
                Token::Sign("{") => open.push("}"),
                Token::Sign(")" | "]" | "}") if open.is_empty() => return Ok(()),
                Token::Sign(close @ (")" | "]" | "}")) if open.pop() != Some(close) => {
                    return Err(self.tokens.error("a bracket that was not opened", "balance them"));
                }
                _ => {}
            }
            self.tokens.take();
        }
        match open.is_empty() {
            true => Ok(()),
            false => Err(self.tokens.error("a bracket without an end", "close it")),
        }
    }
}

fn is_word(token: &Token, wanted: &str) -> bool {
    matches!(token, Token::Word(word) if word.eq_ignore_ascii_case(wanted))
}

/// Whether a token is this operator, a sign or a word.
fn is(token: &Token, operator: &str) -> bool {
    match token {
        Token::Sign(sign) => *sign == operator,
        Token::Word(word) => word.eq_ignore_ascii_case(operator),
        _ => false,
    }
}

/// Joins two sides; what `and` and `or` join is one list, however long.
fn joined(operator: &'static str, left: Expr, right: Expr) -> Expr {
    match (operator, left) {
        ("and", Expr::And(mut parts)) => {
            parts.push(right);
            Expr::And(parts)
        }
        ("or", Expr::Or(mut parts)) => {
            parts.push(right);
            Expr::Or(parts)
        }
        ("and", left) => Expr::And(vec![left, right]),
        ("or", left) => Expr::Or(vec![left, right]),
        (operator, left) => Expr::Binary { operator, left: Box::new(left), right: Box::new(right) },
    }
}
