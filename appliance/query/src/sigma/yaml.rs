//! The part of YAML that Sigma rules are written in: block mappings and lists of plain and quoted
//! scalars, and several documents in one text.

use crate::scan::{MAX_TEXT, ParseError, locate};
use crate::shape::MAX_DEPTH;

/// A node of a document.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Node {
    Map(Vec<(String, Node)>),
    List(Vec<Node>),
    Scalar { text: String, quoted: bool },
}

impl Node {
    /// The value under a key of a mapping.
    pub(super) fn get(&self, key: &str) -> Option<&Node> {
        match self {
            Self::Map(pairs) => pairs.iter().find(|(known, _)| known == key).map(|(_, node)| node),
            _ => None,
        }
    }

    /// The text of a scalar.
    pub(super) fn text(&self) -> Option<&str> {
        match self {
            Self::Scalar { text, .. } => Some(text),
            _ => None,
        }
    }
}

struct Line<'a> {
    /// Byte offset of its first character.
    at: usize,
    indent: usize,
    text: &'a str,
}

type Parsed<T> = Result<T, ParseError>;

/// Reads every document of a text.
pub(super) fn documents(text: &str) -> Parsed<Vec<Node>> {
    if text.len() > MAX_TEXT {
        return Err(locate(text, 0, "the text is too long", "keep it under 256 KiB"));
    }
    let mut documents = Vec::new();
    let mut lines: Vec<Line<'_>> = Vec::new();
    let mut at = 0;
    for raw in text.split_inclusive('\n') {
        let trimmed = raw.trim_end();
        let body = trimmed.trim_start_matches(' ');
        if trimmed == "---" {
            documents.extend(document(text, &lines)?);
            lines.clear();
        } else if !body.is_empty() && !body.starts_with('#') {
            let indent = trimmed.len() - body.len();
            lines.push(Line { at: at + indent, indent, text: body });
        }
        at += raw.len();
    }
    documents.extend(document(text, &lines)?);
    Ok(documents)
}

fn document(text: &str, lines: &[Line<'_>]) -> Parsed<Option<Node>> {
    let Some(first) = lines.first() else { return Ok(None) };
    let mut reader = Reader { text, lines, next: 0 };
    let node = reader.block(first.indent, 0)?;
    match reader.peek() {
        None => Ok(Some(node)),
        Some(line) => Err(reader.error(line, "a line that belongs nowhere", "mend its indent")),
    }
}

struct Reader<'a> {
    text: &'a str,
    lines: &'a [Line<'a>],
    next: usize,
}

impl<'a> Reader<'a> {
    fn peek(&self) -> Option<&'a Line<'a>> {
        self.lines.get(self.next)
    }

    fn error(&self, line: &Line<'_>, what: &str, mend: &str) -> ParseError {
        locate(self.text, line.at, what, mend)
    }

    /// The mapping or list whose lines stand at this indent.
    fn block(&mut self, indent: usize, depth: usize) -> Parsed<Node> {
        let is_list = self.peek().is_some_and(|line| is_entry(line.text));
        let (mut pairs, mut entries) = (Vec::<(String, Node)>::new(), Vec::new());
        while let Some(line) = self.peek().filter(|line| line.indent == indent) {
            if depth > MAX_DEPTH {
                return Err(self.error(line, "nested too deeply", "indent less"));
            }
            if is_entry(line.text) != is_list {
                return Err(self.error(line, "a list and a mapping mixed", "indent one of them"));
            }
            self.next += 1;
            if is_list {
                entries.push(self.scalar(line, line.text[1..].trim())?);
                continue;
            }
            let (key, value) = self.pair(line)?;
            if pairs.iter().any(|(known, _)| *known == key) {
                return Err(self.error(line, "a key that stands twice", "keep one"));
            }
            let node = match (value.is_empty(), self.peek()) {
                (false, _) => self.scalar(line, value)?,
                (true, Some(inner)) if inner.indent > indent => {
                    self.block(inner.indent, depth + 1)?
                }
                // A list may stand at the indent of its key.
                (true, Some(inner)) if inner.indent == indent && is_entry(inner.text) => {
                    self.block(indent, depth + 1)?
                }
                _ => return Err(self.error(line, "a key without a value", "write one")),
            };
            pairs.push((key, node));
        }
        Ok(if is_list { Node::List(entries) } else { Node::Map(pairs) })
    }

    /// The key of a line and the text behind its colon.
    fn pair(&self, line: &Line<'a>) -> Parsed<(String, &'a str)> {
        if let Some(rest) = line.text.strip_prefix('\'') {
            let (key, behind) = single(rest)
                .ok_or_else(|| self.error(line, "a quote without an end", "close it with '"))?;
            if let Some(value) = behind.strip_prefix(':') {
                return Ok((key, value.trim()));
            }
        } else if let Some(key) = line.text.strip_suffix(':') {
            return Ok((key.to_owned(), ""));
        } else if let Some((key, value)) = line.text.split_once(": ") {
            return Ok((key.to_owned(), value.trim()));
        }
        Err(self.error(line, "no key", "write key: value"))
    }

    fn scalar(&self, line: &Line<'_>, written: &str) -> Parsed<Node> {
        let open = |quote: &str| {
            let mend = format!("close it with {quote}");
            self.error(line, "a text without an end", &mend)
        };
        if let Some(rest) = written.strip_prefix('\'') {
            let (text, behind) = single(rest).ok_or_else(|| open("'"))?;
            if !behind.trim().is_empty() && !behind.trim().starts_with('#') {
                return Err(self.error(line, "text behind a quote", "write a quote as ''"));
            }
            return Ok(Node::Scalar { text, quoted: true });
        }
        if let Some(rest) = written.strip_prefix('"') {
            let text = rest.strip_suffix('"').ok_or_else(|| open("\""))?;
            return Ok(Node::Scalar {
                text: text.replace("\\\"", "\"").replace("\\\\", "\\"),
                quoted: true,
            });
        }
        let special = written.starts_with(['&', '*', '!', '|', '>', '%', '@', '`', '{', '[', ',']);
        // YAML would take a quote at the end for itself; in a rule it is one whose beginning was lost.
        let special = special || written.ends_with(['\'', '"']);
        if written.is_empty() || special || written.contains(": ") {
            let mend = "put the value in single quotes";
            return Err(self.error(line, "a value that cannot stand bare", mend));
        }
        let text = written.split(" #").next().unwrap_or_default().trim();
        Ok(Node::Scalar { text: text.to_owned(), quoted: false })
    }
}

fn is_entry(line: &str) -> bool {
    line.starts_with("- ")
}

/// A text up to its closing single quote, two of which stand for one, and what follows.
fn single(rest: &str) -> Option<(String, &str)> {
    let mut text = String::new();
    let mut from = 0;
    loop {
        let at = from + rest[from..].find('\'')?;
        text.push_str(&rest[from..at]);
        from = at + 1;
        if !rest[from..].starts_with('\'') {
            return Some((text, &rest[from..]));
        }
        text.push('\'');
        from += 1;
    }
}
