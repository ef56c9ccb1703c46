//! Changing one thing in a question changes exactly that node of the query.

use time::OffsetDateTime;
use time::macros::datetime;
use vedette_event::query::{Predicate, Query};
use vedette_query::from_intent;

const NOW: OffsetDateTime = datetime!(2026-11-21 12:00 UTC);

/// What a pair of questions may differ in.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Change {
    Field,
    Value,
    Negation,
    Threshold,
    Span,
    Window,
    Joint,
}

/// What kinds of questions are asked of, in a person's words.
const SUBJECTS: [&str; 8] = [
    "failed logins",
    "process creation events",
    "firewall denies",
    "dns queries",
    "file deletions",
    "registry modifications",
    "web requests",
    "successful logons",
];

/// Templates: the two questions, and what differs.
const PAIRS: [(&str, &str, Change); 26] = [
    ("{} from 203.0.113.9", "{} to 203.0.113.9", Change::Field),
    ("{} where source port is 443", "{} where destination port is 443", Change::Field),
    ("{} where user is \"alice\"", "{} where host is \"alice\"", Change::Field),
    ("{} where the process name is \"a b\"", "{} where the file name is \"a b\"", Change::Field),
    ("{} with user agent containing \"curl\"", "{} with url containing \"curl\"", Change::Field),
    ("{} from 203.0.113.9", "{} from 203.0.113.10", Change::Value),
    ("{} on port 22", "{} on port 2222", Change::Value),
    (
        "{} with command line containing \"enc\"",
        "{} with command line containing \"dec\"",
        Change::Value,
    ),
    ("{} from 203.0.113.9", "{} not from 203.0.113.9", Change::Negation),
    ("{} where user is \"alice\"", "{} where user is not \"alice\"", Change::Negation),
    ("{} where destination port is 443", "{} where destination port is not 443", Change::Negation),
    ("{} with url containing \"x=1\"", "{} excluding url containing \"x=1\"", Change::Negation),
    ("{} from 10.0.0.0/8", "{} except from 10.0.0.0/8", Change::Negation),
    (
        "more than 10 {} per user within 5 minutes",
        "more than 20 {} per user within 5 minutes",
        Change::Threshold,
    ),
    (
        "at least 5 {} by host within an hour",
        "at least 7 {} by host within an hour",
        Change::Threshold,
    ),
    (
        "30 or more {} per source in 10 minutes",
        "31 or more {} per source in 10 minutes",
        Change::Threshold,
    ),
    (
        "more than 10 {} per user within 5 minutes",
        "more than 10 {} per user within 15 minutes",
        Change::Span,
    ),
    ("at least 5 {} by host within an hour", "at least 5 {} by host within 2 hours", Change::Span),
    (
        "{} from 203.0.113.9 in the last 2 days",
        "{} from 203.0.113.9 in the last 3 days",
        Change::Window,
    ),
    ("{} since yesterday", "{} since 2026-11-18", Change::Window),
    ("{} on port 22 in the past 6 hours", "{} on port 22 in the past week", Change::Window),
    (
        "{} where source ip is 203.0.113.9 or user is \"alice\"",
        "{} where source ip is 203.0.113.9 and user is \"alice\"",
        Change::Joint,
    ),
    (
        "{} where command line contains \"one\" or \"two\"",
        "{} where command line contains \"one\" and \"two\"",
        Change::Joint,
    ),
    (
        "{} where url contains \"one\" or user agent contains \"two\"",
        "{} where url contains \"one\" and user agent contains \"two\"",
        Change::Joint,
    ),
    (
        "{} where process name is \"a.exe\" or parent process is \"b.exe\"",
        "{} where process name is \"a.exe\" and parent process is \"b.exe\"",
        Change::Joint,
    ),
    ("{} from 203.0.113.9 or port 8443", "{} from 203.0.113.9 and port 8443", Change::Joint),
];

/// Comparisons of a predicate, in order, with the negations around them.
fn leaves(predicate: &Predicate, negated: bool, found: &mut Vec<(String, String, bool)>) {
    match predicate {
        Predicate::And(parts) | Predicate::Or(parts) => {
            parts.iter().for_each(|part| leaves(part, negated, found));
        }
        Predicate::Not(inner) => leaves(inner, !negated, found),
        Predicate::Compare { field, operator, value } => {
            found.push((field.0.clone(), format!("{operator} {value}"), negated));
        }
        Predicate::Exists(field) => found.push((field.0.clone(), "exists".to_owned(), negated)),
    }
}

/// What two queries differ in.
fn differences(one: &Query, two: &Query) -> Vec<Change> {
    let mut changes = Vec::new();
    let (mut first, mut second) = (Vec::new(), Vec::new());
    leaves(&one.filter, false, &mut first);
    leaves(&two.filter, false, &mut second);
    if first.len() != second.len() {
        return vec![Change::Field, Change::Value];
    }
    for (a, b) in first.iter().zip(&second) {
        let told = [
            (a.0 != b.0, Change::Field),
            (a.1 != b.1, Change::Value),
            (a.2 != b.2, Change::Negation),
        ];
        changes.extend(told.into_iter().filter(|(differs, _)| *differs).map(|(_, change)| change));
    }
    if changes.is_empty() && one.filter != two.filter {
        changes.push(Change::Joint);
    }
    let threshold = |query: &Query| query.aggregation.as_ref().map(|counting| counting.at_least);
    let span = |query: &Query| query.aggregation.as_ref().map(|counting| counting.window);
    let by =
        |query: &Query| query.aggregation.clone().map(|counting| (counting.by, counting.distinct));
    let whole = [
        (threshold(one) != threshold(two), Change::Threshold),
        (span(one) != span(two), Change::Span),
        (by(one) != by(two), Change::Field),
        (one.time != two.time, Change::Window),
        (one.limit != two.limit, Change::Value),
    ];
    changes.extend(whole.into_iter().filter(|(differs, _)| *differs).map(|(_, change)| change));
    changes.dedup();
    changes
}

#[test]
fn one_change_in_a_question_changes_one_node() {
    let mut wrong = Vec::new();
    for subject in SUBJECTS {
        for (one, two, change) in PAIRS {
            let (one, two) = (one.replace("{}", subject), two.replace("{}", subject));
            let changes = differences(&from_intent(&one, NOW), &from_intent(&two, NOW));
            if changes != [change] {
                wrong.push(format!("{one} / {two}: {changes:?}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{} pairs wrong:\n{}", wrong.len(), wrong.join("\n"));
}
