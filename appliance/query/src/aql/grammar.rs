//! The syntax tree of a SELECT statement, and the parser that makes it.

use super::lexer::{Token, tokens};
use crate::scan::{ParseError, Tokens};

/// A statement.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Select {
    pub(super) columns: Vec<Column>,
    pub(super) from: String,
    pub(super) filter: Option<Expr>,
    pub(super) group_by: Vec<Expr>,
    pub(super) having: Option<Expr>,
    pub(super) order_by: Vec<Expr>,
    pub(super) limit: Option<u64>,
    pub(super) time: Option<Time>,
}

/// A column and its alias.
#[derive(Debug, PartialEq)]
pub(super) struct Column {
    pub(super) value: Expr,
    pub(super) alias: Option<String>,
}

/// The window of a statement.
#[derive(Debug, PartialEq)]
pub(super) enum Time {
    /// `LAST 24 HOURS`, in seconds.
    Last(u64),
    /// `START … STOP …`.
    Between(Expr, Option<Expr>),
}

/// An expression.
#[derive(Debug, PartialEq)]
pub(super) enum Expr {
    /// `*`.
    Star,
    /// A property or an alias.
    Name(String),
    Text(String),
    Number(String),
    Call {
        name: String,
        arguments: Vec<Expr>,
    },
    /// Operator in upper case: comparison, pattern or arithmetic.
    Binary {
        left: Box<Expr>,
        operator: String,
        right: Box<Expr>,
    },
    In {
        value: Box<Expr>,
        list: Vec<Expr>,
    },
    Between {
        value: Box<Expr>,
        low: Box<Expr>,
        high: Box<Expr>,
    },
    /// `IS NULL`.
    IsNull(Box<Expr>),
    /// `TEXT SEARCH '…'`.
    TextSearch(String),
    Case(Vec<Expr>),
    Not(Box<Expr>),
    And(Vec<Expr>),
    Or(Vec<Expr>),
}

/// Words that end an expression or a column.
const CLAUSES: [&str; 13] = [
    "FROM",
    "WHERE",
    "GROUP",
    "HAVING",
    "ORDER",
    "LIMIT",
    "LAST",
    "START",
    "STOP",
    "AS",
    "ASC",
    "DESC",
    "PARAMETERS",
];

/// Reads a statement.
pub(super) fn parse(text: &str) -> Result<Select, ParseError> {
    let mut parser = Parser { tokens: Tokens::new(text, tokens(text)?) };
    let select = parser.select()?;
    parser.sign(";");
    if parser.tokens.peek().is_some() {
        let mend = "the clauses stand in the order WHERE, GROUP BY, HAVING, ORDER BY, LIMIT, \
                    then LAST or START and STOP";
        return Err(parser.tokens.error("text after the statement", mend));
    }
    Ok(select)
}

struct Parser<'a> {
    tokens: Tokens<'a, Token>,
}

type Parsed<T> = Result<T, ParseError>;

