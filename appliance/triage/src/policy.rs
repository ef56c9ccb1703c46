//! What the owner of a network may decide about triage.

use std::net::IpAddr;
use std::sync::LazyLock;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use vedette_event::Network;

/// Which deciders take part; all but for ablation reports.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct Deciders {
    /// The rules, over one line and over many.
    pub rules: bool,
    /// The linear screen.
    pub screen: bool,
    /// The language model.
    pub model: bool,
}

impl Default for Deciders {
    fn default() -> Self {
        Self { rules: true, screen: true, model: true }
    }
}

/// Settings of triage.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct Policy {
    /// Score (0 to 1) from which a line is malicious. Default 0.85.
    pub malicious: f32,
    /// Score (0 to 1) from which a line is suspicious: a little below even odds, for a look at a line
    /// costs less than an attack that is passed over. Default 0.4.
    pub suspicious: f32,
    /// Networks that are the owner's own. Default: the private, shared and link-local ranges.
    #[schemars(with = "Vec<String>")]
    pub internal_networks: Vec<Network>,
    /// Addresses of vulnerability scanners and monitoring that are allowed to probe: their probes
    /// open no incident. Default: none.
    #[schemars(with = "Vec<String>")]
    pub scanners: Vec<Network>,
    /// Addresses that backups go to: large transfers there are expected. Default: none.
    #[schemars(with = "Vec<String>")]
    pub backup_hosts: Vec<Network>,
    /// Hosts, accounts or addresses that matter most: incidents on them weigh more. Default: none.
    pub critical_assets: Vec<String>,
    /// Risk (1 to 100) from which an incident is filed as a ticket at once. Default 60.
    pub ticket_risk: i32,
    /// Seconds without a new member after which an incident below that risk counts as settled and is
    /// filed when its risk reaches `settled-risk`. Default 900.
    pub settle_seconds: u32,
    /// Risk (1 to 100) from which a settled incident is filed. Default 30.
    pub settled_risk: i32,
    /// Bytes within an hour from one internal to external addresses that are unusual whatever the
    /// past. Default 2 GiB.
    pub outbound_bytes: u64,
    /// Which deciders take part. Default: all.
    pub deciders: Deciders,
}

impl Default for Policy {
    fn default() -> Self {
        let networks = [
            "10.0.0.0/8",
            "172.16.0.0/12",
            "192.168.0.0/16",
            "100.64.0.0/10",
            "169.254.0.0/16",
            "127.0.0.0/8",
            "fc00::/7",
            "fe80::/10",
            "::1",
        ];
        Self {
            malicious: 0.85,
            suspicious: 0.4,
            internal_networks: networks.iter().filter_map(|network| network.parse().ok()).collect(),
            scanners: Vec::new(),
            backup_hosts: Vec::new(),
            critical_assets: Vec::new(),
            ticket_risk: 60,
            settle_seconds: 900,
            settled_risk: 30,
            outbound_bytes: 2 << 30,
            deciders: Deciders::default(),
        }
    }
}

impl Policy {
    /// Whether the address is of a range that is nobody's outside.
    pub fn is_private(address: IpAddr) -> bool {
        static DEFAULT: LazyLock<Policy> = LazyLock::new(Policy::default);
        DEFAULT.is_internal(address)
    }

    /// Whether the address is the owner's own.
    pub fn is_internal(&self, address: IpAddr) -> bool {
        self.internal_networks.iter().any(|network| network.contains(address))
    }

    /// Whether the address may probe.
    pub fn is_scanner(&self, address: IpAddr) -> bool {
        self.scanners.iter().any(|network| network.contains(address))
    }

    /// Whether backups go there.
    pub fn is_backup(&self, address: IpAddr) -> bool {
        self.backup_hosts.iter().any(|network| network.contains(address))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unknown_keys_are_refused() {
        assert!(serde_json::from_str::<Policy>(r#"{"ticket-risk": 70}"#).is_ok());
        assert!(serde_json::from_str::<Policy>(r#"{"ticket_risk": 70}"#).is_err());
    }
}
