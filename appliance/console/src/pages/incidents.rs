//! All incidents.

use axum::extract::{Query, State};
use maud::{Markup, html};
use serde::Deserialize;
use vedette_event::IncidentStatus;
use vedette_store::{IncidentFilter, IncidentOrder};

use crate::auth::User;
use crate::layout::Page;
use crate::pages;
use crate::reply::Problem;
use crate::server::Shared;

/// Incidents on one page.
const PAGE: usize = 50;

#[derive(Deserialize)]
pub(crate) struct Wanted {
    status: Option<IncidentStatus>,
    #[serde(default)]
    page: usize,
}

pub(crate) async fn show(
    State(shared): State<Shared>,
    User(session): User,
    Query(wanted): Query<Wanted>,
) -> Result<Markup, Problem> {
    let (body, watch) = shared
        .work(move |shared| Ok((body(shared, &wanted)?, pages::watch_lists(shared)?)))
        .await?;
    let page = Page {
        title: "Incidents",
        place: "Incidents",
        session: Some(&session),
        watch: Some(watch),
    };
    Ok(page.render(&body))
}

fn body(shared: &Shared, wanted: &Wanted) -> Result<Markup, Problem> {
    let mut incidents = shared.reader.incidents(IncidentFilter {
        status: wanted.status,
        // One more tells whether there is another page.
        limit: PAGE + 1,
        offset: wanted.page.saturating_mul(PAGE),
        order: IncidentOrder::Newest,
    })?;
    let is_last = incidents.len() <= PAGE;
    incidents.truncate(PAGE);
    let now = shared.device.now();
    Ok(html! {
        (filters(wanted.status))
        @if incidents.is_empty() { p.card.soft { "There are none." } }
        ol.plain #incidents {
            @for incident in &incidents { (pages::entry(incident, now, &html! {})) }
        }
        (turn(wanted, is_last))
    })
}

fn filters(status: Option<IncidentStatus>) -> Markup {
    let filters = [
        ("/incidents", "All", None),
        ("/incidents?status=open", "Open", Some(IncidentStatus::Open)),
        ("/incidents?status=closed", "Closed", Some(IncidentStatus::Closed)),
    ];
    html! {
        nav.filters aria-label="Which incidents" {
            @for (address, name, which) in filters {
                a href=(address) aria-current=[(which == status).then_some("true")] { (name) }
            }
            span.soft { "last seen first" }
        }
    }
}

fn turn(wanted: &Wanted, is_last: bool) -> Markup {
    let status = wanted.status.map(|status| format!("&status={status}")).unwrap_or_default();
    let newer = wanted.page.checked_sub(1);
    let older = (!is_last).then(|| wanted.page.saturating_add(1));
    html! {
        @if newer.is_some() || older.is_some() {
            nav.filters aria-label="More incidents" {
                @if let Some(page) = newer { a href={ "/incidents?page=" (page) (status) } { "Newer" } }
                @if let Some(page) = older { a href={ "/incidents?page=" (page) (status) } { "Older" } }
            }
        }
    }
}
