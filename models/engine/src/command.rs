use std::io::{BufRead, Write};
use std::os::fd::AsFd;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use clap::{Args, Parser, Subcommand};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use vedette_engine::worker::{
    Chosen, Service, bundle, close_inherited, enclose, release_free_memory, selected, sentences,
    serve_connection, serve_listener, yield_to_others,
};
use vedette_engine::{
    Adapter, Analyst, Embedder, EngineError, Judge, LlamaConfig, LoadOptions, ModelFile, Processor,
    Prompt, Quantisation, Writer, build, join,
};
use vedette_event::{LanguageModel, ModelSay, Question, QuestionId};

use crate::bench;

/// The descriptor systemd passes a listening socket as.
const SYSTEMD_SOCKET: i32 = 3;

/// The language model of Vedette in a process of its own: no network, bounded memory, idle priority.
#[derive(Parser)]
#[command(name = "vedette-worker", version)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    command: Action,
}

#[derive(Subcommand)]
enum Action {
    /// Answer questions on a Unix socket.
    Serve {
        #[command(flatten)]
        model: ModelArguments,
        /// Listen here; without it, on the socket systemd passes.
        #[arg(long, conflicts_with = "stdin")]
        socket: Option<PathBuf>,
        /// Serve one connection on standard input, a connected Unix socket, and end with it.
        #[arg(long)]
        stdin: bool,
    },
    /// Turn texts into vectors on one connection, standard input being its connected Unix socket.
    Embed {
        /// The sentence model's bundle.
        folder: PathBuf,
        #[command(flatten)]
        means: Means,
    },
    /// Say what a model file holds.
    Inspect {
        #[command(flatten)]
        model: ModelArguments,
        /// As JSON.
        #[arg(long)]
        json: bool,
    },
    /// Measure speed and memory.
    Bench {
        #[command(flatten)]
        model: ModelArguments,
        /// As JSON.
        #[arg(long)]
        json: bool,
        /// Measure what standard input asks for: `"read"`, `"write"`, `"classify"`,
        /// `"classify_eight"` or `"greedy"`, one a line.
        #[arg(long)]
        steps: bool,
        /// Ask about lines as the appliance does, by heads where the model has some.
        #[arg(long, requires = "steps")]
        heads: bool,
    },
    /// Merge adapters into a model and quantise it anew.
    Build {
        #[command(flatten)]
        model: ModelArguments,
        /// A folder that PEFT saved an adapter in; several are merged in order.
        #[arg(long = "adapter", value_name = "FOLDER")]
        adapters: Vec<PathBuf>,
        /// Leave the model as it is, and keep the adapters with the heads in their folders in this file.
        #[arg(long, value_name = "FILE", requires = "adapters")]
        ensemble: Option<PathBuf>,
        /// How weights are kept.
        #[arg(long, value_enum, default_value = "q8_0")]
        quantise: Quantisation,
        /// The file to write.
        #[arg(long, value_name = "FILE")]
        out: PathBuf,
    },
    /// Judge JSON lines `{"id", "raw"}` from standard input, one answer a line.
    Classify {
        #[command(flatten)]
        model: ModelArguments,
        /// Ask by label scores with this prompt file; without it, as the appliance asks.
        #[arg(long, conflicts_with = "untuned")]
        prompt: Option<PathBuf>,
        /// Ask by label scores with the prompt of a model that was not tuned, whatever tuning there is.
        #[arg(long)]
        untuned: bool,
    },
    /// Answer JSON lines `{"id", "question", "cue", "grammar"}` from standard input in the words that
    /// each one's grammar (Lark's notation) allows, one answer a line.
    Write {
        #[command(flatten)]
        model: ModelArguments,
        /// A folder that PEFT saved an adapter in, for this task.
        #[arg(long, value_name = "FOLDER")]
        adapter: Option<PathBuf>,
    },
}

#[derive(Args)]
struct ModelArguments {
    /// The model, a GGUF file; or a folder of bundles, of which the activated one is taken.
    file: PathBuf,
    /// Refuse the file unless this is its SHA-256 (hex).
    #[arg(long)]
    sha256: Option<String>,
    /// Refuse the heads, or the ensemble, beside the file unless this is their SHA-256 (hex).
    #[arg(long)]
    heads_sha256: Option<String>,
    #[command(flatten)]
    means: Means,
}

