//! Rules, screen and model together: one calibrated verdict on one line. Stateless and
//! deterministic: the same line gives the same verdict whatever came before.

use vedette_event::{
    Decider, IncidentId, LogRecord, ModelSay, Question, QuestionId, Screen, Span, ThreatClass,
    Verdict, VerdictLabel,
};

use crate::clean::Clean;
use crate::confirmed::{Confirmed, Ending, Precedent};
use crate::digest::digest;
use crate::facts::Facts;
use crate::flags::flags_of;
use crate::mask::mask;
use crate::neutral::{Neutral, neutralise};
use crate::policy::{Deciders, Policy};
use crate::rules::{Hit, Strength, hits, rank};
use crate::sigma::Sigma;
use crate::voices::Voices;

/// Score without the model from which it is asked about a line that stands alone.
const WORTH_ASKING: f32 = 0.15;

/// Rules named in a verdict.
const RULES_CAP: usize = 8;

/// Places named as evidence.
const EVIDENCE_CAP: usize = 4;

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
    /// Places of the customer's rules that matched.
    pub(crate) sigma: Vec<usize>,
    /// What people said of lines like it.
    pub(crate) precedent: Option<Precedent>,
}

/// Fields that hold what somebody typed as the name of an account.
const ACCOUNTS: [&str; 3] = ["user.name", "user.target.name", "source.user.name"];

impl Reading {
    /// Reads a record; of a customer's rules it knows nothing.
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
            sigma: Vec::new(),
            precedent: None,
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
    sigma: Sigma,
    confirmed: Confirmed,
}

impl Judge {
    /// A judge with this screen and these thresholds.
    pub fn new(policy: Policy, screen: Box<dyn Screen>) -> Self {
        Self { screen, policy, sigma: Sigma::default(), confirmed: Confirmed::default() }
    }

    /// The same with a customer's rules.
    pub fn with_rules(self, sigma: Sigma) -> Self {
        Self { sigma, ..self }
    }

    /// Learns from lines of closed incidents, newest incident first, in place of what it learnt so before.
    pub fn confirm<'a>(
        &mut self,
        lines: impl IntoIterator<Item = (IncidentId, Ending, &'a LogRecord)>,
    ) {
        let mut confirmed = Confirmed::default();
        for (incident, ending, record) in lines {
            let reading = self.read_alone(record);
            let suspect = self.judge(&reading, Decider::Ensemble, None).verdict.is_flagged();
            confirmed.learn((incident, ending), (record, &reading), suspect);
        }
        self.confirmed = confirmed;
    }

    /// The customer's rules.
    pub(crate) fn sigma(&self) -> &Sigma {
        &self.sigma
    }

    /// Reads a record, the customer's rules and what people said of such lines in mind.
    pub fn read(&self, record: &LogRecord) -> Reading {
        let mut reading = self.read_alone(record);
        reading.precedent = self.confirmed.precedent(record, &reading);
        reading
    }

    fn read_alone(&self, record: &LogRecord) -> Reading {
        let mut reading = Reading::of(record);
        reading.sigma = self.sigma.matching(record);
        if !reading.sigma.is_empty() {
            reading.hits.extend(self.sigma.hits(&reading.sigma));
            rank(&mut reading.hits);
        }
        reading
    }

    /// Whether the language model's say can change a verdict: its weight follows from its measured
    /// quality, which may be none.
    pub fn hears_model(&self) -> bool {
        self.policy.deciders.model
    }

    /// The policy it judges by.
    pub fn policy(&self) -> &Policy {
        &self.policy
    }

    /// Judges a record; `who` answers: the ensemble or one decider alone.
    pub fn classify(&self, record: &LogRecord, who: Decider, model: Option<&ModelSay>) -> Verdict {
        self.judge(&self.read(record), who, model)
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
            hits: part.rules.then_some(reading.hits.as_slice()),
            screen: screen.as_ref(),
            precedent: reading.precedent.as_ref().filter(|_| who == Decider::Ensemble),
            model: model.filter(|_| part.model),
            // A customer's rule was written for its events and stands as a rule does on other lines.
            event: reading.sigma.is_empty() && is_event(&reading.screened),
        };
        self.verdict(reading, who, &voices)
    }

    /// Whether the model's say could matter for a line: not where rules and screen are sure that it is
    /// harmless, as most lines are, for reading one takes the model longer than all else together.
    pub fn wants_model(&self, record: &LogRecord) -> bool {
        self.hears_model() && self.classify(record, Decider::Ensemble, None).score >= WORTH_ASKING
    }

    /// The question about a line: its digest, never longer than the model reads; the id is a hash of
    /// exactly that text.
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
        let flagged = label.is_flagged();
        let threat_class = if flagged { voices.class() } else { ThreatClass::Benign };
        let techniques = if flagged { voices.techniques() } else { Vec::new() };
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
            severity: voices.severity(flagged),
            abstained: voices.is_undecided(),
            decided_by: who,
            template: reading.template.clone(),
            evidence: if flagged {
                evidence(reading, voices.hits.unwrap_or_default())
            } else {
                Vec::new()
            },
            flags: reading.flags.clone(),
            rules: names(voices),
            bundle: bundle.to_owned(),
        }
    }
}

/// What the rules are called that say more than that a line is routine, and what people said.
fn names(voices: &Voices<'_>) -> Vec<String> {
    let hits = voices.hits.into_iter().flatten();
    let telling = hits.filter(|hit| hit.strength > Strength::Trace).take(RULES_CAP);
    let names = telling.map(|hit| hit.name.to_string());
    names.chain(voices.precedent.map(Precedent::to_string)).collect()
}

/// Whether a line ends in an object of JSON, as the services of a cloud and agents write their events.
fn is_event(text: &str) -> bool {
    let opens = |at: usize| text[at + 1..].trim_start().starts_with('"');
    text.trim_end().ends_with('}') && text.find('{').is_some_and(opens)
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

/// The question about a line that was read: its digest, which is all that the model sees.
pub(crate) fn question(reading: &Reading) -> Question {
    let text = digest(&reading.screened);
    Question { id: QuestionId(fnv(&text)), text }
}

/// FNV-1a, 64 bits: the same on every machine and in every version, unlike the standard hasher.
pub(crate) fn fnv(text: &str) -> u64 {
    text.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_is_an_object_at_the_end() {
        for (text, event) in [
            (r#"{"eventName":"CreateUser"}"#, true),
            (r#"Aug 14 09:21:07 edge audit: { "a": {"b": 1} } "#, true),
            (r#"kernel: {a=1}"#, false),
            (r#"app: {"a":1} done"#, false),
            ("{", false),
            ("}{", false),
            ("", false),
        ] {
            assert_eq!(is_event(text), event, "{text}");
        }
    }
}
