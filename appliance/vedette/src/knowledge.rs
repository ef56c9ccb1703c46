//! The knowledge base with what a customer added to it.

use std::fs;
use std::io::Write as _;

use anyhow::{Context, Result};
use vedette_kb::{Imported, Kb};
use vedette_resolve::Resolver;

use crate::state::State;

/// The runbooks a customer imported; none where there is no file.
pub(crate) fn imported(state: &State) -> Result<Imported> {
    let path = state.imported_runbooks();
    let text = match fs::read_to_string(&path) {
        Ok(text) => text,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            return Ok(Imported::default());
        }
        Err(error) => return Err(error).with_context(|| format!("cannot read {}", path.display())),
    };
    Imported::parse(&text).with_context(|| format!("cannot use {}", path.display()))
}

/// Retrieval over our own runbooks and the customer's.
pub(crate) fn resolver(state: &State) -> Result<Resolver> {
    Ok(Resolver::new(Kb::embedded(), &imported(state)?))
}

/// Keeps imported runbooks: written beside the file and moved over it, so that a crash leaves the old
/// or the new.
pub(crate) fn keep(state: &State, imported: &Imported) -> Result<()> {
    let path = state.imported_runbooks();
    let folder = path.parent().context("the path of the runbooks has a folder")?;
    let failed = || format!("cannot write {}", path.display());
    fs::create_dir_all(folder).with_context(failed)?;
    let fresh = path.with_extension("new");
    let mut file = fs::File::create(&fresh).with_context(failed)?;
    file.write_all(imported.to_jsonl().as_bytes()).with_context(failed)?;
    file.sync_all().with_context(failed)?;
    fs::rename(&fresh, &path).with_context(failed)
}
