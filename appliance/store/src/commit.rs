//! The writer thread: gathers records, commits them in groups, keeps them when the disk errs.

use std::collections::VecDeque;
use std::mem;
use std::sync::Arc;
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, RecvTimeoutError};
use rusqlite::{Connection, ErrorCode};
use time::OffsetDateTime;
use vedette_telemetry::{Counter, Metric, Registry};

use crate::events::{Batch, Tallies, insert_events};
use crate::retention::{SWEEP_INTERVAL, SWEEP_PAUSE, sweep};
use crate::writer::{Command, Shared, Waiting};
use crate::{Health, Options, StoreError};

/// Records in one transaction at most: large enough that the flush of the disk is shared by many,
/// small enough that the write-ahead log stays in its bounds.
pub const MAX_BATCH: usize = 4096;

/// Records kept while commits fail; with those in the queue, some seconds of a busy network.
pub const MAX_WAITING: usize = 65_536;

/// Bytes of raw lines kept while commits fail, so that long lines cannot take the memory instead.
pub const MAX_WAITING_BYTES: usize = 64 << 20;

/// First wait after a failed commit; doubled with each further one.
const FIRST_BACKOFF: Duration = Duration::from_millis(100);

/// Longest wait after a failed commit: recovery is noticed within it.
const LONGEST_BACKOFF: Duration = Duration::from_secs(5);

/// Doublings after which the longest wait is reached.
const MAX_DOUBLINGS: u32 = 6;

/// How the commits fare since the last good one.
struct Trouble {
    failures: u32,
    /// Label of the drops it causes.
    drop_reason: &'static str,
}

struct Counters {
    events: Counter,
    commits: Counter,
    retries: Counter,
}

pub(crate) struct Committer {
    connection: Connection,
    inbox: Receiver<Command>,
    shared: Arc<Shared>,
    options: Options,
    registry: Registry,
    counters: Counters,
    waiting: VecDeque<Waiting>,
    waiting_bytes: usize,
    /// When the waiting records are due; `None` when there are none.
    due: Option<Instant>,
    trouble: Option<Trouble>,
    /// Dropped records by source, until a commit can tell of them.
    dropped: Tallies,
    next_sweep: Instant,
}

impl Committer {
    pub(crate) fn new(
        connection: Connection,
        inbox: Receiver<Command>,
        shared: Arc<Shared>,
        options: Options,
        registry: &Registry,
    ) -> Self {
        let counter = |metric| registry.counter(metric, "");
        Self {
            connection,
            inbox,
            shared,
            options,
            counters: Counters {
                events: counter(Metric::StoreEvents),
                commits: counter(Metric::StoreCommits),
                retries: counter(Metric::StoreRetries),
            },
            registry: registry.clone(),
            waiting: VecDeque::new(),
            waiting_bytes: 0,
            due: None,
            trouble: None,
            dropped: Tallies::default(),
            next_sweep: Instant::now(),
        }
    }

    /// Serves commands until told to stop, then commits what is left.
    pub(crate) fn run(mut self) {
        while self.serve(self.next()) {}
        while let Ok(command) = self.inbox.try_recv() {
            self.serve(Some(command));
        }
        if let Err(error) = self.commit_all() {
            tracing::error!(%error, lost = self.waiting.len(), "last commit of the store failed");
            self.drop_waiting();
        }
        self.shared.close();
    }

    /// The next command; `None` when the waiting records or a sweep are due first.
    fn next(&self) -> Option<Command> {
        let due = self.due.map_or(self.next_sweep, |due| due.min(self.next_sweep));
        match self.inbox.recv_deadline(due) {
            Ok(command) => Some(command),
            Err(RecvTimeoutError::Timeout) => None,
            Err(RecvTimeoutError::Disconnected) => Some(Command::Stop),
        }
    }

    /// Does one command; whether to go on.
    fn serve(&mut self, command: Option<Command>) -> bool {
        match command {
            Some(Command::Append(waiting)) => self.take(*waiting),
            Some(Command::Flush(reply)) => {
                // Whoever asked may have gone.
                let _ = reply.send(self.commit_all());
            }
            Some(Command::Change(change)) => {
                // Order holds: what was appended before is committed before. If it cannot be, the
                // change is tried all the same; it may be the one that makes room.
                let _ = self.commit_all();
                change(&mut self.connection);
            }
            Some(Command::Stop) => return false,
            None => {}
        }
        if self.due.is_some_and(|due| due <= Instant::now()) {
            // What went wrong is noted and tried again when due.
            let _ = self.commit_all();
        }
        if self.next_sweep <= Instant::now() {
            self.sweep();
        }
        true
    }

