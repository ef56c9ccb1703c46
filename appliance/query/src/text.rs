//! What makes a text unfit to stand as a literal on a platform that defines no escape for it.

/// The longest literal a platform is given: longer ones are no evidence a person would search by.
pub(crate) const MAX_VALUE: usize = 1024;

/// Why a value may not be written where control characters have no defined escape.
pub(crate) fn refuse_plain(value: &str) -> Option<&'static str> {
    if value.len() > MAX_VALUE {
        Some("longer than 1024 bytes")
    } else if value.chars().any(char::is_control) {
        Some("holds a control character")
    } else if value.chars().any(is_deceptive) {
        Some("holds an invisible or direction-changing character")
    } else {
        None
    }
}

/// Characters that change how text shows without showing themselves (Unicode `Bidi_Control`, zero
/// width characters, line and paragraph separators, tags).
pub(crate) fn is_deceptive(character: char) -> bool {
    matches!(character,
        '\u{061C}' | '\u{200B}'..='\u{200F}' | '\u{2028}'..='\u{202E}' | '\u{2060}'..='\u{2069}'
        | '\u{FEFF}' | '\u{FFF9}'..='\u{FFFB}' | '\u{E0000}'..='\u{E007F}')
}

/// A value for a note: escaped, and cut to what a line shows.
pub(crate) fn shown(value: &str) -> String {
    const SHOWN: usize = 80;
    let cut: String = value.chars().take(SHOWN).collect();
    let more = if cut.len() < value.len() { "…" } else { "" };
    format!("{cut:?}{more}")
}
