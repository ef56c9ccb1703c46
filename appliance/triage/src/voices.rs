//! What rules, screen and model say of a line, weighed together.
//!
//! Each says how sure it is; their log-odds are added with weights set by hand, which did no worse on
//! the dev split than fitted ones (`docs/MODELS.md`). Who is silent on a line leaves the sum to the
//! others.

use vedette_event::{ModelSay, ScoredTechnique, ScreenSay, Severity, TechniqueId, ThreatClass};

use crate::company::company;
use crate::confirmed::{Ending, Precedent};
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

/// A rule short of a sure one matched an event: its author finds it worth a look or not by circumstances that the
/// event only hints at, so the screen is heard as much as without a rule (on held-out groups, with a stand-in for the
/// screen, the best of a few).
const MATCHED_EVENT: Weights = Weights { bias: -0.8, rules: 1.0, screen: 0.8, model: 0.0 };

/// A decider alone.
const ALONE: Weights = Weights { bias: 0.0, rules: 1.0, screen: 1.0, model: 1.0 };

/// Shares of the model in mixtures of its distributions with the screen's: it knows techniques better
/// (the share was chosen on the dev split among a few), classes and severities worse.
const CLASS_SHARE: f32 = 0.0;
const SEVERITY_SHARE: f32 = 0.0;
const TECHNIQUE_SHARE: f32 = 0.75;

/// How many times likelier a telling rule makes its class and its techniques on an event, where rules
/// are less often right than on other lines (the exponentials of 1 and 3, on held-out groups the best
/// of a few).
const EVENT_CLASS_ODDS: f32 = 2.7;
const EVENT_TECHNIQUE_ODDS: f32 = 20.0;

/// What people's word adds or takes away, in log-odds: more than a likely rule with an unsure screen, less than
/// both when they are sure.
const CONFIRMED: f32 = 3.0;

/// Score of a line that nobody has anything to say about: most such lines are harmless.
const SILENCE: f32 = 0.2;

/// Share of unseen features from which the screen's own certainty means little.
const NOVEL: f32 = 0.6;

/// Distance from 0.5 at which deciders that point apart count as disagreeing.
const CERTAIN: f32 = 0.35;

/// Least probability of a technique that is named: below it stands what any word in a line can move.
pub(crate) const LEAST_LIKELY: f32 = 0.05;

/// Techniques named in a verdict.
const TECHNIQUES_CAP: usize = 5;

/// Techniques up to which a rule's are given company.
const COMPANY_CAP: usize = 3;

