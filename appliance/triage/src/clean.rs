//! Text without what only a terminal would see: control characters, escape sequences, marks that
//! turn or hide text. The bytes stay in the record; what judges a line reads the cleaned text, so
//! they change no verdict.

use std::ops::Range;

use vedette_event::Span;

/// Longest text that is looked at, in bytes: longer than any line a device writes (the largest seen
/// are audit events of 6 KiB), short enough that a flood of huge lines costs little.
pub const TEXT_CAP: usize = 16 * 1024;

/// Cleaned text that remembers where its bytes came from.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Clean {
    /// The text.
    pub text: String,
    /// Pairs (offset in `text`, offset in the source) where the distance between the two changes.
    seams: Vec<(usize, usize)>,
    /// Length of the source that was read.
    source_len: usize,
}

impl Clean {
    /// Adds `piece`, which stands for the source from `origin` on.
    pub(crate) fn push(&mut self, piece: &str, origin: usize) {
        let at = self.text.len();
        let straight = self.seams.last().is_some_and(|(out, source)| at - out + source == origin);
        if !straight {
            self.seams.push((at, origin));
        }
        self.text.push_str(piece);
    }

    /// The source offset behind an offset in the text.
    pub fn origin(&self, offset: usize) -> usize {
        let next = self.seams.partition_point(|(out, _)| *out <= offset);
        let Some((out, source)) = next.checked_sub(1).map(|last| self.seams[last]) else {
            return offset.min(self.source_len);
        };
        let limit = self.seams.get(next).map_or(self.source_len, |(_, source)| *source);
        (source + (offset - out)).min(limit.max(source))
    }

    /// The source bytes behind a range of the text.
    pub fn span(&self, start: usize, end: usize) -> Span {
        let first = self.origin(start);
        let last = if end > start { self.origin(end - 1) + 1 } else { first };
        Span { start: first, end: last.max(first).min(self.source_len) }
    }

    /// Adds a range of another cleaned text of the same source.
    pub(crate) fn push_from(&mut self, other: &Self, range: Range<usize>) {
        let mut start = range.start;
        while start < range.end {
            let next = other.seams.partition_point(|(out, _)| *out <= start);
            let end = other.seams.get(next).map_or(range.end, |(out, _)| range.end.min(*out));
            self.push(&other.text[start..end], other.origin(start));
            start = end;
        }
    }

    /// The offset in the text of the first byte that stands for the source from `origin` on.
    pub(crate) fn at_origin(&self, origin: usize) -> usize {
        let next = self.seams.partition_point(|(_, source)| *source <= origin);
        let limit = self.seams.get(next).map_or(self.text.len(), |(out, _)| *out);
        let Some((out, source)) = next.checked_sub(1).map(|last| self.seams[last]) else {
            return limit;
        };
        (out + (origin - source)).min(limit)
    }

    /// Length of the source that was read.
    pub(crate) fn source_len(&self) -> usize {
        self.source_len
    }

    pub(crate) fn of_source(source_len: usize) -> Self {
        Self { source_len, ..Self::default() }
    }
}

/// Cleans a text; linear, and the text itself where it is clean already.
pub fn clean(text: &str) -> Clean {
    let text = capped(text, TEXT_CAP);
    let mut out = Clean::of_source(text.len());
    out.text.reserve(text.len());
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let at = text.len() - rest.len();
        let plain = rest.bytes().position(|byte| !is_plain(byte)).unwrap_or(rest.len());
        if plain > 0 {
            out.push(&rest[..plain], at);
            rest = &rest[plain..];
            continue;
        }
        let (piece, used) = match escape_length(rest) {
            Some(length) => ("", length),
            None => (shown(first, &rest[..first.len_utf8()]), first.len_utf8()),
        };
        if !piece.is_empty() {
            out.push(piece, at);
        }
        rest = &rest[used..];
    }
    out
}

/// Whether a byte is a character that shows and begins no escape sequence.
fn is_plain(byte: u8) -> bool {
    matches!(byte, b' '..=b'~') && !matches!(byte, b'#' | b'\\' | b'^')
}

