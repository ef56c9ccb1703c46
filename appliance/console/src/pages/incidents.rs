//! All incidents.

use axum::extract::{Query, State};
use maud::{Markup, html};
use serde::Deserialize;
use vedette_event::IncidentStatus;
use vedette_store::{IncidentFilter, IncidentOrder};

use crate::auth::User;
use crate::layout::Page;
use crate::reply::Problem;
use crate::server::Shared;
use crate::{api, pages};

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
    let incidents = shared.reader.incidents(IncidentFilter {
        status: wanted.status,
        limit: PAGE,
        offset: wanted.page.saturating_mul(PAGE),
        order: IncidentOrder::Newest,
    })?;
    let status = wanted.status.map(|status| format!("&status={status}")).unwrap_or_default();
    let body = html! {
        p {
            a href="/incidents" { "All" } " · "
            a href="/incidents?status=open" { "Open" } " · "
            a href="/incidents?status=closed" { "Closed" }
        }
        @if incidents.is_empty() { p.card.soft { "None." } }
        @for incident in &incidents { (pages::entry(incident)) }
        p {
            @if let Some(earlier) = wanted.page.checked_sub(1) {
                a href={ "/incidents?page=" (earlier) (status) } { "Newer" } " "
            }
            @if incidents.len() == PAGE {
                a href={ "/incidents?page=" (wanted.page + 1) (status) } { "Older" }
            }
        }
    };
    let page = Page {
        title: "Incidents",
        place: "Incidents",
        session: Some(&session),
        revision: Some(api::revision_of(&shared)?),
    };
    Ok(page.render(&body))
}
