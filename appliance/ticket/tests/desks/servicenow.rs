//! A stub of the Table API as ServiceNow documents it: basic authentication, `sysparm_query`,
//! 201 with `Location` and `result`, errors as `{"error": {"message", "detail"}, "status":
//! "failure"}`, 429 with `Retry-After` and `X-RateLimit-*`.

use serde_json::{Value, json};
use vedette_event::TicketState;

use crate::bench::{Bench, HOSTILE, NOW};
use crate::server::{Answer, Request, Server};

/// What the stub does before it works as it should.
#[derive(Clone, Copy, PartialEq)]
enum Trouble {
    None,
    /// Two requests meet the rate limit.
    RateLimit,
    /// The record is made, but its answer is lost.
    LostAnswer,
    /// The first request meets an instance that is waking up.
    Asleep,
}

struct Desk {
    trouble: Trouble,
    requests: usize,
    records: Vec<Value>,
}

impl Desk {
    fn answer(&mut self, request: &Request) -> Answer {
        self.requests += 1;
        // "vedette:secret"
        if request.headers.get("authorization").map(String::as_str)
            != Some("Basic dmVkZXR0ZTpzZWNyZXQ=")
        {
            return failure(401, "User Not Authenticated", &[]);
        }
        match self.trouble {
            Trouble::RateLimit if self.requests <= 2 => {
                return failure(
                    429,
                    "Rate limit exceeded",
                    &[
                        ("Retry-After", "120"),
                        ("X-RateLimit-Limit", "10"),
                        ("X-RateLimit-Reset", "1793700000"),
                    ],
                );
            }
            Trouble::Asleep if self.requests == 1 => {
                return Answer {
                    status: 200,
                    body: "<html>Instance waking up</html>".to_owned(),
                    ..Answer::default()
                };
            }
            _ => {}
        }
        match (request.method.as_str(), request.target.split_once('?')) {
            ("GET", Some(("/api/now/table/incident", query))) => self.find(query),
            ("POST", None) if request.target == "/api/now/table/incident" => self.create(request),
            _ => failure(404, "Requested URI does not represent any resource", &[]),
        }
    }

    fn find(&self, query: &str) -> Answer {
        let wanted =
            query.split('&').find_map(|part| part.strip_prefix("sysparm_query=correlation_id%3D"));
        let found: Vec<&Value> = self
            .records
            .iter()
            .filter(|record| record["correlation_id"].as_str() == wanted)
            .collect();
        Answer { status: 200, body: json!({ "result": found }).to_string(), ..Answer::default() }
    }

    fn create(&mut self, request: &Request) -> Answer {
        let Ok(Value::Object(mut record)) = serde_json::from_str(&request.body) else {
            return failure(400, "Exception while reading request", &[]);
        };
        let number = format!("INC{:07}", self.records.len() + 10_001);
        record.insert("sys_id".to_owned(), json!(format!("{:032x}", self.records.len() + 1)));
        record.insert("number".to_owned(), json!(number));
        self.records.push(Value::Object(record.clone()));
        let location =
            format!("/api/now/table/incident/{}", record["sys_id"].as_str().expect("set above"));
        Answer {
            status: 201,
            headers: vec![("Location".to_owned(), location)],
            body: json!({ "result": record }).to_string(),
            lost: self.trouble == Trouble::LostAnswer && self.records.len() == 1,
        }
    }
}

fn failure(status: u16, message: &str, headers: &[(&str, &str)]) -> Answer {
    Answer {
        status,
        headers: headers
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect(),
        body: json!({ "error": { "message": message, "detail": null }, "status": "failure" })
            .to_string(),
        lost: false,
    }
}

fn config(bench: &Bench, server: &Server) -> String {
    let (url, secret) = (server.url(), bench.secret("secret\n").display().to_string());
    format!(
        r#"{{"kind": "servicenow", "url": "{url}", "user": "vedette", "password-file": "{secret}", "assignment-group": "Service Desk"}}"#
    )
}

#[test]
fn one_incident_is_one_record_whatever_happens_on_the_way() {
    for trouble in [Trouble::None, Trouble::RateLimit, Trouble::LostAnswer, Trouble::Asleep] {
        let bench = Bench::new();
        bench.file("servicenow");
        let mut desk = Desk { trouble, requests: 0, records: Vec::new() };
        let server = Server::start(move |request| desk.answer(request));
        let ticket = bench.deliver(&config(&bench, &server));
        assert_eq!(ticket.state, TicketState::Delivered);
        assert_eq!(ticket.external_id.as_deref(), Some("INC0010001"));
        let creations = server.requests().iter().filter(|request| request.method == "POST").count();
        assert_eq!(creations, 1, "looked up before it was created again");
    }
}

#[test]
fn a_rate_limit_is_respected() {
    let bench = Bench::new();
    bench.file("servicenow");
    let mut desk = Desk { trouble: Trouble::RateLimit, requests: 0, records: Vec::new() };
    let server = Server::start(move |request| desk.answer(request));
    bench.dispatcher(&config(&bench, &server)).round(NOW).expect("a round");
    let next = bench.ticket().next_attempt.expect("tried again");
    assert!(next >= NOW + time::Duration::seconds(120), "{next}");
}

#[test]
fn the_record_says_what_a_person_needs_and_log_text_is_inert() {
    let bench = Bench::new();
    bench.file("servicenow");
    let mut desk = Desk { trouble: Trouble::None, requests: 0, records: Vec::new() };
    let server = Server::start(move |request| desk.answer(request));
    bench.deliver(&config(&bench, &server));
    let requests = server.requests();
    let record: Value = serde_json::from_str(&requests[1].body).expect("JSON");
    for (field, expected) in [
        ("correlation_id", "vedette-vd-test-INC-7"),
        ("urgency", "1"),
        ("impact", "1"),
        ("assignment_group", "Service Desk"),
    ] {
        assert_eq!(record[field], expected, "{field}");
    }
    let description = record["description"].as_str().expect("text");
    for part in [
        "Somebody guessed a password",
        "+70",
        "203.0.113.7",
        "Block the address at the firewall. [brute-force#contain]",
    ] {
        assert!(description.contains(part), "{part} in {description}");
    }
    assert!(!description.contains('\x1b') && description.contains(&HOSTILE[20..]), "{description}");
}
