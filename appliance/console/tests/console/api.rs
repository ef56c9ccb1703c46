//! The API, the probes and the metrics.

use serde_json::json;
use vedette_console::{ConsoleError, serve_metrics};
use vedette_event::{Incident, IncidentId, IncidentStatus};
use vedette_store::{Role, TriageCommit};
use vedette_telemetry::Registry;

use crate::running::{Running, now};

fn with_incident() -> Running {
    let running = Running::start();
    let incident = Incident {
        id: IncidentId(1),
        title: "Somebody guesses passwords".to_owned(),
        risk: 40,
        first_seen: Some(now()),
        last_seen: Some(now()),
        ..Incident::default()
    };
    let commit = TriageCommit { incidents: vec![incident], ..TriageCommit::default() };
    running.store.writer().commit_triage(commit).unwrap();
    running
}

#[test]
fn failures_are_problem_documents() {
    let running = with_incident();
    let (stranger, viewer) = (running.stranger(), running.user(Role::Viewer));
    for (client, path, status) in [
        (&stranger, "/api/v1/status", 401),
        (&stranger, "/api/v1/incidents", 401),
        (&stranger, "/api/v1/incidents/INC-1", 401),
        (&stranger, "/api/v1/events?q=*", 401),
        (&stranger, "/api/v1/revision", 401),
        (&viewer, "/api/v1/incidents/INC-9", 404),
        (&viewer, "/api/v1/incidents/x", 404),
        (&viewer, "/api/v1/revision?incident=9", 404),
        (&viewer, "/api/v1/nowhere", 404),
        (&viewer, "/api/v1/incidents?limit=x", 400),
        (&viewer, "/api/v1/events?q=foo+%3D", 422),
        (&viewer, "/api/v1/events", 400),
        (&viewer, "/api/v1/incidents/INC-1/close", 405),
    ] {
        let answer = client.get(path);
        assert_eq!(answer.status, status, "{path}: {}", answer.body);
        assert_eq!(answer.header("content-type"), "application/problem+json", "{path}");
        let problem = answer.json();
        assert_eq!(problem["status"], status, "{path}");
        assert!(!problem["detail"].as_str().unwrap().is_empty(), "{path}");
    }
}

#[test]
fn answers_are_what_the_store_holds() {
    let running = with_incident();
    let viewer = running.user(Role::Viewer);
    assert_eq!(viewer.get("/api/v1/status").json()["device_id"], "vd-test");
    assert_eq!(viewer.get("/api/v1/incidents").json()[0]["id"], "INC-1");
    assert_eq!(viewer.get("/api/v1/incidents?status=closed").json(), json!([]));
    assert_eq!(viewer.get("/api/v1/incidents/1").json()["risk"], 40);
    assert_eq!(viewer.get("/api/v1/events?q=*").json(), json!({ "rows": [] }));
}

#[test]
fn closing_takes_an_analyst() {
    let running = with_incident();
    let path = "/incidents/INC-1/close";
    let api = format!("/api/v1{path}");
    let body = json!({ "code": "benign_expected", "note": "our scanner" });
    for (client, status) in [(running.stranger(), 401), (running.user(Role::Viewer), 403)] {
        let answer = client.json(&api, &body);
        assert_eq!(answer.status, status, "{}", answer.body);
        assert_eq!(answer.header("content-type"), "application/problem+json");
        let form = [("code", "benign_expected")];
        let page = client.form(path, Some(client.origin()), &form);
        assert_eq!(page.status, status, "{}", page.body);
        assert!(page.header("content-type").starts_with("text/html"));
    }
    let reader = running.store.reader();
    let status = || reader.incident(IncidentId(1)).unwrap().unwrap().status;
    assert_eq!(status(), IncidentStatus::Open);

    let viewer = running.user(Role::Viewer);
    assert!(!viewer.get("/incidents/INC-1").body.contains("</form></div></section>"));
    let analyst = running.user(Role::Analyst);
    let before = analyst.get("/api/v1/revision").json();
    for (body, expected) in [
        (json!({ "code": "strange" }), 422),
        (json!({ "code": "duplicate", "note": "x".repeat(4_001) }), 422),
        (body, 200),
    ] {
        let answer = analyst.json(&api, &body);
        assert_eq!(answer.status, expected, "{}", answer.body);
    }
    assert_ne!(analyst.get("/api/v1/revision").json(), before);
    let closed = reader.incident(IncidentId(1)).unwrap().unwrap();
    let outcome = closed.outcome.unwrap();
    assert_eq!((closed.status, outcome.author.as_str()), (IncidentStatus::Closed, "analyst"));
    assert_eq!((outcome.note.as_str(), outcome.at), ("our scanner", now()));

    let form = [("code", "true_positive_contained"), ("note", "no, it was real")];
    let answer = analyst.form(path, Some(analyst.origin()), &form);
    assert_eq!((answer.status, answer.header("location")), (303, "/incidents/INC-1"));
    let page = analyst.get("/incidents/INC-1").body;
    assert!(page.contains("A real attack, stopped") && page.contains("no, it was real"), "{page}");
}

#[test]
fn probes_answer_without_a_login() {
    let running = Running::start();
    for (path, expected) in [("/healthz", "ok\n"), ("/readyz", "ready\n")] {
        let answer = running.stranger().get(path);
        assert_eq!((answer.status, answer.body.as_str()), (200, expected));
    }
}

#[test]
fn the_document_describes_what_is_there() {
    let running = with_incident();
    let (stranger, analyst) = (running.stranger(), running.user(Role::Analyst));
    let document = stranger.get("/api/v1/openapi.json").json();
    assert_eq!(document["openapi"], "3.1.0");
    for (path, methods) in document["paths"].as_object().unwrap() {
        let real = path.replace("{id}", "INC-1");
        for method in methods.as_object().unwrap().keys() {
            let (status, expected) = match method.as_str() {
                "get" => (analyst.get(&format!("{real}?q=*")).status, 200),
                "post" => (analyst.json(&real, &json!({ "code": "duplicate" })).status, 200),
                other => panic!("{other} {path}"),
            };
            assert_eq!(status, expected, "{method} {path}");
        }
    }
}

#[test]
fn metrics_are_for_this_machine_alone() {
    let running = Running::start();
    running.stranger().get("/healthz");
    let mut answer = ureq::get(format!("http://{}/metrics", running.metrics)).call().unwrap();
    assert!(answer.headers()["content-type"].to_str().unwrap().starts_with("text/plain"));
    let text = answer.body_mut().read_to_string().unwrap();
    assert!(text.contains("vedette_console_requests_total"), "{text}");
    assert_eq!(running.stranger().get("/metrics").status, 404, "not on the console");

    let runtime = tokio::runtime::Runtime::new().unwrap();
    for open in ["0.0.0.0:0", "[::]:0", "192.0.2.1:9100"] {
        let address = open.parse().unwrap();
        let served = serve_metrics(address, Registry::default(), Default::default());
        let refused = runtime.block_on(served).unwrap_err();
        assert!(matches!(refused, ConsoleError::OpenMetrics(at) if at == address), "{refused}");
    }
}
