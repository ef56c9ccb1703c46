//! What the owner of a network may decide about triage.

use std::net::IpAddr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A network in CIDR notation, `192.168.0.0/16`; a bare address is a network of one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "String", into = "String")]
#[schemars(with = "String")]
pub struct Network {
    address: IpAddr,
    bits: u8,
}

/// A text that is no network.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is no network; write 192.168.0.0/16, fd00::/8 or a single address")]
pub struct ParseNetworkError(String);

impl Network {
    /// Whether the address lies inside.
    pub fn contains(&self, address: IpAddr) -> bool {
        match (self.address, address) {
            (IpAddr::V4(network), IpAddr::V4(address)) => {
                let shift = 32 - u32::from(self.bits);
                (u32::from(network) ^ u32::from(address)).checked_shr(shift).unwrap_or(0) == 0
            }
            (IpAddr::V6(network), IpAddr::V6(address)) => {
                let shift = 128 - u32::from(self.bits);
                (u128::from(network) ^ u128::from(address)).checked_shr(shift).unwrap_or(0) == 0
            }
            _ => false,
        }
    }
}

impl std::str::FromStr for Network {
    type Err = ParseNetworkError;

    fn from_str(text: &str) -> Result<Self, ParseNetworkError> {
        let wrong = || ParseNetworkError(text.to_owned());
        let (address, bits) = text.split_once('/').map_or((text, None), |(a, b)| (a, Some(b)));
        let address: IpAddr = address.parse().map_err(|_| wrong())?;
        let most = if address.is_ipv4() { 32 } else { 128 };
        let bits = bits.map_or(Ok(most), |bits| bits.parse().map_err(|_| wrong()))?;
        if bits > most { Err(wrong()) } else { Ok(Self { address, bits }) }
    }
}

impl TryFrom<String> for Network {
    type Error = ParseNetworkError;

    fn try_from(text: String) -> Result<Self, ParseNetworkError> {
        text.parse()
    }
}

impl From<Network> for String {
    fn from(network: Network) -> Self {
        format!("{}/{}", network.address, network.bits)
    }
}

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
    pub internal_networks: Vec<Network>,
    /// Addresses of vulnerability scanners and monitoring that are allowed to probe: their probes
    /// open no incident. Default: none.
    pub scanners: Vec<Network>,
    /// Addresses that backups go to: large transfers there are expected. Default: none.
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
    fn networks_hold_their_addresses() {
        for (network, address, expected) in [
            ("10.0.0.0/8", "10.255.0.1", true),
            ("10.0.0.0/8", "11.0.0.1", false),
            ("0.0.0.0/0", "203.0.113.1", true),
            ("192.0.2.7", "192.0.2.7", true),
            ("192.0.2.7", "192.0.2.8", false),
            ("fc00::/7", "fd12::1", true),
            ("::/0", "2001:db8::1", true),
            ("fc00::/7", "10.0.0.1", false),
        ] {
            let network: Network = network.parse().unwrap();
            assert_eq!(
                network.contains(address.parse().unwrap()),
                expected,
                "{network:?} {address}"
            );
        }
        assert!("10.0.0.0/33".parse::<Network>().is_err());
        assert!("office".parse::<Network>().is_err());
    }

    #[test]
    fn unknown_keys_are_refused() {
        assert!(serde_json::from_str::<Policy>(r#"{"ticket-risk": 70}"#).is_ok());
        assert!(serde_json::from_str::<Policy>(r#"{"ticket_risk": 70}"#).is_err());
    }
}
