//! The JSON API: `/api/v1/…`, `/healthz`, `/readyz`.

use axum::Json;
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use vedette_event::query::Query as LogQuery;
use vedette_event::{
    EventId, Incident, IncidentId, IncidentStatus, Outcome, ResolutionCode, Status,
};
use vedette_store::{Answer, IncidentFilter, IncidentOrder, StoreError};

use crate::auth::{Analyst, ApiUser};
use crate::reply::Problem;
use crate::server::Shared;

/// Most incidents in one answer.
const MAX_INCIDENTS: usize = 500;
/// Incidents in an answer that asks for no number.
const DEFAULT_INCIDENTS: usize = 100;
/// Incidents of each order whose change is news: more than a page shows.
const WATCHED: usize = 60;
/// Longest note that is kept with an outcome, in characters.
pub(crate) const MAX_NOTE: usize = 4_000;

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

/// What a page watches.
#[derive(Deserialize)]
pub(crate) struct RevisionQuery {
    incident: Option<String>,
}

/// What changes when a page would look different.
#[derive(Serialize)]
pub(crate) struct Revision {
    pub(crate) revision: String,
}

/// The state of the lists of incidents: a short text that differs when they do.
pub(crate) fn revision_of_lists(shared: &Shared) -> Result<String, Problem> {
    let mut hash = Sha256::new();
    for order in [IncidentOrder::Newest, IncidentOrder::Risk] {
        let limit = WATCHED;
        let filter = IncidentFilter { limit, order, ..IncidentFilter::default() };
        for incident in shared.reader.incidents(filter)? {
            let Incident { id, members, risk, severity, status, .. } = incident;
            hash.update(format!("{id} {members} {risk} {severity:?} {status}\n"));
        }
    }
    Ok(URL_SAFE_NO_PAD.encode(hash.finalize()))
}

/// The state of one incident and its tickets: a short text that differs when they do.
pub(crate) fn revision_of_one(shared: &Shared, incident: &Incident) -> Result<String, Problem> {
    let mut hash = Sha256::new();
    hash.update(format!("{incident:?} {:?}", shared.reader.tickets_of(incident.id)?));
    Ok(URL_SAFE_NO_PAD.encode(hash.finalize()))
}

pub(crate) async fn revision(
    State(shared): State<Shared>,
    _user: ApiUser,
    Query(query): Query<RevisionQuery>,
) -> Result<Json<Revision>, Problem> {
    let read = move |shared: &Shared| match query.incident {
        None => revision_of_lists(shared),
        Some(id) => revision_of_one(shared, &find(shared, &id)?),
    };
    Ok(Json(Revision { revision: shared.work(read).await? }))
}

pub(crate) async fn status(
    State(shared): State<Shared>,
    _user: ApiUser,
) -> Result<Json<Status>, Problem> {
    Ok(Json(shared.work(|shared| Ok(shared.device.status())).await?))
}

pub(crate) async fn incidents(
    State(shared): State<Shared>,
    _user: ApiUser,
    Query(query): Query<ListQuery>,
) -> Result<Json<Vec<Incident>>, Problem> {
    let limit = query.limit.unwrap_or(DEFAULT_INCIDENTS).min(MAX_INCIDENTS);
    let order = IncidentOrder::Risk;
    let filter = IncidentFilter { status: query.status, limit, offset: query.offset, order };
    Ok(Json(shared.work(move |shared| Ok(shared.reader.incidents(filter)?)).await?))
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
    let record = move |shared: &Shared| {
        record_outcome(shared, &session.account, &id, closing)?;
        find(shared, &id)
    };
    Ok(Json(shared.work(record).await?))
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
    let answer = shared.work(move |shared| search(shared, &parsed)).await?;
    Ok(Json(json!(answer)))
}

/// Runs a query; what the store says of the query itself is for whoever wrote it.
pub(crate) fn search(shared: &Shared, query: &LogQuery) -> Result<Answer, Problem> {
    shared.reader.search(query, shared.device.now()).map_err(|error| match error {
        StoreError::Unsupported(_) | StoreError::TooSlow { .. } => {
            Problem::Invalid(error.to_string())
        }
        error => error.into(),
    })
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
