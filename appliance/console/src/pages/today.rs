//! What needs somebody now: why, and what to do first.

use axum::extract::State;
use maud::{Markup, html};
use vedette_event::{Incident, IncidentStatus, ModelState, Status};
use vedette_store::{IncidentFilter, IncidentOrder};

use crate::auth::User;
use crate::inert::visible;
use crate::layout::Page;
use crate::pages;
use crate::reply::Problem;
use crate::server::Shared;
use crate::words::{count, counted, model};

/// Incidents on the first page: what one person can look at in a day.
const SHOWN: usize = 10;
/// Reasons given for each, and names of rules; the rest stand on its own page.
const REASONS: usize = 2;

pub(crate) async fn show(
    State(shared): State<Shared>,
    User(session): User,
) -> Result<Markup, Problem> {
    let (body, watch) =
        shared.work(|shared| Ok((body(shared)?, pages::watch_lists(shared)?))).await?;
    let page = Page { title: "Today", place: "Today", session: Some(&session), watch: Some(watch) };
    Ok(page.render(&body))
}

fn body(shared: &Shared) -> Result<Markup, Problem> {
    let status = shared.device.status();
    let incidents = shared.reader.incidents(IncidentFilter {
        status: Some(IncidentStatus::Open),
        limit: SHOWN,
        offset: 0,
        order: IncidentOrder::Risk,
    })?;
    let entries = incidents
        .iter()
        .map(|incident| {
            let more = html! { (why(incident)) (first_step(shared, incident)?) };
            Ok(pages::entry(incident, shared.device.now(), &more))
        })
        .collect::<Result<Vec<Markup>, Problem>>()?;
    let others = status.open_incidents.saturating_sub(entries.len() as u64);
    Ok(html! {
        (notices(&status))
        (lead(&status, entries.len()))
        ol.plain #today { @for entry in &entries { (entry) } }
        @if others > 0 {
            p { a href="/incidents?status=open" { (counted(others, "more open incident")) } }
        }
        (figures(&status))
    })
}

/// What keeps the box from doing its work.
pub(super) fn notices(status: &Status) -> Markup {
    let unwell = matches!(status.model.state, ModelState::Down | ModelState::Missing);
    html! {
        @if unwell {
            p.card.notice #model-down {
                (model(status.model.state)) " "
                @if let Some(detail) = &status.model.detail { (visible(detail)) }
            }
        }
        @for reason in &status.reasons { p.card.notice { (visible(reason)) } }
    }
}

fn lead(status: &Status, shown: usize) -> Markup {
    html! {
        @if shown == 0 {
            p.card.good #quiet {
                strong { "Nothing needs you." } " "
                (counted(status.store.events, "log line")) " kept and looked at"
                @if status.store.waiting > 0 { ", " (count(status.store.waiting)) " still to be judged" }
                "."
            }
        } @else {
            p.lead {
                @match status.open_incidents {
                    1 => "One incident needs you.",
                    open => { (count(open)) " incidents need you. The riskiest stands first: begin there." }
                }
            }
        }
    }
}

/// What was noticed, and the reasons that weigh most.
fn why(incident: &Incident) -> Markup {
    let noticed = incident.rules.iter().take(REASONS).map(|rule| visible(rule));
    let mut reasons: Vec<_> =
        incident.risk_reasons.iter().filter(|reason| reason.points > 0).collect();
    reasons.sort_by_key(|reason| std::cmp::Reverse(reason.points));
    reasons.truncate(REASONS);
    let reasons = reasons.iter().map(|reason| visible(&reason.reason));
    let all: Vec<String> = noticed.chain(reasons).collect();
    html! {
        @if !all.is_empty() { p { strong { "Why: " } (all.join("; ")) "." } }
    }
}

fn first_step(shared: &Shared, incident: &Incident) -> Result<Markup, Problem> {
    let resolution = shared.reader.filing(incident.id)?.and_then(|(_, resolution)| resolution);
    let first = resolution.and_then(|resolution| resolution.steps.into_iter().next());
    Ok(html! {
        @if let Some(step) = first {
            p { strong { "First: " } (pages::incident::with_commands(&step.text)) }
        }
    })
}

fn figures(status: &Status) -> Markup {
    let dropped: u64 = status.ingest.dropped.values().sum();
    let figure = |number: u64, what: &str| {
        html! { div.card { span.figure { (count(number)) } (what) } }
    };
    html! {
        h2 { "Since the box was started" }
        div.row {
            (figure(status.ingest.received, "lines received"))
            (figure(dropped, "lines dropped"))
            (figure(status.model.answered, "questions to the language model"))
            (figure(status.tickets.get("delivered").copied().unwrap_or(0), "tickets opened, ever"))
        }
    }
}
