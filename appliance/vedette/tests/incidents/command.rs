//! Running the command, and the baseline beside it.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write;
use std::process::{Command, Stdio};

use serde_json::{Value, json};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;
use vedette_event::{Incident, IncidentId};

/// What the command made of some lines.
#[derive(Default)]
pub(crate) struct Found {
    pub(crate) incidents: BTreeMap<IncidentId, Incident>,
    /// The lines of each, by number.
    pub(crate) members: BTreeMap<IncidentId, BTreeSet<usize>>,
}

/// A row of the command's input; lines without a time of receipt go by their own.
pub(crate) fn row(number: usize, raw: &[u8], received_at: Option<OffsetDateTime>) -> Value {
    let received_at = received_at.map(|at| at.format(&Rfc3339).expect("a time is text"));
    json!({"id": number, "raw": String::from_utf8_lossy(raw), "received_at": received_at})
}

/// Runs `vedette incidents from` on rows, with further arguments.
pub(crate) fn incidents_from(rows: impl Iterator<Item = Value>, arguments: &[&str]) -> Found {
    let folder = tempfile::tempdir().expect("a folder");
    let mut child = Command::new(env!("CARGO_BIN_EXE_vedette"))
        .args(["incidents", "from", "-", "--json"])
        .args(arguments)
        .env("VEDETTE_STATE", folder.path())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("the command starts");
    let input: String = rows.map(|row| format!("{row}\n")).collect();
    let mut stdin = child.stdin.take().expect("the input is piped");
    // The command answers only after its last row, so nothing waits for its output here.
    stdin.write_all(input.as_bytes()).expect("the command reads its input");
    drop(stdin);
    let output = child.wait_with_output().expect("the command ends");
    assert!(output.status.success(), "{:?}", output.status);
    let text = String::from_utf8(output.stdout).expect("JSON is text");
    text.lines().fold(Found::default(), |mut found, line| {
        found.take(serde_json::from_str(line).expect("a line of JSON"));
        found
    })
}

impl Found {
    fn take(&mut self, mut row: Value) {
        let members = row["member_ids"].take();
        let members = serde_json::from_value(members).expect("ids as they were given");
        let incident: Incident = serde_json::from_value(row).expect("an incident");
        self.members.insert(incident.id, members);
        self.incidents.insert(incident.id, incident);
    }
}