impl Parser<'_> {
    fn sign(&mut self, wanted: &str) -> bool {
        self.tokens.take_if(|token| matches!(token, Token::Sign(sign) if *sign == wanted))
    }

    fn at_keyword(&self, wanted: &str) -> bool {
        matches!(self.tokens.peek(), Some(Token::Word(word)) if word.eq_ignore_ascii_case(wanted))
    }

    fn keyword(&mut self, wanted: &str) -> bool {
        let found = self.at_keyword(wanted);
        if found {
            self.tokens.take();
        }
        found
    }

    fn expect(&mut self, wanted: &str) -> Parsed<()> {
        if self.sign(wanted) || self.keyword(wanted) {
            return Ok(());
        }
        Err(self.tokens.error(&format!("no {wanted} where one must stand"), "put it there"))
    }

    fn select(&mut self) -> Parsed<Select> {
        self.expect("SELECT")?;
        let columns = self.columns()?;
        self.expect("FROM")?;
        let from = match self.tokens.take() {
            Some(Token::Word(name) | Token::Quoted(name)) => name,
            _ => return Err(self.tokens.error("no source", "write: FROM events")),
        };
        let mut select = Select { columns, from, ..Select::default() };
        if self.keyword("WHERE") {
            select.filter = Some(self.either()?);
        }
        if self.keyword("GROUP") {
            self.expect("BY")?;
            select.group_by = self.list()?;
        }
        if self.keyword("HAVING") {
            select.having = Some(self.either()?);
        }
        if self.keyword("ORDER") {
            self.expect("BY")?;
            select.order_by = self.ordering()?;
        }
        if self.keyword("LIMIT") {
            select.limit = Some(self.count()?);
        }
        select.time = self.time()?;
        Ok(select)
    }

    fn columns(&mut self) -> Parsed<Vec<Column>> {
        let mut columns = Vec::new();
        loop {
            let value = if self.sign("*") { Expr::Star } else { self.sum()? };
            let named = self.keyword("AS");
            let alias = match self.tokens.peek().cloned() {
                Some(Token::Quoted(name) | Token::Text(name)) => Some(name),
                Some(Token::Word(name)) if named || !is_clause(&name) => Some(name),
                _ if named => return Err(self.tokens.error("no alias", "write a name after AS")),
                _ => None,
            };
            if alias.is_some() {
                self.tokens.take();
            }
            columns.push(Column { value, alias });
            if !self.sign(",") {
                return Ok(columns);
            }
        }
    }

    fn list(&mut self) -> Parsed<Vec<Expr>> {
        let mut list = vec![self.sum()?];
        while self.sign(",") {
            list.push(self.sum()?);
        }
        Ok(list)
    }

    fn ordering(&mut self) -> Parsed<Vec<Expr>> {
        let mut list = Vec::new();
        loop {
            list.push(self.sum()?);
            let _ = self.keyword("ASC") || self.keyword("DESC");
            if !self.sign(",") {
                return Ok(list);
            }
        }
    }

    fn count(&mut self) -> Parsed<u64> {
        match self.tokens.take() {
            Some(Token::Number(digits)) => digits
                .parse()
                .map_err(|_| self.tokens.error("no whole number", "write a whole number")),
            _ => Err(self.tokens.error("no number", "write a whole number")),
        }
    }

    fn time(&mut self) -> Parsed<Option<Time>> {
        if self.keyword("LAST") {
            let count = self.count()?;
            let unit = match self.tokens.take() {
                Some(Token::Word(unit)) => unit.to_ascii_uppercase(),
                _ => String::new(),
            };
            let seconds = match unit.as_str() {
                "MINUTE" | "MINUTES" => 60,
                "HOUR" | "HOURS" => 3_600,
                "DAY" | "DAYS" => 86_400,
                _ => {
                    let mend = "write: LAST 24 HOURS (MINUTES, HOURS or DAYS)";
                    return Err(self.tokens.error("no unit of time", mend));
                }
            };
            return Ok(Some(Time::Last(count.saturating_mul(seconds))));
        }
        if self.keyword("START") {
            let from = self.sum()?;
            let to = if self.keyword("STOP") { Some(self.sum()?) } else { None };
            return Ok(Some(Time::Between(from, to)));
        }
        Ok(None)
    }

    fn either(&mut self) -> Parsed<Expr> {
        self.tokens.deeper()?;
        let mut parts = vec![self.both()?];
        while self.keyword("OR") {
            parts.push(self.both()?);
        }
        self.tokens.shallower();
        Ok(single(parts, Expr::Or))
    }

    fn both(&mut self) -> Parsed<Expr> {
        let mut parts = vec![self.negated()?];
        while self.keyword("AND") {
            parts.push(self.negated()?);
        }
        Ok(single(parts, Expr::And))
    }

    fn negated(&mut self) -> Parsed<Expr> {
        if self.keyword("NOT") {
            self.tokens.deeper()?;
            let inner = self.negated()?;
            self.tokens.shallower();
            return Ok(Expr::Not(Box::new(inner)));
        }
        self.comparison()
    }

    fn comparison(&mut self) -> Parsed<Expr> {
        const SIGNS: [&str; 8] = ["<=", ">=", "<>", "!=", "==", "=", "<", ">"];
        const PATTERNS: [&str; 4] = ["LIKE", "ILIKE", "MATCHES", "IMATCHES"];
        if self.keyword("TEXT") {
            self.expect("SEARCH")?;
            return match self.tokens.take() {
                Some(Token::Text(words)) => Ok(Expr::TextSearch(words)),
                _ => Err(self.tokens.error("no text", "write: TEXT SEARCH 'words'")),
            };
        }
        let left = self.sum()?;
        if let Some(operator) = SIGNS.into_iter().find(|sign| self.sign(sign)) {
            return Ok(binary(left, operator, self.sum()?));
        }
        if self.keyword("IS") {
            let negated = self.keyword("NOT");
            self.expect("NULL")?;
            return Ok(negate_if(negated, Expr::IsNull(Box::new(left))));
        }
        let negated = self.keyword("NOT");
        if let Some(operator) = PATTERNS.into_iter().find(|pattern| self.keyword(pattern)) {
            return Ok(negate_if(negated, binary(left, operator, self.sum()?)));
        }
        if self.keyword("IN") {
            self.expect("(")?;
            let list = self.list()?;
            self.expect(")")?;
            return Ok(negate_if(negated, Expr::In { value: Box::new(left), list }));
        }
        if self.keyword("BETWEEN") {
            let low = Box::new(self.sum()?);
            self.expect("AND")?;
            let high = Box::new(self.sum()?);
            return Ok(negate_if(negated, Expr::Between { value: Box::new(left), low, high }));
        }
        if negated {
            return Err(self.tokens.error("NOT before nothing", "write NOT before the property"));
        }
        Ok(left)
    }

    fn sum(&mut self) -> Parsed<Expr> {
        const OPERATORS: [&str; 8] = ["+", "-", "*", "/", "%", "^", "&", "|"];
        let mut left = self.operand()?;
        while let Some(operator) = OPERATORS.into_iter().find(|sign| self.sign(sign)) {
            left = binary(left, operator, self.operand()?);
        }
        Ok(left)
    }

    fn operand(&mut self) -> Parsed<Expr> {
        let mend = "write a property, a text in single quotes or a number";
        if self.sign("(") {
            let inner = self.either()?;
            self.expect(")")?;
            return Ok(inner);
        }
        if self.sign("-") {
            return match self.tokens.take() {
                Some(Token::Number(digits)) => Ok(Expr::Number(format!("-{digits}"))),
                _ => Err(self.tokens.error("no number after the minus", mend)),
            };
        }
        match self.tokens.peek().cloned() {
            Some(Token::Text(text)) => self.taken(Expr::Text(text)),
            Some(Token::Quoted(name)) => self.taken(Expr::Name(name)),
            Some(Token::Number(digits)) => self.taken(Expr::Number(digits)),
            Some(Token::Word(word)) if !is_clause(&word) => {
                self.tokens.take();
                if word.eq_ignore_ascii_case("CASE") {
                    return self.case();
                }
                if self.sign("(") { self.call(word) } else { Ok(Expr::Name(word)) }
            }
            _ => Err(self.tokens.error("no value where one must stand", mend)),
        }
    }

    fn taken(&mut self, expr: Expr) -> Parsed<Expr> {
        self.tokens.take();
        Ok(expr)
    }

    fn call(&mut self, name: String) -> Parsed<Expr> {
        let mut arguments = Vec::new();
        while !self.sign(")") {
            self.keyword("DISTINCT");
            let argument = if self.sign("*") { Expr::Star } else { self.either()? };
            arguments.push(argument);
            if !self.sign(",") {
                self.expect(")")?;
                break;
            }
        }
        Ok(Expr::Call { name, arguments })
    }

    fn case(&mut self) -> Parsed<Expr> {
        let mut parts = Vec::new();
        if !self.at_keyword("WHEN") {
            parts.push(self.sum()?);
        }
        while self.keyword("WHEN") {
            parts.push(self.either()?);
            self.expect("THEN")?;
            parts.push(self.sum()?);
        }
        if self.keyword("ELSE") {
            parts.push(self.sum()?);
        }
        self.expect("END")?;
        Ok(Expr::Case(parts))
    }
}

fn is_clause(word: &str) -> bool {
    CLAUSES.iter().any(|clause| clause.eq_ignore_ascii_case(word))
}

fn binary(left: Expr, operator: &str, right: Expr) -> Expr {
    let operator = operator.to_owned();
    Expr::Binary { left: Box::new(left), operator, right: Box::new(right) }
}

fn negate_if(negated: bool, expr: Expr) -> Expr {
    if negated { Expr::Not(Box::new(expr)) } else { expr }
}

fn single(mut parts: Vec<Expr>, list: fn(Vec<Expr>) -> Expr) -> Expr {
    match parts.pop() {
        Some(only) if parts.is_empty() => only,
        Some(last) => {
            parts.push(last);
            list(parts)
        }
        None => list(parts),
    }
}
