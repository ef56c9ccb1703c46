//! What is written reads back as what was asked, whatever the values hold.

use proptest::prelude::*;
use time::macros::datetime;
use time::{Duration, OffsetDateTime};
use vedette_event::query::{
    Aggregation, FieldName, Language, Operator, Predicate, Query, TimeRange, Value,
};
use vedette_query::{check, parse_local, render};

const NOW: OffsetDateTime = datetime!(2026-11-21 12:00 UTC);

/// Pieces that have broken a quoting rule somewhere.
const HOSTILE: [&str; 36] = [
    "'",
    "\"",
    "`",
    "\\",
    "\\\\",
    "''",
    "\"\"",
    "\\'",
    "\\\"",
    "%",
    "_",
    "*",
    "?",
    "--",
    "//",
    "/*",
    "*/",
    "#",
    ";",
    "|",
    "| stats",
    "' OR '1'='1",
    "\" or $e1.x = \"",
    ") or (1=1",
    "\n",
    "\r\n",
    "\u{0}",
    "\u{1b}[31m",
    "\u{202e}",
    "\u{200b}",
    "\u{2028}",
    ".*",
    "[a-z]+",
    "$",
    "{}",
    "ünïcödé İ",
];

const FIELDS: [&str; 14] = [
    "source.ip",
    "destination.port",
    "user.name",
    "host.name",
    "process.name",
    "process.command_line",
    "file.path",
    "url.original",
    "registry.path",
    "message",
    "dns.question.name",
    "event.code",
    "event.category",
    "no.such.field",
];

fn value() -> impl Strategy<Value = Value> {
    let piece = prop_oneof![
        proptest::sample::select(HOSTILE.to_vec()).prop_map(str::to_owned),
        proptest::collection::vec(proptest::char::range(' ', '~'), 0..6)
            .prop_map(|characters| characters.into_iter().collect::<String>()),
        any::<char>().prop_map(String::from),
    ];
    prop_oneof![
        4 => proptest::collection::vec(piece, 0..5).prop_map(|pieces| Value::Text(pieces.concat())),
        1 => any::<i64>().prop_map(Value::Number),
        1 => Just(Value::Text("203.0.113.9".to_owned())),
        1 => Just(Value::Text("2001:db8::/32".to_owned())),
    ]
}

fn compare() -> impl Strategy<Value = Predicate> {
    let field = proptest::sample::select(FIELDS.to_vec());
    let operator = proptest::sample::select(Operator::ALL.to_vec());
    (field, operator, value()).prop_map(|(field, operator, value)| Predicate::Compare {
        field: FieldName(field.to_owned()),
        operator,
        value,
    })
}

fn predicate() -> impl Strategy<Value = Predicate> {
    let exists = proptest::sample::select(FIELDS.to_vec())
        .prop_map(|field| Predicate::Exists(FieldName(field.to_owned())));
    let leaf = prop_oneof![6 => compare(), 1 => exists];
    leaf.prop_recursive(4, 24, 4, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..4).prop_map(Predicate::And),
            proptest::collection::vec(inner.clone(), 0..4).prop_map(Predicate::Or),
            inner.prop_map(|inner| Predicate::Not(Box::new(inner))),
        ]
    })
}

fn fields() -> impl Strategy<Value = Vec<FieldName>> {
    proptest::collection::vec(proptest::sample::select(FIELDS[..4].to_vec()), 0..3)
        .prop_map(|names| names.into_iter().map(|name| FieldName(name.to_owned())).collect())
}

fn query() -> impl Strategy<Value = Query> {
    let counting = (fields(), any::<bool>(), 1u64..1000, 1i64..400_000).prop_map(
        |(by, distinct, at_least, seconds)| Aggregation {
            by,
            distinct: distinct.then(|| FieldName("user.name".to_owned())),
            at_least,
            window: Duration::seconds(seconds),
        },
    );
    let time = prop_oneof![
        (-10i64..40_000_000).prop_map(|seconds| TimeRange::Last(Duration::seconds(seconds))),
        (-100_000i64..100_000, -1000i64..100_000).prop_map(|(start, length)| {
            let from = NOW + Duration::seconds(start);
            TimeRange::Absolute { from, to: from + Duration::seconds(length) }
        }),
    ];
    (predicate(), proptest::option::of(counting), fields(), time, any::<u32>()).prop_map(
        |(filter, aggregation, projection, time, limit)| Query {
            filter,
            aggregation,
            projection,
            time,
            limit,
        },
    )
}

/// Notes under which a query may have no text: nothing of it could be said, and it says why.
fn is_honest(notes: &[String]) -> bool {
    notes.iter().any(|note| note.starts_with("not supported: nothing that was asked"))
}

proptest! {
    #![proptest_config(ProptestConfig {
        failure_persistence: None,
        ..ProptestConfig::with_cases(600)
    })]

    /// `render` itself compares what it wrote with what it meant and refuses to hand out another
    /// question: a mismatch would show as "would not read back".
    #[test]
    fn what_is_written_reads_back(query in query()) {
        for &language in Language::ALL {
            let rendered = render(&query, language, None, NOW);
            match &rendered.query {
                Some(text) => {
                    prop_assert!(rendered.valid, "{language}: {text}\n{:?}", rendered.notes);
                    prop_assert!(check(language, text, None).is_ok());
                }
                None => prop_assert!(is_honest(&rendered.notes), "{:?}", rendered.notes),
            }
        }
    }

    /// One hostile value stays one literal, or is refused by name.
    #[test]
    fn a_value_stays_one_literal(value in value(), partial in any::<bool>()) {
        let operator = if partial { Operator::Contains } else { Operator::Equal };
        let field = FieldName("process.command_line".to_owned());
        let filter = Predicate::Compare { field, operator, value };
        let query = Query {
            filter: filter.clone(),
            aggregation: None,
            projection: Vec::new(),
            time: TimeRange::Last(Duration::hours(1)),
            limit: 10,
        };
        let local = render(&query, Language::Local, None, NOW).query.unwrap_or_default();
        prop_assert_eq!(parse_local(&local, NOW).map(|query| query.filter), Ok(filter));
        for &language in Language::ALL {
            let rendered = render(&query, language, None, NOW);
            if rendered.query.is_none() {
                prop_assert!(rendered.notes.iter().any(|note| note.contains("refused: ")));
            }
        }
    }

    /// No text makes a parser panic.
    #[test]
    fn any_text_is_judged(
        characters in proptest::collection::vec(any::<char>(), 0..40),
        pieces in proptest::collection::vec(proptest::sample::select(HOSTILE.to_vec()), 0..8),
    ) {
        let text: String = characters.into_iter().collect::<String>() + &pieces.concat();
        let mixed = format!("SELECT * FROM events WHERE {text}");
        let rule = format!("rule r {{ events: {text} condition: $e1 }}");
        for &language in Language::ALL {
            for text in [&text, &mixed, &rule] {
                let _ = check(language, text, None);
            }
        }
    }
}
