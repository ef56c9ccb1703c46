//! The client of the sentence model, which runs in a worker of its own; and the vectors of what is known,
//! kept in the state folder.

use std::fs;
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::Builder;
use std::time::{Duration, Instant};

use sha2::{Digest as _, Sha256};
use vedette_event::Embedder;
use vedette_event::worker::{MAX_QUESTION_BYTES, MAX_QUESTIONS, Reply, Request};
use vedette_resolve::Resolver;
use vedette_settings::{ModelDevice, Settings};

use super::bundle::{Bundles, SENTENCES, write_whole};
use super::worker::{Connection, WorkerSettings};
use crate::state::{State, bundles};

/// Longest a text may take: an incident is filed meanwhile, and goes out by its words alone otherwise.
const TEXT_TIME: Duration = Duration::from_secs(2);

/// Longest an incident waits for a worker that must be started anew, a time in [`PAUSE`].
const START_TIME: Duration = Duration::from_secs(10);

/// Longest the model may take to load at the start, and a chunk of what is known to be read, behind all other work.
const LOAD_TIME: Duration = Duration::from_secs(120);

/// Texts of what is known in a request.
const CHUNK: usize = MAX_QUESTIONS;

/// Pause after a failure.
const PAUSE: Duration = Duration::from_secs(300);

/// Memory of the worker, in MiB: the file while it is read, and a quarter of it afterwards.
const MEMORY_MIB: u64 = 300;

/// The vectors of what is known, below the bundle's folder.
const VECTORS: &str = "vectors.bin";

/// Asks the sentence model; started with the first text.
pub(crate) struct Sentences {
    bundles: Bundles,
    settings: WorkerSettings,
    line: Mutex<Line>,
}

/// The connection, or when to try the next.
#[derive(Default)]
struct Line {
    connection: Option<Connection>,
    next: Option<Instant>,
}

impl Sentences {
    /// A client for the sentence model below a state folder.
    pub(crate) fn new(bundles: Bundles, settings: WorkerSettings) -> Self {
        Self { bundles, settings, line: Mutex::new(Line::default()) }
    }

    /// Whether the model was pulled.
    pub(crate) fn is_there(&self) -> bool {
        self.bundles.named(SENTENCES.folder).is_ok()
    }

    fn ask(&self, texts: &[&str], time: Duration) -> Option<Vec<Vec<f32>>> {
        let mut line = self.line.lock().unwrap_or_else(PoisonError::into_inner);
        if line.next.is_some_and(|next| Instant::now() < next) {
            return None;
        }
        let asked = self.exchange(&mut line, texts, time);
        match asked {
            Ok(vectors) => Some(vectors),
            Err(why) => {
                tracing::warn!(
                    why,
                    "the sentence model does not answer: words alone rank runbooks"
                );
                *line = Line { connection: None, next: Some(Instant::now() + PAUSE) };
                None
            }
        }
    }

    fn exchange(
        &self,
        line: &mut Line,
        texts: &[&str],
        time: Duration,
    ) -> Result<Vec<Vec<f32>>, String> {
        if line.connection.is_none() {
            line.connection = Some(self.open(time.max(START_TIME))?);
        }
        let connection = line.connection.as_mut().expect("opened above");
        let shortened =
            |text: &&str| text[..text.floor_char_boundary(MAX_QUESTION_BYTES)].to_owned();
        let texts: Vec<String> = texts.iter().map(shortened).collect();
        let count = texts.len();
        let within_ms = u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
        match connection.exchange(&Request::Embed { texts, within_ms }, time)? {
            Reply::Vectors { vectors } if vectors.len() == count => Ok(vectors),
            Reply::Failed { why } => Err(why),
            other => Err(format!("it answered with {other:?}")),
        }
    }

    /// Connects, or starts a worker and waits until it has loaded the model.
    fn open(&self, time: Duration) -> Result<Connection, String> {
        if let Some(socket) = &self.settings.socket {
            return Connection::to(socket);
        }
        let bundle = self.bundles.named(SENTENCES.folder).map_err(|why| why.to_string())?;
        let program = self.settings.program.as_ref().ok_or("the worker's program is missing")?;
        let (ours, theirs) = UnixStream::pair().map_err(|why| why.to_string())?;
        let child = Command::new(program)
            .arg("embed")
            .arg(&bundle.folder)
            .args(["--memory-mib", &MEMORY_MIB.to_string()])
            .env_remove("LISTEN_FDS")
            .stdin(OwnedFd::from(theirs))
            .stdout(Stdio::null())
            .spawn()
            .map_err(|why| format!("cannot start {}: {why}", program.display()))?;
        let mut connection = Connection::of(ours, child);
        connection.exchange(&Request::Hello, time)?;
        Ok(connection)
    }

