//! Where datagrams wait while the queue of frames is full: their senders cannot. First in a little memory,
//! then in the spool; in the order in which they came.

use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::runtime::Handle;
use tokio_util::sync::CancellationToken;

use crate::backlog::Backlog;
use crate::intake::{DropReason, Intake};
use crate::spool::{Appended, Spool};
use crate::udp::BURST;
use crate::{Counts, Frame, Receipt};

/// Memory for what waits before the spool is used: three thousand datagrams of 200 bytes, so that no file
/// is made for a hitch of some hundredths of a second. Few, because they are lost when the process is killed.
const BEFORE_SPOOL: usize = 1 << 20;

/// Memory for what waits where there is no spool: 280,000 datagrams of 200 bytes. A burst waits here instead
/// of in the kernel, whose buffer is small where nobody may ask for more, and holds a third as many in the
/// same memory.
const WITHOUT_SPOOL: usize = 96 << 20;

/// How long to wait for something that waits before looking at whether to stop.
const WAIT: Duration = Duration::from_millis(100);

/// The waiting room of all sockets for datagrams; a cheap handle.
#[derive(Clone)]
pub(crate) struct Overflow(Arc<Room>);

struct Room {
    waiting: Mutex<Waiting>,
    news: Condvar,
}

/// What waits, oldest first: `front`, then the spool, then `stuck`.
struct Waiting {
    front: Backlog,
    /// How many at the front's beginning came out of the spool.
    from_spool: u64,
    /// How many of those nobody took in time.
    given_back: u64,
    spool: Option<Spool>,
    /// What the disk did not take; until it does, what comes stays with the kernel.
    stuck: Vec<Frame>,
}

impl Overflow {
    /// Waiting room with a spool, or in memory only.
    pub(crate) fn new(spool: Option<Spool>) -> Self {
        let memory = if spool.is_some() { BEFORE_SPOOL } else { WITHOUT_SPOOL };
        let (front, stuck) = (Backlog::new(memory), Vec::new());
        let waiting = Waiting { front, from_spool: 0, given_back: 0, spool, stuck };
        Self(Arc::new(Room { waiting: Mutex::new(waiting), news: Condvar::new() }))
    }

    fn waiting(&self) -> MutexGuard<'_, Waiting> {
        self.0.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether what comes next stays with the kernel. Looked at before a burst is read, so that it is
    /// passed by a burst at most.
    pub(crate) fn is_full(&self) -> bool {
        self.waiting().is_full()
    }

    /// Hands frames on, or has them wait; those for which there is no room are given back.
    pub(crate) fn take(&self, frames: Vec<Frame>, intake: &Intake) -> Vec<Frame> {
        let mut waiting = self.waiting();
        let mut frames = frames.into_iter();
        if waiting.is_empty() {
            intake.hand_on_some(|| frames.next());
        }
        if frames.len() == 0 {
            return Vec::new();
        }
        let turned_away = waiting.push(frames);
        drop(waiting);
        self.0.news.notify_one();
        turned_away
    }

    /// Hands on what waits as there comes room, until all receivers are gone; then what is in memory.
    /// What lies in the spool stays for the next process.
    pub(crate) fn feed(&self, intake: &Intake, receiving: &CancellationToken) {
        let runtime = Handle::current();
        while !receiving.is_cancelled() {
            if !self.wait() {
                continue;
            }
            let Some(place) = intake.place(&runtime) else {
                // Nobody takes frames any more, and soon nobody brings any.
                runtime.block_on(receiving.cancelled());
                break;
            };
            // Not held while waiting for the place: whoever makes room may have to note what is committed.
            let mut waiting = self.waiting();
            if let Some(frame) = self.next(&mut waiting, intake) {
                intake.hand_on(place, frame);
            }
            intake.hand_on_some(|| self.next(&mut waiting, intake));
        }
        self.feed_rest(intake, &runtime);
    }

    fn feed_rest(&self, intake: &Intake, runtime: &Handle) {
        loop {
            let place = intake.place(runtime);
            let mut waiting = self.waiting();
            waiting.unstick();
            let spooled = waiting.from_spool > 0;
            let Some(frame) = waiting.pop() else { return };
            match place {
                Some(place) => intake.hand_on(place, frame),
                // It is on the disk still.
                None if spooled => waiting.given_back += 1,
                None => intake.drop_frames([frame], DropReason::Shutdown),
            }
        }
    }

