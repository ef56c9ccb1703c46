//! From trained heads to the file that ships: quantised, thinned, calibrated.

use anyhow::{Result, ensure};
use vedette_triage::screen::weights::{Feature, HEADS, Scale, fold, unfold};
use vedette_triage::screen::{Platt, Weights};

use crate::heads::Question;
use crate::judge::Linear;
use crate::metrics::Judged;

/// Largest weights file, in bytes: it is committed and embedded in the program.
pub const MAX_BYTES: usize = 6 * 1000 * 1000;

/// Weights for techniques that are kept, the largest first: there are hundreds for every word, and
/// nearly all of them say only that a word is none of a technique's.
const TECHNIQUE_WEIGHTS: usize = 1_000_000;

/// Quantises heads to the file's columns. Of the techniques' weights only the largest are kept, of
/// all others every one.
///
/// # Errors
/// When a cap of the format or [`MAX_BYTES`] is passed.
pub fn assemble(linear: &Linear) -> Result<Weights> {
    let columns = columns(linear);
    let floor = floor(linear);
    let features: Vec<Feature> = linear
        .vocabulary
        .features
        .iter()
        .enumerate()
        .map(|(place, (hash, idf))| Feature {
            hash: *hash,
            idf: *idf,
            heads: std::array::from_fn(|at| columns[at].steps(place)),
            techniques: techniques(linear, place, floor, &columns[HEADS..]),
        })
        .collect();
    let scales = columns.iter().map(|column| column.scale).collect();
    let weights = Weights::new(linear.labels.techniques.clone(), scales, &features)?;
    let bytes = weights.to_bytes().len();
    ensure!(
        bytes <= MAX_BYTES,
        "the weights would be {bytes} bytes, over {MAX_BYTES}: lower --max-features"
    );
    Ok(weights)
}

/// A column of the file and where its weights stand in a head.
struct FileColumn<'a> {
    weight: Box<dyn Fn(usize) -> f32 + 'a>,
    scale: Scale,
}

impl FileColumn<'_> {
    fn steps(&self, place: usize) -> i8 {
        fold((self.weight)(place) / self.scale.step)
    }
}

fn columns(linear: &Linear) -> Vec<FileColumn<'_>> {
    let places = linear.vocabulary.features.len();
    let mut columns = Vec::new();
    for question in Question::ALL {
        let head = &linear.heads[question as usize];
        if question == Question::Malicious {
            // Two competing labels are one margin.
            let weight = move |place: usize| {
                let row = head.row(place as u32);
                row[1] - row[0]
            };
            columns.push(column(Box::new(weight), head.bias[1] - head.bias[0], places));
            continue;
        }
        for label in 0..head.labels {
            let weight = move |place: usize| head.row(place as u32)[label];
            columns.push(column(Box::new(weight), head.bias[label], places));
        }
    }
    debug_assert!(columns.len() >= HEADS);
    columns
}

fn column<'a>(weight: Box<dyn Fn(usize) -> f32 + 'a>, bias: f32, places: usize) -> FileColumn<'a> {
    let top = (0..places).map(|place| weight(place).abs()).fold(0.0, f32::max);
    let step = if top > 0.0 { top / unfold(i8::MAX) } else { 1.0 };
    FileColumn { weight, scale: Scale { step, bias } }
}