/// What stands for a character: itself, a space, or nothing.
fn shown(character: char, itself: &str) -> &str {
    match character {
        '\t' | '\n' | '\r' | '\u{a0}' | '\u{2028}' | '\u{2029}' => " ",
        _ if is_control(character) || is_bidi(character) || is_invisible(character) => "",
        _ => itself,
    }
}

/// C0 and C1 controls and DEL.
pub(crate) fn is_control(character: char) -> bool {
    character.is_control()
}

/// Marks that turn the direction of text (Unicode Bidirectional Algorithm, UAX 9).
pub(crate) fn is_bidi(character: char) -> bool {
    matches!(character, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// Characters that show nothing: zero widths, soft hyphen, language tags.
pub(crate) fn is_invisible(character: char) -> bool {
    matches!(character, '\u{ad}' | '\u{200b}'..='\u{200d}' | '\u{2060}'..='\u{2064}' | '\u{feff}' | '\u{e0000}'..='\u{e007f}')
}

/// The longest escape sequence that is followed to its end; a longer one is text.
const ESCAPE_CAP: usize = 64;

/// Ways in which senders write ESC: the byte, its C1 form, and what forwarders make of it.
const ESCAPES: [&str; 7] = ["\u{1b}", "#033", "\\x1b", "\\x1B", "\\u001b", "\\033", "^["];

/// Length of the terminal escape sequence that `text` begins with (ECMA-48 CSI, OSC, or short).
pub(crate) fn escape_length(text: &str) -> Option<usize> {
    let lead = ESCAPES.iter().find(|lead| text.starts_with(**lead))?.len();
    let rest = &text.as_bytes()[lead..text.len().min(lead + ESCAPE_CAP)];
    let body = match rest.first() {
        Some(b'[') => {
            rest[1..].iter().position(|byte| (0x40..=0x7e).contains(byte)).map(|end| end + 2)
        }
        Some(b']') => rest.iter().position(|byte| *byte == 7).map(|end| end + 1),
        _ => None,
    };
    match body {
        Some(length) => Some(lead + length),
        // `^[` and `#033` alone may be text; a bare ESC byte is dropped as a control character.
        None => (lead == 4 && text.starts_with("#033")).then_some(lead),
    }
}

/// The beginning of a text, at most `cap` bytes, cut between characters.
pub(crate) fn capped(text: &str, cap: usize) -> &str {
    &text[..text.floor_char_boundary(cap)]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_shows_stays() {
        for (text, expected) in [
            ("plain", "plain"),
            ("", ""),
            ("a\u{1b}[31mred\u{1b}[0m", "ared"),
            ("a#033[31mred", "ared"),
            ("a\\x1b[1;31mred", "ared"),
            ("tab\there", "tab here"),
            (
                "0123456789 0123456789 0123456789\t0123456789",
                "0123456789 0123456789 0123456789 0123456789",
            ),
            ("nul\0bell\u{7}", "nulbell"),
            ("\u{202e}evil\u{202c}", "evil"),
            ("ze\u{200b}ro", "zero"),
            ("\u{1b}]0;title\u{7}x", "x"),
            ("\u{1b}", ""),
            ("a\u{e0049}b", "ab"),
        ] {
            assert_eq!(clean(text).text, expected, "{text:?}");
        }
    }

    #[test]
    fn ranges_point_into_the_source() {
        let source = "a\u{1b}[31mred\u{1b}[0m alert";
        let cleaned = clean(source);
        let mut copy = Clean::of_source(source.len());
        copy.push_from(&cleaned, 0..cleaned.text.len());
        assert_eq!(copy, cleaned);
        let alert = source.find("alert").unwrap();
        assert_eq!(&cleaned.text[cleaned.at_origin(alert)..], "alert");
        for word in ["red", "alert"] {
            let at = cleaned.text.find(word).unwrap();
            let span = cleaned.span(at, at + word.len());
            assert_eq!(&source[span.start..span.end], word);
        }
    }
}
