use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread::JoinHandle;

use vedette_telemetry::Registry;

use crate::commit::Committer;
use crate::lock::StateLock;
use crate::schema::{database_path, open_writer};
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
    _lock: StateLock,
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
        let connection = open_writer(&path)?;
        let reader = Reader::open(state_dir)?;
        let shared = Arc::new(Shared::new(reader.last_event_id()?));
        let (commands, inbox) = crossbeam_channel::bounded(QUEUE_LENGTH);
        let committer = Committer::new(connection, inbox, Arc::clone(&shared), options, registry);
        let thread = std::thread::Builder::new()
            .name("store-writer".to_owned())
            .spawn(move || committer.run())
            .map_err(|source| StoreError::File {
                action: "start the writer thread for",
                path: path.clone(),
                source,
            })?;
        let writer = Writer::new(commands, shared);
        Ok(Self { writer, reader, thread: Some(thread), path, _lock: lock })
    }

    /// A handle for writing.
    pub fn writer(&self) -> Writer {
        self.writer.clone()
    }

    /// A handle for reading.
    pub fn reader(&self) -> Reader {
        self.reader.clone()
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
