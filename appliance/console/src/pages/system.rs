//! How the box is.

use axum::extract::State;
use maud::{Markup, html};
use vedette_event::{IngestStatus, Status};

use crate::auth::User;
use crate::layout::{Page, count, moment, visible};
use crate::server::Shared;

/// Bytes in a mebibyte.
const MIB: u64 = 1 << 20;

pub(crate) async fn show(State(shared): State<Shared>, User(session): User) -> Markup {
    let status = shared.device.status();
    let body = html! {
        (super::today::notices(&status))
        @if status.healthy { p.card.good { "Everything works." } }
        (about(&status))
        (sources(&status.ingest))
        (hardware(&status))
    };
    Page { title: "System", place: "System", session: Some(&session), revision: None }.render(&body)
}

fn about(status: &Status) -> Markup {
    html! {
        table.card #about { tbody {
            tr { th { "Device" } td { (status.device_id) } }
            tr { th { "Version" } td { (status.version) ", schema " (status.schema) @if let Some(slot) = &status.slot { ", slot " (slot) } } }
            tr { th { "Running since" } td { (moment(status.started_at)) } }
            tr { th { "Language model" } td #model {
                (status.model.state) @if let Some(bundle) = &status.model.bundle { " · " (bundle) }
                " · " (count(status.model.answered)) " questions answered · " (status.model.restarts) " restarts"
            } }
            tr { th { "Store" } td {
                (count(status.store.events)) " lines, " (status.store.bytes / MIB) " MiB, " (count(status.store.waiting)) " not yet judged"
                @if let Some(forecast) = &status.store.forecast { "; " (forecast) }
            } }
            tr { th { "Tickets" } td { @for (state, number) in &status.tickets { (state) ": " (number) " " } } }
        } }
    }
}

fn sources(ingest: &IngestStatus) -> Markup {
    let dropped = |reasons: &std::collections::BTreeMap<String, u64>| {
        reasons.iter().map(|(reason, n)| format!("{n} {reason}")).collect::<Vec<_>>().join(", ")
    };
    html! {
        h2 { "Sources" }
        p.soft {
            "Listening on " (ingest.listening.join(", ")) ". Received " (count(ingest.received))
            ", stored " (count(ingest.stored)) ", dropped " (dropped(&ingest.dropped)) "."
        }
        table.card #sources {
            thead { tr { th { "Source" } th.number { "Received" } th.number { "Stored" } th { "Dropped" } th.number { "Known" } th { "Last seen" } } }
            tbody {
                @for source in &ingest.sources {
                    tr {
                        td { (visible(&source.address)) }
                        td.number { (count(source.received)) }
                        td.number { (count(source.stored)) }
                        td { (dropped(&source.dropped)) }
                        td.number { (format!("{:.0} %", source.parsed_percent)) }
                        td { (moment(source.last_seen)) }
                    }
                }
            }
        }
    }
}

fn hardware(status: &Status) -> Markup {
    html! {
        h2 { "Hardware" }
        table.card #hardware { tbody {
            @for check in &status.hardware {
                tr { th { (check.name) } td { (check.state.as_str().replace('_', " ")) } td { (visible(&check.detail)) } }
            }
        } }
    }
}
