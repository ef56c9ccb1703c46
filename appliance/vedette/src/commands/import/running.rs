use std::io::{BufRead as _, BufReader, BufWriter, ErrorKind, Read as _, Write as _};
use std::net::Shutdown;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread::{Builder, JoinHandle};

use anyhow::{Context, Result, bail};

/// Lines under way at most: as many as the appliance takes of one connection.
const WINDOW: u64 = 1_024;

/// Transaction numbers begin again after this one.
const TRANSACTION_MAX: u64 = 999_999_999;

/// Longest header or answer believed.
const ANSWER_MAX: u64 = 4_096;

const STOPPED: &str = "the appliance has stopped";

/// The appliance that runs, over RELP.
pub(super) struct Running {
    writer: BufWriter<UnixStream>,
    sent: u64,
    heard: Arc<Heard>,
    reader: Option<JoinHandle<()>>,
}

/// What the appliance has answered.
#[derive(Default)]
struct Heard {
    state: Mutex<State>,
    news: Condvar,
}

#[derive(Clone, Copy, Default)]
struct State {
    /// Answers, the one to `open` left out.
    answers: u64,
    /// Lines among them that are committed.
    stored: u64,
    ended: bool,
}

impl Running {
    /// Connects to the appliance that runs on a state folder; `None` when none does.
    pub(super) fn connect(path: &Path) -> Result<Option<Self>> {
        let stream = match UnixStream::connect(path) {
            Ok(stream) => stream,
            // No socket, or one that a killed process left behind.
            Err(error)
                if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::ConnectionRefused) =>
            {
                return Ok(None);
            }
            Err(error) => {
                return Err(error).with_context(|| format!("cannot use {}", path.display()));
            }
        };
        let answers = stream.try_clone().context("cannot use the connection")?;
        let heard = Arc::new(Heard::default());
        let hearing = heard.clone();
        let reader = Builder::new().spawn(move || hearing.listen(answers))?;
        let mut running =
            Self { writer: BufWriter::new(stream), sent: 0, heard, reader: Some(reader) };
        running.request("open", b"relp_version=0\ncommands=syslog")?;
        running.sent = 0;
        Ok(Some(running))
    }

    pub(super) fn send(&mut self, frame: &[u8]) -> Result<()> {
        if self.sent >= self.heard.now().answers + WINDOW {
            self.writer.flush().map_err(stopped)?;
            if self.heard.wait_for(self.sent + 1 - WINDOW).ended {
                bail!(STOPPED);
            }
        }
        self.request("syslog", frame)
    }

    pub(super) fn stored(&self) -> u64 {
        self.heard.now().stored
    }

    /// Says goodbye, which is answered once it is known of every line what came of it.
    pub(super) fn finish(&mut self) -> Result<()> {
        let sent = self.sent;
        self.request("close", b"")?;
        self.writer.flush().map_err(stopped)?;
        let end = self.heard.wait_for(u64::MAX);
        let _ = self.writer.get_ref().shutdown(Shutdown::Both);
        if let Some(reader) = self.reader.take() {
            let _ = reader.join();
        }
        // Every line is answered, whatever came of it; so is the goodbye.
        if end.answers < sent {
            bail!(STOPPED);
        }
        Ok(())
    }

    fn request(&mut self, command: &str, data: &[u8]) -> Result<()> {
        let transaction = (self.sent + 1) % TRANSACTION_MAX + 1;
        self.sent += 1;
        let written = write!(self.writer, "{transaction} {command} {}", data.len())
            .and_then(|()| if data.is_empty() { Ok(()) } else { self.writer.write_all(b" ") })
            .and_then(|()| self.writer.write_all(data))
            .and_then(|()| self.writer.write_all(b"\n"));
        written.map_err(stopped)
    }
}

/// Without its source: a broken pipe on our output is no failure, this one is.
fn stopped(_: std::io::Error) -> anyhow::Error {
    anyhow::anyhow!(STOPPED)
}

impl Heard {
    fn listen(&self, stream: UnixStream) {
        let mut reader = BufReader::new(stream);
        let mut is_first = true;
        while let Some(stored) = answer(&mut reader) {
            if !std::mem::take(&mut is_first) {
                let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
                state.answers += 1;
                state.stored += u64::from(stored);
                self.news.notify_all();
            }
        }
        self.state.lock().unwrap_or_else(PoisonError::into_inner).ended = true;
        self.news.notify_all();
    }

    fn now(&self) -> State {
        *self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits for so many answers, or the end.
    fn wait_for(&self, answers: u64) -> State {
        let state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let waits = |state: &mut State| state.answers < answers && !state.ended;
        *self.news.wait_while(state, waits).unwrap_or_else(PoisonError::into_inner)
    }
}

/// The next answer, `N rsp LENGTH [DATA]`: whether it says that a line is stored. `None` at the end.
fn answer(reader: &mut BufReader<UnixStream>) -> Option<bool> {
    let mut header = Vec::new();
    let mut byte = [0];
    loop {
        reader.read_exact(&mut byte).ok()?;
        if byte[0] == b'\n' {
            // Without data: the goodbye's answer, or the end of the session.
            return header
                .split(|byte| *byte == b' ')
                .nth(1)
                .filter(|word| *word == b"rsp")
                .map(|_| false);
        }
        if byte[0] == b' ' && header.iter().filter(|byte| **byte == b' ').count() == 2 {
            break;
        }
        header.push(byte[0]);
        if header.len() as u64 > ANSWER_MAX {
            return None;
        }
    }
    let length = header.rsplit(|byte| *byte == b' ').next()?;
    let length: u64 = std::str::from_utf8(length).ok()?.parse().ok()?;
    let mut data = Vec::new();
    reader.by_ref().take(length.min(ANSWER_MAX)).read_to_end(&mut data).ok()?;
    reader.read_until(b'\n', &mut Vec::new()).ok()?;
    Some(data == b"200 OK")
}
