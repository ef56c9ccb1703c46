//! What rules, screen and model say of a line, weighed together.
//!
//! Each says how sure it is; their log-odds are added with weights set by hand, which did no worse on
//! the dev split than fitted ones (`docs/MODELS.md`). Who is silent on a line leaves the sum to the
//! others.

use vedette_event::{ModelSay, ScoredTechnique, ScreenSay, Severity, TechniqueId, ThreatClass};

use crate::rules::{Hit, Strength};

/// How log-odds are added: one set of weights for each way in which rules and screen speak together.
/// The model has no vote here: on lines of groups held out of fitting, its vote made the order of lines
/// worse (area under the ROC curve 0.85 with it, 0.88 without).
#[derive(Clone, Copy, Debug)]
struct Weights {
    /// Log-odds before anybody speaks.
    bias: f32,
    rules: f32,
    screen: f32,
    model: f32,
}

/// No rule matched, though rules were asked: a little for harmlessness, since rules match more than
/// half of the attacks and hardly any harmless line.
const UNMATCHED: Weights = Weights { bias: -1.1, rules: 0.0, screen: 0.6, model: 0.0 };

/// No rule matched an event that a service writes as an object of JSON. Rules know few of these: on held-out
/// groups they matched a seventh of those that rules' authors want to hear of and a twelfth of the
/// others, so that their silence says little.
const UNMATCHED_EVENT: Weights = Weights { bias: -0.5, rules: 0.0, screen: 0.8, model: 0.0 };

/// A rule matched; then it is right more often than the screen.
const MATCHED: Weights = Weights { bias: 0.0, rules: 1.0, screen: 0.3, model: 0.0 };

/// A decider alone.
const ALONE: Weights = Weights { bias: 0.0, rules: 1.0, screen: 1.0, model: 1.0 };

/// Shares of the model in mixtures of its distributions with the screen's: it knows techniques better
/// (the share was chosen on the dev split among a few), classes and severities worse.
const CLASS_SHARE: f32 = 0.0;
const SEVERITY_SHARE: f32 = 0.0;
const TECHNIQUE_SHARE: f32 = 0.75;

/// Score of a line that nobody has anything to say about: most such lines are harmless.
const SILENCE: f32 = 0.2;

/// Share of unseen features from which the screen's own certainty means little.
const NOVEL: f32 = 0.6;

/// Distance from 0.5 at which deciders that point apart count as disagreeing.
const CERTAIN: f32 = 0.35;

/// How bad a harmless line can be: worth a look, as a disk that fails.
const WORST_BENIGN: Severity = Severity::Medium;

/// Least probability of a technique that is named: below it stands what any word in a line can move.
const LEAST_LIKELY: f32 = 0.05;

/// Techniques named in a verdict.
const TECHNIQUES_CAP: usize = 5;

/// What each decider says of a line; none where it was not asked or has not answered.
pub(crate) struct Voices<'a> {
    /// Rules that matched, strongest first.
    pub(crate) hits: Option<&'a [Hit]>,
    pub(crate) screen: Option<&'a ScreenSay>,
    pub(crate) model: Option<&'a ModelSay>,
    /// Whether the line is an event that is written as an object of JSON.
    pub(crate) event: bool,
}

