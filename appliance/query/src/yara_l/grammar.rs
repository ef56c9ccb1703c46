//! The syntax tree of a rule, and the parser that makes it: all of YARA-L 2.0 that public rules use.

use super::lexer::{Token, tokens};
use crate::scan::{ParseError, Tokens};

/// A rule.
#[derive(Debug, PartialEq)]
pub(super) struct Rule {
    pub(super) name: String,
    pub(super) meta: Vec<(String, String)>,
    pub(super) events: Vec<Expr>,
    pub(super) matched: Option<Match>,
    pub(super) outcome: Vec<(String, Expr)>,
    pub(super) condition: Option<Expr>,
}

/// `match: $a, $b over 5m`.
#[derive(Debug, PartialEq)]
pub(super) struct Match {
    pub(super) variables: Vec<String>,
    pub(super) seconds: u64,
}

/// An expression.
#[derive(Debug, PartialEq)]
pub(super) enum Expr {
    Text(String),
    Raw(String),
    Number(String),
    Word(String),
    /// `$e1.path`, or a placeholder where the path is empty. `keyed` where it goes on by `["key"]`.
    Variable {
        name: String,
        path: Vec<String>,
        keyed: bool,
    },
    Count(String),
    Call {
        name: String,
        arguments: Vec<Expr>,
    },
    /// An operator between two sides: comparison or arithmetic.
    Binary {
        left: Box<Expr>,
        operator: String,
        right: Box<Expr>,
        nocase: bool,
    },
    /// `any` or `all` of a repeated field.
    Quantified(Box<Expr>),
    Not(Box<Expr>),
    And(Vec<Expr>),
    Or(Vec<Expr>),
}

/// The names that open a section; `setup` and the like belong to dashboards, not rules.
const SECTIONS: [&str; 6] = ["meta", "events", "match", "outcome", "condition", "options"];

/// Reads a rule.
pub(super) fn parse(text: &str) -> Result<Rule, ParseError> {
    let mut parser = Parser { tokens: Tokens::new(text, tokens(text)?) };
    parser.rule()
}

struct Parser<'a> {
    tokens: Tokens<'a, Token>,
}

type Parsed<T> = Result<T, ParseError>;

