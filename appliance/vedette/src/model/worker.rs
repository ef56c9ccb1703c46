//! The client of the inference worker: finds or starts it, asks it, watches it, starts it again.
//!
//! It blocks whoever asks, for a bounded time, and nobody else: ask from a thread that neither reads
//! sockets nor writes the store.

use std::fmt;
use std::io::{self, Read, Write};
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use serde::de::DeserializeOwned;
use vedette_event::worker::{
    EXIT_DAMAGED, MAX_QUESTION_BYTES, MAX_QUESTIONS, Reply, Request, frame_header, frame_length,
};
use vedette_event::{LanguageModel, ModelError, ModelSay, Question};
use vedette_settings::ModelDevice;

use super::bundle::Bundles;

/// The worker's name, beside our own program or in [`LIBEXEC`].
const PROGRAM: &str = "vedette-worker";

/// The worker built for CUDA, which needs its driver to start at all.
const CUDA_PROGRAM: &str = "vedette-worker-cuda";

/// Where a package puts it.
const LIBEXEC: &str = "/usr/libexec";

/// Where systemd listens for it.
const SYSTEM_SOCKET: &str = "/run/vedette/worker.sock";

/// Names another socket.
const SOCKET_VARIABLE: &str = "VEDETTE_WORKER_SOCKET";

/// Longest the worker may take to hash and load its model: a slow card reader, a busy machine.
const LOAD_TIME: Duration = Duration::from_secs(120);

/// Longest it may take for one request of [`MAX_QUESTIONS`], at idle priority on a busy machine.
const ANSWER_TIME: Duration = Duration::from_secs(120);

/// The pause after the first failure doubles with each further one, up to the longest: a worker that
/// dies at every start costs a fraction of a percent of the machine.
const FIRST_PAUSE: Duration = Duration::from_secs(1);
const LONGEST_PAUSE: Duration = Duration::from_secs(300);

/// What the worker is given for its data, and where we end it: its data and the program itself.
const MEMORY_MIB: u64 = 900;
const MAX_RESIDENT_BYTES: u64 = (MEMORY_MIB + 100) << 20;

/// How the worker is, for status and console.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum WorkerState {
    /// No model or no worker program; the text says what to do.
    Missing(String),
    /// Being started; not heard from yet.
    Starting,
    /// Answering with this bundle.
    Up {
        /// The bundle.
        bundle: String,
        /// Walls around its process that the system refused to raise.
        without: Vec<String>,
    },
    /// Broken; tried again later.
    Down {
        /// What happened.
        reason: String,
    },
}

impl fmt::Display for WorkerState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Missing(what) => write!(f, "missing: {what}"),
            Self::Starting => f.write_str("starting"),
            Self::Up { bundle, without } if without.is_empty() => write!(f, "up, {bundle}"),
            Self::Up { bundle, without } => {
                write!(f, "up, {bundle}, without {}", without.join(" and "))
            }
            Self::Down { reason } => write!(f, "down: {reason}"),
        }
    }
}

/// Lets others see how the worker is while its client is busy.
#[derive(Clone, Debug)]
pub(crate) struct WorkerStatus(Arc<Mutex<WorkerState>>);

impl WorkerStatus {
    /// How the worker is.
    pub(crate) fn get(&self) -> WorkerState {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn set(&self, state: WorkerState) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = state;
    }
}

/// Where the worker is found and how it is run.
#[derive(Clone, Debug)]
pub(crate) struct WorkerSettings {
    /// The program to start; found by itself when not given.
    pub(crate) program: Option<PathBuf>,
    /// Connect here instead of starting one.
    pub(crate) socket: Option<PathBuf>,
    /// Threads to calculate with.
    pub(crate) threads: u16,
    /// Pause after the first failure.
    pub(crate) first_pause: Duration,
    /// Ends the worker above this.
    pub(crate) max_resident_bytes: u64,
}

