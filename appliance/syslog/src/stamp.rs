//! Times as devices write them. One table of forms; each capture group of a form is named by a letter.

use std::sync::LazyLock;

use regex::{Captures, Regex};
use time::{Date, Duration, Month, OffsetDateTime, Time, UtcOffset};

/// How far into a text a time is looked for: those further in belong to what the line talks about.
const SEARCH_BYTES: usize = 400;

/// How far ahead of its arrival a line without a year may be before it is last year's: clocks drift
/// and zones differ by at most a day.
const AHEAD: Duration = Duration::DAY;

/// Years searched back for one in which a day exists: 29 February is at most eight years apart.
const YEARS_BACK: i32 = 8;

/// A time found in a text, `start..end`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Stamp {
    pub(crate) time: OffsetDateTime,
    pub(crate) start: usize,
    pub(crate) end: usize,
    /// Written as RFC 3164 has it (`Jan 15 08:00:00`), which makes a syslog header likely.
    pub(crate) rfc3164: bool,
}

struct Form {
    pattern: &'static str,
    /// What each capture group is, in order: `Y` year, `y` year of two digits, `m` month, `b` month
    /// name, `d` day, `M` and `D` month and day whose order is read off the values (`/` American,
    /// `-` and `.` European), `h` hour, `i` minute, `s` second, `f` fraction, `p` AM or PM, `z` zone,
    /// `e` epoch seconds, `E` epoch milliseconds.
    groups: &'static str,
}

const RFC3164: usize = 1;

const FORMS: &[Form] = &[
    Form {
        pattern: r#"\b(\d{4})[-/.:](\d{1,2})[-/.:](\d{1,2})(?:[T_:-]|,?[ \t]+(?:-[ ])?|["\]]?[ ,]+time="?)(\d{1,2}):(\d{2}):(\d{2})(?:[.,](\d{1,9}))?(?: ?(Z\b|UTC\b|GMT\b|[+-]\d{2}:?\d{2}\b))?"#,
        groups: "Ymdhisfz",
    },
    Form {
        pattern: r"\b(Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)[ ]+(\d{1,2})[ ]+(\d{1,2}):(\d{2}):(\d{2})(?:\.(\d{1,9}))?(?: (UTC\b|GMT\b|[+-]\d{2}:?\d{2}\b))?(?:(?: [A-Z]{3,4})? (20\d{2}|19\d{2})\b)?",
        groups: "bdhisfzY",
    },
    Form {
        pattern: r"\b([A-Z][a-z]{2})[a-z]*[ -]+(\d{1,2}),?[ -]+(\d{4}|\d{2}),? (\d{1,2}):(\d{2}):(\d{2})(?:\.(\d{1,9}))?(?: ?([AP]M))?(?: ?(Z\b|UTC\b|GMT\b|[+-]\d{2}:?\d{2}\b))?",
        groups: "bdYhisfpz",
    },
    Form {
        pattern: r"\b(\d{1,2})[/ -]([A-Za-z]{3})[a-z]?\.?[/ -](\d{4})[: T]+(\d{2}):(\d{2}):(\d{2})(?:[.,](\d{1,9}))?(?: ?(Z\b|UTC\b|GMT\b|[+-]\d{2}:?\d{2}\b))?",
        groups: "dbYhisfz",
    },
    Form {
        pattern: r"\b(\d{1,2}[/.-])(\d{1,2})[/.-](\d{4}|\d{2})(?:,| -|:|-)? ?(\d{1,2}):(\d{2}):(\d{2})(?:[.,](\d{1,9}))?(?: ?([AP]M))?(?: ?(Z\b|UTC\b|GMT\b|[+-]\d{2}:?\d{2}\b))?",
        groups: "MDYhisfpz",
    },
    Form {
        pattern: r"\b(\d{4})(\d{2})(\d{2})[T ]?(\d{2}):?(\d{2}):?(\d{2})(?:\.(\d{1,9}))?(Z\b)?\b",
        groups: "Ymdhisfz",
    },
    Form { pattern: r"\b(\d{2})(\d{2})(\d{2}) +(\d{1,2}):(\d{2}):(\d{2})\b", groups: "ymdhis" },
    Form { pattern: r"(?:audit\(|^\[?|^@)(1\d{9})(?:\.(\d{1,9}))?\b", groups: "ef" },
    Form { pattern: r"^\[?(1\d{12})\b", groups: "E" },
];

