//! Softmax regression with an L2 penalty, by L-BFGS (Nocedal 1980), and the linear head that it makes.

use std::collections::VecDeque;

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

/// Steps remembered for the shape of the loss.
const MEMORY: usize = 5;

/// Share of the loss below which another step is not worth its time.
const WORTHWHILE: f64 = 1e-4;

/// Halvings of a step that does not help before there is none.
const HALVINGS: usize = 12;

/// Share of the promised decrease that a step must bring (Armijo 1966).
const PROMISE: f64 = 1e-4;

/// Trains a head. The same examples and recipe give the same weights, bit for bit.
pub fn train(
    question: Question,
    examples: &[Example<'_>],
    size: (usize, usize),
    recipe: &Recipe,
) -> Head {
    fit(examples, size, recipe.penalty(question), recipe.rounds(question))
}

/// Trains a head of (features, labels) against a penalty, in so many rounds at most.
pub fn fit(
    examples: &[Example<'_>],
    (features, labels): (usize, usize),
    penalty: f32,
    rounds: usize,
) -> Head {
    let problem = Problem { examples, labels, penalty };
    let mut at = Place::of(&problem, Head::zero(features, labels));
    let mut past = VecDeque::new();
    for _ in 0..rounds {
        let Some(next) = at.step(&problem, &direction(&at.slope, &past)) else { break };
        let gained = at.loss - next.loss;
        if past.len() == MEMORY {
            past.pop_front();
        }
        past.push_back(Step::between(&at, &next));
        at = next;
        if gained < WORTHWHILE * at.loss {
            break;
        }
    }
    at.head
}

/// What is minimised: the weighted cross entropy of the examples and the penalty.
struct Problem<'a> {
    examples: &'a [Example<'a>],
    labels: usize,
    penalty: f32,
}

impl Problem<'_> {
    /// The loss of a head and its slope.
    fn loss(&self, head: &Head) -> (f64, Head) {
        let mut slope = head.clone();
        slope.weights.iter_mut().for_each(|weight| *weight *= self.penalty);
        slope.bias.fill(0.0);
        let mut loss = 0.5 * f64::from(self.penalty) * dot(&head.weights, &head.weights);
        for example in self.examples {
            let mut errors = softmax(&head.scores(example.vector));
            for (label, share) in &example.target {
                let surprise = -f64::from(errors[*label].max(f32::MIN_POSITIVE)).ln();
                loss += f64::from(example.weight * share) * surprise;
            }
            for (label, share) in &example.target {
                errors[*label] -= share;
            }
            errors.iter_mut().for_each(|error| *error *= example.weight);
            for (place, value) in example.vector {
                let row = &mut slope.weights[*place as usize * self.labels..][..self.labels];
                row.iter_mut().zip(&errors).for_each(|(at, error)| *at += value * error);
            }
            slope.bias.iter_mut().zip(&errors).for_each(|(at, error)| *at += error);
        }
        (loss, slope)
    }
}

/// A head, its loss and its slope.
struct Place {
    head: Head,
    loss: f64,
    slope: Head,
}

impl Place {
    fn of(problem: &Problem<'_>, head: Head) -> Self {
        let (loss, slope) = problem.loss(&head);
        Self { head, loss, slope }
    }

    /// As far along a direction as helps.
    fn step(&self, problem: &Problem<'_>, direction: &Head) -> Option<Self> {
        let promised = PROMISE * product(&self.slope, direction);
        (0..HALVINGS).map(|halving| 0.5_f32.powi(halving as i32)).find_map(|length| {
            let mut head = self.head.clone();
            add(&mut head, length, direction);
            let next = Self::of(problem, head);
            (next.loss <= self.loss + f64::from(length) * promised).then_some(next)
        })
    }
}

/// What a step taught: where it went, how the slope changed.
struct Step {
    moved: Head,
    turned: Head,
    /// One over the product of the two.
    curve: f64,
}

impl Step {
    fn between(from: &Place, to: &Place) -> Self {
        let difference = |from: &Head, to: &Head| {
            let mut difference = to.clone();
            add(&mut difference, -1.0, from);
            difference
        };
        let moved = difference(&from.head, &to.head);
        let turned = difference(&from.slope, &to.slope);
        let curve = 1.0 / product(&moved, &turned).max(f64::MIN_POSITIVE);
        Self { moved, turned, curve }
    }
}

/// Down the slope, bent by what the last steps taught (the two-loop recursion).
fn direction(slope: &Head, past: &VecDeque<Step>) -> Head {
    let mut direction = slope.clone();
    let mut shares = Vec::with_capacity(past.len());
    for step in past.iter().rev() {
        let share = step.curve * product(&step.moved, &direction);
        add(&mut direction, -share as f32, &step.turned);
        shares.push(share);
    }
    let scale = match past.back() {
        Some(step) => 1.0 / (step.curve * product(&step.turned, &step.turned)),
        // Nothing is known yet: a step of length one.
        None => 1.0 / product(slope, slope).sqrt().max(1.0),
    };
    scale_by(&mut direction, -scale as f32);
    for (step, share) in past.iter().zip(shares.into_iter().rev()) {
        // The sign has been turned above.
        let other = step.curve * product(&step.turned, &direction);
        add(&mut direction, -(share + other) as f32, &step.moved);
    }
    direction
}

fn add(to: &mut Head, share: f32, other: &Head) {
    to.weights.iter_mut().zip(&other.weights).for_each(|(a, b)| *a += share * b);
    to.bias.iter_mut().zip(&other.bias).for_each(|(a, b)| *a += share * b);
}

fn scale_by(head: &mut Head, share: f32) {
    head.weights.iter_mut().chain(&mut head.bias).for_each(|weight| *weight *= share);
}

fn product(a: &Head, b: &Head) -> f64 {
    dot(&a.weights, &b.weights) + dot(&a.bias, &b.bias)
}

/// In a fixed order, in lanes that the processor adds at once.
fn dot(a: &[f32], b: &[f32]) -> f64 {
    const LANES: usize = 8;
    let of_block = |(a, b): (&[f32], &[f32])| {
        let mut lanes = [0.0_f32; LANES];
        for (a, b) in a.chunks(LANES).zip(b.chunks(LANES)) {
            lanes.iter_mut().zip(a.iter().zip(b)).for_each(|(lane, (a, b))| *lane += a * b);
        }
        lanes.iter().map(|lane| f64::from(*lane)).sum::<f64>()
    };
    a.chunks(4096).zip(b.chunks(4096)).map(of_block).sum()
}

/// Probabilities of scores that compete.
pub fn softmax(scores: &[f32]) -> Vec<f32> {
    let top = scores.iter().copied().fold(f32::MIN, f32::max);
    let mut shares: Vec<f32> = scores.iter().map(|score| (score - top).exp()).collect();
    let total: f32 = shares.iter().sum();
    shares.iter_mut().for_each(|share| *share /= total);
    shares
}
