//! Figures of merit.

use std::collections::BTreeMap;

/// Share of malicious lines on a real network, for precision as an analyst would live it.
pub const PREVALENCE: f64 = 0.001;

/// Bins of the calibration error.
const BINS: usize = 10;

/// A judged line: P(malicious) and the truth.
pub type Judged = (f32, bool);

/// Figures on telling malicious from benign.
#[derive(Clone, Debug, Default)]
pub struct Binary {
    /// Lines.
    pub lines: usize,
    /// Share of right answers.
    pub accuracy: f64,
    /// Mean of the two recalls.
    pub balanced: f64,
    /// Area under the ROC curve.
    pub auc: f64,
    /// Share of benign lines called malicious.
    pub false_positives: f64,
    /// Share of right calls when one line in a thousand is malicious.
    pub precision: f64,
    /// Expected calibration error under a class prior of one half.
    pub calibration: f64,
}

impl Binary {
    /// Of judged lines, at a threshold of one half.
    pub fn of(judged: &[Judged]) -> Self {
        let positives = judged.iter().filter(|(_, truth)| *truth).count() as f64;
        let negatives = judged.len() as f64 - positives;
        let hits = judged.iter().filter(|(p, truth)| *truth && *p >= 0.5).count() as f64;
        let alarms = judged.iter().filter(|(p, truth)| !*truth && *p >= 0.5).count() as f64;
        let (recall, false_positives) = (hits / positives.max(1.0), alarms / negatives.max(1.0));
        let (real, noise) = (recall * PREVALENCE, false_positives * (1.0 - PREVALENCE));
        Self {
            lines: judged.len(),
            accuracy: (hits + negatives - alarms) / judged.len().max(1) as f64,
            balanced: (recall + 1.0 - false_positives) / 2.0,
            auc: auc(judged),
            false_positives,
            precision: if real + noise > 0.0 { real / (real + noise) } else { 0.0 },
            calibration: calibration(judged, positives, negatives),
        }
    }
}

/// Chance that a malicious line scores above a benign one; ties count half.
fn auc(judged: &[Judged]) -> f64 {
    let mut sorted = judged.to_vec();
    sorted.sort_by(|a, b| a.0.total_cmp(&b.0));
    let (mut below, mut wins, mut positives) = (0.0, 0.0, 0.0);
    for tie in sorted.chunk_by(|a, b| a.0 == b.0) {
        let up = tie.iter().filter(|(_, truth)| *truth).count() as f64;
        let down = tie.len() as f64 - up;
        wins += up * (below + down / 2.0);
        below += down;
        positives += up;
    }
    if positives * below > 0.0 { wins / (positives * below) } else { 0.5 }
}

/// Mean gap between promise and truth over bins, each class weighing one half.
fn calibration(judged: &[Judged], positives: f64, negatives: f64) -> f64 {
    let mut bins = [(0.0, 0.0, 0.0); BINS];
    for (p, truth) in judged {
        let weight = 0.5 / if *truth { positives } else { negatives };
        let bin = &mut bins[((p * BINS as f32) as usize).min(BINS - 1)];
        bin.0 += weight;
        bin.1 += weight * f64::from(*p);
        bin.2 += weight * f64::from(u8::from(*truth));
    }
    bins.iter().filter(|bin| bin.0 > 0.0).map(|bin| (bin.1 - bin.2).abs()).sum()
}

/// Share of `true`.
pub fn share(answers: impl Iterator<Item = bool>) -> f64 {
    let (right, all) = answers.fold((0, 0), |(right, all), ok| (right + usize::from(ok), all + 1));
    if all == 0 { f64::NAN } else { right as f64 / f64::from(all) }
}

/// Mean F1 over the labels that occur in the truth.
pub fn macro_f1(answers: &[(usize, usize)]) -> f64 {
    let mut tallies: BTreeMap<usize, [f64; 3]> = BTreeMap::new();
    for (said, truth) in answers {
        tallies.entry(*truth).or_default()[0] += 1.0;
        tallies.entry(*said).or_default()[1] += 1.0;
        if said == truth {
            tallies.entry(*said).or_default()[2] += 1.0;
        }
    }
    let scores: Vec<f64> = tallies
        .values()
        .filter(|[occurs, ..]| *occurs > 0.0)
        .map(|[occurs, said, right]| 2.0 * right / (occurs + said))
        .collect();
    scores.iter().sum::<f64>() / scores.len().max(1) as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    fn close(a: f64, b: f64) -> bool {
        (a - b).abs() < 1e-9
    }

    #[test]
    fn figures_of_known_answers() {
        let perfect = Binary::of(&[(0.0, false), (1.0, true)]);
        assert!(close(perfect.accuracy, 1.0) && close(perfect.auc, 1.0), "{perfect:?}");
        assert!(close(perfect.precision, 1.0) && close(perfect.calibration, 0.0), "{perfect:?}");
        let blind = Binary::of(&[(0.5, false), (0.5, true)]);
        assert!(close(blind.auc, 0.5) && close(blind.balanced, 0.5), "{blind:?}");
        let noisy = Binary::of(&[(0.9, false), (0.1, false), (0.9, true), (0.9, true)]);
        assert!(close(noisy.false_positives, 0.5) && close(noisy.accuracy, 0.75), "{noisy:?}");
        assert!(close(macro_f1(&[(0, 0), (0, 1)]), (2.0 / 3.0) / 2.0));
        assert!(close(share([true, false].into_iter()), 0.5));
    }
}
