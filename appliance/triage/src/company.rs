//! Techniques that a threat of a class most often is, for the places behind the one that a rule names.
//!
//! Chosen by nothing but the class, so that no text in a line can move them: what is guessed from a
//! line's words differed between lines that differ in injected text alone.

use vedette_event::{ScoredTechnique, ThreatClass};

use crate::rules::scored;

/// Score of a technique that is named for the class alone: below every technique that something in
/// the line speaks for.
const SCORE: f32 = 0.04;

/// The commonest techniques of a class among public rules' tests (the train split, each source file one
/// voice) and, where they have too few, by ATT&CK's own description of its tactics.
pub(crate) fn company(class: ThreatClass) -> Vec<ScoredTechnique> {
    let ids: &[&str] = match class {
        ThreatClass::Benign | ThreatClass::PolicyViolation => &[],
        ThreatClass::Reconnaissance => &["T1595", "T1190", "T1046"],
        ThreatClass::BruteForce => &["T1110", "T1589", "T1078"],
        ThreatClass::WebAttack | ThreatClass::Exploitation => &["T1190", "T1595", "T1059"],
        ThreatClass::Phishing => &["T1566", "T1204", "T1598"],
        ThreatClass::Malware => &["T1204", "T1105", "T1059"],
        ThreatClass::Ransomware => &["T1486", "T1490", "T1485"],
        ThreatClass::PrivilegeEscalation => &["T1548", "T1068", "T1078"],
        ThreatClass::Persistence => &["T1098", "T1136", "T1543"],
        ThreatClass::DefenseEvasion => &["T1562", "T1070", "T1036"],
        ThreatClass::LateralMovement => &["T1021", "T1550", "T1078"],
        ThreatClass::CommandAndControl => &["T1071", "T1105", "T1090"],
        ThreatClass::Exfiltration => &["T1567", "T1537", "T1048"],
        ThreatClass::DenialOfService => &["T1499", "T1498"],
    };
    scored(ids, SCORE)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_threat_has_distinct_company() {
        for class in ThreatClass::ALL {
            let ids: BTreeSet<_> = company(*class).iter().map(|it| it.id).collect();
            assert_eq!(ids.len(), company(*class).len(), "{class}");
            let none = matches!(class, ThreatClass::Benign | ThreatClass::PolicyViolation);
            assert_eq!(ids.is_empty(), none, "{class}");
            assert!(ids.iter().all(|id| id.parent() == *id), "{class}");
        }
    }
}
