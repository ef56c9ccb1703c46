//! Notices when the wall clock is set while the appliance runs.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use time::OffsetDateTime;

/// Least leap told: a clock that is disciplined drifts by seconds.
const LEAP: time::Duration = time::Duration::minutes(30);

/// How long a leap is told after it was noticed: long enough for whoever looks after the box.
const TOLD: Duration = Duration::from_secs(24 * 60 * 60);

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

    /// What to tell of a leap, if there was one lately.
    pub(super) fn look(&self, (wall, steady): (OffsetDateTime, Instant)) -> Option<String> {
        let mut seen = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let passed = steady.saturating_duration_since(seen.last.1);
        let leap = wall - seen.last.0 - time::Duration::try_from(passed).unwrap_or_default();
        seen.last = (wall, steady);
        if leap.abs() >= LEAP {
            tracing::error!(seconds = leap.whole_seconds(), "the clock was set while running");
            seen.leap = Some((leap, steady));
        }
        let (leap, noticed) = seen.leap?;
        (steady.saturating_duration_since(noticed) < TOLD).then(|| sentence(leap))
    }
}

fn sentence(leap: time::Duration) -> String {
    let way = if leap.is_negative() { "back" } else { "forward" };
    let (days, minutes) = (leap.whole_days().abs(), leap.whole_minutes().abs() % (24 * 60));
    format!(
        "set {way} by {days} days and {minutes} minutes while running: check the time source; \
         retention and the windows of triage go by it"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_leap_is_told_for_a_day_and_a_drift_is_not() {
        let (wall, steady) = (OffsetDateTime::UNIX_EPOCH, Instant::now());
        let hour = Duration::from_secs(3_600);
        for (minutes, told) in [
            (0, None),
            (20, None),
            (-20, None),
            (60, Some("set forward by 0 days and 60 minutes")),
            (-60, Some("set back by 0 days and 60 minutes")),
            (5_256_000, Some("set forward by 3650 days and 0 minutes")),
        ] {
            let leaps = Leaps::new((wall, steady));
            let leap = time::Duration::minutes(minutes);
            let look = |after: u32| leaps.look((wall + hour * after + leap, steady + hour * after));
            for found in [look(1), look(20)] {
                let begin = found.as_deref().and_then(|found| found.split(" while").next());
                assert_eq!(begin, told, "{minutes} minutes");
            }
            assert_eq!(look(26), None, "{minutes} minutes");
        }
    }
}
