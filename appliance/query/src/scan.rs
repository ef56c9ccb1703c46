//! A cursor over query text that knows where it is, shared by the dialects' lexers.

use thiserror::Error;

/// A text that is no query of its dialect.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("{what} at line {line}, column {column}: {mend}")]
pub struct ParseError {
    /// What is wrong.
    pub what: String,
    /// Line, from 1.
    pub line: usize,
    /// Column in characters, from 1.
    pub column: usize,
    /// How to mend it.
    pub mend: String,
}

/// The longest text a parser reads: some twenty times the longest public rule.
pub(crate) const MAX_TEXT: usize = 256 * 1024;

/// A cursor over text.
#[derive(Clone, Debug)]
pub(crate) struct Scanner<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Scanner<'a> {
    /// At the beginning of a text that is not too long to read.
    pub(crate) fn new(text: &'a str) -> Result<Self, ParseError> {
        let scanner = Self { text, at: 0 };
        if text.len() > MAX_TEXT {
            return Err(scanner.error_at(0, "the text is too long", "keep it under 256 KiB"));
        }
        Ok(scanner)
    }

    /// Byte offset.
    pub(crate) fn at(&self) -> usize {
        self.at
    }

    /// What is left.
    pub(crate) fn rest(&self) -> &'a str {
        &self.text[self.at..]
    }

    /// The next character.
    pub(crate) fn peek(&self) -> Option<char> {
        self.rest().chars().next()
    }

    /// Takes the next character.
    pub(crate) fn bump(&mut self) -> Option<char> {
        let character = self.peek()?;
        self.at += character.len_utf8();
        Some(character)
    }

    /// Takes `expected` where it stands next.
    pub(crate) fn eat(&mut self, expected: &str) -> bool {
        let found = self.rest().starts_with(expected);
        if found {
            self.at += expected.len();
        }
        found
    }

    /// Takes characters while they satisfy `keep`.
    pub(crate) fn take_while(&mut self, keep: impl Fn(char) -> bool) -> &'a str {
        let rest = self.rest();
        let length = rest.find(|character| !keep(character)).unwrap_or(rest.len());
        self.at += length;
        &rest[..length]
    }

    /// An error at a byte offset.
    pub(crate) fn error_at(&self, at: usize, what: &str, mend: &str) -> ParseError {
        locate(self.text, at, what, mend)
    }
}

/// An error at a byte offset of a text.
pub(crate) fn locate(text: &str, at: usize, what: &str, mend: &str) -> ParseError {
    let before = text.get(..at).unwrap_or(text);
    let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
    ParseError {
        what: what.to_owned(),
        line: before.matches('\n').count() + 1,
        column: before[line_start..].chars().count() + 1,
        mend: mend.to_owned(),
    }
}

/// A token and where it stands.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Spot<T> {
    /// Byte offset of its first byte.
    pub(crate) at: usize,
    /// The token.
    pub(crate) token: T,
}

/// A cursor over tokens.
#[derive(Debug)]
pub(crate) struct Tokens<'a, T> {
    text: &'a str,
    tokens: Vec<Spot<T>>,
    next: usize,
    depth: usize,
}

impl<'a, T: Clone + PartialEq> Tokens<'a, T> {
    /// Over the tokens of a text.
    pub(crate) fn new(text: &'a str, tokens: Vec<Spot<T>>) -> Self {
        Self { text, tokens, next: 0, depth: 0 }
    }

    /// The next token.
    pub(crate) fn peek(&self) -> Option<&T> {
        self.tokens.get(self.next).map(|spot| &spot.token)
    }

    /// The token after `skip` others.
    pub(crate) fn peek_after(&self, skip: usize) -> Option<&T> {
        self.tokens.get(self.next + skip).map(|spot| &spot.token)
    }

    /// Takes the next token.
    pub(crate) fn take(&mut self) -> Option<T> {
        let token = self.peek().cloned();
        self.next += usize::from(token.is_some());
        token
    }

    /// Takes the next token where it satisfies `wanted`.
    pub(crate) fn take_if(&mut self, wanted: impl FnOnce(&T) -> bool) -> bool {
        let found = self.peek().is_some_and(wanted);
        self.next += usize::from(found);
        found
    }

    /// The byte offset of the next token, the end of the text where there is none.
    pub(crate) fn offset(&self) -> usize {
        self.tokens.get(self.next).map_or(self.text.len(), |spot| spot.at)
    }

    /// Whether the next token is the first on its line.
    pub(crate) fn begins_line(&self) -> bool {
        let before = self.text.get(..self.offset()).unwrap_or_default();
        let line = before.rsplit('\n').next().unwrap_or_default();
        before.contains('\n') && line.trim().is_empty()
    }

    /// The text from an offset up to the next token.
    pub(crate) fn slice(&self, from: usize) -> &'a str {
        self.text.get(from..self.offset()).unwrap_or_default()
    }

    /// Goes one level deeper, or says that it is too deep.
    pub(crate) fn deeper(&mut self) -> Result<(), ParseError> {
        self.depth += 1;
        if self.depth > crate::shape::MAX_DEPTH {
            return Err(self.error("nested too deeply", "use fewer parentheses"));
        }
        Ok(())
    }

    /// Comes back up.
    pub(crate) fn shallower(&mut self) {
        self.depth = self.depth.saturating_sub(1);
    }

    /// An error at the next token.
    pub(crate) fn error(&self, what: &str, mend: &str) -> ParseError {
        let at = self.tokens.get(self.next).map_or(self.text.len(), |spot| spot.at);
        locate(self.text, at, what, mend)
    }
}
