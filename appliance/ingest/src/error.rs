use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;

use vedette_event::Transport;

/// Why a listener cannot start.
#[derive(Debug, thiserror::Error)]
pub enum IngestError {
    /// The folder in which datagrams wait cannot be used.
    #[error("cannot use {} for datagrams that wait: it must be a folder that this user may write to", path.display())]
    Spool {
        /// The folder.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// An address cannot be listened on.
    #[error("cannot listen on {} {address}: {}", transport.as_str(), mend(*transport, *address, source))]
    Listen {
        /// Of which kind.
        transport: Transport,
        /// The address asked for.
        address: SocketAddr,
        /// What the system said.
        source: io::Error,
    },
    /// A Unix socket cannot be opened.
    #[error("cannot listen on {}: {source}; correct `listen` under [ingest.unix]", path.display())]
    Path {
        /// Where.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The journal cannot be read.
    #[error(
        "cannot run {} to read the journal: {source}; correct `program` under [ingest.journal], or \
         set `enabled = false` there",
        program.display()
    )]
    Journal {
        /// The program asked for.
        program: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The socket for replayed files cannot be opened.
    #[error("cannot open {} for replayed files: {source}", path.display())]
    Imports {
        /// Where.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// A certificate or key cannot be used.
    #[error("cannot use {} for TLS: {why}; correct [ingest.tls]", path.display())]
    Tls {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        why: String,
    },
    /// A socket handed over by systemd is unusable.
    #[error(
        "the {} socket handed over at start cannot be used; check the ListenStream= and \
         ListenDatagram= lines of the socket unit",
        transport.as_str()
    )]
    Inherited {
        /// UDP or TCP.
        transport: Transport,
        /// What the system said.
        source: io::Error,
    },
}

/// What happened and what to do about it.
fn mend(transport: Transport, address: SocketAddr, source: &io::Error) -> String {
    let name = transport.as_str();
    let port = address.port();
    match source.kind() {
        io::ErrorKind::AddrInUse => format!(
            "another program holds the port; find it with `ss -lnp '( sport = :{port} )'` and stop \
             it, or change `listen` under [ingest.{name}]"
        ),
        io::ErrorKind::PermissionDenied => format!(
            "not permitted; ports below 1024 need the socket unit of systemd, so enable that or \
             choose a higher port in `listen` under [ingest.{name}]"
        ),
        io::ErrorKind::AddrNotAvailable => {
            format!("this machine has no such address; correct `listen` under [ingest.{name}]")
        }
        _ => format!("check `listen` under [ingest.{name}]"),
    }
}
