//! What an incident's own query finds becomes its evidence and moves its risk.

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

fn count(incident: &Value, list: &str) -> usize {
    incident[list].as_array().map_or(0, Vec::len)
}
