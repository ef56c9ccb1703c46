//! Frames in, records to the store: the thread between the sockets and the disk.

use std::thread::{Builder, JoinHandle};

use anyhow::{Context, Result};
use tokio::sync::mpsc::Receiver;
use vedette_event::Defect;
use vedette_ingest::{Frame, Receipt};
use vedette_store::{Closed, Writer};
use vedette_syslog::{Received, decode};

use crate::clock::Clock;

/// Frames taken from the queue at a time, so that the sockets' threads are seldom waited for.
const BATCH: usize = 64;

/// Decodes and appends until the sockets have closed and the queue is empty. Appending waits when the
/// store is behind; the queue fills up, and the sockets make their senders wait.
pub(super) fn spawn(
    mut frames: Receiver<Frame>,
    writer: Writer,
    clock: Clock,
) -> Result<JoinHandle<()>> {
    let run = move || {
        let mut batch = Vec::with_capacity(BATCH);
        while frames.blocking_recv_many(&mut batch, BATCH) > 0 {
            for frame in batch.drain(..) {
                if append(frame, &writer, clock).is_err() {
                    tracing::error!("the store has closed before the sockets");
                    return;
                }
            }
        }
    };
    Builder::new().name("vedette-intake".to_owned()).spawn(run).context("cannot start a thread")
}

fn append(frame: Frame, writer: &Writer, clock: Clock) -> Result<(), Closed> {
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
    match frame.receipt {
        Some(receipt) => writer.append_confirmed(record, Box::new(|| receipt.confirm())),
        None => writer.append(record),
    }
}
