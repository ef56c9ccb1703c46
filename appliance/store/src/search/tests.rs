use proptest::prelude::*;
use time::Duration;
use vedette_event::query::{Aggregation, FieldName, Operator, Predicate, Query, TimeRange, Value};
use vedette_event::{EventId, EvidenceSource, LogRecord, SyslogSeverity};

use crate::testing::{at, open, record};
use crate::{Progress, Store, StoreError};

/// Values that would break a statement, a pattern or a path if they were not bound.
const HOSTILE: &[&str] = &[
    "'; DROP TABLE events; --",
    "\" OR 1=1",
    "%",
    "_",
    "a\0b",
    "a",
    "$.\"x\"",
    "\u{c4}\u{d6}\u{130}\u{df}",
    "\u{202e}evil",
    "root",
    "ROOT",
    "22",
    " 22 ",
    "-5",
    "",
    "?",
    "\\",
];

const NAMES: &[&str] = &[
    "message",
    "raw",
    "user.name",
    "source.ip",
    "host.name",
    "process.name",
    "event.dataset",
    "log.syslog.severity.code",
    "odd\"name",
    "'); --",
    "",
];

fn name(text: &str) -> FieldName {
    FieldName(text.to_owned())
}

fn compare(field: &str, operator: Operator, value: &str) -> Predicate {
    Predicate::Compare { field: name(field), operator, value: Value::Text(value.to_owned()) }
}

fn everything() -> Predicate {
    Predicate::And(Vec::new())
}

fn query(filter: Predicate) -> Query {
    let time = TimeRange::Absolute { from: at(0), to: at(1_000_000) };
    Query { filter, aggregation: None, projection: Vec::new(), time, limit: 1000 }
}

fn filled(records: Vec<LogRecord>) -> (tempfile::TempDir, Store) {
    let folder = tempfile::tempdir().unwrap();
    let (store, _) = open(folder.path());
    let half = records.len() / 2;
    for (number, record) in records.into_iter().enumerate() {
        if number == half {
            store.writer().seal().unwrap();
        }
        store.writer().append(record).unwrap();
    }
    store.writer().flush().unwrap();
    (folder, store)
}

fn ids(store: &Store, query: &Query) -> Vec<u64> {
    let answer = store.reader().search(query, at(0)).unwrap();
    assert_eq!(answer.searched_back_to, None);
    answer.rows.iter().map(|row| row.event_id.0).collect()
}

/// What the filter means, told without SQL.
fn naive(record: &LogRecord, predicate: &Predicate) -> bool {
    match predicate {
        Predicate::And(parts) => parts.iter().all(|part| naive(record, part)),
        Predicate::Or(parts) => parts.iter().any(|part| naive(record, part)),
        Predicate::Not(part) => !naive(record, part),
        Predicate::Exists(field) => naive_field(record, &field.0).is_some(),
        Predicate::Compare { field, operator, value } => match naive_field(record, &field.0) {
            None => *operator == Operator::NotEqual,
            Some(found) => naive_compare(&found, *operator, value),
        },
    }
}

fn naive_field(record: &LogRecord, field: &str) -> Option<String> {
    let own = record.fields.get(field).map(str::to_owned);
    match field {
        "message" => Some(record.message.clone()),
        "raw" => Some(String::from_utf8_lossy(&record.raw).into_owned()),
        "host.name" => own.or_else(|| record.host.clone()),
        "process.name" => own.or_else(|| record.app.clone()),
        "event.dataset" => record.dataset.as_deref().map(str::to_owned),
        "log.syslog.severity.code" => record.severity.map(|severity| severity.code().to_string()),
        _ => own,
    }
}

fn naive_compare(found: &str, operator: Operator, value: &Value) -> bool {
    let found = found.to_lowercase();
    match value {
        Value::Number(wanted) => {
            let number = found.trim().parse::<i64>();
            match operator {
                Operator::NotEqual => number != Ok(*wanted),
                Operator::Equal => number == Ok(*wanted),
                Operator::Less => number.is_ok_and(|found| found < *wanted),
                Operator::LessEqual => number.is_ok_and(|found| found <= *wanted),
                Operator::Greater => number.is_ok_and(|found| found > *wanted),
                _ => number.is_ok_and(|found| found >= *wanted),
            }
        }
        Value::Text(wanted) => {
            let wanted = wanted.to_lowercase();
            match operator {
                Operator::NotEqual => found != wanted,
                Operator::Equal => found == wanted,
                Operator::Contains => found.contains(&wanted),
                Operator::StartsWith => found.starts_with(&wanted),
                _ => found.ends_with(&wanted),
            }
        }
    }
}

