use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::{Duration, Instant};

use crossbeam_channel::{Sender, bounded};
use rusqlite::Transaction;
use vedette_event::{EventId, LogRecord};

use crate::commit::ENOUGH;
use crate::{Closed, StoreError};

/// Records handed over at once: as many as make a commit, so that the writer thread is woken for all of
/// them together.
pub const BATCH: usize = ENOUGH;

/// Commands that wait for the writer thread before [`Writer::append`] blocks: with the longest batches
/// about a tenth of a second of a heavy burst, so that back pressure reaches the sockets before memory
/// does.
pub const QUEUE_LENGTH: usize = 64;

/// Told whether the disk was flushed.
pub(crate) type Answer = Box<dyn FnOnce(Result<(), StoreError>) + Send>;

/// A change run by the writer thread; its caller is answered when it is on the disk.
pub(crate) type Change = Box<dyn FnOnce(&mut rusqlite::Connection) -> Answer + Send>;

/// A test's own handling of the lines.
#[cfg(test)]
pub(crate) type LinesChange =
    Box<dyn FnOnce(&mut rusqlite::Connection, &mut crate::lines::LineWriter) + Send>;

/// Told once a record is durable, or counted as one that cannot be stored; dropped untold when the
/// record is lost otherwise.
pub type Confirmation = Box<dyn FnOnce() + Send>;

/// A record on its way to the disk.
pub struct Waiting {
    /// The record.
    pub record: LogRecord,
    /// Whom to tell when it is safe, where its sender waits to hear of it.
    pub confirmation: Option<Confirmation>,
}

/// What the writer thread is told.
pub(crate) enum Command {
    Append(Vec<Waiting>),
    Flush(Answer),
    Change(Change),
    #[cfg(test)]
    Lines(LinesChange),
    Stop,
}

/// How the store fares.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Health {
    /// Whether commits fail at present; records are kept and tried again, within bounds.
    pub degraded: bool,
    /// Why.
    pub reason: Option<String>,
}

/// What writers and the writer thread share.
#[derive(Debug)]
pub(crate) struct Shared {
    health: Mutex<Health>,
    /// Why the disk could not be flushed, until all is safe again.
    unflushed: Mutex<Option<String>>,
    committed: Mutex<News>,
    news: Condvar,
}

#[derive(Debug)]
struct News {
    last: EventId,
    closed: bool,
}

impl Shared {
    pub(crate) fn new(last: EventId) -> Self {
        Self {
            health: Mutex::default(),
            unflushed: Mutex::default(),
            committed: Mutex::new(News { last, closed: false }),
            news: Condvar::new(),
        }
    }

    pub(crate) fn set_health(&self, health: Health) {
        *self.health.lock().unwrap_or_else(PoisonError::into_inner) = health;
    }

    pub(crate) fn unflushed(&self) -> Option<String> {
        self.unflushed.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(crate) fn set_unflushed(&self, reason: Option<String>) {
        *self.unflushed.lock().unwrap_or_else(PoisonError::into_inner) = reason;
    }

    pub(crate) fn publish(&self, last: EventId) {
        self.committed.lock().unwrap_or_else(PoisonError::into_inner).last = last;
        self.news.notify_all();
    }

    pub(crate) fn close(&self) {
        self.committed.lock().unwrap_or_else(PoisonError::into_inner).closed = true;
        self.news.notify_all();
    }
}

/// A handle on the writer thread; clone it freely. The functions for the single tables stand in
/// their modules; all of them block until the change is durable.
#[derive(Clone, Debug)]
pub struct Writer {
    commands: Sender<Command>,
    shared: Arc<Shared>,
}

impl Writer {
    pub(crate) fn new(commands: Sender<Command>, shared: Arc<Shared>) -> Self {
        Self { commands, shared }
    }

    pub(crate) fn send(&self, command: Command) -> Result<(), Closed> {
        self.commands.send(command).map_err(|_| Closed)
    }

    /// Hands over a record for the next group commit. Blocks while the queue is full.
    ///
    /// # Errors
    /// When the store was closed.
    pub fn append(&self, record: LogRecord) -> Result<(), Closed> {
        self.send(Command::Append(vec![Waiting { record, confirmation: None }]))
    }

    /// The same for several records, of which at most [`BATCH`] stand in the queue as one.
    ///
    /// # Errors
    /// When the store was closed.
    pub fn append_all(&self, mut records: Vec<Waiting>) -> Result<(), Closed> {
        while records.len() > BATCH {
            let rest = records.split_off(BATCH);
            self.send(Command::Append(std::mem::replace(&mut records, rest)))?;
        }
        if records.is_empty() { Ok(()) } else { self.send(Command::Append(records)) }
    }

