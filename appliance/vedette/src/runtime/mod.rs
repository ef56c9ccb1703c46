//! The running appliance: who is started in which order, and how all of it stops.

mod box_device;
mod brain;
mod confirmed;
pub(crate) mod control;
mod damage;
mod filing;
mod intake;
mod leaps;
mod questions;
mod status;
mod systemd;
mod tickets;

use std::net::SocketAddr;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Instant;

use anyhow::{Context, Result};
use time::OffsetDateTime;
use tokio::runtime::Runtime;
use tokio_util::sync::CancellationToken;
use vedette_console::{Console, ConsoleParts, serve_metrics};
use vedette_event::{EventId, Peer, Transport};
use vedette_ingest::{Frame, Listeners, OwnCertificate, Places};
use vedette_provisioning::{Claim, Identity, Surroundings, SystemEntropy};
use vedette_settings::Settings;
use vedette_store::{Options, Reader, Store, Writer};
use vedette_telemetry::Registry;
use vedette_ticket::Dispatcher;

use crate::clock::Clock;
use crate::model::worker::{WorkerClient, WorkerSettings, WorkerStatus};
use crate::sigma_rules;
use crate::state::{State, bundles};

pub(crate) use status::{hardware, stored};
pub(crate) use systemd::{Inherited, Notifier};

/// Threads for sockets and pages: what is heavy has threads of its own.
const IO_THREADS: usize = 2;
/// Frames between the sockets and the decoder: enough that neither waits for the other's turn on the
/// CPU; with frames of the longest length permitted by default, 64 MiB. Few, because what stands here is
/// lost when the process is killed, and over plain TCP its sender does not know. The rest waits in the
/// kernel's buffers, and over connections in its sender.
const FRAME_QUEUE: usize = 1024;

/// Lines looked back at for those that their senders may send again: some seconds of a busy network,
/// far longer than an acknowledgement is under way.
const LOOK_BACK: u64 = 20_000;
/// Lines read from the store at once.
const PAGE: usize = 1_000;

/// What one appliance is started with.
pub(crate) struct Start {
    pub(crate) settings: Settings,
    pub(crate) state: State,
    pub(crate) clock: Clock,
    /// Sockets handed over by systemd.
    pub(crate) inherited: Inherited,
    /// A code that logs in once, as the demonstration prints it.
    pub(crate) one_time_login: Option<String>,
    /// Whether stored lines are judged; only measurements do without.
    pub(crate) triage: bool,
}

/// A running appliance.
pub(crate) struct Appliance {
    claim_code: Option<String>,
    store: Store,
    runtime: Runtime,
    stops: Stops,
    receiving: tokio::task::JoinHandle<()>,
    decoding: JoinHandle<()>,
    workers: Vec<JoinHandle<()>>,
    control: control::Server,
    shared: Arc<status::Sources>,
}

/// What ends in two steps.
struct Stops {
    /// What takes log lines in.
    intake: CancellationToken,
    /// What works on lines that are stored.
    work: CancellationToken,
}

/// What must be had before anything runs: each may be refused, by the disk or by another program.
struct Foundation {
    registry: Registry,
    identity: Identity,
    store: Store,
    listeners: Listeners,
    console: Console,
    dispatcher: Dispatcher,
}

impl Foundation {
    fn lay(settings: &Settings, state: &State, inherited: Inherited) -> Result<Self> {
        state.create()?;
        let registry = Registry::default();
        damage::tell_missing(state);
        let identity = damage::mended(|| {
            Identity::load_or_create(&state.identity(), Surroundings::real(&mut SystemEntropy))
        })?;
        let options = Options { retention: settings.retention.clone(), ..Options::default() };
        let store = Store::open(state.folder(), options, &registry)?;
        if let Some(what) = store.recovered().sentence() {
            store.writer().audit("vedette", "store.recovered", &what)?;
        }
        let certificate = identity.certificate();
        let pem = (certificate.certificate_pem(), certificate.key_pem());
        let own = OwnCertificate { certificate: pem.0, key: pem.1 };
        let places = Places {
            imports: state.import_socket(),
            journal_cursor: state.journal_cursor(),
            spool: state.spool(),
        };
        let listeners = Listeners::bind(&settings.ingest, inherited.syslog, own)?;
        let listeners = listeners.with_places(places)?;
        listeners.remember(last_lines(&store.reader())?);
        let console = Console::bind(settings.console.listen, inherited.console, pem)?;
        let outbox = (store.reader(), store.writer());
        let dispatcher = Dispatcher::new(&settings.tickets, outbox, &registry)?;
        Ok(Self { registry, identity, store, listeners, console, dispatcher })
    }

