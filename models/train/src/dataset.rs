//! The labelled rows, read from the shared data folder.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use anyhow::{Context, Result};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use vedette_event::{Severity, TechniqueId, ThreatClass};
use vedette_triage::screen::features::FeatureBag;

use crate::family::Family;

/// The log files of the shared data, each a source of its own.
pub const SOURCES: [&str; 7] =
    ["crowdsec", "fail2ban", "ossec", "panther", "sc4s", "sigma", "wazuh"];

/// Whether a row may be learnt from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Split {
    /// For learning.
    Train,
    /// For measuring only.
    Dev,
}

/// What is kept out of learning.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Held {
    /// The dev split, so that it can be measured on.
    Dev,
    /// Nothing: what is measured is held-out groups of both splits.
    Nothing,
}

/// What is known about a line; what the source does not say is empty.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Truth {
    /// Malicious or not, and how sure that is.
    pub malicious: Option<Label>,
    /// Threat class.
    pub class: Option<ThreatClass>,
    /// Techniques, parents only.
    pub techniques: Vec<TechniqueId>,
    /// Severity.
    pub severity: Option<Severity>,
    /// Whether a rule's author wants to hear of it: no proof of malice, nothing to measure by.
    pub alert: Option<bool>,
}

/// A yes or no with its strength.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Label {
    /// Malicious.
    pub value: bool,
    /// The source says so of this line, not of its company.
    pub strong: bool,
}

/// Where a text comes from, which says how far it is like what the screen will see.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// A labelled log line.
    Log,
    /// A line of our own generator.
    Synthetic,
    /// Prose or a query about what a rule finds: names techniques, looks like no log.
    Auxiliary,
}

impl Kind {
    /// Its name in the manifest.
    pub fn name(self) -> &'static str {
        match self {
            Self::Log => "log lines",
            Self::Synthetic => "lines of our own generator",
            Self::Auxiliary => "texts about rules and techniques",
        }
    }
}

/// A text to learn from or to measure on.
#[derive(Clone, Debug)]
pub struct Row {
    /// Where from.
    pub kind: Kind,
    /// The data set.
    pub source: String,
    /// Rows of a group stem from one file about one product or rule; never split.
    pub group: String,
    /// For learning or measuring.
    pub split: Split,
    /// The masked text: rows that share it say the same.
    pub template: String,
    /// The text as the language model reads it.
    pub digest: String,
    /// Features of the text as the screen gets to read it.
    pub bag: FeatureBag,
    /// Whether the line is an HTTP request.
    pub http: bool,
    /// What kind of product writes it.
    pub family: Family,
    /// What is known about it.
    pub truth: Truth,
}

impl Row {
    /// A row from its text.
    pub fn new(kind: Kind, source: &str, group: String, text: &str, truth: Truth) -> Self {
        Self {
            kind,
            source: source.to_owned(),
            group,
            split: Split::Train,
            template: vedette_triage::mask(text).template,
            digest: vedette_triage::digest(text),
            bag: FeatureBag::of(&vedette_triage::screened(text)),
            http: ["GET ", "POST ", "PUT ", "HEAD ", "HTTP/"]
                .iter()
                .any(|sign| text.contains(sign)),
            family: Family::of(text),
            truth,
        }
    }
}

/// A row of a file of labelled log lines; the shared data's README says what the fields mean.
#[derive(Clone, Debug, Deserialize)]
pub struct LogRow {
    /// Name of the row.
    #[serde(default)]
    pub id: String,
    /// The data set; the file's name where it is missing.
    pub source: Option<String>,
    /// The line.
    pub raw: String,
    /// The source file or scenario; the row itself where it is missing.
    pub group: Option<String>,
    /// For learning or measuring; where it is missing, for measuring.
    pub split: Option<Split>,
    /// Every technique, sub-techniques as such.
    #[serde(default)]
    pub technique_ids: Vec<String>,
    label_malicious: Option<bool>,
    label_strength: Option<String>,
    threat_class: Option<String>,
    severity: Option<Severity>,
    expected: Option<Expected>,
}

