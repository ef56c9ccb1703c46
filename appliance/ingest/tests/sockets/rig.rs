//! Listeners under way, and checks that every account agrees with every other.

use std::collections::BTreeMap;
use std::net::SocketAddr;

use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio_util::sync::{CancellationToken, DropGuard};
use vedette_event::Transport;
use vedette_ingest::{Config, Counts, Frame, Inherited, Listeners, OwnCertificate, Sources};
use vedette_telemetry::{Metric, Registry};

/// Listeners under way, and both ends of what they serve.
pub(crate) struct Rig {
    pub(crate) udp: SocketAddr,
    pub(crate) tcp: SocketAddr,
    pub(crate) frames: mpsc::Receiver<Frame>,
    pub(crate) registry: Registry,
    pub(crate) sources: Sources,
    pub(crate) shutdown: CancellationToken,
    pub(crate) run: JoinHandle<Counts>,
    /// So that a test that fails ends, too.
    _end: DropGuard,
}

/// What plain listeners never look at.
pub(crate) const OWN: OwnCertificate<'static> = OwnCertificate { certificate: "", key: "" };

/// A configuration on free ports; `text` is TOML for the rest of it.
pub(crate) fn config(text: &str) -> Config {
    let mut config: Config = toml::from_str(text).unwrap();
    let free = "127.0.0.1:0".parse().unwrap();
    config.udp.listen = vec![free];
    config.tcp.listen = vec![free];
    config
}

pub(crate) fn bind(text: &str) -> (Listeners, SocketAddr, SocketAddr) {
    let listeners = Listeners::bind(&config(text), Inherited::default(), OWN).unwrap();
    let addresses: BTreeMap<_, _> = listeners.addresses().into_iter().collect();
    (listeners, addresses[&Transport::Udp], addresses[&Transport::Tcp])
}

pub(crate) fn run(listeners: Listeners, udp: SocketAddr, tcp: SocketAddr, queue: usize) -> Rig {
    let (sender, frames) = mpsc::channel(queue);
    let (registry, shutdown) = (Registry::default(), CancellationToken::new());
    let sources = listeners.sources();
    let run = tokio::spawn(listeners.run(sender, registry.clone(), shutdown.clone()));
    let _end = shutdown.clone().drop_guard();
    Rig { udp, tcp, frames, registry, sources, shutdown, run, _end }
}

pub(crate) fn start(text: &str, queue: usize) -> Rig {
    let (listeners, udp, tcp) = bind(text);
    run(listeners, udp, tcp, queue)
}

impl Rig {
    pub(crate) async fn take(&mut self, count: usize) -> Vec<Frame> {
        let mut frames = Vec::new();
        while frames.len() < count {
            frames.push(self.frames.recv().await.unwrap());
        }
        frames
    }

    /// Stops, takes what still comes, and checks that every account agrees with every other.
    pub(crate) async fn stop(mut self) -> (Counts, Vec<Frame>) {
        self.shutdown.cancel();
        let mut rest = Vec::new();
        while let Some(frame) = self.frames.recv().await {
            rest.push(frame);
        }
        let counts = self.run.await.unwrap();
        let dropped: u64 = counts.dropped.values().sum();
        let Counts { received, found, delivered, left, .. } = counts;
        assert_eq!(received + found, delivered + dropped + left, "{counts:?}");
        let metric = |metric| self.registry.values(metric).values().sum::<u64>();
        assert_eq!(metric(Metric::IngestMessages), counts.received);
        assert_eq!(metric(Metric::IngestDropped), dropped);
        let sources = self.sources.snapshot();
        let rows = sources.by_address.values().chain([&sources.other, &sources.unattributed]);
        assert_eq!(rows.map(|row| row.received).sum::<u64>(), counts.received);
        (counts, rest)
    }
}

pub(crate) fn texts<'f>(frames: impl IntoIterator<Item = &'f Frame>) -> Vec<String> {
    frames.into_iter().map(|frame| String::from_utf8_lossy(&frame.bytes).into_owned()).collect()
}

pub(crate) fn line(number: usize) -> String {
    format!("<13>Oct 11 22:14:15 host app: message {number}")
}
