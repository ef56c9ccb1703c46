//! The JSON API: `/api/v1/…`, `/healthz`, `/readyz`.

use axum::Json;
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use vedette_event::{
    EventId, Incident, IncidentId, IncidentStatus, Outcome, ResolutionCode, Status,
};
use vedette_store::{IncidentFilter, IncidentOrder};

use crate::auth::{Analyst, ApiUser};
use crate::reply::Problem;
use crate::server::Shared;

/// Most incidents in one answer.
const MAX_INCIDENTS: usize = 500;
/// Incidents in an answer that asks for no number.
const DEFAULT_INCIDENTS: usize = 100;
/// Longest note that is kept with an outcome, in characters.
const MAX_NOTE: usize = 4_000;

#[derive(Deserialize)]
pub(crate) struct ListQuery {
    status: Option<IncidentStatus>,
    limit: Option<usize>,
    #[serde(default)]
    offset: usize,
}

#[derive(Deserialize)]
pub(crate) struct SearchQuery {
    q: String,
}

/// An outcome as a form or an API call gives it.
#[derive(Deserialize)]
pub(crate) struct Closing {
    pub(crate) code: ResolutionCode,
    #[serde(default)]
    pub(crate) note: String,
}

/// What changes when a page would look different.
#[derive(Serialize)]
pub(crate) struct Revision {
    pub(crate) revision: String,
}

/// The state of incidents and tickets, in a short text that differs when they do.
pub(crate) fn revision_of(shared: &Shared) -> Result<String, Problem> {
    let newest = shared.reader.incidents(IncidentFilter {
        limit: 1,
        order: IncidentOrder::Newest,
        ..IncidentFilter::default()
    })?;
    let newest = newest.first().map(|i| (i.id, i.members, i.risk, i.status.as_str()));
    let next = shared.reader.next_incident_id()?;
    Ok(format!("{next} {newest:?} {:?}", shared.reader.ticket_counts()?))
}

pub(crate) async fn revision(
    State(shared): State<Shared>,
    _user: ApiUser,
) -> Result<Json<Revision>, Problem> {
    Ok(Json(Revision { revision: revision_of(&shared)? }))
}

pub(crate) async fn status(State(shared): State<Shared>, _user: ApiUser) -> Json<Status> {
    Json(shared.device.status())
}

pub(crate) async fn incidents(
    State(shared): State<Shared>,
    _user: ApiUser,
    Query(query): Query<ListQuery>,
) -> Result<Json<Vec<Incident>>, Problem> {
    let limit = query.limit.unwrap_or(DEFAULT_INCIDENTS).min(MAX_INCIDENTS);
    let order = IncidentOrder::Risk;
    let filter = IncidentFilter { status: query.status, limit, offset: query.offset, order };
    Ok(Json(shared.reader.incidents(filter)?))
}

/// An incident by the id in a path.
pub(crate) fn find(shared: &Shared, id: &str) -> Result<Incident, Problem> {
    let missing = || Problem::NotFound(format!("incident {id:?}"));
    let id: IncidentId = id.parse().map_err(|_| missing())?;
    shared.reader.incident(id)?.ok_or_else(missing)
}

pub(crate) async fn incident(
    State(shared): State<Shared>,
    _user: ApiUser,
    Path(id): Path<String>,
) -> Result<Json<Incident>, Problem> {
    Ok(Json(find(&shared, &id)?))
}

pub(crate) async fn close(
    State(shared): State<Shared>,
    Analyst(session): Analyst,
    Path(id): Path<String>,
    Json(closing): Json<Closing>,
) -> Result<Json<Incident>, Problem> {
    record_outcome(&shared, &session.account, &id, closing)?;
    Ok(Json(find(&shared, &id)?))
}

/// Records how an incident ended, for the API and the page alike.
pub(crate) fn record_outcome(
    shared: &Shared,
    author: &str,
    id: &str,
    closing: Closing,
) -> Result<(), Problem> {
    if closing.note.chars().count() > MAX_NOTE {
        return Err(Problem::Invalid(format!("the note is longer than {MAX_NOTE} characters")));
    }
    let incident = find(shared, id)?;
    let at = shared.device.now();
    let outcome = Outcome { code: closing.code, note: closing.note, author: author.to_owned(), at };
    Ok(shared.writer.close_incident(incident.id, outcome)?)
}

pub(crate) async fn events(
    State(shared): State<Shared>,
    _user: ApiUser,
    Query(query): Query<SearchQuery>,
) -> Result<Json<Value>, Problem> {
    let now = shared.device.now();
    let parsed = vedette_query::parse_local(&query.q, now)
        .map_err(|error| Problem::Invalid(error.to_string()))?;
    let rows = tokio::task::spawn_blocking(move || shared.reader.search(&parsed, now))
        .await
        .map_err(|_| Problem::Unavailable)?
        .map_err(|error| Problem::Invalid(error.to_string()))?;
    Ok(Json(json!({ "rows": rows })))
}

pub(crate) async fn health() -> &'static str {
    "ok\n"
}

/// Ready when the store answers.
pub(crate) async fn ready(State(shared): State<Shared>) -> Response {
    match shared.reader.events_after(EventId(u64::MAX >> 1), 1) {
        Ok(_) => "ready\n".into_response(),
        Err(_) => (StatusCode::SERVICE_UNAVAILABLE, "the store does not answer\n").into_response(),
    }
}
