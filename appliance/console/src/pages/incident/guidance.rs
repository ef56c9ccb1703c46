use maud::{Markup, html};
use vedette_event::{CitedStep, IncidentId, Resolution};

use crate::inert::visible;
use crate::words::outcome;

/// What to do, in the order of the work, each step with where it stands.
pub(super) fn steps(resolution: Option<&Resolution>) -> Markup {
    html! {
        section {
            h2 { "What to do" }
            @match resolution {
                Some(resolution) => div.card #resolution {
                    p { "Most likely: " strong { (outcome(resolution.resolution_code)) } }
                    @for group in groups(&resolution.steps) { (group_of_steps(group, resolution)) }
                    @if resolution.steps.is_empty() { p.soft { "No runbook fits." } }
                },
                None => p.card.soft #resolution { "Guidance comes when the incident is filed: at once if it is grave, else when it has settled." },
            }
        }
    }
}

/// One stage of the work and its steps, from one source.
struct Group<'a> {
    /// The stage, where it is another than that of the group before.
    stage: Option<&'static str>,
    steps: &'a [CitedStep],
}

fn groups(steps: &[CitedStep]) -> Vec<Group<'_>> {
    let mut last = None;
    steps
        .chunk_by(|a, b| a.source == b.source)
        .map(|steps| {
            let stage = stage(&steps[0].source);
            let is_new = last.replace(stage) != Some(stage);
            Group { stage: is_new.then_some(stage), steps }
        })
        .collect()
}

/// What the section of a runbook is for.
fn stage(source: &str) -> &'static str {
    match source.split_once('#').map(|(_, section)| section) {
        Some("confirm") => "Make sure that it is real",
        Some("contain") => "Stop it",
        Some("eradicate") => "Remove what was left behind",
        Some("recover") => "Get back to work",
        Some("tell") => "Tell who must know",
        Some(_) => "From your own runbooks",
        None => "What was done the last time",
    }
}

fn group_of_steps(group: Group<'_>, resolution: &Resolution) -> Markup {
    html! {
        @if let Some(stage) = group.stage { h3 { (stage) } }
        ol.steps { @for step in group.steps { li { (with_commands(&step.text)) } } }
        p.soft.source { "Source: " (source(&group.steps[0].source, resolution)) }
    }
}

fn source(source: &str, resolution: &Resolution) -> Markup {
    let runbook = source.split_once('#').map_or(source, |(runbook, _)| runbook);
    let title = resolution.runbooks.iter().find(|known| known.id == runbook);
    html! {
        @if let Ok(id) = source.parse::<IncidentId>() {
            a href={ "/incidents/" (id) } { (id) }
        } @else {
            @if let Some(known) = title { "“" (visible(&known.title)) "”, " }
            code { (visible(source)) }
        }
    }
}

/// Text in which commands stand between backquotes.
pub(crate) fn with_commands(text: &str) -> Markup {
    html! {
        @for (number, part) in text.split('`').enumerate() {
            @if number % 2 == 1 { code { (visible(part)) } } @else { (visible(part)) }
        }
    }
}