    /// Waits a little for something to hand on; whether there is.
    fn wait(&self) -> bool {
        let waiting = self.waiting();
        let empty = |waiting: &mut Waiting| waiting.is_empty();
        let waited = self.0.news.wait_timeout_while(waiting, WAIT, empty);
        !waited.unwrap_or_else(PoisonError::into_inner).0.is_empty()
    }

    /// The oldest; out of the spool when nothing is left in memory.
    fn next(&self, waiting: &mut Waiting, intake: &Intake) -> Option<Frame> {
        if waiting.front.is_empty() {
            self.refill(waiting, intake);
        }
        waiting.pop()
    }

    fn refill(&self, waiting: &mut Waiting, intake: &Intake) {
        let Some(spool) = waiting.spool.as_mut().filter(|spool| !spool.is_empty()) else {
            return waiting.unstick();
        };
        let (mut frames, up_to, lost) = spool.read();
        let room = Arc::clone(&self.0);
        let receipt = Receipt::new(false, move || {
            let mut waiting = room.waiting.lock().unwrap_or_else(PoisonError::into_inner);
            if let Some(spool) = &mut waiting.spool {
                spool.committed(up_to);
            }
        });
        if let Some(last) = frames.last_mut() {
            last.receipt = Some(receipt);
        }
        waiting.from_spool = frames.len() as u64;
        frames.into_iter().for_each(|frame| waiting.front.push(frame));
        if lost > 0 {
            tracing::error!(lost, "spooled lines are damaged and cannot be read");
            intake.lost_in_spool(lost);
        }
    }

    /// Adds what was found in the spool at the beginning and what is left there.
    pub(crate) fn count(&self, counts: Counts) -> Counts {
        let waiting = self.waiting();
        let Some(spool) = &waiting.spool else { return counts };
        Counts {
            found: spool.found(),
            left: spool.waiting() + waiting.from_spool + waiting.given_back,
            ..counts
        }
    }
}

impl Waiting {
    fn is_empty(&self) -> bool {
        self.front.is_empty() && self.stuck.is_empty() && self.is_spool_empty()
    }

    fn is_spool_empty(&self) -> bool {
        self.spool.as_ref().is_none_or(Spool::is_empty)
    }

    fn is_full(&mut self) -> bool {
        let Some(spool) = &mut self.spool else { return self.front.is_full() };
        while !self.stuck.is_empty() {
            let some = self.stuck.len().min(BURST);
            match spool.append(&self.stuck[..some]) {
                Ok(Appended::Yes) => drop(self.stuck.drain(..some)),
                Ok(Appended::Full) | Err(_) => return true,
            }
        }
        false
    }

    /// Has frames wait behind all others; those for which there is no room are given back.
    fn push(&mut self, mut frames: impl Iterator<Item = Frame>) -> Vec<Frame> {
        let in_memory = self.is_spool_empty() && self.stuck.is_empty();
        while in_memory && (self.spool.is_none() || !self.front.is_full()) {
            let Some(frame) = frames.next() else { return Vec::new() };
            self.front.push(frame);
        }
        let frames: Vec<Frame> = frames.collect();
        let Some(spool) = &mut self.spool else { return frames };
        if frames.is_empty() || !self.stuck.is_empty() {
            self.stuck.extend(frames);
            return Vec::new();
        }
        match spool.append(&frames) {
            Ok(Appended::Yes) => Vec::new(),
            Ok(Appended::Full) => frames,
            Err(error) => {
                tracing::warn!(%error, "the disk takes no datagrams; they stay with the kernel");
                self.stuck = frames;
                Vec::new()
            }
        }
    }

    /// Has what the disk did not take wait in memory, once nothing is before it.
    fn unstick(&mut self) {
        if self.is_spool_empty() {
            self.stuck.drain(..).for_each(|frame| self.front.push(frame));
        }
    }

    fn pop(&mut self) -> Option<Frame> {
        let frame = self.front.pop()?;
        self.from_spool = self.from_spool.saturating_sub(1);
        Some(frame)
    }
}
