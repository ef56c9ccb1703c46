//! Text out of log lines, made harmless to look at. The template escapes markup; here everything
//! invisible becomes visible.

use maud::{Markup, html};

/// Longest piece of log text shown in one place, in characters; the rest is said to be there.
const MAX_LOG_CHARACTERS: usize = 4_000;

/// Text with everything invisible shown as an escape, length capped.
pub(crate) fn visible(text: &str) -> String {
    let end = text.char_indices().nth(MAX_LOG_CHARACTERS).map(|(end, _)| end);
    let mut shown = show(&text[..end.unwrap_or(text.len())], |character| character == '\t');
    if end.is_some() {
        shown.push_str(" … (cut)");
    }
    shown
}

/// The same for a query: of several lines, in full, since somebody copies what is shown.
pub(crate) fn visible_query(text: &str) -> String {
    show(text, |character| matches!(character, '\t' | '\n'))
}

/// A log line with the bytes from `start` to `end` marked.
pub(crate) fn log_text(raw: &str, start: usize, end: usize) -> Markup {
    let marked = raw.get(start..end).filter(|marked| !marked.is_empty());
    let (before, after) = match marked {
        Some(_) => (&raw[..start], &raw[end..]),
        None => (raw, ""),
    };
    html! {
        (visible(before)) @if let Some(marked) = marked { mark { (visible(marked)) } } (visible(after))
    }
}

fn show(text: &str, allowed: fn(char) -> bool) -> String {
    let mut shown = String::with_capacity(text.len());
    for character in text.chars() {
        if is_hidden(character) && !allowed(character) {
            shown.extend(character.escape_unicode());
        } else {
            shown.push(character);
        }
    }
    shown
}

/// Control characters, and those of Unicode that take no room or turn the text around them: format
/// characters, fillers, variation selectors, tags.
fn is_hidden(character: char) -> bool {
    character.is_control()
        || matches!(character,
            '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}'
            | '\u{180b}'..='\u{180f}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{3164}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}'
            | '\u{ffa0}' | '\u{fff0}'..='\u{fffb}' | '\u{e0000}'..='\u{e0fff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn log_text_is_inert_wherever_the_mark_falls() {
        let raw = "a<script>\x1b[31m\u{202e}\u{e0041}\"'é";
        for (start, end) in [(0, 0), (1, 9), (0, raw.len()), (5, 3), (9, 999), (1, raw.len() - 1)] {
            let shown = log_text(raw, start, end).into_string();
            assert!(!shown.contains("<script"), "{shown}");
            assert!(!shown.chars().any(is_hidden), "{shown}");
        }
        assert_eq!(log_text("abc", 1, 2).into_string(), "a<mark>b</mark>c");
    }

    #[test]
    fn only_a_query_has_several_lines_and_any_length() {
        assert_eq!(visible("a\tb\nc"), "a\tb\\u{a}c");
        assert_eq!(visible_query("a\tb\nc\r"), "a\tb\nc\\u{d}");
        let long = "é".repeat(MAX_LOG_CHARACTERS + 1);
        assert!(visible(&long).ends_with("é … (cut)"));
        assert_eq!(visible(&long[2..]), long[2..]);
        assert_eq!(visible_query(&long), long);
    }
}
