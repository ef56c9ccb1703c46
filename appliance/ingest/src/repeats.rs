//! Lines that a sender may send a second time: what is committed and acknowledged just before a
//! connection breaks, its sender may not know to be safe.
//!
//! Each session remembers its last committed lines. A sender that comes back begins with those that it
//! has no answer for, in their old order, so only the lines at the beginning of a session are compared,
//! up to the first that is new.

use std::collections::{HashMap, VecDeque};
use std::hash::{BuildHasher, RandomState};
use std::net::IpAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::Semaphore;
use tokio::time::timeout;
use vedette_event::{Peer, Transport};

use crate::relp::WINDOW;

/// Sessions remembered, the latest: 8 MiB at most. rsyslog's default cap on connections is lower.
const SESSIONS: usize = 1_024;

/// Lines remembered of a session: no more can be on their way to the disk, and senders keep fewer
/// (rsyslog 128).
const LINES: usize = WINDOW;

/// Longest wait for the lines of a broken session to be committed or given up: until then it is not
/// known which of them are there. On a disk that stays full no line is committed either way.
const SETTLE_TIME: Duration = Duration::from_secs(60);

/// Who sends: an address comes back with another port.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct Sender(Transport, Option<IpAddr>);

impl Sender {
    fn new(transport: Transport, peer: Peer) -> Self {
        match peer {
            Peer::Network(address) => Self(transport, Some(address.ip().to_canonical())),
            Peer::Local => Self(transport, None),
        }
    }
}

/// All that may come again; a cheap handle.
#[derive(Clone, Default)]
pub(crate) struct Repeats(Arc<Shared>);

#[derive(Default)]
struct Shared {
    hasher: RandomState,
    sessions: Mutex<VecDeque<Arc<Session>>>,
}

/// What one session has had committed.
struct Session {
    sender: Sender,
    /// Free altogether when each of its lines is committed or given up.
    window: Arc<Semaphore>,
    ended: AtomicBool,
    committed: Mutex<VecDeque<u64>>,
}

/// What a session under way adds, and what it is compared with.
pub(crate) struct Memory {
    repeats: Repeats,
    session: Arc<Session>,
    /// Whether all lines so far were repeats.
    beginning: bool,
}

/// To be told of one line when it is committed.
pub(crate) struct Note {
    session: Arc<Session>,
    hash: u64,
    pub(crate) repeated: bool,
}

impl Repeats {
    /// Begins a session; `window` is what its lines on their way to the disk hold places of.
    pub(crate) fn begin(
        &self,
        (transport, peer): (Transport, Peer),
        window: Arc<Semaphore>,
    ) -> Memory {
        let session = Arc::new(Session {
            sender: Sender::new(transport, peer),
            window,
            ended: AtomicBool::new(false),
            committed: Mutex::default(),
        });
        let mut sessions = self.sessions();
        if sessions.len() >= SESSIONS {
            sessions.pop_front();
        }
        sessions.push_back(session.clone());
        drop(sessions);
        Memory { repeats: self.clone(), session, beginning: true }
    }

    /// Takes over what was committed last before this process began, in its order.
    pub(crate) fn restore(&self, stored: impl IntoIterator<Item = (Transport, Peer, Vec<u8>)>) {
        let mut former: HashMap<(Transport, Peer), Memory> = HashMap::new();
        for (transport, peer, line) in stored {
            let memory = former
                .entry((transport, peer))
                .or_insert_with(|| self.begin((transport, peer), Arc::new(Semaphore::new(WINDOW))));
            memory.session.keep(self.hash(&line));
        }
    }

    fn sessions(&self) -> std::sync::MutexGuard<'_, VecDeque<Arc<Session>>> {
        self.0.sessions.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn hash(&self, line: &[u8]) -> u64 {
        self.0.hasher.hash_one(line)
    }

    /// Other sessions of a session's sender.
    fn others(&self, of: &Arc<Session>) -> Vec<Arc<Session>> {
        let sessions = self.sessions();
        let others = sessions.iter().filter(|other| other.sender == of.sender);
        others.filter(|other| !Arc::ptr_eq(other, of)).cloned().collect()
    }
}

impl Memory {
    /// Looks at the session's next line, which is about to be handed on.
    pub(crate) async fn note(&mut self, line: &[u8]) -> Note {
        let hash = self.repeats.hash(line);
        if self.beginning {
            self.beginning = self.was_committed(hash).await;
        }
        Note { session: self.session.clone(), hash, repeated: self.beginning }
    }

    async fn was_committed(&self, hash: u64) -> bool {
        let others = self.repeats.others(&self.session);
        for ended in others.iter().filter(|other| other.ended.load(Ordering::Relaxed)) {
            ended.settle().await;
        }
        others.iter().any(|other| other.take(hash))
    }

