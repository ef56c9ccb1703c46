//! What goes wrong, as an answer.

use axum::Json;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde_json::json;
use vedette_store::StoreError;

/// A request that is not answered as asked. Told as `application/problem+json` (RFC 9457).
#[derive(Debug)]
pub(crate) enum Problem {
    /// Nobody is logged in.
    Unauthorized,
    /// Somebody is, who may not.
    Forbidden,
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
    fn into_response(self) -> Response {
        let (status, detail) = match self {
            Self::Unauthorized => (StatusCode::UNAUTHORIZED, "log in first".to_owned()),
            Self::Forbidden => {
                (StatusCode::FORBIDDEN, "this account may look, but not change".to_owned())
            }
            Self::NotFound(what) => (StatusCode::NOT_FOUND, format!("there is no {what}")),
            Self::Invalid(why) => (StatusCode::UNPROCESSABLE_ENTITY, why),
            Self::Unavailable => (
                StatusCode::SERVICE_UNAVAILABLE,
                "the box could not read or write its store; try again".to_owned(),
            ),
        };
        let title = status.canonical_reason();
        let body = json!({ "status": status.as_u16(), "title": title, "detail": detail });
        let kind = [(axum::http::header::CONTENT_TYPE, "application/problem+json")];
        (status, kind, Json(body).into_response().into_body()).into_response()
    }
}
