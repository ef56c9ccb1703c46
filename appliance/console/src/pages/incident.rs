//! One incident: what, why, what to do, and on what it rests.

use axum::extract::{Form, Path, State};
use axum::response::Redirect;
use maud::{Markup, html};
use vedette_event::query::RenderedQuery;
use vedette_event::{EventId, Incident, LogRecord, Resolution, ResolutionCode, Verdict};
use vedette_store::{Role, TicketRow};

use crate::api::{self, Closing};
use crate::auth::{Analyst, User};
use crate::layout::{Page, badge, count, log_text, moment, visible};
use crate::reply::Problem;
use crate::server::Shared;

/// Lines of the timeline; the search shows the rest.
const TIMELINE: usize = 200;

pub(crate) async fn show(
    State(shared): State<Shared>,
    User(session): User,
    Path(id): Path<String>,
) -> Result<Markup, Problem> {
    let incident = api::find(&shared, &id)?;
    let (queries, resolution) = shared.reader.filing(incident.id)?.unwrap_or_default();
    let tickets = shared.reader.tickets_of(incident.id)?;
    let members = shared.reader.members(incident.id, TIMELINE)?;
    let body = html! {
        (summary(&incident))
        (risk(&incident))
        (steps(resolution.as_ref()))
        (ticket_states(&tickets))
        (evidence(&incident))
        (query_texts(&queries))
        (timeline(&incident, &members))
        @if session.role >= Role::Analyst { (outcome(&incident)) }
    };
    let title = visible(&incident.title);
    let page = Page {
        title: &title,
        place: "Incidents",
        session: Some(&session),
        revision: Some(api::revision_of(&shared)?),
    };
    Ok(page.render(&body))
}

pub(crate) async fn close(
    State(shared): State<Shared>,
    Analyst(session): Analyst,
    Path(id): Path<String>,
    Form(closing): Form<Closing>,
) -> Result<Redirect, Problem> {
    api::record_outcome(&shared, &session.account, &id, closing)?;
    let id = api::find(&shared, &id)?.id;
    Ok(Redirect::to(&format!("/incidents/{id}")))
}

fn summary(incident: &Incident) -> Markup {
    html! {
        div.card {
            p {
                (badge(incident.severity)) " · risk " strong { (incident.risk) } " of 100 · " (incident.id)
                @if let Some(class) = incident.threat_class { " · " (class.as_str().replace('_', " ")) }
                " · " (count(incident.members)) " lines"
            }
            p.soft { (moment(incident.first_seen)) " to " (moment(incident.last_seen)) }
            @if incident.needs_human {
                p.notice { "Vedette is not sure about this one: a person should look." }
            }
            @if !incident.techniques.is_empty() {
                p { "Techniques: " @for technique in &incident.techniques { code { (technique) } " " } }
            }
            table { tbody {
                @for entity in &incident.entities {
                    tr { th { (entity.kind.as_str().replace('_', " ")) } td.log { (visible(&entity.value)) } }
                }
            } }
        }
    }
}

fn risk(incident: &Incident) -> Markup {
    html! {
        h2 { "Why the risk is " (incident.risk) }
        table.card #risk { tbody {
            @for reason in &incident.risk_reasons {
                tr { td.number { (format!("{:+}", reason.points)) } td { (visible(&reason.reason)) } }
            }
        } }
    }
}

fn steps(resolution: Option<&Resolution>) -> Markup {
    html! {
        h2 { "What to do" }
        @match resolution {
            Some(resolution) => div.card #resolution {
                p.soft { "Most likely: " (resolution.resolution_code.as_str().replace('_', " ")) }
                ol.steps {
                    @for step in &resolution.steps {
                        li { (visible(&step.text)) " " span.soft { "[" (visible(&step.source)) "]" } }
                    }
                }
            },
            None => p.card.soft { "Guidance is added when the incident is filed." },
        }
    }
}

fn ticket_states(tickets: &[TicketRow]) -> Markup {
    html! {
        @if !tickets.is_empty() {
            h2 { "Tickets" }
            table.card #tickets { tbody {
                @for ticket in tickets {
                    tr {
                        th { (ticket.connector) }
                        td { (ticket.state) }
                        td {
                            @if let Some(id) = &ticket.external_id { (visible(id)) " " }
                            @if let Some(url) = ticket.url.as_deref().filter(|url| url.starts_with("https://") || url.starts_with("http://")) {
                                a href=(url) rel="noreferrer" { "open" }
                            }
                            @if let Some(error) = &ticket.error { span.soft { (visible(error)) } }
                        }
                    }
                }
            } }
        }
    }
}

fn evidence(incident: &Incident) -> Markup {
    html! {
        h2 { "Evidence" }
        table.card #evidence { tbody {
            @for line in &incident.evidence {
                tr {
                    td.soft { @if let Some(id) = line.event_id { "event " (id) } }
                    td.log { (log_text(&line.raw, line.start, line.end)) }
                }
            }
        } }
    }
}

fn query_texts(queries: &[RenderedQuery]) -> Markup {
    html! {
        @if !queries.is_empty() { h2 { "Queries" } }
        @for (number, rendered) in queries.iter().enumerate() {
            details.card open[number == 0] {
                summary { (rendered.language) }
                @if let Some(text) = &rendered.query {
                    pre id={ "query-" (number) } { (text) }
                    p { button type="button" data-copy={ "query-" (number) } hidden { "Copy" } }
                }
                @if let Some(window) = rendered.time_range {
                    p.soft { "From " (moment(Some(window.from))) " to " (moment(Some(window.to))) }
                }
                @for note in &rendered.notes { p.soft { (visible(note)) } }
            }
        }
    }
}

fn timeline(incident: &Incident, members: &[(EventId, LogRecord, Option<Verdict>)]) -> Markup {
    html! {
        h2 { "Timeline" }
        @if incident.members > TIMELINE as u64 {
            p.soft { "The first " (TIMELINE) " of " (count(incident.members)) " lines." }
        }
        table.card #timeline { tbody {
            @for (id, record, verdict) in members {
                tr {
                    td.soft { (moment(Some(record.occurred_at()))) }
                    td { @if let Some(verdict) = verdict { (verdict.threat_class.as_str().replace('_', " ")) } }
                    td.log title={ "event " (id) } { (visible(&String::from_utf8_lossy(&record.raw))) }
                }
            }
        } }
    }
}

fn outcome(incident: &Incident) -> Markup {
    html! {
        h2 { "How it ended" }
        @if let Some(outcome) = &incident.outcome {
            p.card {
                (outcome.code.as_str().replace('_', " ")) ", said " (visible(&outcome.author)) ", "
                (moment(Some(outcome.at))) @if !outcome.note.is_empty() { ": " (visible(&outcome.note)) }
            }
        } @else {
            form.card.narrow method="post" action={ "/incidents/" (incident.id) "/close" } {
                label {
                    "Outcome"
                    select name="code" {
                        @for code in ResolutionCode::ALL {
                            option value=(code) { (code.as_str().replace('_', " ")) }
                        }
                    }
                }
                label { "Note" textarea name="note" rows="3" maxlength="4000" {} }
                button.primary { "Close the incident" }
            }
        }
    }
}