/// The techniques that a feature speaks for, and how loud.
fn techniques(
    linear: &Linear,
    place: usize,
    floor: f32,
    columns: &[FileColumn<'_>],
) -> Vec<(u8, i8)> {
    let row = linear.heads[Question::Technique as usize].row(place as u32);
    let told = (0..).zip(row).zip(columns).filter(|((_, weight), _)| weight.abs() > floor);
    told.map(|((at, _), column)| (at, column.steps(place)))
        .filter(|(_, steps)| *steps != 0)
        .collect()
}

/// Size that leaves [`TECHNIQUE_WEIGHTS`] weights for techniques above it.
fn floor(linear: &Linear) -> f32 {
    let mut sizes: Vec<f32> = linear.heads[Question::Technique as usize]
        .weights
        .iter()
        .map(|weight| weight.abs())
        .filter(|size| *size > 0.0)
        .collect();
    if sizes.len() <= TECHNIQUE_WEIGHTS {
        return 0.0;
    }
    let (_, floor, _) = sizes.select_nth_unstable_by(TECHNIQUE_WEIGHTS, |a, b| b.total_cmp(a));
    *floor
}

/// Fits [`Platt`] to margins and truths as if half of the lines were malicious, on targets softened
/// as Platt did (1999), so that few rows promise little.
pub fn calibrate(margins: &[Judged]) -> Platt {
    /// Newton's method is done in about ten.
    const ROUNDS: usize = 50;
    /// A step this small or smaller helps no more.
    const HALVINGS: usize = 20;
    let fit = Fit::of(margins);
    let (mut at, mut loss) = ([1.0, 0.0], fit.loss([1.0, 0.0]));
    for _ in 0..ROUNDS {
        let step = fit.step(at);
        // Newton's step may overshoot where the curve is flat: halve it until it helps.
        let tried = (0..HALVINGS).map(|halving| {
            let part = 0.5_f64.powi(halving as i32);
            [at[0] - part * step[0], at[1] - part * step[1]]
        });
        let Some(better) = tried.map(|at| (at, fit.loss(at))).find(|(_, other)| *other < loss)
        else {
            break;
        };
        (at, loss) = better;
    }
    Platt { slope: at[0] as f32, intercept: at[1] as f32 }
}

/// Margins with the probability they should have and how much each counts.
struct Fit(Vec<[f64; 3]>);

impl Fit {
    fn of(margins: &[Judged]) -> Self {
        let positives = margins.iter().filter(|(_, truth)| *truth).count() as f64;
        let negatives = margins.len() as f64 - positives;
        let row = |(margin, truth): &Judged| {
            let (target, weight) = if *truth {
                ((positives + 1.0) / (positives + 2.0), 0.5 / positives)
            } else {
                (1.0 / (negatives + 2.0), 0.5 / negatives)
            };
            [f64::from(*margin), target, weight]
        };
        Self(margins.iter().map(row).collect())
    }

    fn probability([slope, intercept]: [f64; 2], margin: f64) -> f64 {
        (1.0 / (1.0 + (-(slope * margin + intercept)).exp())).clamp(1e-12, 1.0 - 1e-12)
    }

    /// Cross entropy.
    fn loss(&self, at: [f64; 2]) -> f64 {
        let of = |[margin, target, weight]: &[f64; 3]| {
            let p = Self::probability(at, *margin);
            -weight * (target * p.ln() + (1.0 - target) * (1.0 - p).ln())
        };
        self.0.iter().map(of).sum()
    }

    /// Newton's step.
    fn step(&self, at: [f64; 2]) -> [f64; 2] {
        let ([mut g0, mut g1], [mut h00, mut h01, mut h11]) = ([0.0; 2], [1e-9, 0.0, 1e-9]);
        for [margin, target, weight] in &self.0 {
            let p = Self::probability(at, *margin);
            let (error, curve) = (weight * (p - target), weight * p * (1.0 - p));
            g0 += error * margin;
            g1 += error;
            h00 += curve * margin * margin;
            h01 += curve * margin;
            h11 += curve;
        }
        let determinant = (h00 * h11 - h01 * h01).max(1e-18);
        [(g0 * h11 - g1 * h01) / determinant, (g1 * h00 - g0 * h01) / determinant]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::heads::Labels;
    use crate::linear::Head;
    use crate::vocabulary::Vocabulary;

    #[test]
    fn calibration_finds_the_border() {
        let margins: Vec<Judged> = (0..200)
            .map(|at| {
                let margin = at as f32 / 20.0;
                (margin, margin + ((at * 7) % 5) as f32 / 5.0 > 5.0)
            })
            .collect();
        let platt = calibrate(&margins);
        assert!(platt.probability(2.0) < 0.1, "{platt:?}");
        assert!(platt.probability(8.0) > 0.9, "{platt:?}");
    }

    #[test]
    fn the_smallest_weights_for_techniques_go_first() {
        let mut head = Head::zero(TECHNIQUE_WEIGHTS / 2, 4);
        for (at, weight) in head.weights.iter_mut().enumerate() {
            *weight = if at % 4 == 1 { -0.5 } else { 0.1 * (at % 4) as f32 };
        }
        let (vocabulary, labels) = (Vocabulary::default(), Labels::default());
        let heads = vec![Head::default(), Head::default(), Head::default(), head];
        let linear = Linear { vocabulary, labels, heads };
        assert!((0.2..0.5).contains(&floor(&linear)));
    }
}
