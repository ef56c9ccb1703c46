//! Checks of the knowledge base that its types can't make.

use std::collections::{HashMap, HashSet};
use std::fmt;

use crate::Kb;
use crate::attack::Status;
use crate::cues;
use crate::imported::{Imported, ImportedRunbook};
use crate::runbook::{CLASSES, PLACEHOLDERS, Runbook, SectionKind, query_of};

/// A step longer than this is several steps.
const MOST_STEP_BYTES: usize = 700;

/// A defect of the knowledge base.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Finding {
    /// The runbook or file.
    pub place: String,
    /// What is wrong, and how to mend it.
    pub defect: String,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.place, self.defect)
    }
}

/// All defects of the embedded runbooks and indicators, and of the imported runbooks against them.
pub(crate) fn lint(kb: &Kb, imported: &Imported) -> Vec<Finding> {
    let mut findings = duplicate_ids(kb, imported);
    findings.extend(classes_without_runbook(kb));
    for runbook in kb.runbooks() {
        let defects = runbook_defects(kb, runbook);
        findings.extend(at(&format!("runbooks/{}", runbook.id), defects));
    }
    for runbook in imported.runbooks() {
        findings.extend(at(&format!("imported/{}", runbook.id), imported_defects(kb, runbook)));
    }
    findings.extend(at("attack/cues.tsv", cue_defects(kb)));
    findings.extend(at("intel/pack.toml", indicator_defects(kb)));
    findings
}

fn at(place: &str, defects: Vec<String>) -> impl Iterator<Item = Finding> {
    defects.into_iter().map(move |defect| Finding { place: place.to_owned(), defect })
}

fn duplicate_ids(kb: &Kb, imported: &Imported) -> Vec<Finding> {
    let own = kb.runbooks().iter().map(|runbook| &runbook.id);
    let mut counts = HashMap::new();
    for id in own.chain(imported.runbooks().iter().map(|runbook| &runbook.id)) {
        *counts.entry(id).or_insert(0) += 1;
    }
    let mut twice: Vec<_> = counts.into_iter().filter(|(_, count)| *count > 1).collect();
    twice.sort();
    let finding = |id: &crate::RunbookId| Finding {
        place: id.to_string(),
        defect: "the id names two runbooks; rename one".to_owned(),
    };
    twice.into_iter().map(|(id, _)| finding(id)).collect()
}

fn classes_without_runbook(kb: &Kb) -> Vec<Finding> {
    let covered: HashSet<_> = kb.runbooks().iter().flat_map(|runbook| &runbook.classes).collect();
    let missing = CLASSES.iter().filter(|class| !covered.contains(&(**class).to_owned()));
    missing
        .map(|class| Finding {
            place: "runbooks".to_owned(),
            defect: format!("no runbook is for the class {class}"),
        })
        .collect()
}

fn runbook_defects(kb: &Kb, runbook: &Runbook) -> Vec<String> {
    let mut defects = technique_defects(kb, &runbook.techniques);
    for class in runbook.classes.iter().filter(|class| !CLASSES.contains(&class.as_str())) {
        defects.push(format!("{class:?} is not a threat class"));
    }
    if runbook.classes.is_empty() && runbook.techniques.is_empty() {
        defects.push("names neither a class nor a technique, so nothing finds it".to_owned());
    }
    let kinds: Vec<_> = runbook.sections.iter().map(|section| section.kind).collect();
    if kinds != SectionKind::ALL.map(|(kind, ..)| kind) {
        defects.push("has not exactly the fixed headings in their order".to_owned());
    }
    defects.extend(step_defects(runbook));
    defects.extend(query_defects(runbook));
    defects.extend(source_defects(runbook));
    defects
}

fn technique_defects(kb: &Kb, techniques: &[String]) -> Vec<String> {
    let defect = |id: &String| match kb.attack().get(id).map(|known| known.status) {
        Some(Status::Active) => None,
        Some(Status::Deprecated) => Some(format!("{id} is deprecated")),
        Some(Status::Revoked(by)) => Some(format!("{id} is revoked; write {by}")),
        None => Some(format!("{id} is not in ATT&CK {}", kb.attack().version())),
    };
    techniques.iter().filter_map(defect).collect()
}

fn step_defects(runbook: &Runbook) -> Vec<String> {
    let mut defects = Vec::new();
    let mut seen = HashSet::new();
    for section in &runbook.sections {
        let heading = section.kind.heading();
        if section.steps.is_empty() {
            defects.push(format!("{heading} has no step"));
        }
        for step in &section.steps {
            if step.len() > MOST_STEP_BYTES {
                defects.push(format!("{heading}: a step is longer than {MOST_STEP_BYTES} bytes"));
            }
            if step.matches('`').count() % 2 != 0 {
                defects.push(format!("{heading}: a backtick is left open in {step:?}"));
            }
            if !seen.insert(step) {
                defects.push(format!("{heading}: a step stands twice: {step:?}"));
            }
        }
    }
    defects
}

/// Whether the queries are valid is for `query` to say; that there are some, and that every place left
/// open can be filled, is said here.
fn query_defects(runbook: &Runbook) -> Vec<String> {
    let mut defects = Vec::new();
    if !runbook.steps(SectionKind::Confirm).iter().any(|step| query_of(step).is_some()) {
        defects.push("Confirm has no query; begin a step with Query: `…`".to_owned());
    }
    for step in runbook.sections.iter().flat_map(|section| &section.steps) {
        let unknown = open_places(step).filter(|name| {
            PLACEHOLDERS.iter().all(|(known, _)| known.trim_matches(['{', '}']) != *name)
        });
        defects
            .extend(unknown.map(|name| format!("{{{name}}} is no entity that can be filled in")));
    }
    defects
}