impl WorkerSettings {
    /// Looks at the environment and beside the running program.
    pub(crate) fn find(threads: u16, device: ModelDevice) -> Self {
        let system = || Some(PathBuf::from(SYSTEM_SOCKET)).filter(|path| path.exists());
        let names: &[&str] = match device {
            ModelDevice::Auto => &[CUDA_PROGRAM, PROGRAM],
            ModelDevice::Cpu => &[PROGRAM],
            ModelDevice::Cuda => &[CUDA_PROGRAM],
        };
        Self {
            program: names.iter().find_map(|name| installed(name)),
            socket: std::env::var_os(SOCKET_VARIABLE).map(PathBuf::from).or_else(system),
            threads,
            first_pause: FIRST_PAUSE,
            max_resident_bytes: MAX_RESIDENT_BYTES,
        }
    }
}

/// A program beside our own, else in the system's folder.
fn installed(name: &str) -> Option<PathBuf> {
    let beside = std::env::current_exe().ok().and_then(|own| Some(own.parent()?.join(name)));
    let places = [beside, Some(Path::new(LIBEXEC).join(name))];
    places.into_iter().flatten().find(|path| path.is_file())
}

/// A worker that answers, or will again.
pub(crate) struct WorkerClient {
    bundles: Bundles,
    settings: WorkerSettings,
    connection: Option<Connection>,
    status: WorkerStatus,
    failures: u32,
    /// Not tried again before this.
    next: Option<Instant>,
    /// The bundle that was found wanting: not tried again until another one is activated.
    refused: Option<String>,
}

/// A connection, and the process behind it when it is ours.
pub(super) struct Connection {
    stream: UnixStream,
    child: Option<Child>,
}

impl WorkerClient {
    /// A client for the bundles of a state folder. Starts nothing until it is asked.
    pub(crate) fn new(bundles: Bundles, settings: WorkerSettings) -> Self {
        let status = WorkerStatus(Arc::new(Mutex::new(WorkerState::Starting)));
        Self { bundles, settings, connection: None, status, failures: 0, next: None, refused: None }
    }

    /// A view of how the worker is.
    pub(crate) fn status(&self) -> WorkerStatus {
        self.status.clone()
    }

    /// Starts the worker where none runs and none failed a moment ago; call it now and then when
    /// there is nothing to ask, so that a dead worker comes back before it is needed.
    pub(crate) fn tend(&mut self) -> Result<(), ModelError> {
        if let Some(ended) = self.connection.as_mut().and_then(Connection::ended) {
            return Err(self.fail(ended));
        }
        self.follow_selection();
        self.connected().map(|_| ())
    }

    /// Takes up a bundle that was activated since: the old worker stays until the new one answers,
    /// and for good where the new one does not.
    fn follow_selection(&mut self) {
        let (WorkerState::Up { bundle: answering, .. }, Ok(bundle)) =
            (self.status.get(), self.bundles.find())
        else {
            return;
        };
        let wanted = bundle.manifest.model.sha256;
        // An answering bundle ends with the beginning of its model's hash.
        let (_, hash) = answering.rsplit_once('@').unwrap_or_default();
        if wanted.starts_with(hash) || self.refused.as_ref() == Some(&wanted) {
            return;
        }
        let old = (self.status.get(), self.connection.take(), self.failures, self.next);
        match self.open() {
            Ok(connection) => self.connection = Some(connection),
            Err(why) => {
                tracing::error!(
                    error = %why,
                    bundle = bundle.name,
                    "the activated bundle does not answer; the old one stays"
                );
                self.refused = Some(wanted);
                let state;
                (state, self.connection, self.failures, self.next) = old;
                self.status.set(state);
            }
        }
    }

    fn connected(&mut self) -> Result<&mut Connection, ModelError> {
        if self.connection.is_none() {
            if self.next.is_some_and(|next| Instant::now() < next) {
                return Err(self.refusal());
            }
            let connection = self.open()?;
            self.connection = Some(connection);
        }
        Ok(self.connection.as_mut().expect("opened above"))
    }

