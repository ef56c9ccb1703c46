//! What to do about a threat: our own runbooks, one for each threat class and one for each technique
//! that small businesses meet most. The latter are named by their first technique's id.
//!
//! A runbook is a Markdown file: front matter in TOML between `+++` lines, then fixed sections of
//! list items, each item one step. A step that begins with a query in the local language is written
//! ``Query: `…`. What it shows.``; entities of an incident are named in braces, as [`PLACEHOLDERS`].

use std::fmt;

use serde::Deserialize;

macro_rules! embedded_runbooks {
    ($($name:literal),+ $(,)?) => {
        /// File name without its ending, and text.
        const FILES: &[(&str, &str)] =
            &[$(($name, include_str!(concat!("../runbooks/", $name, ".md")))),+];
    };
}

embedded_runbooks!(
    "reconnaissance",
    "brute_force",
    "web_attack",
    "exploitation",
    "phishing",
    "malware",
    "ransomware",
    "privilege_escalation",
    "persistence",
    "defense_evasion",
    "lateral_movement",
    "command_and_control",
    "exfiltration",
    "denial_of_service",
    "policy_violation",
    "T1003.001",
    "T1003.003",
    "T1021.001",
    "T1021.002",
    "T1021.004",
    "T1027",
    "T1046",
    "T1047",
    "T1048.003",
    "T1053.003",
    "T1053.005",
    "T1055",
    "T1059.001",
    "T1059.003",
    "T1059.004",
    "T1059.005",
    "T1068",
    "T1070.001",
    "T1071.001",
    "T1071.004",
    "T1078",
    "T1078.004",
    "T1087",
    "T1091",
    "T1098",
    "T1098.004",
    "T1105",
    "T1110.001",
    "T1110.003",
    "T1110.004",
    "T1114.003",
    "T1133",
    "T1136.001",
    "T1189",
    "T1190",
    "T1195.002",
    "T1204.004",
    "T1218.011",
    "T1219",
    "T1485",
    "T1490",
    "T1491.002",
    "T1496",
    "T1505.003",
    "T1528",
    "T1539",
    "T1543.003",
    "T1547.001",
    "T1548.003",
    "T1550.002",
    "T1555.003",
    "T1557.001",
    "T1558.003",
    "T1562.001",
    "T1566.001",
    "T1566.002",
    "T1567.002",
    "T1572",
    "T1595.002",
    "T1621",
    "T1657",
);

/// The threat classes a runbook may name: all of the product's but `benign`.
pub const CLASSES: [&str; 15] = [
    "reconnaissance",
    "brute_force",
    "web_attack",
    "exploitation",
    "phishing",
    "malware",
    "ransomware",
    "privilege_escalation",
    "persistence",
    "defense_evasion",
    "lateral_movement",
    "command_and_control",
    "exfiltration",
    "denial_of_service",
    "policy_violation",
];

/// What a step may leave open: the name in braces, and the word that stands there while nothing is known.
pub const PLACEHOLDERS: [(&str, &str); 6] = [
    ("{source_ip}", "ADDRESS"),
    ("{destination_ip}", "TARGET-ADDRESS"),
    ("{user}", "NAME"),
    ("{host}", "HOST"),
    ("{domain}", "DOMAIN"),
    ("{process}", "PROGRAM"),
];

/// The query that a step begins with, in the local language.
pub fn query_of(step: &str) -> Option<&str> {
    step.strip_prefix("Query: `")?.split_once('`').map(|(query, _)| query)
}

/// A section of a runbook; the order is that of the work.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum SectionKind {
    /// What has happened, for somebody who is not a specialist.
    Meaning,
    /// How to make sure.
    Confirm,
    /// How to stop it.
    Contain,
    /// How to remove what was left behind.
    Eradicate,
    /// How to get back to work.
    Recover,
    /// Whom to tell, and by when.
    Tell,
}

impl SectionKind {
    /// Every section with its heading and its anchor, in order.
    pub const ALL: [(Self, &'static str, &'static str); 6] = [
        (Self::Meaning, "What it means", "meaning"),
        (Self::Confirm, "Confirm", "confirm"),
        (Self::Contain, "Contain", "contain"),
        (Self::Eradicate, "Eradicate", "eradicate"),
        (Self::Recover, "Recover", "recover"),
        (Self::Tell, "Tell", "tell"),
    ];

    /// The heading in the file.
    pub fn heading(self) -> &'static str {
        Self::ALL[self as usize].1
    }

    /// The part behind the `#` of a citation.
    pub fn anchor(self) -> &'static str {
        Self::ALL[self as usize].2
    }

    fn from_heading(heading: &str) -> Option<Self> {
        Self::ALL.iter().find(|(_, known, _)| *known == heading).map(|(kind, ..)| *kind)
    }
}

/// Names a runbook: lower-case letters, digits, `-`, `_`, `.`, at most 128 bytes.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RunbookId(String);

impl RunbookId {
    /// Long enough for any path-like name, short enough for a citation.
    const MOST_BYTES: usize = 128;

