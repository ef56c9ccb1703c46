//! Rules, screen and model together: one calibrated verdict on one line. Stateless and
//! deterministic: the same line gives the same verdict whatever came before.

use vedette_event::{
    Decider, LogRecord, ModelSay, Question, QuestionId, ScoredTechnique, Screen, ScreenSay,
    Severity, Span, ThreatClass, Verdict, VerdictLabel,
};

use crate::clean::{Clean, capped};
use crate::facts::Facts;
use crate::flags::flags_of;
use crate::mask::mask;
use crate::neutral::{Neutral, neutralise};
use crate::policy::{Deciders, Policy};
use crate::rules::{Hit, Strength, hits};

/// Weight of the rules' log-odds. Rules speak only when they match, and then they are right more
/// often than either of the others.
const RULES_WEIGHT: f32 = 1.0;

/// Weight of the screen's log-odds beside a rule that matched.
const SCREEN_WEIGHT: f32 = 0.3;

/// Weight of the screen's log-odds where no rule matched.
const SCREEN_ALONE_WEIGHT: f32 = 0.6;

/// Weight of the model's log-odds until its quality on unseen templates is measured and beats the
/// screen: none.
const MODEL_WEIGHT: f32 = 0.0;

/// Score of a line that nobody has anything to say about: most such lines are harmless.
const SILENCE: f32 = 0.2;

/// What the rules' silence says beside the screen: a little for harmlessness, since rules match more
/// than half of the attacks and hardly any harmless line.
const NO_RULE: f32 = 0.25;

/// Share of unseen features from which the screen's own certainty means little.
const NOVEL: f32 = 0.6;

/// Distance from 0.5 at which deciders that point apart count as disagreeing.
const CERTAIN: f32 = 0.35;

/// How bad a line is that is no attack: the lowest grade that rule sets give a log line, as Wazuh's
/// levels 0 to 6 are "low".
const BENIGN_SEVERITY: Severity = Severity::Low;

/// Techniques named in a verdict.
const TECHNIQUES_CAP: usize = 5;

/// Places named as evidence.
const EVIDENCE_CAP: usize = 4;

/// Longest question, in bytes: what the model can read in one go.
const QUESTION_CAP: usize = 512;

/// Values kept beside the template in a question.
const QUESTION_VALUES: usize = 6;

/// A line as judges read it.
#[derive(Clone, Debug)]
pub struct Reading {
    /// The text without what may change no verdict, over the whole raw line.
    pub neutral: Clean,
    /// The text the screen reads.
    pub screened: String,
    /// What the line tries on its reader.
    pub flags: Vec<vedette_event::Flag>,
    /// The template of its message.
    pub template: String,
    /// Who did what to whom.
    pub facts: Facts,
    /// Rules that matched, strongest first.
    pub hits: Vec<Hit>,
}

/// Fields that hold what somebody typed as the name of an account.
const ACCOUNTS: [&str; 3] = ["user.name", "user.target.name", "source.user.name"];

impl Reading {
    /// Reads a record.
    pub fn of(record: &LogRecord) -> Self {
        let raw = String::from_utf8_lossy(&record.raw);
        let accounts: Vec<&str> =
            ACCOUNTS.iter().filter_map(|field| record.fields.get(field)).collect();
        let neutral = Neutral::of(&raw, &accounts);
        Self {
            flags: flags_of(&raw, &neutral.cleaned.text, neutral.addressed),
            template: template(record, &raw, &neutral.text),
            facts: Facts::of(record, &neutral.text.text),
            hits: hits(&neutral.text.text),
            screened: neutral.screened,
            neutral: neutral.text,
        }
    }
}

/// The template of the message, which is most often the tail of the line.
fn template(record: &LogRecord, raw: &str, neutral: &Clean) -> String {
    if raw.get(record.message_offset..) == Some(record.message.as_str()) {
        mask(&neutral.text[neutral.at_origin(record.message_offset)..]).template
    } else {
        mask(&neutralise(&record.message).text).template
    }
}

