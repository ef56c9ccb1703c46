//! `vedette bench send`, and the sender of `bench ingest`: lines at a fixed rate to any receiver.

mod connection;
mod relp;
mod tls;

use std::io::Write as _;
use std::path::Path;
use std::thread::sleep;
use std::time::Instant;

use anyhow::Result;
use serde::Serialize;

use super::corpus::Corpus;
use super::pace::Pace;
use crate::cli::{Load, SendBench};
use crate::exit::{Failure, Outcome};
use connection::Connection;
pub(crate) use connection::{Target, Way};

/// Digits of a line's number.
const DIGITS: usize = 10;
/// What stands before it.
const NUMBER: &str = " no=";

/// What was sent and what was heard of it.
#[derive(Clone, Debug, Default, Serialize)]
pub(crate) struct Sent {
    /// Lines handed to the kernel whole.
    pub(crate) lines: u64,
    /// Their bytes, framing left out.
    pub(crate) bytes: u64,
    /// Seconds from the first to the last.
    pub(crate) seconds: f64,
    /// Lines a second, as it turned out.
    pub(crate) rate: f64,
    /// Lines that the receiver acknowledged; over RELP only.
    pub(crate) acknowledged: Option<u64>,
    /// Numbers of lines sent and not acknowledged; over RELP only.
    pub(crate) unacknowledged: Vec<u64>,
    /// Why sending ended early.
    pub(crate) error: Option<String>,
}

pub(crate) fn run(arguments: &SendBench) -> Outcome {
    let corpus = Corpus::draw(
        usize::try_from(arguments.load.lines()).unwrap_or(usize::MAX),
        arguments.load.size,
    );
    let sender = Sender { corpus: &corpus, load: &arguments.load, numbered: arguments.numbered };
    let sent = sender.send(arguments.to, arguments.ca.as_deref())?;
    writeln!(std::io::stdout(), "{}", serde_json::to_string(&sent)?)?;
    if sent.error.is_some() { Err(Failure::Told) } else { Ok(()) }
}

/// Sends a load.
pub(crate) struct Sender<'a> {
    pub(crate) corpus: &'a Corpus,
    pub(crate) load: &'a Load,
    /// Whether each line ends in its number, so that it can be told which are missing.
    pub(crate) numbered: bool,
}

impl Sender<'_> {
    /// Sends everything; over RELP, waits until it is acknowledged. A receiver that goes away ends it
    /// early, which is told in the result.
    ///
    /// # Errors
    /// When there is no receiver to begin with.
    pub(crate) fn send(&self, to: Target, trust: Option<&Path>) -> Result<Sent> {
        let count = self.load.connections.max(1);
        let mut connections = (0..count)
            .map(|number| Connection::open(to, number, trust))
            .collect::<Result<Vec<_>>>()?;
        let started = Instant::now();
        let mut sent = Sent::default();
        let ended = self.all(&mut connections, &mut sent);
        sent.seconds = started.elapsed().as_secs_f64();
        sent.rate = sent.lines as f64 / sent.seconds.max(f64::MIN_POSITIVE);
        let ended = ended.and_then(|()| connections.iter_mut().try_for_each(Connection::finish));
        sent.error = ended.err().map(|error| error.to_string());
        for connection in &mut connections {
            if let Some(waiting) = connection.unacknowledged() {
                sent.unacknowledged.extend(waiting);
                sent.acknowledged = Some(sent.lines);
            }
        }
        // Those of a burst that broke off are not counted as sent.
        let lines = sent.lines;
        sent.unacknowledged.retain(|number| *number < lines);
        sent.unacknowledged.sort_unstable();
        sent.acknowledged = sent.acknowledged.map(|all| all - sent.unacknowledged.len() as u64);
        Ok(sent)
    }

    fn all(&self, connections: &mut [Connection], sent: &mut Sent) -> std::io::Result<()> {
        let total = self.load.lines();
        let mut pace = Pace::new(self.load.rate, Instant::now());
        let mut line = Vec::new();
        let mut number = 0;
        while number < total {
            let due = pace.due(Instant::now()).min(total - number);
            let mut bytes = 0;
            for _ in 0..due {
                self.write(number, &mut line);
                let to = usize::try_from(number).unwrap_or_default() % connections.len();
                connections[to].send(number, &line)?;
                bytes += line.len() as u64;
                number += 1;
            }
            connections.iter_mut().try_for_each(Connection::flush)?;
            sent.lines = number;
            sent.bytes += bytes;
            if number < total {
                sleep(pace.rest(Instant::now()));
            }
        }
        Ok(())
    }

    /// The line as it is sent; a number takes the place of its last bytes.
    fn write(&self, number: u64, line: &mut Vec<u8>) {
        line.clear();
        line.extend_from_slice(self.corpus.line(number));
        if self.numbered {
            if self.load.size.is_some() {
                line.truncate(line.len().saturating_sub(NUMBER.len() + DIGITS));
            }
            let _ = write!(line, "{NUMBER}{number:0DIGITS$}");
        }
    }
}
