//! One moment, in the ways products write it.

use rand::RngExt;
use rand_chacha::ChaCha8Rng;
use time::OffsetDateTime;
use time::format_description::BorrowedFormatItem;
use time::macros::{datetime, format_description};

/// The ways, by the name of their slot.
const FORMATS: [(&str, &[BorrowedFormatItem<'static>]); 13] = [
    ("iso", format_description!("[year]-[month]-[day]T[hour]:[minute]:[second]Z")),
    (
        "iso_ms",
        format_description!("[year]-[month]-[day]T[hour]:[minute]:[second].[subsecond digits:3]Z"),
    ),
    (
        "iso_us",
        format_description!(
            "[year]-[month]-[day]T[hour]:[minute]:[second].[subsecond digits:6]+00:00"
        ),
    ),
    ("iso_offset", format_description!("[year]-[month]-[day]T[hour]:[minute]:[second]+02:00")),
    (
        "time",
        format_description!("[month repr:short] [day padding:space] [hour]:[minute]:[second]"),
    ),
    (
        "time_year",
        format_description!(
            "[month repr:short] [day padding:space] [year] [hour]:[minute]:[second]"
        ),
    ),
    ("clf", format_description!("[day]/[month repr:short]/[year]:[hour]:[minute]:[second] +0000")),
    ("date", format_description!("[year]-[month]-[day]")),
    ("clock", format_description!("[hour]:[minute]:[second]")),
    ("date_slash", format_description!("[year]/[month]/[day]")),
    (
        "us_time",
        format_description!("[month]/[day]/[year] [hour repr:12]:[minute]:[second] [period]"),
    ),
    ("eu_time", format_description!("[day].[month].[year] [hour]:[minute]:[second]")),
    (
        "weekday_time",
        format_description!(
            "[weekday repr:short] [month repr:short] [day padding:space] [hour]:[minute]:[second] [year]"
        ),
    ),
];

/// A moment within six years.
pub(super) fn moment(random: &mut ChaCha8Rng) -> OffsetDateTime {
    const START: OffsetDateTime = datetime!(2021-01-01 0:00 UTC);
    const SECONDS: i64 = 6 * 365 * 24 * 3600;
    let seconds = random.random_range(0..SECONDS);
    START + time::Duration::new(seconds, random.random_range(0..1_000_000) * 1000)
}

/// The moment as a slot wants it; none when the slot is no time.
pub(super) fn written(slot: &str, at: OffsetDateTime) -> Option<String> {
    match slot {
        "epoch" => return Some(at.unix_timestamp().to_string()),
        "epoch_ms" => return Some((at.unix_timestamp_nanos() / 1_000_000).to_string()),
        "epoch_us" => {
            return Some(format!("{}.{:06}", at.unix_timestamp(), at.microsecond()));
        }
        _ => {}
    }
    let (_, format) = FORMATS.iter().find(|(name, _)| *name == slot)?;
    Some(at.format(format).expect("a moment has all parts of a time"))
}
