//! Search of the log lines.

use axum::extract::{Query, State};
use maud::{Markup, html};
use serde::Deserialize;

use crate::auth::User;
use crate::layout::{Page, moment, visible};
use crate::reply::Problem;
use crate::server::Shared;

/// What is searched for before anybody has typed something.
const LATEST: &str = "limit 100";

#[derive(Deserialize)]
pub(crate) struct Search {
    #[serde(default)]
    q: String,
}

pub(crate) async fn show(
    State(shared): State<Shared>,
    User(session): User,
    Query(search): Query<Search>,
) -> Result<Markup, Problem> {
    let found = find(&shared, &search.q).await;
    let body = html! {
        form.search method="get" {
            input name="q" value=(search.q) aria-label="Query" autofocus
                placeholder="source.ip = 203.0.113.7 and event.outcome = failure since 1d limit 100";
            button.primary { "Search" }
        }
        @match &found {
            Ok(rows) => (rows),
            Err(why) => p.card.notice #query-error { (why) },
        }
    };
    let page = Page { title: "Events", place: "Events", session: Some(&session), revision: None };
    Ok(page.render(&body))
}

async fn find(shared: &Shared, text: &str) -> Result<Markup, String> {
    let text = if text.trim().is_empty() { LATEST } else { text };
    let now = shared.device.now();
    let query = vedette_query::parse_local(text, now).map_err(|error| error.to_string())?;
    let reader = shared.reader.clone();
    let rows = tokio::task::spawn_blocking(move || reader.search(&query, now))
        .await
        .map_err(|_| "the search was given up".to_owned())?
        .map_err(|error| error.to_string())?;
    Ok(html! {
        p.soft { (rows.len()) " lines" }
        table.card #events { tbody {
            @for row in &rows {
                tr {
                    td.soft { (moment(Some(row.received_at))) }
                    td { (visible(row.host.as_deref().unwrap_or(""))) }
                    td.log { (visible(&row.raw)) }
                }
            }
        } }
    })
}
