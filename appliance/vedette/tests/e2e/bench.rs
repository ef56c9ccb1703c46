//! Measurements: their figures vary, their counts must not.

use std::fs;

use serde_json::Value;

use crate::appliance::{run_on, vedette};

/// Lines of each run: some group commits.
const LINES: u64 = 1_000;

fn ingest(transport: &str, triage: &str) -> Value {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let json = folder.path().join("report.json");
    let count = LINES.to_string();
    let load = ["--rate", "5000", "--count", &count, "--size", "200", "--connections", "2"];
    let output = run_on(
        vedette()
            .args(["bench", "ingest", "--transport", transport, "--triage", triage])
            .args(load)
            .arg("--state")
            .arg(folder.path())
            .arg("--json")
            .arg(&json),
        b"",
    );
    assert!(output.status.success(), "{transport}: {}", String::from_utf8_lossy(&output.stderr));
    let text = fs::read(json).expect("a report was written");
    serde_json::from_slice(&text).expect("the report is JSON")
}

#[test]
fn every_line_that_is_sent_is_accounted_for() {
    for (transport, triage) in [("udp", "on"), ("tcp", "off"), ("tls", "off"), ("relp", "off")] {
        let report = ingest(transport, triage);
        assert_eq!(report["sent"]["lines"], LINES, "{transport}");
        assert_eq!(report["sent"]["bytes"], 200 * LINES, "{transport}");
        assert_eq!(report["sent"]["error"], Value::Null, "{transport}");
        assert_eq!(report["received"], LINES, "{transport}");
        assert_eq!(report["unaccounted"], 0, "{transport}: {report:#}");
        // A burst of this size fits the smallest receive buffer that a system grants.
        assert_eq!(report["stored"], LINES, "{transport}: {report:#}");
        assert_eq!(report["in_store"], LINES, "{transport}");
        let acknowledged = if transport == "relp" { LINES.into() } else { Value::Null };
        assert_eq!(report["sent"]["acknowledged"], acknowledged, "{transport}");
        for figure in ["peak_memory_bytes", "disk_bytes"] {
            assert!(report[figure].as_u64() > Some(0), "{transport}: {figure} in {report:#}");
        }
        assert_eq!(report["seconds_to_judged"].is_null(), triage == "off", "{transport}");
    }
}

#[test]
fn a_sender_tells_when_its_receiver_goes_away() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
    let to = format!("tcp:{}", listener.local_addr().expect("it is bound"));
    // Gone at once: the connection is reset with what was sent unread.
    let gone = std::thread::spawn(move || drop(listener.accept()));
    let arguments = ["bench", "send", "--to", &to, "--rate", "1000", "--count", "100000"];
    let output = run_on(vedette().args(arguments), b"");
    gone.join().expect("it only accepts");
    assert!(!output.status.success());
    let sent: Value = serde_json::from_slice(&output.stdout).expect("it prints JSON");
    assert!(sent["error"].is_string() && sent["lines"].as_u64() < Some(100_000), "{sent}");
}
