//! Bringing to the disk what is written already: threads of their own, so that commits go on while the
//! disk works. What was written survives the death of the process, flushed or not.
//!
//! A commit writes to the write-ahead log and doesn't wait for the disk (`synchronous = NORMAL`). The log
//! flushed after a commit holds that commit, or the log has begun anew since, which it does only behind a
//! checkpoint that flushed the database. So whoever must hear that something is safe hears of it behind
//! the next flush that begins after the commit.

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;

use crossbeam_channel::{Receiver, Sender, bounded};
use rusqlite::Connection;

use crate::StoreError;
use crate::schema::{log_path, open_checkpointer};
use crate::writer::{Answer, Confirmation, Shared};

mod descriptors;

/// Orders that wait for the disk before the writer waits too: each holds what one commit made safe.
const ORDERS: usize = 256;

/// Bytes of lines after which the log's pages, about twice as much, are copied into the database.
const CHECKPOINT_BYTES: usize = 2 << 20;

/// Pages of the log, 16 MiB, above which the writer itself finishes a checkpoint: only while nobody writes
/// can the log begin anew, and it must not grow for ever.
const LONG_LOG: i64 = 4096;

/// Whom to tell when all is on the disk that was committed before.
pub(crate) enum Waiter {
    /// The sender of a line; untold when the disk fails, so that it sends again.
    Line(Confirmation),
    /// Whoever asked for a change or a flush.
    Caller(Answer),
}

/// The writer's side of the threads.
pub(crate) struct Disk {
    flusher: Worker<Vec<Waiter>>,
    checkpointer: Worker<()>,
    written: usize,
    is_long: Arc<AtomicBool>,
}

impl Disk {
    /// Starts the threads for the database at this path, which has a write-ahead log.
    pub(crate) fn start(database: &Path, shared: &Arc<Shared>) -> Result<Self, StoreError> {
        let failed = |source| StoreError::File {
            action: "start a thread to flush",
            path: log_path(database),
            source,
        };
        let is_long = Arc::new(AtomicBool::new(false));
        let checkpoints = {
            let (connection, is_long) = (open_checkpointer(database)?, Arc::clone(&is_long));
            move |orders: Receiver<()>| keep_short(&connection, &orders, &is_long)
        };
        let log = Log::open(log_path(database)).map_err(failed)?;
        let shared = Arc::clone(shared);
        let tell = move |orders: Receiver<Vec<Waiter>>| tell(&orders, &log, &shared);
        Ok(Self {
            flusher: Worker::start("store-flusher", ORDERS, tell).map_err(failed)?,
            checkpointer: Worker::start("store-copier", 1, checkpoints).map_err(failed)?,
            written: 0,
            is_long,
        })
    }

    /// Flushes the log and tells these; waits for none of it unless many orders wait already.
    pub(crate) fn flush(&self, waiters: Vec<Waiter>) {
        if let Some(orders) = &self.flusher.orders {
            // A thread that has panicked tells nobody.
            let _ = orders.send(waiters);
        }
    }

    /// Notes that so many bytes of lines were written, and keeps the log short.
    pub(crate) fn wrote(&mut self, bytes: usize, connection: &Connection) {
        self.written += bytes;
        if self.is_long.swap(false, Ordering::Relaxed)
            && let Err(error) = checkpoint(connection)
        {
            tracing::warn!(%error, "the write-ahead log of the store could not be shortened");
        }
        if self.written >= CHECKPOINT_BYTES
            && let Some(orders) = &self.checkpointer.orders
            && orders.try_send(()).is_ok()
        {
            self.written = 0;
        }
    }
}

/// A thread that ends when its orders do.
struct Worker<T> {
    orders: Option<Sender<T>>,
    thread: Option<JoinHandle<()>>,
}

impl<T: Send + 'static> Worker<T> {
    fn start(
        name: &str,
        length: usize,
        run: impl FnOnce(Receiver<T>) + Send + 'static,
    ) -> io::Result<Self> {
        let (orders, inbox) = bounded(length);
        let thread = std::thread::Builder::new().name(name.to_owned()).spawn(move || run(inbox))?;
        Ok(Self { orders: Some(orders), thread: Some(thread) })
    }
}

