//! The knowledge base with what a customer added to it.

use std::fs;
use std::io::{Read as _, Write as _};
use std::path::Path;

use anyhow::{Context, Result};
use sha2::{Digest as _, Sha256};
use vedette_kb::attack::{BUNDLE_CAP, Facts, from_stix};
use vedette_kb::{Attack, Imported, Kb};
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

/// How the first line of imported facts begins; version and hash of the bundle follow.
const ATTACK_HEAD: &str = "# ATT&CK Enterprise";

/// Puts imported ATT&CK facts in the place of the embedded ones. A damaged file is told and the embedded
/// ones stay.
pub(crate) fn adopt_attack(state: &State) {
    let path = state.imported_attack();
    let Ok(text) = fs::read_to_string(&path) else { return };
    let adopted =
        text.split_once('\n').ok_or("it is empty".to_owned()).and_then(|(head, table)| {
            let words = head.strip_prefix(ATTACK_HEAD).and_then(|rest| rest.trim().split_once(' '));
            let (version, sha256) = words.ok_or("its first line is not ours".to_owned())?;
            Attack::imported(version, sha256, table.to_owned())
        });
    match adopted {
        Ok(attack) => Kb::adopt(attack),
        Err(why) => eprintln!(
            "vedette: {} cannot be used: {why}; import the bundle again with `vedette kb import-attack`",
            path.display()
        ),
    }
}

/// Reads a bundle of ATT&CK and keeps its facts.
pub(crate) fn import_attack(state: &State, file: &Path) -> Result<(Facts, String)> {
    let failed = || format!("cannot import {}", file.display());
    let mut bytes = Vec::new();
    let bundle = fs::File::open(file).with_context(|| format!("cannot read {}", file.display()))?;
    bundle.take(BUNDLE_CAP + 1).read_to_end(&mut bytes).with_context(failed)?;
    let facts = from_stix(&bytes).with_context(failed)?;
    let hash: String = Sha256::digest(&bytes).iter().map(|byte| format!("{byte:02x}")).collect();
    let text = format!("{ATTACK_HEAD} {} {hash}\n{}", facts.version, facts.table);
    replace(&state.imported_attack(), &text)?;
    Ok((facts, hash))
}

/// Keeps imported runbooks.
pub(crate) fn keep(state: &State, imported: &Imported) -> Result<()> {
    replace(&state.imported_runbooks(), &imported.to_jsonl())
}

/// Writes beside a file and moves that over it, so that a crash leaves the old or the new.
fn replace(path: &Path, text: &str) -> Result<()> {
    let folder = path.parent().context("a path in the state folder has a folder")?;
    let failed = || format!("cannot write {}", path.display());
    fs::create_dir_all(folder).with_context(failed)?;
    let fresh = path.with_extension("new");
    let mut file = fs::File::create(&fresh).with_context(failed)?;
    file.write_all(text.as_bytes()).with_context(failed)?;
    file.sync_all().with_context(failed)?;
    fs::rename(&fresh, path).with_context(failed)
}
