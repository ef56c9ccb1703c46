//! The triage thread: reads committed lines from the store, lets the engine decide, and makes what it
//! decided durable together with how far it has come.

use std::collections::BTreeMap;
use std::thread::{Builder, JoinHandle};
use std::time::Duration;

use anyhow::{Context, Result};
use rustix::process::setpriority_process;
use rustix::thread::gettid;
use tokio_util::sync::CancellationToken;
use vedette_event::{Decider, Defect, EventId, Incident, IncidentId, LogRecord, Verdict};
use vedette_settings::Settings;
use vedette_store::{Reader, TriageCommit, Writer};
use vedette_telemetry::{Counter, Metric, Registry};
use vedette_triage::{Action, Engine, Sigma};

use super::confirmed::Closings;
use super::filing::Filer;
use super::questions::{Asked, Channel};
use crate::clock::Clock;
use crate::deciders;

/// Lines judged between two commits: about a tenth of a second of work.
const BATCH: usize = 512;
/// Lines read again on start, so that windows reach back: about an hour of a small network.
const WARM_UP: u64 = 20_000;
/// Longest sleep without news, so that answers and timers are not late.
const NAP: Duration = Duration::from_millis(100);
/// Pause before a failed commit is tried again; the store counts and reports the failure.
const RETRY: Duration = Duration::from_secs(1);

/// How far judging steps back behind taking in (setpriority(2); 19 would be the farthest): what is stored
/// can be judged later, what finds no room at the sockets is lost.
const NICE: i32 = 10;

/// Whether the line is there already: it would count twice in every window.
fn is_repeat(record: &LogRecord) -> bool {
    record.defects.contains(&Defect::Repeated)
}

/// What the thread is made of.
pub(super) struct Brain<'a> {
    pub(super) settings: &'a Settings,
    pub(super) sigma: Sigma,
    pub(super) clock: Clock,
    pub(super) filer: Filer,
    pub(super) registry: &'a Registry,
}

struct Thread {
    engine: Engine,
    closings: Closings,
    clock: Clock,
    filer: Filer,
    reader: Reader,
    writer: Writer,
    questions: Channel,
    stop: CancellationToken,
    watermark: EventId,
    verdicts: BTreeMap<Decider, Counter>,
    opened: Counter,
    skipped: Counter,
    /// The number of the next incident: those from it on are new.
    next: IncidentId,
}

/// What one round decided.
#[derive(Default)]
struct Decided {
    verdicts: BTreeMap<EventId, Verdict>,
    incidents: BTreeMap<IncidentId, Incident>,
    members: Vec<(IncidentId, EventId)>,
    file: Vec<IncidentId>,
}

impl Decided {
    fn is_empty(&self) -> bool {
        self.verdicts.is_empty() && self.incidents.is_empty() && self.file.is_empty()
    }
}

pub(super) fn spawn(
    brain: Brain<'_>,
    (reader, writer): (Reader, Writer),
    questions: Channel,
    stop: CancellationToken,
) -> Result<JoinHandle<()>> {
    let Brain { settings, sigma, clock, filer, registry } = brain;
    let next = reader.next_incident_id()?;
    let mut engine = deciders::engine(&settings.triage, sigma)?;
    let mut closings = Closings::default();
    closings.heed(&reader, &mut engine);
    let open = reader.open_incidents()?;
    let mut filed = Vec::new();
    for incident in &open {
        if reader.filing(incident.id)?.is_some() {
            filed.push(incident.id);
        }
    }
    engine.restore(open, next);
    engine.already_filed(filed);
    let watermark = reader.watermark()?;
    let counters = Decider::ALL
        .iter()
        .map(|&decider| (decider, registry.counter(Metric::TriageVerdicts, decider.as_str())));
    let mut thread = Thread {
        engine,
        closings,
        clock,
        filer,
        reader,
        writer,
        questions,
        stop,
        watermark,
        verdicts: counters.collect(),
        opened: registry.counter(Metric::Incidents, ""),
        skipped: registry.counter(Metric::TriageSkipped, ""),
        next,
    };
    thread.warm_up()?;
    Builder::new()
        .name("vedette-triage".to_owned())
        .spawn(move || thread.run())
        .context("cannot start a thread")
}

impl Thread {
    /// Rebuilds the windows from the lines before the watermark.
    fn warm_up(&mut self) -> Result<()> {
        let mut at = EventId(self.watermark.0.saturating_sub(WARM_UP));
        while at < self.watermark {
            let records = self.reader.events_after(at, BATCH)?;
            let Some((last, _)) = records.last() else { break };
            at = *last;
            let before = records.iter().filter(|(event, _)| *event <= self.watermark);
            for (event, record) in before.filter(|(_, record)| !is_repeat(record)) {
                self.engine.warm(*event, record);
            }
        }
        Ok(())
    }

