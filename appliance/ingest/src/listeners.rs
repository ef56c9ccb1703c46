use std::io;
use std::net::{SocketAddr, TcpListener, UdpSocket};
use std::path::PathBuf;
use std::time::Duration;

use socket2::{Domain, Socket, Type};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use vedette_event::{Peer, Transport};
use vedette_telemetry::Registry;

use crate::imports::{self, ImportListener};
use crate::intake::{Counts, Intake};
use crate::journal::JournalReader;
use crate::kernel::{DropGauge, raise_receive_buffer};
use crate::overflow::Overflow;
use crate::repeats::Repeats;
use crate::spool::Spool;
use crate::stream::{BACKLOG, StreamListener, StreamService};
use crate::tls::acceptor;
use crate::udp::UdpListener;
use crate::unix::UnixListener;
use crate::{Config, Frame, IngestError, OwnCertificate, Sources, udp, unix};

/// How long stopping may take: long enough to empty full buffers into a live queue, well under the
/// time that systemd grants.
const DRAIN_TIME: Duration = Duration::from_secs(5);

/// Sockets handed over by whoever started the process (systemd's socket activation).
#[derive(Debug, Default)]
pub struct Inherited {
    /// Bound UDP sockets.
    pub udp: Vec<UdpSocket>,
    /// Listening TCP sockets.
    pub tcp: Vec<TcpListener>,
}

/// Where in the state folder listeners keep what is theirs.
#[derive(Clone, Debug)]
pub struct Places {
    /// The socket for replayed files, for the folder's owner only; RELP is spoken on it.
    pub imports: PathBuf,
    /// How far the journal has been read.
    pub journal_cursor: PathBuf,
    /// The folder for datagrams that wait while more come than can be stored.
    pub spool: PathBuf,
}

/// Sockets that are open and hold their ports, but are not read yet.
pub struct Listeners {
    config: Config,
    udp: Vec<UdpListener>,
    streams: Vec<StreamListener>,
    unix: Vec<UnixListener>,
    imports: Option<ImportListener>,
    journal: Option<JournalReader>,
    spool: Option<Spool>,
    repeats: Repeats,
    sources: Sources,
    drain_time: Duration,
}

impl Listeners {
    /// Opens every configured address and takes over the inherited sockets; an address that an
    /// inherited socket already holds is not opened again. `own` is shown over TLS where no other
    /// certificate is configured.
    ///
    /// # Errors
    /// When an address cannot be had, or an inherited socket or a certificate is unusable; nothing
    /// stays open then.
    pub fn bind(
        config: &Config,
        inherited: Inherited,
        own: OwnCertificate<'_>,
    ) -> Result<Self, IngestError> {
        let udp = udp_sockets(config, inherited.udp)?;
        let streams = stream_listeners(config, inherited.tcp, own)?;
        let paths = config.unix.listen.iter();
        let unix = paths.map(|path| UnixListener::bind(path)).collect::<Result<_, _>>()?;
        let (config, sources) = (config.clone(), Sources::default());
        Ok(Self {
            config,
            udp,
            streams,
            unix,
            imports: None,
            journal: None,
            spool: None,
            repeats: Repeats::default(),
            sources,
            drain_time: DRAIN_TIME,
        })
    }

    /// Opens what needs a place in the state folder: the socket for replayed files, the spool and, where
    /// it is configured, the journal.
    ///
    /// # Errors
    /// When the socket or the spool cannot be opened, or the program that reads the journal cannot be run.
    pub fn with_places(mut self, places: Places) -> Result<Self, IngestError> {
        self.imports = Some(ImportListener::bind(&places.imports)?);
        // Even where none is wanted any more, what was left in it is read.
        let spool = Spool::open(&places.spool, self.config.udp.spool_bytes)?;
        let wanted = self.config.udp.spool_bytes > 0 || !spool.is_empty();
        self.spool = wanted.then_some(spool);
        if self.config.journal.enabled {
            let program = self.config.journal.program.clone();
            self.journal = Some(JournalReader::open(program, places.journal_cursor)?);
        }
        Ok(self)
    }

    /// Takes over the lines that were committed last before this process began, in their order: their
    /// senders may not know that they are safe, and send them again ([`Receipt::is_repeat`]).
    ///
    /// [`Receipt::is_repeat`]: crate::Receipt::is_repeat
    pub fn remember(&self, stored: impl IntoIterator<Item = (Transport, Peer, Vec<u8>)>) {
        self.repeats.restore(stored);
    }

