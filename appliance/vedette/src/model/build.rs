//! Making a bundle of a base and adapters, in a process of its own that knows model files.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::bundle::{
    Built, Bundle, BundleError, Bundles, Entry, HEADS, Manifest, MergedAdapter, hash,
};

/// The model's file in a bundle that was built here.
const FILE: &str = "model.gguf";

/// The weights of an adapter, as PEFT names them.
const ADAPTER_WEIGHTS: &str = "adapter_model.safetensors";

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
    /// Folders that PEFT saved adapters in, merged in order.
    pub(crate) adapters: Vec<PathBuf>,
    /// How weights are kept, as the worker names it.
    pub(crate) quantisation: String,
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
        let file = site.0.join(FILE);
        self.have_built(worker, &file)?;
        // The heads that were trained with an adapter judge what it changed.
        let heads =
            self.adapters.iter().map(|folder| folder.join(HEADS)).rfind(|path| path.exists());
        let mut beside = Vec::new();
        if let Some(heads) = heads {
            let copy = site.0.join(HEADS);
            fs::copy(&heads, &copy).map_err(disk("copy", &heads))?;
            beside.push(entry(&copy)?);
        }
        let manifest = Manifest {
            model: entry(&file)?,
            beside,
            source: format!("built of {}", name_of(&self.base)),
            built: Some(Built {
                base_sha256,
                adapters: self.merged()?,
                quantisation: self.quantisation.clone(),
            }),
        };
        manifest.write(&site.0).map_err(disk("write", &site.0))?;
        fs::rename(&site.0, &folder).map_err(disk("write", &folder))?;
        Ok(bundles.named(&self.name)?)
    }

    fn have_built(&self, worker: &Path, file: &Path) -> Result<(), BuildError> {
        let size = fs::metadata(&self.base).map_or(0, |found| found.len());
        let memory = 2 * (size >> 20) + ROOM_MIB;
        let mut command = Command::new(worker);
        command.arg("build").arg(&self.base);
        for adapter in &self.adapters {
            command.arg("--adapter").arg(adapter);
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

    fn merged(&self) -> Result<Vec<MergedAdapter>, BuildError> {
        let adapters = self.adapters.iter();
        adapters
            .map(|folder| {
                let sha256 = hash_of(&folder.join(ADAPTER_WEIGHTS))?;
                Ok(MergedAdapter { name: name_of(folder), sha256 })
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
