//! TLS for log lines (RFC 5425): our certificate, and where asked the client's.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::crypto::{CryptoProvider, ring};
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::rustls::server::WebPkiClientVerifier;
use tokio_rustls::rustls::server::danger::ClientCertVerifier;
use tokio_rustls::rustls::{RootCertStore, ServerConfig};

use crate::{IngestError, TlsConfig};

/// A certificate chain and its key in PEM form: the device's own, for who configures no other.
#[derive(Clone, Copy)]
pub struct OwnCertificate<'a> {
    /// The chain, the leaf first.
    pub certificate: &'a str,
    /// Its private key.
    pub key: &'a str,
}

/// Makes ready what TLS connections are answered with.
pub(crate) fn acceptor(
    config: &TlsConfig,
    own: OwnCertificate<'_>,
) -> Result<TlsAcceptor, IngestError> {
    let (chain, key) = match (&config.certificate, &config.key) {
        (Some(certificate), Some(key)) => {
            (chain(&read(certificate)?, certificate)?, private_key(&read(key)?, key)?)
        }
        (None, None) => {
            let itself = Path::new("the device's own certificate");
            (chain(own.certificate.as_bytes(), itself)?, private_key(own.key.as_bytes(), itself)?)
        }
        (Some(certificate), None) => {
            return Err(unusable(certificate, "set `key` under [ingest.tls] too"));
        }
        (None, Some(key)) => {
            return Err(unusable(key, "set `certificate` under [ingest.tls] too"));
        }
    };
    let provider = Arc::new(ring::default_provider());
    let path = config.certificate.clone().unwrap_or_default();
    let mut server = ServerConfig::builder_with_provider(provider.clone())
        .with_safe_default_protocol_versions()
        .map_err(|error| unusable(&path, error))?
        .with_client_cert_verifier(clients(config.client_ca.as_deref(), provider)?)
        .with_single_cert(chain, key)
        .map_err(|error| unusable(&path, error))?;
    // Senders of logs never read: a ticket left unread makes their kernel reset the connection when
    // they close it, and throw away what it had not sent yet.
    server.send_tls13_tickets = 0;
    Ok(TlsAcceptor::from(Arc::new(server)))
}

/// Who may connect: anybody, or who shows a certificate of this authority.
fn clients(
    authority: Option<&Path>,
    provider: Arc<CryptoProvider>,
) -> Result<Arc<dyn ClientCertVerifier>, IngestError> {
    let Some(path) = authority else { return Ok(WebPkiClientVerifier::no_client_auth()) };
    let mut roots = RootCertStore::empty();
    for certificate in chain(&read(path)?, path)? {
        roots.add(certificate).map_err(|error| unusable(path, error))?;
    }
    WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider)
        .build()
        .map_err(|error| unusable(path, error))
}

fn read(path: &Path) -> Result<Vec<u8>, IngestError> {
    fs::read(path).map_err(|error| unusable(path, error))
}

fn chain(pem: &[u8], path: &Path) -> Result<Vec<CertificateDer<'static>>, IngestError> {
    let chain: Vec<_> = CertificateDer::pem_slice_iter(pem)
        .collect::<Result<_, _>>()
        .map_err(|error| unusable(path, error))?;
    if chain.is_empty() {
        return Err(unusable(path, "it holds no certificate in PEM form"));
    }
    Ok(chain)
}

fn private_key(pem: &[u8], path: &Path) -> Result<PrivateKeyDer<'static>, IngestError> {
    PrivateKeyDer::from_pem_slice(pem).map_err(|error| unusable(path, error))
}

fn unusable(path: &Path, why: impl ToString) -> IngestError {
    IngestError::Tls { path: PathBuf::from(path), why: why.to_string() }
}