    /// Sets how long stopping may wait for room in the queue: five seconds unless said here.
    #[must_use]
    pub fn with_drain_time(self, drain_time: Duration) -> Self {
        Self { drain_time, ..self }
    }

    /// The addresses listened on, in the order of the configuration, inherited ones first.
    pub fn addresses(&self) -> Vec<(Transport, SocketAddr)> {
        let udp = self.udp.iter().map(|listener| (Transport::Udp, listener.socket.local_addr()));
        let streams = self.streams.iter();
        let streams = streams.map(|listener| (listener.transport, listener.socket.local_addr()));
        udp.chain(streams)
            .filter_map(|(transport, address)| Some((transport, address.ok()?)))
            .collect()
    }

    /// The paths of the Unix sockets listened on.
    pub fn paths(&self) -> Vec<PathBuf> {
        self.unix.iter().map(|listener| listener.path.clone()).collect()
    }

    /// The accounts by source; stays readable while and after the listeners run.
    pub fn sources(&self) -> Sources {
        self.sources.clone()
    }

    /// Receives until `shutdown`, then takes no new connection, hands on what the sockets still
    /// hold, and tells what came of everything. What finds no room in time is dropped and counted.
    ///
    /// Everything waits for room in `sender`: connections make their senders wait in turn, over UDP the
    /// kernel's buffer fills and what finds no room there is counted.
    pub async fn run(
        self,
        sender: mpsc::Sender<Frame>,
        registry: Registry,
        shutdown: CancellationToken,
    ) -> Counts {
        let expired = CancellationToken::new();
        let ends = (shutdown.clone(), expired.clone());
        let intake = Intake::new(sender, &self.config, self.sources, registry.clone(), ends);
        let tracker = TaskTracker::new();
        let max_frame = self.config.max_frame_bytes.size();
        let spool = self.spool.map(|spool| spool.counted_in(&registry));
        let overflow = Overflow::new(spool);
        let datagrams =
            DatagramService { intake: &intake, overflow: &overflow, shutdown: &shutdown };
        datagrams.start(self.udp, max_frame, &tracker);
        for listener in self.unix {
            let gate = intake.gate(Transport::Unix);
            let received = unix::receive(listener, gate, max_frame, shutdown.clone());
            tracker.spawn(told(received));
        }
        let repeats = self.repeats;
        let streams = StreamService::new(&self.config, (&intake, &repeats), &tracker, &shutdown);
        for listener in self.streams {
            tracker.spawn(told(streams.clone().accept(listener)));
        }
        if let Some(listener) = self.imports {
            let session = streams.session(Transport::File);
            tracker.spawn(told(imports::accept(listener, session, tracker.clone())));
        }
        if let Some(reader) = self.journal {
            let ends = (shutdown.clone(), intake.expired());
            let gate = intake.gate(Transport::Unix);
            tracker.spawn(reader.read((gate, repeats), max_frame, ends));
        }
        drop(streams);
        tracker.close();
        shutdown.cancelled().await;
        if tokio::time::timeout(self.drain_time, tracker.wait()).await.is_err() {
            tracing::warn!("stopping took too long; what could not be handed on is dropped");
            expired.cancel();
            tracker.wait().await;
        }
        overflow.count(intake.counts())
    }
}

/// What receives datagrams and has them wait.
struct DatagramService<'s> {
    intake: &'s Intake,
    overflow: &'s Overflow,
    shutdown: &'s CancellationToken,
}

impl DatagramService<'_> {
    /// Starts a thread for each socket, and one that hands on what waits until all of them have ended.
    fn start(&self, sockets: Vec<UdpListener>, max_frame: usize, tracker: &TaskTracker) {
        let receivers = TaskTracker::new();
        for socket in sockets {
            let (gate, overflow) = (self.intake.gate(Transport::Udp), self.overflow.clone());
            let shutdown = self.shutdown.clone();
            receivers.spawn_blocking(move || {
                tell(udp::receive(socket, &gate, &overflow, (max_frame, &shutdown)));
            });
        }
        receivers.close();
        let (shutdown, ended) = (self.shutdown.clone(), CancellationToken::new());
        let (overflow, intake, receiving) =
            (self.overflow.clone(), self.intake.clone(), ended.clone());
        tracker.spawn(async move {
            shutdown.cancelled().await;
            receivers.wait().await;
            ended.cancel();
        });
        tracker.spawn_blocking(move || overflow.feed(&intake, &receiving));
    }
}