/// Names in braces, of lower-case letters and `_` only; scripts use braces otherwise.
fn open_places(step: &str) -> impl Iterator<Item = &str> {
    let names = step.split('{').skip(1).filter_map(|rest| rest.split_once('}'));
    let is_name = |name: &str| {
        !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_')
    };
    names.map(|(name, _)| name).filter(move |name| is_name(name))
}

/// Whether a page still exists can't be seen from here; that the reference can be followed at all can.
fn source_defects(runbook: &Runbook) -> Vec<String> {
    let mut defects = Vec::new();
    if runbook.sources.is_empty() {
        defects.push("names no source of its facts".to_owned());
    }
    let mut seen = HashSet::new();
    for source in &runbook.sources {
        let host = source.url.strip_prefix("https://").and_then(|rest| rest.split('/').next());
        let followable = host.is_some_and(|host| host.contains('.') && !host.contains(' '));
        if !followable || source.name.trim().is_empty() {
            defects.push(format!("source {:?} needs a name and an https address", source.name));
        }
        if !seen.insert(&source.url) {
            defects.push(format!("source {:?} stands twice", source.url));
        }
    }
    defects
}

/// A customer may name techniques newer than our list, so only what is certainly stale is told.
fn imported_defects(kb: &Kb, runbook: &ImportedRunbook) -> Vec<String> {
    let known = |id: &&String| kb.attack().get(id).is_some();
    technique_defects(kb, &runbook.techniques.iter().filter(known).cloned().collect::<Vec<_>>())
}

fn cue_defects(kb: &Kb) -> Vec<String> {
    let mut techniques: Vec<_> = cues::cues().iter().map(|cue| cue.technique.to_owned()).collect();
    techniques.dedup();
    let mut defects = technique_defects(kb, &techniques);
    defects.extend(cues::defects());
    defects
}

fn indicator_defects(kb: &Kb) -> Vec<String> {
    let pack = kb.intel();
    let mut defects = Vec::new();
    for indicator in pack.indicators() {
        if indicator.what.trim().is_empty() || indicator.source.trim().is_empty() {
            defects.push(format!("{:?} says not what it is or who says so", indicator.value));
        }
        if indicator.added > pack.date() {
            defects.push(format!("{:?} is newer than the pack; raise its date", indicator.value));
        }
    }
    defects
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::runbook::{Section, Source};

    #[test]
    fn the_embedded_knowledge_has_no_defect() {
        assert_eq!(Kb::embedded().lint(&Imported::default()), []);
    }

    #[test]
    fn each_defect_of_a_runbook_is_found() {
        let good = &Kb::embedded().runbooks()[0];
        let spoiled = |spoil: &dyn Fn(&mut Runbook)| {
            let mut runbook = good.clone();
            spoil(&mut runbook);
            runbook_defects(Kb::embedded(), &runbook).join("\n")
        };
        let source = || Source { name: "X".into(), url: "http://x".into() };
        type Spoil<'a> = &'a dyn Fn(&mut Runbook);
        let rows: [(&str, Spoil<'_>); 11] = [
            ("revoked; write T1547.004", &|runbook| runbook.techniques.push("T1004".into())),
            ("not in ATT&CK", &|runbook| runbook.techniques.push("T9999".into())),
            ("not a threat class", &|runbook| runbook.classes.push("benign".into())),
            ("fixed headings", &|runbook| drop(runbook.sections.pop())),
            ("no step", &|runbook| runbook.sections[0].steps.clear()),
            ("longer than", &|runbook| runbook.sections[1].steps.push("x".repeat(701))),
            ("has no query", &|runbook| {
                runbook.sections[1].steps.retain(|s| query_of(s).is_none())
            }),
            ("{users} is no entity", &|runbook| runbook.sections[2].steps.push("{users}".into())),
            ("backtick", &|runbook| runbook.sections[1].steps.push("`x".into())),
            ("names no source", &|runbook| runbook.sources.clear()),
            ("https address", &|runbook| runbook.sources.push(source())),
        ];
        for (expected, spoil) in rows {
            let defects = spoiled(spoil);
            assert!(defects.contains(expected), "{expected}: {defects}");
        }
        let twice = |runbook: &mut Runbook| {
            let Section { steps, .. } = &mut runbook.sections[2];
            steps.push(steps[0].clone());
        };
        assert!(spoiled(&twice).contains("twice"));
    }

    #[test]
    fn imports_are_checked_against_our_own() {
        let row = |id: &str, technique: &str| {
            format!(r#"{{"id":"{id}","title":"t","technique_ids":["{technique}"],"text":"x"}}"#)
        };
        let rows = [row("ransomware", "T1486"), row("own", "T1004"), row("newer", "T1999")];
        let imported = Imported::parse(&rows.join("\n")).unwrap();
        let places: Vec<_> =
            Kb::embedded().lint(&imported).into_iter().map(|finding| finding.place).collect();
        assert_eq!(places, ["ransomware", "imported/own"]);
    }
}
