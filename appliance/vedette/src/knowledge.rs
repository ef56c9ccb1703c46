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

/// The same for the appliance, which a damaged file must not stop: rows that cannot be read are told and
/// left out.
pub(crate) fn resolver_of_readable(state: &State) -> Resolver {
    let imported = imported(state).unwrap_or_else(|error| {
        let (imported, left_out) =
            readable(&fs::read(state.imported_runbooks()).unwrap_or_default());
        let why = format!("{error:#}");
        tracing::error!(
            why,
            left_out,
            "imported runbooks are damaged; import them again with `vedette kb import`"
        );
        imported
    });
    Resolver::new(Kb::embedded(), &imported)
}

/// The rows that can be read, and how many cannot.
fn readable(bytes: &[u8]) -> (Imported, usize) {
    let (mut imported, mut left_out) = (Imported::default(), 0);
    for row in String::from_utf8_lossy(bytes).lines() {
        let read = Imported::parse(row).ok();
        let taken = read.is_some_and(|read| imported.merge(read).is_ok());
        left_out += usize::from(!taken);
    }
    (imported, left_out)
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