impl Voices<'_> {
    /// P(malicious) by the rules: what the strongest hit proves. A harmless match outweighs hits
    /// that mean nothing alone, and is outweighed by the others.
    fn rules(&self) -> Option<f32> {
        let hits = self.hits?;
        let strongest = hits.first()?;
        let harmless = hits.iter().any(|hit| hit.strength == Strength::Harmless);
        let only_weak = strongest.strength <= Strength::Trace;
        Some(if harmless && only_weak {
            Strength::Harmless.probability()
        } else {
            strongest.strength.probability()
        })
    }

    fn weights(&self) -> Weights {
        let alone = [self.hits.is_some(), self.screen.is_some(), self.model.is_some()];
        match self.rules() {
            _ if alone.into_iter().filter(|speaks| *speaks).count() == 1 => ALONE,
            None if self.event => UNMATCHED_EVENT,
            None => UNMATCHED,
            Some(_) => MATCHED,
        }
    }

    /// P(malicious) by all who speak.
    pub(crate) fn score(&self) -> f32 {
        let screen = self.screen.map(|screen| {
            let trust = 1.0 - screen.novelty.clamp(0.0, 1.0) / 2.0;
            trust * logit(screen.malicious)
        });
        let rules = self.rules().map(logit);
        let model = self.model.map(|model| logit(model.malicious));
        if rules.or(screen).or(model).is_none() {
            return SILENCE;
        }
        let weights = self.weights();
        let sum = weights.bias
            + weights.rules * rules.unwrap_or(0.0)
            + weights.screen * screen.unwrap_or(0.0)
            + weights.model * model.unwrap_or(0.0);
        1.0 / (1.0 + (-sum).exp())
    }

    /// The class of a threat: the strongest telling rule's, else the likeliest but benign.
    pub(crate) fn class(&self) -> ThreatClass {
        let mixed =
            self.mixed(CLASS_SHARE, |screen| screen.classes.clone(), |model| model.classes.clone());
        let threat = mixed.into_iter().map(|(class, _)| class);
        self.telling()
            .map(|hit| hit.class)
            .or_else(|| threat.into_iter().find(|class| *class != ThreatClass::Benign))
            .unwrap_or(ThreatClass::PolicyViolation)
    }

    fn telling(&self) -> Option<&Hit> {
        self.hits?.first().filter(|hit| hit.strength > Strength::Trace)
    }

    /// A telling rule's severity, which nobody lowers, else the likeliest.
    pub(crate) fn severity(&self, flagged: bool) -> Severity {
        let mixed = self.mixed(
            SEVERITY_SHARE,
            |screen| screen.severities.clone(),
            |model| model.severities.clone(),
        );
        let likeliest = mixed.first().map_or(Severity::Medium, |(severity, _)| *severity);
        match self.telling() {
            Some(hit) if flagged => hit.severity,
            _ if flagged => likeliest.max(Severity::Low),
            _ => likeliest.clamp(Severity::Low, WORST_BENIGN),
        }
    }

    /// Techniques of the telling rules; where they name none, the likeliest. A rule's techniques get no
    /// guesses for company, which any text in the line can move.
    pub(crate) fn techniques(&self) -> Vec<ScoredTechnique> {
        let telling = self.hits.into_iter().flatten().filter(|hit| hit.strength > Strength::Trace);
        let named: Vec<ScoredTechnique> =
            telling.flat_map(|hit| hit.techniques.iter().copied()).collect();
        let candidates = if named.is_empty() { self.likely_techniques() } else { named };
        let mut best: Vec<ScoredTechnique> = Vec::new();
        for technique in candidates {
            if best.len() < TECHNIQUES_CAP && best.iter().all(|known| known.id != technique.id) {
                best.push(technique);
            }
        }
        best.sort_by(|a, b| b.score.total_cmp(&a.score));
        best
    }

    fn likely_techniques(&self) -> Vec<ScoredTechnique> {
        let pairs = |scored: &[ScoredTechnique]| -> Vec<(TechniqueId, f32)> {
            scored.iter().map(|technique| (technique.id, technique.score)).collect()
        };
        let mixed = self.mixed(
            TECHNIQUE_SHARE,
            |screen| pairs(&screen.techniques),
            |model| pairs(&model.techniques),
        );
        let likely = mixed.into_iter().filter(|(_, score)| *score >= LEAST_LIKELY);
        likely.map(|(id, score)| ScoredTechnique { id, score }).collect()
    }

    /// The screen's distribution mixed with the model's, likeliest first.
    fn mixed<T: Copy + PartialEq>(
        &self,
        model_share: f32,
        of_screen: impl Fn(&ScreenSay) -> Vec<(T, f32)>,
        of_model: impl Fn(&ModelSay) -> Vec<(T, f32)>,
    ) -> Vec<(T, f32)> {
        let screen = self.screen.map(of_screen).unwrap_or_default();
        let model = self.model.map(of_model).unwrap_or_default();
        let share = match (screen.is_empty(), model.is_empty()) {
            (_, true) => 0.0,
            (true, false) => 1.0,
            (false, false) => model_share,
        };
        let mut mixed: Vec<(T, f32)> =
            screen.into_iter().map(|(value, p)| (value, p * (1.0 - share))).collect();
        for (value, p) in model {
            match mixed.iter_mut().find(|(known, _)| *known == value) {
                Some((_, sum)) => *sum += share * p,
                None => mixed.push((value, share * p)),
            }
        }
        mixed.sort_by(|a, b| b.1.total_cmp(&a.1));
        mixed
    }

    /// Whether a person should look: deciders are sure of opposite things, or nobody knows the line.
    pub(crate) fn is_undecided(&self) -> bool {
        let Some(screen) = self.screen else { return false };
        match self.rules() {
            Some(rules) => {
                (rules - 0.5) * (screen.malicious - 0.5) < 0.0
                    && (rules - 0.5).abs() > CERTAIN
                    && (screen.malicious - 0.5).abs() > CERTAIN
            }
            None => screen.novelty > NOVEL && (screen.malicious - 0.5).abs() < CERTAIN,
        }
    }
}

/// Log-odds, away from the infinite ends.
fn logit(probability: f32) -> f32 {
    let probability = if probability.is_nan() { 0.5 } else { probability.clamp(0.001, 0.999) };
    (probability / (1.0 - probability)).ln()
}