/// What each decider says of a line; none where it was not asked or has not answered.
pub(crate) struct Voices<'a> {
    /// Rules that matched, strongest first.
    pub(crate) hits: Option<&'a [Hit]>,
    pub(crate) screen: Option<&'a ScreenSay>,
    pub(crate) model: Option<&'a ModelSay>,
    /// What people said of lines like it.
    pub(crate) precedent: Option<&'a Precedent>,
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

    /// What people's word adds; that such a line is harmless is not heard where a rule is sure.
    fn people(&self) -> f32 {
        let sure = self.rules().is_some_and(|rules| rules >= Strength::Strong.probability());
        match self.precedent.map(|said| said.ending) {
            Some(Ending::Attack) => CONFIRMED,
            Some(Ending::Harmless) if !sure => -CONFIRMED,
            Some(Ending::Harmless) | None => 0.0,
        }
    }

    /// Whether a rule says neither that an event is harmless nor surely that it is an attack.
    fn is_unsure(&self, rules: f32) -> bool {
        rules > Strength::Harmless.probability() && rules < Strength::Strong.probability()
    }

    fn weights(&self) -> Weights {
        let alone = [self.hits.is_some(), self.screen.is_some(), self.model.is_some()];
        match self.rules() {
            _ if alone.into_iter().filter(|speaks| *speaks).count() == 1 => ALONE,
            None if self.event => UNMATCHED_EVENT,
            None => UNMATCHED,
            Some(rules) if self.event && self.is_unsure(rules) => MATCHED_EVENT,
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
        let people = self.people();
        if rules.or(screen).or(model).is_none() && people == 0.0 {
            return SILENCE;
        }
        let weights = self.weights();
        let sum = weights.bias
            + weights.rules * rules.unwrap_or(0.0)
            + weights.screen * screen.unwrap_or(0.0)
            + weights.model * model.unwrap_or(0.0)
            + people;
        1.0 / (1.0 + (-sum).exp())
    }

    /// The class of a threat: the telling rule's, else the likeliest but benign. On an event the rule
    /// weighs much but not all.
    pub(crate) fn class(&self) -> ThreatClass {
        let told = self.telling().map(|hit| hit.class);
        if let Some(told) = told.filter(|_| !self.event) {
            return told;
        }
        let mut classes =
            self.mixed(CLASS_SHARE, |screen| screen.classes.clone(), |model| model.classes.clone());
        for (class, odds) in &mut classes {
            if Some(*class) == told {
                *odds *= EVENT_CLASS_ODDS;
            }
        }
        classes.retain(|(class, _)| *class != ThreatClass::Benign);
        let likeliest = classes.into_iter().max_by(|a, b| a.1.total_cmp(&b.1));
        likeliest.map(|(class, _)| class).or(told).unwrap_or(ThreatClass::PolicyViolation)
    }

    fn telling(&self) -> Option<&Hit> {
        self.hits?.first().filter(|hit| hit.strength > Strength::Trace)
    }

    /// A telling rule's severity, else the likeliest: a harmless line may be grave too, as a disk that
    /// fails. On an event the likeliest may be above the rule's, never below.
    pub(crate) fn severity(&self, flagged: bool) -> Severity {
        let mixed = self.mixed(
            SEVERITY_SHARE,
            |screen| screen.severities.clone(),
            |model| model.severities.clone(),
        );
        let likeliest = mixed.first().map(|(severity, _)| *severity);
        let severity = match self.telling().filter(|_| flagged) {
            Some(hit) if self.event => likeliest.max(Some(hit.severity)),
            Some(hit) => Some(hit.severity),
            None => likeliest,
        };
        severity.map_or(Severity::Medium, |severity| severity.max(Severity::Low))
    }

    /// Techniques of the telling rules, with what their class most often is behind them; where they name
    /// none, the likeliest. On an event both are weighed; elsewhere a rule's techniques get no guesses
    /// for company, which any text in the line can move.
    pub(crate) fn techniques(&self) -> Vec<ScoredTechnique> {
        let telling = self.hits.into_iter().flatten().filter(|hit| hit.strength > Strength::Trace);
        let named: Vec<ScoredTechnique> =
            telling.flat_map(|hit| hit.techniques.iter().copied()).collect();
        let guessed =
            if named.is_empty() || self.event { self.likely_techniques() } else { Vec::new() };
        let mut best = Vec::new();
        for technique in weighed(named, guessed) {
            push_new(&mut best, technique, TECHNIQUES_CAP, |id| id);
        }
        best.sort_by(|a, b| b.score.total_cmp(&a.score));
        if let Some(hit) = self.telling() {
            for technique in company(hit.class) {
                push_new(&mut best, technique, COMPANY_CAP, TechniqueId::parent);
            }
        }
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

/// What rules name and what is guessed: the more a rule's technique is among the guesses too, the
/// surer; without guesses it stands as it is.
fn weighed(named: Vec<ScoredTechnique>, guessed: Vec<ScoredTechnique>) -> Vec<ScoredTechnique> {
    if guessed.is_empty() {
        return named;
    }
    let alike = |a: &ScoredTechnique, b: &ScoredTechnique| a.id.parent() == b.id.parent();
    let mut all: Vec<ScoredTechnique> = named
        .iter()
        .map(|technique| {
            let likely: f32 = guessed
                .iter()
                .filter(|guess| alike(guess, technique))
                .map(|guess| guess.score)
                .sum();
            let score = (EVENT_TECHNIQUE_ODDS * likely).min(technique.score).max(LEAST_LIKELY);
            ScoredTechnique { score, ..*technique }
        })
        .collect();
    all.extend(guessed.iter().filter(|guess| !named.iter().any(|known| alike(known, guess))));
    all.sort_by(|a, b| b.score.total_cmp(&a.score));
    all
}

/// Adds a technique while there are fewer than `cap` and none that is the same by `as_what`.
fn push_new(
    best: &mut Vec<ScoredTechnique>,
    technique: ScoredTechnique,
    cap: usize,
    as_what: fn(TechniqueId) -> TechniqueId,
) {
    let known = best.iter().any(|known| as_what(known.id) == as_what(technique.id));
    if best.len() < cap && !known {
        best.push(technique);
    }
}

/// Log-odds, away from the infinite ends.
fn logit(probability: f32) -> f32 {
    let probability = if probability.is_nan() { 0.5 } else { probability.clamp(0.001, 0.999) };
    (probability / (1.0 - probability)).ln()
}

#[cfg(test)]
mod tests {
    use std::borrow::Cow;

    use super::*;
    use crate::rules::{Signal, scored};

    fn hit(class: ThreatClass, severity: Severity) -> Hit {
        Hit {
            name: Cow::Borrowed("a rule"),
            class,
            techniques: scored(&["T1110.001"], 0.86),
            severity,
            strength: Strength::Likely,
            signal: Signal::None,
            range: 0..1,
        }
    }

    fn screen(class: (ThreatClass, f32), severity: Severity) -> ScreenSay {
        ScreenSay {
            malicious: 0.5,
            classes: vec![class, (ThreatClass::BruteForce, 1.0 - class.1)],
            severities: vec![(severity, 1.0)],
            techniques: scored(&["T1059"], 0.9),
            novelty: 0.0,
        }
    }

    #[test]
    fn rules_decide_but_on_events_are_weighed() {
        use ThreatClass::{Benign, BruteForce, Exploitation};
        for (said, severity, event, flagged, expected) in [
            ((Exploitation, 0.99), Severity::High, false, true, (BruteForce, Severity::Medium)),
            ((Exploitation, 0.6), Severity::High, true, true, (BruteForce, Severity::High)),
            ((Exploitation, 0.99), Severity::Low, true, true, (Exploitation, Severity::Medium)),
            ((Benign, 0.99), Severity::Informational, true, false, (BruteForce, Severity::Low)),
            ((Benign, 0.99), Severity::High, false, false, (BruteForce, Severity::High)),
        ] {
            let hits = [hit(BruteForce, Severity::Medium)];
            let screen = screen(said, severity);
            let voices = Voices {
                hits: Some(&hits),
                screen: Some(&screen),
                model: None,
                precedent: None,
                event,
            };
            assert_eq!((voices.class(), voices.severity(flagged)), expected, "{said:?} {severity}");
        }
    }

    #[test]
    fn company_comes_behind_what_a_rule_names_and_from_nobody_else() {
        let hits = [hit(ThreatClass::BruteForce, Severity::Medium)];
        let screen = screen((ThreatClass::Malware, 0.9), Severity::Low);
        let mut voices = Voices {
            hits: Some(&hits),
            screen: Some(&screen),
            model: None,
            precedent: None,
            event: false,
        };
        let names = |voices: &Voices<'_>| -> Vec<String> {
            voices.techniques().iter().map(|technique| technique.id.to_string()).collect()
        };
        assert_eq!(names(&voices), ["T1110.001", "T1589", "T1078"]);
        voices.event = true;
        assert_eq!(names(&voices), ["T1059", "T1110.001", "T1589"]);
        voices.hits = Some(&[]);
        assert_eq!(names(&voices), ["T1059"]);
    }
}
