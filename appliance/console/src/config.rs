use std::net::{Ipv4Addr, SocketAddr};

use schemars::JsonSchema;
use serde::Deserialize;

/// `[console]`: the pages and the API.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct Config {
    /// Address of the console (HTTPS).
    pub listen: SocketAddr,
    /// Address of the Prometheus metrics (plain HTTP, no login): a loopback address only. Absent:
    /// no metrics page.
    pub metrics_listen: Option<SocketAddr>,
}

impl Default for Config {
    fn default() -> Self {
        Self { listen: (Ipv4Addr::LOCALHOST, 8443).into(), metrics_listen: None }
    }
}
