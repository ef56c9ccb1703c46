//! TLS connections for axum: handshakes beside each other, each bounded in time, all in number.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use axum::extract::connect_info::Connected;
use axum::serve::{IncomingStream, Listener};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;
use tokio_util::sync::CancellationToken;

use crate::connection::Connection;

/// Connections at once: a browser opens about six, and a flood must not take the memory and the
/// file descriptors of the rest of the box.
const MAX_CONNECTIONS: usize = 256;
/// A browser on a slow line shakes hands within it.
const HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(10);
/// A connection that sends nothing for so long is closed; pages that watch ask every few seconds.
const IDLE_TIMEOUT: Duration = Duration::from_secs(60);
/// Shaken hands that wait for axum: it takes them at once.
const READY: usize = 16;
/// Pause after the system refused a connection (too many open files): else the loop would spin.
const REFUSED_PAUSE: Duration = Duration::from_millis(100);

type Ready = (Connection<TlsStream<TcpStream>>, SocketAddr);

/// Who opened the connection.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Sender(pub(crate) IpAddr);

impl Connected<IncomingStream<'_, TlsListener>> for Sender {
    fn connect_info(stream: IncomingStream<'_, TlsListener>) -> Self {
        Self(stream.remote_addr().ip())
    }
}

/// Hands axum connections whose handshake is done.
pub(crate) struct TlsListener {
    local: SocketAddr,
    ready: mpsc::Receiver<Ready>,
}

impl TlsListener {
    /// Starts to accept.
    pub(crate) fn start(
        listener: std::net::TcpListener,
        tls: TlsAcceptor,
        shutdown: CancellationToken,
    ) -> io::Result<Self> {
        let listener = TcpListener::from_std(listener)?;
        let local = listener.local_addr()?;
        let (sender, ready) = mpsc::channel(READY);
        tokio::spawn(async move {
            tokio::select! {
                () = accept(listener, tls, sender) => {}
                () = shutdown.cancelled() => {}
            }
        });
        Ok(Self { local, ready })
    }
}

async fn accept(listener: TcpListener, tls: TlsAcceptor, sender: mpsc::Sender<Ready>) {
    let room = Arc::new(Semaphore::new(MAX_CONNECTIONS));
    while let Ok(permit) = Arc::clone(&room).acquire_owned().await {
        match listener.accept().await {
            Ok(connection) => {
                tokio::spawn(shake(connection, tls.clone(), sender.clone(), permit));
            }
            Err(error) => {
                tracing::debug!(%error, "console connection refused by the system");
                tokio::time::sleep(REFUSED_PAUSE).await;
            }
        }
    }
}

async fn shake(
    (stream, peer): (TcpStream, SocketAddr),
    tls: TlsAcceptor,
    sender: mpsc::Sender<Ready>,
    permit: OwnedSemaphorePermit,
) {
    match tokio::time::timeout(HANDSHAKE_TIMEOUT, tls.accept(stream)).await {
        Ok(Ok(stream)) => {
            // Closed only when the console is stopping.
            let _ = sender.send((Connection::new(stream, permit, IDLE_TIMEOUT), peer)).await;
        }
        Ok(Err(error)) => tracing::debug!(%peer, %error, "console handshake failed"),
        Err(_) => tracing::debug!(%peer, "console handshake took too long"),
    }
}

impl Listener for TlsListener {
    type Io = Connection<TlsStream<TcpStream>>;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> Ready {
        match self.ready.recv().await {
            Some(ready) => ready,
            // The acceptor has ended: axum is about to, by the same token.
            None => std::future::pending().await,
        }
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        Ok(self.local)
    }
}
