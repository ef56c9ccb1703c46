//! Tokens of a query text by a dialect's lexicon.

use crate::scan::{ParseError, Scanner, Spot};

/// A token.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Token {
    /// A keyword, a field, a table, a function, as written.
    Word(String),
    /// A name in quotes.
    Name(String),
    /// A text in quotes, its escapes read.
    Text(String),
    /// A regular expression, as written.
    Pattern(String),
    /// A number, with its unit where the dialect writes one.
    Number(String),
    /// Punctuation or an operator.
    Sign(&'static str),
}

/// What a backslash means inside quotes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Escape {
    /// Nothing: it is a character like others.
    None,
    /// Nothing, and the quote itself is written twice.
    Doubled,
    /// It opens one of these escapes and no other.
    Only(&'static str),
    /// It and what follows are kept as they stand.
    Kept,
    /// It escapes what stands here and is itself before everything else.
    Before(&'static str),
}

/// What stands between quotes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Quoted {
    /// A text.
    Text,
    /// A name.
    Name,
    /// A regular expression.
    Pattern,
}

/// A pair of quotes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Quote {
    /// What opens it.
    pub(crate) open: &'static str,
    /// What closes it.
    pub(crate) close: &'static str,
    /// How its text is escaped.
    pub(crate) escape: Escape,
    /// What it holds.
    pub(crate) holds: Quoted,
    /// Whether it may run over the end of a line.
    pub(crate) lines: bool,
}

/// How a dialect's text falls into tokens.
#[derive(Debug)]
pub(crate) struct Lexicon {
    /// Longest opening first.
    pub(crate) quotes: &'static [Quote],
    /// What begins a comment that ends with the line.
    pub(crate) line_comments: &'static [&'static str],
    /// Whether `/* … */` is a comment.
    pub(crate) block_comments: bool,
    /// Longest first.
    pub(crate) signs: &'static [&'static str],
    /// Whether a word may begin so.
    pub(crate) begins_word: fn(char) -> bool,
    /// Whether a word may go on so.
    pub(crate) in_word: fn(char) -> bool,
}

/// All tokens of a text.
pub(crate) fn tokens(text: &str, lexicon: &Lexicon) -> Result<Vec<Spot<Token>>, ParseError> {
    let mut scanner = Scanner::new(text)?;
    let mut tokens = Vec::new();
    loop {
        // Copied texts bring marks that show nothing; between tokens they mean nothing either.
        scanner.take_while(|c| c.is_whitespace() || matches!(c, '\u{200B}' | '\u{FEFF}'));
        let at = scanner.at();
        let Some(next) = scanner.peek() else { return Ok(tokens) };
        if comment(&mut scanner, lexicon)? {
            continue;
        }
        let quote = lexicon.quotes.iter().find(|quote| scanner.rest().starts_with(quote.open));
        let token = if let Some(quote) = quote {
            quoted(&mut scanner, quote)?
        } else if next.is_ascii_digit() {
            Token::Number(number(&mut scanner).to_owned())
        } else if let Some(word) = word(&mut scanner, lexicon) {
            Token::Word(word)
        } else {
            sign(&mut scanner, lexicon)?
        };
        tokens.push(Spot { at, token });
    }
}

fn comment(scanner: &mut Scanner<'_>, lexicon: &Lexicon) -> Result<bool, ParseError> {
    let at = scanner.at();
    if lexicon.line_comments.iter().any(|opening| scanner.rest().starts_with(opening)) {
        scanner.take_while(|character| character != '\n');
        return Ok(true);
    }
    if !(lexicon.block_comments && scanner.eat("/*")) {
        return Ok(false);
    }
    let Some(length) = scanner.rest().find("*/") else {
        return Err(scanner.error_at(at, "a comment without an end", "close it with */"));
    };
    while scanner.at() < at + 2 + length + 2 {
        scanner.bump();
    }
    Ok(true)
}

/// Digits with what belongs to them: a fraction, an exponent, a unit; two dots are a range.
fn number<'a>(scanner: &mut Scanner<'a>) -> &'a str {
    let rest = scanner.rest();
    let mut length = 0;
    let mut characters = rest.char_indices().peekable();
    while let Some((at, character)) = characters.next() {
        let next = characters.peek().map(|(_, next)| *next);
        let fraction = character == '.' && next.is_some_and(|next| next.is_ascii_digit());
        if !(character.is_ascii_alphanumeric() || character == '_' || fraction) {
            break;
        }
        length = at + character.len_utf8();
    }
    let end = scanner.at() + length;
    while scanner.at() < end {
        scanner.bump();
    }
    &rest[..length]
}

