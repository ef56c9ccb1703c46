use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use anyhow::{Context, Result};
use time::OffsetDateTime;
use vedette_event::{Defect, Peer, Transport};
use vedette_store::{Options, Store};
use vedette_syslog::{Received, decode};
use vedette_telemetry::Registry;

use crate::state::Home;

/// Lines between two looks whether the disk takes them: no more than the store keeps while it does not.
const BATCH: u64 = 4_096;

/// The store of an appliance that does not run.
pub(super) struct Direct {
    store: Store,
    max_frame: usize,
    sent: u64,
    stored: Arc<AtomicU64>,
}

impl Direct {
    pub(super) fn open(home: &Home) -> Result<Self> {
        home.state.create()?;
        let retention = home.settings.retention.clone();
        let options = Options { retention, ..Options::default() };
        let store = Store::open(home.state.folder(), options, &Registry::default())?;
        let max_frame = home.settings.ingest.max_frame_bytes.size();
        Ok(Self { store, max_frame, sent: 0, stored: Arc::default() })
    }

    pub(super) fn send(&mut self, frame: &[u8]) -> Result<()> {
        let received = Received {
            received_at: OffsetDateTime::now_utc(),
            peer: Peer::Local,
            transport: Transport::File,
        };
        let kept = &frame[..frame.len().min(self.max_frame)];
        let mut record = decode(kept.to_vec(), received);
        if kept.len() < frame.len() {
            record.defects.push(Defect::Truncated);
        }
        let stored = self.stored.clone();
        let count = Box::new(move || {
            stored.fetch_add(1, Ordering::Relaxed);
        });
        self.store.writer().append_confirmed(record, count)?;
        self.sent += 1;
        if self.sent.is_multiple_of(BATCH) { self.finish() } else { Ok(()) }
    }

    pub(super) fn stored(&self) -> u64 {
        self.stored.load(Ordering::Relaxed)
    }

    pub(super) fn finish(&mut self) -> Result<()> {
        self.store.writer().flush().context("the store cannot write")
    }
}
