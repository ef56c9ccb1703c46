use vedette_event::query::Language;

use crate::check::{CheckError, check};

fn rule(events: &str) -> String {
    format!("rule r {{\n meta:\n  author = \"x\"\n events:\n  {events}\n condition:\n  $e1\n}}\n")
}

#[test]
fn the_checker_knows_fields_types_and_functions() {
    type Expected = fn(&Result<(), CheckError>) -> bool;
    let cases: [(&str, Expected); 11] = [
        ("$e1.principal.ip = \"1.2.3.4\"", Result::is_ok),
        ("re.regex($e1.principal.hostname, `a.*`) nocase", Result::is_ok),
        ("$e1.target.hostname = /a\\/b/ nocase", Result::is_ok),
        ("$e1.principal.pi = \"1\"", |r| matches!(r, Err(CheckError::UnknownField(_)))),
        ("$e1.principal.port = \"22\"", |r| matches!(r, Err(CheckError::Type { .. }))),
        ("$e1.principal.hostname = 1", |r| matches!(r, Err(CheckError::Type { .. }))),
        ("$e1.metadata.event_type = \"NOPE\"", |r| matches!(r, Err(CheckError::Type { .. }))),
        ("$e1.principal = \"x\"", |r| matches!(r, Err(CheckError::Type { .. }))),
        ("no.such($e1.principal.ip)", |r| matches!(r, Err(CheckError::UnknownFunction(_)))),
        ("$e2.principal.ip = \"1.2.3.4\"", |r| matches!(r, Err(CheckError::Shape(_)))),
        ("$e1.principal.ip = \"1.2.3.4", |r| matches!(r, Err(CheckError::Syntax(_)))),
    ];
    for (events, expected) in cases {
        let result = check(Language::YaraL, &rule(events), None);
        assert!(expected(&result), "{events}: {result:?}");
    }
}
