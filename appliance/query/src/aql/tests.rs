use vedette_event::query::Language;

use crate::check::{CheckError, check};

#[test]
fn the_checker_knows_properties_types_functions_and_bounds() {
    type Expected = fn(&Result<(), CheckError>) -> bool;
    let cases: [(&str, Expected); 12] = [
        ("WHERE sourceip = '1.2.3.4' LIMIT 5 LAST 2 HOURS", Result::is_ok),
        ("WHERE \"Process Name\" ILIKE '%a''b%' LIMIT 5 LAST 2 HOURS", Result::is_ok),
        ("WHERE INCIDR('10.0.0.0/8', sourceip) LIMIT 5 START '2026-11-20 10:00Z'", Result::is_ok),
        ("WHERE destinationPort IN (22, 23) LIMIT 5 LAST 1 DAYS", Result::is_ok),
        ("WHERE nosuch = 'x' LIMIT 5 LAST 2 HOURS", |r| {
            matches!(r, Err(CheckError::UnknownField(_)))
        }),
        ("WHERE NOSUCH(sourceip) = 'x' LIMIT 5 LAST 2 HOURS", |r| {
            matches!(r, Err(CheckError::UnknownFunction(_)))
        }),
        ("WHERE destinationPort = '22' LIMIT 5 LAST 2 HOURS", |r| {
            matches!(r, Err(CheckError::Type { .. }))
        }),
        ("WHERE sourceip ILIKE '10.%' LIMIT 5 LAST 2 HOURS", |r| {
            matches!(r, Err(CheckError::Type { .. }))
        }),
        ("WHERE userName ILIKE 'x' LAST 2 HOURS", |r| matches!(r, Err(CheckError::Unbounded(_)))),
        ("WHERE userName ILIKE 'x' LIMIT 5", |r| matches!(r, Err(CheckError::Unbounded(_)))),
        ("WHERE userName ILIKE 'x LIMIT 5 LAST 2 HOURS", |r| {
            matches!(r, Err(CheckError::Syntax(_)))
        }),
        ("LAST 2 HOURS LIMIT 5", |r| matches!(r, Err(CheckError::Syntax(_)))),
    ];
    for (rest, expected) in cases {
        let text = format!("SELECT * FROM events {rest}");
        let result = check(Language::Aql, &text, None);
        assert!(expected(&result), "{text}: {result:?}");
    }
}
