//! HTTP as the connectors need it: bounded in time and size, no redirects, errors sorted into
//! "again" and "never".

use std::path::Path;
use std::time::Duration;

use serde::de::DeserializeOwned;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc2822;
use ureq::Agent;
use ureq::http::{Response, StatusCode, Uri};
use ureq::tls::{Certificate, RootCerts, TlsConfig, parse_pem};
use ureq::{Body, tls};

use crate::connector::{Failure, TicketError};

/// A desk that has not answered by then is asked again later; long enough for a slow instance.
const TIMEOUT: Duration = Duration::from_secs(30);
/// Largest answer read: a receipt is a few kilobytes.
const MAX_ANSWER_BYTES: u64 = 1024 * 1024;
/// Longest wait that a desk's `Retry-After` may impose: a wrong clock must not silence us for days.
const MAX_RETRY_AFTER: Duration = Duration::from_secs(6 * 3600);
/// How much of an error answer is kept for the person who reads it.
const MAX_ERROR_CHARACTERS: usize = 300;

/// A client for one desk.
#[derive(Debug)]
pub(crate) struct Client {
    pub(crate) agent: Agent,
    /// Address without a slash at its end.
    pub(crate) base: String,
}

impl Client {
    pub(crate) fn new(connector: &str, url: &str, ca: Option<&Path>) -> Result<Self, TicketError> {
        let parsed: Option<Uri> = url.parse().ok();
        let usable = parsed.is_some_and(|uri| {
            matches!(uri.scheme_str(), Some("http" | "https")) && uri.host().is_some()
        });
        if !usable {
            let (connector, url) = (connector.to_owned(), url.to_owned());
            return Err(TicketError::Url { connector, url });
        }
        let mut tls = TlsConfig::builder();
        if let Some(path) = ca {
            tls = tls.root_certs(RootCerts::new_with_certs(&certificates(connector, path)?));
        }
        let agent = Agent::config_builder()
            .timeout_global(Some(TIMEOUT))
            .max_redirects(0)
            .http_status_as_error(false)
            .user_agent(concat!("vedette/", env!("CARGO_PKG_VERSION")))
            .tls_config(tls.build())
            .build()
            .new_agent();
        Ok(Self { agent, base: url.trim_end_matches('/').to_owned() })
    }
}

fn certificates(connector: &str, path: &Path) -> Result<Vec<Certificate<'static>>, TicketError> {
    let failed = |message: String| TicketError::File {
        connector: connector.to_owned(),
        path: path.to_path_buf(),
        message,
    };
    let pem = std::fs::read(path).map_err(|error| failed(error.to_string()))?;
    let certificates: Vec<_> = parse_pem(&pem)
        .filter_map(|item| match item {
            Ok(tls::PemItem::Certificate(certificate)) => Some(certificate),
            _ => None,
        })
        .collect();
    if certificates.is_empty() {
        return Err(failed("it holds no certificate in PEM form".to_owned()));
    }
    Ok(certificates)
}

/// The transport failed: no answer at all.
pub(crate) fn unreachable(error: &ureq::Error) -> Failure {
    Failure::Retry { error: format!("no answer: {error}"), after: None }
}

/// Reads an answer that should be JSON, once its status is a success.
pub(crate) fn read<T: DeserializeOwned>(
    response: Response<Body>,
    now: OffsetDateTime,
) -> Result<T, Failure> {
    let mut response = accept(response, now)?;
    let text = response.body_mut().with_config().limit(MAX_ANSWER_BYTES).read_to_string();
    let text = text.map_err(|error| unreachable(&error))?;
    // A proxy's login page with status 200 is not the desk: the next attempt may reach it.
    serde_json::from_str(&text).map_err(|error| Failure::Retry {
        error: format!("the answer is not what the API promises: {error}"),
        after: None,
    })
}

/// Sorts an answer by its status: success, again, or never.
pub(crate) fn accept(
    mut response: Response<Body>,
    now: OffsetDateTime,
) -> Result<Response<Body>, Failure> {
    let status = response.status();
    if status.is_success() {
        return Ok(response);
    }
    let after = retry_after(&response, now);
    let text = response.body_mut().with_config().limit(MAX_ANSWER_BYTES).read_to_string();
    let text: String = text.unwrap_or_default().chars().take(MAX_ERROR_CHARACTERS).collect();
    let error = format!("status {}: {}", status.as_u16(), text.trim());
    Err(if is_worth_retrying(status) {
        Failure::Retry { error, after }
    } else {
        Failure::Refused { error }
    })
}

/// Client errors are for good, but for those that time or an administrator mends: credentials,
/// time-outs, conflicts with a request under way, and limits of rate.
fn is_worth_retrying(status: StatusCode) -> bool {
    !status.is_client_error() || matches!(status.as_u16(), 401 | 403 | 407 | 408 | 409 | 425 | 429)
}

/// `Retry-After` in seconds or as a date (RFC 9110, section 10.2.3), else ServiceNow's
/// `X-RateLimit-Reset` (seconds since 1970).
fn retry_after(response: &Response<Body>, now: OffsetDateTime) -> Option<Duration> {
    let header = |name: &str| response.headers().get(name)?.to_str().ok();
    let until = |then: OffsetDateTime| Duration::try_from(then - now).unwrap_or_default();
    let wait = match header("retry-after") {
        Some(value) => match value.trim().parse() {
            Ok(seconds) => Duration::from_secs(seconds),
            Err(_) => until(OffsetDateTime::parse(&value.replace("GMT", "+0000"), &Rfc2822).ok()?),
        },
        None => {
            let reset = header("x-ratelimit-reset")?.trim().parse().ok()?;
            until(OffsetDateTime::from_unix_timestamp(reset).ok()?)
        }
    };
    Some(wait.min(MAX_RETRY_AFTER))
}

/// Percent-encodes everything but RFC 3986's unreserved characters.
pub(crate) fn encode(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            encoded.push_str(&format!("%{byte:02X}"));
        }
    }
    encoded
}
