//! The thread that delivers tickets.

use std::thread::{Builder, JoinHandle};
use std::time::Duration;

use anyhow::{Context, Result};
use time::OffsetDateTime;
use tokio_util::sync::CancellationToken;
use vedette_ticket::{Dispatcher, Round};

/// Pause between two looks at an outbox with nothing due.
const PAUSE: Duration = Duration::from_millis(500);

pub(super) fn spawn(dispatcher: Dispatcher, stop: CancellationToken) -> Result<JoinHandle<()>> {
    let run = move || {
        while !stop.is_cancelled() {
            match dispatcher.round(OffsetDateTime::now_utc()) {
                Ok(round) if round != Round::default() => continue,
                Ok(_) => {}
                Err(error) => {
                    tracing::error!(
                        error = &error as &dyn std::error::Error,
                        "cannot use the outbox"
                    );
                }
            }
            std::thread::sleep(PAUSE);
        }
    };
    Builder::new().name("vedette-tickets".to_owned()).spawn(run).context("cannot start a thread")
}
