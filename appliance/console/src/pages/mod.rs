//! The pages, one module each.

pub(crate) mod claim;
pub(crate) mod events;
pub(crate) mod incident;
pub(crate) mod incidents;
pub(crate) mod login;
pub(crate) mod system;
pub(crate) mod today;

use maud::{Markup, html};
use vedette_event::Incident;

use crate::layout::{badge, count, moment};

/// An incident in a list.
fn entry(incident: &Incident) -> Markup {
    html! {
        a.card.incident href={ "/incidents/" (incident.id) } {
            (badge(incident.severity))
            span.title { (crate::layout::visible(&incident.title)) }
            span { "risk " (incident.risk) }
            span.soft {
                (incident.id) " · " (count(incident.members)) " lines · last seen " (moment(incident.last_seen))
                @if incident.needs_human { " · needs a person" }
                @if let Some(outcome) = &incident.outcome { " · closed: " (outcome.code) }
            }
        }
    }
}
