use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Instant;

use time::OffsetDateTime;
use tokio::runtime::Handle;
use tokio::sync::mpsc;
use tokio::sync::mpsc::Permit;
use tokio_util::sync::CancellationToken;
use vedette_event::{Network, Peer, Transport};
use vedette_telemetry::{Counter, Metric, Registry};

use crate::budget::Budgets;
use crate::overflow::Overflow;
use crate::{Config, Frame, Receipt, Sources};

/// Why a frame that reached the box was not delivered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum DropReason {
    /// The kernel's receive buffer was full: whoever takes the frames was too slow for UDP, whose
    /// senders cannot wait.
    KernelBuffer,
    /// The sender is not on the allow list.
    NotAllowed,
    /// The source sent faster than it may.
    RateLimited,
    /// The spool held as much as it may, and the queue was full.
    SpoolFull,
    /// It lay in a segment of the spool that is damaged.
    SpoolDamaged,
    /// Nobody took it before the time for stopping was up.
    Shutdown,
}

impl DropReason {
    /// Every reason.
    pub const ALL: [Self; 6] = [
        Self::KernelBuffer,
        Self::NotAllowed,
        Self::RateLimited,
        Self::SpoolFull,
        Self::SpoolDamaged,
        Self::Shutdown,
    ];

    /// The name in metrics and JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::KernelBuffer => "kernel_buffer",
            Self::NotAllowed => "not_allowed",
            Self::RateLimited => "rate_limited",
            Self::SpoolFull => "spool_full",
            Self::SpoolDamaged => "spool_damaged",
            Self::Shutdown => "shutdown",
        }
    }
}

/// What came of all frames of one run: `received` + `found` = `delivered` + the sum of `dropped` + `left`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Frames that reached the box, those that the kernel dropped included.
    pub received: u64,
    /// Frames that an earlier process had left in the spool.
    pub found: u64,
    /// Frames handed on.
    pub delivered: u64,
    /// Frames lost, by reason.
    pub dropped: BTreeMap<DropReason, u64>,
    /// Frames left in the spool for the next process.
    pub left: u64,
}

/// Where every listener hands in what it received: the one place that admits, counts and delivers.
#[derive(Clone)]
pub(crate) struct Intake {
    sender: mpsc::Sender<Frame>,
    ledger: Arc<Ledger>,
    /// Cancelled when no more is to be read than what has come: budgets no longer count.
    stopping: CancellationToken,
    /// Cancelled when the time for stopping is up: from then on nothing waits.
    expired: CancellationToken,
}

/// A message as it came in a datagram.
pub(crate) struct Datagram {
    pub(crate) bytes: Vec<u8>,
    /// Whether it was cut.
    pub(crate) truncated: bool,
    /// In its canonical form.
    pub(crate) peer: SocketAddr,
}

struct Ledger {
    allow: Vec<Network>,
    budgets: Option<Budgets>,
    sources: Sources,
    registry: Registry,
    delivered: Counter,
    dropped: [Counter; DropReason::ALL.len()],
}

/// The counters of one transport, and its door to the intake.
#[derive(Clone)]
pub(crate) struct Gate {
    intake: Intake,
    transport: Transport,
    messages: Counter,
    bytes: Counter,
}

impl Intake {
    pub(crate) fn new(
        sender: mpsc::Sender<Frame>,
        config: &Config,
        sources: Sources,
        registry: Registry,
        (stopping, expired): (CancellationToken, CancellationToken),
    ) -> Self {
        let dropped =
            DropReason::ALL.map(|reason| registry.counter(Metric::IngestDropped, reason.as_str()));
        let allow = config.allow.clone();
        let budgets = Budgets::new(config.max_rate_per_source.get());
        let ledger =
            Ledger { allow, budgets, sources, registry, delivered: Counter::default(), dropped };
        Self { sender, ledger: Arc::new(ledger), stopping, expired }
    }