    /// Checks the text. Letters of either case are allowed, since customers number their papers so.
    pub fn new(text: &str) -> Option<Self> {
        let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
        let valid = !text.is_empty() && text.len() <= Self::MOST_BYTES && text.bytes().all(allowed);
        valid.then(|| Self(text.to_owned()))
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for RunbookId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

/// Where the facts of a runbook come from.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Source {
    /// Title and publisher.
    pub name: String,
    /// Where it can be read.
    pub url: String,
}

/// One section and its steps.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Section {
    /// Which.
    pub kind: SectionKind,
    /// Its steps, in order, each one paragraph of plain text with `code` in backticks.
    pub steps: Vec<String>,
}

/// What to do about a threat.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Runbook {
    /// Names it.
    pub id: RunbookId,
    /// For a person.
    pub title: String,
    /// Threat classes it is for.
    pub classes: Vec<String>,
    /// Techniques it is for.
    pub techniques: Vec<String>,
    /// Where its facts come from.
    pub sources: Vec<Source>,
    /// Its sections, in order of [`SectionKind`].
    pub sections: Vec<Section>,
}

impl Runbook {
    /// The steps of a section; none where it has no such section.
    pub fn steps(&self, kind: SectionKind) -> &[String] {
        let section = self.sections.iter().find(|section| section.kind == kind);
        section.map_or(&[], |section| &section.steps)
    }

    /// The queries of its steps, in order.
    pub fn queries(&self) -> impl Iterator<Item = &str> {
        self.sections.iter().flat_map(|section| &section.steps).filter_map(|step| query_of(step))
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct FrontMatter {
    id: String,
    title: String,
    classes: Vec<String>,
    techniques: Vec<String>,
    sources: Vec<Source>,
}

/// The runbooks of the product, or the first defect found.
pub(crate) fn embedded() -> Result<Vec<Runbook>, String> {
    FILES
        .iter()
        .map(|(name, text)| {
            let runbook = parse(text).map_err(|why| format!("runbooks/{name}.md: {why}"))?;
            if runbook.id.as_str() != *name {
                return Err(format!("runbooks/{name}.md: its id is {:?}", runbook.id.as_str()));
            }
            Ok(runbook)
        })
        .collect()
}

fn parse(text: &str) -> Result<Runbook, String> {
    let front_and_body = text.strip_prefix("+++\n").and_then(|rest| rest.split_once("\n+++\n"));
    let (front, body) = front_and_body.ok_or("front matter between +++ lines is missing")?;
    let front: FrontMatter = toml::from_str(front).map_err(|error| error.to_string())?;
    let id = RunbookId::new(&front.id).ok_or_else(|| format!("{:?} is not an id", front.id))?;
    Ok(Runbook {
        id,
        title: front.title,
        classes: front.classes,
        techniques: front.techniques,
        sources: front.sources,
        sections: parse_sections(body)?,
    })
}

fn parse_sections(body: &str) -> Result<Vec<Section>, String> {
    let mut sections: Vec<Section> = Vec::new();
    for line in body.lines().map(str::trim_end).filter(|line| !line.is_empty()) {
        if let Some(heading) = line.strip_prefix("## ") {
            let kind = SectionKind::from_heading(heading)
                .ok_or_else(|| format!("{heading:?} is not one of the fixed headings"))?;
            sections.push(Section { kind, steps: Vec::new() });
            continue;
        }
        let section = sections.last_mut().ok_or_else(|| format!("{line:?} is in no section"))?;
        match (line.strip_prefix("- "), section.steps.last_mut()) {
            (Some(step), _) => section.steps.push(step.to_owned()),
            (None, Some(step)) if line.starts_with("  ") => {
                step.push(' ');
                step.push_str(line.trim_start());
            }
            _ => return Err(format!("{line:?} is neither a list item nor its continuation")),
        }
    }
    Ok(sections)
}

#[cfg(test)]
mod tests {
    use super::*;

    const FRONT: &str =
        "+++\nid = \"x\"\ntitle = \"X\"\nclasses = []\ntechniques = []\nsources = []\n+++\n";

    #[test]
    fn steps_are_list_items_that_may_run_over_lines() {
        let runbook = parse(&format!("{FRONT}\n## Confirm\n\n- one\n  more\n- two\n")).unwrap();
        let expected =
            Section { kind: SectionKind::Confirm, steps: vec!["one more".into(), "two".into()] };
        assert_eq!(runbook.sections, [expected]);
    }

    #[test]
    fn defects_are_told() {
        for (text, expected) in [
            ("no front", "front matter"),
            (&format!("{FRONT}## Wrong\n- x\n"), "fixed headings"),
            (&format!("{FRONT}- x\n"), "in no section"),
            (&format!("{FRONT}## Tell\nprose\n"), "neither a list item"),
            (
                "+++\nid = \"a b\"\ntitle = \"\"\nclasses = []\ntechniques = []\nsources = []\n+++\n",
                "not an id",
            ),
            ("+++\nother = 1\n+++\n", "unknown field"),
        ] {
            let error = parse(text).unwrap_err();
            assert!(error.contains(expected), "{error}");
        }
    }

    #[test]
    fn ids_are_checked() {
        for (text, valid) in
            [("brute_force", true), ("IRM-1.2", true), ("", false), ("a b", false), ("a#b", false)]
        {
            assert_eq!(RunbookId::new(text).is_some(), valid, "{text:?}");
        }
        assert!(RunbookId::new(&"a".repeat(129)).is_none());
    }
}