    /// The vectors of what is known: kept from an earlier time, or asked for now, which takes seconds.
    fn vectors(&self, phrases: &[&str]) -> Option<Vec<Vec<f32>>> {
        let bundle = self.bundles.named(SENTENCES.folder).ok()?;
        let key = key(&bundle.manifest.model.sha256, phrases);
        let path: PathBuf = bundle.folder.join(VECTORS);
        if let Some(kept) =
            fs::read(&path).ok().and_then(|bytes| parse(&bytes, &key, phrases.len()))
        {
            return Some(kept);
        }
        let mut vectors = Vec::with_capacity(phrases.len());
        for some in phrases.chunks(CHUNK) {
            vectors.extend(self.ask(some, LOAD_TIME)?);
        }
        let values = vectors.iter().flatten().flat_map(|value| value.to_le_bytes());
        let bytes: Vec<u8> = key.iter().copied().chain(values).collect();
        if let Err(error) = write_whole(&bundle.folder, VECTORS, &bytes) {
            // They are calculated again at the next start; nothing else is lost.
            tracing::warn!(%error, "cannot keep the sentence model's vectors");
        }
        Some(vectors)
    }
}

impl Embedder for Sentences {
    fn embed(&self, texts: &[&str]) -> Option<Vec<Vec<f32>>> {
        self.ask(texts, TEXT_TIME)
    }
}

/// The sentence model of a state folder, where it was pulled and models are wanted.
pub(crate) fn sentences(settings: &Settings, state: &State) -> Option<Arc<Sentences>> {
    let worker = WorkerSettings::find(1, ModelDevice::Cpu);
    let sentences = Sentences::new(bundles(settings, state), worker);
    (settings.model.enabled && sentences.is_there()).then(|| Arc::new(sentences))
}

/// A resolver that asks the sentence model too, where there is one; ready when this returns.
pub(crate) fn taught(resolver: Resolver, sentences: Option<Arc<Sentences>>) -> Resolver {
    let Some(sentences) = sentences else { return resolver };
    let resolver = resolver.with_embedder(sentences.clone());
    teach(&resolver, &sentences);
    resolver
}

/// The same, ready a while later: until then it ranks by words alone.
pub(crate) fn being_taught(resolver: Resolver, sentences: Option<Arc<Sentences>>) -> Arc<Resolver> {
    let Some(sentences) = sentences else { return Arc::new(resolver) };
    let resolver = Arc::new(resolver.with_embedder(sentences.clone()));
    let pupil = resolver.clone();
    let spawned = Builder::new().name("vedette-sentences".to_owned()).spawn(move || {
        if teach(&pupil, &sentences) {
            tracing::info!("the sentence model helps to find runbooks");
        }
    });
    if let Err(error) = spawned {
        tracing::warn!(%error, "no thread for the sentence model: words alone rank runbooks");
    }
    resolver
}

fn teach(resolver: &Resolver, sentences: &Sentences) -> bool {
    let vectors = sentences.vectors(&resolver.phrases());
    vectors.is_some_and(|vectors| resolver.learn(vectors))
}

/// What the kept vectors belong to: the model and the texts.
fn key(model: &str, phrases: &[&str]) -> [u8; 32] {
    let mut hasher = Sha256::new();
    for text in std::iter::once(&model).chain(phrases) {
        hasher.update(text.as_bytes());
        hasher.update([0]);
    }
    hasher.finalize().into()
}

/// Kept vectors, when they belong to this key.
fn parse(bytes: &[u8], key: &[u8; 32], count: usize) -> Option<Vec<Vec<f32>>> {
    let values = bytes.strip_prefix(key)?;
    let each = values.len() / 4 / count.max(1) * 4;
    if each == 0 || values.len() != each * count {
        return None;
    }
    let four = |bytes: &[u8]| f32::from_le_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]);
    Some(values.chunks_exact(each).map(|row| row.chunks_exact(4).map(four).collect()).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kept_vectors_are_those_of_this_model_and_these_texts() {
        let texts = ["a", "b"];
        let own = key("model", &texts);
        let values: Vec<u8> =
            [1.0_f32, 0.0, 0.0, 1.0].iter().flat_map(|v| v.to_le_bytes()).collect();
        let bytes = [own.as_slice(), &values].concat();
        assert_eq!(parse(&bytes, &own, 2), Some(vec![vec![1.0, 0.0], vec![0.0, 1.0]]));
        for (name, bytes, key, count) in [
            ("another model", bytes.clone(), key("other", &texts), 2),
            ("other texts", bytes.clone(), key("model", &["ab", ""]), 2),
            ("another count", bytes.clone(), own, 3),
            ("no count", bytes.clone(), own, 0),
            ("cut off", bytes[..bytes.len() - 1].to_vec(), own, 2),
            ("empty", own.to_vec(), own, 2),
            ("nothing", Vec::new(), own, 2),
        ] {
            assert_eq!(parse(&bytes, &key, count), None, "{name}");
        }
    }

    #[test]
    fn without_the_model_nobody_answers_and_nothing_is_tried_again_at_once() {
        let state = tempfile::tempdir().unwrap();
        let settings = WorkerSettings {
            program: Some("/bin/false".into()),
            socket: None,
            threads: 1,
            first_pause: Duration::ZERO,
            max_resident_bytes: 0,
        };
        let sentences = Sentences::new(Bundles::of(state.path()), settings);
        assert!(!sentences.is_there());
        assert_eq!(sentences.embed(&["a text"]), None);
        assert!(sentences.line.lock().unwrap().next.is_some());
        assert_eq!(sentences.embed(&["a text"]), None);
    }
}
