//! BM25 over short texts, in memory (Robertson and Zaragoza, "The Probabilistic Relevance Framework:
//! BM25 and Beyond", 2009).

use std::collections::BTreeMap;
use std::collections::HashMap;

/// How soon another occurrence of a word stops counting; the usual value.
const SATURATION: f32 = 1.2;
/// How much the length of a text counts; the usual value.
const LENGTH_WEIGHT: f32 = 0.75;
/// A longer word is no word.
const MOST_WORD_BYTES: usize = 40;
/// A question with more words is cut; log text may be of any length.
pub(crate) const MOST_QUERY_WORDS: usize = 200;

/// What is left of a word without its ending is at least so long.
const LEAST_STEM_BYTES: usize = 4;

const STOP_WORDS: [&str; 42] = [
    "a", "an", "and", "are", "as", "at", "be", "by", "can", "do", "for", "from", "has", "have",
    "if", "in", "into", "is", "it", "its", "may", "not", "of", "on", "or", "such", "that", "the",
    "their", "then", "these", "this", "to", "was", "were", "when", "which", "will", "with", "you",
    "your", "used",
];

/// Words of a text in lower case, without frequent ones and endings. Technique ids stay whole.
pub(crate) fn words(text: &str) -> impl Iterator<Item = String> {
    text.split(|letter: char| !letter.is_alphanumeric() && letter != '.')
        .map(|word| word.trim_matches('.'))
        .map(|word| word.strip_suffix(".exe").unwrap_or(word))
        .filter(|word| (2..=MOST_WORD_BYTES).contains(&word.len()))
        .map(str::to_lowercase)
        .filter(|word| !STOP_WORDS.contains(&word.as_str()))
        .map(stem)
}

/// `accounts` and `account` are the same word; so are `policies` and `policy`, and `create`, `created`,
/// `creating` and `creation`.
fn stem(mut word: String) -> String {
    if word.len() > 4 && word.ends_with("ies") {
        word.truncate(word.len() - 3);
        word.push('y');
    } else if word.len() > 3 && word.ends_with('s') && !word.ends_with("ss") {
        word.pop();
    }
    let ending = ["ing", "ion", "ed", "e"].into_iter().find(|ending| word.ends_with(ending));
    let rest = word.len() - ending.map_or(0, str::len);
    if rest >= LEAST_STEM_BYTES {
        word.truncate(rest);
    }
    word
}

/// Texts and how often each word stands in each.
pub(crate) struct Bm25 {
    postings: HashMap<String, Vec<(usize, f32)>>,
    /// Length of each text against the mean, in words.
    lengths: Vec<f32>,
}

impl Bm25 {
    pub(crate) fn new<'a>(texts: impl Iterator<Item = &'a str>) -> Self {
        let mut postings: HashMap<String, Vec<(usize, f32)>> = HashMap::new();
        let mut lengths: Vec<f32> = Vec::new();
        for (at, text) in texts.enumerate() {
            let mut counts: BTreeMap<String, f32> = BTreeMap::new();
            for word in words(text) {
                *counts.entry(word).or_default() += 1.0;
            }
            lengths.push(counts.values().sum());
            for (word, count) in counts {
                postings.entry(word).or_default().push((at, count));
            }
        }
        let mean = lengths.iter().sum::<f32>() / lengths.len().max(1) as f32;
        lengths.iter_mut().for_each(|length| *length /= mean.max(1.0));
        Self { postings, lengths }
    }

    /// The score of every text for weighted words, 0 where none occurs. The same words in the same
    /// order give the same bits.
    pub(crate) fn scores(&self, query: &[(String, f32)]) -> Vec<f32> {
        let mut scores = vec![0.0; self.lengths.len()];
        for (word, weight) in query.iter().take(MOST_QUERY_WORDS) {
            let Some(places) = self.postings.get(word) else { continue };
            let (all, with) = (self.lengths.len() as f32, places.len() as f32);
            let rarity = (1.0 + (all - with + 0.5) / (with + 0.5)).ln();
            for (at, count) in places {
                let length = 1.0 - LENGTH_WEIGHT + LENGTH_WEIGHT * self.lengths[*at];
                let gain = count * (SATURATION + 1.0) / (count + SATURATION * length);
                scores[*at] += weight * rarity * gain;
            }
        }
        scores
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_folded() {
        for (text, expected) in [
            ("Failed passwords, and MORE!", vec!["fail", "password", "more"]),
            ("T1110.001 policies.", vec!["t1110.001", "policy"]),
            ("a \u{202e} \u{7} x", vec![]),
            ("access", vec!["access"]),
            ("deletes deletion deleted DELETING.exe", vec!["delet"; 4]),
        ] {
            assert_eq!(words(text).collect::<Vec<_>>(), expected, "{text:?}");
        }
    }

    #[test]
    fn rare_words_and_short_texts_count_more() {
        let texts = ["ransom note found", "login failed", "login failed on host after long wait"];
        let index = Bm25::new(texts.into_iter());
        let scores = index.scores(&[("login".into(), 1.0)]);
        assert!(scores[0] == 0.0 && scores[1] > scores[2] && scores[2] > 0.0, "{scores:?}");
        let rare = index.scores(&[("ransom".into(), 1.0)]);
        assert!(rare[0] > scores[1]);
        assert!(Bm25::new(std::iter::empty()).scores(&[("x".into(), 1.0)]).is_empty());
    }
}
