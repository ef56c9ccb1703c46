//! Words by which people and products speak of a technique without naming its id.
//!
//! `kb/attack/cues.tsv` holds them: a technique, and phrases in lower case. They are our own; the ids are
//! MITRE's. A phrase may point to several techniques, and then says less about each.

use std::sync::LazyLock;

const FILE: &str = include_str!("../attack/cues.tsv");

/// A phrase and the technique it speaks of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cue {
    /// ATT&CK id.
    pub technique: &'static str,
    /// One to four words in lower case.
    pub phrase: &'static str,
}

/// Every cue, in the order of techniques.
pub fn cues() -> &'static [Cue] {
    static ALL: LazyLock<Vec<Cue>> = LazyLock::new(|| {
        let rows = FILE.lines().skip(1).filter_map(|line| line.split_once('\t'));
        let cues = rows.flat_map(|(technique, phrases)| {
            phrases.split(", ").map(move |phrase| Cue { technique, phrase })
        });
        cues.collect()
    });
    &ALL
}

/// Rows that [`cues`] passes over, phrases that stand twice for a technique, and phrases nobody can find.
pub(crate) fn defects() -> Vec<String> {
    let rows = FILE.lines().skip(1).filter(|line| !line.contains('\t'));
    let mut defects: Vec<_> =
        rows.map(|line| format!("{line:?} is not a technique, a tab and phrases")).collect();
    let mut seen = std::collections::HashSet::new();
    for cue in cues() {
        let plain = cue.phrase.trim() == cue.phrase
            && !cue.phrase.is_empty()
            && !cue.phrase.chars().any(char::is_uppercase);
        if !plain || !seen.insert((cue.technique, cue.phrase)) {
            defects.push(format!(
                "{:?} for {} is empty, not in lower case, or stands twice",
                cue.phrase, cue.technique
            ));
        }
    }
    defects
}
