use std::path::{Path, PathBuf};
use std::time::Duration;

use thiserror::Error;
use time::OffsetDateTime;
use vedette_event::TicketDraft;

use crate::Config;
use crate::request_tracker::RequestTrackerConnector;
use crate::servicenow::ServiceNowConnector;
use crate::webhook::WebhookConnector;

/// Longest secret file read: far above any token, and a wrong path (a log, a disk) is noticed.
const MAX_SECRET_BYTES: u64 = 16 * 1024;

/// Why a connector cannot be set up.
#[derive(Debug, Error)]
pub enum TicketError {
    /// A secret or certificate file cannot be used.
    #[error("ticket connector `{connector}` cannot use {}: {message}", path.display())]
    File {
        /// Which connector.
        connector: String,
        /// Which file.
        path: PathBuf,
        /// Why, and how to mend it.
        message: String,
    },
    /// An address that is no usable one.
    #[error(
        "ticket connector `{connector}` has an unusable url {url:?}: write http:// or https:// and a host"
    )]
    Url {
        /// Which connector.
        connector: String,
        /// What it says.
        url: String,
    },
    /// A setting that cannot be used.
    #[error("ticket connector `{connector}` has an unusable `{key}`: {message}")]
    Setting {
        /// Which connector.
        connector: String,
        /// Which key.
        key: &'static str,
        /// Why, and how to mend it.
        message: String,
    },
    /// Two connectors under one name.
    #[error("two ticket connectors are called `{0}`: give one of them another `name`")]
    SameName(String),
}

/// What a service desk gave back for a draft.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Receipt {
    /// The ticket's number or id over there.
    pub external_id: String,
    /// Where a person finds it.
    pub url: Option<String>,
}

/// Why a draft was not taken.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum Failure {
    /// Worth another attempt.
    #[error("{error}")]
    Retry {
        /// What happened.
        error: String,
        /// When the desk wants to be asked again, if it said so.
        after: Option<Duration>,
    },
    /// Refused for good: another attempt would be refused the same way.
    #[error("{error}")]
    Refused {
        /// What happened.
        error: String,
    },
}

/// A service desk.
pub trait Connector: Send {
    /// The name under which its tickets lie in the outbox.
    fn name(&self) -> &str;

    /// Opens the ticket, or finds the one that an earlier attempt opened: the correlation id of the
    /// draft names both.
    ///
    /// # Errors
    /// When the desk has not taken it.
    fn deliver(&self, draft: &TicketDraft, now: OffsetDateTime) -> Result<Receipt, Failure>;
}

/// Sets up every configured connector.
pub(crate) fn connectors(configs: &[Config]) -> Result<Vec<Box<dyn Connector>>, TicketError> {
    let mut connectors: Vec<Box<dyn Connector>> = Vec::new();
    for config in configs {
        if connectors.iter().any(|connector| connector.name() == config.name()) {
            return Err(TicketError::SameName(config.name().to_owned()));
        }
        connectors.push(match config {
            Config::Webhook(webhook) => Box::new(WebhookConnector::new(config.name(), webhook)?),
            Config::Servicenow(servicenow) => {
                Box::new(ServiceNowConnector::new(config.name(), servicenow)?)
            }
            Config::RequestTracker(tracker) => {
                Box::new(RequestTrackerConnector::new(config.name(), tracker)?)
            }
        });
    }
    Ok(connectors)
}

/// Reads a secret: the first line of a file, without the white space around it.
pub(crate) fn read_secret(connector: &str, path: &Path) -> Result<String, TicketError> {
    let failed = |message: String| TicketError::File {
        connector: connector.to_owned(),
        path: path.to_path_buf(),
        message,
    };
    let size = std::fs::metadata(path).map_err(|error| failed(error.to_string()))?.len();
    if size > MAX_SECRET_BYTES {
        return Err(failed(format!("it is longer than {MAX_SECRET_BYTES} bytes, so no secret")));
    }
    let text = std::fs::read_to_string(path).map_err(|error| failed(error.to_string()))?;
    match text.lines().next().map(str::trim) {
        Some(secret) if !secret.is_empty() => Ok(secret.to_owned()),
        _ => Err(failed("its first line is empty: put the secret there".to_owned())),
    }
}
