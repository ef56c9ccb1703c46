//! What the appliance says of itself, from where it is known.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use time::OffsetDateTime;
use vedette_event::{
    CheckState, HardwareCheck, IngestStatus, ModelState, ModelStatus, SourceStatus, SpoolStatus,
    Status, StoreStatus, Transport,
};
use vedette_hwtest::State as HardwareState;
use vedette_store::{Counts, Reader, Retention, Writer};
use vedette_telemetry::{Metric, Registry};

use super::leaps::Leaps;
use crate::clock::Clock;
use crate::model::worker::{WorkerState, WorkerStatus};
use crate::state::State;

/// Lines that may wait for triage before it counts as behind.
const BEHIND: u64 = 100_000;
/// How long the checks of the hardware hold.
const CHECKED: Duration = Duration::from_secs(30);
/// Sources shown; the console is no place for thousands.
const MAX_SOURCES: usize = 200;

/// Where everything about the running appliance is known.
pub(crate) struct Sources {
    pub(super) clock: Clock,
    pub(super) started_at: OffsetDateTime,
    pub(super) device_id: String,
    pub(super) state: State,
    /// What was not as it was left when the store was opened.
    pub(super) recovered: Option<String>,
    pub(super) reader: Reader,
    pub(super) writer: Writer,
    pub(super) registry: Registry,
    pub(super) sources: vedette_ingest::Sources,
    pub(super) addresses: Vec<(Transport, SocketAddr)>,
    /// Unix sockets listened on.
    pub(super) paths: Vec<PathBuf>,
    pub(super) retention: Retention,
    pub(super) worker: Option<WorkerStatus>,
    pub(super) console: Option<SocketAddr>,
    /// The last checks of the hardware, and when they were made.
    pub(super) checked: Checked,
    pub(super) leaps: Leaps,
}

/// Checks of the hardware and when they were made.
pub(super) type Checked = Mutex<Option<(Instant, Vec<HardwareCheck>)>>;

impl Sources {
    pub(super) fn status(&self) -> Status {
        let mut status = stored(&self.reader, &self.retention, self.hardware());
        status.running = true;
        status.started_at = Some(self.started_at);
        status.device_id.clone_from(&self.device_id);
        status.model = self.model();
        self.add_ingest(&mut status.ingest);
        if let Some(what) = &self.recovered {
            status.hardware.push(warning("store", what.clone()));
        }
        if let Some(what) = self.leaps.look((OffsetDateTime::now_utc(), Instant::now())) {
            status.hardware.push(warning("clock", what));
        }
        let health = self.writer.health();
        if health.degraded {
            let why = health.reason.unwrap_or_default();
            status.reasons.push(format!("the store cannot write: {why}"));
        }
        if status.store.waiting > BEHIND {
            let waiting = status.store.waiting;
            status.reasons.push(format!("triage is behind: {waiting} lines wait to be judged"));
        }
        status.healthy = status.reasons.is_empty();
        status
    }

    /// The checks, not made again for every look at a page: they write to the disk.
    fn hardware(&self) -> Vec<HardwareCheck> {
        let mut checked = self.checked.lock().unwrap_or_else(PoisonError::into_inner);
        match &*checked {
            Some((at, checks)) if at.elapsed() < CHECKED => checks.clone(),
            _ => {
                let checks = hardware(&self.state);
                *checked = Some((Instant::now(), checks.clone()));
                checks
            }
        }
    }

    fn model(&self) -> ModelStatus {
        let answered = self.total(Metric::ModelQuestions);
        let mut model = ModelStatus {
            state: ModelState::Off,
            detail: None,
            bundle: None,
            answered,
            restarts: self.total(Metric::ModelRestarts),
        };
        match self.worker.as_ref().map(WorkerStatus::get) {
            None => {}
            Some(WorkerState::Starting) => model.state = ModelState::Starting,
            Some(WorkerState::Missing(why)) => {
                model.state = ModelState::Missing;
                model.detail = Some(why);
            }
            Some(WorkerState::Down { reason }) => {
                model.state = ModelState::Down;
                model.detail = Some(reason);
            }
            Some(WorkerState::Up { bundle, without }) => {
                model.state = ModelState::Up;
                model.bundle = Some(bundle);
                model.detail = (!without.is_empty())
                    .then(|| format!("its process runs without {}", without.join(" and ")));
            }
        }
        model
    }

    fn total(&self, metric: Metric) -> u64 {
        self.registry.values(metric).values().sum()
    }

    /// What went into the spool and has not come out of it.
    fn spool(&self) -> SpoolStatus {
        let events = self.registry.values(Metric::IngestSpool);
        let of = |event| events.get(event).copied().unwrap_or_default();
        let (found, written) = (of("found"), of("written"));
        let waiting = (found + written).saturating_sub(of("read") + of("damaged"));
        SpoolStatus { waiting, written, found }
    }

