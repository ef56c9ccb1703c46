//! How near a text comes to another: corpus BLEU and ROUGE-L over the tokens of the mteval script 13a.

use std::collections::HashMap;

/// The longest runs of tokens that BLEU compares.
const LONGEST: usize = 4;

/// Tokens as `13a` cuts them: punctuation apart from words, periods and commas kept inside numbers.
pub(crate) fn tokens(text: &str) -> Vec<String> {
    let characters: Vec<char> = text.replace('\n', " ").chars().collect();
    let mut spaced = String::with_capacity(characters.len() * 2);
    for (at, &character) in characters.iter().enumerate() {
        let digit = |at: Option<usize>| {
            at.and_then(|at| characters.get(at)).is_some_and(char::is_ascii_digit)
        };
        let (before, after) = (digit(at.checked_sub(1)), digit(Some(at + 1)));
        let apart = match character {
            '.' | ',' => !before || !after,
            '-' => before,
            ' '..='&' | '('..='+' | ':'..='@' | '/' | '['..='`' | '{'..='~' => character != ' ',
            _ => false,
        };
        if apart {
            spaced.extend([' ', character, ' ']);
        } else {
            spaced.push(character);
        }
    }
    spaced.split_whitespace().map(str::to_owned).collect()
}

/// Counts for corpus BLEU, gathered sentence by sentence.
#[derive(Default)]
pub(crate) struct Bleu {
    matched: [f64; LONGEST],
    possible: [f64; LONGEST],
    ours: usize,
    theirs: usize,
}

impl Bleu {
    pub(crate) fn add(&mut self, ours: &[String], theirs: &[String]) {
        self.ours += ours.len();
        self.theirs += theirs.len();
        for length in 1..=LONGEST {
            let (mine, other) = (runs(ours, length), runs(theirs, length));
            for (run, count) in &mine {
                self.matched[length - 1] += count.min(other.get(run).copied().unwrap_or(0.0));
                self.possible[length - 1] += count;
            }
        }
    }

    /// The geometric mean of the precisions times the brevity penalty; a precision of nothing counts
    /// half of the one before it, as sacrebleu's `exp` smoothing does.
    pub(crate) fn score(&self) -> f64 {
        let mut smooth = 1.0;
        let mut sum = 0.0;
        for (matched, possible) in self.matched.iter().zip(self.possible) {
            let precision = if possible == 0.0 {
                return 0.0;
            } else if *matched == 0.0 {
                smooth *= 2.0;
                1.0 / (smooth * possible)
            } else {
                matched / possible
            };
            sum += precision.ln();
        }
        let (ours, theirs) = (as_f64(self.ours), as_f64(self.theirs));
        let brevity = if ours < theirs { (1.0 - theirs / ours).exp() } else { 1.0 };
        brevity * (sum / as_f64(LONGEST)).exp()
    }
}

fn runs(tokens: &[String], length: usize) -> HashMap<&[String], f64> {
    let mut counts = HashMap::new();
    tokens.windows(length).for_each(|run| *counts.entry(run).or_insert(0.0) += 1.0);
    counts
}

/// ROUGE-L: the harmonic mean of precision and recall of the longest common subsequence.
pub(crate) fn rouge_l(ours: &[String], theirs: &[String]) -> f64 {
    let mut row = vec![0_usize; theirs.len() + 1];
    for mine in ours {
        let mut diagonal = 0;
        for (at, other) in theirs.iter().enumerate() {
            let above = row[at + 1];
            row[at + 1] = if mine == other { diagonal + 1 } else { above.max(row[at]) };
            diagonal = above;
        }
    }
    let common = as_f64(row[theirs.len()]);
    if common == 0.0 {
        return 0.0;
    }
    let (precision, recall) = (common / as_f64(ours.len()), common / as_f64(theirs.len()));
    2.0 * precision * recall / (precision + recall)
}

pub(crate) fn as_f64(count: usize) -> f64 {
    f64::from(u32::try_from(count).unwrap_or(u32::MAX))
}
