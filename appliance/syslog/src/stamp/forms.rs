//! The forms: each reads one way of writing a time, or says that the text is none.

use time::UtcOffset;

use super::Written;

/// Blanks, brackets and marks before a time at the start of a line.
const MAX_LEAD: usize = 8;

/// Letters of a weekday behind its first three.
const MAX_DAY_NAME: usize = 6;

type Form = fn(Cursor<'_>) -> Option<Written>;

/// Forms that begin with a digit, asked in order.
const BY_DIGIT: &[Form] = &[year_first, day_and_name, day_or_month_first, digits_only, six_digits];

/// Forms that begin with the name of a month.
const BY_NAME: &[Form] = &[rfc3164, name_and_year];

const DAYS: [&[u8]; 7] = [b"Mon", b"Tue", b"Wed", b"Thu", b"Fri", b"Sat", b"Sun"];

const MONTHS: [&[u8]; 12] = [
    b"Jan", b"Feb", b"Mar", b"Apr", b"May", b"Jun", b"Jul", b"Aug", b"Sep", b"Oct", b"Nov", b"Dec",
];

/// The time that a text begins with.
pub(super) fn at_start(text: &str) -> Option<Written> {
    let mut cursor = Cursor { text: text.as_bytes(), at: 0 };
    let lead = |byte: &u8| is_blank(*byte) || b"[*.:(".contains(byte);
    cursor.at = cursor.text.iter().take(MAX_LEAD).take_while(|byte| lead(byte)).count();
    named(cursor).or_else(|| epoch_at_start(Cursor { at: 0, ..cursor }))
}

/// Behind `date=`, a quote, a weekday.
fn named(mut cursor: Cursor<'_>) -> Option<Written> {
    if cursor.word(b"date=") {
        let quoted = Cursor { at: cursor.at + 1, ..cursor };
        return behind_weekday(quoted).or_else(|| behind_weekday(cursor));
    }
    behind_weekday(cursor)
}

fn behind_weekday(mut cursor: Cursor<'_>) -> Option<Written> {
    if DAYS.iter().any(|day| cursor.word(day)) {
        cursor.skip(MAX_DAY_NAME, |byte| byte.is_ascii_lowercase());
        cursor.any(b",");
        cursor.one(b" ")?;
    }
    here(cursor)
}

/// The first time from this byte on.
pub(super) fn first_from(text: &str, from: usize) -> Option<Written> {
    let text = text.as_bytes();
    let first = (from == 0).then(|| epoch_at_start(Cursor { text, at: 0 })).flatten();
    (from..text.len())
        .find_map(|at| here(Cursor { text, at }).or(if at == 0 { first } else { None }))
}

/// The time that begins at this very byte.
fn here(cursor: Cursor<'_>) -> Option<Written> {
    let first = cursor.peek()?;
    if first == b'a' {
        return audit(cursor);
    }
    let forms = match first {
        b'0'..=b'9' => BY_DIGIT,
        b'A'..=b'Z' => BY_NAME,
        _ => return None,
    };
    let inside_word = cursor.at > 0 && is_word(cursor.text[cursor.at - 1]);
    if inside_word { None } else { forms.iter().find_map(|form| form(cursor)) }
}

/// `2026-03-05T10:21:35.123Z`, `2026/03/05 10:21:35 +01:00`, `2026-03-05" time="10:21:35`.
fn year_first(mut at: Cursor<'_>) -> Option<Written> {
    let year = at.number(4, 4)?;
    at.one(b"-/.:")?;
    let month = at.small(1, 2)?;
    at.one(b"-/.:")?;
    let day = at.small(1, 2)?;
    if !at.any(b"T_:-") {
        let named = at;
        at.any(b",");
        let blank = at.skip(usize::MAX, |byte| byte == b' ' || byte == b'\t') > 0;
        if blank && at.peek() == Some(b'-') {
            at.at += 1;
            at.one(b" ")?;
        } else if !blank || !at.is_digit() {
            at = named;
            at.any(b"\"]");
            at.many(b" ,")?;
            at.word(b"time=").then_some(())?;
            at.any(b"\"");
        }
    }
    let mut written =
        Written { month: Some(month), day, year: Some(year as i32), ..clock(&mut at)? };
    written.nanos = at.fraction(b".,");
    written.zone = at.zone(true);
    Some(written.ending(at))
}

/// `Mar  5 10:21:35`, with what some add: a fraction, a zone, the year.
fn rfc3164(mut at: Cursor<'_>) -> Option<Written> {
    let month = MONTHS.iter().position(|month| at.word(month))? as u8 + 1;
    at.many(b" ")?;
    let day = at.small(1, 2)?;
    at.many(b" ")?;
    let mut written = Written { month: Some(month), day, rfc3164: true, ..clock(&mut at)? };
    written.nanos = at.fraction(b".");
    if at.peek() == Some(b' ') {
        written.zone = at.zone(false);
    }
    written.year = at.year_behind();
    Some(written.ending(at))
}

/// `March 5, 2026 10:21:35 PM`, `Mar-05-26 10:21:35`.
fn name_and_year(mut at: Cursor<'_>) -> Option<Written> {
    let month = at.month_name()?;
    at.text[at.at - 2..at.at].iter().all(u8::is_ascii_lowercase).then_some(())?;
    at.skip(usize::MAX, |byte| byte.is_ascii_lowercase());
    at.many(b" -")?;
    let day = at.small(1, 2)?;
    at.any(b",");
    at.many(b" -")?;
    let year = at.year()?;
    at.any(b",");
    at.one(b" ")?;
    let mut written = Written { month, day, year: Some(year), ..clock(&mut at)? };
    written.nanos = at.fraction(b".");
    at.half_of_day(&mut written);
    written.zone = at.zone(true);
    Some(written.ending(at))
}

/// `05/Mar/2026:10:21:35 +0100`, `5 Mar 2026 10:21:35`.
fn day_and_name(mut at: Cursor<'_>) -> Option<Written> {
    let day = at.small(1, 2)?;
    at.one(b"/ -")?;
    let month = at.month_name()?;
    if at.peek().is_some_and(|byte| byte.is_ascii_lowercase()) {
        at.at += 1;
    }
    at.any(b".");
    at.one(b"/ -")?;
    let year = at.number(4, 4)?;
    at.many(b": T")?;
    let two_digits = at.text.get(at.at + 2) == Some(&b':');
    two_digits.then_some(())?;
    let mut written = Written { month, day, year: Some(year as i32), ..clock(&mut at)? };
    written.nanos = at.fraction(b".,");
    written.zone = at.zone(true);
    Some(written.ending(at))
}

/// `03/05/2026 10:21:35`, American with slashes, else European, unless the numbers say otherwise.
fn day_or_month_first(mut at: Cursor<'_>) -> Option<Written> {
    let first = at.small(1, 2)?;
    let american = at.one(b"/.-")? == b'/';
    let second = at.small(1, 2)?;
    at.one(b"/.-")?;
    let month_first = first <= 12 && (american || second > 12);
    let (month, day) = if month_first { (first, second) } else { (second, first) };
    let (year, clock) = [4, 2].into_iter().find_map(|digits| {
        let mut behind = at;
        let year = full_year(behind.number(digits, digits)?, digits);
        if !behind.word(b" -") {
            behind.any(b",:-");
        }
        behind.any(b" ");
        let clock = clock(&mut behind)?;
        at = behind;
        Some((year, clock))
    })?;
    let mut written = Written { month: Some(month), day, year: Some(year), ..clock };
    written.nanos = at.fraction(b".,");
    at.half_of_day(&mut written);
    written.zone = at.zone(true);
    Some(written.ending(at))
}

/// `20260305T102135Z`, `20260305 10:21:35`.
fn digits_only(mut at: Cursor<'_>) -> Option<Written> {
    let year = at.number(4, 4)?;
    let [month, day] = [at.small(2, 2)?, at.small(2, 2)?];
    at.any(b"T ");
    let hour = at.small(2, 2)?;
    at.any(b":");
    let minute = at.small(2, 2)?;
    at.any(b":");
    let second = at.small(2, 2)?;
    let mut written =
        Written { month: Some(month), day, hour, minute, second, ..Written::default() };
    written.year = Some(year as i32);
    let bare = at;
    written.nanos = at.fraction(b".");
    let mut zoned = at;
    if zoned.any(b"Z") && zoned.at_edge() {
        written.zone = Some(UtcOffset::UTC);
        at = zoned;
    }
    if !at.at_edge() {
        // What seemed a fraction is none.
        at = bare;
        written.nanos = 0;
    }
    at.at_edge().then(|| written.ending(at))
}

/// `260305 10:21:35`, as MySQL wrote it.
fn six_digits(mut at: Cursor<'_>) -> Option<Written> {
    let [year, month, day] = [at.small(2, 2)?, at.small(2, 2)?, at.small(2, 2)?];
    at.many(b" ")?;
    let year = Some(2000 + i32::from(year));
    let written = Written { year, month: Some(month), day, ..clock(&mut at)? };
    at.at_edge().then(|| written.ending(at))
}

/// `audit(1286536309.450:1)`.
fn audit(mut at: Cursor<'_>) -> Option<Written> {
    at.word(b"audit(").then_some(())?;
    seconds(at)
}

/// Seconds or milliseconds since 1970 at the very start, in a bracket or behind an `@` at most.
fn epoch_at_start(mut at: Cursor<'_>) -> Option<Written> {
    let bracketed = at.any(b"[");
    let behind = Cursor { at: usize::from(bracketed || at.peek() == Some(b'@')), ..at };
    seconds(behind).or_else(|| {
        let digits = at.number(13, 13).filter(|_| at.at_edge())?;
        let first = at.text[at.at - 13] == b'1';
        let epoch_nanos = Some(i128::from(digits) * 1_000_000);
        first.then(|| Written { epoch_nanos, ..Written::default() }.ending(at))
    })
}

fn seconds(mut at: Cursor<'_>) -> Option<Written> {
    let first = at.peek() == Some(b'1');
    let seconds = at.number(10, 10).filter(|_| first)?;
    let bare = at;
    let mut nanos = at.fraction(b".");
    if !at.at_edge() {
        at = bare;
        nanos = 0;
    }
    let epoch_nanos = Some(i128::from(seconds) * 1_000_000_000);
    at.at_edge().then(|| Written { epoch_nanos, nanos, ..Written::default() }.ending(at))
}

/// `10:21:35`.
fn clock(at: &mut Cursor<'_>) -> Option<Written> {
    let hour = at.small(1, 2)?;
    at.one(b":")?;
    let minute = at.small(2, 2)?;
    at.one(b":")?;
    let second = at.small(2, 2)?;
    Some(Written { hour, minute, second, ..Written::default() })
}

impl Written {
    fn ending(self, at: Cursor<'_>) -> Self {
        Self { end: at.at, ..self }
    }
}

fn full_year(number: u64, digits: usize) -> i32 {
    let year = number as i32;
    if digits == 2 { 2000 + year } else { year }
}

fn is_blank(byte: u8) -> bool {
    matches!(byte, b'\t'..=b'\r' | b' ')
}

fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_' || byte >= 0x80
}

