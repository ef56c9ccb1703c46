//! The screen: a linear classifier fast enough to see every line.
//!
//! [`features`] turns a line into hashed features, [`weights`] is the file that training wrote, and
//! [`LinearScreen`] adds the two up. Training itself lives in `vedette-train`, which uses the same
//! [`features`], so that what was learnt is what is asked. Nothing here allocates in proportion to
//! more than [`features::MAX_TEXT`], and no line and no weights file makes it panic.

pub mod features;
mod grades;
mod manifest;
mod memory;
pub mod weights;

use std::sync::Arc;

use vedette_event::{ScoredTechnique, Screen, ScreenSay, Severity, ThreatClass};

pub use grades::{EVIDENCE, GRADES, Grades, grade};
pub use manifest::{Manifest, Platt};
pub use weights::{Column, Weights, WeightsError};

use features::{Block, FeatureBag, Folded};
use memory::Memory;
use weights::{Known, Part};

/// Techniques named for a line: the parent technique is right within the first three far more often
/// than later ones are worth reading.
const MAX_TECHNIQUES: usize = 5;

/// Why a screen could not be loaded.
#[derive(Debug, thiserror::Error)]
pub enum ScreenError {
    /// The manifest is not what training writes.
    #[error("the screen's manifest cannot be read; train the screen again or restore the file")]
    Manifest(#[from] serde_json::Error),
    /// The weights do not belong to the manifest.
    #[error(
        "the screen's weights have SHA-256 {found}, the manifest says {expected}; restore both files together"
    )]
    Checksum {
        /// What the manifest says, lower case hexadecimal.
        expected: String,
        /// What the weights hash to.
        found: String,
    },
    /// The weights file is broken.
    #[error("the screen's weights cannot be read; train the screen again or restore the file")]
    Weights(#[from] WeightsError),
}

/// The classifier: weights, their calibration and their name.
#[derive(Clone, Debug)]
pub struct LinearScreen {
    weights: Weights,
    platt: Platt,
    grades: Option<Grades>,
    bundle: String,
    /// What recent lines were taken for.
    answers: Arc<Memory<ScreenSay>>,
    /// What their runs of characters add.
    grams: Arc<Memory<Part>>,
}

impl LinearScreen {
    /// The screen that ships inside the program.
    ///
    /// # Errors
    /// When the program was built with weights and manifest that do not belong together.
    pub fn embedded() -> Result<Self, ScreenError> {
        const WEIGHTS: &[u8] = include_bytes!("../../../../models/bundles/screen/weights.bin");
        const MANIFEST: &str = include_str!("../../../../models/bundles/screen/manifest.json");
        Self::from_bytes(WEIGHTS, MANIFEST)
    }

    /// Reads a screen from the two files that training wrote.
    ///
    /// # Errors
    /// When either cannot be read or they do not belong together; the text says which.
    pub fn from_bytes(weights: &[u8], manifest: &str) -> Result<Self, ScreenError> {
        let manifest: Manifest = serde_json::from_str(manifest)?;
        let found = manifest::sha256_hex(weights);
        if found != manifest.weights_sha256 {
            return Err(ScreenError::Checksum { expected: manifest.weights_sha256, found });
        }
        Ok(Self {
            weights: Weights::from_bytes(weights)?,
            platt: manifest.malicious,
            grades: manifest.grades,
            bundle: bundle_name(&found),
            answers: Arc::default(),
            grams: Arc::default(),
        })
    }

    /// What the malicious head adds up to before calibration: for measuring, and for [`Platt`].
    pub fn malicious_margin(&self, text: &str) -> f32 {
        self.weights.score(&FeatureBag::of(text))[Column::Malicious.index()]
    }
}

impl LinearScreen {
    /// What the scores of a line say of it; whether its words are known they don't tell.
    fn say(&self, columns: &[f32]) -> ScreenSay {
        let classes = ranked(ThreatClass::ALL, &columns[Column::CLASSES], usize::MAX);
        let techniques =
            ranked(self.weights.techniques(), &columns[Column::TECHNIQUES], MAX_TECHNIQUES);
        ScreenSay {
            malicious: self.platt.probability(columns[Column::Malicious.index()]),
            severities: self.severities(columns),
            classes,
            techniques: techniques
                .into_iter()
                .map(|(id, score)| ScoredTechnique { id, score })
                .collect(),
            novelty: 0.0,
        }
    }
}

impl LinearScreen {
    /// Severities, best first, as they are to be chosen by.
    fn severities(&self, columns: &[f32]) -> Vec<(Severity, f32)> {
        let severities = &columns[Column::SEVERITIES];
        match &self.grades {
            Some(grades) => {
                let evidence = Grades::evidence(severities, columns[Column::Malicious.index()]);
                ranked(&GRADES, &grades.scores(evidence), usize::MAX)
            }
            None => ranked(Severity::ALL, severities, usize::MAX),
        }
    }
}

impl Screen for LinearScreen {
    fn assess(&self, text: &str) -> ScreenSay {
        let folded = Folded::of(text);
        let known = self.weights.known(&folded.words);
        let answer = self.answers.recall(&key(&known, &folded.text), || {
            let words = self.weights.part(Block::Words, &known);
            let work_out = || self.weights.part(Block::Grams, &self.weights.known(&folded.grams()));
            let grams = self.grams.recall(&folded.text, work_out);
            self.say(&self.weights.total([&words, &grams]))
        });
        let novelty = unseen(known.len(), folded.words.len());
        ScreenSay { novelty, ..ScreenSay::clone(&answer) }
    }

    fn bundle(&self) -> &str {
        &self.bundle
    }
}

/// All that an answer depends on but for how many words are unknown: the folded text and the words that
/// have weights with their counts.
fn key(known: &[Known], text: &[u8]) -> Vec<u8> {
    let mut key = Vec::with_capacity(8 * known.len() + 4 + text.len());
    key.extend((known.len() as u32).to_le_bytes());
    for word in known {
        key.extend([word.place.to_le_bytes(), word.count.to_le_bytes()].as_flattened());
    }
    key.extend(text);
    key
}

/// Share of a line's distinct words that training never saw; 1 for a line without any.
fn unseen(known: usize, total: usize) -> f32 {
    if total == 0 { 1.0 } else { (total - known) as f32 / total as f32 }
}

/// The name of weights with this hash: short, and different whenever they are.
fn bundle_name(sha256: &str) -> String {
    format!("screen-{}", sha256.get(..12).unwrap_or(sha256))
}

/// The labels with their probabilities (softmax of the scores), the `most` best, best first; ties in
/// list order.
fn ranked<T: Copy>(labels: &[T], scores: &[f32], most: usize) -> Vec<(T, f32)> {
    let top = scores.iter().copied().fold(f32::MIN, f32::max);
    let powers: Vec<f32> = scores.iter().map(|score| (score - top).exp()).collect();
    let total: f32 = powers.iter().sum();
    let mut ranked: Vec<(T, f32)> = Vec::with_capacity(most.min(labels.len()) + 1);
    for (label, power) in labels.iter().zip(powers) {
        let share = power / total;
        let full = ranked.len() == most;
        if full && ranked.last().is_some_and(|last| last.1.total_cmp(&share).is_ge()) {
            continue;
        }
        let place = ranked.partition_point(|better| better.1.total_cmp(&share).is_ge());
        ranked.insert(place, (*label, share));
        ranked.truncate(most);
    }
    ranked
}

#[cfg(test)]
mod tests;
