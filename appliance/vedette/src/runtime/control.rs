//! `control.sock`: how other `vedette` commands have a running appliance do something.
//!
//! One JSON document and LF each way. The socket belongs to the owner of the state folder (0600).

use std::fs;
use std::io::{BufRead, BufReader, ErrorKind, Read, Write};
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{Builder, JoinHandle};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use serde::{Deserialize, Serialize};
use vedette_event::{IncidentId, Outcome, Status};

use super::status::Sources;
use crate::state::State;

/// Longest request or answer: a status with every source it may show fits many times over.
const MAX_MESSAGE_BYTES: u64 = 4 << 20;
/// How long one conversation may take: the caller is a command on the same machine.
const TIMEOUT: Duration = Duration::from_secs(30);

/// What a command may ask for.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "request")]
pub(crate) enum Request {
    /// How are you?
    Status,
    /// Record how an incident ended.
    Close { id: IncidentId, outcome: Outcome },
    /// Note something in the audit trail.
    Audit { actor: String, action: String, detail: String },
}

/// What it is answered.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "answer")]
pub(crate) enum Answer {
    Status { status: Box<Status> },
    Done,
    Failed { error: String },
}

/// Asks the appliance that runs on a state folder; `None` when none does.
pub(crate) fn ask(state: &State, request: &Request) -> Result<Option<Answer>> {
    let path = state.control_socket();
    let stream = match UnixStream::connect(&path) {
        Ok(stream) => stream,
        // No socket, or one that a killed process left behind.
        Err(error)
            if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::ConnectionRefused) =>
        {
            return Ok(None);
        }
        Err(error) => return Err(error).with_context(|| format!("cannot use {}", path.display())),
    };
    let answer = converse(&stream, request);
    answer.map(Some).with_context(|| format!("the appliance did not answer on {}", path.display()))
}

fn converse(mut stream: &UnixStream, request: &Request) -> Result<Answer> {
    stream.set_read_timeout(Some(TIMEOUT))?;
    stream.set_write_timeout(Some(TIMEOUT))?;
    writeln!(stream, "{}", serde_json::to_string(request)?)?;
    let mut line = String::new();
    BufReader::new(stream.take(MAX_MESSAGE_BYTES)).read_line(&mut line)?;
    Ok(serde_json::from_str(&line)?)
}

/// The appliance's end.
pub(super) struct Server {
    path: PathBuf,
    stop: Arc<AtomicBool>,
    thread: JoinHandle<()>,
}

impl Server {
    /// Opens the socket. The store's lock is held: what lies there is left over.
    pub(super) fn start(state: &State, shared: Arc<Sources>) -> Result<Self> {
        let path = state.control_socket();
        match fs::remove_file(&path) {
            Err(error) if error.kind() != ErrorKind::NotFound => {
                bail!("cannot replace {}: {error}", path.display())
            }
            _ => {}
        }
        let listener =
            UnixListener::bind(&path).with_context(|| format!("cannot open {}", path.display()))?;
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600))?;
        let stop = Arc::new(AtomicBool::new(false));
        let stopped = stop.clone();
        let serve = move || {
            for stream in listener.incoming().flatten() {
                if stopped.load(Ordering::Relaxed) {
                    return;
                }
                if let Err(error) = answer(&stream, &shared) {
                    tracing::debug!(%error, "a command went away");
                }
            }
        };
        let thread = Builder::new().name("vedette-control".to_owned()).spawn(serve)?;
        Ok(Self { path, stop, thread })
    }

    pub(super) fn stop(self) {
        self.stop.store(true, Ordering::Relaxed);
        // Wakes the thread out of its wait for a connection.
        let _ = UnixStream::connect(&self.path);
        let _ = self.thread.join();
        let _ = fs::remove_file(&self.path);
    }
}

fn answer(mut stream: &UnixStream, shared: &Sources) -> Result<()> {
    stream.set_read_timeout(Some(TIMEOUT))?;
    stream.set_write_timeout(Some(TIMEOUT))?;
    let mut line = String::new();
    BufReader::new(stream.take(MAX_MESSAGE_BYTES)).read_line(&mut line)?;
    let answer = match serde_json::from_str(&line) {
        Ok(request) => carry_out(request, shared),
        Err(error) => Answer::Failed { error: format!("not a request: {error}") },
    };
    writeln!(stream, "{}", serde_json::to_string(&answer)?)?;
    Ok(())
}

fn carry_out(request: Request, shared: &Sources) -> Answer {
    let done = match request {
        Request::Status => return Answer::Status { status: Box::new(shared.status()) },
        Request::Close { id, outcome } => shared.writer.close_incident(id, outcome),
        Request::Audit { actor, action, detail } => shared.writer.audit(&actor, &action, &detail),
    };
    match done {
        Ok(()) => Answer::Done,
        Err(error) => Answer::Failed { error: error.to_string() },
    }
}
