//! ATT&CK's own bundle (STIX 2.1) as a table of facts.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use serde::Deserialize;
use thiserror::Error;

use super::{Tactic, is_technique_id};

/// Largest bundle, in bytes: that of ATT&CK Enterprise 18 has a third of it.
pub const BUNDLE_CAP: u64 = 160 << 20;

/// Techniques in one bundle: several times those of ATT&CK Enterprise 18.
const TECHNIQUES_CAP: usize = 5_000;

/// Longest name taken, in characters; MITRE's have a third of it.
const NAME_CAP: usize = 160;

/// Why a bundle cannot be used.
#[derive(Debug, Error)]
pub enum StixError {
    /// It is larger than any that MITRE publishes.
    #[error(
        "the bundle has more than {BUNDLE_CAP} bytes or {TECHNIQUES_CAP} techniques; take enterprise-attack.json as MITRE publishes it"
    )]
    TooLarge,
    /// It cannot be read.
    #[error("this is no STIX bundle; take enterprise-attack.json as MITRE publishes it")]
    Json(#[from] serde_json::Error),
    /// It is something else.
    #[error(
        "the bundle holds no techniques of ATT&CK Enterprise; that of another matrix will not do"
    )]
    NoTechniques,
}

#[derive(Deserialize)]
struct Bundle {
    #[serde(rename = "type")]
    kind: String,
    objects: Vec<Object>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Object {
    #[serde(rename = "type")]
    kind: String,
    id: String,
    name: String,
    external_references: Vec<Reference>,
    kill_chain_phases: Vec<Phase>,
    revoked: bool,
    relationship_type: String,
    source_ref: String,
    target_ref: String,
    x_mitre_deprecated: bool,
    x_mitre_domains: Vec<String>,
    x_mitre_platforms: Vec<String>,
    x_mitre_shortname: String,
    x_mitre_version: String,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Reference {
    source_name: String,
    external_id: String,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Phase {
    kill_chain_name: String,
    phase_name: String,
}

/// What a bundle holds.
#[derive(Debug, PartialEq, Eq)]
pub struct Facts {
    /// Its version, as MITRE writes it; `unknown` where it names none.
    pub version: String,
    /// The table, in the form of `kb/attack/techniques.tsv`.
    pub table: String,
    /// Techniques in it.
    pub techniques: usize,
    /// Tactics that this release does not know, and techniques left out for standing in none that it
    /// does.
    pub unknown: Vec<String>,
}

impl Object {
    fn attack_id(&self) -> Option<&str> {
        let own = |reference: &&Reference| reference.source_name == "mitre-attack";
        self.external_references.iter().find(own).map(|reference| reference.external_id.as_str())
    }

    fn is_enterprise_technique(&self) -> bool {
        let enterprise = |domain: &String| domain == "enterprise-attack";
        self.kind == "attack-pattern"
            && (self.x_mitre_domains.is_empty() || self.x_mitre_domains.iter().any(enterprise))
            && self.attack_id().is_some_and(is_technique_id)
    }
}

/// Reads the facts out of a bundle.
///
/// # Errors
/// When it is too large, no STIX bundle, or of another matrix.
pub fn from_stix(bytes: &[u8]) -> Result<Facts, StixError> {
    if bytes.len() as u64 > BUNDLE_CAP {
        return Err(StixError::TooLarge);
    }
    let bundle: Bundle = serde_json::from_slice(bytes)?;
    let objects = if bundle.kind == "bundle" { bundle.objects } else { Vec::new() };
    let tactics: HashMap<&str, Tactic> = objects
        .iter()
        .filter(|object| object.kind == "x-mitre-tactic")
        .filter_map(|object| {
            Some((object.x_mitre_shortname.as_str(), Tactic::from_id(object.attack_id()?)?))
        })
        .collect();
    let successors: HashMap<&str, &str> = objects
        .iter()
        .filter(|object| object.relationship_type == "revoked-by")
        .map(|object| (object.source_ref.as_str(), object.target_ref.as_str()))
        .collect();
    let techniques: Vec<&Object> =
        objects.iter().filter(|object| object.is_enterprise_technique()).collect();
    if techniques.len() > TECHNIQUES_CAP {
        return Err(StixError::TooLarge);
    }
    let ids: HashMap<&str, &str> = techniques
        .iter()
        .filter_map(|object| Some((object.id.as_str(), object.attack_id()?)))
        .collect();
    let (mut rows, mut unknown) = (BTreeMap::new(), BTreeSet::new());
    for object in techniques {
        let Some(id) = object.attack_id() else { continue };
        let served = tactics_of(object, &tactics, &mut unknown);
        if served.is_empty() {
            unknown.insert(format!("{id} stands in no known tactic"));
            continue;
        }
        let successor = successors.get(object.id.as_str()).and_then(|by| ids.get(by));
        // Of two objects with one id, the one in use counts.
        let used = !object.revoked && !object.x_mitre_deprecated;
        if used || !rows.contains_key(id) {
            rows.insert(id, row(object, id, (&served, successor.copied())));
        }
    }
    // What was replaced by something that was left out has no successor here.
    let known: BTreeSet<&str> = rows.keys().copied().collect();
    let mut table = String::from("id\tname\ttactics\tplatforms\tstatus\n");
    for row in rows.values() {
        let kept = match row.rsplit_once("\trevoked:") {
            Some((facts, by)) if !known.contains(by) => format!("{facts}\tdeprecated"),
            _ => row.clone(),
        };
        table.push_str(&kept);
        table.push('\n');
    }
    if known.is_empty() {
        return Err(StixError::NoTechniques);
    }
    let collection = objects.iter().find(|object| object.kind == "x-mitre-collection");
    let version = collection.map(|it| cell(&it.x_mitre_version)).filter(|it| !it.is_empty());
    Ok(Facts {
        version: version.unwrap_or_else(|| "unknown".to_owned()),
        techniques: known.len(),
        table,
        unknown: unknown.into_iter().collect(),
    })
}

/// The tactics that a technique serves, in the order of the matrix.
fn tactics_of(
    object: &Object,
    tactics: &HashMap<&str, Tactic>,
    unknown: &mut BTreeSet<String>,
) -> BTreeSet<Tactic> {
    let phases = object.kill_chain_phases.iter();
    let names = phases.filter(|phase| phase.kill_chain_name == "mitre-attack");
    let mut served = BTreeSet::new();
    for name in names.map(|phase| phase.phase_name.as_str()) {
        match tactics.get(name).copied().or_else(|| by_name(name)) {
            Some(tactic) => {
                served.insert(tactic);
            }
            None => {
                unknown.insert(format!("the tactic {}", cell(name)));
            }
        }
    }
    served
}

/// A tactic by its name in small letters; two that newer versions made of one stand for it.
fn by_name(name: &str) -> Option<Tactic> {
    if matches!(name, "stealth" | "defense-impairment") {
        return Some(Tactic::DefenseEvasion);
    }
    let same = |known: &str| known.to_lowercase().replace(' ', "-") == name;
    Tactic::ALL.iter().find(|(_, _, known)| same(known)).map(|(tactic, ..)| *tactic)
}

fn row(
    object: &Object,
    id: &str,
    (served, successor): (&BTreeSet<Tactic>, Option<&str>),
) -> String {
    let tactics: Vec<&str> = served.iter().map(|tactic| tactic.id()).collect();
    let platforms: BTreeSet<String> =
        object.x_mitre_platforms.iter().map(|name| cell(&name.replace(',', " "))).collect();
    let platforms: Vec<String> = platforms.into_iter().collect();
    let status = match successor {
        Some(by) if object.revoked => format!("revoked:{by}"),
        _ if object.revoked || object.x_mitre_deprecated => "deprecated".to_owned(),
        _ => "active".to_owned(),
    };
    [id, &cell(&object.name), &tactics.join(","), &platforms.join(","), &status].join("\t")
}

/// Text that stays within its cell and says nothing to a terminal.
fn cell(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).take(NAME_CAP).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::attack::{Attack, Status};

    fn technique(key: &str, id: &str, name: &str, rest: &str) -> String {
        format!(
            r#"{{"type":"attack-pattern","id":"attack-pattern--{key}","name":"{name}",
            "external_references":[{{"source_name":"mitre-attack","external_id":"{id}"}}],
            "kill_chain_phases":[{{"kill_chain_name":"mitre-attack","phase_name":"credential-access"}}],
            "x_mitre_platforms":["Linux","Windows"],"x_mitre_domains":["enterprise-attack"]{rest}}}"#
        )
    }

