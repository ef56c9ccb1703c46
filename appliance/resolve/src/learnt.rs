//! How an incident will most likely end, by a linear model over what devices wrote. It advises;
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

/// Weights in small steps: for each feature one to each outcome.
pub struct OutcomeModel {
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

    /// The model of a bias to each outcome and weights with a row of [`OUTCOMES`] to each feature.
    pub fn new(bias: &[f32], weights: &[f32]) -> Self {
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

    /// Reads what [`Self::to_bytes`] writes: biases, scales, weights. `None` where the size is wrong.
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
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

    /// The file of it.
    pub fn to_bytes(&self) -> Vec<u8> {
        let numbers = self.bias.iter().chain(&self.scales);
        let mut bytes: Vec<u8> = numbers.flat_map(|number| number.to_le_bytes()).collect();
        bytes.extend(&self.weights);
        bytes
    }

    /// Outcomes, likeliest first, with probabilities that sum to 1.
    pub fn outcomes(&self, incident: &Incident) -> Vec<(ResolutionCode, f32)> {
        let mut scores = self.bias.clone();
        for (feature, value) in outcome_features(incident) {
            let row = self.weights.iter().skip(feature as usize * OUTCOMES.len());
            for ((score, weight), scale) in scores.iter_mut().zip(row).zip(&self.scales) {
                *score += value * f32::from(weight.cast_signed()) * scale;
            }
        }
        let most = scores.iter().copied().fold(f32::NEG_INFINITY, f32::max);
        let total: f32 = scores.iter().map(|score| (score - most).exp()).sum();
        let share = |score: f32| (score - most).exp() / total;
        let mut told: Vec<_> = OUTCOMES.into_iter().zip(scores.into_iter().map(share)).collect();
        told.sort_by(|a, b| b.1.total_cmp(&a.1));
        told
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
