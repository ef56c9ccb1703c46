//! Words that mean alike, whatever product writes them.

use std::sync::OnceLock;

/// A line each: a name, a colon, and how its words begin. A word of up to three letters, or one behind
/// `=`, must be the whole word.
const TEXT: &str = include_str!("concepts.txt");

/// A stem is compared with the beginning of a word, unless it stands alone.
struct Stem {
    text: &'static str,
    whole: bool,
    concept: &'static str,
}

/// What a word means: any number of concepts.
pub(super) fn concepts(word: &str) -> impl Iterator<Item = &'static str> {
    static STEMS: OnceLock<Vec<Stem>> = OnceLock::new();
    let stems = STEMS.get_or_init(|| TEXT.lines().flat_map(stems_of).collect());
    let mut found: Vec<&'static str> = stems
        .iter()
        .filter(|stem| if stem.whole { word == stem.text } else { word.starts_with(stem.text) })
        .map(|stem| stem.concept)
        .collect();
    found.dedup();
    found.into_iter()
}

/// Stems of up to so many letters are whole words.
const SHORT: usize = 3;

fn stems_of(line: &'static str) -> Vec<Stem> {
    let Some((concept, stems)) = line.split_once(':') else { return Vec::new() };
    let stem = |text: &'static str| {
        let (alone, whole) = text.strip_prefix('=').map_or((text, false), |text| (text, true));
        Stem { text: alone, whole: whole || alone.len() <= SHORT, concept }
    };
    stems.split_whitespace().map(stem).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_mean_what_their_stems_say() {
        for (word, expected) in [
            ("quarantined", &["stop"][..]),
            ("lockout", &["stop"]),
            ("new", &["ask"]),
            ("newest", &[]),
            ("patching", &["plan"]),
            ("", &[]),
        ] {
            assert_eq!(concepts(word).collect::<Vec<_>>(), expected, "{word}");
        }
    }
}
