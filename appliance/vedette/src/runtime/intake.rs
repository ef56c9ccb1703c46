//! Frames in, records to the store: the thread between the sockets and the disk.

use std::thread::{Builder, JoinHandle};

use anyhow::{Context, Result};
use tokio::sync::mpsc::Receiver;
use vedette_event::Defect;
use vedette_ingest::{Frame, Receipt};
use vedette_store::{BATCH, Confirmation, Waiting, Writer};
use vedette_syslog::{Received, decode};

use crate::clock::Clock;

/// Decodes and appends until the sockets have closed and the queue is empty: what there is at a time, up
/// to a batch, so that neither side is woken for each line. Appending waits when the store is behind; the
/// queue fills up, and the sockets make their senders wait.
pub(super) fn spawn(
    mut frames: Receiver<Frame>,
    writer: Writer,
    clock: Clock,
) -> Result<JoinHandle<()>> {
    let run = move || {
        let mut batch = Vec::with_capacity(BATCH);
        while frames.blocking_recv_many(&mut batch, BATCH) > 0 {
            let records = batch.drain(..).map(|frame| record(frame, clock)).collect();
            if writer.append_all(records).is_err() {
                tracing::error!("the store has closed before the sockets");
                return;
            }
        }
    };
    Builder::new().name("vedette-intake".to_owned()).spawn(run).context("cannot start a thread")
}

fn record(frame: Frame, clock: Clock) -> Waiting {
    let received = Received {
        received_at: clock.at(frame.received_at),
        peer: frame.peer,
        transport: frame.transport,
    };
    let mut record = decode(frame.bytes, received);
    if frame.truncated {
        record.defects.push(Defect::Truncated);
    }
    if frame.receipt.as_ref().is_some_and(Receipt::is_repeat) {
        record.defects.push(Defect::Repeated);
    }
    let confirm = |receipt: Receipt| Box::new(|| receipt.confirm()) as Confirmation;
    Waiting { record, confirmation: frame.receipt.map(confirm) }
}