    fn run(&mut self) {
        // On Linux this is about the calling thread, when given its id.
        if let Err(error) = setpriority_process(Some(gettid()), NICE) {
            tracing::warn!(%error, "judging competes with taking in");
        }
        while !self.stop.is_cancelled() {
            self.closings.heed(&self.reader, &mut self.engine);
            let mut decided = Decided::default();
            let before = self.watermark;
            if let Err(error) = self.judge(&mut decided) {
                tracing::error!(
                    error = &error as &dyn std::error::Error,
                    "cannot read what is stored"
                );
                std::thread::sleep(RETRY);
                continue;
            }
            self.hear_answers(&mut decided);
            let now = self.clock.now();
            let actions = self.engine.handle_timer(now);
            self.take(actions, &mut decided);
            self.keep(decided, before);
            if self.watermark == before {
                self.writer.wait_for_news(self.watermark, NAP);
            }
        }
    }

    fn judge(&mut self, decided: &mut Decided) -> Result<(), vedette_store::StoreError> {
        for (event, record) in self.reader.events_after(self.watermark, BATCH)? {
            if !is_repeat(&record) {
                let actions = self.engine.handle_record(event, &record);
                self.take(actions, decided);
            }
            self.watermark = event;
        }
        Ok(())
    }

    fn hear_answers(&mut self, decided: &mut Decided) {
        self.engine.model_available(self.questions.is_available());
        while let Ok(say) = self.questions.answers.try_recv() {
            let actions = self.engine.handle_answer(say);
            self.take(actions, decided);
        }
    }

    fn take(&mut self, actions: Vec<Action>, decided: &mut Decided) {
        for action in actions {
            match action {
                Action::Ask(question) => {
                    if self.questions.ask(question) == Asked::Full {
                        self.skipped.add(1);
                    }
                }
                Action::Verdict { event, verdict } => {
                    decided.verdicts.insert(event, *verdict);
                }
                Action::Incident(incident) => {
                    decided.incidents.insert(incident.id, *incident);
                }
                Action::Member { incident, event } => decided.members.push((incident, event)),
                Action::File(incident) => decided.file.push(incident),
            }
        }
    }

    /// Makes a round durable, trying until the store takes it or the appliance stops; what is lost
    /// then is decided again after the next start, from the watermark.
    fn keep(&mut self, decided: Decided, before: EventId) {
        if decided.is_empty() && self.watermark == before {
            return;
        }
        for verdict in decided.verdicts.values() {
            self.verdicts[&verdict.decided_by].add(1);
        }
        let commit = self.commit(decided);
        loop {
            match self.writer.commit_triage(commit.clone()) {
                Ok(()) => return self.count_opened(&commit),
                Err(error) => {
                    tracing::warn!(
                        error = &error as &dyn std::error::Error,
                        "cannot keep verdicts"
                    );
                }
            }
            if self.stop.is_cancelled() {
                return;
            }
            std::thread::sleep(RETRY);
        }
    }

    fn commit(&mut self, decided: Decided) -> TriageCommit {
        let Decided { verdicts, mut incidents, members, file } = decided;
        incidents.values_mut().for_each(|incident| self.filer.sign(incident));
        let mut filings = Vec::new();
        for id in file {
            let known = incidents.get(&id).cloned();
            let stored = || self.reader.incident(id).ok().flatten();
            let Some(incident) = known.or_else(stored) else { continue };
            let (incident, filing) = self.filer.file(incident, &mut self.engine, self.clock.now());
            incidents.insert(id, incident);
            filings.push(filing);
        }
        TriageCommit {
            watermark: self.watermark,
            verdicts: verdicts.into_iter().collect(),
            incidents: incidents.into_values().collect(),
            members,
            filings,
        }
    }

    fn count_opened(&mut self, commit: &TriageCommit) {
        for incident in commit.incidents.iter().filter(|incident| incident.id >= self.next) {
            tracing::info!(incident = %incident.id, risk = incident.risk, "incident opened");
        }
        let new = commit.incidents.iter().filter(|incident| incident.id >= self.next);
        self.opened.add(new.count() as u64);
        if let Some(last) = commit.incidents.iter().map(|incident| incident.id).max() {
            self.next = self.next.max(IncidentId(last.0 + 1));
        }
    }
}
