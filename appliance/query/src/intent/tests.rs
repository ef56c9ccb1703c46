use ::time::macros::datetime;
use vedette_event::{TechniqueId, ThreatClass};
use vedette_kb::dialects::{activities, meaning};

use super::*;
use crate::local::{parse_filter, parse_local, write};

#[test]
fn every_activity_reads_and_speaks_of_known_fields() {
    for activity in activities() {
        let name = &activity.name;
        let filter =
            parse_filter(&activity.filter).unwrap_or_else(|error| panic!("{name}: {error}"));
        each_field(&filter, &mut |field| {
            assert!(meaning(&field.0).is_some(), "{name}: {}", field.0);
        });
        for id in &activity.techniques {
            assert!(id.parse::<TechniqueId>().is_ok(), "{name}: {id}");
        }
        for class in &activity.classes {
            assert!(class.parse::<ThreatClass>().is_ok(), "{name}: {class}");
        }
    }
}

#[test]
fn every_threat_class_has_an_activity() {
    for class in ThreatClass::ALL {
        let has = activities().iter().any(|a| a.classes.iter().any(|c| c == class.as_str()));
        assert!(has || *class == ThreatClass::Benign, "{class}");
    }
}

fn check(question: &str, expected: &str) {
    let now = datetime!(2026-11-21 12:00 UTC);
    let expected = parse_local(expected, now).unwrap();
    let query = from_intent(question, now);
    assert_eq!(write(&query), write(&expected), "{question}");
}

#[test]
fn questions_become_queries() {
    let failure = "event.category = authentication and event.outcome = failure";
    for (question, expected) in [
        (
            "More than 10 failed logons by source in 5 minutes",
            format!("{failure} count by source.ip at least 11 within 5m"),
        ),
        (
            "failed SSH logins from 203.0.113.9 in the last 7 days",
            format!("{failure} and source.ip = \"203.0.113.9\" since 7d"),
        ),
        (
            "brute force against 192.0.2.7 between 2026-11-18 and 2026-11-19",
            format!(
                "{failure} and destination.ip = \"192.0.2.7\" \
                 count by source.ip at least 10 within 5m since 2026-11-18 until 2026-11-20"
            ),
        ),
        (
            "Successful logon for user alice since yesterday",
            "event.category = authentication and event.outcome = success and user.name = alice \
             since 2026-11-20 until 2026-11-21T12:00:00Z"
                .to_owned(),
        ),
        (
            "connections to 10.1.0.0/16 on port 445 in the past 24 hours",
            "event.category = network and destination.ip in 10.1.0.0/16 \
             and destination.port = 445"
                .to_owned(),
        ),
        ("Event ID 4625 on host web_01", "event.code = \"4625\" and host.name = web_01".to_owned()),
        (
            "dns queries for evil.example",
            "event.category = network and network.protocol = dns and \
             (dns.question.name = evil.example or url.domain = evil.example \
             or destination.domain = evil.example)"
                .to_owned(),
        ),
    ] {
        check(question, &expected);
    }
}

#[test]
fn no_question_breaks_the_parser() {
    let now = datetime!(2026-11-21 12:00 UTC);
    for question in [
        "",
        "   ",
        "'",
        "\"\"",
        "\u{0}\u{202e}",
        "last",
        "since",
        "between and",
        "more than",
        "port 99999999999999999999",
        "last 99999999999 years",
        "last 2000000000 years",
        "999999999999d last 999999999d",
        "in 9000000000000000000 minutes more than 3",
        "é'é\"é`",
        "user",
        "from 2026-13-45",
        "in 5 minutes",
        "since 9999-12-31",
        "on 9999-12-31",
        "/",
        "\\",
        "@",
        "a@",
        "@a.com",
        "...",
    ] {
        let query = from_intent(question, now);
        assert!(query.limit <= DEFAULT_LIMIT, "{question:?}");
    }
    let long = "\u{1F600}'\"(".repeat(20_000);
    from_intent(&long, now);
}
