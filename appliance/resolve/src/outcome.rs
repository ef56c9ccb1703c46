//! How an incident will most likely end, by rules.

use vedette_event::{Incident, PastIncident, ResolutionCode, Severity, ThreatClass};

/// Confirmed cases that must agree before they decide: one may be a mistake.
const LEAST_AGREEING: usize = 2;

pub(crate) fn resolution_code(incident: &Incident, past: &[PastIncident]) -> ResolutionCode {
    if let Some(code) = benign_before(incident, past) {
        return code;
    }
    match incident.threat_class {
        Some(ThreatClass::Benign) if looks_faulty(incident) => {
            ResolutionCode::BenignMisconfiguration
        }
        Some(ThreatClass::Benign) => ResolutionCode::BenignExpected,
        _ if incident.needs_human => ResolutionCode::NeedsHuman,
        None if incident.techniques.is_empty() => ResolutionCode::NeedsHuman,
        _ if was_blocked(incident) => ResolutionCode::TruePositiveContained,
        _ => ResolutionCode::TruePositiveActionNeeded,
    }
}

/// Confirmed cases of the same class that all ended harmlessly in the same way. What is critical is
/// never waved through on the strength of the past.
fn benign_before(incident: &Incident, past: &[PastIncident]) -> Option<ResolutionCode> {
    let decided = |old: &&PastIncident| {
        !matches!(old.code, ResolutionCode::Duplicate | ResolutionCode::NeedsHuman)
            && (incident.threat_class.is_none() || old.threat_class == incident.threat_class)
    };
    let codes: Vec<_> = past.iter().filter(decided).map(|old| old.code).collect();
    let first = *codes.first()?;
    let harmless =
        matches!(first, ResolutionCode::BenignExpected | ResolutionCode::BenignMisconfiguration);
    let agreed = codes.len() >= LEAST_AGREEING && codes.iter().all(|code| *code == first);
    (harmless && agreed && incident.severity != Some(Severity::Critical)).then_some(first)
}

/// Whether something harmless is also broken.
fn looks_faulty(incident: &Incident) -> bool {
    const SIGNS: [&str; 6] = ["error", "failed", "failure", "expired", "refused", "timeout"];
    let evidence = incident.evidence.iter().map(|line| line.raw.as_str());
    std::iter::once(incident.title.as_str()).chain(evidence).any(|text| {
        let text = text.to_lowercase();
        SIGNS.iter().any(|sign| text.contains(sign))
    })
}

/// Whether a firewall turned every line of the incident away.
fn was_blocked(incident: &Incident) -> bool {
    let lines = &incident.evidence;
    // Members that are not in the evidence may tell of something that came through.
    let complete = incident.members <= lines.len() as u64;
    !lines.is_empty() && complete && lines.iter().all(|line| is_blocked(&line.raw))
}

/// A refusal as firewalls write it. The marks must stand where the device puts them, ahead of anything
/// that a sender from outside can choose.
fn is_blocked(line: &str) -> bool {
    in_order(line, &["kernel", "BLOCK] IN=", " SRC="])
        || in_order(line, &["date=", " devname=\"", " type=\"traffic\"", " action=\"deny\""])
        || asa_denied(line)
        || filterlog_blocked(line)
}

/// Whether the marks occur one after the other.
fn in_order(line: &str, marks: &[&str]) -> bool {
    let mut rest = line;
    marks.iter().all(|mark| {
        let found = rest.split_once(mark);
        rest = found.map_or("", |(_, after)| after);
        found.is_some()
    })
}

/// Cisco's numbers of messages that tell of a refused connection.
fn asa_denied(line: &str) -> bool {
    ["%ASA-4-106023: Deny ", "%ASA-2-106001: ", "%ASA-3-710003: "]
        .iter()
        .any(|mark| line.find(mark).is_some_and(|at| !line[..at].contains(['"', '/'])))
}

/// pfSense and OPNsense: the action is the seventh cell.
fn filterlog_blocked(line: &str) -> bool {
    let Some((head, message)) = line.split_once("filterlog") else { return false };
    !head.contains(['"', '/']) && message.split(',').nth(6) == Some("block")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refusals_are_read_where_the_device_writes_them() {
        for (line, expected) in [
            ("<4>Nov 21 09:00:00 web kernel: [1.0] [UFW BLOCK] IN=eth0 OUT= SRC=192.0.2.1", true),
            ("<4>Nov 21 09:00:00 web kernel: [1.0] [UFW ALLOW] IN=eth0 OUT= SRC=192.0.2.1", false),
            ("<134>Nov 21 fw filterlog[1]: 5,,,1000,igb0,match,block,in,4,0x0,,52,1,0,DF", true),
            ("<134>Nov 21 fw filterlog[1]: 76,,,1000,igb0,match,pass,in,4,0x0,,52,1,0,DF", false),
            ("<188>date=2026-11-21 devname=\"fw\" type=\"traffic\" action=\"deny\"", true),
            ("<189>date=2026-11-21 devname=\"fw\" type=\"traffic\" action=\"close\"", false),
            ("<164>Nov 21 2026 asa : %ASA-4-106023: Deny tcp src outside:192.0.2.1/1", true),
            ("192.0.2.1 - - \"GET /?x=%ASA-4-106023: Deny HTTP/1.1\" 200", false),
            ("192.0.2.1 - - \"GET /filterlog,,,,,,block, HTTP/1.1\" 200", false),
            ("<38>web sshd[1]: Failed password for root from 192.0.2.1 port 1 ssh2", false),
        ] {
            assert_eq!(is_blocked(line), expected, "{line}");
        }
    }
}
