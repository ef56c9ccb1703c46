//! Search of the log lines.

use axum::extract::{Query, State};
use axum::http::StatusCode;
use maud::{Markup, html};
use serde::Deserialize;
use time::OffsetDateTime;
use vedette_event::Peer;
use vedette_event::query::{
    FieldName, Language, Operator, Predicate, Query as LogQuery, TimeRange, Value,
};
use vedette_store::{Answer, SearchRow};

use crate::api;
use crate::auth::User;
use crate::inert::visible;
use crate::layout::Page;
use crate::reply::Problem;
use crate::server::Shared;
use crate::words::{counted, length, moment};

/// What is searched for before anybody has typed something: the newest there are.
const LATEST: &str = "since 30d limit 100";

/// Searches to learn from.
const EXAMPLES: [(&str, &str); 5] = [
    ("\"Failed password\"", "lines that hold these words"),
    ("source.ip = 203.0.113.7 since 7d", "everything from one address in a week"),
    ("source.ip in 203.0.113.0/24 and event.outcome = failure", "what failed from one network"),
    ("host.name = gate and process.name = sshd limit 50", "one program on one machine"),
    (
        "event.outcome = failure count by source.ip at least 10 within 5m",
        "who fails ten times in five minutes",
    ),
];

#[derive(Deserialize)]
pub(crate) struct Search {
    #[serde(default)]
    q: String,
}

pub(crate) async fn show(
    State(shared): State<Shared>,
    User(session): User,
    Query(search): Query<Search>,
) -> Result<(StatusCode, Markup), Problem> {
    let text = if search.q.trim().is_empty() { LATEST } else { &search.q };
    let now = shared.device.now();
    let found = match vedette_query::parse_local(text, now) {
        Ok(query) => match shared.work(move |shared| find(shared, &query)).await {
            Err(Problem::Invalid(why)) => Err(why),
            other => Ok(other?),
        },
        Err(error) => Err(error.to_string()),
    };
    let status = if found.is_ok() { StatusCode::OK } else { StatusCode::UNPROCESSABLE_ENTITY };
    let body = html! {
        (form(&search.q))
        @match &found {
            Ok(rows) => (rows),
            Err(why) => (refused(why, &search.q, now)),
        }
    };
    let page = Page { title: "Events", place: "Events", session: Some(&session), watch: None };
    Ok((status, page.render(&body)))
}

/// The address of a search.
pub(super) fn search_address(text: &str) -> String {
    let query = form_urlencoded::Serializer::new(String::new()).append_pair("q", text).finish();
    format!("/events?{query}")
}

fn form(text: &str) -> Markup {
    html! {
        form.search method="get" role="search" {
            label for="q" { "Search the log lines" }
            input #q name="q" value=(text) autocomplete="off" spellcheck="false"
                placeholder="\"Failed password\" since 1h" aria-describedby="examples";
            button.primary { "Search" }
        }
        details #examples {
            summary { "How to search" }
            dl.facts {
                @for (example, what) in EXAMPLES {
                    dt { a.log href=(search_address(example)) { (example) } } dd { (what) }
                }
            }
        }
    }
}

/// What is wrong, and the search for the same words as they stand.
fn refused(why: &str, text: &str, now: OffsetDateTime) -> Markup {
    let words = as_words(text, now);
    html! {
        div.card.notice #query-error role="alert" {
            p { strong { "This search cannot be read: " } (visible(why)) "." }
            @if let Some(words) = words {
                p { "Or look for the words themselves: " a.log href=(search_address(&words)) { (visible(&words)) } }
            }
        }
    }
}

fn as_words(text: &str, now: OffsetDateTime) -> Option<String> {
    let everything = vedette_query::parse_local("since 24h limit 100", now).ok()?;
    let query = LogQuery {
        filter: Predicate::Compare {
            field: FieldName("message".to_owned()),
            operator: Operator::Contains,
            value: Value::Text(text.trim().to_owned()),
        },
        ..everything
    };
    let rendered = vedette_query::render(&query, Language::Local, None, now);
    rendered.query.filter(|_| rendered.valid)
}

fn find(shared: &Shared, query: &LogQuery) -> Result<Markup, Problem> {
    let Answer { mut rows, searched_back_to } = api::search(shared, query)?;
    // The store gives the oldest first; who looks for something wants the newest.
    rows.reverse();
    let is_cut = rows.len() as u64 >= u64::from(query.limit);
    Ok(html! {
        p.soft role="status" {
            @if rows.is_empty() { "No line" } @else { (counted(rows.len() as u64, "line")) ", newest first," }
            " " (span(query.time))
            @if is_cut { ". There may be more: narrow the search, or raise its limit" } "."
        }
        @if let Some(reached) = searched_back_to {
            p.notice #partial role="status" {
                "The time for one search was up. All lines received since " (moment(reached))
                " were searched; older ones may match too: search before that time, or name a field."
            }
        }
        @if !rows.is_empty() { (table(&rows, !query.projection.is_empty())) }
    })
}

fn span(time: TimeRange) -> Markup {
    html! {
        @match time {
            TimeRange::Last(span) => { "in the last " (length(span)) },
            TimeRange::Absolute { from, to } => { "from " (moment(from)) " to " (moment(to)) },
        }
    }
}

fn table(rows: &[SearchRow], projected: bool) -> Markup {
    html! {
        div.card.wide {
            table #events {
                thead { tr { th scope="col" { "Time" } th scope="col" { "From" } th scope="col" { "Line" } } }
                tbody {
                    @for row in rows {
                        tr {
                            td.soft { (moment(row.occurred_at)) }
                            td { (visible(&sender(row))) }
                            td.log title={ "event " (row.event_id) } {
                                @if let Some(group) = &row.group {
                                    div.soft { (visible(&group.by.join(", "))) ": " (group.count) }
                                }
                                @if projected { div { (visible(&columns(row))) } } @else { (visible(&row.raw)) }
                            }
                        }
                    }
                }
            }
        }
    }
}

fn columns(row: &SearchRow) -> String {
    let columns = row.columns.iter().map(|column| column.as_deref().unwrap_or("—"));
    columns.collect::<Vec<_>>().join(" | ")
}

/// The machine that a line names, else the one that sent it.
fn sender(row: &SearchRow) -> String {
    match (&row.host, row.peer) {
        (Some(host), _) => host.clone(),
        (None, Peer::Network(address)) => address.ip().to_string(),
        (None, Peer::Local) => "this box".to_owned(),
    }
}
