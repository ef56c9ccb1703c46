//! The writer thread: gathers records, commits them in groups, keeps them when the disk errs.

use std::collections::VecDeque;
use std::mem;
use std::sync::Arc;
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, RecvTimeoutError};
use rusqlite::{Connection, Transaction};
use time::OffsetDateTime;
use vedette_telemetry::{Counter, Metric, Registry};

use crate::events::Tallies;
use crate::flush::{Disk, Waiter, copy_all};
use crate::lines::LineWriter;
use crate::retention::{SWEEP_INTERVAL, SWEEP_PAUSE, Sweeper};
use crate::writer::{Command, Shared, Waiting};
use crate::{Health, Options, StoreError};

/// Records that wait no longer for others: so many are lost at most when the process dies under a
/// sender that hears of nothing (plain TCP), and the cost of a commit is shared by enough.
pub const ENOUGH: usize = 64;

/// Records in one transaction at most.
pub const MAX_BATCH: usize = 1024;

/// Longest raw line stored; far above what any listener lets in.
pub const MAX_LINE: usize = 16 << 20;

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

/// Writes groups of records. A group is safe from the death of the process as soon as it is
/// committed, and from a power cut as soon as the disk was flushed behind it, which is asked for when
/// somebody waits to hear of it, and once in every commit interval.
pub(crate) struct Committer {
    connection: Connection,
    disk: Disk,
    lines: LineWriter,
    sweeper: Sweeper,
    inbox: Receiver<Command>,
    shared: Arc<Shared>,
    options: Options,
    registry: Registry,
    counters: Counters,
    waiting: VecDeque<Waiting>,
    waiting_bytes: usize,
    /// When the flush of all that came must begin; `None` when it has.
    due: Option<Instant>,
    trouble: Option<Trouble>,
    /// Counts by source since the last flush.
    tallies: Tallies,
    next_sweep: Instant,
}

impl Committer {
    pub(crate) fn new(
        (connection, disk): (Connection, Disk),
        (lines, tallies): (LineWriter, Tallies),
        inbox: Receiver<Command>,
        shared: Arc<Shared>,
        (options, registry): (Options, &Registry),
    ) -> Self {
        let counter = |metric| registry.counter(metric, "");
        Self {
            connection,
            disk,
            lines,
            sweeper: Sweeper::default(),
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
            due: (!tallies.is_empty()).then(Instant::now),
            trouble: None,
            tallies,
            next_sweep: Instant::now(),
        }
    }