static ANYWHERE: LazyLock<Regex> = LazyLock::new(|| compile(""));
static AT_START: LazyLock<Regex> = LazyLock::new(|| {
    compile(r"^[\s\[*.:(]{0,8}(?:date=.?)?(?:(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun)[a-z]{0,6},? )?")
});

fn compile(prefix: &str) -> Regex {
    let forms: Vec<String> = FORMS.iter().map(|form| format!("(?:{})", form.pattern)).collect();
    Regex::new(&format!("{prefix}(?:{})", forms.join("|"))).expect("the table of forms is constant")
}

/// The time a text begins with, behind blanks, a bracket or a weekday at most.
pub(crate) fn at_start(text: &str, received_at: OffsetDateTime) -> Option<Stamp> {
    read(&AT_START.captures(head(text))?, received_at)
}

/// The first time in the front part of a text.
pub(crate) fn first_in(text: &str, received_at: OffsetDateTime) -> Option<Stamp> {
    ANYWHERE.captures_iter(head(text)).find_map(|captures| read(&captures, received_at))
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

fn read(captures: &Captures<'_>, received_at: OffsetDateTime) -> Option<Stamp> {
    let whole = captures.get(0)?;
    let mut base = 1;
    for (index, form) in FORMS.iter().enumerate() {
        if captures.get(base).is_some() {
            let time = Parts::collect(captures, base, form).time(received_at)?;
            return Some(Stamp {
                time,
                start: whole.start(),
                end: whole.end(),
                rfc3164: index == RFC3164,
            });
        }
        base += form.groups.len();
    }
    None
}

#[derive(Default)]
struct Parts<'t> {
    year: Option<i32>,
    month: Option<u8>,
    day: u8,
    hour: u8,
    minute: u8,
    second: u8,
    nanos: u32,
    zone: Option<&'t str>,
    epoch_nanos: Option<i128>,
}

impl<'t> Parts<'t> {
    fn collect(captures: &Captures<'t>, base: usize, form: &Form) -> Self {
        let mut parts = Self::default();
        let mut first = ("", false);
        for (offset, group) in form.groups.chars().enumerate() {
            let Some(text) = captures.get(base + offset).map(|found| found.as_str()) else {
                continue;
            };
            let number: i64 = text.parse().unwrap_or(0);
            let small = u8::try_from(number).unwrap_or(u8::MAX);
            match group {
                'Y' | 'y' => parts.year = Some(full_year(text, number)),
                'm' => parts.month = Some(small),
                'b' => parts.month = month_number(text),
                'd' => parts.day = small,
                'M' => first = (&text[..text.len() - 1], text.ends_with('/')),
                'D' => parts.order(first, small),
                'h' => parts.hour = small,
                'i' => parts.minute = small,
                's' => parts.second = small,
                'f' => parts.nanos = fraction_nanos(text),
                'p' => parts.hour = parts.hour % 12 + if text == "PM" { 12 } else { 0 },
                'z' => parts.zone = Some(text),
                'e' => parts.epoch_nanos = Some(i128::from(number) * 1_000_000_000),
                'E' => parts.epoch_nanos = Some(i128::from(number) * 1_000_000),
                _ => unreachable!("the table uses the letters above"),
            }
        }
        parts
    }

    fn order(&mut self, (first, american): (&str, bool), second: u8) {
        let first: u8 = first.parse().unwrap_or(0);
        let month_first = if first > 12 { false } else { american || second > 12 };
        let (month, day) = if month_first { (first, second) } else { (second, first) };
        self.month = Some(month);
        self.day = day;
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
        let offset = self.zone.and_then(zone_offset).unwrap_or_else(|| received_at.offset());
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

fn full_year(text: &str, number: i64) -> i32 {
    let year = i32::try_from(number).unwrap_or(0);
    if text.len() == 2 { 2000 + year } else { year }
}

fn month_number(name: &str) -> Option<u8> {
    const NAMES: [&str; 12] =
        ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];
    let index = NAMES.iter().position(|month| month.eq_ignore_ascii_case(name))?;
    u8::try_from(index + 1).ok()
}

fn fraction_nanos(digits: &str) -> u32 {
    let number: u32 = digits.parse().unwrap_or(0);
    let missing = 9u32.saturating_sub(u32::try_from(digits.len()).unwrap_or(9));
    number.saturating_mul(10u32.pow(missing)).min(999_999_999)
}

fn zone_offset(text: &str) -> Option<UtcOffset> {
    let Some((sign, digits)) =
        text.split_at_checked(1).filter(|(sign, _)| *sign == "+" || *sign == "-")
    else {
        return Some(UtcOffset::UTC);
    };
    let digits = digits.replace(':', "");
    let (hours, minutes) = digits.split_at_checked(2)?;
    let sign = if sign == "-" { -1 } else { 1 };
    UtcOffset::from_hms(sign * hours.parse::<i8>().ok()?, sign * minutes.parse::<i8>().ok()?, 0)
        .ok()
}

#[cfg(test)]
mod tests {
    use time::format_description::well_known::Rfc3339;
    use time::macros::datetime;

