//! Softmax regression by AdaGrad, and the linear head that it makes.

use rand::SeedableRng;
use rand::seq::SliceRandom;
use rand_chacha::ChaCha8Rng;

use crate::heads::{Question, Target};
use crate::recipe::Recipe;
use crate::vocabulary::Vector;

/// A line with what it should be.
pub struct Example<'a> {
    /// The line.
    pub vector: &'a Vector,
    /// Labels and their shares, which sum to 1.
    pub target: Target,
    /// How much it counts.
    pub weight: f32,
}

/// A linear head: for each feature a weight per label, features outermost.
#[derive(Clone, Debug, Default)]
pub struct Head {
    /// Number of labels.
    pub labels: usize,
    /// Weights, `labels` for each feature.
    pub weights: Vec<f32>,
    /// Added to the scores.
    pub bias: Vec<f32>,
}

impl Head {
    /// No weights yet.
    pub fn zero(features: usize, labels: usize) -> Self {
        Self { labels, weights: vec![0.0; features * labels], bias: vec![0.0; labels] }
    }

    /// The weights of a feature.
    pub fn row(&self, place: u32) -> &[f32] {
        &self.weights[place as usize * self.labels..][..self.labels]
    }

    /// The scores of a line.
    pub fn scores(&self, vector: &Vector) -> Vec<f32> {
        let mut scores = self.bias.clone();
        for (place, value) in vector {
            for (score, weight) in scores.iter_mut().zip(self.row(*place)) {
                *score += value * weight;
            }
        }
        scores
    }
}

/// Step of the biases against that of the weights: they see every row and settle fast.
const BIAS_RATE: f32 = 0.1;

/// Errors below this move no weight: with hundreds of techniques nearly all are, on nearly all lines.
const ERROR_FLOOR: f32 = 1e-3;

/// Trains a head. The same examples and recipe give the same weights, bit for bit.
pub fn train(
    question: Question,
    examples: &[Example<'_>],
    (features, labels): (usize, usize),
    recipe: &Recipe,
) -> Head {
    let mut head = Head::zero(features, labels);
    let mut squares = vec![recipe.caution; features * labels];
    let mut bias_squares = vec![recipe.caution; labels];
    let mut order: Vec<usize> = (0..examples.len()).collect();
    let mut random = ChaCha8Rng::seed_from_u64(recipe.seed);
    for _ in 0..recipe.passes(question) {
        order.shuffle(&mut random);
        for example in order.iter().map(|at| &examples[*at]) {
            let errors = errors(&head, example);
            let telling: Vec<usize> =
                (0..labels).filter(|label| errors[*label].abs() > ERROR_FLOOR).collect();
            for (place, value) in example.vector {
                let begin = *place as usize * labels;
                for at in telling.iter().map(|label| begin + label) {
                    let weight = head.weights[at];
                    let gradient = errors[at - begin] * value + recipe.decay * weight;
                    squares[at] += gradient * gradient;
                    head.weights[at] = weight - recipe.rate * gradient / squares[at].sqrt();
                }
            }
            let biases = head.bias.iter_mut().zip(&mut bias_squares);
            for ((bias, square), error) in biases.zip(&errors) {
                *square += error * error;
                *bias -= recipe.rate * BIAS_RATE * error / square.sqrt();
            }
        }
    }
    head
}

/// Weighted difference between what the head says and what it should.
fn errors(head: &Head, example: &Example<'_>) -> Vec<f32> {
    let mut errors = softmax(&head.scores(example.vector));
    for (label, share) in &example.target {
        errors[*label] -= share;
    }
    errors.iter_mut().for_each(|error| *error *= example.weight);
    errors
}

/// Probabilities of scores that compete.
pub fn softmax(scores: &[f32]) -> Vec<f32> {
    let top = scores.iter().copied().fold(f32::MIN, f32::max);
    let mut shares: Vec<f32> = scores.iter().map(|score| (score - top).exp()).collect();
    let total: f32 = shares.iter().sum();
    shares.iter_mut().for_each(|share| *share /= total);
    shares
}
