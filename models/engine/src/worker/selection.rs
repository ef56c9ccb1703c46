//! Which bundle of a folder of bundles was activated: `active.json` there names it, `manifest.json` in
//! its own folder names its files.

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use serde::de::DeserializeOwned;

use crate::EngineError;

/// Longest of the two files read, in bytes; ours have a few hundred.
const MAX_BYTES: u64 = 64 << 10;

/// What makes a folder a bundle.
const MANIFEST: &str = "manifest.json";

/// The bundle of a machine on which none was activated.
const BASE: &str = "base";

#[derive(Deserialize)]
struct Active {
    active: String,
}

/// The sentence model's folder.
const SENTENCES: &str = "sentences";

#[derive(Deserialize)]
struct Manifest {
    #[serde(flatten)]
    model: Entry,
    #[serde(default)]
    beside: Vec<Entry>,
}

#[derive(Deserialize)]
struct Entry {
    file: String,
    sha256: String,
}

/// A file and the hash it must have.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Selected {
    /// The file.
    pub file: PathBuf,
    /// Its SHA-256, in hex.
    pub sha256: String,
}

/// What a bundle consists of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Chosen {
    /// The model.
    pub model: Selected,
    /// What belongs to it: heads, an ensemble, or a vocabulary.
    pub beside: Option<Selected>,
}

/// The activated bundle of a folder.
///
/// # Errors
/// When it has no readable manifest, or one that points elsewhere.
pub fn selected(bundles: &Path) -> Result<Chosen, EngineError> {
    let active: Option<Active> = read(&bundles.join("active.json")).ok();
    let name = active.map_or_else(|| BASE.to_owned(), |active| active.active);
    bundle(&bundles.join(plain(&name)?))
}

/// The sentence model of a folder of bundles, where it was pulled.
///
/// # Errors
/// As [`selected`].
pub fn sentences(bundles: &Path) -> Result<Option<Chosen>, EngineError> {
    let folder = bundles.join(SENTENCES);
    folder.join(MANIFEST).exists().then(|| bundle(&folder)).transpose()
}

/// What the manifest in a folder names.
///
/// # Errors
/// As [`selected`].
pub fn bundle(folder: &Path) -> Result<Chosen, EngineError> {
    let manifest: Manifest = read(&folder.join(MANIFEST))?;
    let entry = |entry: Entry| {
        let file = folder.join(plain(&entry.file)?);
        Ok::<_, EngineError>(Selected { file, sha256: entry.sha256 })
    };
    let beside = manifest.beside.into_iter().next().map(entry).transpose()?;
    Ok(Chosen { model: entry(manifest.model)?, beside })
}

/// A name without a way out of the folder it stands in.
fn plain(name: &str) -> Result<&str, EngineError> {
    match Path::new(name).file_name() {
        Some(file) if file == name => Ok(name),
        _ => Err(EngineError::Corrupt(format!("{name:?} is no plain name"))),
    }
}

fn read<T: DeserializeOwned>(path: &Path) -> Result<T, EngineError> {
    let unreadable = |source| EngineError::Read { path: path.to_owned(), source };
    let mut text = Vec::new();
    let mut file = File::open(path).map_err(unreadable)?.take(MAX_BYTES);
    file.read_to_end(&mut text).map_err(unreadable)?;
    serde_json::from_slice(&text)
        .map_err(|why| EngineError::Corrupt(format!("{}: {why}", path.display())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_activated_bundle_is_found_and_no_other_place() {
        let folder = tempfile::tempdir().unwrap();
        let bundle = |name: &str, file: &str| {
            std::fs::create_dir(folder.path().join(name)).unwrap();
            let manifest = format!(r#"{{"file": "{file}", "sha256": "{name}", "bytes": 1}}"#);
            std::fs::write(folder.path().join(name).join("manifest.json"), manifest).unwrap();
        };
        bundle("base", "a.gguf");
        bundle("office", "b.gguf");
        bundle("odd", "../base/a.gguf");
        let activate = |name: &str| {
            let text = format!(r#"{{"active": "{name}"}}"#);
            std::fs::write(folder.path().join("active.json"), text).unwrap();
            selected(folder.path()).ok().map(|found| found.model.sha256)
        };
        assert_eq!(selected(folder.path()).unwrap().model.file, folder.path().join("base/a.gguf"));
        for (name, found) in [
            ("office", Some("office")),
            ("base", Some("base")),
            ("odd", None),
            ("../base", None),
            ("absent", None),
        ] {
            assert_eq!(activate(name).as_deref(), found, "{name}");
        }
    }
}
