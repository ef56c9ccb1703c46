//! How an incident will most likely end: a model advises, within bounds that rules set.

use vedette_event::{Incident, PastIncident, ResolutionCode, Severity, ThreatClass};

use crate::learnt::OutcomeModel;
use crate::signs::{Reading, in_order};

/// Confirmed cases that must agree before they decide: one may be a mistake.
const LEAST_AGREEING: usize = 2;
/// How likely a benign end must be to be given. With each set of stories left out in turn this costs no
/// more than half a point and spares two of five attacks that would be called benign.
const LEAST_BENIGN: f32 = 0.5;

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
        _ => by_evidence(incident),
    }
}

/// What the lines tell the model, within what it may say; without any, somebody must look.
fn by_evidence(incident: &Incident) -> ResolutionCode {
    let lines: Vec<_> = incident.evidence.iter().map(|line| Reading::new(&line.raw)).collect();
    let (false, Some(model)) = (lines.is_empty(), OutcomeModel::shipped()) else {
        return ResolutionCode::TruePositiveActionNeeded;
    };
    let harmful = lines.iter().any(Reading::is_harm) || got_in(&lines);
    let complete = incident.members <= lines.len() as u64;
    let grave = matches!(incident.severity, Some(Severity::High | Severity::Critical));
    let within = |(code, probability): (ResolutionCode, f32)| match code {
        ResolutionCode::BenignExpected | ResolutionCode::BenignMisconfiguration => {
            let may_say = complete && !harmful && !grave && probability >= LEAST_BENIGN;
            may_say.then_some(code)
        }
        // An attack, and what is not seen of it may have come through.
        ResolutionCode::TruePositiveContained if !complete => {
            Some(ResolutionCode::TruePositiveActionNeeded)
        }
        _ => Some(code),
    };
    let told = model.outcomes(incident);
    told.into_iter().find_map(within).unwrap_or(ResolutionCode::TruePositiveActionNeeded)
}

/// A sign-in that succeeded after others had failed.
pub(crate) fn got_in(lines: &[Reading]) -> bool {
    let failed = lines.iter().position(Reading::is_failure);
    failed.is_some_and(|at| lines[at..].iter().any(Reading::is_success))
}

/// Every line is a refusal, or an attempt that one came after.
pub(crate) fn was_stopped(lines: &[Reading]) -> bool {
    let Some(last) = lines.iter().rposition(|line| line.is_stopped() || line.is_refused_request())
    else {
        return false;
    };
    let attempt = |line: &Reading| {
        line.is_stopped() || line.is_refused_request() || line.is_failure() || line.is_notice()
    };
    lines[..=last].iter().all(attempt) && last + 1 == lines.len()
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

/// A refusal as firewalls write it. The marks must stand where the device puts them, ahead of anything
/// that a sender from outside can choose.
pub(crate) fn is_blocked(line: &str) -> bool {
    in_order(line, &["kernel", "BLOCK] IN=", " SRC="])
        || in_order(line, &["date=", " devname=\"", " type=\"traffic\"", " action=\"deny\""])
        || asa_denied(line)
        || filterlog_blocked(line)
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
