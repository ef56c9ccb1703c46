//! From trained heads to the file that ships: quantised, thinned, calibrated.

use anyhow::{Result, ensure};
use vedette_triage::screen::weights::{Feature, Scale};
use vedette_triage::screen::{Column, Platt, Weights};

use crate::heads::Question;
use crate::judge::Linear;
use crate::metrics::Judged;

/// Largest weights file, in bytes: it is committed and embedded in the program.
pub const MAX_BYTES: usize = 3 * 1000 * 1000;

/// Bytes of a feature beside its entries, and of an entry.
const FEATURE_BYTES: usize = 6;
const ENTRY_BYTES: usize = 2;

/// Largest int8 weight.
const STEPS: f32 = 127.0;

/// A column keeps its scale by the weight of this rank from the top: a few huge ones are clipped, so
/// that the many small ones keep their steps.
const CLIPPED: usize = 20;

/// Quantises heads to the file's columns. Where they would pass [`MAX_BYTES`], the smallest steps go.
///
/// # Errors
/// When a cap of the format is passed.
pub fn assemble(linear: &Linear) -> Result<Weights> {
    let columns = columns(linear);
    let rows: Vec<Vec<(u8, i8)>> =
        (0..linear.vocabulary.features.len()).map(|place| row(&columns, place)).collect();
    let floor = floor(&rows);
    let features: Vec<Feature> = linear
        .vocabulary
        .features
        .iter()
        .zip(rows)
        .map(|((hash, idf), row)| Feature {
            hash: *hash,
            idf: *idf,
            row: row.into_iter().filter(|(_, step)| step.unsigned_abs() >= floor).collect(),
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
    debug_assert!(columns.len() >= Column::TECHNIQUES.start);
    columns
}

fn column<'a>(weight: Box<dyn Fn(usize) -> f32 + 'a>, bias: f32, places: usize) -> FileColumn<'a> {
    let mut sizes: Vec<f32> = (0..places).map(|place| weight(place).abs()).collect();
    sizes.sort_by(|a, b| b.total_cmp(a));
    let top = sizes.get(CLIPPED).or(sizes.last()).copied().unwrap_or(0.0);
    let step = if top > 0.0 { top / STEPS } else { 1.0 };
    FileColumn { weight, scale: Scale { step, bias } }
}

fn row(columns: &[FileColumn<'_>], place: usize) -> Vec<(u8, i8)> {
    columns
        .iter()
        .zip(0..)
        .map(|(column, at)| {
            let steps = ((column.weight)(place) / column.scale.step).round();
            (at, steps.clamp(-STEPS, STEPS) as i8)
        })
        .filter(|(_, steps)| *steps != 0)
        .collect()
}

/// The smallest step worth keeping for the file to fit.
fn floor(rows: &[Vec<(u8, i8)>]) -> u8 {
    let mut sizes = [0_usize; 129];
    for (_, steps) in rows.iter().flatten() {
        sizes[usize::from(steps.unsigned_abs())] += 1;
    }
    let room = MAX_BYTES.saturating_sub(rows.len() * FEATURE_BYTES + 8 * 1024) / ENTRY_BYTES;
    let mut kept: usize = sizes.iter().sum();
    let mut floor = 1;
    while kept > room && floor < 128 {
        kept -= sizes[usize::from(floor)];
        floor += 1;
    }
    floor
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
    fn the_smallest_steps_go_first() {
        let rows = vec![vec![(0_u8, 1_i8), (1, -3)]; 1_200_000];
        assert_eq!(floor(&rows[..1000]), 1);
        assert!(floor(&rows) > 1);
    }
}