/// Judges lines one by one.
pub struct Judge {
    screen: Box<dyn Screen>,
    policy: Policy,
}

impl Judge {
    /// A judge with this screen and these thresholds.
    pub fn new(policy: Policy, screen: Box<dyn Screen>) -> Self {
        Self { screen, policy }
    }

    /// Whether the language model's say can change a verdict: its weight follows from its measured
    /// quality, which may be none.
    pub fn hears_model(&self) -> bool {
        MODEL_WEIGHT > 0.0 && self.policy.deciders.model
    }

    /// The policy it judges by.
    pub fn policy(&self) -> &Policy {
        &self.policy
    }

    /// Judges a record; `who` answers: the ensemble or one decider alone.
    pub fn classify(&self, record: &LogRecord, who: Decider, model: Option<&ModelSay>) -> Verdict {
        self.judge(&Reading::of(record), who, model)
    }

    /// Judges a line that was read already.
    pub fn judge(&self, reading: &Reading, who: Decider, model: Option<&ModelSay>) -> Verdict {
        let part = match who {
            Decider::Ensemble => self.policy.deciders,
            Decider::Model => Deciders { rules: false, screen: false, model: true },
            Decider::Screen => Deciders { rules: false, screen: true, model: false },
            Decider::Rules => Deciders { rules: true, screen: false, model: false },
        };
        let screen = part.screen.then(|| self.screen.assess(&reading.screened));
        let voices = Voices {
            hits: if part.rules { &reading.hits } else { &[] },
            rules_asked: part.rules,
            screen: screen.as_ref(),
            model: model.filter(|_| part.model),
            model_weight: if who == Decider::Model { 1.0 } else { MODEL_WEIGHT },
        };
        self.verdict(reading, who, &voices)
    }

    /// The question about a line: its masked template and the values that tell most, never longer
    /// than the model reads; the id is a hash of exactly that text.
    pub fn question(&self, record: &LogRecord) -> Question {
        question(&Reading::of(record))
    }

    fn verdict(&self, reading: &Reading, who: Decider, voices: &Voices<'_>) -> Verdict {
        let score = voices.score();
        let label = match score {
            _ if score >= self.policy.malicious => VerdictLabel::Malicious,
            _ if score >= self.policy.suspicious => VerdictLabel::Suspicious,
            _ => VerdictLabel::Benign,
        };
        let (threat_class, severity, techniques) = if label.is_flagged() {
            (voices.class(), voices.severity(), voices.techniques())
        } else {
            (ThreatClass::Benign, BENIGN_SEVERITY, Vec::new())
        };
        let bundle = match (voices.model, voices.screen) {
            (Some(model), _) => model.bundle.as_str(),
            (None, Some(_)) => self.screen.bundle(),
            (None, None) => "rules",
        };
        Verdict {
            verdict: label,
            score,
            threat_class,
            techniques,
            severity,
            abstained: voices.is_undecided(),
            decided_by: who,
            template: reading.template.clone(),
            evidence: if label.is_flagged() { evidence(reading, voices.hits) } else { Vec::new() },
            flags: reading.flags.clone(),
            bundle: bundle.to_owned(),
        }
    }
}

/// What each decider says of a line.
struct Voices<'a> {
    hits: &'a [Hit],
    rules_asked: bool,
    screen: Option<&'a ScreenSay>,
    model: Option<&'a ModelSay>,
    model_weight: f32,
}

