use std::borrow::Cow;
use std::fmt;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};
use vedette_event::Network;

/// Where the listeners stand when nothing is configured: unprivileged and on this machine only.
const DEFAULT_LISTEN: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::LOCALHOST), 5514);

/// `[ingest]`: how log lines come in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct Config {
    /// Networks (CIDR) that may send. Empty: every address may.
    #[schemars(with = "Vec<String>")]
    pub allow: Vec<Network>,
    /// Longest message kept whole, in bytes; what is longer is cut there and marked.
    /// 480 (what RFC 5424 asks of every receiver) to 1048576.
    pub max_frame_bytes: Bounded<480, 1_048_576>,
    /// Lines a second taken from one source, after a burst of ten seconds' worth; what is above is
    /// dropped and counted over UDP, and waits in its sender over all else. 0: no limit.
    /// 0 to 1000000.
    pub max_rate_per_source: Bounded<0, 1_000_000>,
    /// `[ingest.udp]`.
    pub udp: UdpConfig,
    /// `[ingest.tcp]`.
    pub tcp: TcpConfig,
    /// `[ingest.tls]`.
    pub tls: TlsConfig,
    /// `[ingest.relp]`.
    pub relp: RelpConfig,
    /// `[ingest.unix]`.
    pub unix: UnixConfig,
    /// `[ingest.journal]`.
    pub journal: JournalConfig,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            allow: Vec::new(),
            max_frame_bytes: Bounded(65_536),
            max_rate_per_source: Bounded(0),
            udp: UdpConfig::default(),
            tcp: TcpConfig::default(),
            tls: TlsConfig::default(),
            relp: RelpConfig::default(),
            unix: UnixConfig::default(),
            journal: JournalConfig::default(),
        }
    }
}

/// `[ingest.udp]`: syslog over UDP (RFC 5426), a message a datagram.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct UdpConfig {
    /// Addresses to listen on. Empty: only sockets handed over by systemd.
    pub listen: Vec<SocketAddr>,
    /// Receive buffer asked of the kernel for each socket, in bytes; a larger one stays. It holds what
    /// comes while the box is busy: 32 MiB some seconds of 10,000 lines a second; under 1 MiB most
    /// of a burst is lost. 4096 to 268435456.
    pub receive_buffer_bytes: Bounded<4_096, 268_435_456>,
    /// Bytes of the state folder's disk that datagrams may wait in while more come than can be stored: 1 GiB
    /// holds four million of 200 bytes. At least as much as they take, and 64 MiB more, stays free
    /// whatever is written here. What comes when it is full is dropped and counted. 0: no
    /// such place; 96 MiB of memory are used instead.
    pub spool_bytes: u64,
}

impl Default for UdpConfig {
    fn default() -> Self {
        Self {
            listen: vec![DEFAULT_LISTEN],
            receive_buffer_bytes: Bounded(32 << 20),
            spool_bytes: 1 << 30,
        }
    }
}

/// `[ingest.tcp]`: syslog over TCP (RFC 6587), octet counting and LF framing, told apart by message.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct TcpConfig {
    /// Addresses to listen on. Empty: only sockets handed over by systemd.
    pub listen: Vec<SocketAddr>,
    /// Connections held at once, over TCP, TLS and RELP together; more are refused. 1 to 65536.
    pub max_connections: Bounded<1, 65_536>,
    /// Connections held at once from one address, over TCP, TLS and RELP together. 1 to 65536.
    pub max_connections_per_peer: Bounded<1, 65_536>,
    /// Seconds of silence after which a connection is closed, over TLS and RELP too. Long, because a sender that finds its
    /// connection closed usually loses a line; dead peers are found by keep-alive long before.
    /// 1 to 604800.
    pub idle_timeout_seconds: Bounded<1, 604_800>,
}

impl Default for TcpConfig {
    fn default() -> Self {
        Self {
            listen: vec![DEFAULT_LISTEN],
            max_connections: Bounded(1_024),
            max_connections_per_peer: Bounded(64),
            idle_timeout_seconds: Bounded(86_400),
        }
    }
}

/// `[ingest.tls]`: syslog over TLS (RFC 5425), framed as over TCP.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct TlsConfig {
    /// Addresses to listen on, such as "0.0.0.0:6514". Empty: none.
    pub listen: Vec<SocketAddr>,
    /// File with the certificate chain in PEM form, ours first. Unset: the device's own certificate,
    /// which senders must be told to trust. Used for RELP over TLS too.
    pub certificate: Option<PathBuf>,
    /// File with the certificate's private key in PEM form.
    pub key: Option<PathBuf>,
    /// File with the authorities, in PEM form, one of which must have signed the certificate of
    /// whoever connects. Unset: senders need none.
    pub client_ca: Option<PathBuf>,
    /// Seconds that a handshake may take. 1 to 300.
    pub handshake_timeout_seconds: Bounded<1, 300>,
}

