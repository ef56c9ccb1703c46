//! How an incident will most likely end, by two linear models over what devices wrote: one fitted, one that
//! counted (naive Bayes). They err on unlike incidents, so their scores are added. They advise;
//! [`crate::outcome`] decides.

mod concepts;
mod features;
mod written;

use std::sync::OnceLock;

use vedette_event::{Incident, ResolutionCode};

pub use features::{OUTCOME_FEATURES, outcome_features};

/// The outcomes that lines can tell.
pub const OUTCOMES: [ResolutionCode; 5] = [
    ResolutionCode::TruePositiveContained,
    ResolutionCode::TruePositiveActionNeeded,
    ResolutionCode::BenignExpected,
    ResolutionCode::BenignMisconfiguration,
    ResolutionCode::NeedsHuman,
];

/// What was trained (`vedette-train outcomes`).
const WEIGHTS: &[u8] = include_bytes!("../../../models/bundles/outcomes/weights.bin");

/// What was learnt of how incidents end.
pub struct OutcomeModel {
    /// By how much of a feature there is.
    fitted: Table,
    /// By whether a feature is there.
    counted: Table,
}

/// Weights in small steps: for each feature one to each outcome.
struct Table {
    bias: Vec<f32>,
    /// What an outcome's weights are multiplied by.
    scales: Vec<f32>,
    weights: Vec<u8>,
}

impl OutcomeModel {
    /// The shipped one; `None` where its file is not whole, which a test rules out.
    pub(crate) fn shipped() -> Option<&'static Self> {
        static MODEL: OnceLock<Option<OutcomeModel>> = OnceLock::new();
        MODEL.get_or_init(|| Self::from_bytes(WEIGHTS)).as_ref()
    }

    /// The model of a fitted and a counted table, each of a bias to each outcome and weights with a row of
    /// [`OUTCOMES`] to each feature.
    pub fn new(fitted: (&[f32], &[f32]), counted: (&[f32], &[f32])) -> Self {
        Self { fitted: Table::new(fitted.0, fitted.1), counted: Table::new(counted.0, counted.1) }
    }

    /// Reads what [`Self::to_bytes`] writes: the fitted table, the counted one. `None` where the size is wrong.
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let (fitted, counted) = bytes.split_at_checked(bytes.len() / 2)?;
        Some(Self { fitted: Table::from_bytes(fitted)?, counted: Table::from_bytes(counted)? })
    }

    /// The file of it.
    pub fn to_bytes(&self) -> Vec<u8> {
        [self.fitted.to_bytes(), self.counted.to_bytes()].concat()
    }

    /// Outcomes, likeliest first, with probabilities that sum to 1.
    pub fn outcomes(&self, incident: &Incident) -> Vec<(ResolutionCode, f32)> {
        let bias = self.fitted.bias.iter().zip(&self.counted.bias);
        let mut scores: Vec<f32> = bias.map(|(one, other)| one + other).collect();
        for (feature, value) in outcome_features(incident) {
            self.fitted.add(feature, value, &mut scores);
            self.counted.add(feature, 1.0, &mut scores);
        }
        let most = scores.iter().copied().fold(f32::NEG_INFINITY, f32::max);
        let total: f32 = scores.iter().map(|score| (score - most).exp()).sum();
        let share = |score: f32| (score - most).exp() / total;
        let mut told: Vec<_> = OUTCOMES.into_iter().zip(scores.into_iter().map(share)).collect();
        told.sort_by(|a, b| b.1.total_cmp(&a.1));
        told
    }
}

impl Table {
    fn new(bias: &[f32], weights: &[f32]) -> Self {
        let column = |at: usize| weights.iter().skip(at).step_by(OUTCOMES.len());
        let most = |at: usize| column(at).fold(f32::MIN_POSITIVE, |most, one| most.max(one.abs()));
        let scales: Vec<f32> =
            (0..OUTCOMES.len()).map(|at| most(at) / f32::from(i8::MAX)).collect();
        let steps = weights.iter().zip(scales.iter().cycle());
        #[expect(clippy::cast_possible_truncation, reason = "a share of the largest fits")]
        let weights =
            steps.map(|(weight, scale)| ((weight / scale).round() as i8).cast_unsigned()).collect();
        Self { bias: bias.to_vec(), scales, weights }
    }

    /// Biases, scales, weights. `None` where the size is wrong.
    fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let (numbers, weights) = bytes.split_at_checked(OUTCOMES.len() * 8)?;
        let float = |bytes: &[u8]| bytes.try_into().ok().map(f32::from_le_bytes);
        let floats: Vec<f32> = numbers.chunks_exact(4).filter_map(float).collect();
        let (bias, scales) = floats.split_at(OUTCOMES.len());
        let whole = weights.len() == OUTCOMES.len() * OUTCOME_FEATURES as usize;
        whole.then(|| Self {
            bias: bias.to_vec(),
            scales: scales.to_vec(),
            weights: weights.into(),
        })
    }

    fn to_bytes(&self) -> Vec<u8> {
        let numbers = self.bias.iter().chain(&self.scales);
        let mut bytes: Vec<u8> = numbers.flat_map(|number| number.to_le_bytes()).collect();
        bytes.extend(&self.weights);
        bytes
    }

    /// Adds a feature's row to the scores.
    fn add(&self, feature: u32, value: f32, scores: &mut [f32]) {
        let row = self.weights.iter().skip(feature as usize * OUTCOMES.len());
        for ((score, weight), scale) in scores.iter_mut().zip(row).zip(&self.scales) {
            *score += value * f32::from(weight.cast_signed()) * scale;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cut_file_is_refused_and_a_whole_one_comes_back() {
        let model = OutcomeModel::from_bytes(WEIGHTS).unwrap();
        assert_eq!(model.to_bytes(), WEIGHTS);
        assert!(OutcomeModel::from_bytes(&WEIGHTS[1..]).is_none());
        assert!(OutcomeModel::from_bytes(b"").is_none());
    }
}
