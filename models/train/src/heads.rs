//! The four questions asked of a line, and the examples that answer them.

use std::collections::BTreeMap;

use vedette_event::{Severity, TechniqueId, ThreatClass};

use crate::dataset::{Kind, Row};
use crate::family::counter;
use crate::linear::Example;
use crate::recipe::Recipe;
use crate::vocabulary::Vector;

/// Techniques that get a column: the file numbers columns by a byte, and most beyond are never seen
/// in a log.
const MAX_TECHNIQUES: usize = 200;

/// A question.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Question {
    /// Malicious (label 1) or not (label 0).
    Malicious,
    /// Which threat class.
    Class,
    /// How bad.
    Severity,
    /// Which parent technique.
    Technique,
}

impl Question {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Malicious, Self::Class, Self::Severity, Self::Technique];
}

/// Right labels of a line and their shares, which sum to 1.
pub type Target = Vec<(usize, f32)>;

/// What each label of each question stands for.
#[derive(Clone, Debug, Default)]
pub struct Labels {
    /// Techniques with a column, in order of their ids.
    pub techniques: Vec<TechniqueId>,
}

impl Labels {
    /// The techniques that most rows name.
    pub fn of(rows: &[&Row]) -> Self {
        let mut counts: BTreeMap<TechniqueId, usize> = BTreeMap::new();
        for technique in rows.iter().flat_map(|row| &row.truth.techniques) {
            *counts.entry(*technique).or_default() += 1;
        }
        let mut ranked: Vec<_> = counts.into_iter().collect();
        ranked.sort_by_key(|(id, count)| (std::cmp::Reverse(*count), *id));
        let mut techniques: Vec<_> =
            ranked.into_iter().take(MAX_TECHNIQUES).map(|(id, _)| id).collect();
        techniques.sort();
        Self { techniques }
    }

    /// How many labels a question has.
    pub fn count(&self, question: Question) -> usize {
        match question {
            Question::Malicious => 2,
            Question::Class => ThreatClass::ALL.len(),
            Question::Severity => Severity::ALL.len(),
            Question::Technique => self.techniques.len(),
        }
    }

    /// The right labels of a row, equal shares; empty when the row does not say.
    pub fn target(&self, question: Question, row: &Row) -> Target {
        let one = |label: Option<usize>| label.map(|label| (label, 1.0)).into_iter().collect();
        match question {
            Question::Malicious => one(row.truth.malicious.map(|label| usize::from(label.value))),
            Question::Class => one(row.truth.class.map(|class| class as usize)),
            Question::Severity => one(row.truth.severity.map(|severity| severity as usize)),
            Question::Technique => {
                let places: Vec<usize> = row
                    .truth
                    .techniques
                    .iter()
                    .filter_map(|id| self.techniques.binary_search(id).ok())
                    .collect();
                let share = 1.0 / places.len().max(1) as f32;
                places.into_iter().map(|place| (place, share)).collect()
            }
        }
    }

    /// What a row teaches: its right labels, and where it has none on malice, whether a rule's author
    /// wants to hear of it. Nobody is measured by the latter.
    fn taught(&self, question: Question, row: &Row) -> Target {
        match row.truth.alert {
            Some(alert) if question == Question::Malicious && row.truth.malicious.is_none() => {
                vec![(usize::from(alert), 1.0)]
            }
            _ => self.target(question, row),
        }
    }

    /// The examples for a question, weighed.
    pub fn examples<'a>(
        &self,
        question: Question,
        rows: &[&Row],
        vectors: &'a [Vector],
        recipe: &Recipe,
    ) -> Vec<Example<'a>> {
        let answered: Vec<(&Row, &Vector, Target)> = rows
            .iter()
            .zip(vectors)
            .map(|(row, vector)| (*row, vector, self.taught(question, row)))
            .filter(|(row, _, target)| !target.is_empty() && trust(question, row, recipe) > 0.0)
            .collect();
        let mut groups: BTreeMap<&str, f32> = BTreeMap::new();
        for (row, ..) in answered.iter().filter(|(row, ..)| row.kind == Kind::Log) {
            *groups.entry(&row.group).or_default() += 1.0;
        }
        let mut examples: Vec<Example<'a>> = answered
            .iter()
            .map(|(row, vector, target)| Example {
                vector,
                target: target.clone(),
                weight: trust(question, row, recipe)
                    / groups.get(row.group.as_str()).map_or(1.0, |n| n.powf(recipe.group_power)),
            })
            .collect();
        if question == Question::Malicious {
            let line = |(row, _, target): &(&Row, &Vector, Target)| {
                (row.family, row.kind == Kind::Synthetic, target[0].0 == 1)
            };
            let lines: Vec<_> = answered.iter().map(line).collect();
            let mut weights: Vec<f32> = examples.iter().map(|example| example.weight).collect();
            counter(&mut weights, &lines, recipe.counterweight);
            examples.iter_mut().zip(weights).for_each(|(example, weight)| example.weight = weight);
        }
        balance(&mut examples, self.count(question), recipe.balance(question));
        examples
    }
}

/// How far a row's label is believed.
fn trust(question: Question, row: &Row, recipe: &Recipe) -> f32 {
    let weak = row.truth.malicious.is_some_and(|label| !label.strong);
    let alert = question == Question::Malicious && row.truth.malicious.is_none();
    match row.kind {
        Kind::Synthetic => recipe.synthetic(question),
        Kind::Auxiliary if question == Question::Severity => recipe.auxiliary_severity,
        Kind::Auxiliary => recipe.auxiliary,
        Kind::Log if alert => recipe.alert,
        Kind::Log if weak && question == Question::Malicious => recipe.weak,
        Kind::Log if weak && question == Question::Class => recipe.weak_class,
        Kind::Log => 1.0,
    }
}

/// Divides each example by a power of its label's total weight; the mean weight becomes 1.
fn balance(examples: &mut [Example<'_>], labels: usize, power: f32) {
    let mut totals = vec![0.0_f32; labels];
    for example in examples.iter() {
        for (label, share) in &example.target {
            totals[*label] += share * example.weight;
        }
    }
    for example in examples.iter_mut() {
        let total: f32 = example.target.iter().map(|(label, share)| totals[*label] * share).sum();
        example.weight /= total.powf(power);
    }
    let mean = examples.iter().map(|e| e.weight).sum::<f32>() / examples.len().max(1) as f32;
    examples.iter_mut().for_each(|example| example.weight /= mean);
}