    /// Connects or starts, and waits until the model is loaded.
    fn open(&mut self) -> Result<Connection, ModelError> {
        let mut connection = match &self.settings.socket {
            Some(path) => Connection::to(path).map_err(|why| self.fail(why))?,
            None => self.start()?,
        };
        self.status.set(WorkerState::Starting);
        match connection.exchange(&Request::Hello, LOAD_TIME) {
            Ok(Reply::Ready { bundle, without }) => {
                self.status.set(WorkerState::Up { bundle, without });
                Ok(connection)
            }
            Ok(other) => Err(self.fail(format!("it greeted with {other:?}"))),
            Err(why) => {
                let damaged = connection.wait_code() == Some(i32::from(EXIT_DAMAGED));
                if damaged {
                    // The same file fails the same way: wait as long as we ever do.
                    self.failures = u32::MAX;
                    let text =
                        "the model file is damaged: fetch it again with `vedette model pull`";
                    return Err(self.fail(text.to_owned()));
                }
                Err(self.fail(why))
            }
        }
    }

    fn start(&mut self) -> Result<Connection, ModelError> {
        let missing = |client: &Self, why: String| {
            client.status.set(WorkerState::Missing(why.clone()));
            ModelError::Missing(why)
        };
        let bundle = self.bundles.find().map_err(|why| missing(self, why.to_string()))?;
        let Some(program) = self.settings.program.clone() else {
            let text = format!("the program {PROGRAM} is neither beside this one nor in {LIBEXEC}");
            return Err(missing(self, text));
        };
        let (ours, theirs) = UnixStream::pair().map_err(|why| self.fail(why.to_string()))?;
        let child = Command::new(program)
            .arg("serve")
            .arg("--stdin")
            .args(bundle.worker_arguments())
            .args(["--threads", &self.settings.threads.to_string()])
            .args(["--memory-mib", &MEMORY_MIB.to_string()])
            .env_remove("LISTEN_FDS")
            .stdin(OwnedFd::from(theirs))
            .stdout(Stdio::null())
            .spawn()
            .map_err(|why| self.fail(format!("cannot start {PROGRAM}: {why}")))?;
        Ok(Connection::of(ours, child))
    }

    /// Notes a failure, ends what is left of the worker and sets the next try.
    fn fail(&mut self, reason: impl Into<String>) -> ModelError {
        self.connection = None;
        let doublings = self.failures.min(16);
        let pause = self.settings.first_pause.saturating_mul(1 << doublings).min(LONGEST_PAUSE);
        self.failures = self.failures.saturating_add(1);
        self.next = Some(Instant::now() + pause);
        self.status.set(WorkerState::Down { reason: reason.into() });
        self.refusal()
    }

    fn refusal(&self) -> ModelError {
        match self.status.get() {
            WorkerState::Down { reason } => ModelError::Failed(reason),
            other => ModelError::Failed(other.to_string()),
        }
    }

    fn ask_some(&mut self, questions: &[Question]) -> Result<Vec<ModelSay>, ModelError> {
        let request = Request::Ask {
            questions: questions.iter().map(shortened).collect(),
            within_ms: u64::try_from(ANSWER_TIME.as_millis()).unwrap_or(u64::MAX),
        };
        let answered = self.connected()?.exchange(&request, ANSWER_TIME);
        let says = match answered {
            Ok(Reply::Says { says }) => says,
            Ok(Reply::Failed { why }) => return Err(ModelError::Failed(why)),
            Ok(other) => return Err(self.fail(format!("it answered with {other:?}"))),
            Err(why) => return Err(self.fail(why)),
        };
        let asked = questions.iter().map(|question| question.id);
        if !asked.eq(says.iter().map(|say| say.id)) {
            return Err(self.fail("its answers are to other questions"));
        }
        self.failures = 0;
        self.check_memory()?;
        Ok(says)
    }

    fn check_memory(&mut self) -> Result<(), ModelError> {
        let resident = self.connection.as_ref().and_then(Connection::resident_bytes);
        match resident {
            Some(bytes) if bytes > self.settings.max_resident_bytes => {
                Err(self.fail(format!("ended: it held {} MiB of memory", bytes >> 20)))
            }
            _ => Ok(()),
        }
    }
}

impl LanguageModel for WorkerClient {
    fn ask(&mut self, questions: &[Question]) -> Result<Vec<ModelSay>, ModelError> {
        let mut says = Vec::with_capacity(questions.len());
        for some in questions.chunks(MAX_QUESTIONS) {
            says.extend(self.ask_some(some)?);
        }
        Ok(says)
    }
}

