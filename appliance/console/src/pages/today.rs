//! What needs somebody now.

use axum::extract::State;
use maud::{Markup, html};
use vedette_event::{IncidentStatus, ModelState, Status};
use vedette_store::{IncidentFilter, IncidentOrder};

use crate::auth::User;
use crate::layout::{Page, count};
use crate::reply::Problem;
use crate::server::Shared;
use crate::{api, pages};

/// Incidents on the first page: what one person can look at in a day.
const SHOWN: usize = 10;

pub(crate) async fn show(
    State(shared): State<Shared>,
    User(session): User,
) -> Result<Markup, Problem> {
    let status = shared.device.status();
    let incidents = shared.reader.incidents(IncidentFilter {
        status: Some(IncidentStatus::Open),
        limit: SHOWN,
        offset: 0,
        order: IncidentOrder::Risk,
    })?;
    let body = html! {
        (notices(&status))
        @if incidents.is_empty() {
            p.card.good { "Nothing needs you. " (count(status.store.events)) " lines have been looked at." }
        }
        @for incident in &incidents { (pages::entry(incident)) }
        (figures(&status))
    };
    let page = Page {
        title: "Today",
        place: "Today",
        session: Some(&session),
        revision: Some(api::revision_of(&shared)?),
    };
    Ok(page.render(&body))
}

/// What keeps the box from doing its work.
pub(super) fn notices(status: &Status) -> Markup {
    html! {
        @if matches!(status.model.state, ModelState::Down | ModelState::Missing) {
            p.card.notice #model-down {
                "The language model is " (status.model.state) ": the screen and the rules answer alone. "
                @if let Some(detail) = &status.model.detail { (detail) }
            }
        }
        @for reason in &status.reasons { p.card.notice { (reason) } }
    }
}

fn figures(status: &Status) -> Markup {
    let dropped: u64 = status.ingest.dropped.values().sum();
    html! {
        div.row {
            div.card { span.figure { (count(status.open_incidents)) } "open incidents" }
            div.card { span.figure { (count(status.ingest.received)) } "lines received since start" }
            div.card { span.figure { (count(dropped)) } "dropped" }
            div.card { span.figure { (count(status.model.answered)) } "questions to the model" }
        }
    }
}
