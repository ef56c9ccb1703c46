//! Points in time as the database keeps them: microseconds since 1970, UTC.
//!
//! Microseconds, because RFC 5424 stamps have no finer and every year a log line can name fits.

use time::OffsetDateTime;

pub(crate) fn to_micros(at: OffsetDateTime) -> i64 {
    let micros = at.unix_timestamp_nanos().div_euclid(1000);
    i64::try_from(micros).expect("the years -9999 to 9999 fit")
}

/// The point in time; what no calendar knows (a damaged row) reads as 1970.
pub(crate) fn from_micros(micros: i64) -> OffsetDateTime {
    OffsetDateTime::from_unix_timestamp_nanos(i128::from(micros) * 1000)
        .unwrap_or(OffsetDateTime::UNIX_EPOCH)
}
