//! How fast one source may send, so that one device gone mad leaves room for the others.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Seconds of its rate that a source may send at once after a pause: devices send in bursts.
const BURST_SECONDS: f64 = 10.0;

/// Sources told apart; what is above shares one budget, so that forged senders cannot buy more.
const MAX_BUDGETS: usize = 4_096;

/// Budgets by source: a bucket of tokens each (token bucket), one token a line.
pub(crate) struct Budgets {
    /// Lines a second.
    rate: f64,
    buckets: Mutex<Buckets>,
}

#[derive(Default)]
struct Buckets {
    by_address: HashMap<IpAddr, Bucket>,
    others: Option<Bucket>,
}

#[derive(Clone, Copy)]
struct Bucket {
    /// Below zero while a sender that can wait owes time.
    tokens: f64,
    filled: Instant,
}

impl Budgets {
    /// Budgets of so many lines a second; `None` where there is no limit.
    pub(crate) fn new(rate: u32) -> Option<Self> {
        (rate > 0).then(|| Self { rate: f64::from(rate), buckets: Mutex::default() })
    }

    /// Takes a line's token, if there is one now.
    pub(crate) fn take(&self, address: IpAddr, now: Instant) -> bool {
        self.with(address, now, |bucket| {
            let has = bucket.tokens >= 1.0;
            if has {
                bucket.tokens -= 1.0;
            }
            has
        })
    }

    /// Takes a line's token, and tells how long to wait for it.
    pub(crate) fn wait_for(&self, address: IpAddr, now: Instant) -> Duration {
        self.with(address, now, |bucket| {
            bucket.tokens -= 1.0;
            Duration::from_secs_f64((-bucket.tokens).max(0.0) / self.rate)
        })
    }

    fn with<T>(&self, address: IpAddr, now: Instant, change: impl FnOnce(&mut Bucket) -> T) -> T {
        let most = self.rate * BURST_SECONDS;
        let full = Bucket { tokens: most, filled: now };
        let mut buckets = self.buckets.lock().unwrap_or_else(PoisonError::into_inner);
        if buckets.by_address.len() >= MAX_BUDGETS && !buckets.by_address.contains_key(&address) {
            // A bucket that is full again knows nothing that a new one would not.
            buckets.by_address.retain(|_, bucket| bucket.at(now, self.rate) < most);
        }
        let room = buckets.by_address.len() < MAX_BUDGETS;
        let Buckets { by_address, others } = &mut *buckets;
        let bucket = if room || by_address.contains_key(&address) {
            by_address.entry(address).or_insert(full)
        } else {
            others.get_or_insert(full)
        };
        bucket.tokens = bucket.at(now, self.rate).min(most);
        bucket.filled = now;
        change(bucket)
    }
}

impl Bucket {
    /// Tokens at a later time, if none is taken.
    fn at(&self, now: Instant, rate: f64) -> f64 {
        self.tokens + now.saturating_duration_since(self.filled).as_secs_f64() * rate
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(number: u32) -> IpAddr {
        std::net::Ipv4Addr::from_bits(number).into()
    }

    #[test]
    fn a_source_may_burst_and_then_keeps_to_its_rate() {
        let budgets = Budgets::new(2).unwrap();
        let start = Instant::now();
        let taken = |seconds: u64| {
            let now = start + Duration::from_secs(seconds);
            (0..100).filter(|_| budgets.take(address(1), now)).count()
        };
        assert_eq!([taken(0), taken(0), taken(1), taken(4), taken(1_000)], [20, 0, 2, 6, 20]);
        assert!(budgets.take(address(2), start), "another source has a budget of its own");
    }

    #[test]
    fn who_can_wait_is_told_how_long() {
        let budgets = Budgets::new(2).unwrap();
        let now = Instant::now();
        let waits: Vec<_> = (0..22).map(|_| budgets.wait_for(address(1), now)).collect();
        assert!(waits[..20].iter().all(Duration::is_zero));
        assert_eq!(waits[20..], [Duration::from_millis(500), Duration::from_secs(1)]);
    }

    #[test]
    fn forged_senders_share_what_is_left() {
        let budgets = Budgets::new(1).unwrap();
        let now = Instant::now();
        let most = u32::try_from(MAX_BUDGETS).unwrap();
        let taken = (0..2 * most).filter(|number| budgets.take(address(*number), now)).count();
        assert_eq!(taken, MAX_BUDGETS + 10);
        assert!(Budgets::new(0).is_none(), "no limit");
    }
}
