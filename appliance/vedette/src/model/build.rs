//! Making a bundle of a base and adapters, in a process of its own that knows model files.

use std::fs::{self, File};
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};
use std::process::Command;

use super::bundle::{
    BASE, Built, BuiltAdapter, Bundle, BundleError, Bundles, ENSEMBLE, Entry, HEADS, Manifest, hash,
};
use super::card::{Card, Metrics};

/// The model's file in a bundle that was built here.
const FILE: &str = "model.gguf";

/// The weights of an adapter, as PEFT names them.
const ADAPTER_WEIGHTS: &str = "adapter_model.safetensors";

/// Where an adapter's folder tells the SHA-256 (hex) of the one base it belongs to.
const ADAPTER_BASE: &str = "base.sha256";

/// Bytes of such a hash.
const HEX_BYTES: u64 = 64;

/// Longest name of a bundle.
const MAX_NAME: usize = 64;

/// Memory of the process that builds, in MiB, beside twice the base's file: the largest matrix of a
/// model of one billion in full precision, three times.
const ROOM_MIB: u64 = 1_024;

/// What to build.
#[derive(Clone, Debug)]
pub(crate) struct Build {
    /// Its name.
    pub(crate) name: String,
    /// The base, a GGUF file.
    pub(crate) base: PathBuf,
    /// Folders that PEFT saved adapters in. Those that all bring heads become members of an ensemble, others
    /// are merged in order.
    pub(crate) adapters: Vec<PathBuf>,
    /// How weights are kept, as the worker names it.
    pub(crate) quantisation: String,
    /// A report of what the model is worth, by `vedette model eval`.
    pub(crate) metrics: Option<PathBuf>,
    /// The base's licence, where it is not the known base.
    pub(crate) base_licence: Option<String>,
}

