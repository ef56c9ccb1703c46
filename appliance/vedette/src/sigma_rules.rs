//! A customer's Sigma rules: files in a folder, read at start.

use std::fs;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use vedette_settings::Settings;
use vedette_triage::{Refused, SIGMA_FILE_CAP, SIGMA_RULES_CAP, Sigma};

use crate::state::State;

/// Folders below folders: the public collection nests five deep.
const DEPTH_CAP: usize = 8;

/// Files read, and bytes of them together: room for every public rule several times over.
const FILES_CAP: usize = 2 * SIGMA_RULES_CAP;
const BYTES_CAP: usize = 64 << 20;

/// Refusals that are logged one by one; `vedette kb lint` shows them all.
const TOLD_CAP: usize = 20;

/// Where the rules are: `paths.sigma`, else `kb/sigma` in the state folder.
pub(crate) fn folder(settings: &Settings, state: &State) -> PathBuf {
    settings.paths.sigma.clone().unwrap_or_else(|| state.sigma_rules())
}

/// The rules that can be used and what cannot. A folder that is not there holds none, unless the
/// configuration names it.
pub(crate) fn read(settings: &Settings, state: &State) -> (Sigma, Vec<Refused>, Vec<String>) {
    let folder = folder(settings, state);
    let (mut paths, mut troubles) = (Vec::new(), Vec::new());
    if folder.exists() || settings.paths.sigma.is_some() {
        collect(&folder, 0, &mut paths, &mut troubles);
    }
    let (mut files, mut bytes) = (Vec::new(), 0);
    for path in paths {
        match text(&path) {
            Ok(text) if bytes + text.len() <= BYTES_CAP => {
                bytes += text.len();
                let name = path.strip_prefix(&folder).unwrap_or(&path).display().to_string();
                files.push((name, text));
            }
            Ok(_) => {
                troubles
                    .push(format!("more than {BYTES_CAP} bytes of rules; the rest is left out"));
                break;
            }
            Err(error) => troubles.push(format!("cannot read {}: {error}", path.display())),
        }
    }
    let (sigma, refused) = Sigma::read(files);
    (sigma, refused, troubles)
}

/// The rules for the appliance, which a damaged file must not stop: what cannot be used is logged.
pub(crate) fn of_readable(settings: &Settings, state: &State) -> Sigma {
    let (sigma, refused, troubles) = read(settings, state);
    for trouble in &troubles {
        tracing::error!(trouble, "Sigma rules are left out");
    }
    for refused in refused.iter().take(TOLD_CAP) {
        tracing::warn!(file = refused.file, why = %refused.why, "a Sigma rule is left out");
    }
    if !sigma.is_empty() || !refused.is_empty() {
        tracing::info!(rules = sigma.len(), left_out = refused.len(), "Sigma rules are read");
    }
    sigma
}

/// The rules for a command, which says on stderr that some are left out.
pub(crate) fn of_told(settings: &Settings, state: &State) -> Sigma {
    let (sigma, refused, troubles) = read(settings, state);
    let left_out = refused.len() + troubles.len();
    if left_out > 0 {
        eprintln!("vedette: {left_out} Sigma files are left out; `vedette kb lint` says why");
    }
    sigma
}

/// The rule files below a folder, in the order of their names.
fn collect(folder: &Path, depth: usize, paths: &mut Vec<PathBuf>, troubles: &mut Vec<String>) {
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) => {
            troubles.push(format!("cannot read {}: {error}", folder.display()));
            return;
        }
    };
    let mut entries: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).collect();
    entries.sort();
    for path in entries {
        if paths.len() >= FILES_CAP {
            troubles.push(format!("more than {FILES_CAP} files; the rest is left out"));
            return;
        }
        // What is neither a file nor a folder, such as a pipe, could be waited on for ever.
        let Ok(kind) = fs::metadata(&path) else { continue };
        let is_rule = path.extension().is_some_and(|ending| ending == "yml" || ending == "yaml");
        if kind.is_dir() && depth < DEPTH_CAP {
            collect(&path, depth + 1, paths, troubles);
        } else if kind.is_file() && is_rule {
            paths.push(path);
        }
    }
}

/// A file's text, never more of it than tells that it is too long.
fn text(path: &Path) -> std::io::Result<String> {
    let mut bytes = Vec::new();
    fs::File::open(path)?.take(SIGMA_FILE_CAP as u64 + 1).read_to_end(&mut bytes)?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}
