//! The steps to take, in the order of the work, each with its source.

use vedette_event::{CitedStep, Incident, PastIncident};
use vedette_kb::runbook::SectionKind;

use crate::document::{Origin, Passage};
use crate::fill::fill;
use crate::rank::Ranked;

/// Steps of one section from the best runbook: our own have five at most.
const MOST_OF_BEST: usize = 5;
/// Steps of one section from each other runbook.
const MOST_OF_OTHER: usize = 1;
/// Other runbooks that may add steps.
const MOST_OTHERS: usize = 2;
/// A runbook below this share of the best score adds no steps.
const LEAST_SHARE: f32 = 0.5;
/// Notes of past incidents.
const MOST_NOTES: usize = 2;
/// A longer note is cut; it stands in full in its incident.
const MOST_NOTE_CHARS: usize = 400;

/// Sections whose steps are given; what it means is for reading, not doing.
const ORDER: [SectionKind; 5] = [
    SectionKind::Confirm,
    SectionKind::Contain,
    SectionKind::Eradicate,
    SectionKind::Recover,
    SectionKind::Tell,
];

pub(crate) fn steps(
    ranking: &[Ranked<'_>],
    incident: &Incident,
    past: &[PastIncident],
) -> Vec<CitedStep> {
    let mut steps = notes(past);
    let Some(best) = ranking.first() else { return steps };
    let others = ranking[1..].iter().filter(|other| other.score >= LEAST_SHARE * best.score);
    let sources: Vec<_> = std::iter::once((best, MOST_OF_BEST))
        .chain(others.take(MOST_OTHERS).map(|other| (other, MOST_OF_OTHER)))
        .collect();
    for section in ORDER {
        for (ranked, most) in &sources {
            steps.extend(fitting(ranked, section, *most).into_iter().map(|passage| CitedStep {
                text: match ranked.document.origin {
                    Origin::Customer => passage.text.clone(),
                    Origin::Class | Origin::Technique => fill(&passage.text, incident),
                },
                source: format!("{}#{}", ranked.document.id, passage.anchor),
            }));
        }
    }
    steps
}

/// The best passages of a section, in the order of the runbook.
fn fitting<'a>(ranked: &Ranked<'a>, section: SectionKind, most: usize) -> Vec<&'a Passage> {
    let passages = &ranked.document.passages;
    let mut places: Vec<_> =
        (0..passages.len()).filter(|at| passages[*at].section == section).collect();
    places.sort_by(|a, b| ranked.passages[*b].total_cmp(&ranked.passages[*a]));
    places.truncate(most);
    places.sort_unstable();
    places.into_iter().map(|at| &passages[at]).collect()
}

/// What people wrote when something like it was closed.
fn notes(past: &[PastIncident]) -> Vec<CitedStep> {
    let with_note = past.iter().filter(|incident| !incident.note.trim().is_empty());
    let step = |incident: &PastIncident| {
        let note: String = incident.note.trim().chars().take(MOST_NOTE_CHARS).collect();
        let text = format!("Compare with {}, closed as {}: {note}", incident.id, incident.code);
        CitedStep { text, source: incident.id.to_string() }
    };
    with_note.take(MOST_NOTES).map(step).collect()
}
