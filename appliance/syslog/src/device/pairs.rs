//! Names and values as lines carry them: `key=value` in its many spellings, and JSON made flat.

use super::json::{Json, Members, member};

/// Pairs read from one line; no device sends near as many.
pub(crate) const MAX_PAIRS: usize = 512;

/// Depth to which JSON is followed.
const MAX_DEPTH: usize = 12;

/// Elements of an array that are looked at.
const MAX_ELEMENTS: usize = 16;

/// `key=value`, `key="quoted \" value"`, `key='…'` and `key:"…"`, set off by blanks, commas,
/// semicolons, bars or brackets. Text inside quotes holds no keys.
pub(crate) fn key_values<'t>(text: &'t str, mut visit: impl FnMut(&'t str, &'t str)) {
    let bytes = text.as_bytes();
    let (mut at, mut key_start, mut pairs) = (0, Some(0), 0);
    while at < bytes.len() && pairs < MAX_PAIRS {
        match Class::of(bytes[at]) {
            Class::Key => {}
            Class::Gap => key_start = Some(at + 1),
            Class::Sign if is_key(text, key_start, at) => {
                let start = key_start.unwrap_or(at);
                let colon = bytes[at] == b':';
                match value(text, at + 1, colon) {
                    Some((value, end)) => {
                        visit(&text[start..at], value);
                        pairs += 1;
                        at = end;
                        // Stepped inside quotes, the next key begins at once.
                        key_start = value.is_empty().then_some(at);
                        continue;
                    }
                    None => key_start = None,
                }
            }
            Class::Quote => {
                at = quoted_end(bytes, at);
                key_start = None;
            }
            Class::Sign | Class::Other => key_start = None,
        }
        at += 1;
    }
}

/// What a byte may be outside of values.
#[derive(Clone, Copy)]
enum Class {
    /// Part of a key.
    Key,
    /// A key may begin behind it.
    Gap,
    /// Between key and value.
    Sign,
    Quote,
    Other,
}

impl Class {
    const fn new(byte: u8) -> Self {
        match byte {
            b'=' | b':' => Self::Sign,
            b'"' => Self::Quote,
            b' ' | b'\t' | b',' | b';' | b'|' | b'[' | b'(' | b'{' | b'\n' => Self::Gap,
            b'_' | b'.' | b'@' | b'-' => Self::Key,
            _ if byte.is_ascii_alphanumeric() => Self::Key,
            _ => Self::Other,
        }
    }

    fn of(byte: u8) -> Self {
        static CLASSES: [Class; 256] = table();
        CLASSES[usize::from(byte)]
    }
}

const fn table() -> [Class; 256] {
    let mut classes = [Class::Other; 256];
    let mut byte = 0;
    while byte < 256 {
        classes[byte] = Class::new(byte as u8);
        byte += 1;
    }
    classes
}

fn is_key(text: &str, start: Option<usize>, end: usize) -> bool {
    let key = start.and_then(|start| text.get(start..end)).unwrap_or("");
    !key.is_empty() && key.len() <= 64 && key.bytes().any(|byte| byte.is_ascii_alphabetic())
}

/// The bytes that end a value without quotes.
static VALUE_ENDS: [bool; 256] = {
    let mut ends = [false; 256];
    let mut bytes: &[u8] = b" \t,;|)\n\"";
    while let [byte, rest @ ..] = bytes {
        ends[*byte as usize] = true;
        bytes = rest;
    }
    ends
};

/// The value at `at` and where it ends. After a colon only a quoted one counts.
fn value(text: &str, at: usize, colon: bool) -> Option<(&str, usize)> {
    let bytes = text.as_bytes();
    match bytes.get(at) {
        Some(b'"') => {
            let end = quoted_end(bytes, at);
            Some((text.get(at + 1..end)?, (end + 1).min(bytes.len())))
        }
        _ if colon => None,
        Some(b'\'') => {
            let end = memchr::memchr(b'\'', &bytes[at + 1..])? + at + 1;
            // `msg='op=… acct="x"'` of audit holds pairs of its own: step inside.
            let inside = &text[at + 1..end];
            if inside.contains('=') { Some(("", at + 1)) } else { Some((inside, end + 1)) }
        }
        Some(b'<') => {
            let end = memchr::memchr(b'>', &bytes[at..])? + at;
            Some((&text[at + 1..end], end + 1))
        }
        _ => {
            let rest = &bytes[at..];
            let ends = |byte: &u8| VALUE_ENDS[usize::from(*byte)];
            let length = rest.iter().position(ends).unwrap_or(rest.len());
            Some((&text[at..at + length], at + length))
        }
    }
}

