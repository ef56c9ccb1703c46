//! How incidents end: what the model in `resolve` learns from stories with known ends.
//!
//! Everything is chosen by leaving out each set that may be learnt from in turn.

pub mod stories;
pub mod tell;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use vedette_event::{Incident, ResolutionCode};
use vedette_resolve::{OUTCOME_FEATURES, OUTCOMES, OutcomeModel, outcome_features};

use crate::bayes::{self, Counted};
use crate::linear::{self, Example, Head};
use crate::vocabulary::Vector;
use stories::StorySet;
use tell::{Case, cases};

/// Seed of the values that stories are told with.
pub const SEED: u64 = 20_261_122;
/// Incidents of each story that are learnt from; values say nothing, so few will do.
const VARIANTS: usize = 3;
/// L2 penalty against a loss of one to a story, by leaving out sets, among a handful from 0.06 to 0.6.
const PENALTY: f32 = 0.125;
/// Share of naive Bayes's scores that is added: its own are far too sure. By leaving out sets, among 0.005 to
/// 0.4; anything from 0.01 to 0.03 does as well.
const BAYES_SHARE: f32 = 0.02;
/// Rounds of L-BFGS at most; it stops before.
const ROUNDS: usize = 150;
const SIZE: (usize, usize) = (OUTCOME_FEATURES as usize, OUTCOMES.len());

/// What goes with the weights.
#[derive(Debug, Serialize, Deserialize)]
pub struct Manifest {
    /// Of `weights.bin`.
    pub weights_sha256: String,
    /// Of the sets learnt from, one after the other in the order of their names.
    pub data_sha256: String,
    /// Seed of the values that stories are told with.
    pub seed: u64,
    /// Stories of each set learnt from.
    pub stories: BTreeMap<String, usize>,
    /// Share of each set's stories whose end the model names that learnt from the other sets.
    pub left_out: BTreeMap<String, f64>,
}

/// The weights and what goes with them, from the sets that may be learnt from.
pub fn make(sets: &[(Vec<u8>, StorySet)]) -> (Vec<u8>, Manifest) {
    let learnt: Vec<_> = sets.iter().filter(|(_, set)| !set.is_held()).collect();
    let sets: Vec<&StorySet> = learnt.iter().map(|(_, set)| set).collect();
    let mut hash = Sha256::new();
    learnt.iter().for_each(|(bytes, _)| hash.update(bytes));
    let bytes = train(&sets).to_bytes();
    let manifest = Manifest {
        weights_sha256: hex(&Sha256::digest(&bytes)),
        data_sha256: hex(&hash.finalize()),
        seed: SEED,
        stories: sets.iter().map(|set| (set.name.clone(), set.stories.len())).collect(),
        left_out: leave_out(&sets),
    };
    (bytes, manifest)
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// A model of the stories of some sets.
pub fn train(sets: &[&StorySet]) -> OutcomeModel {
    let told = told(sets);
    let vectors: Vec<Vector> = told.iter().map(|case| outcome_features(&case.incident)).collect();
    let weight = 1.0 / VARIANTS as f32;
    let pairs = told.iter().zip(&vectors);
    let examples: Vec<Example<'_>> = pairs
        .map(|(case, vector)| Example { vector, target: vec![(place(case.code), 1.0)], weight })
        .collect();
    let head = linear::fit(&examples, SIZE, PENALTY, ROUNDS);
    let counted = shared(Bayes::train(sets).0);
    OutcomeModel::new((&head.bias, &head.weights), (&counted.bias, &counted.weights))
}

/// The share of naive Bayes that is added, each feature's row around zero, which changes no outcome and keeps its
/// steps small.
fn shared(mut bayes: Head) -> Head {
    for row in bayes.weights.chunks_exact_mut(OUTCOMES.len()) {
        let mean = row.iter().sum::<f32>() / OUTCOMES.len() as f32;
        row.iter_mut().for_each(|weight| *weight = (*weight - mean) * BAYES_SHARE);
    }
    bayes.bias.iter_mut().for_each(|bias| *bias *= BAYES_SHARE);
    bayes
}

/// Naive Bayes over the same features: what the model must beat.
pub struct Bayes(Head);

impl Bayes {
    /// Learns from some sets.
    pub fn train(sets: &[&StorySet]) -> Self {
        let told = told(sets);
        let counted: Vec<Counted> = told
            .iter()
            .map(|case| (counts(&case.incident), vec![(place(case.code), 1.0)]))
            .collect();
        Self(bayes::train(&counted, SIZE.0, SIZE.1))
    }

    /// The likeliest end.
    pub fn outcome(&self, incident: &Incident) -> ResolutionCode {
        let counted: Vector =
            counts(incident).into_iter().map(|(at, count)| (at, count as f32)).collect();
        let scores = self.0.scores(&counted);
        let best = (0..scores.len()).max_by(|a, b| scores[*a].total_cmp(&scores[*b]));
        OUTCOMES[best.unwrap_or_default()]
    }
}

fn counts(incident: &Incident) -> Vec<(u32, u32)> {
    outcome_features(incident).into_iter().map(|(feature, _)| (feature, 1)).collect()
}

fn told(sets: &[&StorySet]) -> Vec<Case> {
    sets.iter().flat_map(|set| cases(&set.stories, VARIANTS, SEED)).collect()
}

fn place(code: ResolutionCode) -> usize {
    OUTCOMES.iter().position(|known| *known == code).expect("stories end in one of these")
}

/// Judges each set by what the others teach.
fn leave_out(sets: &[&StorySet]) -> BTreeMap<String, f64> {
    let judge = |set: &&StorySet| {
        let others: Vec<&StorySet> =
            sets.iter().copied().filter(|it| it.name != set.name).collect();
        let model = train(&others);
        let told = cases(&set.stories, 1, SEED);
        let right = told.iter().filter(|case| model.outcomes(&case.incident)[0].0 == case.code);
        (set.name.clone(), right.count() as f64 / told.len() as f64)
    };
    sets.iter().map(judge).collect()
}
