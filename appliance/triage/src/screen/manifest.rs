use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::grades::Grades;

/// What goes with a weights file: how to check it and how to read its scores.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Manifest {
    /// SHA-256 of the weights file, lower case hexadecimal.
    pub weights_sha256: String,
    /// Share of malicious lines for which the probabilities hold.
    pub prior: f32,
    /// Calibration of the malicious head.
    pub malicious: Platt,
    /// How severities are chosen; as their head says where it is missing.
    #[serde(default)]
    pub grades: Option<Grades>,
    /// Seed of everything drawn by chance in training.
    pub seed: u64,
    /// What it was trained on: a line per source with its licence.
    pub trained_on: Vec<String>,
}

/// Platt scaling: P(malicious) = 1 / (1 + exp(−(slope · margin + intercept))).
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Platt {
    /// Factor of the margin.
    pub slope: f32,
    /// Added to it.
    pub intercept: f32,
}

impl Platt {
    /// Calibrated P(malicious) of a margin.
    pub fn probability(self, margin: f32) -> f32 {
        1.0 / (1.0 + (-(self.slope * margin + self.intercept)).exp())
    }
}

/// SHA-256 as lower case hexadecimal.
pub(super) fn sha256_hex(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}
