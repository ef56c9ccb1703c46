//! The appliance's own time: the wall clock's, or one that runs faster.

use time::OffsetDateTime;

/// Tells the time that log lines are stamped with and that triage's windows run on. The
/// demonstration squeezes a day into a minute by letting it run faster than the wall clock.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Clock {
    /// A moment of the wall clock…
    wall: OffsetDateTime,
    /// …and what this clock showed then.
    shown: OffsetDateTime,
    /// Seconds that pass here for each second there.
    pace: f64,
}

impl Clock {
    /// The wall clock.
    pub(crate) fn wall() -> Self {
        let now = OffsetDateTime::now_utc();
        Self { wall: now, shown: now, pace: 1.0 }
    }

    /// Starts now at `shown` and runs `pace` times as fast.
    pub(crate) fn faster(shown: OffsetDateTime, pace: f64) -> Self {
        Self { wall: OffsetDateTime::now_utc(), shown, pace }
    }

    /// The time now.
    pub(crate) fn now(&self) -> OffsetDateTime {
        self.at(OffsetDateTime::now_utc())
    }

    /// The time that this clock showed at a moment of the wall clock.
    pub(crate) fn at(&self, wall: OffsetDateTime) -> OffsetDateTime {
        self.shown + (wall - self.wall) * self.pace
    }

    /// When, by the wall clock, this clock shows a time.
    pub(crate) fn wall_at(&self, shown: OffsetDateTime) -> OffsetDateTime {
        self.wall + (shown - self.shown) / self.pace
    }
}

#[cfg(test)]
mod tests {
    use time::Duration;

    use super::*;

    #[test]
    fn a_fast_clock_maps_both_ways() {
        let start = OffsetDateTime::UNIX_EPOCH;
        let clock = Clock { wall: start, shown: start + Duration::days(10), pace: 1440.0 };
        let later = start + Duration::minutes(1);
        assert_eq!(clock.at(later), start + Duration::days(11));
        assert_eq!(clock.wall_at(clock.at(later)), later);
    }
}
