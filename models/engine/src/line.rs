/// Most bytes of a line that are looked at: the head and the tail of longer ones, so that the work
/// for one line is bounded before it is cut into tokens.
const HEAD_BYTES: usize = 2 << 10;
const TAIL_BYTES: usize = 1 << 10;

/// A log line as the model may see it: no terminal escapes, control characters, bidi marks or
/// invisible characters, blanks collapsed, the middle of an endless line left out.
pub(crate) fn neutral(text: &str) -> String {
    let mut clean = String::with_capacity(text.len().min(HEAD_BYTES + TAIL_BYTES));
    for part in ends(text) {
        let mut letters = part.chars().peekable();
        while let Some(letter) = letters.next() {
            if letter == '\u{1b}' && letters.next_if_eq(&'[').is_some() {
                while letters.next_if(|next| matches!(next, ' '..='?')).is_some() {}
                letters.next();
            } else if letter.is_whitespace() || letter.is_control() {
                if !clean.ends_with(' ') {
                    clean.push(' ');
                }
            } else if !is_invisible(letter) {
                clean.push(letter);
            }
        }
    }
    clean.trim().to_owned()
}

/// The text, or its head and its tail.
fn ends(text: &str) -> [&str; 2] {
    if text.len() <= HEAD_BYTES + TAIL_BYTES {
        return [text, ""];
    }
    let head = text.floor_char_boundary(HEAD_BYTES);
    let tail = text.ceil_char_boundary(text.len() - TAIL_BYTES);
    [&text[..head], &text[tail..]]
}

/// Format characters: bidi marks and overrides, joiners, soft hyphen, byte order mark, tags.
fn is_invisible(letter: char) -> bool {
    matches!(letter,
        '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}'
        | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{e0000}'..='\u{e007f}')
}

/// The head and the tail of a token sequence that is too long, three to one.
pub(crate) fn capped(mut tokens: Vec<u32>, most: usize) -> Vec<u32> {
    if tokens.len() > most {
        let tail = tokens.split_off(tokens.len() - most / 4);
        tokens.truncate(most - tail.len());
        tokens.extend(tail);
    }
    tokens
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_be_seen_reaches_no_model() {
        for (text, expected) in [
            ("plain line", "plain line"),
            ("\u{1b}[31mred\u{1b}[0m", "red"),
            ("a\u{1b}[1;2;3Hb\u{7}c", "ab c"),
            ("a\r\n\t b", "a b"),
            ("\u{202e}abc\u{200b}d", "abcd"),
            ("\u{1b}[", ""),
            ("\u{1b}[31", ""),
            ("", ""),
        ] {
            assert_eq!(neutral(text), expected, "{text:?}");
        }
    }

    #[test]
    fn long_lines_keep_head_and_tail() {
        let text = format!("head{}tail", "é".repeat(100_000));
        let clean = neutral(&text);
        assert!(clean.len() <= HEAD_BYTES + TAIL_BYTES);
        assert!(clean.starts_with("head") && clean.ends_with("tail"));
        assert_eq!(capped((0..10).collect(), 4), [0, 1, 2, 9]);
        assert_eq!(capped((0..4).collect(), 4), [0, 1, 2, 3]);
    }
}
