//! A header of RFC 5424 without structured data, as most senders write it, read by hand in a tenth of the
//! time. What is not exactly that is left to the parser that knows all of it.

use time::{Date, Month, OffsetDateTime, UtcOffset};

/// What stands in such a header.
#[derive(Debug, PartialEq)]
pub(super) struct Plain<'t> {
    pub(super) timestamp: Option<OffsetDateTime>,
    /// Host, app, process and message id.
    pub(super) words: [Option<&'t str>; 4],
    pub(super) message: &'t str,
}

/// Years whose times every parser can count in nanoseconds.
const YEARS: std::ops::RangeInclusive<i32> = 1700..=2200;

/// Reads `TIME HOST APP PROCID MSGID - MESSAGE`, single blanks between.
pub(super) fn read(body: &str) -> Option<Plain<'_>> {
    let (time, mut rest) = body.split_once(' ')?;
    let timestamp = if time == "-" { None } else { Some(timestamp(time.as_bytes())?) };
    let mut words = [None; 4];
    for place in &mut words {
        let word = rest.bytes().take_while(u8::is_ascii_graphic).count();
        let (word, behind) = rest.split_at(word);
        rest = behind.strip_prefix(' ')?;
        // A colon may belong to the message.
        (!word.is_empty() && !word.ends_with(':')).then_some(())?;
        *place = (word != "-").then_some(word);
    }
    let message = rest.strip_prefix("- ")?.trim_start_matches([' ', '\t']);
    Some(Plain { timestamp, words, message })
}

/// `2026-03-05T10:21:35.123456+01:00`; fraction and zone in their longer and shorter forms.
fn timestamp(text: &[u8]) -> Option<OffsetDateTime> {
    let marks = [(4, b'-'), (7, b'-'), (10, b'T'), (13, b':'), (16, b':')];
    marks.iter().all(|(at, mark)| text.get(*at) == Some(mark)).then_some(())?;
    let part = |at, count| number(text.get(at..at + count)?);
    let year = i32::try_from(part(0, 4)?).ok().filter(|year| YEARS.contains(year))?;
    let month = Month::try_from(part(5, 2)? as u8).ok()?;
    let date = Date::from_calendar_date(year, month, part(8, 2)? as u8).ok()?;
    let behind = text.get(19..)?;
    let (nanos, zone) = match behind.strip_prefix(b".") {
        None => (0, behind),
        Some(fraction) => {
            let digits = fraction.iter().take_while(|byte| byte.is_ascii_digit()).count();
            let (digits, zone) = fraction.split_at(digits);
            let scale = 10u32.pow(9u32.checked_sub(u32::try_from(digits.len()).ok()?)?);
            (number(digits)? * scale, zone)
        }
    };
    let [hour, minute, second] = [part(11, 2)? as u8, part(14, 2)? as u8, part(17, 2)? as u8];
    let clock = date.with_hms_nano(hour, minute, second, nanos).ok()?;
    Some(clock.assume_offset(offset(zone)?))
}

/// `Z` or `+01:00`.
fn offset(zone: &[u8]) -> Option<UtcOffset> {
    let [sign, hours @ .., b':', tens, ones] = zone else {
        return (zone == b"Z").then_some(UtcOffset::UTC);
    };
    let (hours, minutes) = (number(hours).filter(|_| hours.len() == 2)?, number(&[*tens, *ones])?);
    let minutes =
        i32::try_from(hours * 60 + minutes).ok().filter(|_| hours < 24 && minutes < 60)?;
    match sign {
        b'+' => UtcOffset::from_whole_seconds(minutes * 60).ok(),
        b'-' => UtcOffset::from_whole_seconds(-minutes * 60).ok(),
        _ => None,
    }
}

/// One to nine digits.
fn number(digits: &[u8]) -> Option<u32> {
    (1..=9).contains(&digits.len()).then_some(())?;
    let next = |number: u32, byte: &u8| {
        byte.is_ascii_digit().then(|| number * 10 + u32::from(byte - b'0'))
    };
    digits.iter().try_fold(0, next)
}

#[cfg(test)]
mod tests {
    use time::macros::datetime;

    use super::*;

    #[test]
    fn plain_headers_are_read() {
        let time = datetime!(2026-03-05 10:21:35.12 +01:30);
        for (body, timestamp, words, message) in [
            (
                "2026-03-05T10:21:35.120+01:30 a b 7 - - \t x y",
                Some(time),
                [Some("a"), Some("b"), Some("7"), None],
                "x y",
            ),
            ("- - - - M - x", None, [None, None, None, Some("M")], "x"),
        ] {
            assert_eq!(read(body), Some(Plain { timestamp, words, message }), "{body}");
        }
        for time in ["2026-03-05T10:21:35Z", "2026-03-05T09:21:35.000000001-00:59"] {
            assert!(timestamp(time.as_bytes()).is_some(), "{time}");
        }
    }

    #[test]
    fn what_is_not_plain_is_left_to_others() {
        for body in [
            "2026-03-05T10:21:60Z a b c d - x",
            "2026-02-30T10:21:00Z a b c d - x",
            "2026-03-05t10:21:00Z a b c d - x",
            "2026-03-05T10:21:00.1234567890Z a b c d - x",
            "2026-03-05T10:21:00.Z a b c d - x",
            "2026-03-05T10:21:00+24:00 a b c d - x",
            "2026-03-05T10:21:00+1:00 a b c d - x",
            "2026-03-05T10:21:00 a b c d - x",
            "9026-03-05T10:21:00Z a b c d - x",
            "- a: b c d - x",
            "-  a b c d - x",
            "- a b c d [x] x",
            "- a b c d -",
            "- ä b c d - x",
            "",
        ] {
            assert_eq!(read(body), None, "{body}");
        }
    }
}
