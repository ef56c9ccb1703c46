//! Who is asking: sessions, logins, the first claim.

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};

use axum::extract::{FromRequestParts, State};
use axum::http::request::Parts as RequestParts;
use axum::http::{HeaderMap, Method, header};
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
/// Wrong passwords and codes accepted within [`ATTEMPT_WINDOW`] over all accounts: enough for people,
/// and at this rate guessing a password of twelve characters takes longer than the box lasts.
const MAX_ATTEMPTS: usize = 10;
/// The time over which wrong attempts are counted.
const ATTEMPT_WINDOW: Duration = Duration::minutes(5);

/// Counts wrong attempts.
#[derive(Debug, Default)]
pub(crate) struct Attempts(Mutex<VecDeque<OffsetDateTime>>);

impl Attempts {
    /// Whether another attempt is allowed now.
    pub(crate) fn allowed(&self, now: OffsetDateTime) -> bool {
        let mut times = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        while times.front().is_some_and(|time| *time + ATTEMPT_WINDOW < now) {
            times.pop_front();
        }
        times.len() < MAX_ATTEMPTS
    }

    /// Notes a wrong one.
    pub(crate) fn wrong(&self, now: OffsetDateTime) {
        let mut times = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        times.truncate(MAX_ATTEMPTS);
        times.push_back(now);
    }
}

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
        session(&parts.headers, shared).map(Self).ok_or_else(|| {
            let claimed = shared.reader.accounts().is_ok_and(|accounts| !accounts.is_empty());
            Redirect::to(if claimed { "/login" } else { "/claim" }).into_response()
        })
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

fn session(headers: &HeaderMap, shared: &Shared) -> Option<Session> {
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

/// Logs somebody in: remembers a new token and answers with its cookie and the first page.
pub(crate) fn log_in(shared: &Shared, account: &str) -> Result<Response, Problem> {
    let now = OffsetDateTime::now_utc();
    let token = passwords::token().ok_or(Problem::Unavailable)?;
    shared.writer.expire_sessions(now)?;
    shared.writer.put_session(
        &passwords::token_hash(&token),
        account,
        now + Duration::hours(SESSION_HOURS),
    )?;
    let seconds = SESSION_HOURS * 3600;
    let cookie =
        format!("{COOKIE}={token}; Path=/; Secure; HttpOnly; SameSite=Strict; Max-Age={seconds}");
    Ok(([(header::SET_COOKIE, cookie)], Redirect::to("/")).into_response())
}

/// Forgets the login.
pub(crate) async fn log_out(
    State(shared): State<Shared>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    if let Some(token) = token(&headers) {
        shared.writer.delete_session(&passwords::token_hash(token))?;
    }
    let cookie = format!("{COOKIE}=; Path=/; Secure; HttpOnly; SameSite=Strict; Max-Age=0");
    Ok(([(header::SET_COOKIE, cookie)], Redirect::to("/login")).into_response())
}

/// Whether a request that changes something comes from a page of ours: browsers tell the origin, and
/// it must be the host they asked. (The cookie is `SameSite=Strict`; this is the second lock.)
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
    fn wrong_attempts_run_out_and_come_back() {
        let attempts = Attempts::default();
        let now = OffsetDateTime::UNIX_EPOCH;
        for _ in 0..MAX_ATTEMPTS {
            assert!(attempts.allowed(now));
            attempts.wrong(now);
        }
        assert!(!attempts.allowed(now));
        assert!(attempts.allowed(now + ATTEMPT_WINDOW * 2));
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
