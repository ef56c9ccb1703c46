//! The terms of a search: `field=value` side by side, joined by AND where nothing stands between.

use crate::scan::{ParseError, Scanner, locate};
use crate::shape::MAX_DEPTH;

/// A condition of a search.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Search {
    And(Vec<Search>),
    Or(Vec<Search>),
    Not(Box<Search>),
    /// `field=value`.
    Compare {
        field: String,
        sign: &'static str,
        value: Literal,
    },
    /// `field IN (a, b)`.
    In {
        field: String,
        values: Vec<Literal>,
    },
    /// A word or phrase anywhere in the line.
    Phrase(String),
    /// A macro or a search in brackets: what it says stands elsewhere.
    Elsewhere,
}

/// A value and whether it stood in quotes.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Literal {
    pub(super) text: String,
    pub(super) quoted: bool,
}

type Parsed<T> = Result<T, ParseError>;

/// Reads the terms of a search that begin at a byte offset of the whole text.
pub(super) fn parse(whole: &str, part: &str, at: usize) -> Parsed<Search> {
    let mut parser = Parser { scanner: Scanner::new(part)?, whole, at, depth: 0 };
    let search = parser.all()?;
    match parser.scanner.peek() {
        None => Ok(search),
        Some(_) => Err(parser.error("text that does not belong here", "balance the brackets")),
    }
}

struct Parser<'a> {
    scanner: Scanner<'a>,
    whole: &'a str,
    at: usize,
    depth: usize,
}

const SIGNS: [&str; 8] = ["<=", ">=", "!=", "==", "::", "=", "<", ">"];

