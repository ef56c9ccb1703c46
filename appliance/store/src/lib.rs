//! The log store: one writer thread, many read-only readers, the outbox.
//!
//! Log lines go into a journal, in groups, and from there, some thousand at a time, into segments:
//! files of compressed blocks, each with a checksum and a filter by which a search passes it over.
//! Everything else, the journal and the catalog of the blocks are tables of SQLite in WAL mode: what was
//! flushed survives a power cut, and threads of their own do the flushing. One [`Store`] owns the state
//! folder (a lock file keeps a second process out) and its writer thread; [`Writer`] hands it log lines,
//! triage results and everything else that changes; any number of [`Reader`]s, in this process or another,
//! see the last commit.
//!
//! The store must not know triage, models or HTTP: it keeps what `vedette-event` describes. It
//! reads the wall clock only for what it dates itself (audit entries, filing, retention).
//!
//! Start reading at [`Store::open`], then the writer thread in `commit.rs`, its disk in `flush.rs`, then
//! `block`. Each table's module holds its types, its part of [`Writer`] and its part of [`Reader`].

mod accounts;
mod audit;
mod backup;
mod block;
mod catalog;
mod commit;
mod counts;
mod error;
mod events;
mod flush;
mod incidents;
mod instant;
mod legacy;
mod lines;
mod lock;
mod options;
mod outbox;
mod reader;
mod recover;
mod retention;
mod schema;
mod search;
mod segment;
mod similar;
mod store;
#[cfg(test)]
mod testing;
mod writer;

pub use accounts::{Account, ParseRoleError, Role, Session};
pub use audit::{AuditEntry, AuditReport};
pub use backup::{discard, restore};
pub use commit::{ENOUGH, MAX_BATCH, MAX_LINE, MAX_WAITING, MAX_WAITING_BYTES};
pub use counts::{Counts, SourceCount};
pub use error::{Closed, StoreError};
pub use incidents::{
    FiledGuidance, Filing, IncidentFilter, IncidentOrder, OutboxEntry, TriageCommit,
};
pub use options::{Options, Retention};
pub use outbox::{Attempt, DueTicket, TicketRow};
pub use reader::Reader;
pub use schema::SCHEMA_VERSION;
pub use search::{Answer, Group, MAX_ROWS, Progress, SEARCH_TIME, SearchRow};
pub use store::{Recovered, Store};
pub use writer::{BATCH, Confirmation, Health, QUEUE_LENGTH, Waiting, Writer};