    fn sources(
        &self,
        settings: &Settings,
        state: &State,
        clock: Clock,
        worker: Option<WorkerStatus>,
    ) -> status::Sources {
        status::Sources {
            clock,
            started_at: clock.now(),
            device_id: self.identity.device_id().to_string(),
            state: state.clone(),
            recovered: self.store.recovered().sentence(),
            reader: self.store.reader(),
            writer: self.store.writer(),
            registry: self.registry.clone(),
            sources: self.listeners.sources(),
            addresses: self.listeners.addresses(),
            paths: self.listeners.paths(),
            retention: settings.retention.clone(),
            worker,
            console: self.console.address(),
            checked: status::Checked::default(),
            leaps: leaps::Leaps::new((OffsetDateTime::now_utc(), Instant::now())),
        }
    }
}

impl Appliance {
    /// Starts everything; when something cannot be had, nothing stays behind.
    pub(crate) fn start(start: Start) -> Result<Self> {
        let Start { settings, state, clock, inherited, one_time_login, triage } = start;
        let foundation = Foundation::lay(&settings, &state, inherited)?;
        let (reader, writer) = (foundation.store.reader(), foundation.store.writer());
        let (claim, claim_code) = claim(&state, &reader, one_time_login.is_some())?;
        let worker = settings.model.enabled.then(|| worker(&settings, &state));
        let status = worker.as_ref().map(WorkerClient::status);
        let shared = Arc::new(foundation.sources(&settings, &state, clock, status));
        let Foundation { registry, store, listeners, console, dispatcher, .. } = foundation;

        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(IO_THREADS)
            .thread_name("vedette-io")
            .enable_all()
            .build()
            .context("cannot start the I/O threads")?;
        let (intake_stop, work_stop) = (CancellationToken::new(), CancellationToken::new());
        let parts = ConsoleParts {
            reader: reader.clone(),
            writer: writer.clone(),
            device: Arc::new(box_device::BoxDevice::new(shared.clone(), claim, one_time_login)),
            registry: registry.clone(),
        };
        show(&runtime, console, parts, &settings, &work_stop)?;
        let (frames, received) = tokio::sync::mpsc::channel(FRAME_QUEUE);
        let receiving =
            runtime.spawn(receive(listeners, frames, registry.clone(), intake_stop.clone()));
        let decoding = intake::spawn(received, writer.clone(), clock)?;
        let filer = filing::Filer::new(&settings, &state, &shared, dispatcher.names());
        let questions = questions::spawn(worker, &registry, &work_stop)?;
        let mut workers = Vec::new();
        if triage {
            workers.push(brain::spawn(
                brain::Brain {
                    settings: &settings,
                    sigma: sigma_rules::of_readable(&settings, &state),
                    clock,
                    filer,
                    registry: &registry,
                },
                (reader, writer),
                questions.channel,
                work_stop.clone(),
            )?);
        }
        workers.extend(questions.thread);
        workers.push(tickets::spawn(dispatcher, work_stop.clone())?);
        let control = control::Server::start(&state, shared.clone())?;
        let stops = Stops { intake: intake_stop, work: work_stop };
        Ok(Self {
            claim_code,
            store,
            runtime,
            stops,
            receiving,
            decoding,
            workers,
            control,
            shared,
        })
    }

    /// Where syslog is listened for.
    pub(crate) fn addresses(&self) -> &[(Transport, SocketAddr)] {
        &self.shared.addresses
    }

    /// Where the console is.
    pub(crate) fn console(&self) -> Option<SocketAddr> {
        self.shared.console
    }

