//! Three judges of the same lines: ours, naive Bayes and the majority class.

use std::collections::BTreeSet;

use vedette_event::ThreatClass;
use vedette_triage::screen::{Grades, grade};

use crate::bayes;
use crate::dataset::{Kind, Row};
use crate::grades::Graded;
use crate::heads::{Labels, Question};
use crate::linear::{self, Head, softmax};
use crate::metrics::{Binary, Judged, macro_f1, share};
use crate::recipe::Recipe;
use crate::vocabulary::{Vector, Vocabulary};

/// Heads for every question over one vocabulary.
pub struct Linear {
    /// The features.
    pub vocabulary: Vocabulary,
    /// The labels.
    pub labels: Labels,
    /// By [`Question`].
    pub heads: Vec<Head>,
}

/// Scores of a line for every question.
pub type Scores = [Vec<f32>; 4];

impl Linear {
    /// Trains ours.
    pub fn train(rows: &[&Row], recipe: &Recipe) -> Self {
        let vocabulary = Vocabulary::choose(rows, recipe);
        let labels = Labels::of(rows);
        let vectors: Vec<Vector> = rows.iter().map(|row| vocabulary.vector(&row.bag)).collect();
        let head = |question: Question, vectors: &[Vector]| {
            let examples = labels.examples(question, rows, vectors, recipe);
            let size = (vocabulary.features.len(), labels.count(question));
            linear::train(question, &examples, size, recipe)
        };
        let mut heads: Vec<Head> = Question::ALL[..Question::Technique as usize]
            .iter()
            .map(|question| head(*question, &vectors))
            .collect();
        heads.push(if recipe.technique_words {
            let words: Vec<Vector> = rows.iter().map(|row| vocabulary.words(&row.bag)).collect();
            head(Question::Technique, &words)
        } else {
            head(Question::Technique, &vectors)
        });
        Self { vocabulary, labels, heads }
    }

    /// What it says of a line.
    pub fn scores(&self, row: &Row) -> Scores {
        let vector = self.vocabulary.vector(&row.bag);
        Question::ALL.map(|question| self.heads[question as usize].scores(&vector))
    }
}

/// Naive Bayes and the majority class, from labelled log lines alone.
pub struct Baselines {
    vocabulary: Vocabulary,
    bayes: Vec<Head>,
    majority: Vec<Head>,
}

impl Baselines {
    /// Counts.
    pub fn train(rows: &[&Row], labels: &Labels, recipe: &Recipe) -> Self {
        let logs: Vec<&Row> = rows.iter().copied().filter(|row| row.kind == Kind::Log).collect();
        let everything = Recipe { min_groups: 1, max_features: usize::MAX, ..recipe.clone() };
        let vocabulary = Vocabulary::choose(&logs, &everything);
        let head = |question: &Question| {
            let lines: Vec<_> = logs
                .iter()
                .map(|row| (vocabulary.counts(&row.bag), labels.target(*question, row)))
                .filter(|(_, target)| !target.is_empty())
                .collect();
            let count = labels.count(*question);
            let majority = bayes::majority(lines.iter().map(|(_, target)| target.clone()), count);
            (bayes::train(&lines, vocabulary.features.len(), count), majority)
        };
        let (bayes, majority) = Question::ALL.iter().map(head).unzip();
        Self { vocabulary, bayes, majority }
    }

    /// What naive Bayes says of a line.
    pub fn bayes(&self, row: &Row) -> Scores {
        let counts = self.vocabulary.counts(&row.bag);
        let vector: Vector = counts.into_iter().map(|(at, n)| (at, n as f32)).collect();
        Question::ALL.map(|question| self.bayes[question as usize].scores(&vector))
    }

    /// What the majority class says.
    pub fn majority(&self) -> Scores {
        Question::ALL.map(|question| self.majority[question as usize].bias.clone())
    }
}

/// Judged lines, gathered from any number of folds.
#[derive(Clone, Debug, Default)]
pub struct Tally {
    /// Lines with a strong label.
    pub malicious: Vec<Judged>,
    /// Lines with any label.
    pub malicious_weak: Vec<Judged>,
    /// What the severities may be chosen by, and the true one.
    pub grades: Vec<Graded>,
    alert: Vec<Judged>,
    class: Vec<(usize, usize)>,
    class_lenient: Vec<bool>,
    severity: Vec<(usize, usize)>,
    technique: Vec<(bool, bool)>,
}

