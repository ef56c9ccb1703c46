//! One rule: what it says of itself, its selections and how a record is held against them.

use vedette_event::{ScoredTechnique, Severity, TechniqueId, ThreatClass};

use super::Refusal;
use super::condition::{Condition, parse};
use super::source::LogSource;
use super::value::{Modifiers, Test};
use super::view::{Field, View};
use super::yaml::Node;
use crate::clean::{capped, clean};
use crate::rules::Strength;

/// Longest title shown, in bytes.
const TITLE_CAP: usize = 160;

/// Selections of a rule; the longest public rules have a third of it.
const SELECTIONS_CAP: usize = 128;

/// Techniques taken from a rule's tags.
const TECHNIQUES_CAP: usize = 8;

/// What a rule says of itself.
#[derive(Clone, Debug)]
pub(super) struct About {
    pub(super) title: String,
    /// What a correlation may call it.
    pub(super) called: Vec<String>,
    pub(super) class: ThreatClass,
    pub(super) techniques: Vec<ScoredTechnique>,
    pub(super) severity: Severity,
    pub(super) strength: Strength,
}

/// A rule over one line.
#[derive(Debug)]
pub(super) struct Rule {
    pub(super) about: About,
    pub(super) source: LogSource,
    selections: Vec<Selection>,
    condition: Condition,
}

/// What a selection asks for.
#[derive(Debug)]
enum Selection {
    /// Every field as it says.
    Fields(Vec<Item>),
    /// One of several.
    Any(Vec<Selection>),
    /// Words anywhere in the line.
    Words(Wanted),
}

/// Values of which one, or all, must be found; each may be written in several ways.
#[derive(Debug)]
struct Wanted {
    values: Vec<Vec<Test>>,
    all: bool,
}

#[derive(Debug)]
struct Item {
    /// The field's place among those of all rules.
    field: usize,
    what: What,
    not: bool,
}

#[derive(Debug)]
enum What {
    Is(Wanted),
    Exists(bool),
}

impl About {
    /// Reads what a document says of its rule.
    pub(super) fn of(document: &Node, category: Option<&str>) -> Result<Self, Refusal> {
        let text = |key: &str| document.get(key).and_then(Node::text);
        let title = text("title").ok_or(Refusal::Shape("a rule without a title"))?;
        let (severity, strength) =
            match text("level").unwrap_or("medium").to_ascii_lowercase().as_str() {
                "informational" => (Severity::Informational, Strength::Trace),
                "low" => (Severity::Low, Strength::Weak),
                "medium" => (Severity::Medium, Strength::Likely),
                "high" => (Severity::High, Strength::Strong),
                "critical" => (Severity::Critical, Strength::Proof),
                other => return Err(Refusal::Value(format!("level {other}"))),
            };
        let status = text("status").unwrap_or_default().to_ascii_lowercase();
        if matches!(status.as_str(), "deprecated" | "unsupported") {
            return Err(Refusal::Retired(status));
        }
        let tags = document.get("tags").map(Node::entries).unwrap_or_default();
        let tags: Vec<&str> = tags.iter().filter_map(Node::text).collect();
        let techniques: Vec<TechniqueId> = tags
            .iter()
            .filter_map(|tag| {
                tag.to_ascii_lowercase().strip_prefix("attack.")?.to_ascii_uppercase().parse().ok()
            })
            .take(TECHNIQUES_CAP)
            .collect();
        let class = class(&techniques, &tags, category);
        let score = strength.probability();
        Ok(Self {
            title: clean(capped(title, TITLE_CAP)).text,
            called: ["id", "name"].into_iter().filter_map(text).map(str::to_owned).collect(),
            class,
            techniques: techniques.into_iter().map(|id| ScoredTechnique { id, score }).collect(),
            severity,
            strength,
        })
    }
}

