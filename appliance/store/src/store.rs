use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread::JoinHandle;

use vedette_telemetry::Registry;

use crate::catalog::last_event;
use crate::commit::Committer;
use crate::events::Tallies;
use crate::flush::Disk;
use crate::legacy::move_rows;
use crate::lines::LineWriter;
use crate::lock::StateLock;
use crate::recover::{open_database, reconcile};
use crate::schema::{commit_without_waiting, database_path};
use crate::segment::Segments;
use crate::writer::{Command, Shared};
use crate::{Options, QUEUE_LENGTH, Reader, StoreError, Writer};

/// The store of one state folder, with its lock and its writer thread. Dropping it commits what was
/// appended and stops the thread, as [`Store::close`] does.
#[derive(Debug)]
pub struct Store {
    writer: Writer,
    reader: Reader,
    thread: Option<JoinHandle<()>>,
    path: PathBuf,
    recovered: Recovered,
    _lock: StateLock,
}

/// What was not as it was left when the store was opened.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Recovered {
    /// Where the database was put because it was damaged.
    pub database_aside: Option<PathBuf>,
    /// Rows that were carried over from it.
    pub rows: u64,
    /// Lines of blocks that are in the segments but were not in the database.
    pub found_lines: u64,
    /// Lines of blocks that are gone or damaged.
    pub lost_lines: u64,
}

impl Recovered {
    /// What happened, in a sentence; `None` where all was well.
    pub fn sentence(&self) -> Option<String> {
        if *self == Self::default() {
            return None;
        }
        let aside = self.database_aside.as_ref().map(|path| {
            format!(
                "the database was damaged and lies at {}, {} rows were carried over; ",
                path.display(),
                self.rows
            )
        });
        Some(format!(
            "when the store was opened: {}{} log lines found again, {} lost",
            aside.unwrap_or_default(),
            self.found_lines,
            self.lost_lines
        ))
    }
}

impl Store {
    /// Opens the store in `state_dir`, creating the folder and the database where they are missing
    /// and migrating an older one.
    ///
    /// # Errors
    /// When another process owns the folder, the database is too new, damaged or not writable.
    pub fn open(
        state_dir: &Path,
        options: Options,
        registry: &Registry,
    ) -> Result<Self, StoreError> {
        let lock = StateLock::take(state_dir)?;
        let path = database_path(state_dir);
        let mut recovered = Recovered::default();
        let mut connection = open_database(state_dir, &mut recovered)?;
        let segments = Segments::of(state_dir);
        segments.create()?;
        reconcile(&mut connection, &segments, &mut recovered)?;
        let max_bytes = options.retention.max_bytes;
        move_rows(&mut connection, &segments, max_bytes)?;
        if let Some(what) = recovered.sentence() {
            tracing::warn!("{what}");
        }
        let last = last_event(&connection)?;
        let lines = LineWriter::open(&connection, segments, last, max_bytes)?;
        let tallies = Tallies::catch_up(&connection)?;
        let reader = Reader::open(state_dir)?;
        let shared = Arc::new(Shared::new(last));
        let (commands, inbox) = crossbeam_channel::bounded(QUEUE_LENGTH);
        commit_without_waiting(&connection)?;
        let disk = Disk::start(&path, &shared)?;
        let options = (options, registry);
        let (database, kept) = ((connection, disk), (lines, tallies));
        let committer = Committer::new(database, kept, inbox, Arc::clone(&shared), options);
        let thread = std::thread::Builder::new()
            .name("store-writer".to_owned())
            .spawn(move || committer.run())
            .map_err(|source| StoreError::File {
                action: "start the writer thread for",
                path: path.clone(),
                source,
            })?;
        let writer = Writer::new(commands, shared);
        Ok(Self { writer, reader, thread: Some(thread), path, recovered, _lock: lock })
    }

    /// A handle for writing.
    pub fn writer(&self) -> Writer {
        self.writer.clone()
    }

    /// A handle for reading.
    pub fn reader(&self) -> Reader {
        self.reader.clone()
    }

    /// What was not as it was left when the store was opened.
    pub fn recovered(&self) -> &Recovered {
        &self.recovered
    }

    /// The database file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Commits what was appended, stops the writer thread and gives up the lock. Writers handed out
    /// before answer [`crate::Closed`] from then on.
    ///
    /// # Errors
    /// When the last records could not be committed.
    pub fn close(mut self) -> Result<(), StoreError> {
        let flushed = self.writer.flush();
        self.stop();
        flushed
    }

    fn stop(&mut self) {
        if let Some(thread) = self.thread.take() {
            // A thread that is gone already needs no telling.
            let _ = self.writer.send(Command::Stop);
            if thread.join().is_err() {
                tracing::error!("the writer thread of the store panicked");
            }
        }
    }
}

impl Drop for Store {
    fn drop(&mut self) {
        self.stop();
    }
}