/// Why there is no new bundle.
#[derive(Debug, thiserror::Error)]
pub(crate) enum BuildError {
    /// The name is no name for a folder.
    #[error(
        "{0:?} is no name for a bundle: take up to {MAX_NAME} letters, digits, dots, hyphens and underscores, and begin with a letter or digit"
    )]
    Name(String),
    /// There is one already.
    #[error("there is a bundle {0:?} already: choose another name, or remove its folder")]
    Taken(String),
    /// Some adapters would answer by heads of their own, others not.
    #[error(
        "{} has no {HEADS}: adapters that all bring heads answer together, adapters without are merged, \
         with the heads of one at most",
        .0.display()
    )]
    Headless(PathBuf),
    /// An adapter of another base.
    #[error(
        "the adapter in {} is of another base, with the SHA-256 {wanted} and not {found}: give that one with \
         --base",
        folder.display()
    )]
    OtherBase {
        /// The adapter's folder.
        folder: PathBuf,
        /// The base it is of.
        wanted: String,
        /// The one that was given.
        found: String,
    },
    /// What is told of the model makes no sense.
    #[error("what is told of the model cannot be put together: {0}")]
    Card(String),
    /// Something on the disk.
    #[error("cannot {what} {}: {source}", path.display())]
    Disk {
        /// Which step.
        what: &'static str,
        /// On what.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The worker refused; it has said why.
    #[error("the bundle was not built: {0}")]
    Worker(String),
    /// What came out is no bundle.
    #[error(transparent)]
    Bundle(#[from] BundleError),
}

/// The folder of what is coming to be: gone at the end, unless it has become the bundle.
pub(super) struct Site(pub(super) PathBuf);

impl Site {
    /// An empty folder among the bundles, whatever an earlier attempt left there.
    pub(super) fn new(folder: PathBuf) -> io::Result<Self> {
        match fs::remove_dir_all(&folder) {
            Err(why) if why.kind() != io::ErrorKind::NotFound => return Err(why),
            _ => {}
        }
        fs::create_dir_all(&folder)?;
        Ok(Self(folder))
    }
}

impl Drop for Site {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

impl Build {
    /// Builds with the worker's program; nothing half-built stays.
    pub(crate) fn run(&self, bundles: &Bundles, worker: &Path) -> Result<Bundle, BuildError> {
        if !is_name(&self.name) {
            return Err(BuildError::Name(self.name.clone()));
        }
        let folder = bundles.folder().join(&self.name);
        if folder.exists() {
            return Err(BuildError::Taken(self.name.clone()));
        }
        let disk = |what, path: &Path| {
            let path = path.to_owned();
            move |source| BuildError::Disk { what, path, source }
        };
        let place = bundles.folder().join(format!(".{}.building", self.name));
        let site = Site::new(place.clone()).map_err(disk("make", &place))?;
        let base_sha256 = hash_of(&self.base)?;
        self.check_base(&base_sha256)?;
        let card = self.card(&base_sha256)?;
        let heads = self.heads()?;
        let (file, together) = (site.0.join(FILE), site.0.join(ENSEMBLE));
        let ensemble = heads.len() > 1;
        self.have_built(worker, &file, ensemble.then_some(&together))?;
        let mut beside = Vec::new();
        match heads.first() {
            _ if ensemble => beside.push(entry(&together)?),
            // The heads that were trained with an adapter judge what it changed.
            Some(heads) => {
                let copy = site.0.join(HEADS);
                fs::copy(heads, &copy).map_err(disk("copy", heads))?;
                beside.push(entry(&copy)?);
            }
            None => {}
        }
        let manifest = Manifest {
            model: entry(&file)?,
            beside,
            source: format!("built of {}", name_of(&self.base)),
            built: Some(Built {
                base_sha256,
                adapters: self.named()?,
                ensemble,
                quantisation: self.quantisation.clone(),
            }),
            card: Some(card),
        };
        manifest.write(&site.0).map_err(disk("write", &site.0))?;
        fs::rename(&site.0, &folder).map_err(disk("write", &folder))?;
        Ok(bundles.named(&self.name)?)
    }

    /// The heads beside adapters: of none, of one, or of all.
    fn heads(&self) -> Result<Vec<PathBuf>, BuildError> {
        let (with, without): (Vec<_>, Vec<_>) =
            self.adapters.iter().partition(|folder| folder.join(HEADS).exists());
        match without.first() {
            Some(folder) if with.len() > 1 => Err(BuildError::Headless((*folder).clone())),
            _ => Ok(with.into_iter().map(|folder| folder.join(HEADS)).collect()),
        }
    }

    /// Refuses an adapter whose folder names another base.
    fn check_base(&self, found: &str) -> Result<(), BuildError> {
        for folder in &self.adapters {
            let Ok(file) = File::open(folder.join(ADAPTER_BASE)) else { continue };
            let mut wanted = String::new();
            let path = folder.join(ADAPTER_BASE);
            let read = file.take(HEX_BYTES).read_to_string(&mut wanted);
            read.map_err(|source| BuildError::Disk { what: "read", path, source })?;
            if !wanted.trim().eq_ignore_ascii_case(found) {
                let (folder, found) = (folder.clone(), found.to_owned());
                return Err(BuildError::OtherBase { folder, wanted: wanted.trim().into(), found });
            }
        }
        Ok(())
    }

    /// What is known of the model to be.
    fn card(&self, base_sha256: &str) -> Result<Card, BuildError> {
        let known = base_sha256.eq_ignore_ascii_case(BASE.model.sha256);
        let licence = self.base_licence.clone().or(known.then(|| BASE.licence.to_owned()));
        let mut card = Card { base_licence: licence, ..Card::default() };
        let told = |path: &Path| {
            let path = path.to_owned();
            move |source| BuildError::Disk { what: "read what is told in", path, source }
        };
        for folder in &self.adapters {
            card.join(Card::beside(folder).map_err(told(folder))?).map_err(BuildError::Card)?;
        }
        if let Some(report) = &self.metrics {
            card.metrics = Some(Metrics::read(report).map_err(told(report))?);
        }
        card.check().map_err(BuildError::Card)?;
        Ok(card)
    }

    fn have_built(
        &self,
        worker: &Path,
        file: &Path,
        ensemble: Option<&PathBuf>,
    ) -> Result<(), BuildError> {
        let size = fs::metadata(&self.base).map_or(0, |found| found.len());
        let memory = 2 * (size >> 20) + ROOM_MIB;
        let mut command = Command::new(worker);
        command.arg("build").arg(&self.base);
        for adapter in &self.adapters {
            command.arg("--adapter").arg(adapter);
        }
        if let Some(ensemble) = ensemble {
            command.arg("--ensemble").arg(ensemble);
        }
        command.args(["--quantise", &self.quantisation]).arg("--out").arg(file);
        command.args(["--memory-mib", &memory.to_string()]);
        let disk = |source| BuildError::Disk { what: "run", path: worker.to_owned(), source };
        let output = command.output().map_err(disk)?;
        if output.status.success() {
            return Ok(());
        }
        let told = String::from_utf8_lossy(&output.stderr);
        let last = told.lines().last().unwrap_or("the worker said nothing");
        Err(BuildError::Worker(last.trim_start_matches("vedette-worker: ").to_owned()))
    }

    fn named(&self) -> Result<Vec<BuiltAdapter>, BuildError> {
        let adapters = self.adapters.iter();
        adapters
            .map(|folder| {
                let sha256 = hash_of(&folder.join(ADAPTER_WEIGHTS))?;
                Ok(BuiltAdapter { name: name_of(folder), sha256 })
            })
            .collect()
    }
}

/// What a manifest says of a file.
fn entry(path: &Path) -> Result<Entry, BuildError> {
    let disk = |source| BuildError::Disk { what: "read", path: path.to_owned(), source };
    let bytes = fs::metadata(path).map_err(disk)?.len();
    Ok(Entry { file: name_of(path), sha256: hash_of(path)?, bytes })
}

pub(super) fn is_name(name: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_');
    name.len() <= MAX_NAME
        && name.bytes().all(plain)
        && name.bytes().next().is_some_and(|first| first.is_ascii_alphanumeric())
}

pub(super) fn name_of(path: &Path) -> String {
    path.file_name().map_or(String::new(), |name| name.to_string_lossy().into_owned())
}

fn hash_of(path: &Path) -> Result<String, BuildError> {
    let disk = |source| BuildError::Disk { what: "read", path: path.to_owned(), source };
    File::open(path).and_then(|mut file| hash(&mut file)).map_err(disk)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_folders_and_nothing_else() {
        for (name, good) in [
            ("office-2026.11", true),
            ("base", true),
            ("", false),
            (".hidden", false),
            ("..", false),
            ("a/b", false),
            ("a b", false),
            ("ü", false),
        ] {
            assert_eq!(is_name(name), good, "{name:?}");
        }
        assert!(!is_name(&"a".repeat(MAX_NAME + 1)));
    }
}
