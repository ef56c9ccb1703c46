use std::path::PathBuf;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use vedette_provisioning::TrustedKey;

/// The whole configuration.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct Settings {
    /// Folders.
    pub paths: Paths,
    /// Who this box is.
    pub device: Device,
    /// Syslog in.
    pub ingest: vedette_ingest::Config,
    /// The web console.
    pub console: vedette_console::Config,
    /// The language model.
    pub model: Model,
    /// What is kept, and how long.
    pub retention: vedette_store::Retention,
    /// What counts as a threat in this network.
    pub triage: vedette_triage::Policy,
    /// Service desks.
    pub tickets: Vec<vedette_ticket::Config>,
}

/// `[paths]`
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct Paths {
    /// Folder of everything that changes: store, models, identity. Without it `$VEDETTE_STATE`,
    /// else `./var`.
    pub state: Option<PathBuf>,
    /// Folder of Sigma rules, read at start with the folders below it. Unset: `kb/sigma` in the state
    /// folder.
    pub sigma: Option<PathBuf>,
}

/// `[device]`
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct Device {
    /// The customer this box serves; goes into tickets, the API and metrics.
    pub tenant: Option<String>,
    /// The site it stands at; goes the same way.
    pub site: Option<String>,
}

/// `[model]`
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct Model {
    /// Whether the language model is asked at all. Without it screen and rules answer.
    pub enabled: bool,
    /// Name of the bundle under `models/` in the state folder. Unset: the one that
    /// `vedette model activate` chose, else `base`.
    pub bundle: Option<String>,
    /// Public keys (Ed25519, 64 hexadecimal digits each) whose signatures count on bundles that
    /// `vedette model import` takes, as `vedette model export` prints them.
    pub trusted_keys: Vec<TrustedKey>,
    /// Threads of the worker; 0 means one less than the machine has, at least one.
    pub threads: usize,
    /// Where inference runs.
    pub device: ModelDevice,
    /// Most memory the worker may hold, in bytes; above it, it is restarted.
    pub max_bytes: u64,
}

impl Default for Model {
    fn default() -> Self {
        Self {
            enabled: true,
            bundle: None,
            trusted_keys: Vec::new(),
            threads: 0,
            device: ModelDevice::Auto,
            max_bytes: 1000 << 20,
        }
    }
}

/// Where inference runs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum ModelDevice {
    /// CUDA where its worker is installed and a device answers, else the CPU.
    #[default]
    Auto,
    /// The CPU.
    Cpu,
    /// CUDA, or the model is down.
    Cuda,
}