/// What a process may use.
#[derive(Args)]
struct Means {
    /// Threads to calculate with.
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u16).range(1..=256))]
    threads: u16,
    /// Most memory for data, in MiB.
    #[arg(long, default_value_t = 900)]
    memory_mib: u64,
}

/// A model's file, opened behind the walls.
struct Opened {
    file: ModelFile,
    /// What the heads beside it must be.
    heads_sha256: Option<String>,
    /// The walls that are missing.
    without: Vec<String>,
}

/// Does what the command line says.
pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<()> {
    match &arguments.command {
        Action::Serve { model, socket, stdin } => serve(model, socket.as_deref(), *stdin),
        Action::Embed { folder, means } => embed(folder, means),
        Action::Inspect { model, json } => inspect(model, *json),
        Action::Bench { model, json, steps, heads } => bench(model, *json, (*steps, *heads)),
        Action::Build { model, adapters, ensemble, quantise, out } => {
            build_file(model, adapters, *quantise, (out, ensemble.as_deref()))
        }
        Action::Classify { model, prompt, untuned } => {
            let prompt = match prompt {
                Some(path) => Some(Prompt::parse(&std::fs::read_to_string(path)?)?),
                None if *untuned => Some(Prompt::base()?),
                None => None,
            };
            classify(model, prompt)
        }
        Action::Write { model, adapter } => write(model, adapter.as_deref()),
    }
}

impl ModelArguments {
    /// Keeps `kept` sockets and nothing else that was left open by the parent.
    fn prepare(kept: i32) {
        close_inherited(SYSTEMD_SOCKET + kept);
    }

    fn options(&self) -> LoadOptions {
        // A worker that was built for a graphics processor exists for nothing else.
        let graphics = cfg!(feature = "cuda");
        let processor = if graphics { Processor::Graphics } else { Processor::Central };
        LoadOptions {
            threads: usize::from(self.means.threads),
            processor,
            ..LoadOptions::default()
        }
    }

    /// Shuts the process in and opens the file.
    fn open(&self) -> anyhow::Result<ModelFile> {
        Ok(self.open_beside(&[])?.file)
    }

    /// The same where other folders are read too.
    fn open_beside(&self, folders: &[PathBuf]) -> anyhow::Result<Opened> {
        // Through links, for behind the walls they lead nowhere.
        let file = self.file.canonicalize();
        let file = file.map_err(|source| EngineError::Read { path: self.file.clone(), source })?;
        let chosen = file.is_dir().then(|| selected(&file)).transpose()?;
        let own = if chosen.is_some() { &file } else { file.parent().unwrap_or(&file) };
        let readable: Vec<&Path> =
            folders.iter().map(PathBuf::as_path).chain(std::iter::once(own)).collect();
        let without = self.means.shut_in(&readable);
        let (file, heads_sha256) = match chosen {
            Some(Chosen { model, beside }) => {
                let heads = beside.map(|heads| heads.sha256);
                (ModelFile::open(&model.file, Some(&model.sha256))?, heads)
            }
            None => (ModelFile::open(&file, self.sha256.as_deref())?, self.heads_sha256.clone()),
        };
        Ok(Opened { file, heads_sha256, without })
    }

    /// The sentence model in a folder of bundles. One that cannot be used must not end the other.
    fn sentences(&self) -> Option<Embedder> {
        let found = sentences(&self.file).transpose()?;
        let opened = found.and_then(|chosen| sentence_model(&chosen, self.means.threads));
        opened.inspect_err(|why| eprintln!("vedette-worker: no sentence model: {why}")).ok()
    }
}

impl Means {
    /// Raises the walls around the process and tells which are missing.
    fn shut_in(&self, readable: &[&Path]) -> Vec<String> {
        let walls = enclose(readable, self.memory_mib << 20);
        let without: Vec<String> = walls.missing().map(str::to_owned).collect();
        for wall in &without {
            eprintln!("vedette-worker: runs without {wall}: the system has refused it");
        }
        without
    }
}

fn sentence_model(chosen: &Chosen, threads: u16) -> Result<Embedder, EngineError> {
    let Chosen { model, beside: Some(words) } = chosen else {
        return Err(EngineError::Corrupt("the manifest names no vocabulary".into()));
    };
    let weights = (model.file.as_path(), model.sha256.as_str());
    Embedder::open(weights, (&words.file, &words.sha256), usize::from(threads))
}

