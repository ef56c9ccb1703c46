//! How often passwords and codes may be guessed.

use std::collections::{HashMap, VecDeque};
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};

use time::{Duration, OffsetDateTime};

/// Attempts of one sender within [`WINDOW`]: enough for people; at this rate guessing a password of
/// twelve characters takes longer than the box lasts.
const MAX_ATTEMPTS: usize = 10;
/// The time over which attempts are counted.
const WINDOW: Duration = Duration::minutes(5);
/// Senders counted apart. Beyond them all others share one count: memory is bounded, and whoever has
/// many addresses gains little.
const MAX_SENDERS: usize = 1024;

/// Counts attempts by sender, so that one that guesses does not lock out the others.
#[derive(Debug, Default)]
pub(crate) struct Attempts(Mutex<HashMap<Option<IpAddr>, VecDeque<OffsetDateTime>>>);

impl Attempts {
    /// Counts an attempt as wrong before it is judged, so that many at once gain nothing. `false`
    /// when there were too many.
    pub(crate) fn take(&self, sender: IpAddr, now: OffsetDateTime) -> bool {
        let mut senders = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        senders.retain(|_, times| times.back().is_some_and(|time| *time + WINDOW >= now));
        let mut key = Some(network(sender));
        if senders.len() >= MAX_SENDERS && !senders.contains_key(&key) {
            key = None;
        }
        let times = senders.entry(key).or_default();
        while times.front().is_some_and(|time| *time + WINDOW < now) {
            times.pop_front();
        }
        let allowed = times.len() < MAX_ATTEMPTS;
        if allowed {
            times.push_back(now);
        }
        allowed
    }

    /// The attempt was right: it and those before it are forgotten.
    pub(crate) fn forget(&self, sender: IpAddr) {
        let mut senders = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        senders.remove(&Some(network(sender)));
    }
}

/// What one sender surely holds: an address of IPv4, a /64 of IPv6.
fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V4(address) => address.into(),
        IpAddr::V6(address) => {
            let [a, b, c, d, ..] = address.segments();
            IpAddr::from([a, b, c, d, 0, 0, 0, 0])
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn attempts_run_out_by_sender_and_come_back() {
        let attempts = Attempts::default();
        let now = OffsetDateTime::UNIX_EPOCH;
        let guesser: IpAddr = "2001:db8::1".parse().unwrap();
        for _ in 0..MAX_ATTEMPTS {
            assert!(attempts.take(guesser, now));
        }
        for (sender, at, expected) in [
            ("2001:db8::1", now, false),
            ("2001:db8::2", now, false),
            ("2001:db8:0:1::1", now, true),
            ("10.0.0.1", now, true),
            ("2001:db8::1", now + WINDOW * 2, true),
        ] {
            assert_eq!(attempts.take(sender.parse().unwrap(), at), expected, "{sender} {at}");
        }
    }

    #[test]
    fn memory_is_bounded() {
        let attempts = Attempts::default();
        let now = OffsetDateTime::UNIX_EPOCH;
        let senders = u32::try_from(MAX_SENDERS * 2).unwrap();
        let allowed =
            (0..senders).filter(|number| attempts.take(IpAddr::V4((*number).into()), now)).count();
        assert_eq!(allowed, MAX_SENDERS + MAX_ATTEMPTS);
    }
}