impl Parser<'_> {
    fn error(&self, what: &str, mend: &str) -> ParseError {
        locate(self.whole, self.at + self.scanner.at(), what, mend)
    }

    fn blanks(&mut self) {
        self.scanner.take_while(char::is_whitespace);
    }

    fn keyword(&mut self, word: &str) -> bool {
        self.blanks();
        let rest = self.scanner.rest();
        let same = rest.get(..word.len()).is_some_and(|head| head.eq_ignore_ascii_case(word));
        let behind = same.then(|| rest[word.len()..].chars().next()).flatten();
        let ends = behind.is_none_or(|next| next.is_whitespace() || "()[\"".contains(next));
        let found = same && ends && (behind.is_some() || rest.len() == word.len());
        if found {
            for _ in 0..word.len() {
                self.scanner.bump();
            }
        }
        found
    }

    /// Terms side by side; OR binds closer than they do.
    fn all(&mut self) -> Parsed<Search> {
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return Err(self.error("nested too deeply", "use fewer parentheses"));
        }
        let mut parts = Vec::new();
        loop {
            self.blanks();
            let ended = self.scanner.peek().is_none_or(|next| matches!(next, ')' | ']'));
            let joined = !parts.is_empty() && self.keyword("AND");
            if ended && !joined {
                break;
            }
            parts.push(self.either()?);
        }
        self.depth -= 1;
        Ok(single(parts, Search::And))
    }

    fn either(&mut self) -> Parsed<Search> {
        let mut parts = vec![self.negated()?];
        while self.keyword("OR") {
            parts.push(self.negated()?);
        }
        Ok(single(parts, Search::Or))
    }

    fn negated(&mut self) -> Parsed<Search> {
        let mut negated = false;
        while self.keyword("NOT") {
            negated = !negated;
        }
        let term = self.term()?;
        Ok(if negated { Search::Not(Box::new(term)) } else { term })
    }

    fn term(&mut self) -> Parsed<Search> {
        self.blanks();
        match self.scanner.peek() {
            Some('(') => {
                self.scanner.bump();
                let inner = self.all()?;
                self.blanks();
                if !self.scanner.eat(")") {
                    return Err(self.error("no ) where one must stand", "close what was opened"));
                }
                if inner == Search::And(Vec::new()) {
                    return Err(self.error("empty parentheses", "put a condition into them"));
                }
                Ok(inner)
            }
            Some('`') => {
                self.scanner.bump();
                self.scanner.take_while(|c| c != '`');
                if !self.scanner.eat("`") {
                    return Err(self.error("a macro without an end", "close it with `"));
                }
                Ok(Search::Elsewhere)
            }
            Some('[') => self.bracketed(),
            _ => self.comparison(),
        }
    }

    /// A search in brackets, whose own brackets the splitter has balanced.
    fn bracketed(&mut self) -> Parsed<Search> {
        let mut depth = 0_usize;
        while let Some(next) = self.scanner.peek() {
            match next {
                '"' => {
                    self.quoted()?;
                    continue;
                }
                '[' => depth += 1,
                ']' => depth -= 1,
                _ => {}
            }
            self.scanner.bump();
            if depth == 0 {
                return Ok(Search::Elsewhere);
            }
        }
        Err(self.error("a bracket without an end", "close it with ]"))
    }

    fn comparison(&mut self) -> Parsed<Search> {
        let name = self.literal()?;
        self.blanks();
        if let Some(sign) = SIGNS.into_iter().find(|sign| self.scanner.eat(sign)) {
            self.blanks();
            if self.scanner.rest().starts_with('`') {
                self.term()?;
                return Ok(Search::Elsewhere);
            }
            let value = self.literal()?;
            return Ok(Search::Compare { field: name.text, sign, value });
        }
        if self.keyword("IN") {
            return Ok(Search::In { field: name.text, values: self.values()? });
        }
        Ok(Search::Phrase(name.text))
    }

    fn values(&mut self) -> Parsed<Vec<Literal>> {
        self.blanks();
        let mut values = Vec::new();
        if !self.scanner.eat("(") {
            return Err(self.error("no list behind IN", "write field IN (a, b)"));
        }
        loop {
            self.blanks();
            if self.scanner.eat(")") {
                return Ok(values);
            }
            values.push(self.literal()?);
            self.blanks();
            self.scanner.eat(",");
        }
    }

    fn literal(&mut self) -> Parsed<Literal> {
        self.blanks();
        if self.scanner.peek() == Some('"') {
            let text = self.quoted()?;
            let runs_on = |next: char| next.is_alphanumeric() || "\"*\\_".contains(next);
            if self.scanner.peek().is_some_and(runs_on) {
                return Err(self.error("text right behind a quote", "put a blank between them"));
            }
            return Ok(Literal { text, quoted: true });
        }
        let text = self.scanner.take_while(|c| !c.is_whitespace() && !"()[]\",=<>!`|".contains(c));
        let call = !text.is_empty() && self.scanner.rest().starts_with('(');
        if call {
            self.called()?;
        }
        if self.scanner.rest().starts_with('"') {
            let mend = "write a quote inside a text as \\\"";
            return Err(self.error("a quote right behind a word", mend));
        }
        if text.is_empty() {
            let what = "no value where one must stand";
            return Err(self.error(what, "write a word or a text in double quotes"));
        }
        Ok(Literal { text: text.to_owned(), quoted: false })
    }

    /// The parentheses of TERM(…), CASE(…), now() and the like.
    fn called(&mut self) -> Parsed<()> {
        let mut depth = 0_usize;
        while let Some(next) = self.scanner.peek() {
            match next {
                '"' => {
                    self.quoted()?;
                    continue;
                }
                '(' => depth += 1,
                ')' => depth -= 1,
                _ => {}
            }
            self.scanner.bump();
            if depth == 0 {
                return Ok(());
            }
        }
        Err(self.error("a parenthesis without an end", "close it with )"))
    }

    /// In quotes a backslash stands before a quote or another backslash; elsewhere it is itself.
    fn quoted(&mut self) -> Parsed<String> {
        let start = self.scanner.at();
        self.scanner.bump();
        let mut text = String::new();
        loop {
            match self.scanner.bump() {
                None => {
                    let mend = "close it with \", and write a quote inside it as \\\"";
                    let what = "a text without an end";
                    return Err(locate(self.whole, self.at + start, what, mend));
                }
                Some('"') => return Ok(text),
                Some('\\') if self.scanner.rest().starts_with(['"', '\\']) => {
                    text.extend(self.scanner.bump());
                }
                Some(other) => text.push(other),
            }
        }
    }
}

fn single(mut parts: Vec<Search>, list: fn(Vec<Search>) -> Search) -> Search {
    match (parts.len(), parts.pop()) {
        (1, Some(only)) => only,
        (_, last) => {
            parts.extend(last);
            list(parts)
        }
    }
}
