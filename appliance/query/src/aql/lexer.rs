//! Tokens of AQL.

use crate::scan::{ParseError, Scanner, Spot};

/// A token of AQL.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Token {
    /// A keyword, property or function, as written.
    Word(String),
    /// A property or alias in double quotes.
    Quoted(String),
    /// A text in single quotes.
    Text(String),
    /// A number.
    Number(String),
    /// Punctuation and operators.
    Sign(&'static str),
}

const SIGNS: [&str; 20] = [
    "<=", ">=", "<>", "!=", "==", "=", "<", ">", "(", ")", ",", "+", "-", "*", "/", "%", "^", "&",
    "|", ";",
];

/// All tokens of a statement.
pub(super) fn tokens(text: &str) -> Result<Vec<Spot<Token>>, ParseError> {
    let mut scanner = Scanner::new(text)?;
    let mut tokens = Vec::new();
    loop {
        scanner.take_while(char::is_whitespace);
        let at = scanner.at();
        let Some(next) = scanner.peek() else { return Ok(tokens) };
        let token = match next {
            '"' => Token::Quoted(quoted(&mut scanner, '"')?),
            '\'' => Token::Text(quoted(&mut scanner, '\'')?),
            digit if digit.is_ascii_digit() => {
                Token::Number(scanner.take_while(|c| c.is_ascii_digit() || c == '.').to_owned())
            }
            letter if letter.is_alphabetic() || letter == '_' => {
                Token::Word(scanner.take_while(is_word_part).to_owned())
            }
            _ => sign(&mut scanner)?,
        };
        tokens.push(Spot { at, token });
    }
}

/// `::` belongs to function names such as `GEO::LOOKUP`.
fn is_word_part(character: char) -> bool {
    character.is_alphanumeric() || "_:.-".contains(character)
}

fn sign(scanner: &mut Scanner<'_>) -> Result<Token, ParseError> {
    let at = scanner.at();
    let known = SIGNS.into_iter().find(|sign| scanner.eat(sign));
    known
        .map(Token::Sign)
        .ok_or_else(|| scanner.error_at(at, "a stray character", "put text in single quotes"))
}

/// Up to the same quote; two of them stand for one.
fn quoted(scanner: &mut Scanner<'_>, quote: char) -> Result<String, ParseError> {
    let start = scanner.at();
    scanner.bump();
    let mut text = String::new();
    loop {
        match scanner.bump() {
            None => {
                let mend = format!("close it with {quote}, and write the quote itself twice");
                return Err(scanner.error_at(start, "a text without an end", &mend));
            }
            Some(character) if character == quote => {
                if scanner.peek() != Some(quote) {
                    return Ok(text);
                }
                scanner.bump();
                text.push(quote);
            }
            Some(character) => text.push(character),
        }
    }
}