    /// The same for a record whose sender waits to hear that it is safe.
    ///
    /// # Errors
    /// When the store was closed.
    pub fn append_confirmed(
        &self,
        record: LogRecord,
        confirmation: Confirmation,
    ) -> Result<(), Closed> {
        let confirmation = Some(confirmation);
        self.send(Command::Append(vec![Waiting { record, confirmation }]))
    }

    /// Waits until everything appended before is durable.
    ///
    /// # Errors
    /// When it could not be committed now; the records are kept and tried again, within bounds.
    pub fn flush(&self) -> Result<(), StoreError> {
        let (reply, answer) = bounded(1);
        self.send(Command::Flush(Box::new(move |flushed| drop(reply.send(flushed)))))?;
        answer.recv().map_err(|_| Closed)?
    }

    /// How the store fares.
    pub fn health(&self) -> Health {
        let health = self.shared.health.lock().unwrap_or_else(PoisonError::into_inner).clone();
        match self.shared.unflushed() {
            Some(reason) if !health.degraded => Health { degraded: true, reason: Some(reason) },
            _ => health,
        }
    }

    /// Sleeps until an event after this one is committed, the store is closed, or the time is up;
    /// the last committed event.
    pub fn wait_for_news(&self, after: EventId, timeout: Duration) -> EventId {
        let deadline = Instant::now() + timeout;
        let mut committed = self.shared.committed.lock().unwrap_or_else(PoisonError::into_inner);
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            if committed.last > after || committed.closed || left.is_zero() {
                return committed.last;
            }
            (committed, _) = self
                .shared
                .news
                .wait_timeout(committed, left)
                .unwrap_or_else(PoisonError::into_inner);
        }
    }

    #[cfg(test)]
    pub(crate) fn shared(&self) -> &Shared {
        &self.shared
    }

    /// Lends the writer's connection to a test.
    #[cfg(test)]
    pub(crate) fn with_connection<T: Send + 'static>(
        &self,
        mut work: impl FnMut(&mut rusqlite::Connection) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let (reply, answer) = bounded(1);
        let run = move |connection: &mut rusqlite::Connection| {
            let outcome = work(connection);
            Box::new(move |_| drop(reply.send(outcome))) as Answer
        };
        self.send(Command::Change(Box::new(run)))?;
        answer.recv().map_err(|_| Closed)?
    }

    /// Lends what lines are written with to a test.
    #[cfg(test)]
    pub(crate) fn with_lines<T: Send + 'static>(
        &self,
        work: impl FnOnce(
            &mut rusqlite::Connection,
            &mut crate::lines::LineWriter,
        ) -> Result<T, StoreError>
        + Send
        + 'static,
    ) -> Result<T, StoreError> {
        let (reply, answer) = bounded(1);
        self.send(Command::Lines(Box::new(move |connection, lines| {
            let _ = reply.send(work(connection, lines));
        })))?;
        answer.recv().map_err(|_| Closed)?
    }

    /// Moves the block in the making to a segment.
    #[cfg(test)]
    pub(crate) fn seal(&self) -> Result<(), StoreError> {
        self.with_lines(|connection, lines| lines.seal(connection))
    }

    /// Runs a change on the writer thread, in a transaction, and waits until it is durable.
    pub(crate) fn change<T: Send + 'static>(
        &self,
        mut change: impl FnMut(&Transaction<'_>) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let (reply, answer) = bounded(1);
        let run = move |connection: &mut rusqlite::Connection| {
            let outcome = in_transaction(connection, &mut change);
            let answer = move |flushed: Result<(), StoreError>| {
                // A caller that no longer waits has died; the change stands all the same.
                let _ = reply.send(outcome.and_then(|value| flushed.map(|()| value)));
            };
            Box::new(answer) as Answer
        };
        self.send(Command::Change(Box::new(run)))?;
        answer.recv().map_err(|_| Closed)?
    }
}

/// Tries of one change when the disk errs for a moment; its caller hears of the last.
const CHANGE_TRIES: usize = 3;

fn in_transaction<T>(
    connection: &mut rusqlite::Connection,
    change: &mut impl FnMut(&Transaction<'_>) -> Result<T, StoreError>,
) -> Result<T, StoreError> {
    let mut attempt = || {
        let transaction = connection.transaction()?;
        let outcome = change(&transaction)?;
        transaction.commit()?;
        Ok(outcome)
    };
    for _ in 1..CHANGE_TRIES {
        match attempt() {
            Err(StoreError::Database(error)) => {
                tracing::warn!(%error, "change of the store failed, trying again");
            }
            answer => return answer,
        }
    }
    attempt()
}
