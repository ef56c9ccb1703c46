//! How unlike the templates learnt from a template is.

use std::collections::{BTreeSet, HashMap};

/// Templates that are looked through: far more than labelled data has, and counting over them for
/// each line stays in the milliseconds.
const TEMPLATES: usize = 100_000;

/// Templates by their words. A template is short (`TEMPLATE_CAP` of triage), so its words are few.
#[derive(Default)]
pub(super) struct Templates {
    by_word: HashMap<String, Vec<u32>>,
    sizes: Vec<usize>,
}

impl Templates {
    /// Of distinct templates, the first [`TEMPLATES`].
    pub(super) fn of<'a>(templates: impl Iterator<Item = &'a str>) -> Self {
        let distinct: BTreeSet<&str> = templates.collect();
        let mut index = Self::default();
        for (template, place) in distinct.into_iter().take(TEMPLATES).zip(0..) {
            let words = words(template);
            index.sizes.push(words.len());
            for word in words {
                index.by_word.entry(word).or_default().push(place);
            }
        }
        index
    }

    /// One less the best Jaccard index of its set of words with that of any template.
    pub(super) fn novelty(&self, template: &str) -> f32 {
        let words = words(template);
        let mut shared = vec![0_usize; self.sizes.len()];
        for place in words.iter().filter_map(|word| self.by_word.get(word)).flatten() {
            shared[*place as usize] += 1;
        }
        let likeness = |(shared, size): (&usize, &usize)| {
            *shared as f32 / (words.len() + size - shared).max(1) as f32
        };
        1.0 - shared.iter().zip(&self.sizes).map(likeness).fold(0.0, f32::max)
    }
}

/// Distinct words in lower case; what stands for a value is none.
fn words(template: &str) -> BTreeSet<String> {
    template
        .split(|character: char| !character.is_alphanumeric())
        .filter(|word| !word.is_empty())
        .map(str::to_lowercase)
        .collect()
}
