//! Who is asking: sessions, logins, the first claim.

use axum::extract::{FromRequestParts, State};
use axum::http::request::Parts as RequestParts;
use axum::http::{HeaderMap, Method, Uri, header};
use axum::response::{IntoResponse, Redirect, Response};
use time::{Duration, OffsetDateTime};
use vedette_store::{Role, Session};

use crate::passwords;
use crate::reply::Problem;
use crate::server::Shared;

/// Name of the cookie; the prefix makes browsers insist on `Secure` and the whole host.
const COOKIE: &str = "__Host-vedette";
/// A login holds for a working day.
const SESSION_HOURS: i64 = 12;

/// Somebody logged in. As an argument of a page it sends everybody else to the login.
pub(crate) struct User(pub(crate) Session);

/// Somebody logged in. As an argument of an API call it answers everybody else with 401.
pub(crate) struct ApiUser;

/// Somebody logged in who may change something: at least an analyst.
pub(crate) struct Analyst(pub(crate) Session);

impl FromRequestParts<Shared> for User {
    type Rejection = Response;

    async fn from_request_parts(
        parts: &mut RequestParts,
        shared: &Shared,
    ) -> Result<Self, Response> {
        session(&parts.headers, shared)
            .map(Self)
            .ok_or_else(|| Redirect::to(&login_for(&parts.uri)).into_response())
    }
}

impl FromRequestParts<Shared> for ApiUser {
    type Rejection = Problem;

    async fn from_request_parts(
        parts: &mut RequestParts,
        shared: &Shared,
    ) -> Result<Self, Problem> {
        session(&parts.headers, shared).map(|_| Self).ok_or(Problem::Unauthorized)
    }
}

impl FromRequestParts<Shared> for Analyst {
    type Rejection = Problem;

    async fn from_request_parts(
        parts: &mut RequestParts,
        shared: &Shared,
    ) -> Result<Self, Problem> {
        let session = session(&parts.headers, shared).ok_or(Problem::Unauthorized)?;
        if session.role < Role::Analyst {
            return Err(Problem::Forbidden);
        }
        Ok(Self(session))
    }
}

/// The login that leads back to a page.
fn login_for(uri: &Uri) -> String {
    match uri.path_and_query().map(axum::http::uri::PathAndQuery::as_str) {
        None | Some("/") => "/login".to_owned(),
        Some(page) => {
            let query =
                form_urlencoded::Serializer::new(String::new()).append_pair("next", page).finish();
            format!("/login?{query}")
        }
    }
}

/// A page of ours to go on to, else the first: an address in a form must not lead elsewhere.
pub(crate) fn own_page(next: &str) -> &str {
    let is_ours = next.starts_with('/')
        && !next.starts_with("//")
        && next.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'\\');
    if is_ours { next } else { "/" }
}

/// The login that a request carries, if it still holds.
pub(crate) fn session(headers: &HeaderMap, shared: &Shared) -> Option<Session> {
    let token = token(headers)?;
    shared
        .reader
        .session(&passwords::token_hash(token), OffsetDateTime::now_utc())
        .inspect_err(|error| tracing::warn!(%error, "cannot read a session"))
        .ok()?
}

fn token(headers: &HeaderMap) -> Option<&str> {
    headers
        .get_all(header::COOKIE)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(';'))
        .find_map(|cookie| cookie.trim().strip_prefix(COOKIE)?.strip_prefix('='))
}

/// Logs somebody in: remembers a new token and answers with its cookie and the next page.
pub(crate) fn log_in(shared: &Shared, account: &str, next: &str) -> Result<Response, Problem> {
    let now = OffsetDateTime::now_utc();
    let token = passwords::token().ok_or(Problem::Unavailable)?;
    shared.writer.expire_sessions(now)?;
    shared.writer.put_session(
        &passwords::token_hash(&token),
        account,
        now + Duration::hours(SESSION_HOURS),
    )?;
    let cookie = cookie(&token, SESSION_HOURS * 3600);
    Ok(([(header::SET_COOKIE, cookie)], Redirect::to(own_page(next))).into_response())
}

/// Forgets the login.
pub(crate) async fn log_out(
    State(shared): State<Shared>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    if let Some(token) = token(&headers) {
        shared.writer.delete_session(&passwords::token_hash(token))?;
    }
    Ok(([(header::SET_COOKIE, cookie("", 0))], Redirect::to("/login")).into_response())
}

/// `Lax`, not `Strict`: a ticket in a service desk links to its incident here, and the browser must
/// send the cookie when that link is followed. No `GET` changes anything, and [`is_same_origin`] keeps
/// other sites from sending anything else.
fn cookie(token: &str, seconds: i64) -> String {
    format!("{COOKIE}={token}; Path=/; Secure; HttpOnly; SameSite=Lax; Max-Age={seconds}")
}

/// Whether a request that changes something comes from a page of ours: browsers tell the origin, and
/// it must be the host they asked. Programs that are no browsers tell none.
pub(crate) fn is_same_origin(method: &Method, headers: &HeaderMap) -> bool {
    if method.is_safe() {
        return true;
    }
    let text = |name| headers.get(name).and_then(|value| value.to_str().ok());
    match (text(header::ORIGIN), text(header::HOST)) {
        (Some(origin), Some(host)) => origin.strip_prefix("https://") == Some(host),
        (None, _) => text(header::HeaderName::from_static("sec-fetch-site"))
            .is_none_or(|site| site == "same-origin"),
        (Some(_), None) => false,
    }
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    #[test]
    fn a_login_leads_to_pages_of_ours_only() {
        for (next, expected) in [
            ("/incidents/INC-7?a=b", "/incidents/INC-7?a=b"),
            ("", "/"),
            ("//evil.example/", "/"),
            ("/\\evil.example/", "/"),
            ("https://evil.example/", "/"),
            ("/a\r\nSet-Cookie: x", "/"),
        ] {
            assert_eq!(own_page(next), expected, "{next:?}");
        }
    }

    #[test]
    fn requests_from_elsewhere_change_nothing() {
        for (method, origin, expected) in [
            (Method::GET, Some("https://evil.example"), true),
            (Method::POST, Some("https://box:8443"), true),
            (Method::POST, Some("https://evil.example"), false),
            (Method::POST, Some("http://box:8443"), false),
            (Method::POST, None, true),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(header::HOST, HeaderValue::from_static("box:8443"));
            if let Some(origin) = origin {
                headers.insert(header::ORIGIN, HeaderValue::from_static(origin));
            }
            assert_eq!(is_same_origin(&method, &headers), expected, "{method} {origin:?}");
        }
    }
}