impl<T> Drop for Worker<T> {
    fn drop(&mut self) {
        self.orders = None;
        if self.thread.take().is_some_and(|thread| thread.join().is_err()) {
            tracing::error!("a thread of the store panicked");
        }
    }
}

/// The write-ahead log, in the hands of a thread that does nothing but flush it.
struct Log {
    path: PathBuf,
    flushes: Worker<()>,
    done: Receiver<io::Result<()>>,
}

impl Log {
    fn open(path: PathBuf) -> io::Result<Self> {
        let (report, done) = bounded(1);
        let log = path.clone();
        let flushes = Worker::start("store-disk", 1, move |orders: Receiver<()>| {
            descriptors::forget_those_of_others();
            let (log, opened) = match File::open(log) {
                Ok(log) => (Some(log), Ok(())),
                Err(error) => (None, Err(error)),
            };
            // Whoever waits for the report has the orders, too.
            let _ = report.send(opened);
            while let (Some(log), Ok(())) = (&log, orders.recv()) {
                let _ = report.send(log.sync_data());
            }
        })?;
        let log = Self { path, flushes, done };
        log.outcome().map(|()| log)
    }

    /// Brings all that was written before to the disk.
    fn flush(&self) -> io::Result<()> {
        if let Some(orders) = &self.flushes.orders {
            let _ = orders.send(());
        }
        self.outcome()
    }

    fn outcome(&self) -> io::Result<()> {
        self.done.recv().unwrap_or_else(|_| Err(io::ErrorKind::BrokenPipe.into()))
    }
}

/// Flushes once for all orders that wait, and tells them what came of it.
fn tell(orders: &Receiver<Vec<Waiter>>, log: &Log, shared: &Shared) {
    while let Ok(mut waiters) = orders.recv() {
        waiters.extend(orders.try_iter().flatten());
        let flushed = log.flush();
        if let Err(error) = &flushed {
            tracing::error!(%error, "the disk of the store cannot be flushed");
            shared.set_unflushed(Some(format!("the disk cannot be flushed: {error}")));
        }
        let failure = flushed.err().map(|error| error.kind());
        for waiter in waiters {
            match (waiter, failure) {
                (Waiter::Line(confirm), None) => confirm(),
                (Waiter::Line(_), Some(_)) => {}
                (Waiter::Caller(answer), None) => answer(Ok(())),
                (Waiter::Caller(answer), Some(kind)) => {
                    let (path, source) = (log.path.clone(), kind.into());
                    answer(Err(StoreError::File { action: "flush", path, source }));
                }
            }
        }
    }
}

fn keep_short(connection: &Connection, orders: &Receiver<()>, is_long: &AtomicBool) {
    while orders.recv().is_ok() {
        match checkpoint(connection) {
            Ok(pages) => is_long.store(pages > LONG_LOG, Ordering::Relaxed),
            Err(error) => {
                tracing::warn!(%error, "the write-ahead log of the store could not be copied");
            }
        }
    }
}

/// Flushes the log and copies what no reader needs there into the database; the pages of the log.
fn checkpoint(connection: &Connection) -> rusqlite::Result<i64> {
    connection.query_row("PRAGMA wal_checkpoint(PASSIVE)", [], |row| row.get(1))
}

/// Makes safe what a failed flush may have lost from the disk's cache: all of the log is copied into the
/// database, and the database flushed.
pub(crate) fn copy_all(connection: &Connection) -> Result<(), StoreError> {
    let whole = |row: &rusqlite::Row<'_>| {
        Ok((row.get::<_, i64>(0)? == 0, row.get::<_, i64>(1)? == row.get::<_, i64>(2)?))
    };
    match connection.query_row("PRAGMA wal_checkpoint(RESTART)", [], whole)? {
        (true, true) => Ok(()),
        _ => Err(StoreError::Internal("the write-ahead log could not be copied whole".to_owned())),
    }
}

#[cfg(test)]
mod tests;