    /// The code with which the first account is made, while there is none.
    pub(crate) fn claim_code(&self) -> Option<&str> {
        self.claim_code.as_deref()
    }

    pub(crate) fn reader(&self) -> Reader {
        self.store.reader()
    }

    pub(crate) fn writer(&self) -> Writer {
        self.store.writer()
    }

    /// What it says of itself.
    pub(crate) fn status(&self) -> vedette_event::Status {
        self.shared.status()
    }

    /// Stops in the order in which lines flow: sockets first, then what they hold is decoded and
    /// committed, then the rest. What is stored and not yet judged is judged after the next start.
    pub(crate) fn stop(self) -> Result<()> {
        self.stops.intake.cancel();
        self.runtime.block_on(self.receiving).context("the listeners ended badly")?;
        join(self.decoding)?;
        self.store.writer().flush().context("cannot commit the last lines")?;
        self.stops.work.cancel();
        self.control.stop();
        self.workers.into_iter().try_for_each(join)?;
        self.runtime.shutdown_timeout(std::time::Duration::from_secs(2));
        self.store.close().context("cannot close the store")
    }
}

/// The lines stored last, of senders that keep a line until they hear that it is safe.
fn last_lines(reader: &Reader) -> Result<Vec<(Transport, Peer, Vec<u8>)>> {
    let keeps = [Transport::Relp, Transport::Unix, Transport::File];
    let mut at = EventId(reader.last_event_id()?.0.saturating_sub(LOOK_BACK));
    let mut lines = Vec::new();
    loop {
        let records = reader.events_after(at, PAGE)?;
        let Some((last, _)) = records.last() else { return Ok(lines) };
        at = *last;
        let kept = records.into_iter().filter(|(_, record)| keeps.contains(&record.transport));
        lines.extend(kept.map(|(_, record)| (record.transport, record.peer, record.raw)));
    }
}

async fn receive(
    listeners: Listeners,
    frames: tokio::sync::mpsc::Sender<Frame>,
    registry: Registry,
    stop: CancellationToken,
) {
    let counts = listeners.run(frames, registry, stop).await;
    tracing::info!(received = counts.received, delivered = counts.delivered, "listeners closed");
}

fn join(thread: JoinHandle<()>) -> Result<()> {
    let name = thread.thread().name().unwrap_or("a thread").to_owned();
    thread.join().map_err(|_| anyhow::anyhow!("{name} ended with a panic"))
}

/// Opens the claim of the box; while nobody has an account, every start makes a new code.
fn claim(state: &State, reader: &Reader, demonstration: bool) -> Result<(Claim, Option<String>)> {
    let mut claim = damage::mended(|| Claim::open(&state.identity()))?;
    let unclaimed = reader.accounts()?.is_empty() && !demonstration;
    let code = unclaimed.then(|| claim.issue(&mut SystemEntropy)).transpose()?;
    Ok((claim, code.map(|code| code.to_string())))
}

fn worker(settings: &Settings, state: &State) -> WorkerClient {
    let machine = std::thread::available_parallelism().map_or(1, usize::from);
    let threads = match settings.model.threads {
        0 => machine.saturating_sub(1).max(1),
        threads => threads,
    };
    let mut found =
        WorkerSettings::find(u16::try_from(threads).unwrap_or(u16::MAX), settings.model.device);
    found.max_resident_bytes = settings.model.max_bytes;
    WorkerClient::new(bundles(settings, state), found)
}

/// Starts the console and, where it is wanted, the metrics page.
fn show(
    runtime: &Runtime,
    console: Console,
    parts: ConsoleParts,
    settings: &Settings,
    stop: &CancellationToken,
) -> Result<()> {
    if let Some(address) = settings.console.metrics_listen {
        let serving = serve_metrics(address, parts.registry.clone(), stop.clone());
        let bound = runtime.block_on(serving)?;
        tracing::info!(%bound, "metrics page open");
    }
    let stop = stop.clone();
    runtime.spawn(async move {
        if let Err(error) = console.run(parts, stop).await {
            tracing::error!(%error, "the console has stopped");
        }
    });
    Ok(())
}