    /// The session's sender has heard of all: nothing will come again.
    pub(crate) fn forget(self) {
        self.repeats.sessions().retain(|other| !Arc::ptr_eq(other, &self.session));
    }
}

impl Drop for Memory {
    fn drop(&mut self) {
        self.session.ended.store(true, Ordering::Relaxed);
    }
}

impl Note {
    /// The line is committed.
    pub(crate) fn committed(self) {
        self.session.keep(self.hash);
    }
}

impl Session {
    fn keep(&self, hash: u64) {
        let mut committed = self.committed.lock().unwrap_or_else(PoisonError::into_inner);
        if committed.len() >= LINES {
            committed.pop_front();
        }
        committed.push_back(hash);
    }

    /// Whether it had such a line, which is then no longer expected of it.
    fn take(&self, hash: u64) -> bool {
        let mut committed = self.committed.lock().unwrap_or_else(PoisonError::into_inner);
        let place = committed.iter().position(|known| *known == hash);
        place.and_then(|place| committed.remove(place)).is_some()
    }

    async fn settle(&self) {
        let all = u32::try_from(WINDOW).expect("the window is small");
        let _ = timeout(SETTLE_TIME, self.window.acquire_many(all)).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PEER: &str = "192.0.2.7:1000";

    fn begin(repeats: &Repeats, peer: &str) -> Memory {
        let window = Arc::new(Semaphore::new(WINDOW));
        repeats.begin((Transport::Relp, Peer::Network(peer.parse().unwrap())), window)
    }

    /// Which of the lines are marked, all of them committed.
    async fn marks(memory: &mut Memory, lines: &str) -> Vec<bool> {
        let mut marks = Vec::new();
        for line in lines.split_whitespace() {
            let note = memory.note(line.as_bytes()).await;
            marks.push(note.repeated);
            note.committed();
        }
        marks
    }

    #[tokio::test]
    async fn only_what_a_sender_begins_with_after_a_break_is_marked() {
        for (before, after, peer, expected) in [
            ("a b c", "b c d", "192.0.2.7:2000", [true, true, false]),
            ("a b c", "c d c", "192.0.2.7:2000", [true, false, false]),
            ("a b c", "d a b", "192.0.2.7:2000", [false, false, false]),
            ("a b c", "a b c", "192.0.2.8:1000", [false, false, false]),
            ("a b", "b b b", "192.0.2.7:2000", [true, false, false]),
        ] {
            let repeats = Repeats::default();
            let mut broken = begin(&repeats, PEER);
            marks(&mut broken, before).await;
            drop(broken);
            let mut next = begin(&repeats, peer);
            assert_eq!(marks(&mut next, after).await, expected, "{before} then {after}");
        }
    }

    #[tokio::test]
    async fn a_sender_that_said_goodbye_repeats_nothing() {
        let repeats = Repeats::default();
        let mut session = begin(&repeats, PEER);
        marks(&mut session, "a b").await;
        session.forget();
        assert_eq!(marks(&mut begin(&repeats, PEER), "a b").await, [false, false]);
    }

    #[tokio::test]
    async fn a_sender_may_break_off_while_it_repeats_and_over_a_restart() {
        let repeats = Repeats::default();
        let peer = Peer::Network(PEER.parse().unwrap());
        let stored = ["a", "b", "c", "d"].map(|line| (Transport::Relp, peer, line.into()));
        repeats.restore(stored);
        assert_eq!(marks(&mut begin(&repeats, PEER), "b c").await, [true, true]);
        assert_eq!(marks(&mut begin(&repeats, PEER), "c d e").await, [true, true, false]);
    }

    #[tokio::test]
    async fn what_is_not_committed_yet_is_waited_for() {
        let repeats = Repeats::default();
        let window = Arc::new(Semaphore::new(WINDOW));
        let peer = Peer::Network(PEER.parse().unwrap());
        let mut broken = repeats.begin((Transport::Relp, peer), window.clone());
        let place = window.acquire_owned().await.unwrap();
        let note = broken.note(b"a").await;
        drop(broken);
        let mut next = begin(&repeats, PEER);
        let (again, ()) = tokio::join!(next.note(b"a"), async {
            tokio::task::yield_now().await;
            note.committed();
            drop(place);
        });
        assert!(again.repeated);
    }

    #[tokio::test]
    async fn the_memory_is_bounded() {
        let repeats = Repeats::default();
        for _ in 0..SESSIONS + 5 {
            let mut session = begin(&repeats, PEER);
            session.beginning = false;
            marks(&mut session, "a").await;
        }
        assert_eq!(repeats.sessions().len(), SESSIONS);
        let mut session = begin(&repeats, PEER);
        session.beginning = false;
        marks(&mut session, &"a ".repeat(LINES + 5)).await;
        assert_eq!(session.session.committed.lock().unwrap().len(), LINES);
    }
}