    fn bundle(objects: &[String]) -> String {
        format!(r#"{{"type":"bundle","id":"bundle--1","objects":[{}]}}"#, objects.join(","))
    }

    #[test]
    fn a_bundle_becomes_facts() {
        let version = r#"{"type":"x-mitre-collection","id":"c","x_mitre_version":"19.0"}"#;
        let replaced = r#"{"type":"relationship","id":"r","relationship_type":"revoked-by","source_ref":"attack-pattern--b","target_ref":"attack-pattern--a"}"#;
        let text = bundle(&[
            version.to_owned(),
            replaced.to_owned(),
            technique("a", "T9001", "New\\tWay", ""),
            technique("s", "T9001.001", "Part", ""),
            technique("b", "T9000", "Old Way", r#","revoked":true"#),
            technique("c", "T8999", "Gone", r#","x_mitre_deprecated":true"#),
            technique("m", "T8998", "Phone", r#","x_mitre_domains":["mobile-attack"]"#)
                .replace(r#","x_mitre_domains":["enterprise-attack"]"#, ""),
            technique("n", "T8997", "Newer", "").replace("credential-access", "sorcery"),
        ]);
        let facts = from_stix(text.as_bytes()).unwrap();
        assert_eq!((facts.version.as_str(), facts.techniques), ("19.0", 4));
        assert_eq!(facts.unknown, ["T8997 stands in no known tactic", "the tactic sorcery"]);
        let attack = Attack::imported("19.0", "abc", facts.table).unwrap();
        assert_eq!(attack.get("T9001").unwrap().name, "NewWay");
        assert_eq!(attack.current("T9000").unwrap().id, "T9001");
        assert_eq!(attack.get("T8999").unwrap().status, Status::Deprecated);
        assert_eq!(attack.subs("T9001").count(), 1);
        assert_eq!(attack.stage("T9001.001"), Some(Tactic::CredentialAccess.stage()));
        assert!(attack.get("T8998").is_none());
        assert_eq!((attack.version(), attack.sha256()), ("19.0", Some("abc")));
    }

    /// A bundle with one byte changed, or cut short, is refused or gives a table that reads.
    #[test]
    fn a_damaged_bundle_is_refused_or_reads() {
        let whole = bundle(&[
            technique("a", "T9001", "New Way", ""),
            technique("b", "T9000", "Old Way", r#","revoked":true"#),
        ]);
        for at in 0..whole.len() {
            let mut cut = whole.clone().into_bytes();
            cut.truncate(at);
            assert!(from_stix(&cut).is_err(), "cut at {at}");
            for byte in [b'0', b'"', b'\t', b'}', 0xff] {
                let mut damaged = whole.clone().into_bytes();
                damaged[at] = byte;
                if let Ok(facts) = from_stix(&damaged) {
                    Attack::imported(&facts.version, "abc", facts.table).unwrap();
                }
            }
        }
    }

    #[test]
    fn what_is_no_bundle_is_refused() {
        let other = technique("m", "T1", "x", "");
        for text in ["", "{}", "[]", "{\"type\":\"bundle\"}", &"[".repeat(5_000), "\u{0}"] {
            assert!(matches!(from_stix(text.as_bytes()), Err(StixError::Json(_))), "{text}");
        }
        for text in [bundle(&[]), bundle(&[other]), bundle(&[]).replace("bundle\"", "set\"")] {
            let error = from_stix(text.as_bytes()).unwrap_err();
            assert!(matches!(error, StixError::NoTechniques), "{text}");
        }
    }
}
