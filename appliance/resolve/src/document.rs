//! A runbook as the index sees it: passages, each of which can be cited.

use vedette_kb::imported::ImportedRunbook;
use vedette_kb::runbook::{Runbook, SectionKind};

/// Passages of one imported runbook; what is beyond is not searched.
const MOST_PASSAGES: usize = 400;
/// A longer paragraph of an imported runbook is quoted only to here.
const MOST_PASSAGE_BYTES: usize = 1_000;
/// A shorter paragraph is a heading or a leftover, no step.
const LEAST_PASSAGE_BYTES: usize = 25;

/// A step or paragraph.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Passage {
    pub(crate) section: SectionKind,
    pub(crate) text: String,
    /// What stands behind the `#` of its citation.
    pub(crate) anchor: String,
}

/// Whose a runbook is and what for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Origin {
    /// Ours, for a threat class.
    Class,
    /// Ours, for a technique.
    Technique,
    /// The customer's.
    Customer,
}

/// A runbook.
#[derive(Clone, Debug)]
pub(crate) struct Document {
    pub(crate) origin: Origin,
    pub(crate) id: String,
    pub(crate) title: String,
    pub(crate) classes: Vec<String>,
    pub(crate) techniques: Vec<String>,
    pub(crate) passages: Vec<Passage>,
}

impl Document {
    pub(crate) fn from_runbook(runbook: &Runbook) -> Self {
        let passages = runbook.sections.iter().flat_map(|section| {
            section.steps.iter().map(|step| Passage {
                section: section.kind,
                text: step.clone(),
                anchor: section.kind.anchor().to_owned(),
            })
        });
        let for_class = runbook.classes.first().is_some_and(|class| class == runbook.id.as_str());
        Self {
            origin: if for_class { Origin::Class } else { Origin::Technique },
            id: runbook.id.to_string(),
            title: runbook.title.clone(),
            classes: runbook.classes.clone(),
            techniques: runbook.techniques.clone(),
            passages: passages.collect(),
        }
    }

    pub(crate) fn from_imported(runbook: &ImportedRunbook) -> Self {
        Self {
            origin: Origin::Customer,
            id: runbook.id.to_string(),
            title: runbook.title.clone(),
            classes: Vec::new(),
            techniques: runbook.techniques.clone(),
            passages: read_passages(&runbook.text),
        }
    }
}

/// Paragraphs and list items, each under the section that the last heading before it speaks of.
fn read_passages(text: &str) -> Vec<Passage> {
    let mut passages: Vec<Passage> = Vec::new();
    let mut section = SectionKind::Meaning;
    let mut continues = false;
    for line in text.lines().map(str::trim) {
        let item = line.trim_start_matches(['#', '-', '*', '•', '▪', '>', ' ', '\t']).trim();
        let is_item = item.len() != line.len();
        if line.starts_with('#') || item.len() < LEAST_PASSAGE_BYTES {
            section = section_of(item).unwrap_or(section);
            continues = false;
            continue;
        }
        if !continues || is_item {
            if passages.len() == MOST_PASSAGES {
                break;
            }
            let anchor = format!("p{}", passages.len() + 1);
            passages.push(Passage { section, text: String::new(), anchor });
        }
        if let Some(last) = passages.last_mut() {
            append(&mut last.text, item);
        }
        continues = true;
    }
    passages
}

fn append(text: &mut String, more: &str) {
    let separator = if text.is_empty() { "" } else { " " };
    let room = MOST_PASSAGE_BYTES.saturating_sub(text.len() + separator.len());
    if room > 0 {
        text.push_str(separator);
        text.push_str(&more[..more.floor_char_boundary(room)]);
    }
}

fn section_of(heading: &str) -> Option<SectionKind> {
    const STEMS: [(SectionKind, &[&str]); 5] = [
        (SectionKind::Contain, &["contain", "isolat", "mitigat"]),
        (SectionKind::Eradicate, &["eradicat", "remediat", "remov"]),
        (SectionKind::Recover, &["recover", "restor", "lessons", "post-incident"]),
        (SectionKind::Tell, &["notif", "communicat", "report", "escalat"]),
        (
            SectionKind::Confirm,
            &["identif", "investigat", "confirm", "verif", "analy", "triage", "detect"],
        ),
    ];
    let heading = heading.to_lowercase();
    let known = STEMS.iter().find(|(_, stems)| stems.iter().any(|stem| heading.contains(stem)));
    known.map(|(section, _)| *section)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn imported_text_falls_into_passages_under_sections() {
        let text = "# Intro\nThis paper is about worms in the network.\n\n## Containment\n\
                    - Disconnect the infected area from it.\n  and from the internet as well, please.\n\
                    * Neutralise the way it spreads with rules.\n\nRecovery\n\
                    Reconnect one area after the other, slowly.";
        let passages = read_passages(text);
        let seen: Vec<_> =
            passages.iter().map(|passage| (passage.section, passage.anchor.as_str())).collect();
        assert_eq!(
            seen,
            [
                (SectionKind::Meaning, "p1"),
                (SectionKind::Contain, "p2"),
                (SectionKind::Contain, "p3"),
                (SectionKind::Recover, "p4"),
            ]
        );
        assert!(passages[1].text.ends_with("internet as well, please."));
    }

    #[test]
    fn any_text_is_cut_to_bounds() {
        let long = "é".repeat(5_000);
        let passages = read_passages(&long);
        assert!(passages[0].text.len() <= MOST_PASSAGE_BYTES);
        let many = "- a list item that is long enough to be one\n".repeat(1_000);
        assert_eq!(read_passages(&many).len(), MOST_PASSAGES);
        assert_eq!(read_passages("\u{7}\u{1b}[31m\n\n#\n"), []);
    }
}
