use vedette_event::query::{Language, RenderedQuery};
use vedette_event::{
    Decider, Entity, EntityKind, EventId, Incident, IncidentId, IncidentStatus, Outcome,
    Resolution, ResolutionCode, Retriever, Severity, ThreatClass, TicketDraft, Verdict,
    VerdictLabel,
};

use crate::testing::{at, open, record};
use crate::{Filing, IncidentFilter, IncidentOrder, OutboxEntry, Store, StoreError, TriageCommit};

fn incident(id: u64, risk: i32, title: &str) -> Incident {
    Incident {
        id: IncidentId(id),
        title: title.to_owned(),
        risk,
        last_seen: Some(at(id.cast_signed())),
        ..Incident::default()
    }
}

fn verdict() -> Verdict {
    Verdict {
        verdict: VerdictLabel::Malicious,
        score: 0.75,
        threat_class: ThreatClass::BruteForce,
        techniques: Vec::new(),
        severity: Severity::High,
        abstained: false,
        decided_by: Decider::Rules,
        template: "Failed password for <*>".to_owned(),
        evidence: Vec::new(),
        flags: Vec::new(),
        rules: Vec::new(),
        bundle: "test".to_owned(),
    }
}

fn filing(id: u64) -> Filing {
    let query = RenderedQuery {
        language: Language::Local,
        query: Some("source.ip = 192.0.2.1".to_owned()),
        valid: true,
        time_range: None,
        notes: Vec::new(),
    };
    let draft = TicketDraft {
        correlation_id: format!("vedette-box-INC-{id}"),
        incident: incident(id, 50, "filed"),
        queries: vec![query.clone()],
        resolution: None,
        console_url: None,
    };
    let resolution = Resolution {
        runbooks: Vec::new(),
        resolution_code: ResolutionCode::NeedsHuman,
        steps: Vec::new(),
    };
    Filing {
        incident: IncidentId(id),
        queries: vec![query],
        resolution: Some(resolution),
        tickets: vec![OutboxEntry { connector: "desk".to_owned(), draft }],
    }
}

fn outcome(code: ResolutionCode) -> Outcome {
    Outcome { code, note: "seen before".to_owned(), author: "ada".to_owned(), at: at(99) }
}

fn work() -> TriageCommit {
    TriageCommit {
        watermark: EventId(2),
        verdicts: vec![(EventId(2), verdict())],
        incidents: vec![incident(1, 50, "brute force")],
        members: vec![(IncidentId(1), EventId(2)), (IncidentId(1), EventId(1))],
        filings: vec![filing(1)],
    }
}

fn with_lines() -> (tempfile::TempDir, Store) {
    let folder = tempfile::tempdir().unwrap();
    let (store, _) = open(folder.path());
    for text in ["one", "two", "three"] {
        store.writer().append(record(text)).unwrap();
    }
    (folder, store)
}

#[test]
fn what_triage_commits_reads_back() {
    let (_folder, store) = with_lines();
    assert_eq!(store.reader().watermark().unwrap(), EventId(0));
    assert_eq!(store.reader().next_incident_id().unwrap(), IncidentId(1));
    store.writer().commit_triage(work()).unwrap();
    let reader = store.reader();
    assert_eq!(reader.watermark().unwrap(), EventId(2));
    assert_eq!(reader.next_incident_id().unwrap(), IncidentId(2));
    assert_eq!(reader.incident(IncidentId(1)).unwrap(), Some(incident(1, 50, "brute force")));
    assert_eq!(reader.verdict(EventId(2)).unwrap(), Some(verdict()));
    assert_eq!(reader.verdict(EventId(1)).unwrap(), None);
    let members = reader.members(IncidentId(1), 10).unwrap();
    assert_eq!(
        members,
        [(EventId(1), record("one"), None), (EventId(2), record("two"), Some(verdict()))]
    );
    let (queries, resolution) = reader.filing(IncidentId(1)).unwrap().unwrap();
    assert_eq!((queries, resolution), (filing(1).queries, filing(1).resolution));
    assert_eq!(reader.filing(IncidentId(2)).unwrap(), None);
}

#[test]
fn a_commit_of_triage_is_whole_or_nothing() {
    let (_folder, store) = with_lines();
    let run = |sql: &'static str| {
        store
            .writer()
            .with_connection(move |connection| Ok(connection.execute_batch(sql)?))
            .unwrap();
    };
    // The watermark is written last: everything before it has to go again.
    run("CREATE TEMP TRIGGER breaks BEFORE INSERT ON marks BEGIN SELECT raise(ABORT, 'no'); END");
    assert!(store.writer().commit_triage(work()).is_err());
    let reader = store.reader();
    assert_eq!(reader.watermark().unwrap(), EventId(0));
    assert_eq!(reader.incidents(IncidentFilter::default()).unwrap(), []);
    assert_eq!(reader.verdict(EventId(2)).unwrap(), None);
    assert_eq!(reader.due_tickets(at(i64::from(u32::MAX)), 10).unwrap(), []);

    run("DROP TRIGGER breaks");
    store.writer().commit_triage(work()).unwrap();
    store.writer().commit_triage(work()).unwrap();
    assert_eq!(reader.due_tickets(at(i64::from(u32::MAX)), 10).unwrap().len(), 1);
    let earlier = TriageCommit { watermark: EventId(1), ..TriageCommit::default() };
    store.writer().commit_triage(earlier).unwrap();
    assert_eq!(reader.watermark().unwrap(), EventId(2));
}

