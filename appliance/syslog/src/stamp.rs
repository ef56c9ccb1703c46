//! Times as devices write them, read by hand: expressions took longer than all else in a line's head.

use time::{Date, Duration, Month, OffsetDateTime, Time, UtcOffset};

mod forms;

/// How far into a text a time is looked for: those further in belong to what the line talks about.
const SEARCH_BYTES: usize = 400;

/// How far ahead of its arrival a line without a year may be before it is last year's: clocks drift
/// and zones differ by at most a day.
const AHEAD: Duration = Duration::DAY;

/// Years searched back for one in which a day exists: 29 February is at most eight years apart.
const YEARS_BACK: i32 = 8;

/// A time found in a text, ending at `end`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Stamp {
    pub(crate) time: OffsetDateTime,
    pub(crate) end: usize,
    /// Written as RFC 3164 has it (`Jan 15 08:00:00`), which makes a syslog header likely.
    pub(crate) rfc3164: bool,
}

/// The time a text begins with, behind blanks, a bracket or a weekday at most.
pub(crate) fn at_start(text: &str, received_at: OffsetDateTime) -> Option<Stamp> {
    forms::at_start(head(text))?.stamp(received_at)
}

/// The first time in the front part of a text.
pub(crate) fn first_in(text: &str, received_at: OffsetDateTime) -> Option<Stamp> {
    let text = head(text);
    let mut from = 0;
    while let Some(written) = forms::first_from(text, from) {
        if let Some(stamp) = written.stamp(received_at) {
            return Some(stamp);
        }
        from = written.end;
    }
    None
}

/// A time given as a number: seconds, milli-, micro- or nanoseconds since 1970, told by magnitude.
pub(crate) fn from_epoch(number: f64) -> Option<OffsetDateTime> {
    // 1e9 s is 2001 and 1e11 s is the year 5138: a thousandfold apart, so the units never overlap.
    let seconds = [1.0, 1e3, 1e6, 1e9]
        .into_iter()
        .map(|unit| number / unit)
        .find(|seconds| (9e8..1e11).contains(seconds))?;
    OffsetDateTime::from_unix_timestamp_nanos((seconds * 1e9) as i128).ok()
}

/// The front of a text, cut at a character.
pub(crate) fn head(text: &str) -> &str {
    &text[..text.floor_char_boundary(SEARCH_BYTES)]
}

/// What stands written, not yet known to be a day of any calendar.
#[derive(Clone, Copy, Debug, Default)]
struct Written {
    year: Option<i32>,
    month: Option<u8>,
    day: u8,
    hour: u8,
    minute: u8,
    second: u8,
    nanos: u32,
    zone: Option<UtcOffset>,
    epoch_nanos: Option<i128>,
    rfc3164: bool,
    end: usize,
}

impl Written {
    fn stamp(&self, received_at: OffsetDateTime) -> Option<Stamp> {
        let time = self.time(received_at).filter(|time| is_of_our_calendar(*time))?;
        Some(Stamp { time, end: self.end, rfc3164: self.rfc3164 })
    }

    fn time(&self, received_at: OffsetDateTime) -> Option<OffsetDateTime> {
        if let Some(nanos) = self.epoch_nanos {
            let nanos = nanos + i128::from(self.nanos);
            return OffsetDateTime::from_unix_timestamp_nanos(nanos).ok();
        }
        let month = Month::try_from(self.month?).ok()?;
        // A leap second is the last moment of its minute here.
        let second = self.second.min(59);
        let clock = Time::from_hms_nano(self.hour, self.minute, second, self.nanos).ok()?;
        let offset = self.zone.unwrap_or_else(|| received_at.offset());
        let at = |year| {
            let date = Date::from_calendar_date(year, month, self.day).ok()?;
            Some(date.with_time(clock).assume_offset(offset))
        };
        match self.year {
            Some(year) => at(year),
            None => {
                let latest = received_at.checked_add(AHEAD).unwrap_or(received_at);
                let this_year = latest.year();
                (this_year - YEARS_BACK..=this_year)
                    .rev()
                    .find_map(|year| at(year).filter(|time| *time <= latest))
            }
        }
    }
}

/// Whether a time has a year of four digits in its own zone and in UTC, as RFC 3339 wants it.
fn is_of_our_calendar(time: OffsetDateTime) -> bool {
    let utc = time.checked_to_offset(UtcOffset::UTC);
    utc.is_some_and(|utc| utc.year() >= 0 && time.year() >= 0)
}

#[cfg(test)]
mod tests;