/// What the source's own test expects of a row.
#[derive(Clone, Debug, Deserialize)]
struct Expected {
    alert: Option<bool>,
}

impl LogRow {
    /// As a row of log lines that come from a file of that name.
    pub fn row(&self, file: &str) -> Row {
        let truth = Truth {
            malicious: self.label_malicious.map(|value| Label {
                value,
                strong: self.label_strength.as_deref() == Some("strong"),
            }),
            class: self.threat_class.as_deref().and_then(threat_class),
            techniques: parents(&self.technique_ids),
            severity: self.severity,
            alert: self.expected.as_ref().and_then(|expected| expected.alert),
        };
        let source = self.source.as_deref().unwrap_or(file);
        let group = self.group.as_ref().unwrap_or(&self.id).clone();
        let split = self.split.unwrap_or(Split::Dev);
        Row { split, ..Row::new(Kind::Log, source, group, &self.raw, truth) }
    }
}

/// Every labelled log line below `data`.
///
/// # Errors
/// When a file is missing or a row is not what the data's description says.
pub fn logs(data: &Path) -> Result<Vec<Row>> {
    let mut rows = Vec::new();
    for source in SOURCES {
        let read = json_lines::<LogRow>(&data.join(format!("logs/{source}.jsonl")))?;
        rows.extend(read.iter().map(|row| row.row(source)));
    }
    Ok(rows)
}

/// The rows of a file of JSON lines.
///
/// # Errors
/// When the file cannot be read or a line is not such a row; the text names both.
pub fn json_lines<T: DeserializeOwned>(path: &Path) -> Result<Vec<T>> {
    let text =
        fs::read_to_string(path).with_context(|| format!("{} cannot be read", path.display()))?;
    text.lines()
        .enumerate()
        .map(|(at, line)| {
            serde_json::from_str(line).with_context(|| {
                format!("line {} of {} is no row of this kind", at + 1, path.display())
            })
        })
        .collect()
}

/// Distinct parent techniques of a list of ids; what is no id is left out.
pub fn parents(ids: &[String]) -> Vec<TechniqueId> {
    let parents: BTreeSet<_> = ids
        .iter()
        .filter_map(|id| id.parse::<TechniqueId>().ok())
        .map(TechniqueId::parent)
        .collect();
    parents.into_iter().collect()
}

/// Our class for a class of the test data (the design's contract on commands has the table).
pub fn threat_class(name: &str) -> Option<ThreatClass> {
    Some(match name {
        "SQL INJECTION"
        | "CROSS SITE SCRIPTING"
        | "COMMAND INJECTION"
        | "PATH TRAVERSAL"
        | "LOCAL FILE INCLUSION" => ThreatClass::WebAttack,
        "VULNERABILITY EXPLOIT" => ThreatClass::Exploitation,
        "BRUTE FORCE" | "CREDENTIAL STUFFING" => ThreatClass::BruteForce,
        "DDOS" => ThreatClass::DenialOfService,
        "DATA EXFILTRATION" => ThreatClass::Exfiltration,
        "SPAM" | "PHISHING" => ThreatClass::Phishing,
        "NO THREAT" => ThreatClass::Benign,
        other => other.to_lowercase().replace(' ', "_").parse().ok()?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn classes_of_the_data_map_to_ours() {
        for (name, expected) in [
            ("SQL INJECTION", Some(ThreatClass::WebAttack)),
            ("NO THREAT", Some(ThreatClass::Benign)),
            ("LATERAL MOVEMENT", Some(ThreatClass::LateralMovement)),
            ("PRIVILEGE ESCALATION", Some(ThreatClass::PrivilegeEscalation)),
            ("SOMETHING ELSE", None),
        ] {
            assert_eq!(threat_class(name), expected, "{name}");
        }
    }

    #[test]
    fn parents_are_distinct() {
        let ids = ["T1110.001", "T1110", "T1078", "nonsense"].map(str::to_owned);
        assert_eq!(parents(&ids).len(), 2);
    }
}
