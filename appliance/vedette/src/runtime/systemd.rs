//! Talking to systemd: sockets it hands over, readiness, the watchdog.

use std::net::{TcpListener, UdpSocket};
use std::time::Duration;

use anyhow::{Context, Result};
use listenfd::ListenFd;
use sd_notify::NotifyState;

/// Most sockets taken over: two for syslog and one for the console, and room for more addresses.
const MAX_SOCKETS: usize = 32;
/// The name (`FileDescriptorName=`) of the console's socket; every other one is for syslog.
const CONSOLE: &str = "console";

/// Sockets that were open before the process started.
#[derive(Default)]
pub(crate) struct Inherited {
    pub(crate) syslog: vedette_ingest::Inherited,
    pub(crate) console: Option<TcpListener>,
}

impl Inherited {
    /// Takes over what the environment names; nothing without systemd.
    pub(crate) fn take() -> Result<Self> {
        let names = std::env::var("LISTEN_FDNAMES").unwrap_or_default();
        let names: Vec<&str> = names.split(':').collect();
        let mut handed = ListenFd::from_env();
        let mut inherited = Self::default();
        for index in 0..handed.len().min(MAX_SOCKETS) {
            let tcp: Option<TcpListener> = match handed.take_tcp_listener(index) {
                Ok(listener) => listener,
                Err(_) => {
                    let udp: Option<UdpSocket> =
                        handed.take_udp_socket(index).with_context(|| {
                            format!("socket {index} handed over by systemd is neither TCP nor UDP")
                        })?;
                    inherited.syslog.udp.extend(udp);
                    continue;
                }
            };
            if names.get(index) == Some(&CONSOLE) {
                inherited.console = tcp;
            } else {
                inherited.syslog.tcp.extend(tcp);
            }
        }
        Ok(inherited)
    }
}

/// Tells systemd how it stands; without systemd it tells nobody.
pub(crate) struct Notifier {
    /// Half the time after which systemd takes us for dead, if it watches.
    pub(crate) beat: Option<Duration>,
}

impl Notifier {
    pub(crate) fn new() -> Self {
        Self { beat: sd_notify::watchdog_enabled().map(|limit| limit / 2) }
    }

    pub(crate) fn ready(&self) {
        tell(&[NotifyState::Ready]);
    }

    pub(crate) fn alive(&self) {
        tell(&[NotifyState::Watchdog]);
    }

    pub(crate) fn stopping(&self) {
        tell(&[NotifyState::Stopping]);
    }
}

fn tell(states: &[NotifyState<'_>]) {
    if let Err(error) = sd_notify::notify(states) {
        tracing::warn!(%error, "cannot tell systemd");
    }
}
