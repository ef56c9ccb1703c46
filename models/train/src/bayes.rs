//! Multinomial naive Bayes and the majority class: what anything cleverer has to beat.

use crate::heads::Target;
use crate::linear::Head;

/// Counted words are as if seen this often more (Laplace, Lidstone's variant).
const SMOOTHING: f32 = 0.1;

/// A line as counts of places, and its labels with their shares.
pub type Counted = (Vec<(u32, u32)>, Target);

/// Naive Bayes over the same features as everything else, by their counts.
pub fn train(lines: &[Counted], features: usize, labels: usize) -> Head {
    let mut head = Head::zero(features, labels);
    let mut totals = vec![SMOOTHING * features as f32; labels];
    let mut priors = vec![1.0_f32; labels];
    for (counts, target) in lines {
        for (label, share) in target {
            priors[*label] += share;
            for (place, count) in counts {
                head.weights[*place as usize * labels + label] += share * *count as f32;
                totals[*label] += share * *count as f32;
            }
        }
    }
    for row in head.weights.chunks_exact_mut(labels.max(1)) {
        for (weight, total) in row.iter_mut().zip(&totals) {
            *weight = ((*weight + SMOOTHING) / total).ln();
        }
    }
    let all: f32 = priors.iter().sum();
    head.bias = priors.iter().map(|prior| (prior / all).ln()).collect();
    head
}

/// The same answer to everything: each label by how often it was right.
pub fn majority(targets: impl Iterator<Item = Target>, labels: usize) -> Head {
    let mut head = Head::zero(0, labels);
    for (label, share) in targets.flatten() {
        head.bias[label] += share;
    }
    head.bias.iter_mut().for_each(|count| *count = (*count + 1e-3).ln());
    head
}
