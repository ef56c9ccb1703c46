use std::sync::{Arc, Mutex};

use time::OffsetDateTime;
use vedette_event::TicketState;
use vedette_ticket::verify_signature;

use crate::bench::{Bench, NOW};
use crate::server::{Answer, Server};

const SECRET: &str = "whsec_MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE=";

fn config(bench: &Bench, server: &Server) -> String {
    let (url, secret) = (server.url(), bench.secret(SECRET).display().to_string());
    format!(r#"{{"kind": "webhook", "url": "{url}", "secret-file": "{secret}"}}"#)
}

#[test]
fn a_ticket_arrives_signed_after_failures() {
    let bench = Bench::new();
    bench.file("webhook");
    let answers = Arc::new(Mutex::new(vec![204, 500, 429]));
    let server = Server::start(move |_| {
        let status = answers.lock().expect("no test panicked").pop().unwrap_or(204);
        Answer { status, ..Answer::default() }
    });
    let ticket = bench.deliver(&config(&bench, &server));
    assert_eq!(ticket.state, TicketState::Delivered);
    let requests = server.requests();
    assert_eq!(requests.len(), 3, "two failures, then success");
    for request in &requests {
        let header = |name: &str| request.headers[name].as_str();
        assert_eq!(header("webhook-id"), "vedette-vd-test-INC-7", "the same for every attempt");
        let time = header("webhook-timestamp").parse().expect("seconds");
        let sent = OffsetDateTime::from_unix_timestamp(time).expect("a time");
        assert!(sent >= NOW);
        let signed =
            (header("webhook-id"), header("webhook-timestamp"), header("webhook-signature"));
        assert_eq!(verify_signature(SECRET, signed, &request.body, sent), Ok(()));
        let body: serde_json::Value = serde_json::from_str(&request.body).expect("JSON");
        assert_eq!(body["data"]["incident"]["id"], "INC-7");
    }
}

#[test]
fn a_refused_ticket_is_given_up_and_redirects_are_not_followed() {
    for (status, expected, attempts) in [
        (400, TicketState::Failed, 1),
        (302, TicketState::Failed, 30),
        (410, TicketState::Failed, 1),
    ] {
        let bench = Bench::new();
        bench.file("webhook");
        let server = Server::start(move |_| Answer {
            status,
            headers: vec![("Location".to_owned(), "http://127.0.0.1:1/".to_owned())],
            ..Answer::default()
        });
        let ticket = bench.deliver(&config(&bench, &server));
        assert_eq!((ticket.state, server.requests().len()), (expected, attempts), "{status}");
    }
}
