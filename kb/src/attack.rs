//! Facts of MITRE ATT&CK Enterprise 18.1: ids, names, tactics, platforms, what replaced what.
//! `kb/attack/NOTICE` names the terms of use.

mod stix;

use std::collections::HashMap;
use std::fmt;

pub use stix::{BUNDLE_CAP, Facts, StixError, from_stix};

const TECHNIQUES: &str = include_str!("../attack/techniques.tsv");

/// The version of ATT&CK Enterprise that the embedded facts come from.
const VERSION: &str = "18.1";

/// A tactic of ATT&CK Enterprise; the order is that of its matrix, the usual order of an attack.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[expect(missing_docs, reason = "the names are MITRE's")]
pub enum Tactic {
    Reconnaissance,
    ResourceDevelopment,
    InitialAccess,
    Execution,
    Persistence,
    PrivilegeEscalation,
    DefenseEvasion,
    CredentialAccess,
    Discovery,
    LateralMovement,
    Collection,
    CommandAndControl,
    Exfiltration,
    Impact,
}

impl Tactic {
    /// Every tactic with its id and name, in the order of the matrix.
    pub const ALL: [(Self, &'static str, &'static str); 14] = [
        (Self::Reconnaissance, "TA0043", "Reconnaissance"),
        (Self::ResourceDevelopment, "TA0042", "Resource Development"),
        (Self::InitialAccess, "TA0001", "Initial Access"),
        (Self::Execution, "TA0002", "Execution"),
        (Self::Persistence, "TA0003", "Persistence"),
        (Self::PrivilegeEscalation, "TA0004", "Privilege Escalation"),
        (Self::DefenseEvasion, "TA0005", "Defense Evasion"),
        (Self::CredentialAccess, "TA0006", "Credential Access"),
        (Self::Discovery, "TA0007", "Discovery"),
        (Self::LateralMovement, "TA0008", "Lateral Movement"),
        (Self::Collection, "TA0009", "Collection"),
        (Self::CommandAndControl, "TA0011", "Command and Control"),
        (Self::Exfiltration, "TA0010", "Exfiltration"),
        (Self::Impact, "TA0040", "Impact"),
    ];

    /// Its place in the chain of an attack: 0 (reconnaissance) to 13 (impact).
    pub fn stage(self) -> usize {
        self as usize
    }

    /// `TA0001` and so on.
    pub fn id(self) -> &'static str {
        Self::ALL[self.stage()].1
    }

    /// MITRE's name.
    pub fn name(self) -> &'static str {
        Self::ALL[self.stage()].2
    }

    /// The tactic with this id.
    pub fn from_id(id: &str) -> Option<Self> {
        Self::ALL.iter().find(|(_, known, _)| *known == id).map(|(tactic, ..)| *tactic)
    }
}

impl fmt::Display for Tactic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// Whether a technique is still in use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    /// It is.
    Active,
    /// Withdrawn without a successor.
    Deprecated,
    /// Replaced by the technique with this id.
    Revoked(&'static str),
}

/// What is known of a technique.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Technique {
    /// `T1110` or `T1110.001`.
    pub id: &'static str,
    /// MITRE's name.
    pub name: &'static str,
    /// Tactics it serves, in the order of the matrix; at least one.
    pub tactics: Vec<Tactic>,
    /// Platforms, as MITRE writes them.
    pub platforms: Vec<&'static str>,
    /// Whether it is still in use.
    pub status: Status,
}

impl Technique {
    /// The earliest tactic it serves.
    pub fn tactic(&self) -> Tactic {
        self.tactics[0]
    }

    /// The id of the technique it is a part of; its own id when it is whole.
    pub fn parent_id(&self) -> &'static str {
        parent_id(self.id)
    }

    /// Whether it is a sub-technique.
    pub fn is_sub(&self) -> bool {
        self.id.contains('.')
    }
}

/// `T1110` for `T1110.001`; an id without a dot stays.
pub fn parent_id(id: &str) -> &str {
    id.split_once('.').map_or(id, |(parent, _)| parent)
}

/// Whether the text is written as a technique id: `T`, four digits, perhaps a dot and three more.
pub fn is_technique_id(text: &str) -> bool {
    let digits = |part: &str, length: usize| {
        part.len() == length && part.bytes().all(|byte| byte.is_ascii_digit())
    };
    text.strip_prefix('T').is_some_and(|rest| match rest.split_once('.') {
        Some((number, sub)) => digits(number, 4) && digits(sub, 3),
        None => digits(rest, 4),
    })
}

/// All techniques, by id.
#[derive(Debug)]
pub struct Attack {
    /// In ascending order of ids, so that parts follow their whole.
    techniques: Vec<Technique>,
    by_id: HashMap<&'static str, usize>,
    version: String,
    /// Of the bundle they were imported from.
    sha256: Option<String>,
}

impl Attack {
    pub(crate) fn embedded() -> Result<Self, String> {
        Self::of(TECHNIQUES, VERSION.to_owned(), None)
    }

    /// The facts of an imported table; `sha256` is that of the bundle it was made from.
    ///
    /// # Errors
    /// When the table is not as [`from_stix`] writes it.
    pub fn imported(version: &str, sha256: &str, table: String) -> Result<Self, String> {
        // Ids and names live as long as the process, like the embedded ones: there is one table.
        Self::of(table.leak(), version.to_owned(), Some(sha256.to_owned()))
    }

