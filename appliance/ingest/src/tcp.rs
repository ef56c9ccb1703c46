use std::io::{self, Read};
use std::net::{SocketAddr, TcpListener};
use std::time::Duration;

use socket2::{SockRef, TcpKeepalive};
use tokio::io::AsyncReadExt;
use tokio::net::TcpStream;
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use vedette_event::Transport;
use vedette_syslog::framing::Framer;
use vedette_telemetry::{Counter, Metric};

use crate::Config;
use crate::connections::{Connections, Refusal, Seat};
use crate::intake::{Gate, Intake, canonical};

/// Connections that may wait to be accepted: a site's devices reconnecting at once after an outage.
pub(crate) const BACKLOG: i32 = 1_024;

/// Read from a connection at a time: with the cap on connections this bounds the memory.
const CHUNK: usize = 16 * 1_024;

/// Silence after which a peer is asked whether it still lives; a dead one is gone within minutes,
/// while a quiet one stays.
const KEEPALIVE_AFTER: Duration = Duration::from_secs(60);

/// Rest after a failed accept (no file descriptor left), so that it cannot spin.
const ERROR_PAUSE: Duration = Duration::from_millis(100);

/// Chunks read at most from a connection while stopping: 64 MiB, more than its buffer holds, so that
/// all that came before the end is counted and a busy sender cannot put the end off.
const DRAIN_CHUNKS: usize = 4_096;

/// All that the TCP listeners share.
#[derive(Clone)]
pub(crate) struct TcpService {
    intake: Intake,
    gate: Gate,
    connections: Connections,
    taken: Counter,
    max_frame: usize,
    idle: Duration,
    tracker: TaskTracker,
    shutdown: CancellationToken,
}

impl TcpService {
    pub(crate) fn new(
        config: &Config,
        intake: &Intake,
        tracker: &TaskTracker,
        shutdown: &CancellationToken,
    ) -> Self {
        let tcp = &config.tcp;
        Self {
            intake: intake.clone(),
            gate: intake.gate(Transport::Tcp),
            connections: Connections::new(
                tcp.max_connections.size(),
                tcp.max_connections_per_peer.size(),
            ),
            taken: intake.counter(Metric::IngestConnections, Transport::Tcp.as_str()),
            max_frame: config.max_frame_bytes.size(),
            idle: Duration::from_secs(tcp.idle_timeout_seconds.get().into()),
            tracker: tracker.clone(),
            shutdown: shutdown.clone(),
        }
    }

    /// Accepts until shutdown, then takes in those that wait already, and closes the door.
    pub(crate) async fn accept(self, listener: TcpListener) -> io::Result<()> {
        let listener = tokio::net::TcpListener::from_std(listener)?;
        loop {
            let accepted = tokio::select! {
                biased;
                () = self.shutdown.cancelled() => break,
                accepted = listener.accept() => accepted,
            };
            match accepted {
                Ok((stream, peer)) => self.serve(stream, peer),
                Err(error) => {
                    tracing::warn!(%error, "accepting a TCP connection failed");
                    sleep(ERROR_PAUSE).await;
                }
            }
        }
        let listener = listener.into_std()?;
        for _ in 0..BACKLOG {
            let Ok((stream, peer)) = listener.accept() else { break };
            stream.set_nonblocking(true)?;
            self.serve(TcpStream::from_std(stream)?, peer);
        }
        Ok(())
    }

    /// Starts reading a connection, or closes it at once where it may not be.
    fn serve(&self, stream: TcpStream, peer: SocketAddr) {
        let peer = canonical(peer);
        match self.seat(peer) {
            Ok(seat) => {
                self.taken.add(1);
                let service = self.clone();
                self.tracker.spawn(async move { service.converse(stream, peer, seat).await });
            }
            Err(refusal) => {
                self.intake.counter(Metric::IngestRefused, refusal.as_str()).add(1);
                tracing::debug!(%peer, reason = refusal.as_str(), "TCP connection refused");
            }
        }
    }

    fn seat(&self, peer: SocketAddr) -> Result<Seat, Refusal> {
        if self.intake.admits(peer.ip()) {
            self.connections.seat(peer.ip())
        } else {
            Err(Refusal::NotAllowed)
        }
    }

    /// Reads a connection to its end, or until shutdown and then what its socket still holds.
    async fn converse(self, mut stream: TcpStream, peer: SocketAddr, _seat: Seat) {
        let keepalive = TcpKeepalive::new().with_time(KEEPALIVE_AFTER);
        if let Err(error) = SockRef::from(&stream).set_tcp_keepalive(&keepalive) {
            tracing::debug!(%peer, %error, "keep-alive not set");
        }
        let mut framer = Framer::new(self.max_frame);
        let mut chunk = vec![0; CHUNK];
        loop {
            let read = tokio::select! {
                biased;
                () = self.shutdown.cancelled() => break,
                read = timeout(self.idle, stream.read(&mut chunk)) => read,
            };
            match read {
                Ok(Ok(0)) => break,
                Ok(Ok(length)) => self.push(&mut framer, &chunk[..length], peer).await,
                Ok(Err(error)) => {
                    tracing::debug!(%peer, %error, "TCP connection broke");
                    break;
                }
                Err(_idle) => {
                    tracing::debug!(%peer, "TCP connection closed after long silence");
                    break;
                }
            }
        }
        if self.shutdown.is_cancelled() {
            self.drain(stream, &mut framer, &mut chunk, peer).await;
        }
        // A peer that goes away in the middle of a line has still said what it said.
        framer.finish();
        self.hand_on(&mut framer, peer).await;
    }

    /// Reads what the socket holds already. Straight from the socket: the runtime's idea of readiness
    /// may lag behind.
    async fn drain(
        &self,
        stream: TcpStream,
        framer: &mut Framer,
        chunk: &mut [u8],
        peer: SocketAddr,
    ) {
        let Ok(mut stream) = stream.into_std() else { return };
        for _ in 0..DRAIN_CHUNKS {
            match stream.read(chunk) {
                Ok(0) => break,
                Ok(length) => self.push(framer, &chunk[..length], peer).await,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(_) => break,
            }
        }
    }

    async fn push(&self, framer: &mut Framer, bytes: &[u8], peer: SocketAddr) {
        framer.push(bytes);
        self.hand_on(framer, peer).await;
    }

    async fn hand_on(&self, framer: &mut Framer, peer: SocketAddr) {
        while let Some(frame) = framer.next_frame() {
            self.gate.deliver(frame.bytes, peer, frame.truncated).await;
        }
    }
}
