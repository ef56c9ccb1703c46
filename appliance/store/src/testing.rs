//! What the tests of this crate share.

use std::path::Path;
use std::time::Duration;

use time::OffsetDateTime;
use time::macros::datetime;
use vedette_event::{Fields, LogRecord, Peer, Transport};
use vedette_telemetry::Registry;

use crate::{Options, Store};

/// So many seconds into the time in which the tests play.
pub(crate) fn at(seconds: i64) -> OffsetDateTime {
    datetime!(2026-03-01 12:00 UTC) + time::Duration::seconds(seconds)
}

/// A store that commits when it is told to, and deletes nothing by itself.
pub(crate) fn open(folder: &Path) -> (Store, Registry) {
    let registry = Registry::default();
    let mut options = Options { commit_interval: Duration::from_secs(3600), ..Options::default() };
    options.retention.days = 100_000;
    let store = Store::open(folder, options, &registry).unwrap();
    (store, registry)
}

pub(crate) fn record(text: &str) -> LogRecord {
    LogRecord {
        raw: text.as_bytes().to_vec(),
        received_at: at(0),
        peer: Peer::Network("192.0.2.7:514".parse().unwrap()),
        transport: Transport::Udp,
        facility: None,
        severity: None,
        timestamp: None,
        host: None,
        app: None,
        proc_id: None,
        msg_id: None,
        message: text.to_owned(),
        message_offset: 0,
        dataset: None,
        fields: Fields::default(),
        defects: Vec::new(),
    }
}
