//! What moves an incident's risk besides its lines: what its own query finds, and what people said of others.

use serde_json::Value;

use crate::appliance::{Appliance, NO_MODEL, PLAIN};

/// A firewall that turns one address away at one port after another; fewer lines than the query for
/// such a scan counts elsewhere.
fn turned_away() -> Vec<String> {
    let line = |port: usize| {
        format!(
            "<4>Nov 20 10:00:{port:02} gate kernel: [7.{port}] [UFW BLOCK] IN=eth0 OUT= \
             SRC=203.0.113.9 DST=192.0.2.10 LEN=60 PROTO=TCP SPT=4022 DPT={port} SYN"
        )
    };
    (20..35).map(line).collect()
}

#[test]
fn refusals_that_the_store_holds_lower_the_risk_and_are_shown() {
    // Filed as soon as it opens, not when it has settled.
    let appliance = Appliance::start(&format!("{PLAIN}{NO_MODEL}[triage]\nticket-risk = 20\n"));
    let lines = turned_away();
    appliance.send_tcp(lines.iter().map(String::as_bytes));
    appliance.wait_stored(lines.len() as u64);
    appliance.wait_until("the incident's evidence", |_| {
        appliance.incidents().iter().any(|incident| count(incident, "evidence") > 1)
    });
    let incidents = appliance.incidents();
    let [incident] = incidents.as_slice() else { panic!("one incident: {incidents:#?}") };
    let reasons = incident["risk_reasons"].as_array().expect("reasons");
    let points = |reason: &Value| reason["points"].as_i64().expect("points");
    let refused = |reason: &&Value| {
        let text = reason["reason"].as_str().expect("text");
        text.contains("its query found: nothing but refusals")
    };
    assert!(reasons.iter().find(refused).is_some_and(|it| points(it) < 0), "{incident:#?}");
    assert_eq!(reasons.iter().map(points).sum::<i64>(), incident["risk"], "{incident:#?}");
    assert!(count(incident, "evidence") >= 12, "{incident:#?}");
}

/// Shadow copies deleted on a machine: enough for an incident of its own.
fn wiped(machine: usize) -> String {
    format!("Nov 20 10:00:00 pc{machine} cmd: vssadmin.exe delete shadows /all /quiet")
}

#[test]
fn an_incident_like_one_that_was_confirmed_says_so() {
    let mut appliance = Appliance::start(&format!("{PLAIN}{NO_MODEL}"));
    let confirmed = |incident: &Value| {
        let text = incident["risk_reasons"].to_string();
        text.contains("lines like it were confirmed as an attack in INC-1")
    };
    appliance.send_tcp([wiped(0).as_bytes()]);
    appliance.wait_until("the first incident", |status| status["open_incidents"] == 1);
    appliance.ask(&["incidents", "close", "INC-1", "--code", "true_positive_contained"]);
    let mut machine = 0;
    appliance.wait_until("the word of a person", |_| {
        machine += 1;
        appliance.send_tcp([wiped(machine).as_bytes()]);
        appliance.incidents().iter().any(confirmed)
    });
    // It is heard at once after a restart.
    appliance.stop();
    appliance.launch();
    appliance.send_tcp([wiped(1000).as_bytes()]);
    let is_new = |incident: &Value| incident.to_string().contains("pc1000");
    appliance.wait_until("one more incident", |_| appliance.incidents().iter().any(is_new));
    let incidents = appliance.incidents();
    assert!(incidents.iter().filter(|incident| is_new(incident)).all(confirmed), "{incidents:#?}");
}

fn count(incident: &Value, list: &str) -> usize {
    incident[list].as_array().map_or(0, Vec::len)
}
