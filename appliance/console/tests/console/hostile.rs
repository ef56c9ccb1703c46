//! Log text that wants to be more than text stays text on every page.

use vedette_event::query::{Language, RenderedQuery};
use vedette_event::{
    CitedStep, Entity, EntityKind, EventId, EvidenceLine, Fields, Incident, IncidentId, LogRecord,
    Outcome, Peer, Resolution, ResolutionCode, RiskReason, SourceStatus, TicketDraft, Transport,
};
use vedette_store::{Attempt, Filing, OutboxEntry, Role, TriageCommit};

use crate::running::{Running, now, status};

/// Markup, an attribute's end, a terminal escape, a bidirectional override, an invisible tag.
const HOSTILE: &str =
    "<script>window.pwned=1</script>\"'><img src=x onerror=alert(1)>\x1b[31m\u{202e}\u{e0041}&amp;";

fn line() -> LogRecord {
    LogRecord {
        raw: HOSTILE.as_bytes().to_vec(),
        received_at: now(),
        peer: Peer::Network("192.0.2.7:514".parse().unwrap()),
        transport: Transport::Udp,
        facility: None,
        severity: None,
        timestamp: None,
        host: Some(HOSTILE.to_owned()),
        app: Some(HOSTILE.to_owned()),
        proc_id: None,
        msg_id: None,
        message: HOSTILE.to_owned(),
        message_offset: 0,
        dataset: None,
        fields: Fields::default(),
        defects: Vec::new(),
    }
}

fn incident() -> Incident {
    let entity = |kind: &EntityKind| Entity { kind: *kind, value: HOSTILE.to_owned() };
    Incident {
        id: IncidentId(1),
        title: HOSTILE.to_owned(),
        risk: 40,
        risk_reasons: vec![RiskReason { reason: HOSTILE.to_owned(), points: 40 }],
        techniques: vec!["T1110".parse().unwrap()],
        first_seen: Some(now()),
        last_seen: Some(now()),
        entities: EntityKind::ALL.iter().map(entity).collect(),
        evidence: (0..20)
            .map(|at| EvidenceLine {
                event_id: Some(EventId(1)),
                raw: HOSTILE.to_owned(),
                start: at,
                end: at + 9,
            })
            .collect(),
        members: 1,
        rules: vec![HOSTILE.to_owned()],
        ..Incident::default()
    }
}

fn filing() -> Filing {
    let hostile = HOSTILE.to_owned();
    let query = RenderedQuery {
        language: Language::Local,
        query: Some(hostile.clone()),
        valid: true,
        time_range: None,
        notes: vec![hostile.clone()],
    };
    let step = |source: &str| CitedStep {
        text: format!("`{HOSTILE}` {HOSTILE}"),
        source: source.to_owned(),
    };
    let resolution = Resolution {
        runbooks: Vec::new(),
        resolution_code: ResolutionCode::NeedsHuman,
        steps: vec![step(HOSTILE), step("brute_force#confirm"), step("INC-3")],
    };
    let draft = TicketDraft {
        correlation_id: "one".to_owned(),
        incident: incident(),
        queries: Vec::new(),
        resolution: None,
        console_url: None,
    };
    Filing {
        incident: IncidentId(1),
        queries: vec![query],
        resolution: Some(resolution),
        tickets: vec![OutboxEntry { connector: "desk".to_owned(), draft }],
    }
}

fn hostile_box() -> Running {
    let mut status = status();
    status.reasons = vec![HOSTILE.to_owned()];
    status.model.detail = Some(HOSTILE.to_owned());
    status.ingest.sources = vec![SourceStatus {
        address: HOSTILE.to_owned(),
        received: 1,
        stored: 1,
        dropped: [(HOSTILE.to_owned(), 1)].into(),
        parsed_percent: 0.0,
        unparsed_sample: Some(HOSTILE.to_owned()),
        last_seen: None,
    }];
    let running = Running::with_status(status);
    let writer = running.store.writer();
    writer.append(line()).unwrap();
    writer.flush().unwrap();
    writer
        .commit_triage(TriageCommit {
            watermark: EventId(1),
            incidents: vec![incident()],
            members: vec![(IncidentId(1), EventId(1))],
            filings: vec![filing()],
            ..TriageCommit::default()
        })
        .unwrap();
    let due = running.store.reader().due_tickets(time::OffsetDateTime::now_utc(), 1).unwrap();
    let delivered = Attempt::Delivered {
        external_id: HOSTILE.to_owned(),
        url: Some("javascript:alert(1)".to_owned()),
    };
    writer.record_attempt(due[0].id, delivered, now()).unwrap();
    running
}

#[test]
fn log_text_is_inert_on_every_page() {
    let running = hostile_box();
    let writer = running.store.writer();
    let admin = running.user(Role::Admin);
    let pages = [
        "/",
        "/incidents",
        "/incidents/INC-1",
        "/events",
        "/events?q=%3Cscript%3Ewindow.pwned%3D1%3C%2Fscript%3E",
        "/system",
        "/login?next=%22%3E%3Cscript%3Ewindow.pwned%3D1",
    ];
    for closed in [false, true] {
        if closed {
            let (code, note) = (ResolutionCode::Duplicate, HOSTILE.to_owned());
            let outcome = Outcome { code, note, author: HOSTILE.to_owned(), at: now() };
            writer.close_incident(IncidentId(1), outcome).unwrap();
        }
        for page in pages {
            let answer = admin.get(page);
            for forbidden in ["<script>", "<img src=x", "\x1b", "\u{202e}", "href=\"javascript"] {
                assert!(
                    !answer.body.contains(forbidden),
                    "{page}: {forbidden:?} in {}",
                    answer.body
                );
            }
        }
    }
}

#[test]
fn hostile_text_is_shown_nevertheless() {
    let running = hostile_box();
    let admin = running.user(Role::Admin);
    for (page, times) in
        [("/", 3), ("/incidents", 1), ("/incidents/INC-1", 20), ("/events", 2), ("/system", 3)]
    {
        let body = admin.get(page).body;
        let shown = body.matches("window.pwned=1").count();
        assert!(shown >= times, "{page} shows it {shown} times: {body}");
        assert!(body.contains("\\u{1b}[31m\\u{202e}\\u{e0041}&amp;amp;"), "{page}: {body}");
    }
}