    /// The door for one transport.
    pub(crate) fn gate(&self, transport: Transport) -> Gate {
        let counter = |metric| self.counter(metric, transport.as_str());
        Gate {
            messages: counter(Metric::IngestMessages),
            bytes: counter(Metric::IngestBytes),
            intake: self.clone(),
            transport,
        }
    }

    pub(crate) fn counter(&self, metric: Metric, label: &'static str) -> Counter {
        self.ledger.registry.counter(metric, label)
    }

    /// Cancelled when the time for stopping is up.
    pub(crate) fn expired(&self) -> CancellationToken {
        self.expired.clone()
    }

    /// Whether this address may send.
    pub(crate) fn admits(&self, address: IpAddr) -> bool {
        let allow = &self.ledger.allow;
        allow.is_empty() || allow.iter().any(|network| network.contains(address))
    }

    /// What came of everything so far, the spool left out.
    pub(crate) fn counts(&self) -> Counts {
        let (received, dropped) = self.ledger.sources.totals();
        Counts { received, delivered: self.ledger.delivered.get(), dropped, ..Counts::default() }
    }

    fn count_drop(&self, reason: DropReason, count: u64) {
        self.ledger.dropped[reason as usize].add(count);
    }

    /// Hands on frames in their order, as far as there is room now; how many.
    pub(crate) fn hand_on_some(&self, mut next: impl FnMut() -> Option<Frame>) -> u64 {
        let mut delivered = 0;
        while let Ok(place) = self.sender.try_reserve()
            && let Some(frame) = next()
        {
            place.send(frame);
            delivered += 1;
        }
        self.ledger.delivered.add(delivered);
        delivered
    }

    /// A place in the queue; blocks until there is one, or the time for stopping is up.
    pub(crate) fn place(&self, runtime: &Handle) -> Option<Permit<'_, Frame>> {
        let now = self.sender.try_reserve().ok();
        now.or_else(|| runtime.block_on(self.room()))
    }

    /// The same without blocking the thread.
    async fn room(&self) -> Option<Permit<'_, Frame>> {
        tokio::select! {
            biased;
            permit = self.sender.reserve() => permit.ok(),
            () = self.expired.cancelled() => None,
        }
    }

    /// Hands on a frame at its place.
    pub(crate) fn hand_on(&self, place: Permit<'_, Frame>, frame: Frame) {
        place.send(frame);
        self.ledger.delivered.add(1);
    }

    pub(crate) fn drop_frames(&self, frames: impl IntoIterator<Item = Frame>, reason: DropReason) {
        frames.into_iter().for_each(|frame| self.drop_frame(account(frame.peer), reason));
    }

    /// Enters lines that lay on the disk and could not be read.
    pub(crate) fn lost_in_spool(&self, count: u64) {
        self.ledger.sources.lost_in_spool(count);
        self.count_drop(DropReason::SpoolDamaged, count);
    }

    fn drop_frame(&self, address: IpAddr, reason: DropReason) {
        self.ledger.sources.accounts().dropped(address, reason);
        self.count_drop(reason, 1);
    }
}

impl Gate {
    /// Whether nobody takes frames any more.
    pub(crate) fn is_closed(&self) -> bool {
        self.intake.sender.is_closed()
    }