/// What tells a threat class: techniques that are nearly always one, then the kind of log, then the
/// tactic, the graver first.
fn class(techniques: &[TechniqueId], tags: &[&str], category: Option<&str>) -> ThreatClass {
    use ThreatClass as Class;
    const BY_TECHNIQUE: [(&str, Class); 9] = [
        ("T1110", Class::BruteForce),
        ("T1486", Class::Ransomware),
        ("T1490", Class::Ransomware),
        ("T1498", Class::DenialOfService),
        ("T1499", Class::DenialOfService),
        ("T1566", Class::Phishing),
        ("T1190", Class::Exploitation),
        ("T1210", Class::Exploitation),
        ("T1203", Class::Exploitation),
    ];
    const BY_TACTIC: [(&str, Class); 14] = [
        ("exfiltration", Class::Exfiltration),
        ("collection", Class::Exfiltration),
        ("command-and-control", Class::CommandAndControl),
        ("lateral-movement", Class::LateralMovement),
        ("credential-access", Class::PrivilegeEscalation),
        ("privilege-escalation", Class::PrivilegeEscalation),
        ("persistence", Class::Persistence),
        ("stealth", Class::DefenseEvasion),
        ("defense-impairment", Class::DefenseEvasion),
        ("defense-evasion", Class::DefenseEvasion),
        ("impact", Class::Malware),
        ("execution", Class::Malware),
        ("initial-access", Class::Exploitation),
        ("discovery", Class::Reconnaissance),
    ];
    let known = techniques.iter().map(ToString::to_string).find_map(|id| {
        BY_TECHNIQUE.iter().find(|(known, _)| id.starts_with(known)).map(|(_, class)| *class)
    });
    match (known, category) {
        (Some(Class::Exploitation) | None, Some("webserver" | "proxy")) => return Class::WebAttack,
        (Some(class), _) => return class,
        (None, Some("antivirus")) => return Class::Malware,
        _ => {}
    }
    let tagged = |tactic: &str| {
        tags.iter()
            .filter_map(|tag| tag.strip_prefix("attack."))
            .any(|tag| tag.replace('_', "-") == tactic)
    };
    let tactic = BY_TACTIC.iter().find(|(tactic, _)| tagged(tactic)).map(|(_, class)| *class);
    let looks = tagged("reconnaissance").then_some(Class::Reconnaissance);
    tactic.or(looks).unwrap_or(Class::PolicyViolation)
}

impl Rule {
    /// Reads a rule; its fields join those of the others.
    pub(super) fn of(document: &Node, fields: &mut Vec<Field>) -> Result<Self, Refusal> {
        let source =
            document.get("logsource").ok_or(Refusal::Shape("a rule without a logsource"))?;
        let label = |key: &str| source.get(key).and_then(Node::text).map(str::to_lowercase);
        let source = LogSource {
            product: label("product"),
            category: label("category"),
            service: label("service"),
        };
        let about = About::of(document, source.category.as_deref())?;
        let Some(Node::Map(detection)) = document.get("detection") else {
            return Err(Refusal::Shape("a rule without a detection"));
        };
        let (mut names, mut selections) = (Vec::new(), Vec::new());
        for (name, node) in detection {
            match name.as_str() {
                "condition" => {}
                "timeframe" => return Err(Refusal::Counting),
                _ if selections.len() >= SELECTIONS_CAP => return Err(Refusal::TooLarge),
                _ => {
                    names.push(name.clone());
                    selections.push(Selection::of(node, fields, 0)?);
                }
            }
        }
        let written = document.get("detection").and_then(|detection| detection.get("condition"));
        let written = written.ok_or(Refusal::Shape("a detection without a condition"))?;
        let conditions = written.entries().iter().map(|node| {
            parse(node.text().ok_or(Refusal::Shape("a condition that is no text"))?, &names)
        });
        let condition = Condition::Any(conditions.collect::<Result<_, _>>()?);
        Ok(Self { about, source, selections, condition })
    }

    /// Whether a record of its source is what it looks for.
    pub(super) fn matches(&self, view: &View<'_>) -> bool {
        self.holds(&self.condition, view)
    }

