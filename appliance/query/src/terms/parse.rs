//! From text to the tree of terms.

use super::{Node, Piece, Value};
use crate::scan::{ParseError, Scanner};
use crate::shape::MAX_DEPTH;

/// How a dialect writes terms.
#[derive(Debug)]
pub(crate) struct Rules {
    /// Whether `and`, `or` and `not` count in any case.
    pub(crate) any_case: bool,
    /// Whether neighbours need nothing between them, and `+`, `-`, `!`, `&&` and `||` are operators.
    pub(crate) signs: bool,
    /// Whether `/…/`, `[a TO b]`, `~1` and `^2` exist.
    pub(crate) patterns: bool,
    /// Whether `field:{ … }` is a condition on a nested element, and words go on over blanks.
    pub(crate) nested: bool,
    /// What cannot stand bare in a word.
    pub(crate) special: &'static str,
    /// What a backslash may stand before; anything where empty.
    pub(crate) escapable: &'static str,
    /// Which wildcards there are.
    pub(crate) wildcards: &'static str,
}

type Parsed<T> = Result<T, ParseError>;

/// Reads a whole text.
pub(crate) fn parse(text: &str, rules: &'static Rules) -> Parsed<Node> {
    let mut parser = Parser { scanner: Scanner::new(text)?, rules, depth: 0, values: false };
    let node = parser.either()?;
    parser.blanks();
    match parser.scanner.peek() {
        None => Ok(node),
        Some(_) => Err(parser.error("text that does not belong here", "join terms by and or or")),
    }
}

struct Parser<'a> {
    scanner: Scanner<'a>,
    rules: &'static Rules,
    depth: usize,
    /// Whether only values of one field can stand here, no fields of their own.
    values: bool,
}

