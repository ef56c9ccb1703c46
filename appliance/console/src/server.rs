use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;

use rustls::ServerConfig;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use thiserror::Error;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls;
use tokio_util::sync::CancellationToken;
use vedette_store::{Reader, Writer};
use vedette_telemetry::Registry;

use crate::Device;
use crate::attempts::Attempts;
use crate::listener::{Sender, TlsListener};
use crate::passwords::Hasher;
use crate::reply::Problem;
use crate::routes;

/// Why the console cannot be shown.
#[derive(Debug, Error)]
pub enum ConsoleError {
    /// The port is taken or the address is not ours.
    #[error(
        "cannot listen for the console on {address}: free the port or set console.listen to another"
    )]
    Listen {
        /// The address.
        address: SocketAddr,
        /// Why.
        source: std::io::Error,
    },
    /// The certificate or its key cannot be used.
    #[error(
        "cannot use the console's certificate: {0}; delete it and the next start makes a new one"
    )]
    Certificate(String),
    /// A metrics address that others can reach.
    #[error(
        "console.metrics-listen is {0}, which others can reach without a login: use a loopback address"
    )]
    OpenMetrics(SocketAddr),
}

/// All that the console is made of.
pub struct ConsoleParts {
    /// The store, to read.
    pub reader: Reader,
    /// The store, for outcomes, accounts and sessions.
    pub writer: Writer,
    /// The rest of the box.
    pub device: Arc<dyn Device>,
    /// The counters.
    pub registry: Registry,
}

/// What every handler knows.
#[derive(Clone)]
pub(crate) struct Shared(Arc<Parts>);

pub(crate) struct Parts {
    pub(crate) reader: Reader,
    pub(crate) writer: Writer,
    pub(crate) device: Arc<dyn Device>,
    pub(crate) registry: Registry,
    pub(crate) attempts: Attempts,
    pub(crate) hasher: Hasher,
}

impl std::ops::Deref for Shared {
    type Target = Parts;

    fn deref(&self) -> &Parts {
        &self.0
    }
}

impl Shared {
    /// Does what waits for the store or the disk, away from the threads that serve sockets.
    pub(crate) async fn work<T: Send + 'static>(
        &self,
        job: impl FnOnce(&Self) -> Result<T, Problem> + Send + 'static,
    ) -> Result<T, Problem> {
        let shared = self.clone();
        tokio::task::spawn_blocking(move || job(&shared)).await.unwrap_or_else(|error| {
            tracing::error!(%error, "a page was given up");
            Err(Problem::Unavailable)
        })
    }
}

/// A console that holds its port but does not answer yet.
pub struct Console {
    listener: TcpListener,
    tls: TlsAcceptor,
}

impl Console {
    /// Opens the port, or takes over an inherited socket, with a certificate and key in PEM form.
    ///
    /// # Errors
    /// When the port cannot be had or the certificate cannot be used.
    pub fn bind(
        address: SocketAddr,
        inherited: Option<TcpListener>,
        (certificate, key): (&str, &str),
    ) -> Result<Self, ConsoleError> {
        let tls = TlsAcceptor::from(Arc::new(tls(certificate, key)?));
        let listener = match inherited {
            Some(listener) => listener,
            None => TcpListener::bind(address)
                .map_err(|source| ConsoleError::Listen { address, source })?,
        };
        listener
            .set_nonblocking(true)
            .map_err(|source| ConsoleError::Listen { address, source })?;
        Ok(Self { listener, tls })
    }

    /// The address it is reached at.
    pub fn address(&self) -> Option<SocketAddr> {
        self.listener.local_addr().ok()
    }

    /// Answers until `shutdown`, then finishes what is under way.
    ///
    /// # Errors
    /// When the socket cannot be used any more.
    pub async fn run(
        self,
        parts: ConsoleParts,
        shutdown: CancellationToken,
    ) -> std::io::Result<()> {
        let ConsoleParts { reader, writer, device, registry } = parts;
        let (attempts, hasher) = (Attempts::default(), Hasher::default());
        let parts = Parts { reader, writer, device, registry, attempts, hasher };
        let router = routes::router(Shared(Arc::new(parts)));
        let listener = TlsListener::start(self.listener, self.tls, shutdown.clone())?;
        axum::serve(listener, router.into_make_service_with_connect_info::<Sender>())
            .with_graceful_shutdown(shutdown.cancelled_owned())
            .await
    }
}

fn tls(certificate: &str, key: &str) -> Result<ServerConfig, ConsoleError> {
    let chain: Vec<CertificateDer<'static>> =
        CertificateDer::pem_slice_iter(certificate.as_bytes())
            .collect::<Result<_, _>>()
            .map_err(|error| ConsoleError::Certificate(error.to_string()))?;
    let key = PrivateKeyDer::from_pem_slice(key.as_bytes())
        .map_err(|error| ConsoleError::Certificate(error.to_string()))?;
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| ConsoleError::Certificate(error.to_string()))?
        .with_no_client_auth()
        .with_single_cert(chain, key)
        .map_err(|error| ConsoleError::Certificate(error.to_string()))?;
    Ok(config)
}
