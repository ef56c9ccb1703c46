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
    /// Seconds that pass here for each second there…
    pace: f64,
    /// …until this clock shows this; then it runs as the wall clock does.
    until: OffsetDateTime,
}

impl Clock {
    /// The wall clock.
    pub(crate) fn wall() -> Self {
        let now = OffsetDateTime::now_utc();
        Self { wall: now, shown: now, pace: 1.0, until: now }
    }

    /// Starts now at `shown` and runs `pace` times as fast until it shows `until`.
    pub(crate) fn faster(shown: OffsetDateTime, pace: f64, until: OffsetDateTime) -> Self {
        Self { wall: OffsetDateTime::now_utc(), shown, pace, until }
    }

    /// The time now.
    pub(crate) fn now(&self) -> OffsetDateTime {
        self.at(OffsetDateTime::now_utc())
    }

    /// The time that this clock showed at a moment of the wall clock.
    pub(crate) fn at(&self, wall: OffsetDateTime) -> OffsetDateTime {
        if self.wall == self.shown && self.shown == self.until {
            return wall;
        }
        let shown = self.shown + (wall - self.wall) * self.pace;
        if shown <= self.until {
            return shown;
        }
        self.until + (wall - self.wall_at(self.until))
    }

    /// When, by the wall clock, this clock shows a time not after the end of its fast run.
    pub(crate) fn wall_at(&self, shown: OffsetDateTime) -> OffsetDateTime {
        self.wall + (shown - self.shown) / self.pace
    }
}

#[cfg(test)]
mod tests {
    use time::Duration;

    use super::*;

    #[test]
    fn a_fast_clock_maps_both_ways_and_slows_down_at_its_end() {
        let start = OffsetDateTime::UNIX_EPOCH;
        let (shown, until) = (start + Duration::days(10), start + Duration::days(11));
        let clock = Clock { wall: start, shown, pace: 1440.0, until };
        let half = start + Duration::seconds(30);
        assert_eq!(clock.at(half), shown + Duration::hours(12));
        assert_eq!(clock.wall_at(clock.at(half)), half);
        assert_eq!(clock.at(start + Duration::seconds(70)), until + Duration::seconds(10));
    }
}
