//! Tokens of YARA-L 2.0.

use crate::scan::{ParseError, Scanner, Spot};

/// A token of YARA-L.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Token {
    /// A name: keyword, function, meta key, list (`%name`), field path without a variable.
    Word(String),
    /// `$name`, with the path that follows: `$e1.metadata.event_type`.
    Variable(String, Vec<String>),
    /// `#name`.
    Count(String),
    /// A double-quoted text, unescaped.
    Text(String),
    /// Backtick text or a regular expression between slashes.
    Raw(String),
    /// A number.
    Number(String),
    /// A span such as `5m`.
    Span(u64, char),
    /// Punctuation and operators.
    Sign(&'static str),
}

const SIGNS: [&str; 20] = [
    "!=", "<=", ">=", "==", "=", "<", ">", "(", ")", "{", "}", "[", "]", ",", ":", "+", "-", "*",
    "/", ".",
];

/// All tokens of a rule.
pub(super) fn tokens(text: &str) -> Result<Vec<Spot<Token>>, ParseError> {
    let mut scanner = Scanner::new(text)?;
    let mut tokens: Vec<Spot<Token>> = Vec::new();
    loop {
        skip(&mut scanner)?;
        let at = scanner.at();
        let Some(next) = scanner.peek() else { return Ok(tokens) };
        let regex_may_begin = tokens.last().is_none_or(|last| begins_operand(&last.token));
        let token = match next {
            '"' => Token::Text(quoted(&mut scanner)?),
            '`' => Token::Raw(delimited(&mut scanner, '`', false)?),
            '/' if regex_may_begin => Token::Raw(delimited(&mut scanner, '/', true)?),
            '$' => variable(&mut scanner)?,
            '#' => {
                scanner.bump();
                Token::Count(name(&mut scanner)?)
            }
            digit if digit.is_ascii_digit() => number(&mut scanner)?,
            letter if letter.is_alphabetic() || letter == '_' || letter == '%' => {
                Token::Word(scanner.take_while(is_path_part).to_owned())
            }
            _ => sign(&mut scanner)?,
        };
        tokens.push(Spot { at, token });
    }
}

/// White space and comments.
fn skip(scanner: &mut Scanner<'_>) -> Result<(), ParseError> {
    loop {
        scanner.take_while(char::is_whitespace);
        let at = scanner.at();
        if scanner.eat("//") {
            scanner.take_while(|character| character != '\n');
        } else if scanner.eat("/*") {
            let Some(end) = scanner.rest().find("*/") else {
                return Err(scanner.error_at(at, "a comment without an end", "close it with */"));
            };
            let stop = scanner.at() + end;
            while scanner.at() < stop {
                scanner.bump();
            }
            scanner.eat("*/");
        } else {
            return Ok(());
        }
    }
}

/// Whether after this token a slash begins a regular expression, not a division.
fn begins_operand(last: &Token) -> bool {
    match last {
        Token::Sign(sign) => matches!(*sign, "=" | "!=" | "==" | "(" | ","),
        Token::Word(word) => ["and", "or", "not"].iter().any(|k| k.eq_ignore_ascii_case(word)),
        _ => false,
    }
}

fn sign(scanner: &mut Scanner<'_>) -> Result<Token, ParseError> {
    let at = scanner.at();
    let known = SIGNS.into_iter().find(|sign| scanner.eat(sign));
    known
        .map(Token::Sign)
        .ok_or_else(|| scanner.error_at(at, "a stray character", "put text in double quotes"))
}

fn is_name_part(character: char) -> bool {
    character.is_alphanumeric() || character == '_'
}

fn is_path_part(character: char) -> bool {
    is_name_part(character) || character == '.' || character == '%'
}

fn name(scanner: &mut Scanner<'_>) -> Result<String, ParseError> {
    let at = scanner.at();
    let name = scanner.take_while(is_name_part);
    if name.is_empty() {
        return Err(scanner.error_at(at, "a variable without a name", "write $name"));
    }
    Ok(name.to_owned())
}

fn variable(scanner: &mut Scanner<'_>) -> Result<Token, ParseError> {
    scanner.bump();
    let variable = name(scanner)?;
    let mut path = Vec::new();
    while scanner.peek() == Some('.') {
        scanner.bump();
        path.push(name(scanner)?);
    }
    Ok(Token::Variable(variable, path))
}

fn number(scanner: &mut Scanner<'_>) -> Result<Token, ParseError> {
    let at = scanner.at();
    let digits = scanner.take_while(|character| character.is_ascii_digit() || character == '.');
    let unit = scanner.peek().filter(|unit| "smhdw".contains(*unit));
    let Some(unit) = unit else { return Ok(Token::Number(digits.to_owned())) };
    scanner.bump();
    let count = digits.parse();
    count
        .map(|count| Token::Span(count, unit))
        .map_err(|_| scanner.error_at(at, "a span that is no whole number", "write 5m or 1h"))
}

fn quoted(scanner: &mut Scanner<'_>) -> Result<String, ParseError> {
    let start = scanner.at();
    scanner.bump();
    let mut text = String::new();
    loop {
        match scanner.bump() {
            None | Some('\n') => {
                let mend = "close it with \" on the same line, and write a quote as \\\"";
                return Err(scanner.error_at(start, "a text without an end", mend));
            }
            Some('"') => return Ok(text),
            Some('\\') => match scanner.bump() {
                Some('n') => text.push('\n'),
                Some('t') => text.push('\t'),
                Some('r') => text.push('\r'),
                Some(same @ ('"' | '\\')) => text.push(same),
                // Regular expressions in double quotes keep the backslash of what is no escape.
                Some(other) => text.extend(['\\', other]),
                None => {}
            },
            Some(character) => text.push(character),
        }
    }
}

/// Text up to the same delimiter; where `escapes`, a backslash protects what follows it.
fn delimited(
    scanner: &mut Scanner<'_>,
    delimiter: char,
    escapes: bool,
) -> Result<String, ParseError> {
    let start = scanner.at();
    scanner.bump();
    let mut text = String::new();
    loop {
        match scanner.bump() {
            None | Some('\n') => {
                let mend = format!("close it with {delimiter} on the same line");
                return Err(scanner.error_at(start, "a text without an end", &mend));
            }
            Some(end) if end == delimiter => return Ok(text),
            Some('\\') if escapes => {
                text.push('\\');
                text.extend(scanner.bump());
            }
            Some(character) => text.push(character),
        }
    }
}
