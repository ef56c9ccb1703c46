//! A hundred thousand hostile values a dialect: each reads back as one literal equal to itself, or is
//! named in a note that says what became of it.

use time::macros::datetime;
use time::{Duration, OffsetDateTime};
use vedette_event::query::{FieldName, Language, Operator, Predicate, Query, TimeRange, Value};
use vedette_query::{read_back, render};

const NOW: OffsetDateTime = datetime!(2026-11-21 12:00 UTC);

/// Values a dialect meets, and how many of them stand in one query.
const VALUES: usize = 100_000;
const AT_ONCE: usize = 100;

/// Pieces that have broken a quoting rule somewhere.
const PIECES: [&str; 64] = [
    "'",
    "\"",
    "`",
    "\\",
    "\\\\",
    "''",
    "\"\"",
    "\\'",
    "\\\"",
    "\\n",
    "\\u0027",
    "\\x27",
    "%",
    "_",
    "*",
    "?",
    "**",
    "*?",
    "--",
    "//",
    "/*",
    "*/",
    "#",
    ";",
    "|",
    "||",
    "| stats count",
    "| where 1==1",
    "' OR '1'='1",
    "\" OR \"1\"=\"1",
    "\" or $e1.x = \"",
    ") or (1=1",
    "]",
    "[ search x ]",
    "{",
    "}",
    "${x}",
    "$(x)",
    "\n",
    "\r\n",
    "\t",
    "\u{0}",
    "\u{1b}[31m",
    "\u{202e}",
    "\u{200b}",
    "\u{2028}",
    "\u{feff}",
    ".*",
    "[a-z]+",
    "^a$",
    "\\d+",
    "a b",
    " and ",
    " or ",
    " not ",
    "NOT x",
    "AND",
    ": ",
    "- a",
    "&a",
    "!b",
    "@c",
    "~~~",
    "ünïcödé İ ß",
];

/// The numbers of a linear congruential generator: the same on every machine.
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, bound: usize) -> usize {
        self.0 =
            self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).unwrap_or_default() % bound
    }

    fn value(&mut self) -> String {
        let mut value = String::new();
        for _ in 0..=self.below(4) {
            if self.below(4) == 0 {
                let code = u32::try_from(self.below(0x2_0000)).unwrap_or_default();
                value.extend(char::from_u32(code));
            } else {
                value.push_str(PIECES[self.below(PIECES.len())]);
            }
        }
        value
    }
}

fn compare(field: &str, operator: Operator, value: &str) -> Predicate {
    let field = FieldName(field.to_owned());
    Predicate::Compare { field, operator, value: Value::Text(value.to_owned()) }
}

/// Every text that a predicate compares with, however deep.
fn literals<'a>(predicate: &'a Predicate, found: &mut Vec<&'a str>) {
    match predicate {
        Predicate::And(parts) | Predicate::Or(parts) => {
            parts.iter().for_each(|part| literals(part, found));
        }
        Predicate::Not(inner) => literals(inner, found),
        Predicate::Compare { value: Value::Text(text), .. } => found.push(text),
        Predicate::Compare { .. } | Predicate::Exists(_) => {}
    }
}

/// A value as notes show it.
fn shown(value: &str) -> String {
    let cut: String = value.chars().take(80).collect();
    format!("{cut:?}")
}

#[track_caller]
fn check(language: Language, operator: Operator, values: &[String]) {
    let field = "process.command_line";
    let parts = values.iter().map(|value| compare(field, operator, value)).collect();
    let query = Query {
        filter: Predicate::Or(parts),
        aggregation: None,
        projection: Vec::new(),
        time: TimeRange::Last(Duration::hours(1)),
        limit: 10,
    };
    let rendered = render(&query, language, None, NOW);
    let Some(text) = &rendered.query else {
        assert!(
            values.iter().all(|value| is_named(&rendered.notes, value)),
            "{:?}",
            rendered.notes
        );
        return;
    };
    assert!(rendered.valid, "{language}: {:?}\n{text}", rendered.notes);
    let meaning = read_back(text, language, &query).expect("what render hands out reads back");
    let mut found = Vec::new();
    literals(&meaning.filter, &mut found);
    found.sort_unstable();
    for value in values.iter().filter(|value| !value.is_empty()) {
        let kept = |text: &str| found.binary_search(&text).is_ok();
        let there = kept(value) || kept(&value.to_lowercase());
        assert!(there || is_named(&rendered.notes, value), "{language}: {value:?} was lost");
    }
}

fn is_named(notes: &[String], value: &str) -> bool {
    let value = shown(value);
    notes.iter().any(|note| note.contains(&value))
}

#[test]
fn every_hostile_value_stays_one_literal_or_is_named() {
    const OPERATORS: [Operator; 4] =
        [Operator::Equal, Operator::Contains, Operator::StartsWith, Operator::EndsWith];
    for &language in Language::ALL {
        let mut numbers = Numbers(20_261_121);
        for turn in 0..VALUES / AT_ONCE {
            let values: Vec<String> = (0..AT_ONCE).map(|_| numbers.value()).collect();
            check(language, OPERATORS[turn % OPERATORS.len()], &values);
        }
    }
}
