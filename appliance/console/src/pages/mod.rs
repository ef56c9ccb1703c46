//! The pages, one module each.

pub(crate) mod claim;
pub(crate) mod events;
pub(crate) mod incident;
pub(crate) mod incidents;
pub(crate) mod login;
pub(crate) mod system;
pub(crate) mod today;

use maud::{Markup, html};
use time::OffsetDateTime;
use vedette_event::Incident;

use crate::inert::visible;
use crate::layout::{News, Watch};
use crate::reply::Problem;
use crate::server::Shared;
use crate::words::{ago, badge, counted, outcome};

/// An incident in a list, with what else the list says of it.
fn entry(incident: &Incident, now: OffsetDateTime, more: &Markup) -> Markup {
    html! {
        li.card.incident {
            div.grade { (badge(incident.severity)) span.risk { "risk " strong { (incident.risk) } } }
            div {
                a.title href={ "/incidents/" (incident.id) } { (visible(title(incident))) }
                p.soft {
                    (incident.id) " · " (counted(incident.members, "line"))
                    @if let Some(seen) = incident.last_seen { " · last seen " (ago(seen, now)) }
                    @if incident.needs_human { " · " strong { "a person must decide" } }
                    @if let Some(ended) = &incident.outcome { " · closed: " (outcome(ended.code)) }
                }
                (more)
            }
        }
    }
}

/// Its title; incidents from an earlier version may lack one.
fn title(incident: &Incident) -> &str {
    if incident.title.is_empty() { "Incident without a title" } else { &incident.title }
}

/// Lists load themselves again when an incident is new or has changed.
fn watch_lists(shared: &Shared) -> Result<Watch, Problem> {
    Ok(Watch {
        address: "/api/v1/revision".to_owned(),
        revision: crate::api::revision_of_lists(shared)?,
        news: News::Reload,
    })
}
