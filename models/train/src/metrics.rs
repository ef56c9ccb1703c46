//! Figures of merit.

use std::collections::BTreeMap;

use serde::Serialize;

/// Share of malicious lines on a real network, for precision as an analyst would live it.
pub const PREVALENCE: f64 = 0.001;

/// Bins of the calibration error.
const BINS: usize = 10;

/// A judged line: P(malicious) and the truth.
pub type Judged = (f32, bool);

/// A line that was called malicious or not: what a verdict says need not be a threshold on its score.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Call {
    /// P(malicious).
    pub score: f32,
    /// What it was called.
    pub called: bool,
    /// What it is.
    pub truth: bool,
}

/// Figures on telling malicious from benign. What the lines cannot tell, for want of malicious or of
/// benign ones, is not a number.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Binary {
    /// Lines.
    pub lines: usize,
    /// Lines that are malicious.
    pub malicious: usize,
    /// Share of right answers.
    pub accuracy: f64,
    /// Mean of the two recalls.
    pub balanced: f64,
    /// Area under the ROC curve.
    pub auc: f64,
    /// Share of malicious lines called so.
    pub recall: f64,
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
        let call =
            |(score, truth): &Judged| Call { score: *score, called: *score >= 0.5, truth: *truth };
        Self::of_calls(&judged.iter().map(call).collect::<Vec<_>>())
    }

    /// Of called lines.
    pub fn of_calls(calls: &[Call]) -> Self {
        let count = |wanted: fn(&Call) -> bool| calls.iter().filter(|call| wanted(call)).count();
        let malicious = count(|call| call.truth);
        let (positives, negatives) = (malicious as f64, (calls.len() - malicious) as f64);
        let hits = count(|call| call.truth && call.called) as f64;
        let alarms = count(|call| !call.truth && call.called) as f64;
        let (recall, false_positives) = (hits / positives, alarms / negatives);
        Self {
            lines: calls.len(),
            malicious,
            accuracy: (hits + negatives - alarms) / calls.len() as f64,
            balanced: (recall + 1.0 - false_positives) / 2.0,
            auc: auc(calls),
            recall,
            false_positives,
            precision: precision(recall, false_positives),
            calibration: reliability(calls)
                .iter()
                .map(|bin| bin.weight * (bin.promised - bin.came).abs())
                .sum(),
        }
    }
}

/// Share of right calls at [`PREVALENCE`]; none where nothing is called.
pub fn precision(recall: f64, false_positives: f64) -> f64 {
    let (real, noise) = (recall * PREVALENCE, false_positives * (1.0 - PREVALENCE));
    if real + noise == 0.0 { 0.0 } else { real / (real + noise) }
}

/// Chance that a malicious line scores above a benign one; ties count half.
fn auc(calls: &[Call]) -> f64 {
    let mut sorted = calls.to_vec();
    sorted.sort_by(|a, b| a.score.total_cmp(&b.score));
    let (mut below, mut wins, mut positives) = (0.0, 0.0, 0.0);
    for tie in sorted.chunk_by(|a, b| a.score == b.score) {
        let up = tie.iter().filter(|call| call.truth).count() as f64;
        let down = tie.len() as f64 - up;
        wins += up * (below + down / 2.0);
        below += down;
        positives += up;
    }
    wins / (positives * below)
}

/// Lines that promised about the same.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Bin {
    /// Share of all lines, each class weighing one half.
    pub weight: f64,
    /// Mean P(malicious).
    pub promised: f64,
    /// Share that is malicious.
    pub came: f64,
}

/// Promise and truth by tenths of the promise, each class weighing one half; empty tenths are left
/// out.
pub fn reliability(calls: &[Call]) -> Vec<Bin> {
    let positives = calls.iter().filter(|call| call.truth).count();
    let negatives = calls.len() - positives;
    let mut bins = [(0.0, 0.0, 0.0); BINS];
    for call in calls {
        let weight = 0.5 / if call.truth { positives } else { negatives } as f64;
        let bin = &mut bins[((call.score * BINS as f32) as usize).min(BINS - 1)];
        bin.0 += weight;
        bin.1 += weight * f64::from(call.score);
        bin.2 += weight * f64::from(u8::from(call.truth));
    }
    // Of one class alone nothing can be said at a prior of one half.
    let known = if positives * negatives > 0 { 1.0 } else { f64::NAN };
    bins.into_iter()
        .filter(|(weight, ..)| *weight > 0.0)
        .map(|(weight, promised, came)| Bin {
            weight: weight * known,
            promised: promised / weight,
            came: came / weight,
        })
        .collect()
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
    scores.iter().sum::<f64>() / scores.len() as f64
}

/// Agreement of grades beyond chance, a miss by two grades counting four times a miss by one
/// (Cohen 1968, quadratic weights). Not a number where all grades are the same.
pub fn quadratic_kappa(answers: &[(usize, usize)]) -> f64 {
    let gap = |a: usize, b: usize| (a as f64 - b as f64).powi(2);
    let mut grades: BTreeMap<usize, [f64; 2]> = BTreeMap::new();
    for (said, truth) in answers {
        grades.entry(*said).or_default()[0] += 1.0;
        grades.entry(*truth).or_default()[1] += 1.0;
    }
    let missed: f64 = answers.iter().map(|(said, truth)| gap(*said, *truth)).sum();
    let by_chance: f64 = grades
        .iter()
        .flat_map(|(said, [times, _])| {
            grades.iter().map(move |(truth, [_, of])| times * of * gap(*said, *truth))
        })
        .sum();
    1.0 - missed * answers.len() as f64 / by_chance
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
