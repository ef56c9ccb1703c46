//! When: "last 7 days", "since yesterday", "between … and …".

use ::time::format_description::well_known::Rfc3339;
use ::time::{Duration, OffsetDateTime, Time, UtcOffset};
use vedette_event::query::TimeRange;

use super::words::Words;
use crate::shape::{MAX_WINDOW, earlier};

/// The window a question names; `None` where it names none.
pub(super) fn find(words: &Words<'_>, now: OffsetDateTime) -> Option<TimeRange> {
    (0..words.len()).find_map(|at| phrase(words, at, now))
}

fn phrase(words: &Words<'_>, at: usize, now: OffsetDateTime) -> Option<TimeRange> {
    let today = midnight(now);
    let day = Duration::days(1);
    match words.lower(at) {
        "last" | "past" | "previous" => past(words, at + 1),
        "since" => {
            let (from, _) = moment(words, at + 1, now)?;
            range(from, now)
        }
        "between" => {
            let (from, next) = moment(words, at + 1, now)?;
            let next = if words.lower(next) == "and" { next + 1 } else { return None };
            let (to, _) = moment(words, next, now)?;
            range(from, end_of(words, next, to))
        }
        "from" => {
            let (from, next) = moment(words, at + 1, now)?;
            let leads = matches!(words.lower(next), "to" | "until" | "till" | "through");
            let (to, _) = moment(words, next + 1, now).filter(|_| leads)?;
            range(from, end_of(words, next + 1, to))
        }
        "on" => {
            let (from, _) = moment(words, at + 1, now)?;
            range(from, from.saturating_add(day))
        }
        "today" => range(today, now),
        "yesterday" => range(earlier(today, day), today),
        _ => None,
    }
}

fn range(from: OffsetDateTime, to: OffsetDateTime) -> Option<TimeRange> {
    (from < to).then(|| TimeRange::Absolute { from: from.max(earlier(to, MAX_WINDOW)), to })
}

/// A window named by two dates ends with the second day.
fn end_of(words: &Words<'_>, at: usize, to: OffsetDateTime) -> OffsetDateTime {
    let is_date = words.raw(at).len() == "2026-11-20".len();
    if is_date { to.saturating_add(Duration::days(1)) } else { to }
}

/// "7 days", "24h", "hour", "few days", "two weeks".
fn past(words: &Words<'_>, at: usize) -> Option<TimeRange> {
    let word = words.lower(at);
    let span = match (number(word), compact(word)) {
        (Some(number), _) => unit(words.lower(at + 1))?.checked_mul(number)?,
        (None, Some(span)) => span,
        (None, None) => unit(word)?,
    };
    (span > Duration::ZERO).then(|| TimeRange::Last(span.min(MAX_WINDOW)))
}

fn number(word: &str) -> Option<i32> {
    const NAMES: [&str; 13] = [
        "zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten",
        "eleven", "twelve",
    ];
    let named = NAMES.iter().position(|name| *name == word).and_then(|n| i32::try_from(n).ok());
    named.or_else(|| word.parse().ok()).or((word == "few").then_some(3)).filter(|n| *n > 0)
}

/// `24h`, `7d`, `30m`.
fn compact(word: &str) -> Option<Duration> {
    let digits = word.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let unit = match &word[digits.len()..] {
        "s" => Duration::seconds(1),
        "m" | "min" | "mins" => Duration::minutes(1),
        "h" | "hr" | "hrs" => Duration::hours(1),
        "d" => Duration::days(1),
        "w" => Duration::weeks(1),
        _ => return None,
    };
    unit.checked_mul(digits.parse().ok()?)
}

/// A unit of time by name, one or many.
pub(super) fn unit(word: &str) -> Option<Duration> {
    Some(match word.strip_suffix('s').unwrap_or(word) {
        "second" | "sec" => Duration::seconds(1),
        "minute" | "min" => Duration::minutes(1),
        "hour" | "hr" => Duration::hours(1),
        "day" => Duration::days(1),
        "week" => Duration::weeks(1),
        "month" => Duration::days(30),
        "year" => Duration::days(365),
        _ => return None,
    })
}

/// A time at a place, and the place after it: `2026-11-20T10:00:00Z`, `2026-11-20 10:00`,
/// `2026-11-20`, `yesterday`, `today`, `last week`, `10:30`.
fn moment(words: &Words<'_>, at: usize, now: OffsetDateTime) -> Option<(OffsetDateTime, usize)> {
    let word = words.raw(at);
    let today = midnight(now);
    match words.lower(at) {
        "yesterday" => return Some((earlier(today, Duration::days(1)), at + 1)),
        "today" | "midnight" => return Some((today, at + 1)),
        "now" => return Some((now, at + 1)),
        "last" => {
            let span = unit(words.lower(at + 1))?;
            return Some((earlier(now, span), at + 2));
        }
        _ => {}
    }
    if let Ok(at_that) = OffsetDateTime::parse(word, &Rfc3339) {
        return Some((at_that, at + 1));
    }
    if let Some(clock) = clock(word) {
        return Some((today.saturating_add(clock), at + 1));
    }
    let day = OffsetDateTime::parse(&format!("{word}T00:00:00Z"), &Rfc3339).ok()?;
    match clock(words.raw(at + 1)) {
        Some(clock) => Some((day.saturating_add(clock), at + 2)),
        None => Some((day, at + 1)),
    }
}

/// `10:30` or `10:30:15` since midnight.
fn clock(word: &str) -> Option<Duration> {
    let mut parts = word.split(':').map(str::parse::<i64>);
    let hours = parts.next()?.ok().filter(|hours| (0..24).contains(hours))?;
    let minutes = parts.next()?.ok().filter(|minutes| (0..60).contains(minutes))?;
    let seconds = parts.next().map_or(Some(0), Result::ok)?;
    Some(Duration::seconds(hours * 3_600 + minutes * 60 + seconds.clamp(0, 59)))
}

fn midnight(now: OffsetDateTime) -> OffsetDateTime {
    now.to_offset(UtcOffset::UTC).replace_time(Time::MIDNIGHT)
}
