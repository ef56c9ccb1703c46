//! What anything cleverer has to beat: the majority, naive Bayes, and naive Bayes on the format alone.

use std::collections::BTreeMap;

use vedette_event::{Severity, TechniqueId, ThreatClass, VerdictLabel};

use super::probe::format_of;
use super::{Answer, Sample};
use crate::dataset::{Kind, Row};
use crate::heads::{Labels, Question};
use crate::judge::{Baselines, Scores, probability, top};
use crate::recipe::Recipe;

/// Name of the judge that always says what is most frequent.
pub const MAJORITY: &str = "majority";

/// Name of naive Bayes.
pub const BAYES: &str = "naive Bayes";

/// Name of naive Bayes on lines whose words and values are masked.
pub const PROBE: &str = "format probe";

/// Techniques that a baseline names: as many as are asked for, and some.
const TECHNIQUES: usize = 5;

/// Trains the baselines and has them judge; none where there is nothing to learn from. They learn
/// parents and name the sub-technique that the parent most often came as.
pub fn baselines(
    train: &[Sample],
    samples: &[Sample],
    recipe: &Recipe,
) -> Vec<(String, Vec<Answer>)> {
    if train.is_empty() {
        return Vec::new();
    }
    let usual = usual(train);
    let judge = |train: &[&Row], rows: &[&Row], judge: fn(&Baselines, &Row) -> Scores| {
        let labels = Labels::of(train);
        let baselines = Baselines::train(train, &labels, recipe);
        let answer = |row: &&Row| answer(&judge(&baselines, row), &labels, &usual);
        rows.iter().map(answer).collect::<Vec<_>>()
    };
    let seen: Vec<&Row> = train.iter().map(|sample| &sample.row).collect();
    let asked: Vec<&Row> = samples.iter().map(|sample| &sample.row).collect();
    let (seen_format, asked_format) = (formats(train), formats(samples));
    let majority = judge(&seen, &asked, |baselines, _| baselines.majority());
    let bayes = judge(&seen, &asked, Baselines::bayes);
    let probe = judge(
        &seen_format.iter().collect::<Vec<_>>(),
        &asked_format.iter().collect::<Vec<_>>(),
        Baselines::bayes,
    );
    [(MAJORITY, majority), (BAYES, bayes), (PROBE, probe)]
        .map(|(name, answers)| (name.to_owned(), answers))
        .into()
}

/// Samples as rows of their format alone.
fn formats(samples: &[Sample]) -> Vec<Row> {
    samples
        .iter()
        .map(|Sample { raw, row, .. }| {
            let text = format_of(raw);
            Row::new(Kind::Log, &row.source, row.group.clone(), &text, row.truth.clone())
        })
        .collect()
}

/// For each parent the technique it most often came as.
fn usual(train: &[Sample]) -> BTreeMap<TechniqueId, TechniqueId> {
    let mut counts: BTreeMap<TechniqueId, usize> = BTreeMap::new();
    for technique in train.iter().flat_map(|sample| &sample.techniques) {
        *counts.entry(*technique).or_default() += 1;
    }
    let mut ranked: Vec<_> = counts.into_iter().collect();
    ranked.sort_by_key(|(id, count)| (*count, std::cmp::Reverse(*id)));
    ranked.into_iter().map(|(id, _)| (id.parent(), id)).collect()
}

fn answer(scores: &Scores, labels: &Labels, usual: &BTreeMap<TechniqueId, TechniqueId>) -> Answer {
    let of = |question: Question| scores[question as usize].as_slice();
    let malicious = probability(of(Question::Malicious));
    let technique = |place: usize| {
        let parent = labels.techniques[place];
        usual.get(&parent).copied().unwrap_or(parent)
    };
    Answer {
        malicious,
        verdict: if malicious >= 0.5 { VerdictLabel::Malicious } else { VerdictLabel::Benign },
        class: ThreatClass::ALL[top(of(Question::Class), 1)[0]],
        severity: Severity::ALL[top(of(Question::Severity), 1)[0]],
        techniques: top(of(Question::Technique), TECHNIQUES).into_iter().map(technique).collect(),
        abstained: false,
    }
}
