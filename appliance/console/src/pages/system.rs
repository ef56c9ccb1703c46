//! How the box is.

use std::collections::BTreeMap;

use axum::extract::State;
use maud::{Markup, html};
use vedette_event::{IngestStatus, SourceStatus, SpoolStatus, Status};

use crate::auth::User;
use crate::inert::visible;
use crate::layout::Page;
use crate::reply::Problem;
use crate::server::Shared;
use crate::words::{check, count, counted, model, moment_or_dash, plain};

/// Bytes in a mebibyte.
const MIB: u64 = 1 << 20;

pub(crate) async fn show(
    State(shared): State<Shared>,
    User(session): User,
) -> Result<Markup, Problem> {
    let status = shared.work(|shared| Ok(shared.device.status())).await?;
    let body = html! {
        (super::today::notices(&status))
        @if status.healthy { p.card.good #healthy { "Everything works." } }
        (about(&status))
        (intake(&status.ingest))
        (hardware(&status))
    };
    let page = Page { title: "System", place: "System", session: Some(&session), watch: None };
    Ok(page.render(&body))
}

fn about(status: &Status) -> Markup {
    html! {
        section.card {
            dl.facts #about {
                dt { "This box" } dd { (visible(&status.device_id)) }
                dt { "Version" }
                dd { (status.version) ", schema " (status.schema) @if let Some(slot) = &status.slot { ", slot " (visible(slot)) } }
                dt { "Running since" } dd { (moment_or_dash(status.started_at)) }
                dt { "Language model" }
                dd #model {
                    (model(status.model.state)) " "
                    @if let Some(bundle) = &status.model.bundle { "Bundle " code { (visible(bundle)) } ". " }
                    @if let Some(detail) = &status.model.detail { (visible(detail)) ". " }
                    (counted(status.model.answered, "question")) " answered, "
                    (counted(status.model.restarts, "restart")) "."
                }
                dt { "Log store" } dd #store { (store(status)) }
                dt { "Tickets" }
                dd #tickets {
                    @if status.tickets.is_empty() { "none so far" }
                    (listed(&status.tickets))
                }
            }
        }
    }
}

fn store(status: &Status) -> Markup {
    let store = &status.store;
    html! {
        (counted(store.events, "line")) ", " (count(store.bytes / MIB)) " MiB"
        @if store.oldest.is_some() {
            ", from " (moment_or_dash(store.oldest)) " to " (moment_or_dash(store.newest))
        }
        @if let Some(forecast) = &store.forecast { "; " (visible(forecast)) }
        @if store.waiting > 0 { "; " (counted(store.waiting, "line")) " not yet judged" }
    }
}

/// `3 rate limit, 1 too long`.
fn listed(counts: &BTreeMap<String, u64>) -> String {
    let named = counts.iter().map(|(name, number)| format!("{} {}", count(*number), plain(name)));
    visible(&named.collect::<Vec<_>>().join(", "))
}

fn intake(ingest: &IngestStatus) -> Markup {
    let dropped: u64 = ingest.dropped.values().sum();
    html! {
        section {
            h2 { "What comes in" }
            p #received {
                "Since the start: " (count(ingest.received)) " received, " (count(ingest.stored)) " stored, "
                (count(dropped)) " dropped" @if dropped > 0 { " (" (listed(&ingest.dropped)) ")" } "."
            }
            @if ingest.spool != SpoolStatus::default() {
                p #spool {
                    (count(ingest.spool.waiting)) " wait on the disk to be stored; " (count(ingest.spool.written))
                    " had to since the start"
                    @if ingest.spool.found > 0 { ", " (count(ingest.spool.found)) " were there then" } "."
                }
            }
            p.soft { "Listening on " (visible(&ingest.listening.join(", "))) "." }
            @if ingest.sources.is_empty() {
                p.card.soft #sources { "No sender yet: point the syslog of a device to one of these addresses." }
            } @else {
                (sources(&ingest.sources))
            }
        }
    }
}

fn sources(sources: &[SourceStatus]) -> Markup {
    html! {
        div.card.wide {
            table #sources {
                thead {
                    tr {
                        th scope="col" { "Sender" }
                        th.number scope="col" { "Received since start" }
                        th.number scope="col" { "In the store" }
                        th.number scope="col" { "Understood" }
                        th scope="col" { "Dropped" }
                        th scope="col" { "Last heard" }
                    }
                }
                tbody {
                    @for source in sources {
                        tr {
                            td { (visible(&source.address)) }
                            td.number { (count(source.received)) }
                            td.number { (count(source.stored)) }
                            td.number {
                                (format!("{:.0} %", source.parsed_percent))
                                @if let Some(sample) = &source.unparsed_sample {
                                    details { summary { "an example that was not" } div.log { (visible(sample)) } }
                                }
                            }
                            td { (listed(&source.dropped)) }
                            td { (moment_or_dash(source.last_seen)) }
                        }
                    }
                }
            }
        }
        p.soft { "Understood: the share of lines of a device that Vedette knows; it reads the others as plain text." }
    }
}

fn hardware(status: &Status) -> Markup {
    html! {
        section {
            h2 { "Hardware" }
            div.card.wide {
                table #hardware {
                    thead { tr { th scope="col" { "Check" } th scope="col" { "Result" } th scope="col" { "Found" } } }
                    tbody {
                        @for found in &status.hardware {
                            tr {
                                th scope="row" { (visible(&plain(&found.name))) }
                                td { span class={ "check " (found.state) } { (check(found.state)) } }
                                td { (visible(&found.detail)) }
                            }
                        }
                    }
                }
            }
        }
    }
}
