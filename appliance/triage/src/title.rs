//! One line for a person who has no security team.

use vedette_event::{Entity, EntityKind, Incident, ThreatClass};

/// Longest part of a title that comes from a log, in characters.
const NAME_CAP: usize = 48;

/// What happened, by class.
fn phrase(class: ThreatClass) -> &'static str {
    match class {
        ThreatClass::Benign => "Unusual activity",
        ThreatClass::Reconnaissance => "Somebody is looking for weak spots",
        ThreatClass::BruteForce => "Somebody is guessing passwords",
        ThreatClass::WebAttack => "Attack on a web application",
        ThreatClass::Exploitation => "Attempt to use a known weakness",
        ThreatClass::Phishing => "Deceptive or unwanted mail",
        ThreatClass::Malware => "Malicious software",
        ThreatClass::Ransomware => "Signs of ransomware",
        ThreatClass::PrivilegeEscalation => "Somebody is gaining higher rights",
        ThreatClass::Persistence => "Somebody is building a lasting way in",
        ThreatClass::DefenseEvasion => "Protection or logs were switched off or removed",
        ThreatClass::LateralMovement => "Somebody is moving from machine to machine",
        ThreatClass::CommandAndControl => "A machine seems to be controlled from outside",
        ThreatClass::Exfiltration => "Data is leaving the network",
        ThreatClass::DenialOfService => "A service is being flooded",
        ThreatClass::PolicyViolation => "Something against the house rules",
    }
}

/// A title in plain words; names from logs only with letters that names have.
pub(crate) fn title(incident: &Incident, compromise: bool) -> String {
    let class = incident.threat_class.unwrap_or(ThreatClass::Benign);
    let mut title = match (compromise, class) {
        (true, ThreatClass::BruteForce) => "A login succeeded after password guessing".to_owned(),
        _ => phrase(class).to_owned(),
    };
    for (kind, word) in [(EntityKind::Host, " on "), (EntityKind::SourceIp, " from ")] {
        let mut named = incident.entities.iter().filter(|entity| entity.kind == kind);
        if let Some(first) = named.next() {
            title.push_str(word);
            title.push_str(&inert(first));
            let more = named.count();
            if more > 0 {
                title.push_str(&format!(" and {more} more"));
            }
        }
    }
    title
}

fn inert(entity: &Entity) -> String {
    entity
        .value
        .chars()
        .filter(|letter| letter.is_alphanumeric() || "._:-@".contains(*letter))
        .take(NAME_CAP)
        .collect()
}
