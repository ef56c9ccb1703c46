use std::path::PathBuf;

use schemars::JsonSchema;
use serde::Deserialize;

/// One `[[tickets]]` table: a service desk and how to reach it.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum Config {
    /// Anything that takes a signed HTTP POST.
    Webhook(Webhook),
    /// ServiceNow's Table API.
    Servicenow(ServiceNow),
    /// Request Tracker 5 by its REST 2 API.
    RequestTracker(RequestTracker),
}

impl Config {
    /// The name under which its tickets lie in the outbox.
    pub fn name(&self) -> &str {
        match self {
            Self::Webhook(config) => config.name.as_deref().unwrap_or("webhook"),
            Self::Servicenow(config) => config.name.as_deref().unwrap_or("servicenow"),
            Self::RequestTracker(config) => config.name.as_deref().unwrap_or("request-tracker"),
        }
    }
}

/// A receiver of signed webhooks (Standard Webhooks, version 1 signatures).
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Webhook {
    /// Name in the outbox and the console, if the kind is not telling enough.
    pub name: Option<String>,
    /// Address that the ticket is posted to.
    pub url: String,
    /// File that holds the signing secret, `whsec_` and base64.
    pub secret_file: PathBuf,
    /// File with the certificate (PEM) of the authority that signed the receiver's, when it is not
    /// a public one.
    pub ca_file: Option<PathBuf>,
}

/// A ServiceNow instance.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct ServiceNow {
    /// Name in the outbox and the console, if the kind is not telling enough.
    pub name: Option<String>,
    /// Address of the instance, such as `https://example.service-now.com`.
    pub url: String,
    /// Account that opens the tickets.
    pub user: String,
    /// File that holds its password.
    pub password_file: PathBuf,
    /// Table that the tickets go to; `incident` if absent.
    pub table: Option<String>,
    /// Group that they are assigned to.
    pub assignment_group: Option<String>,
    /// File with the certificate (PEM) of the authority that signed the instance's, when it is not
    /// a public one.
    pub ca_file: Option<PathBuf>,
}

/// A Request Tracker 5.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct RequestTracker {
    /// Name in the outbox and the console, if the kind is not telling enough.
    pub name: Option<String>,
    /// Address of the tracker, such as `https://rt.example.com`.
    pub url: String,
    /// File that holds an authentication token.
    pub token_file: PathBuf,
    /// Queue that the tickets go to; `General` if absent.
    pub queue: Option<String>,
    /// File with the certificate (PEM) of the authority that signed the tracker's, when it is not
    /// a public one.
    pub ca_file: Option<PathBuf>,
}
