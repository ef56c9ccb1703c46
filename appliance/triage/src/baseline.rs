//! What is usual for a machine: bytes it sends out in an hour, and how regularly it calls one
//! destination.

use std::collections::HashMap;
use std::net::IpAddr;

use time::{Duration, OffsetDateTime};

/// Most machines and pairs of machines remembered; a small network has a few hundred.
pub(crate) const PAIRS_CAP: usize = 8192;

/// How many times the usual bytes of an hour are unusual.
const UNUSUAL_FACTOR: f64 = 8.0;

/// Share of a new hour in the running mean of bytes.
const MEMORY: f64 = 0.2;

/// Calls before regularity is judged.
const CALLS: u32 = 12;

/// Largest spread of the pauses (standard deviation over mean) that people do not produce.
const REGULAR: f64 = 0.08;

/// Shortest and longest mean pause, in seconds, that beacons are looked for.
const PAUSES: std::ops::RangeInclusive<f64> = 20.0..=3600.0;

#[derive(Debug)]
struct Outbound {
    hour: i64,
    bytes: u64,
    /// Of the hour before.
    before: u64,
    mean: f64,
    told: bool,
}

/// Bytes that each internal machine sends out, hour by hour.
#[derive(Debug, Default)]
pub(crate) struct Transfers(HashMap<IpAddr, Outbound>);

impl Transfers {
    /// Adds a transfer; true the first time in an hour that the sum is unusual: above `limit` and
    /// far above the machine's own mean.
    pub(crate) fn add(&mut self, from: IpAddr, bytes: u64, at: OffsetDateTime, limit: u64) -> bool {
        if self.0.len() >= PAIRS_CAP && !self.0.contains_key(&from) {
            self.0.clear();
        }
        let hour = at.unix_timestamp().div_euclid(3600);
        let row = self.0.entry(from).or_insert(Outbound {
            hour,
            bytes: 0,
            before: 0,
            mean: 0.0,
            told: false,
        });
        if hour > row.hour {
            row.mean += MEMORY * (row.bytes as f64 - row.mean);
            let before = if hour == row.hour + 1 { row.bytes } else { 0 };
            *row = Outbound { hour, bytes: 0, before, mean: row.mean, told: false };
        }
        row.bytes = row.bytes.saturating_add(bytes);
        // The last sixty minutes, as if the hour before had been even.
        let elapsed = at.unix_timestamp().rem_euclid(3600) as f64 / 3600.0;
        let recent = row.bytes as f64 + row.before as f64 * (1.0 - elapsed);
        let unusual = recent >= limit as f64 && recent > UNUSUAL_FACTOR * row.mean;
        let tell = unusual && !row.told;
        row.told |= unusual;
        tell
    }

    /// How many machines are remembered.
    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }
}

#[derive(Debug)]
struct Calls {
    last: OffsetDateTime,
    count: u32,
    sum: f64,
    squares: f64,
    told: bool,
}

/// How regularly internal machines call outside ones.
#[derive(Debug, Default)]
pub(crate) struct Beacons(HashMap<(IpAddr, IpAddr, u16), Calls>);

impl Beacons {
    /// Notes a call; true once when the pauses are too even for a person.
    pub(crate) fn call(&mut self, from: IpAddr, to: IpAddr, port: u16, at: OffsetDateTime) -> bool {
        let key = (from, to, port);
        if self.0.len() >= PAIRS_CAP && !self.0.contains_key(&key) {
            self.0.clear();
        }
        let fresh = Calls { last: at, count: 0, sum: 0.0, squares: 0.0, told: false };
        let row = self.0.entry(key).or_insert(fresh);
        let pause = (at - row.last).as_seconds_f64();
        row.last = row.last.max(at);
        if pause <= 0.0 || pause > Duration::DAY.as_seconds_f64() {
            return false;
        }
        row.count += 1;
        row.sum += pause;
        row.squares += pause * pause;
        let mean = row.sum / f64::from(row.count);
        let spread = (row.squares / f64::from(row.count) - mean * mean).max(0.0).sqrt();
        let even = row.count >= CALLS && PAUSES.contains(&mean) && spread <= REGULAR * mean;
        let tell = even && !row.told;
        row.told |= even;
        tell
    }

    /// How many pairs are remembered.
    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> OffsetDateTime {
        OffsetDateTime::UNIX_EPOCH + Duration::seconds(seconds)
    }

    #[test]
    fn a_large_transfer_is_told_once_an_hour_and_a_usual_one_never() {
        let from = IpAddr::from([10, 0, 0, 5]);
        let mut transfers = Transfers::default();
        assert!(!transfers.add(from, 500, at(0), 1000));
        assert!(transfers.add(from, 600, at(10), 1000));
        assert!(!transfers.add(from, 600, at(20), 1000));
        let mut usual = Transfers::default();
        for hour in 0..24 {
            usual.add(from, 900, at(hour * 3600), 1000);
        }
        assert!(!usual.add(from, 1500, at(25 * 3600), 1000));
    }

    #[test]
    fn only_even_calls_are_beacons() {
        let (from, to) = (IpAddr::from([10, 0, 0, 5]), IpAddr::from([203, 0, 113, 9]));
        let told = |pause: &dyn Fn(i64) -> i64| {
            let mut beacons = Beacons::default();
            let mut now = 0;
            (0..40)
                .filter(|call| {
                    now += pause(*call);
                    beacons.call(from, to, 443, at(now))
                })
                .count()
        };
        assert_eq!(told(&|_| 60), 1);
        assert_eq!(told(&|call| 30 + call % 7 * 20), 0);
    }
}
