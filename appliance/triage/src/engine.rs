//! The loop's other half: takes records, answers and the time, returns what to do.

use std::collections::{HashMap, VecDeque};

use time::OffsetDateTime;
use vedette_event::{
    Decider, EventId, Incident, IncidentId, LogRecord, ModelSay, Question, QuestionId, RiskReason,
    Screen, Verdict,
};

use crate::confirmed::Ending;
use crate::correlate::{Correlator, Joined};
use crate::ensemble::{Judge, Reading, question};
use crate::intel::Intel;
use crate::policy::Policy;
use crate::sigma::Sigma;
use crate::template::Templates;
use crate::watch::{Judged, Watch, evidence};

/// Answers of the model that are kept: one a template and its values; a day of a small network needs
/// a few thousand.
pub const ANSWERS_CAP: usize = 8192;

/// Questions that may wait for an answer; past it the screen and the rules answer alone.
pub const PENDING_CAP: usize = 256;

/// Lines that wait for the same answer.
const WAITING_CAP: usize = 8;

/// Scores between which a line is undecided enough to ask about.
const UNDECIDED: std::ops::RangeInclusive<f32> = 0.3..=0.9;

/// What the caller has to do.
#[derive(Clone, Debug, PartialEq)]
pub enum Action {
    /// Put a question to the model.
    Ask(Question),
    /// Store what was decided about a line.
    Verdict {
        /// The line.
        event: EventId,
        /// The verdict.
        verdict: Box<Verdict>,
    },
    /// Store an incident as it stands now.
    Incident(Box<Incident>),
    /// Store that a line belongs to an incident.
    Member {
        /// The incident.
        incident: IncidentId,
        /// The line.
        event: EventId,
    },
    /// Open a ticket for an incident.
    File(IncidentId),
}

/// Lines that wait for an answer.
struct Waiting {
    lines: Vec<(EventId, Reading)>,
}

/// Triage as a whole.
pub struct Engine {
    judge: Judge,
    templates: Templates,
    watch: Watch,
    correlator: Correlator,
    answers: HashMap<QuestionId, ModelSay>,
    answer_order: VecDeque<QuestionId>,
    pending: HashMap<QuestionId, Waiting>,
    model_available: bool,
}

impl Engine {
    /// An engine with nothing in its memory.
    pub fn new(policy: Policy, screen: Box<dyn Screen>, intel: Box<dyn Intel>) -> Self {
        Self {
            judge: Judge::new(policy, screen),
            templates: Templates::default(),
            watch: Watch::default(),
            correlator: Correlator::new(intel),
            answers: HashMap::new(),
            answer_order: VecDeque::new(),
            pending: HashMap::new(),
            model_available: false,
        }
    }

    /// The same with a customer's rules.
    pub fn with_rules(mut self, sigma: Sigma) -> Self {
        self.judge = self.judge.with_rules(sigma);
        self
    }

    /// Learns from lines of closed incidents, newest incident first, in place of what it learnt so before.
    pub fn confirm<'a>(
        &mut self,
        lines: impl IntoIterator<Item = (IncidentId, Ending, &'a LogRecord)>,
    ) {
        self.judge.confirm(lines);
    }

    /// The judge, for verdicts on single lines.
    pub fn judge(&self) -> &Judge {
        &self.judge
    }

    /// Takes up open incidents from before a restart; new ones are numbered from `next`. None counts
    /// as filed until [`Engine::already_filed`] says so: what was not is filed when it is due.
    pub fn restore(&mut self, open: Vec<Incident>, next: IncidentId) {
        self.correlator.restore(open, next, self.judge.policy());
    }

    /// Says which of the restored incidents were filed before the restart: they are not filed again.
    pub fn already_filed(&mut self, filed: impl IntoIterator<Item = IncidentId>) {
        for id in filed {
            self.correlator.already_filed(id);
        }
    }

    /// Weighs an incident that may still grow by what the lines that its query found say of it: reasons
    /// with points, which replace those of an earlier time. Returns its risk and the reasons for it.
    pub fn weigh(
        &mut self,
        id: IncidentId,
        found: Vec<RiskReason>,
    ) -> Option<(i32, Vec<RiskReason>)> {
        let incident = self.correlator.weigh(id, found)?;
        Some((incident.risk, incident.risk_reasons.clone()))
    }

    /// Rebuilds the windows from a line that was handled before a restart, after
    /// [`Engine::restore`]; no actions come of it.
    pub fn warm(&mut self, event: EventId, record: &LogRecord) {
        let reading = self.judge.read(record);
        self.templates.observe(&reading.template, record.received_at);
        let verdict = self.judge.judge(&reading, Decider::Ensemble, None);
        let line = Judged { event, record, reading: &reading, verdict: &verdict };
        for alert in self.watch.observe(&line, &self.judge) {
            self.correlator.recall(&alert);
        }
    }

