//! Tokens of the local query line.

use crate::scan::{ParseError, Scanner, Spot};

/// A token of the local query line.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Token {
    /// A bare word: field, operator by name, number, time, value.
    Word(String),
    /// A quoted text, unescaped.
    Text(String),
    /// An operator by sign, a parenthesis, a comma or a star.
    Sign(&'static str),
}

/// Longest first, so that `<=` is not read as `<`.
const SIGNS: [&str; 10] = ["!=", "<=", ">=", "=", "<", ">", "(", ")", ",", "*"];

/// All tokens of a line.
pub(super) fn tokens(line: &str) -> Result<Vec<Spot<Token>>, ParseError> {
    let mut scanner = Scanner::new(line)?;
    let mut tokens = Vec::new();
    loop {
        scanner.take_while(char::is_whitespace);
        let at = scanner.at();
        let Some(next) = scanner.peek() else { return Ok(tokens) };
        let token = if next == '"' {
            Token::Text(quoted(&mut scanner)?)
        } else if let Some(sign) = SIGNS.into_iter().find(|sign| scanner.eat(sign)) {
            Token::Sign(sign)
        } else {
            Token::Word(scanner.take_while(is_bare).to_owned())
        };
        if scanner.at() == at {
            return Err(scanner.error_at(at, "a stray character", "put the text in double quotes"));
        }
        tokens.push(Spot { at, token });
    }
}

/// Characters that may stand in a bare word; `*` inside a word is refused to keep it free.
fn is_bare(character: char) -> bool {
    !character.is_whitespace()
        && !character.is_control()
        && !crate::text::is_deceptive(character)
        && !"\"()<>=!,*".contains(character)
}

fn quoted(scanner: &mut Scanner<'_>) -> Result<String, ParseError> {
    let start = scanner.at();
    scanner.bump();
    let mut text = String::new();
    loop {
        let at = scanner.at();
        match scanner.bump() {
            None => {
                let mend = "close it with \", and write a quote inside it as \\\"";
                return Err(scanner.error_at(start, "a quoted text without an end", mend));
            }
            Some('"') => return Ok(text),
            Some('\\') => text.push(escape(scanner, at)?),
            Some(character) => text.push(character),
        }
    }
}

fn escape(scanner: &mut Scanner<'_>, at: usize) -> Result<char, ParseError> {
    let known = match scanner.bump() {
        Some(same @ ('"' | '\\')) => Some(same),
        Some('n') => Some('\n'),
        Some('r') => Some('\r'),
        Some('t') => Some('\t'),
        Some('u') if scanner.eat("{") => {
            let digits = scanner.take_while(|character| character.is_ascii_hexdigit());
            let code = u32::from_str_radix(digits, 16).ok().and_then(char::from_u32);
            code.filter(|_| scanner.eat("}"))
        }
        _ => None,
    };
    known.ok_or_else(|| {
        let mend = "use \\\" \\\\ \\n \\r \\t or \\u{hex}; a backslash itself is \\\\";
        scanner.error_at(at, "an unknown escape", mend)
    })
}