impl Voices<'_> {
    /// P(malicious) by the rules: what the strongest hit proves. A harmless match outweighs hits
    /// that mean nothing alone, and is outweighed by the others.
    fn rules(&self) -> Option<f32> {
        let strongest = self.hits.first()?;
        let harmless = self.hits.iter().any(|hit| hit.strength == Strength::Harmless);
        let only_weak = strongest.strength <= Strength::Trace;
        Some(if harmless && only_weak {
            Strength::Harmless.probability()
        } else {
            strongest.strength.probability()
        })
    }

    fn score(&self) -> f32 {
        let rules = self.rules();
        let mut sum = 0.0;
        let mut heard = false;
        if let Some(rules) = rules {
            sum += RULES_WEIGHT * logit(rules);
            heard = true;
        }
        if let Some(screen) = self.screen {
            let trust = 1.0 - screen.novelty.clamp(0.0, 1.0) / 2.0;
            let alone = rules.is_none() && self.rules_asked;
            sum += if alone { logit(NO_RULE) } else { 0.0 };
            let weight = if rules.is_some() { SCREEN_WEIGHT } else { SCREEN_ALONE_WEIGHT };
            sum += weight * trust * logit(screen.malicious);
            heard = true;
        }
        if let Some(model) = self.model.filter(|_| self.model_weight > 0.0) {
            sum += self.model_weight * logit(model.malicious);
            heard = true;
        }
        if heard { 1.0 / (1.0 + (-sum).exp()) } else { SILENCE }
    }

    /// The class: the strongest telling rule's, else the screen's best but benign, else the model's.
    fn class(&self) -> ThreatClass {
        let threat = |classes: &[(ThreatClass, f32)]| {
            classes.iter().map(|(class, _)| *class).find(|class| *class != ThreatClass::Benign)
        };
        self.telling()
            .map(|hit| hit.class)
            .or_else(|| self.screen.and_then(|screen| threat(&screen.classes)))
            .or_else(|| self.model.and_then(|model| threat(&model.classes)))
            .unwrap_or(ThreatClass::PolicyViolation)
    }

    fn telling(&self) -> Option<&Hit> {
        self.hits.first().filter(|hit| hit.strength > Strength::Trace)
    }

    fn severity(&self) -> Severity {
        match (self.telling(), self.screen) {
            (Some(hit), _) => hit.severity,
            (None, Some(screen)) => screen.severity.0.max(Severity::Low),
            (None, None) => Severity::Medium,
        }
    }

    fn techniques(&self) -> Vec<ScoredTechnique> {
        let rules = self
            .hits
            .iter()
            .filter(|hit| hit.strength > Strength::Trace)
            .flat_map(|hit| hit.techniques.iter());
        let screen = self.screen.into_iter().flat_map(|screen| screen.techniques.iter());
        let mut best: Vec<ScoredTechnique> = Vec::new();
        for technique in rules.chain(screen) {
            if best.len() < TECHNIQUES_CAP && best.iter().all(|known| known.id != technique.id) {
                best.push(*technique);
            }
        }
        best.sort_by(|a, b| b.score.total_cmp(&a.score));
        best
    }

    /// Whether a person should look: deciders are sure of opposite things, or nobody knows the line.
    fn is_undecided(&self) -> bool {
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

/// Where in the raw line the matching rules point.
fn evidence(reading: &Reading, hits: &[Hit]) -> Vec<Span> {
    let mut spans: Vec<Span> = Vec::new();
    for hit in hits.iter().filter(|hit| hit.strength > Strength::Trace) {
        let span = reading.neutral.span(hit.range.start, hit.range.end);
        if span.end > span.start && !spans.contains(&span) && spans.len() < EVIDENCE_CAP {
            spans.push(span);
        }
    }
    spans
}

/// The question about a line that was read.
pub(crate) fn question(reading: &Reading) -> Question {
    let mut text = capped(&reading.template, QUESTION_CAP * 3 / 4).to_owned();
    let facts = &reading.facts;
    let values = [
        facts.user.clone().map(|user| format!("user={user}")),
        facts.object.clone().map(|object| format!("object={object}")),
        facts.port.map(|port| format!("port={port}")),
        facts.status.map(|status| format!("status={status}")),
    ];
    for value in values.into_iter().flatten().take(QUESTION_VALUES) {
        text.push(' ');
        text.push_str(&value);
    }
    let text = capped(&neutralise(&text).text, QUESTION_CAP).to_owned();
    Question { id: QuestionId(fnv(&text)), text }
}

/// FNV-1a, 64 bits: the same on every machine and in every version, unlike the standard hasher.
pub(crate) fn fnv(text: &str) -> u64 {
    text.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    })
}
