//! How many lines are due.

use std::time::{Duration, Instant};

/// Between two bursts: what a busy network delivers at once, and long enough to sleep.
const TICK: Duration = Duration::from_millis(1);
/// What may be made up for after the sender was held up: more would be a burst that nobody asked for.
const CATCH_UP: Duration = Duration::from_millis(20);
/// Lines of a burst when there is no rate.
const UNPACED: u64 = 256;

/// Bursts on absolute deadlines, so that the rate holds on average.
pub(crate) struct Pace {
    /// Lines a second; 0: as fast as they are taken.
    rate: u64,
    /// When the first line would have been due, given the lines sent and forgiven.
    origin: Instant,
    sent: u64,
}

impl Pace {
    pub(crate) fn new(rate: u64, now: Instant) -> Self {
        Self { rate, origin: now, sent: 0 }
    }

    /// Lines to be sent now.
    pub(crate) fn due(&mut self, now: Instant) -> u64 {
        if self.rate == 0 {
            return UNPACED;
        }
        let behind = now.saturating_duration_since(self.at(self.sent));
        if behind > CATCH_UP {
            self.origin += behind - CATCH_UP;
        }
        // What is due at the end of this tick goes out at its beginning.
        let elapsed = (now + TICK).saturating_duration_since(self.origin);
        let due = elapsed.as_nanos() * u128::from(self.rate) / 1_000_000_000;
        let due = u64::try_from(due).unwrap_or(u64::MAX).saturating_sub(self.sent);
        self.sent += due;
        due
    }

    /// How long to rest until the next line is due.
    pub(crate) fn rest(&self, now: Instant) -> Duration {
        if self.rate == 0 {
            return Duration::ZERO;
        }
        let next = self.at(self.sent + 1).checked_sub(TICK).unwrap_or(now);
        self.at(self.sent).max(next).saturating_duration_since(now)
    }

    fn at(&self, line: u64) -> Instant {
        let nanos = u128::from(line) * 1_000_000_000 / u128::from(self.rate.max(1));
        self.origin + Duration::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rate_holds_and_a_pause_is_made_up_for_in_part() {
        let start = Instant::now();
        for (rate, steps, expected) in [
            // Milliseconds of each look, and the lines due then.
            (1_000, [0, 1, 2, 10], [1, 1, 1, 8]),
            (100_000, [0, 1, 2, 3], [100, 100, 100, 100]),
            (10_000, [0, 1, 1_001, 1_002], [10, 10, 210, 10]),
            (500, [0, 1, 2, 3], [0, 1, 0, 1]),
            (0, [0, 0, 0, 9], [UNPACED; 4]),
        ] {
            let mut pace = Pace::new(rate, start);
            let due = steps.map(|step| pace.due(start + Duration::from_millis(step)));
            assert_eq!(due, expected, "at {rate}");
        }
        let mut pace = Pace::new(1_000, start);
        pace.due(start);
        assert_eq!(pace.rest(start), Duration::from_millis(1));
    }
}
