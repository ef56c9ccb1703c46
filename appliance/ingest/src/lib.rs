//! Syslog listeners: sockets in, frames out.
//!
//! Opens the sockets ([`Listeners::bind`]), receives ([`Listeners::run`]), turns away who is not on
//! the allow list, and counts every frame once: as delivered or as dropped, with the reason
//! ([`DropReason`]), per source ([`Sources`]). What a frame says is not this crate's business: it
//! knows neither the store nor triage, and leaves decoding to whoever holds the other end of the
//! channel.
//!
//! Start reading at [`Listeners`], then `intake` (the accounts), `stream` and `session`; for datagrams `udp`,
//! `overflow` and `spool`.

#![forbid(unsafe_code)]

mod backlog;
mod budget;
mod config;
mod connections;
mod error;
mod imports;
mod intake;
mod journal;
mod kernel;
mod listeners;
mod overflow;
mod prompt;
mod receipt;
mod relp;
mod repeats;
mod session;
mod sources;
mod spool;
mod stream;
mod tls;
mod udp;
mod unix;

use time::OffsetDateTime;
use vedette_event::{Peer, Transport};

pub use config::{
    Bounded, Config, JournalConfig, OutOfBounds, RelpConfig, TcpConfig, TlsConfig, UdpConfig,
    UnixConfig,
};
pub use error::IngestError;
pub use intake::{Counts, DropReason};
pub use listeners::{Inherited, Listeners, Places};
pub use receipt::Receipt;
pub use sources::{SourceCounts, Sources, SourcesSnapshot};
pub use tls::OwnCertificate;

/// One message as it came off the wire, transport framing left off, nothing read into it.
#[derive(Debug)]
pub struct Frame {
    /// The message, PRI included, one trailing LF or CRLF left off.
    pub bytes: Vec<u8>,
    /// Who sent it; an IPv4 address stays one on a dual-stack socket.
    pub peer: Peer,
    /// How it came.
    pub transport: Transport,
    /// When the box read it off the socket.
    pub received_at: OffsetDateTime,
    /// Whether it was longer than `max-frame-bytes` and cut there.
    pub truncated: bool,
    /// To be confirmed once the message is committed, where its sender waits for that (RELP, replayed files, the journal).
    pub receipt: Option<Receipt>,
}