#[test]
fn what_a_person_closed_stays_closed() {
    let (_folder, store) = with_lines();
    store.writer().commit_triage(work()).unwrap();
    let closed = outcome(ResolutionCode::BenignExpected);
    store.writer().close_incident(IncidentId(1), closed.clone()).unwrap();

    let grown = Incident { members: 9, ..incident(1, 60, "brute force, still going") };
    let again = TriageCommit { incidents: vec![grown.clone()], ..work() };
    store.writer().commit_triage(again).unwrap();
    let read = store.reader().incident(IncidentId(1)).unwrap().unwrap();
    let expected = Incident { status: IncidentStatus::Closed, outcome: Some(closed), ..grown };
    assert_eq!(read, expected);
    assert_eq!(store.reader().open_incidents().unwrap(), []);

    let entries = store.reader().audit_entries(10).unwrap();
    assert_eq!(entries.len(), 1);
    assert_eq!((entries[0].actor.as_str(), entries[0].action.as_str()), ("ada", "incident.close"));
    assert_eq!(entries[0].detail, "INC-1 benign_expected seen before");
    let missing = store.writer().close_incident(IncidentId(7), outcome(ResolutionCode::Duplicate));
    assert!(matches!(missing, Err(StoreError::NoIncident(IncidentId(7)))), "{missing:?}");
}

#[test]
fn incidents_come_in_the_order_and_share_asked_for() {
    let (_folder, store) = with_lines();
    let incidents = vec![incident(1, 10, "a"), incident(2, 90, "b"), incident(3, 50, "c")];
    let commit = TriageCommit { incidents, ..TriageCommit::default() };
    store.writer().commit_triage(commit).unwrap();
    store.writer().close_incident(IncidentId(3), outcome(ResolutionCode::Duplicate)).unwrap();
    let base = IncidentFilter::default();
    let newest = IncidentFilter { order: IncidentOrder::Newest, ..base };
    for (filter, expected) in [
        (base, vec![2, 3, 1]),
        (newest, vec![3, 2, 1]),
        (IncidentFilter { limit: 1, offset: 1, ..newest }, vec![2]),
        (IncidentFilter { status: Some(IncidentStatus::Open), ..base }, vec![2, 1]),
        (IncidentFilter { status: Some(IncidentStatus::Closed), ..base }, vec![3]),
    ] {
        let found = store.reader().incidents(filter).unwrap();
        let found: Vec<_> = found.iter().map(|incident| incident.id.0).collect();
        assert_eq!(found, expected, "{filter:?}");
    }
    let counts = store.reader().counts().unwrap();
    assert_eq!((counts.open_incidents, counts.incidents), (2, 3));
}

#[test]
fn closed_incidents_most_like_a_new_one_come_first() {
    let (_folder, store) = with_lines();
    let with = |id, class, technique: &str, address: &str| Incident {
        threat_class: Some(class),
        techniques: vec![technique.parse().unwrap()],
        entities: vec![Entity { kind: EntityKind::SourceIp, value: address.to_owned() }],
        ..incident(id, 10, "")
    };
    let incidents = vec![
        with(1, ThreatClass::BruteForce, "T1110.001", "192.0.2.1"),
        with(2, ThreatClass::BruteForce, "T1110.003", "192.0.2.2"),
        with(3, ThreatClass::BruteForce, "T1110.001", "192.0.2.3"),
        with(4, ThreatClass::Malware, "T1204", "192.0.2.4"),
        with(5, ThreatClass::BruteForce, "T1110.001", "192.0.2.1"),
    ];
    let commit = TriageCommit { incidents, ..TriageCommit::default() };
    store.writer().commit_triage(commit).unwrap();
    for id in 1..=4 {
        let closed = outcome(ResolutionCode::TruePositiveContained);
        store.writer().close_incident(IncidentId(id), closed).unwrap();
    }
    let new = with(9, ThreatClass::BruteForce, "T1110.001", "192.0.2.1");
    let found = store.reader().similar(&new, 10);
    let ids: Vec<_> = found.iter().map(|past| past.id.0).collect();
    assert_eq!(ids, [1, 3, 2], "neither the open nor the unlike one");
    assert_eq!(found[0].code, ResolutionCode::TruePositiveContained);
    assert_eq!(found[0].note, "seen before");
    assert_eq!(store.reader().similar(&new, 1).len(), 1);
}