    /// Handles a committed line.
    pub fn handle_record(&mut self, event: EventId, record: &LogRecord) -> Vec<Action> {
        let reading = self.judge.read(record);
        let seen = self.templates.observe(&reading.template, record.received_at);
        let listens = self.model_available || !self.answers.is_empty();
        let asked = listens.then(|| question(&reading));
        let answer = asked.as_ref().and_then(|asked| self.answers.get(&asked.id));
        let verdict = self.judge.judge(&reading, Decider::Ensemble, answer);
        let mut actions = vec![Action::Verdict { event, verdict: Box::new(verdict.clone()) }];
        let worth = verdict.abstained || UNDECIDED.contains(&verdict.score) || seen.count == 1;
        if let Some(asked) = asked.filter(|_| worth && answer.is_none()) {
            actions.extend(self.ask(asked, event, &reading));
        }
        let line = Judged { event, record, reading: &reading, verdict: &verdict };
        self.correlate(&line, &mut actions);
        actions
    }

    fn correlate(&mut self, line: &Judged<'_>, actions: &mut Vec<Action>) {
        let policy = self.judge.policy();
        let alerts = self.watch.observe(line, &self.judge);
        let mut joined_any = false;
        for alert in &alerts {
            let joined = self.correlator.alert(alert, policy);
            joined_any |= joined.incident.is_some();
            act(joined, actions);
        }
        if joined_any {
            return;
        }
        let (at, about) = (line.record.received_at, self.watch.subject(line, policy));
        let flagged = line.verdict.verdict.is_flagged();
        let incident = if flagged {
            self.correlator.find(&about, at)
        } else {
            self.correlator.contact(&about, at, policy)
        };
        if let Some(incident) = incident
            && self.correlator.member(incident, line.event, at)
        {
            if flagged {
                self.correlator.evidence(incident, evidence(line));
            }
            actions.push(Action::Member { incident, event: line.event });
        }
    }

    /// The question as an action, unless it is already on its way or too many are.
    fn ask(&mut self, asked: Question, event: EventId, reading: &Reading) -> Option<Action> {
        if !self.model_available || !self.judge.policy().deciders.model {
            return None;
        }
        if let Some(waiting) = self.pending.get_mut(&asked.id) {
            if waiting.lines.len() < WAITING_CAP {
                waiting.lines.push((event, reading.clone()));
            }
            return None;
        }
        if self.pending.len() >= PENDING_CAP {
            return None;
        }
        self.pending.insert(asked.id, Waiting { lines: vec![(event, reading.clone())] });
        Some(Action::Ask(asked))
    }

    /// Takes the model's answer: lines that waited for it get their verdict anew.
    pub fn handle_answer(&mut self, say: ModelSay) -> Vec<Action> {
        let Some(waiting) = self.pending.remove(&say.id) else { return Vec::new() };
        let mut actions = Vec::new();
        for (event, reading) in &waiting.lines {
            let verdict = self.judge.judge(reading, Decider::Ensemble, Some(&say));
            actions.push(Action::Verdict { event: *event, verdict: Box::new(verdict) });
            if let Some(incident) = self.correlator.model_answered(*event) {
                actions.push(Action::Incident(Box::new(incident)));
            }
        }
        self.remember(say);
        actions
    }

    fn remember(&mut self, say: ModelSay) {
        if self.answer_order.len() >= ANSWERS_CAP
            && let Some(oldest) = self.answer_order.pop_front()
        {
            self.answers.remove(&oldest);
        }
        self.answer_order.push_back(say.id);
        self.answers.insert(say.id, say);
    }

    /// Says whether the model can be asked; when it cannot, nothing waits for it.
    pub fn model_available(&mut self, available: bool) {
        self.model_available = available;
        if !available {
            self.pending.clear();
        }
    }

    /// To be called now and then: settles incidents that have been quiet. `now` is of the clock that
    /// the records' `received_at` comes from.
    pub fn handle_timer(&mut self, now: OffsetDateTime) -> Vec<Action> {
        let policy = self.judge.policy();
        self.correlator.settle(now, policy).into_iter().map(Action::File).collect()
    }

    /// Rows held in memory, for the metrics page.
    pub fn memory(&self) -> Memory {
        let (incidents, links) = self.correlator.len();
        Memory {
            templates: self.templates.len(),
            windows: self.watch.len(),
            incidents,
            links,
            answers: self.answers.len(),
            pending: self.pending.len(),
        }
    }
}

/// Rows that an engine holds; each table has a cap.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Memory {
    /// Templates.
    pub templates: usize,
    /// Windows of counters and baselines.
    pub windows: usize,
    /// Incidents that may still grow.
    pub incidents: usize,
    /// Links from entities to incidents.
    pub links: usize,
    /// Remembered answers of the model.
    pub answers: usize,
    /// Questions on their way.
    pub pending: usize,
}

fn act(joined: Joined, actions: &mut Vec<Action>) {
    if let Some(incident) = joined.incident {
        actions.push(Action::Incident(Box::new(incident)));
    }
    actions.extend(
        joined.members.into_iter().map(|(incident, event)| Action::Member { incident, event }),
    );
    actions.extend(joined.file.map(Action::File));
}