impl Parser<'_> {
    fn error(&self, what: &str, mend: &str) -> ParseError {
        self.scanner.error_at(self.scanner.at(), what, mend)
    }

    fn blanks(&mut self) {
        self.scanner.take_while(char::is_whitespace);
    }

    fn deeper(&mut self) -> Parsed<()> {
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return Err(self.error("nested too deeply", "use fewer parentheses"));
        }
        Ok(())
    }

    /// Whether a keyword stands next, with something else than a word behind it.
    fn at_keyword(&self, word: &str) -> bool {
        let rest = self.scanner.rest();
        let Some(head) = rest.get(..word.len()) else { return false };
        let same = if self.rules.any_case { head.eq_ignore_ascii_case(word) } else { head == word };
        let behind = rest[head.len()..].chars().next();
        let ends = behind.is_none_or(|next| next.is_whitespace() || "()\"{".contains(next));
        same && ends
    }

    fn keyword(&mut self, word: &str, sign: &str) -> bool {
        self.blanks();
        if self.rules.signs && !sign.is_empty() && self.scanner.eat(sign) {
            return true;
        }
        let found = self.at_keyword(word);
        if found {
            for _ in 0..word.len() {
                self.scanner.bump();
            }
        }
        found
    }

    fn either(&mut self) -> Parsed<Node> {
        self.deeper()?;
        let mut parts = vec![self.both()?];
        while self.keyword("OR", "||") {
            parts.push(self.both()?);
        }
        self.depth -= 1;
        Ok(single(parts, Node::Or))
    }

    fn both(&mut self) -> Parsed<Node> {
        let mut parts = vec![self.negated()?];
        loop {
            let joined = self.keyword("AND", "&&");
            if !(joined || self.rules.signs && self.goes_on()) {
                return Ok(single(parts, Node::And));
            }
            parts.push(self.negated()?);
        }
    }

    /// Whether another term follows with nothing between.
    fn goes_on(&self) -> bool {
        let ends = |next: char| matches!(next, ')' | ']' | '}' | '|');
        self.scanner.peek().is_some_and(|next| !ends(next)) && !self.at_keyword("OR")
    }

    fn negated(&mut self) -> Parsed<Node> {
        if self.keyword("NOT", "!") || (self.rules.signs && self.scanner.eat("-")) {
            self.deeper()?;
            let inner = self.negated()?;
            self.depth -= 1;
            return Ok(Node::Not(Box::new(inner)));
        }
        if self.rules.signs {
            self.scanner.eat("+");
        }
        self.term()
    }

    fn term(&mut self) -> Parsed<Node> {
        self.blanks();
        if self.scanner.eat("(") {
            let node = self.either()?;
            self.close(")")?;
            self.weight();
            return Ok(node);
        }
        let value = self.value(!self.values)?;
        self.blanks();
        let name = match &value {
            _ if self.values => None,
            Value::Quoted(name) => Some(name.clone()),
            Value::Word(pieces) => Some(written(pieces)),
            _ => None,
        };
        let ordered = ["<=", ">=", "<", ">"];
        if let Some(name) = name {
            if self.scanner.eat(":") {
                return Ok(Node::Term { field: Some(name), value: self.field_value()? });
            }
            let sign = ordered.into_iter().find(|sign| !self.rules.signs && self.scanner.eat(sign));
            if let Some(sign) = sign {
                let value = Value::Ordered(sign, self.plain()?);
                return Ok(Node::Term { field: Some(name), value });
            }
        }
        Ok(Node::Term { field: None, value })
    }

    /// What stands behind a field's colon.
    fn field_value(&mut self) -> Parsed<Value> {
        self.blanks();
        if self.scanner.eat("(") {
            let outside = std::mem::replace(&mut self.values, self.rules.nested);
            let node = self.either()?;
            self.values = outside;
            self.close(")")?;
            self.weight();
            return Ok(Value::Group(Box::new(node)));
        }
        if self.rules.nested && self.scanner.eat("{") {
            let node = self.either()?;
            self.close("}")?;
            return Ok(Value::Group(Box::new(node)));
        }
        if self.rules.patterns && self.scanner.peek().is_some_and(|next| "[{".contains(next)) {
            return self.range();
        }
        for sign in ["<=", ">=", "<", ">"] {
            if self.rules.signs && self.scanner.eat(sign) {
                return Ok(Value::Ordered(sign, self.plain()?));
            }
        }
        if self.rules.nested && self.keyword("NOT", "") {
            let value = self.field_value()?;
            let inner = Node::Term { field: None, value };
            return Ok(Value::Group(Box::new(Node::Not(Box::new(inner)))));
        }
        self.value(false)
    }

    fn close(&mut self, bracket: &str) -> Parsed<()> {
        self.blanks();
        if self.scanner.eat(bracket) {
            return Ok(());
        }
        Err(self.error(&format!("no {bracket} where one must stand"), "close what was opened"))
    }

    fn range(&mut self) -> Parsed<Value> {
        let with_low = self.scanner.eat("[");
        if !with_low {
            self.scanner.eat("{");
        }
        let low = self.bound()?;
        if !self.keyword("TO", "") {
            return Err(self.error("a range without TO", "write [low TO high]"));
        }
        let high = self.bound()?;
        self.blanks();
        let with_high = self.scanner.eat("]");
        if !with_high {
            self.close("}")?;
        }
        Ok(Value::Range { low, with_low, high, with_high })
    }

    fn bound(&mut self) -> Parsed<String> {
        self.blanks();
        let bare = self.scanner.rest().starts_with('"');
        if bare {
            return self.quoted();
        }
        let bound = self.scanner.take_while(|c| !c.is_whitespace() && !"]}\"".contains(c));
        if bound.is_empty() {
            return Err(self.error("a range without a bound", "write * for none"));
        }
        Ok(bound.replace('\\', ""))
    }

    /// A value without wildcards.
    fn plain(&mut self) -> Parsed<String> {
        self.blanks();
        match self.value(false)? {
            Value::Quoted(text) => Ok(text),
            Value::Word(pieces) => Ok(written(&pieces)),
            _ => Err(self.error("no value behind the sign", "write a number")),
        }
    }

    fn value(&mut self, may_be_field: bool) -> Parsed<Value> {
        self.blanks();
        let value = match self.scanner.peek() {
            Some('"') => Value::Quoted(self.quoted()?),
            Some('/') if self.rules.patterns => Value::Pattern(self.pattern()?),
            _ => Value::Word(self.pieces(may_be_field)?),
        };
        self.weight();
        Ok(value)
    }

    /// `~2` and `^4` behind a value.
    fn weight(&mut self) {
        if self.rules.patterns && (self.scanner.eat("~") || self.scanner.eat("^")) {
            self.scanner.take_while(|c| c.is_ascii_digit() || c == '.');
        }
    }

    fn pattern(&mut self) -> Parsed<String> {
        let start = self.scanner.at();
        self.scanner.bump();
        let mut pattern = String::new();
        loop {
            match self.scanner.bump() {
                None => {
                    let mend = "close it with /";
                    return Err(self.scanner.error_at(start, "a pattern without an end", mend));
                }
                Some('/') => return Ok(pattern),
                Some('\\') => {
                    pattern.push('\\');
                    pattern.extend(self.scanner.bump());
                }
                Some(other) => pattern.push(other),
            }
        }
    }

    fn quoted(&mut self) -> Parsed<String> {
        let start = self.scanner.at();
        self.scanner.bump();
        let mut text = String::new();
        loop {
            match self.scanner.bump() {
                None => {
                    let mend = "close it with \", and write a quote inside it as \\\"";
                    return Err(self.scanner.error_at(start, "a text without an end", mend));
                }
                Some('"') => return Ok(text),
                Some('\\') => match self.scanner.peek() {
                    // Kibana reads a backslash before anything else as itself.
                    Some(next) if self.rules.nested && !"\\\"tnr".contains(next) => text.push('\\'),
                    _ => text.push(self.escaped()?),
                },
                Some(other) => text.push(other),
            }
        }
    }

    fn escaped(&mut self) -> Parsed<char> {
        let mend = "write a backslash as two backslashes";
        match self.scanner.bump() {
            Some('n') if !self.rules.escapable.is_empty() => Ok('\n'),
            Some('r') if !self.rules.escapable.is_empty() => Ok('\r'),
            Some('t') if !self.rules.escapable.is_empty() => Ok('\t'),
            Some(next)
                if self.rules.escapable.is_empty() || self.rules.escapable.contains(next) =>
            {
                Ok(next)
            }
            _ => Err(self.error("an unknown escape", mend)),
        }
    }

    /// The pieces of a bare word; a field's name does not go on over blanks.
    fn pieces(&mut self, may_be_field: bool) -> Parsed<Vec<Piece>> {
        let mut pieces = Vec::new();
        let mut text = String::new();
        while let Some(next) = self.scanner.peek() {
            if next.is_whitespace() {
                if may_be_field || !self.word_goes_on() {
                    break;
                }
                text.extend(self.scanner.bump());
            } else if self.rules.wildcards.contains(next) {
                self.scanner.bump();
                if !text.is_empty() {
                    pieces.push(Piece::Text(std::mem::take(&mut text)));
                }
                pieces.push(Piece::Wildcard(next));
            } else if next == '\\' {
                self.scanner.bump();
                match self.escaped_keyword() {
                    Some(keyword) => text.push_str(&keyword),
                    None => text.push(self.escaped()?),
                }
            } else if self.rules.special.contains(next) {
                break;
            } else {
                text.extend(self.scanner.bump());
            }
        }
        if !text.is_empty() {
            pieces.push(Piece::Text(text));
        }
        if pieces.is_empty() {
            let mend = "write a word, a text in double quotes or a parenthesis";
            return Err(self.error("no value where one must stand", mend));
        }
        Ok(pieces)
    }

    /// Whether blanks inside a bare word are followed by more of it.
    fn word_goes_on(&self) -> bool {
        let mut ahead = self.scanner.clone();
        ahead.take_while(char::is_whitespace);
        let parser = Parser { scanner: ahead, rules: self.rules, depth: 0, values: true };
        let ends = parser.scanner.peek().is_none_or(|next| {
            self.rules.special.contains(next)
                && next != '\\'
                && !self.rules.wildcards.contains(next)
        });
        let keyword = ["AND", "OR", "NOT"].iter().any(|word| parser.at_keyword(word));
        self.rules.nested && !ends && !keyword
    }

    /// `\and`, `\or`, `\not`: words that are none of the operators.
    fn escaped_keyword(&mut self) -> Option<String> {
        let found = ["AND", "OR", "NOT"].into_iter().find(|word| {
            self.rules.any_case
                && self
                    .scanner
                    .rest()
                    .get(..word.len())
                    .is_some_and(|head| head.eq_ignore_ascii_case(word))
        })?;
        Some((0..found.len()).filter_map(|_| self.scanner.bump()).collect())
    }
}

/// A bare word as a name, its wildcards among the letters.
fn written(pieces: &[Piece]) -> String {
    let mut name = String::new();
    for piece in pieces {
        match piece {
            Piece::Text(text) => name.push_str(text),
            Piece::Wildcard(wildcard) => name.push(*wildcard),
        }
    }
    name
}

fn single(mut parts: Vec<Node>, list: fn(Vec<Node>) -> Node) -> Node {
    match (parts.len(), parts.pop()) {
        (1, Some(only)) => only,
        (_, last) => {
            parts.extend(last);
            list(parts)
        }
    }
}
