use time::macros::datetime;
use vedette_event::query::TimeRange;

use super::*;

#[test]
fn lines_read_back_as_written() {
    let now = datetime!(2026-11-21 12:00 UTC);
    for (line, written) in [
        ("source.ip = 203.0.113.9", "source.ip = \"203.0.113.9\" since 24h limit 1000"),
        ("", "* since 24h limit 1000"),
        ("\"Failed password\"", "message contains \"Failed password\" since 24h limit 1000"),
        (
            "a = 1 and (b = 2 or not c exists) since 7d limit 5",
            "a = 1 and (b = 2 or not c exists) since 7d limit 5",
        ),
        (
            "a = 1 count distinct user.name by source.ip at least 10 within 5m",
            "a = 1 count distinct user.name by source.ip at least 10 within 5m since 24h limit 1000",
        ),
        (
            "a = \"\\u{202e}\\n\\\"\" since 2026-11-20 until 2026-11-21",
            "a = \"\\u{202e}\\n\\\"\" since 2026-11-20T00:00:00Z until 2026-11-21T00:00:00Z limit 1000",
        ),
    ] {
        let query = parse_local(line, now).unwrap();
        assert_eq!(write(&query), written);
        assert_eq!(parse_local(&write(&query), now).unwrap(), query);
    }
}

#[test]
fn since_without_until_ends_now() {
    let now = datetime!(2026-11-21 12:00 UTC);
    let query = parse_local("since 2026-11-20T10:00:00Z", now).unwrap();
    let from = datetime!(2026-11-20 10:00 UTC);
    assert_eq!(query.time, TimeRange::Absolute { from, to: now });
}

#[test]
fn errors_say_what_where_and_how() {
    let now = datetime!(2026-11-21 12:00 UTC);
    let deep = "(".repeat(1000);
    for (line, what, column) in [
        ("source.ip 203.0.113.9", "no operator", 11),
        ("a = \"open", "without an end", 5),
        ("a = ", "no value", 5),
        ("(a = 1", "missing parenthesis", 7),
        ("a = 1 b = 2", "does not belong", 7),
        ("a = 1 limit 0", "out of range", 14),
        ("a = 1 since tomorrow", "no time", 13),
        ("a = \"\\q\"", "unknown escape", 6),
        ("é = 1", "no field name", 1),
        ("a = 1 since 2026-11-21 until 2026-11-20", "ends before", 40),
        (deep.as_str(), "too deeply", 65),
    ] {
        let error = parse_local(line, now).unwrap_err();
        assert!(error.what.contains(what), "{line}: {error}");
        assert_eq!((error.line, error.column), (1, column), "{line}: {error}");
        assert!(!error.mend.is_empty());
    }
}
