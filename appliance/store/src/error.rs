use std::io;
use std::path::PathBuf;

use vedette_event::IncidentId;

/// Why the store could not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// Another process owns the state folder.
    #[error(
        "state folder {} is in use by another process: stop it, or choose another folder with `paths.state`",
        .0.display()
    )]
    Locked(PathBuf),
    /// A file or folder could not be created, read or written.
    #[error("could not {action} {}", .path.display())]
    File {
        /// What was tried, in the infinitive.
        action: &'static str,
        /// On what.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// There is no store in this folder.
    #[error("no store in {}: start `vedette serve` once, or name its folder with `paths.state`", .0.display())]
    Missing(PathBuf),
    /// Written by a program too new for this one.
    #[error(
        "{} has schema {found}, this program reads up to {newest}: run the newer program, or restore the snapshot from before its migration",
        .path.display()
    )]
    TooNew {
        /// The database.
        path: PathBuf,
        /// Its schema.
        found: u32,
        /// The newest that can be read.
        newest: u32,
    },
    /// Written by an older program and not migrated yet.
    #[error(
        "{} has schema {found}, this program needs {needed}: start `vedette serve` once to migrate it",
        .path.display()
    )]
    TooOld {
        /// The database.
        path: PathBuf,
        /// Its schema.
        found: u32,
        /// The one this program reads.
        needed: u32,
    },
    /// A migration failed; the store is as it was before.
    #[error("migration of the store to schema {to} failed, nothing was changed")]
    Migration {
        /// The schema that was to be reached.
        to: u32,
        /// Why.
        source: rusqlite::Error,
    },
    /// No room left on the disk.
    #[error("the disk of the store is full: free space or lower `retention.max-bytes`")]
    Full,
    /// The writer has stopped.
    #[error("the store is closed")]
    Closed,
    /// A frame of a segment is not what was written there.
    #[error("damaged frame at byte {offset} of {}: check the disk", .path.display())]
    DamagedFrame {
        /// The segment.
        path: PathBuf,
        /// Where in it.
        offset: u64,
    },
    /// What cannot happen did.
    #[error("the store contradicts itself: {0}")]
    Internal(String),
    /// SQLite failed.
    #[error("the database of the store failed")]
    Database(#[source] rusqlite::Error),
    /// A row does not hold what this program wrote there.
    #[error("row of {table} cannot be read: check the disk, then restore a backup")]
    Corrupt {
        /// The table.
        table: &'static str,
        /// What did not parse.
        source: serde_json::Error,
    },
    /// There is no such incident.
    #[error("there is no incident {0}: `vedette incidents list` shows those there are")]
    NoIncident(IncidentId),
    /// The query asks for what the local dialect cannot do.
    #[error("query not supported: {0}")]
    Unsupported(String),
    /// The query ran longer than it may.
    #[error("query stopped after {seconds} s: narrow its time range")]
    TooSlow {
        /// The limit it ran into.
        seconds: u64,
    },
}

impl From<rusqlite::Error> for StoreError {
    fn from(error: rusqlite::Error) -> Self {
        match error.sqlite_error_code() {
            Some(rusqlite::ErrorCode::DiskFull) => Self::Full,
            _ => Self::Database(error),
        }
    }
}

impl From<Closed> for StoreError {
    fn from(_: Closed) -> Self {
        Self::Closed
    }
}

/// The store no longer takes records: it was closed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the store is closed")]
pub struct Closed;
