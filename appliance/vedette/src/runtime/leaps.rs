//! Notices when the wall clock is set while the appliance runs.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use time::OffsetDateTime;

/// Least leap told: a clock that is disciplined drifts by seconds.
const LEAP: time::Duration = time::Duration::minutes(30);

/// How long a leap is told after it was noticed: the first synchronisation of a box without a battery is one
/// too, and must not make it look ill for long. The log keeps it.
const TOLD: Duration = Duration::from_secs(60 * 60);

/// Compares the wall clock with the steady one, from look to look.
pub(super) struct Leaps(Mutex<Seen>);

struct Seen {
    /// What both clocks showed at the last look.
    last: (OffsetDateTime, Instant),
    /// The last leap, and when it was noticed.
    leap: Option<(time::Duration, Instant)>,
}

impl Leaps {
    pub(super) fn new(now: (OffsetDateTime, Instant)) -> Self {
        Self(Mutex::new(Seen { last: now, leap: None }))
    }

    /// The leap to tell of, if there was one lately; positive is forward.
    pub(super) fn look(&self, (wall, steady): (OffsetDateTime, Instant)) -> Option<time::Duration> {
        let mut seen = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let passed = steady.saturating_duration_since(seen.last.1);
        let leap = wall - seen.last.0 - time::Duration::try_from(passed).unwrap_or_default();
        seen.last = (wall, steady);
        if leap.abs() >= LEAP {
            tracing::error!(
                seconds = leap.whole_seconds(),
                "the clock was set while the appliance runs"
            );
            seen.leap = Some((leap, steady));
        }
        let recent = |noticed: Instant| steady.saturating_duration_since(noticed) < TOLD;
        seen.leap.filter(|(_, noticed)| recent(*noticed)).map(|(leap, _)| leap)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_leap_is_told_for_an_hour_and_a_drift_is_not() {
        let (wall, steady) = (OffsetDateTime::UNIX_EPOCH, Instant::now());
        let minute = Duration::from_secs(60);
        for (minutes, told) in [(0, false), (20, false), (-20, false), (60, true), (-60, true)] {
            let leaps = Leaps::new((wall, steady));
            let leap = time::Duration::minutes(minutes);
            let look =
                |after: u32| leaps.look((wall + minute * after + leap, steady + minute * after));
            let found = told.then_some(leap);
            assert_eq!([look(1), look(50), look(62)], [found, found, None], "{minutes} minutes");
        }
    }
}