/// Steps back behind all others.
fn step_back() {
    for refused in yield_to_others() {
        eprintln!("vedette-worker: runs without: {refused}");
    }
}

/// The connection that standard input is.
fn standard_input() -> anyhow::Result<UnixStream> {
    let stream = UnixStream::from(std::io::stdin().as_fd().try_clone_to_owned()?);
    stream.peer_addr().context("standard input is no connected Unix socket")?;
    Ok(stream)
}

fn embed(folder: &Path, means: &Means) -> anyhow::Result<()> {
    ModelArguments::prepare(0);
    step_back();
    let mut stream = standard_input()?;
    let folder = folder
        .canonicalize()
        .map_err(|source| EngineError::Read { path: folder.to_owned(), source })?;
    let without = means.shut_in(&[&folder]);
    let model = sentence_model(&bundle(&folder)?, means.threads)?;
    Ok(serve_connection(&mut stream, &Service::new(None, Some(model), without))?)
}

fn serve(model: &ModelArguments, socket: Option<&Path>, stdin: bool) -> anyhow::Result<()> {
    let passed = socket.is_none() && !stdin;
    ModelArguments::prepare(i32::from(passed));
    step_back();
    let chosen = || Some((selected(&model.file).ok()?, sentences(&model.file).ok().flatten()));
    let started_with = model.file.is_dir().then(chosen).flatten();
    let load = || {
        let Opened { file, heads_sha256, without } = model.open_beside(&[])?;
        let judge = Judge::new(file, heads_sha256.as_deref(), model.options())?;
        let sentences = model.file.is_dir().then(|| model.sentences()).flatten();
        release_free_memory();
        anyhow::Ok(Service::new(Some(judge), sentences, without))
    };
    if stdin {
        return Ok(serve_connection(&mut standard_input()?, &load()?)?);
    }
    let listener = match socket {
        Some(path) => listen(path)?,
        None => match listenfd::ListenFd::from_env().take_unix_listener(0)? {
            Some(listener) => listener,
            None => bail!("no socket: give --socket PATH, --stdin, or start it by systemd"),
        },
    };
    let is_stale = || {
        let now = started_with.as_ref().and_then(|_| chosen());
        now.is_some() && now != started_with
    };
    serve_listener(&listener, &load()?, is_stale);
    Ok(())
}

/// Listens at a path that only this user may connect to; a socket left by a dead worker gives way.
fn listen(path: &Path) -> anyhow::Result<UnixListener> {
    let place = || format!("cannot listen on {}", path.display());
    if UnixStream::connect(path).is_ok() {
        bail!("{}: another worker answers there", place());
    }
    match std::fs::symlink_metadata(path) {
        Ok(there) if std::os::unix::fs::FileTypeExt::is_socket(&there.file_type()) => {
            std::fs::remove_file(path).with_context(place)?;
        }
        Ok(_) => bail!("{}: the file there is no socket", place()),
        Err(_) => {}
    }
    let before = rustix::process::umask(rustix::fs::Mode::from(0o177));
    let listener = UnixListener::bind(path).with_context(place);
    rustix::process::umask(before);
    listener
}

fn inspect(model: &ModelArguments, as_json: bool) -> anyhow::Result<()> {
    ModelArguments::prepare(0);
    let file = model.open()?;
    let measures = serde_json::to_value(LlamaConfig::read(&file)?)?;
    let document = json!({
        "file": model.file, "sha256": file.sha256(), "bytes": file.bytes(),
        "tensors": file.tensor_count(), "measures": measures, "licence": file.licence(),
    });
    print(&document, as_json)
}

