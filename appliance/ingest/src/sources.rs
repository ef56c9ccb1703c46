use std::collections::{BTreeMap, HashMap};
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use time::OffsetDateTime;

use crate::DropReason;

/// Addresses told apart; a network behind one box is smaller, and a forged flood stays bounded.
const MAX_SOURCES: usize = 4_096;

/// Addresses told apart that are not on the allow list, so that strangers leave room for the others.
const MAX_STRANGERS: usize = 256;

/// What one source sent and what became of it: `received` = delivered + the sum of `dropped`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SourceCounts {
    /// Frames received.
    pub received: u64,
    /// Frames dropped, by reason.
    pub dropped: BTreeMap<DropReason, u64>,
    /// When the last frame came.
    pub last_seen: Option<OffsetDateTime>,
}

impl SourceCounts {
    /// Frames dropped for any reason.
    pub fn dropped_total(&self) -> u64 {
        self.dropped.values().sum()
    }
}

/// The accounts of all sources at one moment.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SourcesSnapshot {
    /// By address.
    pub by_address: BTreeMap<IpAddr, SourceCounts>,
    /// All addresses for which the table had no room.
    pub other: SourceCounts,
    /// Datagrams that the kernel dropped, or that were damaged in the spool: nobody knows whose they were.
    pub unattributed: SourceCounts,
}

/// Accounts by source; a cheap handle that any thread may read.
#[derive(Clone, Debug, Default)]
pub struct Sources(Arc<Mutex<Table>>);

#[derive(Debug, Default)]
struct Table {
    by_address: HashMap<IpAddr, SourceCounts>,
    strangers: usize,
    other: SourceCounts,
    unattributed: SourceCounts,
}

/// The accounts while frames are entered.
pub(crate) struct Accounts<'t>(MutexGuard<'t, Table>);

impl Sources {
    /// The accounts now.
    pub fn snapshot(&self) -> SourcesSnapshot {
        let table = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        SourcesSnapshot {
            by_address: table.by_address.iter().map(|(ip, counts)| (*ip, counts.clone())).collect(),
            other: table.other.clone(),
            unattributed: table.unattributed.clone(),
        }
    }

    /// Frames received, and dropped by reason, over all sources.
    pub(crate) fn totals(&self) -> (u64, BTreeMap<DropReason, u64>) {
        let table = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let mut received = 0;
        let mut dropped = BTreeMap::new();
        for counts in table.by_address.values().chain([&table.other, &table.unattributed]) {
            received += counts.received;
            for (reason, count) in &counts.dropped {
                *dropped.entry(*reason).or_default() += count;
            }
        }
        (received, dropped)
    }

    /// The accounts, locked until dropped, to enter one frame or many.
    pub(crate) fn accounts(&self) -> Accounts<'_> {
        Accounts(self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// So many that were received earlier could not be read any more.
    pub(crate) fn lost_in_spool(&self, count: u64) {
        let mut table = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        *table.unattributed.dropped.entry(DropReason::SpoolDamaged).or_default() += count;
    }

    /// The kernel received and dropped this many.
    pub(crate) fn dropped_by_kernel(&self, count: u64) {
        let mut table = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        table.unattributed.received += count;
        *table.unattributed.dropped.entry(DropReason::KernelBuffer).or_default() += count;
    }
}

impl Accounts<'_> {
    /// So many frames came from here, the last at a time.
    pub(crate) fn received(
        &mut self,
        address: IpAddr,
        allowed: bool,
        (count, at): (u64, OffsetDateTime),
    ) {
        let counts = self.0.open_account(address, allowed);
        counts.received += count;
        counts.last_seen = Some(at);
    }

    /// One frame that had come from here was dropped.
    pub(crate) fn dropped(&mut self, address: IpAddr, reason: DropReason) {
        let Table { by_address, other, .. } = &mut *self.0;
        *by_address.get_mut(&address).unwrap_or(other).dropped.entry(reason).or_default() += 1;
    }
}

impl Table {
    fn open_account(&mut self, address: IpAddr, allowed: bool) -> &mut SourceCounts {
        let known = self.by_address.contains_key(&address);
        let room =
            self.by_address.len() < MAX_SOURCES && (allowed || self.strangers < MAX_STRANGERS);
        if !known && !room {
            return &mut self.other;
        }
        if !known && !allowed {
            self.strangers += 1;
        }
        self.by_address.entry(address).or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(number: usize) -> IpAddr {
        std::net::Ipv4Addr::from_bits(u32::try_from(number).unwrap()).into()
    }

    #[test]
    fn the_table_is_bounded_and_loses_no_count() {
        for (allowed, cap) in [(true, MAX_SOURCES), (false, MAX_STRANGERS)] {
            let sources = Sources::default();
            for number in 0..cap + 10 {
                for _ in 0..2 {
                    sources.accounts().received(
                        address(number),
                        allowed,
                        (1, OffsetDateTime::UNIX_EPOCH),
                    );
                }
                sources.accounts().dropped(address(number), DropReason::RateLimited);
            }
            let snapshot = sources.snapshot();
            assert_eq!(snapshot.by_address.len(), cap);
            assert_eq!((snapshot.other.received, snapshot.other.dropped_total()), (20, 10));
            assert!(snapshot.by_address.values().all(|one| one.received == 2));
            assert!(snapshot.by_address.values().all(|one| one.dropped_total() == 1));
        }
    }

    #[test]
    fn strangers_leave_room_for_the_allowed() {
        let sources = Sources::default();
        for number in 0..MAX_SOURCES {
            sources.accounts().received(address(number), false, (1, OffsetDateTime::UNIX_EPOCH));
        }
        let late = address(usize::try_from(u32::MAX).unwrap());
        sources.accounts().received(late, true, (1, OffsetDateTime::UNIX_EPOCH));
        assert_eq!(sources.snapshot().by_address[&late].received, 1);
    }
}
