//! The queries of our own runbooks are valid, filled in or not.

use time::OffsetDateTime;
use vedette_event::query::{FieldName, Language, Predicate};
use vedette_kb::Kb;
use vedette_kb::dialects::dialect;
use vedette_kb::runbook::PLACEHOLDERS;
use vedette_query::{check, parse_local};

/// Values as incidents bring them, in the order of the placeholders.
const VALUES: [&str; 6] =
    ["203.0.113.9", "198.51.100.7", "anna.meier", "srv-01.example", "bad.example", "evil.exe"];

fn fields<'a>(predicate: &'a Predicate, found: &mut Vec<&'a FieldName>) {
    match predicate {
        Predicate::And(parts) | Predicate::Or(parts) => {
            parts.iter().for_each(|part| fields(part, found));
        }
        Predicate::Not(inner) => fields(inner, found),
        Predicate::Compare { field, .. } | Predicate::Exists(field) => found.push(field),
    }
}

/// Grammar and bounds by the checker; names by the list that the documentation shows.
fn defect(text: &str) -> Option<String> {
    if let Err(error) = check(Language::Local, text, None) {
        return Some(error.to_string());
    }
    let query = parse_local(text, OffsetDateTime::UNIX_EPOCH).ok()?;
    let mut used: Vec<_> = query.projection.iter().collect();
    let counted = query
        .aggregation
        .iter()
        .flat_map(|counted| counted.by.iter().chain(counted.distinct.as_ref()));
    used.extend(counted);
    fields(&query.filter, &mut used);
    let listed = &dialect("local").expect("the local dialect is described").sources;
    let known = |field: &&&FieldName| {
        listed.iter().any(|source| source.fields.iter().any(|known| known.name == field.0))
    };
    let unknown = used.iter().find(|field| !known(field));
    unknown.map(|field| format!("{} is not among the local fields", field.0))
}

#[test]
fn every_query_of_our_runbooks_is_valid() {
    let mut count = 0;
    let mut defects = Vec::new();
    for runbook in Kb::embedded().runbooks() {
        for query in runbook.queries() {
            let fill = |with: &dyn Fn(usize) -> &'static str| {
                let places = PLACEHOLDERS.iter().enumerate();
                places.fold(query.to_owned(), |text, (at, (open, _))| text.replace(open, with(at)))
            };
            for text in [fill(&|at| VALUES[at]), fill(&|at| PLACEHOLDERS[at].1)] {
                count += 1;
                defects.extend(defect(&text).map(|why| format!("{}: {why}: {text}", runbook.id)));
            }
        }
    }
    println!("{count} queries checked");
    assert!(count > 200, "{count}");
    assert_eq!(defects, [] as [String; 0]);
}

#[test]
fn a_wrong_query_is_told() {
    for (text, expected) in [
        (r#"user.nam = "x" since 1d"#, "user.nam is not among"),
        ("event.category = web show user.agent", "user.agent is not among"),
        (r#"user.name = "x" sinse 1d"#, "grammar"),
        ("", ""),
    ] {
        let found = defect(text).unwrap_or_default();
        assert!(found.contains(expected) && found.is_empty() == expected.is_empty(), "{found}");
    }
}
