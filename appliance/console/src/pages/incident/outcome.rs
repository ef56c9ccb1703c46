use maud::{Markup, html};
use vedette_event::{Incident, Resolution, ResolutionCode, TicketState};
use vedette_store::{Role, TicketRow};

use crate::api::MAX_NOTE;
use crate::inert::visible;
use crate::words::{moment, outcome};

/// Where its tickets stand.
pub(super) fn tickets(tickets: &[TicketRow]) -> Markup {
    html! {
        section {
            h2 { "Tickets" }
            @if tickets.is_empty() {
                p.card.soft #tickets { "None: no service desk is set up, or the risk is below what is reported." }
            } @else {
                ul.plain.card #tickets { @for ticket in tickets { li { (state(ticket)) } } }
            }
        }
    }
}

fn state(ticket: &TicketRow) -> Markup {
    let page = ticket
        .url
        .as_deref()
        .filter(|url| url.starts_with("https://") || url.starts_with("http://"));
    let name = ticket.external_id.as_deref().unwrap_or("the ticket");
    html! {
        strong { (visible(&ticket.connector)) } ": "
        @match ticket.state {
            TicketState::Delivered => "open there as ",
            TicketState::Pending => "on its way",
            TicketState::Failed => "given up; somebody must look",
        }
        @if ticket.state == TicketState::Delivered {
            @match page {
                Some(page) => a href=(page) rel="noreferrer" { (visible(name)) },
                None => code { (visible(name)) },
            }
        }
        @if let Some(at) = ticket.next_attempt.filter(|_| ticket.attempts > 0) {
            ", tried next " (moment(at))
        }
        @if let Some(error) = &ticket.error { div.soft { "Last error: " (visible(error)) } }
    }
}

/// How it ended, and the form to say so.
pub(super) fn closing(incident: &Incident, role: Role, resolution: Option<&Resolution>) -> Markup {
    let likely = resolution.map(|resolution| resolution.resolution_code);
    html! {
        section #outcome {
            h2 { "How it ended" }
            @if let Some(ended) = &incident.outcome {
                div.card.good {
                    p { strong { (outcome(ended.code)) } }
                    @if !ended.note.is_empty() { p { (visible(&ended.note)) } }
                    p.soft { "Said " (visible(&ended.author)) ", " (moment(ended.at)) }
                }
                @if role >= Role::Analyst {
                    details.card { summary { "Change it" } (form(incident, Some(ended.code))) }
                }
            } @else if role >= Role::Analyst {
                div.card { (form(incident, likely)) }
            } @else {
                p.card.soft { "Still open. Your account may look, but not close it." }
            }
        }
    }
}

fn form(incident: &Incident, chosen: Option<ResolutionCode>) -> Markup {
    html! {
        form.narrow method="post" action={ "/incidents/" (incident.id) "/close" } {
            label {
                "What was it?"
                select name="code" {
                    @for code in ResolutionCode::ALL {
                        option value=(code) selected[chosen == Some(*code)] { (outcome(*code)) }
                    }
                }
            }
            label {
                "Note" span.soft { " for the next one like it" }
                textarea name="note" rows="3" maxlength=(MAX_NOTE) {}
            }
            button.primary { "Close the incident" }
        }
    }
}