    fn holds(&self, condition: &Condition, view: &View<'_>) -> bool {
        match condition {
            Condition::Selection(place) => self.selections[*place].holds(view),
            Condition::All(parts) => parts.iter().all(|part| self.holds(part, view)),
            Condition::Any(parts) => parts.iter().any(|part| self.holds(part, view)),
            Condition::Not(inner) => !self.holds(inner, view),
        }
    }
}

impl Selection {
    fn of(node: &Node, fields: &mut Vec<Field>, depth: usize) -> Result<Self, Refusal> {
        match node {
            Node::Map(items) => {
                let items = items.iter().map(|(key, values)| Item::of(key, values, fields));
                Ok(Self::Fields(items.collect::<Result<_, _>>()?))
            }
            Node::List(entries) if entries.iter().all(|entry| matches!(entry, Node::Map(_))) => {
                if depth > 0 || entries.is_empty() {
                    return Err(Refusal::Shape("a selection that says nothing"));
                }
                let any = entries.iter().map(|entry| Self::of(entry, fields, depth + 1));
                Ok(Self::Any(any.collect::<Result<_, _>>()?))
            }
            words => Ok(Self::Words(Wanted::of(words, &Modifiers::words(false))?)),
        }
    }

    fn holds(&self, view: &View<'_>) -> bool {
        match self {
            Self::Fields(items) => items.iter().all(|item| item.holds(view)),
            Self::Any(selections) => selections.iter().any(|selection| selection.holds(view)),
            Self::Words(wanted) => wanted.found(|test| test.passes(view.message())),
        }
    }
}

impl Wanted {
    fn of(values: &Node, modifiers: &Modifiers) -> Result<Self, Refusal> {
        let tests = values.entries().iter().map(|value| modifiers.tests(value));
        let values: Vec<Vec<Test>> = tests.collect::<Result<_, _>>()?;
        match values.is_empty() {
            true => Err(Refusal::Shape("a field without values")),
            false => Ok(Self { values, all: modifiers.all }),
        }
    }

    fn found(&self, passes: impl Fn(&Test) -> bool) -> bool {
        let found = |ways: &Vec<Test>| ways.iter().any(&passes);
        if self.all { self.values.iter().all(found) } else { self.values.iter().any(found) }
    }
}

impl Item {
    fn of(key: &str, values: &Node, fields: &mut Vec<Field>) -> Result<Self, Refusal> {
        let mut parts = key.split('|');
        let name = parts.next().unwrap_or_default();
        let modifiers = Modifiers::of(parts)?;
        let what = if modifiers.exists {
            let flag = values.text().and_then(|text| text.to_ascii_lowercase().parse().ok());
            What::Exists(flag.ok_or_else(|| Refusal::Value(format!("{key} takes true or false")))?)
        } else if name.is_empty() {
            What::Is(Wanted::of(values, &Modifiers::words(modifiers.all))?)
        } else {
            What::Is(Wanted::of(values, &modifiers)?)
        };
        Ok(Self { field: place(name, fields), what, not: modifiers.not })
    }

    fn holds(&self, view: &View<'_>) -> bool {
        let values = view.values(self.field);
        let holds = match &self.what {
            What::Exists(wanted) => values.is_empty() != *wanted,
            What::Is(wanted) => wanted.found(|test| match test {
                Test::Nothing => values.iter().all(|value| value.text.is_empty()),
                Test::SameAs(other) => {
                    let others = view.named(other);
                    values.iter().any(|it| others.iter().any(|other| other.folded == it.folded))
                }
                test => values.iter().any(|value| test.passes(value)),
            }),
        };
        holds != self.not
    }
}

/// The place of a field, which it takes where it is new. Without a name it is the whole message.
pub(super) fn place(name: &str, fields: &mut Vec<Field>) -> usize {
    let name = if name.is_empty() { "message" } else { name };
    fields.iter().position(|known| known.name == name).unwrap_or_else(|| {
        fields.push(Field::named(name));
        fields.len() - 1
    })
}