    fn of(table: &'static str, version: String, sha256: Option<String>) -> Result<Self, String> {
        let rows = table.lines().skip(1).map(read_technique);
        let techniques: Vec<_> = rows.collect::<Result<_, _>>()?;
        let by_id = techniques.iter().enumerate().map(|(at, known)| (known.id, at)).collect();
        Ok(Self { techniques, by_id, version, sha256 })
    }

    /// The version of ATT&CK Enterprise they come from.
    pub fn version(&self) -> &str {
        &self.version
    }

    /// The hash of the bundle they were imported from; none for the embedded ones.
    pub fn sha256(&self) -> Option<&str> {
        self.sha256.as_deref()
    }

    /// Every technique, revoked and deprecated ones too, in ascending order of ids.
    pub fn techniques(&self) -> &[Technique] {
        &self.techniques
    }

    /// The technique with this id.
    pub fn get(&self, id: &str) -> Option<&Technique> {
        self.by_id.get(id).map(|at| &self.techniques[*at])
    }

    /// The technique with this id or, when it was revoked, the one that replaced it.
    pub fn current(&self, id: &str) -> Option<&Technique> {
        /// Longer chains of replacements do not occur in the data.
        const MOST_REPLACEMENTS: usize = 4;
        let mut technique = self.get(id)?;
        for _ in 0..MOST_REPLACEMENTS {
            let Status::Revoked(by) = technique.status else { break };
            technique = self.get(by)?;
        }
        Some(technique)
    }

    /// The sub-techniques of a technique.
    pub fn subs<'a>(&'a self, id: &'a str) -> impl Iterator<Item = &'a Technique> {
        let at = self.by_id.get(id).map_or(self.techniques.len(), |at| at + 1);
        self.techniques[at..].iter().take_while(move |next| next.is_sub() && next.parent_id() == id)
    }

    /// Where in the chain of an attack a technique stands: the stage of its earliest tactic. Unknown
    /// sub-techniques stand where their whole does.
    pub fn stage(&self, id: &str) -> Option<usize> {
        let technique = self.current(id).or_else(|| self.current(parent_id(id)))?;
        Some(technique.tactic().stage())
    }
}

fn read_technique(line: &'static str) -> Result<Technique, String> {
    let bad = || format!("techniques.tsv: {line:?} is not id, name, tactics, platforms, status");
    let mut cells = line.split('\t');
    let mut cell = || cells.next().ok_or_else(bad);
    let (id, name, tactics, platforms, status) = (cell()?, cell()?, cell()?, cell()?, cell()?);
    let tactics: Vec<_> =
        tactics.split(',').map(Tactic::from_id).collect::<Option<_>>().ok_or_else(bad)?;
    let status = match status.split_once(':') {
        Some(("revoked", by)) => Status::Revoked(by),
        None if status == "active" => Status::Active,
        None if status == "deprecated" => Status::Deprecated,
        _ => return Err(bad()),
    };
    let platforms = platforms.split(',').filter(|name| !name.is_empty()).collect();
    Ok(Technique { id, name, tactics, platforms, status })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_are_those_of_the_release() {
        let attack = Attack::embedded().unwrap();
        let active = |technique: &&Technique| technique.status == Status::Active;
        assert_eq!(attack.techniques().iter().filter(active).count(), 691);
        assert_eq!(attack.techniques().len(), 835);
    }

    #[test]
    fn techniques_are_found_by_id() {
        let attack = Attack::embedded().unwrap();
        for (id, name, parent, stage) in [
            ("T1110", "Brute Force", "T1110", Tactic::CredentialAccess),
            ("T1110.003", "Password Spraying", "T1110", Tactic::CredentialAccess),
            ("T1486", "Data Encrypted for Impact", "T1486", Tactic::Impact),
            ("T1595.002", "Vulnerability Scanning", "T1595", Tactic::Reconnaissance),
            ("T1053.003", "Cron", "T1053", Tactic::Execution),
        ] {
            let technique = attack.get(id).unwrap();
            assert_eq!((technique.name, technique.parent_id()), (name, parent));
            assert_eq!(attack.stage(id), Some(stage.stage()), "{id}");
        }
        assert!(attack.get("T9999").is_none());
        assert_eq!(attack.stage("T1110.999"), Some(Tactic::CredentialAccess.stage()));
    }

    #[test]
    fn replacements_and_parts_are_known() {
        let attack = Attack::embedded().unwrap();
        assert_eq!(attack.current("T1004").unwrap().id, "T1547.004");
        let subs: Vec<_> = attack.subs("T1110").map(|sub| sub.id).collect();
        assert_eq!(subs, ["T1110.001", "T1110.002", "T1110.003", "T1110.004"]);
        for technique in attack.techniques() {
            let end = attack.current(technique.id).expect("a replacement is in the list");
            assert!(!matches!(end.status, Status::Revoked(_)), "{}", technique.id);
        }
    }

    #[test]
    fn ids_are_told_from_other_text() {
        for (text, valid) in [
            ("T1110", true),
            ("T1110.001", true),
            ("T111", false),
            ("T1110.1", false),
            ("t1110", false),
            ("T11١0", false),
            ("", false),
        ] {
            assert_eq!(is_technique_id(text), valid, "{text:?}");
        }
    }
}
