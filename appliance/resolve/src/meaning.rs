//! Which techniques a text speaks of, by what it means: a sentence model tells how alike it is to the
//! names and phrases of each.

use std::collections::HashMap;

use vedette_kb::attack::Status;
use vedette_kb::{Kb, cues};

/// Names and phrases of techniques, with a vector each.
pub(crate) struct Meanings(Vec<(&'static str, Vec<f32>)>);

/// Every technique's name and phrases, in an order that the same knowledge keeps.
pub(crate) fn phrases(kb: &'static Kb) -> Vec<(&'static str, &'static str)> {
    let active = kb.attack().techniques().iter().filter(|known| known.status == Status::Active);
    let names = active.map(|known| (known.id, known.name));
    names.chain(cues::cues().iter().map(|cue| (cue.technique, cue.phrase))).collect()
}

impl Meanings {
    /// With the vectors of [`phrases`], in their order; nothing where they do not fit one another.
    pub(crate) fn new(kb: &'static Kb, vectors: Vec<Vec<f32>>) -> Option<Self> {
        let phrases = phrases(kb);
        let width = vectors.first()?.len();
        let whole = phrases.len() == vectors.len()
            && vectors.iter().flatten().all(|value| value.is_finite())
            && vectors.iter().all(|vector| vector.len() == width);
        let ids = phrases.into_iter().map(|(id, _)| id);
        whole.then(|| Self(ids.zip(vectors).collect()))
    }

    /// How alike a text is to each technique, by the phrase that is most; 0 to 1.
    pub(crate) fn alike(&self, text: &[f32]) -> HashMap<&'static str, f32> {
        let mut alike: HashMap<&'static str, f32> = HashMap::new();
        for (id, phrase) in self.0.iter().filter(|(_, phrase)| phrase.len() == text.len()) {
            let product: f32 = phrase.iter().zip(text).map(|(a, b)| a * b).sum();
            let most = alike.entry(id).or_default();
            *most = most.max(product);
        }
        alike
    }
}
