//! The box's own log: a `journalctl` that follows systemd's journal, restarted when it ends.
//!
//! The journal itself is the buffer. How far its entries are committed stands in a file, from which
//! reading goes on after a restart; what a killed process had committed beyond is marked as repeated.

mod cursor;
mod entry;

use std::io;
use std::mem;
use std::os::fd::OwnedFd;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncBufRead, AsyncBufReadExt, BufReader};
use tokio::net::unix::pipe::Receiver;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{interval, sleep};
use tokio_util::sync::CancellationToken;
use vedette_event::{Peer, Transport};

use crate::intake::Gate;
use crate::relp::WINDOW;
use crate::repeats::{Memory, Repeats};
use crate::{IngestError, Receipt};
use cursor::{CursorFile, Position};
use entry::Entry;

/// Longest entry kept whole, as JSON: binary text takes four bytes for one, and a frame has 1 MiB at
/// most.
const ENTRY_MAX: usize = 8 << 20;

/// Pause before `journalctl` is started again; doubled each time that it ended without an entry.
const FIRST_PAUSE: Duration = Duration::from_secs(1);

/// Longest pause: a journal that comes back is read again within it.
const LONGEST_PAUSE: Duration = Duration::from_secs(60);

/// How often it is noted how far entries are committed.
const NOTE_INTERVAL: Duration = Duration::from_secs(1);

/// What follows the journal.
pub(crate) struct JournalReader {
    program: PathBuf,
    file: CursorFile,
}

/// What entries are handed on with.
struct Delivery {
    gate: Gate,
    max_frame: usize,
    memory: Memory,
    position: Position,
    /// Places for entries on their way to the disk.
    window: Arc<Semaphore>,
}

/// A running `journalctl`, ended with us.
struct Follower {
    child: Child,
    entries: Entries<BufReader<Receiver>>,
}

impl Drop for Follower {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl JournalReader {
    /// Looks whether the program can be run.
    pub(crate) fn open(program: PathBuf, cursor: PathBuf) -> Result<Self, IngestError> {
        let mut probe = Command::new(&program);
        probe.arg("--version").stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        match probe.status() {
            Ok(_) => Ok(Self { program, file: CursorFile(cursor) }),
            Err(source) => Err(IngestError::Journal { program, source }),
        }
    }

    /// Reads until shutdown, then waits until what it handed on is safe or the time is up.
    pub(crate) async fn read(
        self,
        (gate, repeats): (Gate, Repeats),
        max_frame: usize,
        (shutdown, expired): (CancellationToken, CancellationToken),
    ) {
        let window = Arc::new(Semaphore::new(WINDOW));
        let memory = repeats.begin((Transport::Unix, Peer::Local), window.clone());
        let position = Position::new(self.file.read());
        let mut delivery = Delivery { gate, max_frame, memory, position, window };
        self.follow(&mut delivery, &shutdown).await;
        let all = u32::try_from(WINDOW).expect("the window is small");
        tokio::select! {
            _ = delivery.window.acquire_many(all) => {}
            () = expired.cancelled() => {}
        }
        self.file.note(&delivery.position).await;
    }

    /// Runs one `journalctl` after the other.
    async fn follow(&self, delivery: &mut Delivery, shutdown: &CancellationToken) {
        let mut pause = FIRST_PAUSE;
        while !shutdown.is_cancelled() {
            let before = delivery.position.handed_on().map(str::to_owned);
            let ended = match Follower::start(&self.program, before.as_deref()) {
                Ok(mut follower) => self.take_all(&mut follower, delivery, shutdown).await,
                Err(error) => Err(error),
            };
            if shutdown.is_cancelled() {
                return;
            }
            let why = ended.err().map(|error| error.to_string());
            if before.as_deref() != delivery.position.handed_on() {
                pause = FIRST_PAUSE;
            }
            let program = self.program.display();
            tracing::warn!(%program, why, ?pause, "what reads the journal ended; it is started again");
            tokio::select! {
                () = sleep(pause) => {}
                () = shutdown.cancelled() => {}
            }
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
    }

    /// Hands on entries until the program ends, or shutdown.
    async fn take_all(
        &self,
        follower: &mut Follower,
        delivery: &mut Delivery,
        shutdown: &CancellationToken,
    ) -> io::Result<()> {
        let mut note_time = interval(NOTE_INTERVAL);
        loop {
            tokio::select! {
                () = shutdown.cancelled() => return Ok(()),
                _ = note_time.tick() => self.file.note(&delivery.position).await,
                entry = follower.entries.next() => match entry? {
                    Some((entry, cut)) => delivery.deliver(&entry, cut).await,
                    None => return Ok(()),
                },
            }
        }
    }
}

impl Delivery {
    async fn deliver(&mut self, json: &[u8], cut: bool) {
        let (mut line, cursor) = match Entry::read(json) {
            Ok(entry) => (entry.line(), Some(entry.cursor)),
            // What cannot be read is kept as it is.
            Err(_) => (json.to_vec(), None),
        };
        let truncated = cut || line.len() > self.max_frame;
        line.truncate(self.max_frame);
        let place = self.window.clone().acquire_owned().await;
        let place: OwnedSemaphorePermit = place.expect("the window is never closed");
        let note = self.memory.note(&line).await;
        let committed = self.position.hand_on(cursor);
        let receipt = Receipt::new(note.repeated, move || {
            note.committed();
            committed();
            drop(place);
        });
        self.gate.deliver((line, truncated), Peer::Local, Some(receipt)).await;
    }
}

impl Follower {
    /// Begins after an entry, or with the newest one.
    fn start(program: &PathBuf, after: Option<&str>) -> io::Result<Self> {
        let mut command = Command::new(program);
        // `--all`: else long texts are left out.
        command.args(["--follow", "--all", "--output=json", "--no-pager", "--quiet"]);
        command.arg(format!("--output-fields={}", entry::FIELDS));
        match after {
            Some(cursor) => {
                command.args(["--no-tail".to_owned(), format!("--after-cursor={cursor}")])
            }
            None => command.arg("--lines=1"),
        };
        let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).spawn()?;
        let output = child.stdout.take().expect("it is a pipe");
        let output = Receiver::from_owned_fd(OwnedFd::from(output));
        let reader = BufReader::new(output.inspect_err(|_| drop(child.kill()))?);
        Ok(Self { child, entries: Entries { reader, entry: Vec::new(), cut: false } })
    }
}

/// Lines of bounded length; a call of [`Entries::next`] that is given up loses nothing.
struct Entries<R> {
    reader: R,
    entry: Vec<u8>,
    cut: bool,
}

impl<R: AsyncBufRead + Unpin> Entries<R> {
    /// The next line and whether it was cut; one that the end cuts off is left for the next reader.
    async fn next(&mut self) -> io::Result<Option<(Vec<u8>, bool)>> {
        loop {
            let chunk = self.reader.fill_buf().await?;
            if chunk.is_empty() {
                return Ok(None);
            }
            let end = chunk.iter().position(|byte| *byte == b'\n');
            let part = &chunk[..end.unwrap_or(chunk.len())];
            let room = ENTRY_MAX - self.entry.len();
            self.entry.extend_from_slice(&part[..part.len().min(room)]);
            self.cut |= part.len() > room;
            let used = part.len() + usize::from(end.is_some());
            self.reader.consume(used);
            if end.is_some() {
                return Ok(Some((mem::take(&mut self.entry), mem::take(&mut self.cut))));
            }
        }
    }
}
