//! Incidents become bounded queries that name their entities and nothing else of them.

use time::OffsetDateTime;
use time::macros::datetime;
use vedette_event::query::{Language, TimeRange};
use vedette_event::{Entity, EntityKind, Incident, ThreatClass};
use vedette_query::{Schema, explain, from_incident, render};

const NOW: OffsetDateTime = datetime!(2026-11-21 12:00 UTC);

fn incident(class: ThreatClass, entities: &[(EntityKind, &str)]) -> Incident {
    Incident {
        title: "title-text-must-not-leak".to_owned(),
        threat_class: Some(class),
        first_seen: Some(datetime!(2026-11-20 10:00:30 UTC)),
        last_seen: Some(datetime!(2026-11-20 11:00 UTC)),
        entities: entities
            .iter()
            .map(|(kind, value)| Entity { kind: *kind, value: (*value).to_owned() })
            .collect(),
        ..Incident::default()
    }
}

#[track_caller]
fn check(class: ThreatClass, entities: &[(EntityKind, &str)], language: Language, parts: &[&str]) {
    let query = from_incident(&incident(class, entities), NOW);
    let rendered = render(&query, language, None, NOW);
    let text = rendered.query.clone().unwrap_or_default();
    assert!(rendered.valid, "{class}: {text} {:?}", rendered.notes);
    for part in parts {
        assert!(text.contains(part), "{class}: {part} not in\n{text}");
    }
    assert!(!text.contains("title-text"));
    let window = rendered.time_range.expect("an incident's window is absolute");
    assert!(window.from <= datetime!(2026-11-20 09:00:30 UTC));
    assert!(window.to >= datetime!(2026-11-20 12:00 UTC));
    assert!(!explain(&query).is_empty());
}

#[test]
fn classes_show_what_they_leave_behind() {
    use EntityKind::{DestinationIp, Host, SourceIp, Url};
    check(
        ThreatClass::BruteForce,
        &[(SourceIp, "203.0.113.9"), (Host, "web1")],
        Language::YaraL,
        &["\"USER_LOGIN\"", "\"BLOCK\"", "\"203.0.113.9\"", " over 5m", "#e1 >= 5"],
    );
    check(
        ThreatClass::BruteForce,
        &[(SourceIp, "203.0.113.9")],
        Language::Aql,
        &[
            "sourceip = '203.0.113.9'",
            "GROUP BY sourceip, userName",
            "HAVING",
            "LIMIT 1000 START '2026-11-20 09:00Z' STOP '2026-11-20 12:00Z'",
        ],
    );
    check(
        ThreatClass::WebAttack,
        &[(SourceIp, "203.0.113.9"), (Url, "/cgi-bin/a'b.php")],
        Language::Aql,
        &["URL ILIKE '%/cgi-bin/a''b.php%'"],
    );
    check(
        ThreatClass::Ransomware,
        &[(Host, "fs1")],
        Language::YaraL,
        &["\"delete shadows\"", "$e1.principal.hostname = \"fs1\" nocase", "PROCESS_LAUNCH"],
    );
    check(
        ThreatClass::Exfiltration,
        &[(SourceIp, "10.0.0.5"), (DestinationIp, "198.51.100.7")],
        Language::YaraL,
        &["network.sent_bytes >= 10000000", "target.ip = \"198.51.100.7\""],
    );
}

#[test]
fn every_class_gives_a_valid_bounded_query() {
    let entities = [(EntityKind::SourceIp, "203.0.113.9"), (EntityKind::Host, "h1")];
    for class in ThreatClass::ALL {
        let query = from_incident(&incident(*class, &entities), NOW);
        assert!(matches!(query.time, TimeRange::Absolute { .. }));
        for &language in Language::ALL {
            let rendered = render(&query, language, None, NOW);
            assert!(rendered.valid, "{class} {language}: {rendered:?}");
        }
    }
}

#[test]
fn a_schema_renames_and_restricts() {
    let schema = Schema::parse(
        r#"{"language":"aql","sources":[{"name":"events","role":"all","fields":{
            "client address":{"type":"ip","ecs":"source.ip"},
            "login":{"type":"text","ecs":"user.name"}}}]}"#,
    )
    .expect("the schema is well formed");
    let entities = [(EntityKind::SourceIp, "203.0.113.9"), (EntityKind::Host, "h1")];
    let query = from_incident(&incident(ThreatClass::BruteForce, &entities), NOW);
    let rendered = render(&query, Language::Aql, Some(&schema), NOW);
    let text = rendered.query.unwrap_or_default();
    assert!(rendered.valid, "{text} {:?}", rendered.notes);
    assert!(text.contains("\"client address\" = '203.0.113.9'"), "{text}");
    assert!(!text.contains("sourceip ="), "{text}");
    assert!(rendered.notes.iter().any(|note| note.contains("event.category")));
    let other = render(&query, Language::YaraL, Some(&schema), NOW);
    assert!(!other.valid && other.notes[0].contains("schema is for aql"), "{:?}", other.notes);
}

#[test]
fn counting_asks_for_no_more_than_the_incident_has() {
    let guessed = incident(ThreatClass::BruteForce, &[(EntityKind::SourceIp, "203.0.113.9")]);
    for (members, expected) in [(0, Some(5)), (1, None), (2, None), (6, Some(3)), (400, Some(5))] {
        let query = from_incident(&Incident { members, ..guessed.clone() }, NOW);
        let at_least = query.aggregation.map(|counting| counting.at_least);
        assert_eq!(at_least, expected, "{members} lines");
    }
}