/// A word; a tilde right behind one belongs to it (`in~`), and an exclamation mark right before.
fn word(scanner: &mut Scanner<'_>, lexicon: &Lexicon) -> Option<String> {
    let rest = scanner.rest();
    let bare = rest.strip_prefix('!').unwrap_or(rest);
    let negated = bare.len() < rest.len() && bare.starts_with(|c: char| c.is_ascii_alphabetic());
    if !negated && !rest.starts_with(lexicon.begins_word) {
        return None;
    }
    let first = scanner.bump()?;
    let mut word = String::from(first);
    word.push_str(scanner.take_while(lexicon.in_word));
    if scanner.eat("~") {
        word.push('~');
    }
    Some(word)
}

fn sign(scanner: &mut Scanner<'_>, lexicon: &Lexicon) -> Result<Token, ParseError> {
    let at = scanner.at();
    let known = lexicon.signs.iter().find(|sign| scanner.eat(sign));
    known
        .map(|sign| Token::Sign(sign))
        .ok_or_else(|| scanner.error_at(at, "a stray character", "put text in quotes"))
}

fn quoted(scanner: &mut Scanner<'_>, quote: &Quote) -> Result<Token, ParseError> {
    let start = scanner.at();
    scanner.eat(quote.open);
    let mut text = String::new();
    loop {
        if scanner.eat(quote.close) {
            if quote.escape != Escape::Doubled || !scanner.eat(quote.close) {
                break;
            }
            text.push_str(quote.close);
            continue;
        }
        let at = scanner.at();
        match (scanner.bump(), quote.escape) {
            (None, _) => return Err(open_end(scanner, start, quote)),
            (Some('\n'), _) if !quote.lines => return Err(open_end(scanner, start, quote)),
            (Some('\\'), Escape::Only(known)) => match escaped(scanner, known) {
                Some(character) => text.push(character),
                None => {
                    let mend = "write a backslash as two backslashes";
                    return Err(scanner.error_at(at, "an unknown escape", mend));
                }
            },
            (Some('\\'), Escape::Kept) => {
                text.push('\\');
                text.extend(scanner.bump());
            }
            (Some('\\'), Escape::Before(known)) => match scanner.peek() {
                Some(next) if known.contains(next) => {
                    scanner.bump();
                    text.push(next);
                }
                _ => text.push('\\'),
            },
            (Some(character), _) => text.push(character),
        }
    }
    Ok(match quote.holds {
        Quoted::Text => Token::Text(text),
        Quoted::Name => Token::Name(text),
        Quoted::Pattern => Token::Pattern(text),
    })
}

fn open_end(scanner: &Scanner<'_>, start: usize, quote: &Quote) -> ParseError {
    let mend = format!("close it with {}", quote.close);
    scanner.error_at(start, "a text without an end", &mend)
}

/// The character that a known escape stands for.
fn escaped(scanner: &mut Scanner<'_>, known: &str) -> Option<char> {
    let opening = scanner.bump().filter(|opening| known.contains(*opening))?;
    match opening {
        'n' => Some('\n'),
        'r' => Some('\r'),
        't' => Some('\t'),
        'b' => Some('\u{8}'),
        'f' => Some('\u{c}'),
        'a' => Some('\u{7}'),
        'v' => Some('\u{b}'),
        '0' => Some('\0'),
        'x' => hexadecimal(scanner, 2),
        'u' if scanner.eat("{") => {
            let digits = scanner.take_while(|c| c.is_ascii_hexdigit());
            let code = u32::from_str_radix(digits, 16).ok()?;
            if scanner.eat("}") { char::from_u32(code) } else { None }
        }
        'u' => hexadecimal(scanner, 4),
        'U' => hexadecimal(scanner, 8),
        itself => Some(itself),
    }
}

fn hexadecimal(scanner: &mut Scanner<'_>, digits: usize) -> Option<char> {
    let mut code = 0;
    for _ in 0..digits {
        code = code * 16 + scanner.bump()?.to_digit(16)?;
    }
    char::from_u32(code)
}