    fn add_ingest(&self, ingest: &mut IngestStatus) {
        let console = self.console.map(|address| format!("https {address}"));
        ingest.listening = self
            .addresses
            .iter()
            .map(|(transport, address)| format!("{} {address}", transport.as_str()))
            .chain(self.paths.iter().map(|path| format!("unix {}", path.display())))
            .chain(console)
            .collect();
        ingest.received = self.total(Metric::IngestMessages);
        ingest.stored = self.total(Metric::StoreEvents);
        ingest.dropped = self
            .registry
            .values(Metric::IngestDropped)
            .into_iter()
            .filter(|(_, count)| *count > 0)
            .map(|(reason, count)| (reason.to_owned(), count))
            .collect();
        ingest.spool = self.spool();
        let snapshot = self.sources.snapshot();
        for (address, counts) in snapshot.by_address {
            let address = address.to_string();
            let known = ingest.sources.iter().position(|source| source.address == address);
            let at = match known {
                Some(at) => at,
                None if ingest.sources.len() < MAX_SOURCES => {
                    ingest.sources.push(empty(address));
                    ingest.sources.len() - 1
                }
                None => continue,
            };
            let source = &mut ingest.sources[at];
            source.received = counts.received;
            source.last_seen = counts.last_seen.map(|at| self.clock.at(at));
            source.dropped = counts
                .dropped
                .iter()
                .map(|(reason, count)| (reason.as_str().to_owned(), *count))
                .collect();
        }
    }
}

fn empty(address: String) -> SourceStatus {
    SourceStatus {
        address,
        received: 0,
        stored: 0,
        dropped: BTreeMap::new(),
        parsed_percent: 0.0,
        unparsed_sample: None,
        last_seen: None,
    }
}

/// What can be said without a running appliance: what the store and the hardware tell.
pub(crate) fn stored(
    reader: &Reader,
    retention: &Retention,
    hardware: Vec<HardwareCheck>,
) -> Status {
    let mut reasons = Vec::new();
    let counts = reader
        .counts()
        .inspect_err(|error| reasons.push(format!("the store cannot be read: {error}")))
        .ok();
    for check in hardware.iter().filter(|check| check.state == CheckState::Fail) {
        reasons.push(format!("{}: {}", check.name, check.detail));
    }
    let mut hardware = hardware;
    if let Some(damaged) = counts.as_ref().map(|counts| counts.damaged).filter(|lines| *lines > 0) {
        let detail = format!(
            "{damaged} log lines are in damaged blocks and cannot be read: check the disk; copies lie \
             in segments/damaged of the state folder"
        );
        hardware.push(warning("stored lines", detail));
    }
    let tickets = reader.ticket_counts().unwrap_or_default();
    Status {
        version: env!("CARGO_PKG_VERSION").to_owned(),
        schema: counts.as_ref().map_or(0, |counts| counts.schema),
        slot: None,
        healthy: reasons.is_empty(),
        reasons,
        running: false,
        device_id: String::new(),
        started_at: None,
        model: ModelStatus {
            state: ModelState::Off,
            detail: None,
            bundle: None,
            answered: 0,
            restarts: 0,
        },
        ingest: IngestStatus {
            sources: counts.as_ref().map(sources).unwrap_or_default(),
            ..IngestStatus::default()
        },
        store: counts.as_ref().map(|counts| store(reader, counts, retention)).unwrap_or_default(),
        open_incidents: counts.as_ref().map_or(0, |counts| counts.open_incidents),
        tickets: tickets.into_iter().map(|(state, n)| (state.as_str().to_owned(), n)).collect(),
        hardware,
    }
}

fn warning(name: &str, detail: String) -> HardwareCheck {
    HardwareCheck { name: name.to_owned(), state: CheckState::Warn, detail }
}

fn store(reader: &Reader, counts: &Counts, retention: &Retention) -> StoreStatus {
    let judged = reader.watermark().map_or(0, |watermark| watermark.0);
    let last = reader.last_event_id().map_or(judged, |last| last.0);
    StoreStatus {
        events: counts.events,
        waiting: last.saturating_sub(judged),
        bytes: counts.file_bytes,
        oldest: counts.oldest,
        newest: counts.newest,
        forecast: forecast(counts, retention),
    }
}

/// Days a store must reach back before its rate tells something.
const YOUNG: i64 = 1;

fn forecast(counts: &Counts, retention: &Retention) -> Option<String> {
    let reach = counts.reach(retention).filter(|reach| reach.whole_days() >= YOUNG)?;
    let (oldest, days) = (counts.oldest?, reach.whole_days());
    let full = oldest.checked_add(reach)?.date();
    let (day, month, year) = (full.day(), full.month(), full.year());
    Some(if days >= i64::from(retention.days) {
        format!("at this rate all lines of {days} days fit")
    } else {
        format!(
            "full on {day} {month} {year} at this rate; from then on it reaches back {days} days"
        )
    })
}

fn sources(counts: &Counts) -> Vec<SourceStatus> {
    counts
        .sources
        .iter()
        .take(MAX_SOURCES)
        .map(|source| SourceStatus {
            stored: source.stored,
            parsed_percent: 100.0 * source.parsed as f32 / source.stored.max(1) as f32,
            unparsed_sample: source.unparsed.clone(),
            last_seen: Some(source.last_seen),
            ..empty(source.source.clone())
        })
        .collect()
}

/// Checks the hardware now.
pub(crate) fn hardware(state: &State) -> Vec<HardwareCheck> {
    vedette_hwtest::run(state.folder())
        .into_iter()
        .map(|check| HardwareCheck {
            name: check.name.to_string(),
            state: match check.state {
                HardwareState::Ok => CheckState::Ok,
                HardwareState::Warn => CheckState::Warn,
                HardwareState::Fail => CheckState::Fail,
                HardwareState::NotApplicable => CheckState::NotApplicable,
            },
            detail: check.detail,
        })
        .collect()
}