/// A place in a text.
#[derive(Clone, Copy)]
struct Cursor<'t> {
    text: &'t [u8],
    at: usize,
}

impl Cursor<'_> {
    fn peek(&self) -> Option<u8> {
        self.text.get(self.at).copied()
    }

    fn is_digit(&self) -> bool {
        self.peek().is_some_and(|byte| byte.is_ascii_digit())
    }

    /// Whether no letter or digit follows.
    fn at_edge(&self) -> bool {
        !self.peek().is_some_and(is_word)
    }

    /// Takes one byte of these.
    fn one(&mut self, of: &[u8]) -> Option<u8> {
        let byte = self.peek().filter(|byte| of.contains(byte))?;
        self.at += 1;
        Some(byte)
    }

    /// Takes one byte of these, if it is there.
    fn any(&mut self, of: &[u8]) -> bool {
        self.one(of).is_some()
    }

    /// Takes all bytes of these, at least one.
    fn many(&mut self, of: &[u8]) -> Option<()> {
        (self.skip(usize::MAX, |byte| of.contains(&byte)) > 0).then_some(())
    }

    fn skip(&mut self, most: usize, fits: impl Fn(u8) -> bool) -> usize {
        let rest = self.text.get(self.at..).unwrap_or_default();
        let count = rest.iter().take(most).take_while(|byte| fits(**byte)).count();
        self.at += count;
        count
    }

    fn word(&mut self, word: &[u8]) -> bool {
        let there = self.text.get(self.at..).is_some_and(|rest| rest.starts_with(word));
        self.at += if there { word.len() } else { 0 };
        there
    }

    /// Takes at most `most` digits, at least `least`; nothing where there are fewer.
    fn number(&mut self, least: usize, most: usize) -> Option<u64> {
        let start = self.at;
        let count = self.skip(most, |byte| byte.is_ascii_digit());
        if count < least {
            self.at = start;
            return None;
        }
        let digits = &self.text[start..self.at];
        Some(digits.iter().fold(0, |number, digit| number * 10 + u64::from(digit - b'0')))
    }

    fn small(&mut self, least: usize, most: usize) -> Option<u8> {
        self.number(least, most).map(|number| number as u8)
    }

    /// Four digits or two.
    fn year(&mut self) -> Option<i32> {
        let start = self.at;
        let digits = self.skip(4, |byte| byte.is_ascii_digit());
        self.at = start;
        let digits = if digits == 4 { 4 } else { 2 };
        Some(full_year(self.number(digits, digits)?, digits))
    }

    /// Three letters; the month is none where they name none.
    fn month_name(&mut self) -> Option<Option<u8>> {
        let name = self.text.get(self.at..self.at + 3)?;
        name.iter().all(u8::is_ascii_alphabetic).then_some(())?;
        self.at += 3;
        let month = MONTHS.iter().position(|month| month.eq_ignore_ascii_case(name));
        Some(month.map(|index| index as u8 + 1))
    }

    /// Nanoseconds behind a mark; 0 and no step where there are no digits.
    fn fraction(&mut self, marks: &[u8]) -> u32 {
        let mut behind = *self;
        let start = self.at + 1;
        let Some(number) = behind.one(marks).and_then(|_| behind.number(1, 9)) else {
            return 0;
        };
        *self = behind;
        let digits = (self.at - start) as u32;
        number as u32 * 10_u32.pow(9 - digits)
    }

    /// ` PM`.
    fn half_of_day(&mut self, written: &mut Written) {
        let mut behind = *self;
        behind.any(b" ");
        let afternoon = behind.word(b"PM");
        if afternoon || behind.word(b"AM") {
            written.hour = written.hour % 12 + if afternoon { 12 } else { 0 };
            *self = behind;
        }
    }

    /// ` UTC`, `Z` where that may stand, ` +01:00`. A zone that cannot be is stepped over.
    fn zone(&mut self, zulu: bool) -> Option<UtcOffset> {
        let mut behind = *self;
        behind.any(b" ");
        if zulu && behind.any(b"Z") || behind.word(b"UTC") || behind.word(b"GMT") {
            behind.at_edge().then_some(())?;
            *self = behind;
            return Some(UtcOffset::UTC);
        }
        let sign: i8 = if behind.one(b"+-")? == b'-' { -1 } else { 1 };
        let hours = behind.small(2, 2)?;
        behind.any(b":");
        let minutes = behind.small(2, 2)?;
        behind.at_edge().then_some(())?;
        *self = behind;
        // RFC 3339 has no more; a record with such a zone could not be written as JSON.
        let possible = hours < 24 && minutes < 60;
        possible.then_some(())?;
        UtcOffset::from_hms(sign * hours as i8, sign * minutes as i8, 0).ok()
    }

    /// ` CEST 2026` or ` 2026`.
    fn year_behind(&mut self) -> Option<i32> {
        let mut zoned = *self;
        if zoned.any(b" ")
            && (3..=4).contains(&zoned.skip(4, |byte| byte.is_ascii_uppercase()))
            && let Some(year) = zoned.blank_and_year()
        {
            *self = zoned;
            return Some(year);
        }
        let mut bare = *self;
        let year = bare.blank_and_year()?;
        *self = bare;
        Some(year)
    }

    fn blank_and_year(&mut self) -> Option<i32> {
        self.one(b" ")?;
        let year = self.number(4, 4).filter(|year| (1900..2100).contains(year))?;
        self.at_edge().then_some(year as i32)
    }
}
