//! How urgent an incident is: points with a reason each, which add up to the risk.

use vedette_event::{Incident, RiskReason, Severity, ThreatClass};

use crate::confirmed::Precedents;

/// Highest risk.
pub const RISK_CAP: i32 = 100;

/// Most evidence that counts for size.
const SIZE_POINTS_CAP: i32 = 8;

/// How a reason begins that rests on what an incident's query found.
pub(crate) const FOUND: &str = "its query found: ";

/// Points for a severity.
fn severity_points(severity: Severity) -> i32 {
    match severity {
        Severity::Informational => 5,
        Severity::Low => 15,
        Severity::Medium => 30,
        Severity::High => 50,
        Severity::Critical => 65,
    }
}

/// What the incident itself does not carry.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Circumstances {
    /// The attacker got in.
    pub(crate) compromise: bool,
    /// Stages of an attack that were seen, by class.
    pub(crate) stages: Vec<ThreatClass>,
    /// The attacker's address is the owner's own.
    pub(crate) from_inside: bool,
    /// An asset named in the policy is involved.
    pub(crate) critical_asset: Option<String>,
    /// What intelligence says, with its points.
    pub(crate) intel: Vec<RiskReason>,
    /// What people said of alerts like its own.
    pub(crate) precedents: Precedents,
    /// What the lines that the incident's own query found say of it.
    pub(crate) found: Vec<RiskReason>,
}

/// Sets risk and reasons.
pub(crate) fn assess(incident: &mut Incident, circumstances: &Circumstances) {
    let severity = incident.severity.unwrap_or(Severity::Low);
    let mut reasons = vec![RiskReason {
        reason: format!("the gravest finding is of {severity} severity"),
        points: severity_points(severity),
    }];
    let mut add = |reason: String, points: i32| {
        if points != 0 {
            reasons.push(RiskReason { reason, points });
        }
    };
    if circumstances.compromise {
        add("a login succeeded after the attack: the attacker is probably in".to_owned(), 20);
    }
    let stages = i32::try_from(circumstances.stages.len()).unwrap_or(i32::MAX).min(4);
    if stages > 1 {
        add(format!("{stages} stages of an attack were seen"), 8 * (stages - 1));
    }
    if circumstances.from_inside {
        add("it comes from inside the network".to_owned(), 5);
    }
    if let Some(asset) = &circumstances.critical_asset {
        add(format!("{asset} matters most to this network"), 10);
    }
    let grave = circumstances.compromise || severity == Severity::Critical;
    let said = circumstances.precedents.reason();
    if let Some(said) = said.filter(|said| said.points > 0 || !grave) {
        add(said.reason, said.points);
    }
    let size = i32::try_from(incident.members.max(1).ilog2()).unwrap_or(0).min(SIZE_POINTS_CAP);
    add(format!("{} log lines belong to it", incident.members), size);
    if incident.needs_human {
        add("the deciders disagree on some of it".to_owned(), -5);
    }
    reasons.extend(circumstances.intel.iter().chain(&circumstances.found).cloned());
    let sum: i32 = reasons.iter().map(|reason| reason.points).sum();
    let risk = sum.clamp(0, RISK_CAP);
    if risk != sum {
        reasons.push(RiskReason {
            reason: format!("risk ends at {}", if sum > RISK_CAP { RISK_CAP } else { 0 }),
            points: risk - sum,
        });
    }
    incident.risk = risk;
    incident.risk_reasons = reasons;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reasons_add_up() {
        for (severity, compromise, stages, members) in [
            (Severity::Low, false, 0, 0),
            (Severity::Critical, true, 6, 1 << 40),
            (Severity::Medium, false, 1, 5),
        ] {
            let mut incident =
                Incident { severity: Some(severity), members, ..Incident::default() };
            let circumstances = Circumstances {
                compromise,
                stages: ThreatClass::ALL[..stages].to_vec(),
                ..Circumstances::default()
            };
            assess(&mut incident, &circumstances);
            let sum: i32 = incident.risk_reasons.iter().map(|reason| reason.points).sum();
            assert_eq!(incident.risk, sum);
            assert!((0..=RISK_CAP).contains(&incident.risk));
        }
    }
}