impl Parser<'_> {
    fn sign(&mut self, wanted: &str) -> bool {
        self.tokens.take_if(|token| matches!(token, Token::Sign(sign) if *sign == wanted))
    }

    fn expect(&mut self, wanted: &str) -> Parsed<()> {
        if self.sign(wanted) {
            return Ok(());
        }
        Err(self.tokens.error(&format!("no {wanted} where one must stand"), "put it there"))
    }

    fn word(&mut self, wanted: &str) -> bool {
        self.tokens.take_if(
            |token| matches!(token, Token::Word(word) if word.eq_ignore_ascii_case(wanted)),
        )
    }

    fn any_word(&mut self, what: &str) -> Parsed<String> {
        match self.tokens.peek().cloned() {
            Some(Token::Word(word)) => {
                self.tokens.take();
                Ok(word)
            }
            _ => Err(self.tokens.error(&format!("no {what}"), "write a name")),
        }
    }

    fn rule(&mut self) -> Parsed<Rule> {
        if !self.word("rule") {
            return Err(self.tokens.error("no rule", "begin with: rule name {"));
        }
        let name = self.any_word("rule name")?;
        self.expect("{")?;
        let mut rule = Rule {
            name,
            meta: Vec::new(),
            events: Vec::new(),
            matched: None,
            outcome: Vec::new(),
            condition: None,
        };
        while let Some(section) = self.section_name() {
            self.section(&section, &mut rule)?;
        }
        self.expect("}")?;
        if self.tokens.peek().is_some() {
            return Err(self.tokens.error("text after the rule", "end the text with the rule's }"));
        }
        Ok(rule)
    }

    /// Takes `name :` where `name` opens a section.
    fn section_name(&mut self) -> Option<String> {
        let name = self.at_section()?;
        self.tokens.take();
        self.tokens.take();
        Some(name)
    }

    fn at_section(&self) -> Option<String> {
        match (self.tokens.peek(), self.tokens.peek_after(1)) {
            (Some(Token::Word(name)), Some(Token::Sign(":"))) => {
                SECTIONS.contains(&name.as_str()).then(|| name.clone())
            }
            _ => None,
        }
    }

    fn section(&mut self, name: &str, rule: &mut Rule) -> Parsed<()> {
        match name {
            "meta" => rule.meta = self.pairs()?,
            "events" => rule.events = self.statements()?,
            "match" => rule.matched = Some(self.matching()?),
            "outcome" => rule.outcome = self.outcomes()?,
            "condition" => rule.condition = Some(self.either()?),
            _ => {
                self.pairs()?;
            }
        }
        Ok(())
    }

    fn pairs(&mut self) -> Parsed<Vec<(String, String)>> {
        let mut pairs = Vec::new();
        while self.at_section().is_none() && matches!(self.tokens.peek(), Some(Token::Word(_))) {
            let key = self.any_word("key")?;
            self.expect("=")?;
            match self.tokens.take() {
                Some(Token::Text(value) | Token::Word(value) | Token::Number(value)) => {
                    pairs.push((key, value));
                }
                _ => return Err(self.tokens.error("no value", "write a text in double quotes")),
            }
        }
        Ok(pairs)
    }

    /// Expressions one after the other, which an implicit `and` joins.
    fn statements(&mut self) -> Parsed<Vec<Expr>> {
        let mut statements = Vec::new();
        loop {
            self.word("and");
            let ends = matches!(self.tokens.peek(), None | Some(Token::Sign("}")));
            if ends || self.at_section().is_some() {
                return Ok(statements);
            }
            statements.push(self.either()?);
        }
    }

    fn matching(&mut self) -> Parsed<Match> {
        let mut variables = Vec::new();
        loop {
            match self.tokens.take() {
                Some(Token::Variable(name, path)) if path.is_empty() => variables.push(name),
                _ => return Err(self.tokens.error("no match variable", "write: $name over 5m")),
            }
            if !self.sign(",") {
                break;
            }
        }
        if !(self.word("over") || self.word("by")) {
            return Err(self.tokens.error("no window", "write: over 5m"));
        }
        let Some(Token::Span(count, unit)) = self.tokens.take() else {
            return Err(self.tokens.error("no window", "write: over 5m"));
        };
        if self.word("before") || self.word("after") {
            self.tokens.take();
        }
        let scale = match unit {
            's' => 1,
            'm' => 60,
            'h' => 3_600,
            'd' => 86_400,
            _ => 604_800,
        };
        Ok(Match { variables, seconds: count.saturating_mul(scale) })
    }

    fn outcomes(&mut self) -> Parsed<Vec<(String, Expr)>> {
        let mut outcomes = Vec::new();
        while let Some(Token::Variable(name, _)) = self.tokens.peek().cloned() {
            self.tokens.take();
            self.expect("=")?;
            outcomes.push((name, self.either()?));
        }
        Ok(outcomes)
    }

    fn either(&mut self) -> Parsed<Expr> {
        self.tokens.deeper()?;
        let mut parts = vec![self.both()?];
        while self.word("or") {
            parts.push(self.both()?);
        }
        self.tokens.shallower();
        Ok(single(parts, Expr::Or))
    }

    fn both(&mut self) -> Parsed<Expr> {
        let mut parts = vec![self.negated()?];
        while self.word("and") {
            // An `and` may also stand between statements, before a section begins.
            if self.at_section().is_some() {
                break;
            }
            parts.push(self.negated()?);
        }
        Ok(single(parts, Expr::And))
    }

    fn negated(&mut self) -> Parsed<Expr> {
        if self.word("not") {
            self.tokens.deeper()?;
            let inner = self.negated()?;
            self.tokens.shallower();
            return Ok(Expr::Not(Box::new(inner)));
        }
        self.comparison()
    }

    fn comparison(&mut self) -> Parsed<Expr> {
        const OPERATORS: [&str; 7] = ["!=", "<=", ">=", "==", "=", "<", ">"];
        let left = self.sum()?;
        let operator = OPERATORS.into_iter().find(|sign| self.sign(sign));
        if let Some(operator) = operator {
            let right = self.sum()?;
            let nocase = self.word("nocase");
            return Ok(binary(left, operator, right, nocase));
        }
        if self.word("in") {
            let kind = if self.word("cidr") || self.word("regex") { "in-kind" } else { "in" };
            let list = self.any_word("list")?;
            let nocase = self.word("nocase");
            return Ok(binary(left, kind, Expr::Word(list), nocase));
        }
        self.word("nocase");
        Ok(left)
    }

    fn sum(&mut self) -> Parsed<Expr> {
        const OPERATORS: [&str; 4] = ["+", "-", "*", "/"];
        let mut left = self.operand()?;
        while let Some(operator) = OPERATORS.into_iter().find(|sign| self.sign(sign)) {
            let right = self.operand()?;
            left = binary(left, operator, right, false);
        }
        Ok(left)
    }

    fn operand(&mut self) -> Parsed<Expr> {
        let mend = "write a field such as $e1.principal.ip, a text in double quotes or a number";
        let Some(token) = self.tokens.peek().cloned() else {
            return Err(self.tokens.error("the text ends too early", mend));
        };
        if let Token::Sign(sign) = token {
            return self.signed(sign, mend);
        }
        self.tokens.take();
        match token {
            Token::Text(text) => Ok(Expr::Text(text)),
            Token::Raw(text) => Ok(Expr::Raw(text)),
            Token::Number(number) => Ok(Expr::Number(number)),
            Token::Count(name) => Ok(Expr::Count(name)),
            Token::Span(..) | Token::Sign(_) => Err(self.tokens.error("a span", mend)),
            Token::Variable(name, path) => self.variable(name, path),
            Token::Word(word) if matches!(word.as_str(), "any" | "all") => {
                Ok(Expr::Quantified(Box::new(self.operand()?)))
            }
            Token::Word(word) if self.sign("(") => self.call(word),
            Token::Word(word) => Ok(Expr::Word(word)),
        }
    }

    fn signed(&mut self, sign: &str, mend: &str) -> Parsed<Expr> {
        if self.sign("(") {
            let inner = self.either()?;
            self.expect(")")?;
            return Ok(inner);
        }
        if self.sign("-") {
            self.tokens.deeper()?;
            let inner = self.operand()?;
            self.tokens.shallower();
            return Ok(binary(Expr::Number("0".to_owned()), "-", inner, false));
        }
        Err(self.tokens.error(&format!("a misplaced {sign}"), mend))
    }

    fn variable(&mut self, name: String, mut path: Vec<String>) -> Parsed<Expr> {
        let mut keyed = false;
        while self.sign("[") {
            keyed = true;
            self.tokens.take();
            self.expect("]")?;
            while self.sign(".") {
                path.push(self.any_word("field name")?);
            }
        }
        Ok(Expr::Variable { name, path, keyed })
    }

    fn call(&mut self, name: String) -> Parsed<Expr> {
        let mut arguments = Vec::new();
        while !self.sign(")") {
            if self.named_argument() {
                continue;
            }
            arguments.push(self.either()?);
            if !self.sign(",") {
                self.expect(")")?;
                break;
            }
        }
        Ok(Expr::Call { name, arguments })
    }

    /// `period:1d,` as metric functions take it; what it holds is theirs to judge.
    fn named_argument(&mut self) -> bool {
        let named = matches!(self.tokens.peek(), Some(Token::Word(_)))
            && matches!(self.tokens.peek_after(1), Some(Token::Sign(":")));
        if named {
            self.tokens.take();
            self.tokens.take();
            self.tokens.take();
            self.sign(",");
        }
        named
    }
}

fn binary(left: Expr, operator: &str, right: Expr, nocase: bool) -> Expr {
    let operator = operator.to_owned();
    Expr::Binary { left: Box::new(left), operator, right: Box::new(right), nocase }
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
