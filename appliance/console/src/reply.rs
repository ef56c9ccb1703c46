//! What goes wrong, as an answer: a page for people, `application/problem+json` (RFC 9457) for
//! programs.

use axum::Json;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use maud::html;
use serde_json::json;
use vedette_store::StoreError;

use crate::auth;
use crate::inert::visible;
use crate::layout::Page;
use crate::server::Shared;

/// Longest reason that is passed on, in bytes; ours and axum's are a sentence.
const MAX_DETAIL: usize = 4_096;

/// A request that is not answered as asked.
#[derive(Debug)]
pub(crate) enum Problem {
    /// Nobody is logged in.
    Unauthorized,
    /// Somebody is, who may not.
    Forbidden,
    /// Another site's page sent it.
    Foreign,
    /// There is no such thing.
    NotFound(String),
    /// It cannot be done as asked.
    Invalid(String),
    /// The store or the system did not do its part.
    Unavailable,
}

impl From<StoreError> for Problem {
    fn from(error: StoreError) -> Self {
        tracing::warn!(
            error = &error as &dyn std::error::Error,
            "the store did not answer the console"
        );
        Self::Unavailable
    }
}

impl IntoResponse for Problem {
    /// The bare reason; [`dress`] makes a page or a document of it.
    fn into_response(self) -> Response {
        let (status, detail) = match self {
            Self::Unauthorized => (StatusCode::UNAUTHORIZED, "log in first".to_owned()),
            Self::Forbidden => {
                (StatusCode::FORBIDDEN, "this account may look, but not change".to_owned())
            }
            Self::Foreign => {
                (StatusCode::FORBIDDEN, "the request came from a page of another site".to_owned())
            }
            Self::NotFound(what) => (StatusCode::NOT_FOUND, format!("there is no {what}")),
            Self::Invalid(why) => (StatusCode::UNPROCESSABLE_ENTITY, why),
            Self::Unavailable => (
                StatusCode::SERVICE_UNAVAILABLE,
                "the box could not read or write its store; try again".to_owned(),
            ),
        };
        (status, detail).into_response()
    }
}

/// Gives every failure its form: whoever asked decides by the address asked for.
pub(crate) async fn dress(State(shared): State<Shared>, request: Request, next: Next) -> Response {
    let path = request.uri().path();
    let is_api = path.starts_with("/api/");
    let is_probe = matches!(path, "/healthz" | "/readyz");
    let headers = request.headers().clone();
    let response = next.run(request).await;
    let status = response.status();
    if is_probe || !(status.is_client_error() || status.is_server_error()) || is_page(&response) {
        return response;
    }
    let (mut parts, body) = response.into_parts();
    let body = axum::body::to_bytes(body, MAX_DETAIL).await.unwrap_or_default();
    let detail = match String::from_utf8_lossy(&body).into_owned() {
        empty if empty.is_empty() => "this address does not answer such a request".to_owned(),
        detail => detail,
    };
    let dressed =
        if is_api { document(status, &detail) } else { page(status, &detail, &headers, &shared) };
    let (dressed, body) = dressed.into_parts();
    parts.headers.remove(header::CONTENT_LENGTH);
    parts.headers.extend(dressed.headers);
    Response::from_parts(parts, body)
}

fn is_page(response: &Response) -> bool {
    let kind = response.headers().get(header::CONTENT_TYPE);
    kind.is_some_and(|kind| kind.as_bytes().starts_with(b"text/html"))
}

fn document(status: StatusCode, detail: &str) -> Response {
    let title = status.canonical_reason();
    let body = json!({ "status": status.as_u16(), "title": title, "detail": detail });
    let mut response = Json(body).into_response();
    let kind = HeaderValue::from_static("application/problem+json");
    response.headers_mut().insert(header::CONTENT_TYPE, kind);
    response
}

/// A reason as a sentence.
fn sentence(detail: &str) -> String {
    let mut characters = detail.trim_end_matches(['.', '\n']).chars();
    let first = characters.next().map(|first| first.to_uppercase().to_string());
    format!("{}{}.", first.unwrap_or_default(), characters.as_str())
}

fn page(status: StatusCode, detail: &str, headers: &HeaderMap, shared: &Shared) -> Response {
    let session = auth::session(headers, shared);
    let title = match status {
        StatusCode::UNAUTHORIZED => "Log in first",
        StatusCode::FORBIDDEN => "Not allowed",
        StatusCode::NOT_FOUND => "Not found",
        StatusCode::SERVICE_UNAVAILABLE => "Not now",
        _ => "This did not work",
    };
    let body = html! {
        p.card.notice #problem { (visible(&sentence(detail))) }
        p {
            @if session.is_some() { a href="/" { "Go to Today" } } @else { a href="/login" { "Log in" } }
        }
    };
    Page { title, session: session.as_ref(), ..Page::default() }.render(&body).into_response()
}
