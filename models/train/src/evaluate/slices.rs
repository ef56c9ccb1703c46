//! Which lines are looked at together.

use std::collections::BTreeSet;

use super::Sample;

/// Sources that label lines of both kinds by one hand, so that telling them apart takes more than
/// knowing the source.
const BOTH_LABELS: [&str; 2] = ["wazuh", "ossec"];

/// Bands of novelty, cut so that each holds about as many lines.
const BANDS: usize = 4;

/// Names and places of all lines, of those that the screen did and did not learn from, of those of Wazuh
/// and OSSEC, of each source, of each band of novelty; parts that would hold everything or nothing are left out.
pub(super) fn slices(samples: &[Sample]) -> Vec<(String, Vec<usize>)> {
    let which = |wanted: &dyn Fn(&Sample) -> bool| -> Vec<usize> {
        (0..samples.len()).filter(|at| wanted(&samples[*at])).collect()
    };
    let mut parts = vec![
        ("template learnt by the screen".to_owned(), which(&|sample| sample.learnt)),
        ("template new to the screen".to_owned(), which(&|sample| !sample.learnt)),
        (
            "wazuh+ossec".to_owned(),
            which(&|sample| BOTH_LABELS.contains(&sample.row.source.as_str())),
        ),
    ];
    let sources: BTreeSet<&str> = samples.iter().map(|s| s.row.source.as_str()).collect();
    for source in sources {
        parts.push((source.to_owned(), which(&|sample| sample.row.source == source)));
    }
    let cuts = cuts(samples);
    for band in 0..=cuts.len() {
        let rows =
            which(&|sample| cuts.iter().filter(|cut| **cut < sample.novelty).count() == band);
        let novelties = rows.iter().map(|row| samples[*row].novelty);
        let (low, high) =
            novelties.fold((1.0_f32, 0.0_f32), |(low, high), n| (low.min(n), high.max(n)));
        parts.push((format!("novelty {low:.2} to {high:.2}"), rows));
    }
    parts.retain(|(_, rows)| !rows.is_empty() && rows.len() < samples.len());
    parts.insert(0, ("all".to_owned(), (0..samples.len()).collect()));
    parts
}

/// The highest novelty of each band but the last.
fn cuts(samples: &[Sample]) -> Vec<f32> {
    let mut novelties: Vec<f32> = samples.iter().map(|sample| sample.novelty).collect();
    novelties.sort_by(f32::total_cmp);
    (1..BANDS).filter_map(|band| novelties.get(novelties.len() * band / BANDS).copied()).collect()
}