impl Default for TlsConfig {
    fn default() -> Self {
        Self {
            listen: Vec::new(),
            certificate: None,
            key: None,
            client_ca: None,
            handshake_timeout_seconds: Bounded(10),
        }
    }
}

/// `[ingest.relp]`: RELP, whose senders keep every line until it is safe here.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct RelpConfig {
    /// Addresses to listen on, such as "0.0.0.0:2514". Empty: none.
    pub listen: Vec<SocketAddr>,
    /// Addresses to listen on for RELP over TLS. Empty: none.
    pub tls_listen: Vec<SocketAddr>,
}

/// `[ingest.unix]`: lines of processes on the box.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct UnixConfig {
    /// Paths of datagram sockets, such as "/run/vedette/log", which syslog(3), `logger -u` and
    /// journald's `ForwardToSyslog=` can send to. Every process may send; the allow list does not
    /// apply. Empty: none.
    pub listen: Vec<PathBuf>,
}

/// `[ingest.journal]`: the box's own log, as systemd's journal keeps it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct JournalConfig {
    /// Whether to read it, from its newest entry on the first time, then from where reading stopped.
    pub enabled: bool,
    /// The program that follows the journal; it must be permitted to (group `systemd-journal`).
    pub program: PathBuf,
}

impl Default for JournalConfig {
    fn default() -> Self {
        Self { enabled: false, program: "journalctl".into() }
    }
}

/// A whole number from `MIN` to `MAX`; a configuration file with another one is refused where it
/// stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "u64", into = "u64")]
pub struct Bounded<const MIN: u32, const MAX: u32>(u32);

impl<const MIN: u32, const MAX: u32> Bounded<MIN, MAX> {
    /// The number as a size or a count.
    pub fn size(self) -> usize {
        usize::try_from(self.0).expect("usize has at least 32 bits where this runs")
    }

    /// The number.
    pub fn get(self) -> u32 {
        self.0
    }
}

impl<const MIN: u32, const MAX: u32> TryFrom<u64> for Bounded<MIN, MAX> {
    type Error = OutOfBounds;

    fn try_from(number: u64) -> Result<Self, OutOfBounds> {
        match u32::try_from(number) {
            Ok(inside) if (MIN..=MAX).contains(&inside) => Ok(Self(inside)),
            _ => Err(OutOfBounds { number, least: MIN, most: MAX }),
        }
    }
}

impl<const MIN: u32, const MAX: u32> From<Bounded<MIN, MAX>> for u64 {
    fn from(bounded: Bounded<MIN, MAX>) -> Self {
        bounded.0.into()
    }
}

impl<const MIN: u32, const MAX: u32> JsonSchema for Bounded<MIN, MAX> {
    fn schema_name() -> Cow<'static, str> {
        format!("From{MIN}To{MAX}").into()
    }

    fn inline_schema() -> bool {
        true
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "integer", "minimum": MIN, "maximum": MAX })
    }
}

/// A number outside the range of its key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OutOfBounds {
    number: u64,
    least: u32,
    most: u32,
}

impl fmt::Display for OutOfBounds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} is out of range (write {} to {})", self.number, self.least, self.most)
    }
}

impl std::error::Error for OutOfBounds {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_read_strictly() {
        for (text, error) in [
            ("", None),
            ("allow = ['10.0.0.0/8', '::1']\nmax-frame-bytes = 8192", None),
            ("[udp]\nlisten = ['0.0.0.0:514', '[::]:514']\nreceive-buffer-bytes = 1048576", None),
            ("[tcp]\nmax-connections = 1\nidle-timeout-seconds = 60", None),
            ("alow = []", Some("unknown field `alow`")),
            ("[tcp]\nmax-conections = 1", Some("unknown field `max-conections`")),
            ("allow = ['10.0.0.0/40']", Some("is not a network")),
            ("max-frame-bytes = 10", Some("10 is out of range (write 480 to 1048576)")),
            ("[udp]\nlisten = ['localhost']", Some("invalid socket address")),
        ] {
            let read = toml::from_str::<Config>(text).map_err(|found| found.to_string());
            match (read, error) {
                (Ok(_), None) => {}
                (Err(found), Some(part)) => assert!(found.contains(part), "{text:?}: {found}"),
                (read, error) => panic!("{text:?}: {read:?}, expected {error:?}"),
            }
        }
    }

    #[test]
    fn defaults_survive_a_round_trip() {
        let text = toml::to_string(&Config::default()).unwrap();
        assert_eq!(toml::from_str::<Config>(&text).unwrap(), Config::default());
        assert!(text.contains("max-frame-bytes = 65536"), "{text}");
    }
}
