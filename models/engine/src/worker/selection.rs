//! Which bundle of a folder of bundles was activated: `active.json` there names it, `manifest.json` in
//! its own folder names its file.

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use serde::de::DeserializeOwned;

use crate::EngineError;

/// Longest of the two files read, in bytes; ours have a few hundred.
const MAX_BYTES: u64 = 64 << 10;

/// The bundle of a machine on which none was activated.
const BASE: &str = "base";

#[derive(Deserialize)]
struct Active {
    active: String,
}

#[derive(Deserialize)]
struct Manifest {
    file: String,
    sha256: String,
}

/// A model's file and the hash it must have.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Selected {
    /// The file.
    pub file: PathBuf,
    /// Its SHA-256, in hex.
    pub sha256: String,
}

/// The activated bundle of a folder.
///
/// # Errors
/// When it has no readable manifest, or one that points elsewhere.
pub fn selected(bundles: &Path) -> Result<Selected, EngineError> {
    let active: Option<Active> = read(&bundles.join("active.json")).ok();
    let name = active.map_or_else(|| BASE.to_owned(), |active| active.active);
    let folder = bundles.join(plain(&name)?);
    let manifest: Manifest = read(&folder.join("manifest.json"))?;
    Ok(Selected { file: folder.join(plain(&manifest.file)?), sha256: manifest.sha256 })
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
            selected(folder.path()).ok().map(|found| found.sha256)
        };
        assert_eq!(selected(folder.path()).unwrap().file, folder.path().join("base/a.gguf"));
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