fn build_file(
    model: &ModelArguments,
    adapters: &[PathBuf],
    quantise: Quantisation,
    (out, ensemble): (&Path, Option<&Path>),
) -> anyhow::Result<()> {
    ModelArguments::prepare(0);
    // Opened before the walls stand: behind them nothing can be written that is not open.
    let new = |path: &Path| {
        std::fs::File::create_new(path).with_context(|| format!("cannot write {}", path.display()))
    };
    let (file, together) = (new(out)?, ensemble.map(new).transpose()?);
    let folder = |path: &PathBuf| {
        path.canonicalize().map_err(|source| EngineError::Read { path: path.clone(), source })
    };
    let folders = adapters.iter().map(folder).collect::<Result<Vec<_>, _>>()?;
    let mut base = model.open_beside(&folders)?.file;
    let mut adapters = Vec::new();
    if let Some(mut together) = together {
        join(&folders, &LlamaConfig::read(&base)?, &mut together)?;
        together.sync_all().context("cannot make the file safe")?;
    } else {
        for folder in &folders {
            adapters.push(Adapter::read(folder)?);
        }
    }
    let mut writer = std::io::BufWriter::new(file);
    build(&mut base, &adapters, quantise, &mut writer)?;
    let file = writer.into_inner().context("cannot write the last bytes")?;
    file.sync_all().context("cannot make the file safe")
}

fn bench(
    model: &ModelArguments,
    as_json: bool,
    (steps, heads): (bool, bool),
) -> anyhow::Result<()> {
    ModelArguments::prepare(0);
    let Opened { file, heads_sha256, .. } = model.open_beside(&[])?;
    let subject = bench::Subject {
        path: file.path(),
        sha256: file.sha256(),
        heads_sha256: heads_sha256.as_deref(),
        prompt: &Prompt::base()?,
        options: model.options(),
    };
    let way = if heads { bench::Way::Appliance } else { bench::Way::Labels };
    match steps {
        true => bench::measure_by_step(&subject, way),
        false => print(&bench::measure(&subject)?, as_json),
    }
}

/// A row to judge; other keys are ignored.
#[derive(Deserialize)]
struct Row {
    id: Value,
    raw: String,
}

/// An answer, and the row it is about.
#[derive(Serialize)]
struct Judged<'a> {
    row: &'a Value,
    #[serde(flatten)]
    say: ModelSay,
}

fn classify(model: &ModelArguments, prompt: Option<Prompt>) -> anyhow::Result<()> {
    ModelArguments::prepare(0);
    let mut judge = match prompt {
        Some(prompt) => {
            Judge::Analyst(Box::new(Analyst::new(model.open()?, &prompt, &model.options())?))
        }
        None => {
            let Opened { file, heads_sha256, .. } = model.open_beside(&[])?;
            Judge::new(file, heads_sha256.as_deref(), model.options())?
        }
    };
    let mut out = std::io::stdout().lock();
    for (number, line) in std::io::stdin().lock().lines().enumerate() {
        let row: Row = serde_json::from_str(&line?).with_context(|| format!("row {number}"))?;
        for say in judge.ask(&[Question { id: QuestionId(0), text: row.raw }])? {
            serde_json::to_writer(&mut out, &Judged { row: &row.id, say })?;
            out.write_all(b"\n")?;
        }
    }
    Ok(())
}

/// A question to answer under a grammar.
#[derive(Deserialize)]
struct Task {
    id: Value,
    question: String,
    cue: String,
    grammar: String,
}

fn write(model: &ModelArguments, adapter: Option<&Path>) -> anyhow::Result<()> {
    ModelArguments::prepare(0);
    let adapters = adapter.map(Adapter::read).transpose()?.into_iter().collect();
    let options = LoadOptions { adapters, ..model.options() };
    let mut writer = Writer::new(model.open()?, options)?;
    let mut out = std::io::stdout().lock();
    for (number, line) in std::io::stdin().lock().lines().enumerate() {
        let task: Task = serde_json::from_str(&line?).with_context(|| format!("row {number}"))?;
        let answer = match writer.write(&task.question, &task.cue, &task.grammar) {
            Ok(written) => json!({
                "id": task.id, "text": written.text, "probability": written.probability,
                "choices": written.choices,
            }),
            Err(why) => json!({ "id": task.id, "error": why.to_string() }),
        };
        writeln!(out, "{answer}")?;
    }
    Ok(())
}

fn print(document: &Value, as_json: bool) -> anyhow::Result<()> {
    let mut out = std::io::stdout().lock();
    match document.as_object().filter(|_| !as_json) {
        Some(entries) => {
            for (name, value) in entries {
                writeln!(out, "{name:28} {value}")?;
            }
        }
        None => writeln!(out, "{document}")?,
    }
    Ok(())
}