    fn sweep(&mut self) {
        let swept = sweep(&mut self.connection, &self.options.retention, OffsetDateTime::now_utc());
        let rest = match swept {
            Ok(true) => SWEEP_PAUSE,
            Ok(false) => SWEEP_INTERVAL,
            Err(error) => {
                let error: &dyn std::error::Error = &error;
                tracing::warn!(error, "old log lines could not be deleted");
                SWEEP_INTERVAL
            }
        };
        self.next_sweep = Instant::now() + rest;
    }

    /// Adds a record to the waiting ones.
    fn take(&mut self, waiting: Waiting) {
        let record = &waiting.record;
        let full = self.waiting.len() >= MAX_WAITING
            || self.waiting_bytes + record.raw.len() > MAX_WAITING_BYTES;
        if let (true, Some(trouble)) = (full, &self.trouble) {
            self.registry.counter(Metric::IngestDropped, trouble.drop_reason).add(1);
            self.dropped.drop_record(record);
            return;
        }
        self.waiting_bytes += record.raw.len();
        self.waiting.push_back(waiting);
        if self.due.is_none() {
            self.due = Some(Instant::now() + self.options.commit_interval);
        }
        if self.trouble.is_none() && (full || self.waiting.len() >= MAX_BATCH) {
            self.due = Some(Instant::now());
        }
    }

    /// Commits all waiting records, in as many transactions as they need.
    fn commit_all(&mut self) -> Result<(), StoreError> {
        while !self.waiting.is_empty() {
            match self.commit_some() {
                Ok(()) => self.recover(),
                Err(error) => {
                    self.note_failure(&error);
                    return Err(error);
                }
            }
        }
        self.due = None;
        Ok(())
    }

    fn commit_some(&mut self) -> Result<(), StoreError> {
        let count = self.waiting.len().min(MAX_BATCH);
        let transaction = self.connection.transaction()?;
        let records = self.waiting.iter().take(count).map(|waiting| &waiting.record);
        let batch = insert_events(&transaction, records, self.dropped.clone())?;
        transaction.commit()?;
        self.dropped = Tallies::default();
        self.counters.commits.add(1);
        self.forget(count, &batch);
        Ok(())
    }

    /// Lets go of what is committed, and tells those who wait for it.
    fn forget(&mut self, count: usize, batch: &Batch) {
        for Waiting { record, confirmation } in self.waiting.drain(..count) {
            self.waiting_bytes -= record.raw.len();
            if let Some(confirm) = confirmation {
                confirm();
            }
        }
        self.counters.events.add(batch.stored);
        if batch.refused > 0 {
            self.registry.counter(Metric::IngestDropped, "unstorable").add(batch.refused);
        }
        if let Some(last) = batch.last {
            self.shared.publish(last);
        }
    }

    fn recover(&mut self) {
        if self.trouble.take().is_some() {
            tracing::info!("the store commits again");
            self.shared.set_health(Health::default());
        }
    }

    fn note_failure(&mut self, error: &StoreError) {
        self.counters.retries.add(1);
        let failures = self.trouble.as_ref().map_or(0, |trouble| trouble.failures) + 1;
        let drop_reason = match error {
            StoreError::Full => "disk_full",
            _ => "store_error",
        };
        if failures == 1 {
            tracing::error!(error = error as &dyn std::error::Error, "the store cannot commit");
        }
        self.trouble = Some(Trouble { failures, drop_reason });
        let doublings = (failures - 1).min(MAX_DOUBLINGS);
        let wait = (FIRST_BACKOFF * 2u32.pow(doublings)).min(LONGEST_BACKOFF);
        self.due = Some(Instant::now() + wait);
        let reason = match error {
            StoreError::Full => error.to_string(),
            StoreError::Database(source) => format!("{error}: {source}"),
            other => other.to_string(),
        };
        self.shared.set_health(Health { degraded: true, reason: Some(reason) });
    }

    fn drop_waiting(&mut self) {
        let lost = mem::take(&mut self.waiting).len() as u64;
        let reason = self.trouble.as_ref().map_or("store_error", |trouble| trouble.drop_reason);
        self.registry.counter(Metric::IngestDropped, reason).add(lost);
    }
}

/// Whether an error lies in the record and not in the disk: trying again would fail for ever.
pub(crate) fn is_fault_of_record(error: &rusqlite::Error) -> bool {
    matches!(
        error.sqlite_error_code(),
        Some(ErrorCode::TooBig | ErrorCode::ConstraintViolation | ErrorCode::TypeMismatch)
    )
}

#[cfg(test)]
mod tests;