impl Connection {
    /// To a process of ours.
    pub(super) fn of(stream: UnixStream, child: Child) -> Self {
        Self { stream, child: Some(child) }
    }

    /// To whoever listens there.
    pub(super) fn to(path: &Path) -> Result<Self, String> {
        let stream = UnixStream::connect(path)
            .map_err(|why| format!("cannot connect to {}: {why}", path.display()))?;
        Ok(Self { stream, child: None })
    }

    /// Asks, and waits so long for the answer.
    pub(super) fn exchange(&mut self, request: &Request, time: Duration) -> Result<Reply, String> {
        let exchanged = send(&mut self.stream, request, time)
            .and_then(|()| receive(&mut self.stream, Instant::now() + time));
        exchanged.map_err(|why| match why.kind() {
            io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut => {
                format!("it did not answer within {} s", time.as_secs())
            }
            _ => format!("the connection broke: {why}"),
        })
    }

    /// Why the process ended, when it did.
    fn ended(&mut self) -> Option<String> {
        let status = self.child.as_mut()?.try_wait().ok()??;
        Some(format!("it ended by itself ({status})"))
    }

    /// The exit code, when the process ends by itself within a moment of closing its socket.
    fn wait_code(&mut self) -> Option<i32> {
        // A process that closed its socket is ending; one that has not would keep us waiting.
        self.stream.set_read_timeout(Some(Duration::from_millis(1))).ok()?;
        match self.stream.read(&mut [0]) {
            Ok(0) => self.child.as_mut()?.wait().ok()?.code(),
            _ => None,
        }
    }

    fn resident_bytes(&self) -> Option<u64> {
        let child = self.child.as_ref()?.id();
        let status = std::fs::read_to_string(format!("/proc/{child}/status")).ok()?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
        Some(line.trim().strip_suffix("kB")?.trim().parse::<u64>().ok()? * 1024)
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        if let Some(child) = &mut self.child {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

fn send(stream: &mut UnixStream, request: &Request, time: Duration) -> io::Result<()> {
    let body = serde_json::to_vec(request)?;
    let too_long = || io::Error::new(io::ErrorKind::InvalidInput, "the request is too long");
    let header = frame_header(body.len()).ok_or_else(too_long)?;
    stream.set_write_timeout(Some(time))?;
    stream.write_all(&[&header, body.as_slice()].concat())
}

fn receive<T: DeserializeOwned>(stream: &mut UnixStream, until: Instant) -> io::Result<T> {
    let mut header = [0; 4];
    fill(stream, &mut header, until)?;
    let too_long = || io::Error::new(io::ErrorKind::InvalidData, "the answer is too long");
    let mut body = vec![0; frame_length(header).ok_or_else(too_long)?];
    fill(stream, &mut body, until)?;
    Ok(serde_json::from_slice(&body)?)
}

/// Reads until the buffer is full or the time is over, however slowly the bytes drip.
fn fill(stream: &mut UnixStream, mut buffer: &mut [u8], until: Instant) -> io::Result<()> {
    while !buffer.is_empty() {
        let left = until.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Err(io::ErrorKind::TimedOut.into());
        }
        stream.set_read_timeout(Some(left))?;
        match stream.read(buffer) {
            Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
            Ok(read) => buffer = &mut buffer[read..],
            Err(why) if why.kind() == io::ErrorKind::Interrupted => {}
            Err(why) => return Err(why),
        }
    }
    Ok(())
}

/// The question with the head and the tail of its text, which is all the worker reads of a long one.
fn shortened(question: &Question) -> Question {
    let text = &question.text;
    if text.len() <= MAX_QUESTION_BYTES {
        return question.clone();
    }
    let half = MAX_QUESTION_BYTES / 2 - 1;
    let head = &text[..text.floor_char_boundary(half)];
    let tail = &text[text.ceil_char_boundary(text.len() - half)..];
    Question { id: question.id, text: format!("{head} {tail}") }
}

#[cfg(test)]
mod tests;