/// Nobody waits for a single listener: what ends one goes to the log.
async fn told(listener: impl Future<Output = io::Result<()>>) {
    tell(listener.await);
}

fn tell(ended: io::Result<()>) {
    if let Err(error) = ended {
        tracing::error!(%error, "a syslog listener ended");
    }
}

fn udp_sockets(
    config: &Config,
    inherited: Vec<UdpSocket>,
) -> Result<Vec<UdpListener>, IngestError> {
    let transport = Transport::Udp;
    let mut sockets = inherited;
    let held = held(transport, sockets.iter().map(UdpSocket::local_addr))?;
    for address in config.udp.listen.iter().filter(|address| !held.contains(address)) {
        let socket = open(*address, Type::DGRAM).map_err(|source| IngestError::Listen {
            transport,
            address: *address,
            source,
        })?;
        sockets.push(socket.into());
    }
    let wanted = config.udp.receive_buffer_bytes.size();
    Ok(sockets.into_iter().map(|socket| prepare_udp(socket, wanted)).collect())
}

fn prepare_udp(socket: UdpSocket, wanted: usize) -> UdpListener {
    let got = raise_receive_buffer(&socket, wanted);
    if got < wanted {
        tracing::warn!(
            wanted,
            got,
            "UDP receive buffer is smaller than asked; raise net.core.rmem_max"
        );
    }
    UdpListener { gauge: DropGauge::new(&socket), socket, buffer: got }
}

fn stream_listeners(
    config: &Config,
    inherited: Vec<TcpListener>,
    own: OwnCertificate<'_>,
) -> Result<Vec<StreamListener>, IngestError> {
    let held = held(Transport::Tcp, inherited.iter().map(TcpListener::local_addr))?;
    let Config { tcp, tls, relp, .. } = config;
    let wants_tls = !tls.listen.is_empty() || !relp.tls_listen.is_empty();
    let acceptor = if wants_tls { Some(acceptor(tls, own)?) } else { None };
    let mut listeners: Vec<StreamListener> = inherited
        .into_iter()
        .map(|socket| StreamListener { socket, transport: Transport::Tcp, tls: None })
        .collect();
    for (transport, addresses, tls) in [
        (Transport::Tcp, &tcp.listen, None),
        (Transport::Tls, &tls.listen, acceptor.clone()),
        (Transport::Relp, &relp.listen, None),
        (Transport::Relp, &relp.tls_listen, acceptor),
    ] {
        for address in addresses.iter().copied().filter(|address| !held.contains(address)) {
            let socket = open(address, Type::STREAM).map_err(|source| IngestError::Listen {
                transport,
                address,
                source,
            })?;
            listeners.push(StreamListener { socket: socket.into(), transport, tls: tls.clone() });
        }
    }
    for listener in &listeners {
        let unusable = |source| IngestError::Inherited { transport: listener.transport, source };
        listener.socket.set_nonblocking(true).map_err(unusable)?;
    }
    Ok(listeners)
}

/// The addresses that inherited sockets hold.
fn held(
    transport: Transport,
    addresses: impl Iterator<Item = io::Result<SocketAddr>>,
) -> Result<Vec<SocketAddr>, IngestError> {
    addresses
        .collect::<Result<_, _>>()
        .map_err(|source| IngestError::Inherited { transport, source })
}

fn open(address: SocketAddr, kind: Type) -> io::Result<Socket> {
    let socket = Socket::new(Domain::for_address(address), kind, None)?;
    if address.is_ipv6() {
        // So that 0.0.0.0 and [::] can stand side by side in the configuration.
        socket.set_only_v6(true)?;
    }
    if kind == Type::STREAM {
        // Else the port stays taken for a minute after a restart. On UDP it would let two share it.
        socket.set_reuse_address(true)?;
    }
    socket.bind(&address.into())?;
    if kind == Type::STREAM {
        socket.listen(BACKLOG)?;
    }
    Ok(socket)
}
