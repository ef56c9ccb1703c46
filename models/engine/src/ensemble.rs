//! The file that holds the members of an ensemble: what PEFT saved of each and its heads, under
//! `NUMBER.adapter.` and `NUMBER.heads.`; what is no tensor stands in the metadata under `members`.

use std::collections::{BTreeMap, HashMap};
use std::io::Write;
use std::path::{Path, PathBuf};

use safetensors::SafeTensors;
use safetensors::tensor::TensorView;
use serde::{Deserialize, Serialize};

use crate::gguf::hashed;
use crate::heads::MAX_HEADS_BYTES;
use crate::llama::bounded;
use crate::tuning::{Member, apart};
use crate::{Adapter, EngineError, Heads, LlamaConfig};

/// The file's name in a bundle.
pub const ENSEMBLE_FILE: &str = "ensemble.safetensors";

/// Largest file read, in bytes: eight adapters of rank 64 for all matrices of a model of one billion, in
/// half precision.
const MAX_BYTES: u64 = 1 << 30;

/// The key of the metadata.
const MEMBERS: &str = "members";

/// What is no tensor of a member.
#[derive(Serialize, Deserialize)]
struct About {
    /// The adapter's configuration, as PEFT wrote it.
    config: serde_json::Value,
    /// What the rows of the heads stand for.
    rows: BTreeMap<String, String>,
}

/// Puts the adapters of some folders and the heads beside them into one file.
///
/// # Errors
/// When a folder lacks a file, an adapter is of another base, or they cannot answer together.
pub fn join(
    folders: &[PathBuf],
    base: &LlamaConfig,
    out: &mut impl Write,
) -> Result<(), EngineError> {
    bounded(folders.len())?;
    let parts = folders.iter().map(|folder| Part::read(folder)).collect::<Result<Vec<_>, _>>()?;
    let about = parts.iter().map(Part::about).collect::<Result<Vec<_>, _>>()?;
    let about = serde_json::to_string(&about).map_err(|why| damaged(&why))?;
    let mut tensors: Vec<(String, TensorView<'_>)> = Vec::new();
    for (number, part) in parts.iter().enumerate() {
        for (kind, bytes) in [("adapter", &part.weights), ("heads", &part.heads)] {
            let found = SafeTensors::deserialize(bytes).map_err(|why| damaged(&why))?;
            let named = |(name, view)| (format!("{number}.{kind}.{name}"), view);
            tensors.extend(found.tensors().into_iter().map(named));
        }
    }
    let metadata = HashMap::from([(MEMBERS.to_owned(), about)]);
    let bytes = safetensors::serialize(tensors, Some(metadata)).map_err(|why| damaged(&why))?;
    // As it will be read, so that what cannot answer is never written.
    let (changes, heads) = apart(parse(&bytes)?)?;
    changes.iter().try_for_each(|change| change.check(base))?;
    if !heads.iter().all(|heads| heads.fit(2 * base.hidden)) {
        return Err(EngineError::Heads("they are of a model of another width".into()));
    }
    out.write_all(&bytes).map_err(|why| EngineError::Ensemble(why.to_string()))
}

/// Reads the members from a file, after comparing its SHA-256 (hex) where that is given, and tells it.
pub(crate) fn read(
    path: &Path,
    expected: Option<&str>,
) -> Result<(Vec<Member>, String), EngineError> {
    let (bytes, sha256) = hashed(path, expected, MAX_BYTES)?;
    Ok((parse(&bytes)?, sha256))
}

fn parse(bytes: &[u8]) -> Result<Vec<Member>, EngineError> {
    let (_, metadata) = SafeTensors::read_metadata(bytes).map_err(|why| damaged(&why))?;
    let tensors = SafeTensors::deserialize(bytes).map_err(|why| damaged(&why))?;
    let about = metadata.metadata().as_ref().and_then(|metadata| metadata.get(MEMBERS));
    let about = about.ok_or_else(|| damaged(&"nothing tells its members"))?;
    let about: Vec<About> = serde_json::from_str(about).map_err(|why| damaged(&why))?;
    bounded(about.len())?;
    let member = |(number, About { config, rows }): (usize, &About)| {
        let config = serde_json::to_vec(config).map_err(|why| damaged(&why))?;
        let adapter = Adapter::of(&config, &tensors, &format!("{number}.adapter."))?;
        let heads = Heads::of(&tensors, &format!("{number}.heads."), rows)?;
        Ok(Member { adapter: Some(adapter), heads })
    };
    about.iter().enumerate().map(member).collect()
}

/// The files of one member.
struct Part {
    config: Vec<u8>,
    weights: Vec<u8>,
    heads: Vec<u8>,
}

impl Part {
    fn read(folder: &Path) -> Result<Self, EngineError> {
        let (config, weights) = Adapter::files(folder)?;
        let (heads, _) = hashed(&folder.join(Heads::FILE), None, MAX_HEADS_BYTES)?;
        Ok(Self { config, weights, heads })
    }

    fn about(&self) -> Result<About, EngineError> {
        let config = serde_json::from_slice(&self.config).map_err(|why| damaged(&why))?;
        let (_, metadata) = SafeTensors::read_metadata(&self.heads).map_err(|why| damaged(&why))?;
        let rows = metadata.metadata().clone().unwrap_or_default();
        Ok(About { config, rows: rows.into_iter().collect() })
    }
}

fn damaged(why: &impl ToString) -> EngineError {
    EngineError::Ensemble(why.to_string())
}
