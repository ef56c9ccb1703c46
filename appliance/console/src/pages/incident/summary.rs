use maud::{Markup, html};
use time::OffsetDateTime;
use vedette_event::query::Language;
use vedette_event::{Entity, EntityKind, Incident, IncidentStatus};

use crate::inert::visible;
use crate::pages::events::search_address;
use crate::server::Shared;
use crate::words::{ago, badge, class, counted, entity, moment_or_dash};

pub(super) fn facts(shared: &Shared, incident: &Incident) -> Markup {
    let now = shared.device.now();
    let is_open = incident.status == IncidentStatus::Open;
    html! {
        section.card #summary {
            p.lead {
                (badge(incident.severity)) " risk " strong { (incident.risk) } " of 100, "
                @if is_open { "open" } @else { "closed" }
                @if let Some(of) = incident.threat_class { ", " (class(of)) }
            }
            @if incident.needs_human && is_open {
                p.notice { "Vedette is not sure about this one: a person must decide." }
            }
            dl.facts {
                dt { "Number" } dd { (incident.id) ", " (counted(incident.members, "line")) }
                dt { "First seen" } dd { (moment_or_dash(incident.first_seen)) }
                dt { "Last seen" }
                dd {
                    (moment_or_dash(incident.last_seen))
                    @if let Some(seen) = incident.last_seen { span.soft { " (" (ago(seen, now)) ")" } }
                }
                @if !incident.techniques.is_empty() {
                    dt { "Techniques" } dd #techniques { (techniques(shared, incident)) }
                }
                @for kind in EntityKind::ALL { (entities(incident, *kind, now)) }
                @if !incident.rules.is_empty() {
                    dt { "Noticed" } dd { (visible(&incident.rules.join(", "))) }
                }
                dt { "Decided by" }
                dd {
                    @if incident.model_consulted { "screen, rules and the language model" }
                    @else { "screen and rules; the language model was not asked or did not answer" }
                }
            }
        }
    }
}

fn techniques(shared: &Shared, incident: &Incident) -> Markup {
    html! {
        ul.plain {
            @for id in &incident.techniques {
                li {
                    code { (id) }
                    @if let Some((name, tactic)) = shared.device.technique(*id) {
                        " " (name) span.soft { " (" (tactic) ")" }
                    }
                }
            }
        }
    }
}

/// What the incident is about, of one kind; each leads to its log lines.
fn entities(incident: &Incident, kind: EntityKind, now: OffsetDateTime) -> Markup {
    let of_kind: Vec<&Entity> =
        incident.entities.iter().filter(|entity| entity.kind == kind).collect();
    html! {
        @if !of_kind.is_empty() {
            dt { (entity(kind)) }
            dd.log {
                @for (number, entity) in of_kind.iter().enumerate() {
                    @if number > 0 { ", " }
                    @match lines_about(incident, entity, now) {
                        Some(address) => a href=(address) { (visible(&entity.value)) },
                        None => (visible(&entity.value)),
                    }
                }
            }
        }
    }
}

/// The search for an entity's lines around the incident.
fn lines_about(incident: &Incident, entity: &Entity, now: OffsetDateTime) -> Option<String> {
    let about = Incident {
        first_seen: incident.first_seen,
        last_seen: incident.last_seen,
        entities: vec![entity.clone()],
        ..Incident::default()
    };
    let query = vedette_query::from_incident(&about, now);
    let rendered = vedette_query::render(&query, Language::Local, None, now);
    rendered.query.filter(|_| rendered.valid).map(|text| search_address(&text))
}

pub(super) fn risk(incident: &Incident) -> Markup {
    html! {
        section {
            h2 { "Why the risk is " (incident.risk) }
            table.card #risk {
                thead { tr { th scope="col" { "Reason" } th.number scope="col" { "Points" } } }
                tbody {
                    @for reason in &incident.risk_reasons {
                        tr { td { (visible(&reason.reason)) } td.number { (format!("{:+}", reason.points)) } }
                    }
                }
                tfoot {
                    tr { th scope="row" { "Risk" } td.number { strong { (incident.risk) } } }
                }
            }
        }
    }
}