impl Tally {
    /// Adds what a judge said of a line; `malicious` is its P(malicious).
    pub fn add(&mut self, row: &Row, labels: &Labels, scores: &Scores, malicious: f32) {
        let best = |question: Question| top(&scores[question as usize], 1)[0];
        if let Some(label) = row.truth.malicious {
            self.malicious_weak.push((malicious, label.value));
            if label.strong {
                self.malicious.push((malicious, label.value));
            }
        }
        if let Some(alert) = row.truth.alert {
            self.alert.push((malicious, alert));
        }
        if let Some(class) = row.truth.class {
            let said = best(Question::Class);
            self.class.push((said, class as usize));
            // The contract: a web attack is right for an exploit that came as an HTTP request.
            let near = class == ThreatClass::Exploitation
                && row.http
                && said == ThreatClass::WebAttack as usize;
            self.class_lenient.push(near || said == class as usize);
        }
        if let Some(severity) = row.truth.severity {
            self.severity.push((best(Question::Severity), severity as usize));
            let of = |question: Question| &scores[question as usize];
            let margin = of(Question::Malicious)[1] - of(Question::Malicious)[0];
            self.grades.push((Grades::evidence(of(Question::Severity), margin), grade(severity)));
        }
        if !row.truth.techniques.is_empty() {
            let right: BTreeSet<usize> =
                labels.target(Question::Technique, row).iter().map(|(label, _)| *label).collect();
            let named = top(&scores[Question::Technique as usize], 3);
            self.technique
                .push((right.contains(&named[0]), named.iter().any(|place| right.contains(place))));
        }
    }

    /// Drops what was said of techniques.
    pub fn forget_techniques(&mut self) {
        self.technique.clear();
    }

    /// Adds what another tally holds.
    pub fn join(&mut self, other: Self) {
        self.malicious.extend(other.malicious);
        self.malicious_weak.extend(other.malicious_weak);
        self.alert.extend(other.alert);
        self.class.extend(other.class);
        self.class_lenient.extend(other.class_lenient);
        self.severity.extend(other.severity);
        self.grades.extend(other.grades);
        self.technique.extend(other.technique);
    }

    /// The figures.
    pub fn figures(&self) -> Figures {
        Figures {
            malicious: Binary::of(&self.malicious),
            malicious_weak: Binary::of(&self.malicious_weak),
            alert: Binary::of(&self.alert),
            classes: self.class.len(),
            class: share(self.class_lenient.iter().copied()),
            class_strict: share(self.class.iter().map(|(said, truth)| said == truth)),
            class_f1: macro_f1(&self.class),
            severities: self.severity.len(),
            severity: share(self.severity.iter().map(|(said, truth)| said == truth)),
            severity_f1: macro_f1(&self.severity),
            techniques: self.technique.len(),
            technique_first: share(self.technique.iter().map(|(first, _)| *first)),
            technique_third: share(self.technique.iter().map(|(_, third)| *third)),
        }
    }
}

/// P(malicious) of a two-label head's scores.
pub fn probability(scores: &[f32]) -> f32 {
    softmax(scores)[1]
}

/// Places of the highest scores, best first.
pub(crate) fn top(scores: &[f32], count: usize) -> Vec<usize> {
    let mut places: Vec<usize> = (0..scores.len()).collect();
    places.sort_by(|a, b| scores[*b].total_cmp(&scores[*a]));
    places.truncate(count);
    places
}

/// Figures on all four questions.
#[derive(Clone, Debug)]
#[expect(missing_docs, reason = "the report's column heads name them")]
pub struct Figures {
    pub malicious: Binary,
    pub malicious_weak: Binary,
    pub alert: Binary,
    pub classes: usize,
    pub class: f64,
    pub class_strict: f64,
    pub class_f1: f64,
    pub severities: usize,
    pub severity: f64,
    pub severity_f1: f64,
    pub techniques: usize,
    pub technique_first: f64,
    pub technique_third: f64,
}