fn any_text() -> impl Strategy<Value = String> {
    prop_oneof![
        4 => proptest::sample::select(HOSTILE).prop_map(str::to_owned),
        1 => proptest::collection::vec(any::<char>(), 0..5).prop_map(String::from_iter),
    ]
}

fn any_comparison() -> impl Strategy<Value = Predicate> {
    use Operator as O;
    let for_text: &[O] = &[O::Equal, O::NotEqual, O::Contains, O::StartsWith, O::EndsWith];
    let for_numbers: &[O] =
        &[O::Equal, O::NotEqual, O::Less, O::LessEqual, O::Greater, O::GreaterEqual];
    let comparison = prop_oneof![
        (proptest::sample::select(for_text), any_text().prop_map(Value::Text)),
        (proptest::sample::select(for_numbers), (-6i64..30).prop_map(Value::Number)),
    ];
    let field = proptest::sample::select(NAMES).prop_map(name);
    prop_oneof![
        4 => (field.clone(), comparison).prop_map(|(field, (operator, value))| {
            Predicate::Compare { field, operator, value }
        }),
        1 => field.prop_map(Predicate::Exists),
    ]
}

fn any_predicate() -> impl Strategy<Value = Predicate> {
    any_comparison().prop_recursive(3, 12, 3, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..3).prop_map(Predicate::And),
            proptest::collection::vec(inner.clone(), 0..3).prop_map(Predicate::Or),
            inner.prop_map(|part| Predicate::Not(Box::new(part))),
        ]
    })
}

fn any_record() -> impl Strategy<Value = LogRecord> {
    let fields = proptest::collection::vec((proptest::sample::select(NAMES), any_text()), 0..4);
    (any_text(), proptest::option::of(any_text()), fields, 0u8..9).prop_map(
        |(text, host, fields, severity)| {
            let mut line = record(&text);
            line.message = text.chars().rev().collect();
            line.app.clone_from(&host);
            line.host = host;
            line.severity = SyslogSeverity::from_code(severity);
            for (name, value) in fields {
                line.fields.set(name, value);
            }
            line
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(24) })]

    #[test]
    fn finds_what_a_naive_filter_finds(
        records in proptest::collection::vec(any_record(), 1..20),
        predicates in proptest::collection::vec(any_predicate(), 12),
    ) {
        let (_folder, store) = filled(records.clone());
        for predicate in predicates {
            let expected: Vec<u64> = (1..)
                .zip(&records)
                .filter(|(_, record)| naive(record, &predicate))
                .map(|(id, _)| id)
                .collect();
            prop_assert_eq!(ids(&store, &query(predicate.clone())), expected, "{:?}", predicate);
        }
    }
}

#[test]
fn networks_and_times_are_understood() {
    let line = |second, ip: &str| {
        let mut line = record("x");
        line.timestamp = Some(at(second));
        line.fields.set("source.ip", ip);
        line
    };
    let (_folder, store) = filled(vec![
        line(1, "10.1.2.3"),
        line(2, "10.1.3.3"),
        line(3, "::ffff:10.1.2.9"),
        line(4, "2001:db8::5"),
        line(5, "not an address"),
    ]);
    let stamp = "2026-03-01T13:00:03+01:00";
    for (field, operator, value, expected) in [
        ("source.ip", Operator::InNetwork, "10.1.2.0/24", vec![1, 3]),
        ("source.ip", Operator::InNetwork, "0.0.0.0/0", vec![1, 2, 3]),
        ("source.ip", Operator::InNetwork, "2001:db8::/32", vec![4]),
        ("source.ip", Operator::InNetwork, "::/0", vec![4]),
        ("source.ip", Operator::InNetwork, "10.1.3.3", vec![2]),
        ("@timestamp", Operator::GreaterEqual, stamp, vec![3, 4, 5]),
        ("@timestamp", Operator::Equal, stamp, vec![3]),
        ("event.id", Operator::Less, "3", vec![1, 2]),
    ] {
        let found = ids(&store, &query(compare(field, operator, value)));
        assert_eq!(found, expected, "{field} {operator} {value}");
    }
}

