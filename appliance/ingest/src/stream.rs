//! Accepting connections: who may, how many, with TLS or without, and what is spoken on them.

use std::io;
use std::net::{SocketAddr, TcpListener};
use std::time::Duration;

use socket2::{SockRef, TcpKeepalive};
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::{sleep, timeout};
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use vedette_event::{Peer, Transport};
use vedette_telemetry::{Counter, Metric};

use crate::Config;
use crate::connections::{Connections, Refusal, Seat};
use crate::intake::{Intake, canonical};
use crate::prompt::Prompt;
use crate::repeats::Repeats;
use crate::session::Session;

/// Connections that may wait to be accepted: a site's devices reconnecting at once after an outage.
pub(crate) const BACKLOG: i32 = 1_024;

/// Silence after which a peer is asked whether it still lives; a dead one is gone within minutes,
/// while a quiet one stays.
const KEEPALIVE_AFTER: Duration = Duration::from_secs(60);

/// Rest after a failed accept (no file descriptor left), so that it cannot spin.
const ERROR_PAUSE: Duration = Duration::from_millis(100);

/// Longest wait for the other side to take our end of a connection.
const GOODBYE: Duration = Duration::from_secs(1);

/// A listening socket and what is spoken on it.
pub(crate) struct StreamListener {
    pub(crate) socket: TcpListener,
    /// TCP, TLS or RELP.
    pub(crate) transport: Transport,
    pub(crate) tls: Option<TlsAcceptor>,
}

/// All that the listeners for connections share.
#[derive(Clone)]
pub(crate) struct StreamService {
    intake: Intake,
    connections: Connections,
    repeats: Repeats,
    max_frame: usize,
    idle: Duration,
    handshake: Duration,
    tracker: TaskTracker,
    shutdown: CancellationToken,
}

/// What one listener needs for each of its connections.
#[derive(Clone)]
struct Door {
    service: StreamService,
    session: Session,
    transport: Transport,
    tls: Option<TlsAcceptor>,
    taken: Counter,
}

impl StreamService {
    pub(crate) fn new(
        config: &Config,
        (intake, repeats): (&Intake, &Repeats),
        tracker: &TaskTracker,
        shutdown: &CancellationToken,
    ) -> Self {
        let tcp = &config.tcp;
        Self {
            intake: intake.clone(),
            connections: Connections::new(
                tcp.max_connections.size(),
                tcp.max_connections_per_peer.size(),
            ),
            repeats: repeats.clone(),
            max_frame: config.max_frame_bytes.size(),
            idle: Duration::from_secs(tcp.idle_timeout_seconds.get().into()),
            handshake: Duration::from_secs(config.tls.handshake_timeout_seconds.get().into()),
            tracker: tracker.clone(),
            shutdown: shutdown.clone(),
        }
    }

    /// Accepts until shutdown, then takes in those that wait already, and closes the door.
    pub(crate) async fn accept(self, listener: StreamListener) -> io::Result<()> {
        let StreamListener { socket, transport, tls } = listener;
        let door = Door {
            session: self.session(transport),
            taken: self.intake.counter(Metric::IngestConnections, transport.as_str()),
            transport,
            tls,
            service: self,
        };
        let listener = tokio::net::TcpListener::from_std(socket)?;
        loop {
            let accepted = tokio::select! {
                biased;
                () = door.service.shutdown.cancelled() => break,
                accepted = listener.accept() => accepted,
            };
            match accepted {
                Ok((stream, peer)) => door.serve(stream, peer),
                Err(error) => {
                    tracing::warn!(%error, "accepting a connection failed");
                    sleep(ERROR_PAUSE).await;
                }
            }
        }
        let listener = listener.into_std()?;
        for _ in 0..BACKLOG {
            let Ok((stream, peer)) = listener.accept() else { break };
            stream.set_nonblocking(true)?;
            door.serve(TcpStream::from_std(stream)?, peer);
        }
        Ok(())
    }

    /// What connections of a transport are served with.
    pub(crate) fn session(&self, transport: Transport) -> Session {
        Session::new(
            (&self.intake, self.repeats.clone()),
            transport,
            (self.max_frame, self.idle),
            self.shutdown.clone(),
        )
    }

    fn seat(&self, peer: SocketAddr) -> Result<Seat, Refusal> {
        if self.intake.admits(peer.ip()) {
            self.connections.seat(peer.ip())
        } else {
            Err(Refusal::NotAllowed)
        }
    }

    fn refuse(&self, peer: SocketAddr, refusal: Refusal) {
        self.intake.counter(Metric::IngestRefused, refusal.as_str()).add(1);
        tracing::debug!(%peer, reason = refusal.as_str(), "connection refused");
    }
}

impl Door {
    /// Starts reading a connection, or closes it at once where it may not be.
    fn serve(&self, stream: TcpStream, peer: SocketAddr) {
        let peer = canonical(peer);
        match self.service.seat(peer) {
            Ok(seat) => {
                self.taken.add(1);
                let door = self.clone();
                self.service.tracker.spawn(async move { door.converse(stream, peer, seat).await });
            }
            Err(refusal) => self.service.refuse(peer, refusal),
        }
    }

    async fn converse(self, stream: TcpStream, peer: SocketAddr, _seat: Seat) {
        let keepalive = TcpKeepalive::new().with_time(KEEPALIVE_AFTER);
        if let Err(error) = SockRef::from(&stream).set_tcp_keepalive(&keepalive) {
            tracing::debug!(%peer, %error, "keep-alive not set");
        }
        let stream = Prompt(stream);
        let Some(tls) = &self.tls else { return self.speak(stream, peer).await };
        let handshake = timeout(self.service.handshake, tls.accept(stream));
        match handshake.await {
            Ok(Ok(stream)) => self.speak(stream, peer).await,
            Ok(Err(error)) => {
                tracing::debug!(%peer, %error, "TLS handshake failed");
                self.service.refuse(peer, Refusal::Handshake);
            }
            Err(_slow) => self.service.refuse(peer, Refusal::Handshake),
        }
    }

    async fn speak<S>(&self, mut stream: S, peer: SocketAddr)
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        match self.transport {
            Transport::Relp => self.session.relp(stream, Peer::Network(peer)).await,
            _ => {
                self.session.lines(&mut stream, Peer::Network(peer)).await;
                // TLS says goodbye; who is gone already need not hear it.
                let _ = timeout(GOODBYE, stream.shutdown()).await;
            }
        }
    }
}