    /// Takes in datagrams of those who may send, and hands them on or has them wait. Clock and accounts are
    /// looked at once for all of them.
    pub(crate) fn take_in(&self, burst: &mut Vec<Datagram>, overflow: &Overflow) {
        if burst.is_empty() {
            return;
        }
        let received_at = OffsetDateTime::now_utc();
        self.messages.add(burst.len() as u64);
        self.bytes.add(burst.iter().map(|datagram| datagram.bytes.len() as u64).sum());
        let mut accounts = self.intake.ledger.sources.accounts();
        for run in burst.chunk_by(|one, next| one.peer.ip() == next.peer.ip()) {
            let address = run[0].peer.ip();
            let allowed = self.intake.admits(address);
            accounts.received(address, allowed, (run.len() as u64, received_at));
        }
        drop(accounts);
        let mut frames = Vec::with_capacity(burst.len());
        for Datagram { bytes, truncated, peer } in burst.drain(..) {
            match self.hindrance(peer.ip()) {
                Some(reason) => self.intake.drop_frame(peer.ip(), reason),
                None => {
                    let (peer, transport, receipt) = (Peer::Network(peer), self.transport, None);
                    frames.push(Frame { bytes, peer, transport, received_at, truncated, receipt });
                }
            }
        }
        if self.is_over() {
            self.intake.drop_frames(frames, DropReason::Shutdown);
        } else {
            let turned_away = overflow.take(frames, &self.intake);
            self.intake.drop_frames(turned_away, DropReason::SpoolFull);
        }
    }

    /// Whether the time for stopping is up.
    pub(crate) fn is_over(&self) -> bool {
        self.intake.expired.is_cancelled()
    }

    /// Why an address may not send now, if it may not.
    fn hindrance(&self, address: IpAddr) -> Option<DropReason> {
        if !self.intake.admits(address) {
            return Some(DropReason::NotAllowed);
        }
        let budgets = self.intake.ledger.budgets.as_ref()?;
        (!budgets.take(address, Instant::now())).then_some(DropReason::RateLimited)
    }

    /// Hands on a frame whose sender can wait: until there is room, or the time for stopping is up.
    pub(crate) async fn deliver(
        &self,
        (bytes, truncated): (Vec<u8>, bool),
        peer: Peer,
        receipt: Option<Receipt>,
    ) {
        let Some(frame) = self.admit(bytes, peer, truncated) else { return };
        let frame = Frame { receipt, ..frame };
        if let Some(budgets) = &self.intake.ledger.budgets {
            let wait = budgets.wait_for(account(peer), Instant::now());
            if !wait.is_zero() {
                tokio::select! {
                    () = tokio::time::sleep(wait) => {}
                    () = self.intake.stopping.cancelled() => {}
                }
            }
        }
        let permit = match self.intake.sender.try_reserve() {
            Ok(permit) => Some(permit),
            Err(_) => self.intake.room().await,
        };
        match permit {
            Some(permit) => self.intake.hand_on(permit, frame),
            None => self.intake.drop_frame(account(peer), DropReason::Shutdown),
        }
    }

    /// Enters datagrams that the kernel received and dropped before anybody saw them.
    pub(crate) fn dropped_by_kernel(&self, count: u64) {
        if count > 0 {
            self.messages.add(count);
            self.intake.ledger.sources.dropped_by_kernel(count);
            self.intake.count_drop(DropReason::KernelBuffer, count);
        }
    }

    /// Counts what came, and makes a frame of it when its sender is on the allow list.
    fn admit(&self, bytes: Vec<u8>, peer: Peer, truncated: bool) -> Option<Frame> {
        let received_at = OffsetDateTime::now_utc();
        let address = account(peer);
        let allowed = peer == Peer::Local || self.intake.admits(address);
        self.messages.add(1);
        self.bytes.add(bytes.len() as u64);
        self.intake.ledger.sources.accounts().received(address, allowed, (1, received_at));
        if !allowed {
            self.intake.drop_frame(address, DropReason::NotAllowed);
            return None;
        }
        let (transport, receipt) = (self.transport, None);
        Some(Frame { bytes, peer, transport, received_at, truncated, receipt })
    }
}

/// The address under which a sender's frames are counted: this machine's for its own processes.
fn account(peer: Peer) -> IpAddr {
    match peer {
        Peer::Network(peer) => peer.ip(),
        Peer::Local => Ipv4Addr::LOCALHOST.into(),
    }
}

/// The same peer, an IPv4 address mapped into IPv6 (dual-stack sockets) written as IPv4.
pub(crate) fn canonical(peer: SocketAddr) -> SocketAddr {
    SocketAddr::new(peer.ip().to_canonical(), peer.port())
}