    use super::*;

    #[test]
    fn times_are_read_in_every_form() {
        let received = datetime!(2025-03-01 12:00 +00:00);
        for (text, expected) in [
            ("2022-06-29 16:04:05 x", "2022-06-29T16:04:05Z"),
            ("2022-06-29T16:04:05.25+02:00 x", "2022-06-29T16:04:05.25+02:00"),
            ("2021-03-03 19:51:53,762 INFO", "2021-03-03T19:51:53.762Z"),
            ("[2025/01/22 13:09:20 UTC]", "2025-01-22T13:09:20Z"),
            ("2014:07:02-13:29:38: x", "2014-07-02T13:29:38Z"),
            ("date=2016-06-15 time=10:42:31 x", "2016-06-15T10:42:31Z"),
            ("Jan 15 08:00:00 x", "2025-01-15T08:00:00Z"),
            ("Jan  5 08:00:00 x", "2025-01-05T08:00:00Z"),
            ("Dec 15 08:00:00 x", "2024-12-15T08:00:00Z"),
            ("Mar  2 08:00:00 x", "2025-03-02T08:00:00Z"),
            ("Mar  3 08:00:00 x", "2024-03-03T08:00:00Z"),
            ("Feb 29 08:00:00 x", "2024-02-29T08:00:00Z"),
            ("[Sat Jul 20 21:40:33.803528 2013] x", "2013-07-20T21:40:33.803528Z"),
            ("Mon Oct 11 09:01:35 CEST 2021|x", "2021-10-11T09:01:35Z"),
            ("Aug 14 2008 09:21:07 x", "2008-08-14T09:21:07Z"),
            ("Jul-30-16 17:07:25 x", "2016-07-30T17:07:25Z"),
            ("24/Jan/2022:16:22:14 +0100", "2022-01-24T16:22:14+01:00"),
            ("27-Aug-2013 17:49:45.330 x", "2013-08-27T17:49:45.33Z"),
            ("02/sept./2015:00:11:31 +0200", "2015-09-02T00:11:31+02:00"),
            ("10/06/2013 15:50:41 x", "2013-10-06T15:50:41Z"),
            ("25/06/2013 15:50:41 x", "2013-06-25T15:50:41Z"),
            ("11-06-2013 02:09:43 +0300 x", "2013-06-11T02:09:43+03:00"),
            ("12/17/22, 10:31:30 PM x", "2022-12-17T22:31:30Z"),
            ("130324 17:56:14 x", "2013-03-24T17:56:14Z"),
            ("20130324T175614Z x", "2013-03-24T17:56:14Z"),
            ("[1387348935] x", "2013-12-18T06:42:15Z"),
            ("1286536309.450 x", "2010-10-08T11:11:49.45Z"),
        ] {
            let stamp = at_start(text, received).unwrap_or_else(|| panic!("no time in {text:?}"));
            assert_eq!(stamp.time.format(&Rfc3339).unwrap(), expected, "{text:?}");
        }
        for text in [
            "",
            "x",
            "2022-13-29 16:04:05",
            "2022-06-29 25:04:05",
            "Jan 32 08:00:00",
            "::1",
            "9999999999",
        ] {
            assert_eq!(at_start(text, received), None, "{text:?}");
        }
    }

    #[test]
    fn epochs_are_told_by_magnitude() {
        for number in [1.7e9, 1.7e12, 1.7e15, 1.7e18] {
            assert_eq!(from_epoch(number).map(|time| time.unix_timestamp()), Some(1_700_000_000));
        }
        for number in [0.0, -1.0, f64::NAN, f64::INFINITY, 12345.0] {
            assert_eq!(from_epoch(number), None);
        }
    }
}