/// The closing quote for the one at `at`, or the end of the text.
fn quoted_end(bytes: &[u8], at: usize) -> usize {
    let mut end = at + 1;
    while end < bytes.len() && bytes[end] != b'"' {
        end += if bytes[end] == b'\\' { 2 } else { 1 };
    }
    end.min(bytes.len())
}

/// The JSON object in a line: the line itself, or one at its end behind other text.
pub(crate) fn embedded_json(text: &str) -> Option<Json<'_>> {
    let start = memchr::memchr(b'{', text.as_bytes())?;
    let looks = text[start + 1..].trim_start().starts_with(['"', '}']);
    if !looks {
        return None;
    }
    let mut stream = serde_json::Deserializer::from_str(&text[start..]).into_iter::<Json<'_>>();
    stream.next()?.ok().filter(Json::is_object)
}

/// Calls `visit` with the dotted path and the text of every leaf. `{"Name": "X", "#text": "v"}`, as
/// Windows event data comes, counts as `X: v`; `#text` and `#attributes` add nothing to a path.
pub(crate) fn walk(value: &Json<'_>, visit: &mut dyn FnMut(&str, &str)) {
    let mut left = MAX_PAIRS;
    descend(value, &mut String::new(), MAX_DEPTH, &mut |path, text| {
        if left > 0 {
            left -= 1;
            visit(path, text);
        }
    });
}

fn descend(value: &Json<'_>, path: &mut String, depth: usize, visit: &mut dyn FnMut(&str, &str)) {
    match value {
        Json::Null => {}
        Json::Text(text) => visit(path, text),
        Json::Flag(flag) => visit(path, if *flag { "true" } else { "false" }),
        Json::Number(number) => visit(path, &number.to_string()),
        Json::List(elements) if depth > 0 => {
            for element in elements.iter().take(MAX_ELEMENTS) {
                descend(element, path, depth - 1, visit);
            }
        }
        Json::Object(members) if depth > 0 => {
            let length = path.len();
            if let Some((name, text)) = named_value(members) {
                push(path, name);
                visit(path, text);
                path.truncate(length);
                return;
            }
            for (key, member) in members {
                push(path, key);
                descend(member, path, depth - 1, visit);
                path.truncate(length);
            }
        }
        _ => {}
    }
}

fn push(path: &mut String, key: &str) {
    if matches!(key, "#text" | "#attributes" | "$date") {
        return;
    }
    if !path.is_empty() {
        path.push('.');
    }
    path.push_str(key);
}

/// Lists of named values: Windows `Data`, Microsoft 365 `ExtendedProperties`, HTTP headers.
fn named_value<'m>(members: &'m Members<'_>) -> Option<(&'m str, &'m str)> {
    if !(2..=3).contains(&members.len()) {
        return None;
    }
    let get = |keys: [&str; 4]| keys.into_iter().find_map(|key| member(members, key)?.as_str());
    let name = get(["Name", "name", "@Name", "key"])?;
    let value = get(["#text", "Value", "value", "content"])?;
    Some((name, value))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pairs_are_read_in_every_spelling() {
        for (text, expected) in [
            (
                r#"a=1 b="x y" c='q r',d=<e>;f=g"#,
                vec![("a", "1"), ("b", "x y"), ("c", "q r"), ("d", "e"), ("f", "g")],
            ),
            (r#"say "k=v" then u=x"#, vec![("u", "x")]),
            (r#"[action:"Drop"; src:"1.2.3.4"]"#, vec![("action", "Drop"), ("src", "1.2.3.4")]),
            (r#"msg='op=login acct="x"'"#, vec![("msg", ""), ("op", "login"), ("acct", "x")]),
            ("GET /?user=admin&src=1.2.3.4", vec![]),
            ("a= b=", vec![("a", ""), ("b", "")]),
            ("time: 10:00:00 é=1 =2 a=\"open", vec![("a", "open")]),
        ] {
            let mut pairs = Vec::new();
            key_values(text, |key, value| pairs.push((key, value)));
            assert_eq!(pairs, expected, "{text}");
        }
    }
}
