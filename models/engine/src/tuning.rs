use std::path::Path;

use crate::ensemble::{self, ENSEMBLE_FILE};
use crate::{Adapter, EngineError, Heads};

/// What was trained for one base: changes of its matrices, each with the heads that judge what it makes
/// of a line. More than one answer together, as an ensemble.
pub struct Tuning {
    /// The members; never empty.
    pub members: Vec<Member>,
    /// Its name, for the `bundle` of an answer.
    pub name: String,
}

/// A change with its heads.
pub struct Member {
    /// The change; none where the model's file has it already.
    pub adapter: Option<Adapter>,
    /// The heads.
    pub heads: Heads,
}

impl Tuning {
    /// What ships with the program for a base, by the base's SHA-256 (hex).
    ///
    /// # Errors
    /// When the shipped files are damaged, which a test rules out.
    pub fn shipped(base_sha256: &str) -> Result<Option<Self>, EngineError> {
        const BASE: &str = include_str!("../../bundles/tuned/base.sha256");
        const CONFIG: &[u8] = include_bytes!("../../bundles/tuned/adapter_config.json");
        const WEIGHTS: &[u8] = include_bytes!("../../bundles/tuned/adapter_model.safetensors");
        const HEADS: &[u8] = include_bytes!("../../bundles/tuned/heads.safetensors");
        if !base_sha256.eq_ignore_ascii_case(BASE.trim()) {
            return Ok(None);
        }
        let adapter = Some(Adapter::parse(CONFIG, WEIGHTS)?);
        Ok(Some(Self::of(adapter, Heads::parse(HEADS)?, "tuned-1")))
    }

    /// One change, or none, with its heads.
    pub fn of(adapter: Option<Adapter>, heads: Heads, name: &str) -> Self {
        Self { members: vec![Member { adapter, heads }], name: name.to_owned() }
    }

    /// What lies beside a model's file that was built with some: an ensemble, else heads; held to its
    /// SHA-256 (hex) where it is given.
    ///
    /// # Errors
    /// When it is there and another one or damaged, or should be there and is not.
    pub fn beside(model: &Path, expected: Option<&str>) -> Result<Option<Self>, EngineError> {
        let folder = model.parent().and_then(Path::file_name).unwrap_or_default();
        let name = folder.to_string_lossy();
        let together = model.with_file_name(ENSEMBLE_FILE);
        if together.exists() {
            let (members, sha256) = ensemble::read(&together, expected)?;
            // The model's hash does not tell ensembles over one base apart.
            return Ok(Some(Self { members, name: format!("{name}:{}", &sha256[..8]) }));
        }
        let path = model.with_file_name(Heads::FILE);
        if expected.is_none() && !path.exists() {
            return Ok(None);
        }
        Ok(Some(Self::of(None, Heads::read(&path, expected)?, &name)))
    }
}

/// Changes and heads, each in the order of the members.
///
/// # Errors
/// When the members cannot answer together.
pub(crate) fn apart(members: Vec<Member>) -> Result<(Vec<Adapter>, Vec<Heads>), EngineError> {
    let count = members.len();
    let (changes, heads): (Vec<_>, Vec<_>) =
        members.into_iter().map(|member| (member.adapter, member.heads)).unzip();
    let changes: Vec<Adapter> = changes.into_iter().flatten().collect();
    let unusable = |why: &str| Err(EngineError::Ensemble(why.to_owned()));
    let Some((first, others)) = heads.split_first() else { return unusable("no members") };
    if count > 1 && changes.len() < count {
        return unusable("a member changes nothing");
    }
    if !others.iter().all(|heads| heads.agree(first)) {
        return unusable("its members' heads differ in classes, severities or techniques");
    }
    Ok((changes, heads))
}