#[test]
fn time_range_and_limit_choose_the_newest() {
    let lines = (0..10).map(|second| LogRecord { received_at: at(second), ..record("x") });
    let (_folder, store) = filled(lines.collect());
    let mut query = query(everything());
    query.time = TimeRange::Absolute { from: at(2), to: at(8) };
    assert_eq!(ids(&store, &query), [3, 4, 5, 6, 7, 8]);
    query.limit = 2;
    assert_eq!(ids(&store, &query), [7, 8]);
    query.limit = 1000;
    query.time = TimeRange::Last(Duration::seconds(1));
    let rows = store.reader().search(&query, at(9)).unwrap().rows;
    assert_eq!(rows.iter().map(|row| row.event_id.0).collect::<Vec<_>>(), [9, 10]);
    query.time = TimeRange::Last(Duration::MAX);
    assert_eq!(ids(&store, &query).len(), 10);
}

#[test]
fn the_time_range_is_that_of_receipt() {
    let years_off = |stamped: i64| LogRecord { timestamp: Some(at(stamped)), ..record("x") };
    let (_folder, store) = filled(vec![years_off(-400_000_000), years_off(400_000_000)]);
    let mut query = query(everything());
    for time in
        [TimeRange::Absolute { from: at(0), to: at(1) }, TimeRange::Last(Duration::seconds(1))]
    {
        query.time = time;
        assert_eq!(ids(&store, &query), [1, 2], "{time:?}");
    }
    query.filter = compare("@timestamp", Operator::Less, "2026-01-01T00:00:00Z");
    assert_eq!(ids(&store, &query), [1], "the line's own time can be asked for");
}

#[test]
fn what_cannot_be_asked_is_refused() {
    let (_folder, store) = filled(vec![record("x")]);
    let deep = (0..40).fold(everything(), |inner, _| Predicate::Not(Box::new(inner)));
    for filter in [
        compare("source.ip", Operator::InNetwork, "10.0.0.0/33"),
        compare("source.ip", Operator::InNetwork, "somewhere"),
        compare("user.name", Operator::Less, "bob"),
        compare("@timestamp", Operator::Equal, "yesterday"),
        compare("@timestamp", Operator::Contains, "2026"),
        deep,
        Predicate::Or(vec![everything(); 501]),
    ] {
        let answer = store.reader().search(&query(filter.clone()), at(0));
        assert!(matches!(answer, Err(StoreError::Unsupported(_))), "{filter:?}");
    }
}

#[test]
fn a_search_that_is_stopped_says_how_far_it_came() {
    let lines = (0..200).map(|second| LogRecord { received_at: at(second), ..record("x") });
    let (_folder, store) = filled(lines.collect());
    let mut all = query(compare("raw", Operator::Contains, "x"));
    let mut seen = Vec::new();
    let answer = store
        .reader()
        .search_while(&all, at(0), |progress| {
            seen.push(*progress);
            false
        })
        .unwrap();
    assert_eq!(seen, [Progress { searched: 100, total: 200, found: 100 }]);
    assert_eq!(answer.searched_back_to, Some(at(199)));
    assert_eq!(answer.rows.len(), 100);
    assert_eq!(answer.rows[0].event_id, EventId(101), "the newest come first");
    assert_eq!(ids(&store, &all).len(), 200);

    let by = vec![name("host.name")];
    let window = Duration::minutes(1);
    all.aggregation = Some(Aggregation { by, distinct: None, at_least: 1, window });
    let counted = store.reader().search_while(&all, at(0), |_| false);
    assert!(matches!(counted, Err(StoreError::TooSlow { .. })), "{counted:?}");
}