    /// Serves commands until told to stop, then commits what is left.
    pub(crate) fn run(mut self) {
        while self.serve(self.next()) {}
        while let Ok(command) = self.inbox.try_recv() {
            self.serve(Some(command));
        }
        if let Err(error) = self.flush(Vec::new()) {
            tracing::error!(%error, lost = self.waiting.len(), "last commit of the store failed");
            self.drop_waiting();
        }
        // Ends when the last flush has.
        drop(self.disk);
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
            Some(Command::Append(records)) => {
                records.into_iter().for_each(|waiting| self.take(waiting));
            }
            Some(Command::Flush(answer)) => match self.commit_all() {
                Ok(()) => self.ask_for_flush(vec![Waiter::Caller(answer)]),
                Err(error) => answer(Err(error)),
            },
            Some(Command::Change(change)) => {
                // Order holds: what was appended before is committed before. If it cannot be, the
                // change is tried all the same; it may be the one that makes room.
                let _ = self.commit_waiting();
                let answer = change(&mut self.connection);
                self.disk.flush(vec![Waiter::Caller(answer)]);
            }
            #[cfg(test)]
            Some(Command::Lines(change)) => {
                let _ = self.flush(Vec::new());
                change(&mut self.connection, &mut self.lines);
            }
            Some(Command::Stop) => return false,
            None => {}
        }
        // What goes wrong here is noted and tried again when due.
        if self.due.is_some_and(|due| due <= Instant::now()) {
            let _ = self.flush(Vec::new());
        } else if self.has_enough() {
            let _ = self.commit_waiting();
        }
        if self.next_sweep <= Instant::now() {
            self.sweep();
            if self.shared.unflushed().is_some() {
                let _ = self.flush(Vec::new());
            }
        }
        true
    }

    /// Whether the waiting records are worth a commit before they are due.
    fn has_enough(&self) -> bool {
        let waiting = self.waiting.len();
        self.trouble.is_none()
            && (waiting >= MAX_BATCH || (waiting >= ENOUGH && self.inbox.is_empty()))
    }

    fn sweep(&mut self) {
        let (connection, lines) = (&mut self.connection, &mut self.lines);
        let now = OffsetDateTime::now_utc();
        let swept = self.sweeper.sweep(connection, lines, &self.options.retention, now);
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
        if record.raw.len() > MAX_LINE {
            self.drop_record(record, "unstorable");
            if let Some(confirm) = waiting.confirmation {
                confirm();
            }
            return;
        }
        let full = self.waiting.len() >= MAX_WAITING
            || self.waiting_bytes + record.raw.len() > MAX_WAITING_BYTES;
        if let (true, Some(trouble)) = (full, &self.trouble) {
            let reason = trouble.drop_reason;
            self.drop_record(record, reason);
            return;
        }
        self.waiting_bytes += record.raw.len();
        self.waiting.push_back(waiting);
        if self.due.is_none() {
            self.due = Some(Instant::now() + self.options.commit_interval);
        }
        if full {
            self.due = Some(Instant::now());
        }
    }

    fn drop_record(&mut self, record: &vedette_event::LogRecord, reason: &'static str) {
        self.registry.counter(Metric::IngestDropped, reason).add(1);
        self.tallies.drop_record(record);
    }

    /// Commits all that waits and has the disk flushed.
    fn flush(&mut self, waiters: Vec<Waiter>) -> Result<(), StoreError> {
        self.commit_all()?;
        self.ask_for_flush(waiters);
        Ok(())
    }

    fn ask_for_flush(&mut self, waiters: Vec<Waiter>) {
        self.due = None;
        self.disk.flush(waiters);
    }

    /// Commits all that waits and what was counted of it.
    fn commit_all(&mut self) -> Result<(), StoreError> {
        self.commit_waiting()?;
        let written = self.make_safe().and_then(|()| self.write_tallies());
        match &written {
            Ok(()) => self.recover(),
            Err(error) => self.note_failure(error),
        }
        written
    }

    /// After a flush that failed, nobody knows what of the log is on the disk.
    fn make_safe(&self) -> Result<(), StoreError> {
        if self.shared.unflushed().is_some() {
            copy_all(&self.connection)?;
            self.shared.set_unflushed(None);
        }
        Ok(())
    }

    /// The counts by source are written with the flush: a commit that writes nothing flushes nothing.
    fn write_tallies(&mut self) -> Result<(), StoreError> {
        if self.tallies.is_empty() {
            return Ok(());
        }
        let tallies = &self.tallies;
        let write = |transaction: &Transaction<'_>, last| tallies.write(transaction, last);
        self.lines.note(&mut self.connection, write)?;
        self.tallies = Tallies::default();
        Ok(())
    }

    /// Commits all waiting records, in as many transactions as they need.
    fn commit_waiting(&mut self) -> Result<(), StoreError> {
        while !self.waiting.is_empty() {
            match self.commit_some() {
                Ok(()) => self.recover(),
                Err(error) => {
                    self.note_failure(&error);
                    return Err(error);
                }
            }
        }
        Ok(())
    }

    fn commit_some(&mut self) -> Result<(), StoreError> {
        if self.lines.is_full() {
            // Lines that were not counted by source are looked for in the journal, which they leave now.
            self.write_tallies()?;
        }
        let records = self.waiting.iter().take(MAX_BATCH).map(|waiting| &waiting.record);
        let count = self.lines.append(&mut self.connection, records, |_, _| Ok(()))?;
        self.counters.commits.add(1);
        self.forget(count);
        Ok(())
    }

    /// Lets go of what is committed, and has those told who wait for it.
    fn forget(&mut self, count: usize) {
        let mut waiters = Vec::new();
        let mut bytes = 0;
        for Waiting { record, confirmation } in self.waiting.drain(..count) {
            bytes += record.raw.len();
            self.tallies.store_record(&record);
            waiters.extend(confirmation.map(Waiter::Line));
        }
        self.waiting_bytes -= bytes;
        self.counters.events.add(count as u64);
        self.shared.publish(self.lines.last());
        if !waiters.is_empty() {
            self.disk.flush(waiters);
        }
        self.disk.wrote(bytes, &self.connection);
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

#[cfg(test)]
mod tests;
