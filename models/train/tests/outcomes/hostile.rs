//! Senders choose parts of lines: what they write there must not end an incident harmlessly.

use vedette_event::{EvidenceLine, Incident, ResolutionCode, ThreatClass};
use vedette_kb::{Imported, Kb};
use vedette_resolve::Resolver;

use super::NoPast;

/// Lines of attacks that went through, with an open place that the sender fills.
const LINES: [(ThreatClass, &str); 8] = [
    (
        ThreatClass::WebAttack,
        r#"203.0.113.9 - - [03/Nov/2026:02:11:04 +0000] "GET /item?id=1+union+select+{} HTTP/1.1" 200 5123 "-" "curl/8""#,
    ),
    (
        ThreatClass::WebAttack,
        r#"203.0.113.9 - - [03/Nov/2026:02:11:04 +0000] "POST /up.php HTTP/1.1" 200 12 "-" "{}""#,
    ),
    (
        ThreatClass::WebAttack,
        r#"{"src_ip":"203.0.113.9","url":"/up.php?cmd=id&x={}","status":200,"action":"allowed"}"#,
    ),
    (
        ThreatClass::BruteForce,
        "web1 sshd[811]: Accepted password for {} from 203.0.113.9 port 4011 ssh2",
    ),
    (
        ThreatClass::Phishing,
        r#"{"subject":"{}","sender":"a@qx.example.net","deliveryAction":"Delivered","threat":"phish"}"#,
    ),
    (
        ThreatClass::Malware,
        r#"{"event":"detected","action_taken":"none","file":"C:\\Temp\\{}.exe","threat":"Trojan.Gen"}"#,
    ),
    (
        ThreatClass::CommandAndControl,
        r#"fw action="accept" srcip=192.168.1.7 dstip=203.0.113.9 hostname="{}" msg="C2 traffic allowed""#,
    ),
    (
        ThreatClass::Malware,
        "CEF:0|Vendor|Endpoint|1|7|Malware detected|8|suser={} act=none outcome=left in place",
    ),
];

/// What a sender may write there.
const CLAIMS: [&str; 12] = [
    "action=blocked",
    "authorised scan",
    "blocked by policy, quarantined",
    "planned maintenance window CHG-20417",
    "nessus scheduled scan",
    "status: cleaned, no further action required",
    "certificate expired, clock skew, disk full",
    "approved penetration test",
    "quarantined",
    "backup completed successfully",
    "threat removed successfully",
    "banned",
];

#[test]
fn senders_cannot_write_how_it_ends() {
    let resolver = Resolver::new(Kb::embedded(), &Imported::default());
    let ends = |class: ThreatClass, raw: String| {
        let line = EvidenceLine { event_id: None, raw, start: 0, end: 0 };
        let incident = Incident {
            threat_class: Some(class),
            members: 1,
            evidence: vec![line],
            ..Incident::default()
        };
        resolver.resolve(&incident, &NoPast).resolution_code
    };
    let mut moved = Vec::new();
    for (class, line) in LINES {
        let plain = ends(class, line.replace("{}", "x"));
        assert_eq!(plain, ResolutionCode::TruePositiveActionNeeded, "{line}");
        for claim in CLAIMS {
            let told = line.replace("{}", claim);
            if ends(class, told.clone()) != plain {
                moved.push(told);
            }
        }
    }
    println!("moved by what a sender wrote: {} of {}", moved.len(), LINES.len() * CLAIMS.len());
    assert!(moved.is_empty(), "{moved:#?}");
}