#[test]
fn blocks_in_which_nothing_can_match_are_not_read() {
    let user = |name: &str| {
        let mut line = record(&format!("login of {name}"));
        line.fields.set("user.name", name);
        line
    };
    let folder = tempfile::tempdir().unwrap();
    let (store, _) = open(folder.path());
    for users in [["alice", "bob"], ["carol", "dave"]] {
        for name in users {
            store.writer().append(user(name)).unwrap();
        }
        store.writer().flush().unwrap();
        store.writer().seal().unwrap();
    }
    // Searches that read the first block find it damaged and tell of it; these do not read it.
    let reader = store.reader();
    let (first, _) = reader.segments().list().unwrap()[0];
    let bytes = std::fs::read(reader.segments().path(first)).unwrap();
    let header = crate::segment::Header::read(&bytes).unwrap();
    let body = crate::segment::HEADER + header.filter_bytes as usize;
    let mut damaged = bytes;
    damaged[body] ^= 1;
    std::fs::write(reader.segments().path(first), damaged).unwrap();
    for (filter, found) in [
        (compare("user.name", Operator::Equal, "CAROL"), vec![3]),
        (compare("message", Operator::Contains, "of dave"), vec![4]),
        (compare("message", Operator::Contains, "login"), vec![3, 4]),
        (compare("user.name", Operator::Equal, "alice"), vec![]),
    ] {
        assert_eq!(ids(&store, &query(filter.clone())), found, "{filter:?}");
    }
}

#[test]
fn groups_are_counted_in_sliding_windows() {
    let line = |second, ip: &str, user: &str| {
        let mut line = LogRecord { received_at: at(second), ..record("failed") };
        line.fields.set("source.ip", ip);
        line.fields.set("user.name", user);
        line
    };
    let (_folder, store) = filled(vec![
        line(0, "10.0.0.1", "a"),
        line(50, "10.0.0.1", "b"),
        line(70, "10.0.0.1", "b"), // 50 to 110 holds three, across a full minute
        line(110, "10.0.0.1", "c"),
        line(300, "10.0.0.1", "a"),
        line(0, "10.0.0.2", "a"),
        line(61, "10.0.0.2", "b"),
        line(122, "10.0.0.2", "c"),
        line(60, "", "no address, no group"),
    ]);
    let count = |distinct: Option<&str>, at_least| {
        let mut query = query(everything());
        query.aggregation = Some(Aggregation {
            by: vec![name("source.ip")],
            distinct: distinct.map(name),
            at_least,
            window: Duration::minutes(1),
        });
        query.projection = vec![name("user.name"), name("nothing.here")];
        store.reader().search(&query, at(0)).unwrap().rows
    };
    let rows = count(None, 3);
    assert_eq!(rows.iter().map(|row| row.event_id.0).collect::<Vec<_>>(), [2, 3, 4]);
    let group = rows[0].group.as_ref().unwrap();
    assert_eq!((group.by.as_slice(), group.count), (&["10.0.0.1".to_owned()][..], 3));
    assert_eq!(rows[0].columns, [Some("b".to_owned()), None]);
    assert!(count(None, 4).is_empty());
    assert!(count(Some("user.name"), 3).is_empty());
    let rows = count(Some("user.name"), 2);
    assert_eq!(rows.iter().map(|row| row.event_id.0).collect::<Vec<_>>(), [1, 2, 3, 4]);
}

#[test]
fn evidence_is_whole_lines() {
    let folder = tempfile::tempdir().unwrap();
    let (store, _) = open(folder.path());
    // Evidence is asked for by the wall clock, hence a line from a future that does not pass soon.
    let received_at = at(0) + Duration::days(36_500);
    let line = LogRecord { raw: b"caf\xe9".to_vec(), received_at, ..record("caf") };
    store.writer().append(line).unwrap();
    store.writer().flush().unwrap();
    let mut query = query(everything());
    query.time = TimeRange::Last(Duration::hours(1));
    let evidence = store.reader().evidence(&query).unwrap();
    assert_eq!(evidence.len(), 1);
    assert_eq!(evidence[0].event_id, Some(EventId(1)));
    assert_eq!(evidence[0].raw, "caf\u{fffd}");
    assert_eq!((evidence[0].start, evidence[0].end), (0, evidence[0].raw.len()));
}
