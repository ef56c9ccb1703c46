//! Which address answers with what.

use axum::Router;
use axum::extract::{DefaultBodyLimit, Request, State};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use vedette_telemetry::Metric;

use crate::reply::Problem;
use crate::server::Shared;
use crate::{api, assets, auth, headers, openapi, pages, reply};

/// Largest request body: a form with a note. Nothing is uploaded here.
const MAX_BODY_BYTES: usize = 64 * 1024;

pub(crate) fn router(shared: Shared) -> Router {
    Router::new()
        .route("/", get(pages::today::show))
        .route("/incidents", get(pages::incidents::show))
        .route("/incidents/{id}", get(pages::incident::show))
        .route("/incidents/{id}/close", post(pages::incident::close))
        .route("/events", get(pages::events::show))
        .route("/system", get(pages::system::show))
        .route("/login", get(pages::login::show).post(pages::login::submit))
        .route("/login/once", get(pages::login::once))
        .route("/claim", get(pages::claim::show).post(pages::claim::submit))
        .route("/logout", post(auth::log_out))
        .route("/assets/console.css", get(assets::style))
        .route("/assets/console.js", get(assets::script))
        .route("/assets/icon.svg", get(assets::icon))
        .route("/api/v1/openapi.json", get(openapi::document))
        .route("/api/v1/revision", get(api::revision))
        .route("/api/v1/status", get(api::status))
        .route("/api/v1/incidents", get(api::incidents))
        .route("/api/v1/incidents/{id}", get(api::incident))
        .route("/api/v1/incidents/{id}/close", post(api::close))
        .route("/api/v1/events", get(api::events))
        .route("/healthz", get(api::health))
        .route("/readyz", get(api::ready))
        .fallback(|| async { Problem::NotFound("page at this address".to_owned()) })
        .layer(middleware::from_fn_with_state(shared.clone(), guard))
        .layer(middleware::from_fn_with_state(shared.clone(), reply::dress))
        .layer(middleware::from_fn(headers::set))
        .layer(DefaultBodyLimit::max(MAX_BODY_BYTES))
        .with_state(shared)
}

/// Turns away requests that another site's page sent, and counts the answers.
async fn guard(State(shared): State<Shared>, request: Request, next: Next) -> Response {
    let response = if auth::is_same_origin(request.method(), request.headers()) {
        next.run(request).await
    } else {
        Problem::Foreign.into_response()
    };
    let class = match response.status().as_u16() / 100 {
        2 => "2xx",
        3 => "3xx",
        4 => "4xx",
        _ => "5xx",
    };
    shared.registry.counter(Metric::ConsoleRequests, class).add(1);
    response
}
