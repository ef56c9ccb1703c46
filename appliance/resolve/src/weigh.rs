//! What lines that an incident's own query found say of its risk.

use vedette_event::{EvidenceLine, Incident, RiskReason};

use crate::outcome::{got_in, is_blocked, was_stopped};
use crate::signs::{Reading, is_inside};

/// Lines that are read; a query for evidence gives a person no more.
const LINES_CAP: usize = 1_000;

/// Points of each finding. Together they move an incident by at most one grade of severity.
const GOT_IN: i32 = 15;
const HARM: i32 = 10;
const STOPPED: i32 = -15;
const ROUTINE: i32 = -10;

/// Reasons with points for lines found beside those that the incident rests on, oldest first. What
/// speaks for harm silences what speaks against it.
pub fn weigh(incident: &Incident, found: &[EvidenceLine]) -> Vec<RiskReason> {
    let known = |line: &EvidenceLine| {
        incident.evidence.iter().any(|it| it.event_id.is_some() && it.event_id == line.event_id)
    };
    let found = &found[..found.len().min(LINES_CAP)];
    let lines: Vec<Reading> = found.iter().map(|line| Reading::new(&line.raw)).collect();
    let new: Vec<usize> = (0..found.len()).filter(|at| !known(&found[*at])).collect();
    let mut reasons = Vec::new();
    let mut add = |reason: String, points: i32| reasons.push(RiskReason { reason, points });
    let in_known = incident.evidence.iter().map(|line| Reading::new(&line.raw)).collect::<Vec<_>>();
    if got_in(&lines) && !got_in(&in_known) {
        let success = lines.iter().rposition(Reading::is_success);
        let place = success.map_or_else(String::new, |at| cited(&found[at]));
        add(format!("a sign-in that succeeded after failed ones{place}"), GOT_IN);
    }
    if let Some(at) = new.iter().copied().find(|at| lines[*at].is_harm()) {
        add(format!("a line of what routine does not do{}", cited(&found[at])), HARM);
    }
    if !reasons.is_empty() || found.is_empty() || in_known.iter().any(Reading::is_harm) {
        return reasons;
    }
    let count = found.len();
    let mut add = |reason: String, points: i32| reasons.push(RiskReason { reason, points });
    let blocked = found.iter().all(|line| is_blocked(&line.raw));
    if blocked || was_stopped(&lines) {
        add(format!("nothing but refusals: a device turned {count} lines away"), STOPPED);
    } else if is_inside(incident)
        && lines.iter().any(Reading::is_routine)
        && !lines.iter().any(Reading::is_failure)
    {
        let at = lines.iter().position(Reading::is_routine).unwrap_or_default();
        add(format!("work that administrators arrange{}", cited(&found[at])), ROUTINE);
    }
    reasons
}

/// Where a line stands, for the reader.
fn cited(line: &EvidenceLine) -> String {
    line.event_id.map_or_else(String::new, |event| format!(" (event {})", event.0))
}

#[cfg(test)]
mod tests {
    use vedette_event::{Entity, EntityKind, EventId};

    use super::*;

    fn lines(from: u64, raws: &[&str]) -> Vec<EvidenceLine> {
        let line = |(number, raw): (u64, &&str)| EvidenceLine {
            event_id: Some(EventId(number)),
            raw: (*raw).to_owned(),
            start: 0,
            end: 0,
        };
        (from..).zip(raws).map(line).collect()
    }

    #[test]
    fn found_lines_raise_or_lower_the_risk_with_a_reason() {
        const FAILED: &str = "<38>h sshd[1]: Failed password for root from 203.0.113.9 port 1 ssh2";
        const ACCEPTED: &str =
            "<38>h sshd[1]: Accepted password for root from 203.0.113.9 port 1 ssh2";
        const BLOCKED: &str = "<4>h kernel: [1.0] [UFW BLOCK] IN=eth0 OUT= SRC=203.0.113.9 DPT=22";
        const DELETED: &str = "EventID=4688 vssadmin delete shadows /all";
        const SCAN: &str = "10.0.0.7 - - \"GET /x HTTP/1.1\" 404 1 \"-\" \"Nessus\"";
        for (address, known, found, expected) in [
            ("203.0.113.9", vec![FAILED], vec![FAILED, ACCEPTED], vec![(GOT_IN, "(event 2)")]),
            ("203.0.113.9", vec![FAILED], vec![FAILED, FAILED], vec![]),
            ("203.0.113.9", vec![FAILED], vec![FAILED, DELETED], vec![(HARM, "(event 2)")]),
            // What the incident rests on already counts once.
            ("203.0.113.9", vec![FAILED, ACCEPTED], vec![FAILED, ACCEPTED], vec![]),
            ("203.0.113.9", vec![BLOCKED], vec![BLOCKED, BLOCKED], vec![(STOPPED, "2 lines")]),
            ("203.0.113.9", vec![BLOCKED], vec![BLOCKED, ACCEPTED], vec![]),
            ("203.0.113.9", vec![DELETED], vec![BLOCKED], vec![]),
            ("10.0.0.7", vec![SCAN], vec![SCAN, SCAN], vec![(ROUTINE, "(event 1)")]),
            ("203.0.113.9", vec![SCAN], vec![SCAN, SCAN], vec![]),
            ("203.0.113.9", vec![FAILED], vec![], vec![]),
        ] {
            let entity = Entity { kind: EntityKind::SourceIp, value: address.to_owned() };
            let evidence = lines(1, &known);
            let incident = Incident { entities: vec![entity], evidence, ..Incident::default() };
            let reasons = weigh(&incident, &lines(1, &found));
            let points: Vec<i32> = reasons.iter().map(|reason| reason.points).collect();
            assert_eq!(points, expected.iter().map(|it| it.0).collect::<Vec<_>>(), "{found:?}");
            for (reason, (_, part)) in reasons.iter().zip(&expected) {
                assert!(reason.reason.contains(part), "{}", reason.reason);
            }
        }
    }
}
