//! Damaged files of the identity: they must not keep the box from its work.

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use vedette_provisioning::ProvisioningError;

use crate::state::State;

/// Files that one load may find damaged: the key and the certificate.
const FILES: usize = 2;

/// What makes the box known to others, in the folder of its identity.
const KNOWN_BY: [&str; 2] = ["device.key", "console.pem"];

/// Tells what is missing although the box has run before: it will be made anew, and others will not know
/// the box by it.
pub(super) fn tell_missing(state: &State) {
    if !state.folder().join("store.db").exists() {
        return;
    }
    for path in KNOWN_BY.map(|name| state.identity().join(name)) {
        if !path.exists() {
            let path = path.display();
            tracing::error!(%path, "a file is missing and made anew: others will not know the box again; put it back from a backup where they should");
        }
    }
}

/// Loads what may lie in damaged files; such a file is set aside, and what it held is made anew.
pub(super) fn mended<T>(mut load: impl FnMut() -> Result<T, ProvisioningError>) -> Result<T> {
    for _ in 0..FILES {
        match load() {
            Err(ProvisioningError::Damaged { path, what, .. }) => {
                let aside = set_aside(&path)?;
                tracing::error!(
                    path = %path.display(),
                    aside = %aside.display(),
                    what,
                    "a file is damaged and set aside; what it held is made anew: put it back from a backup where the device is to stay the same"
                );
            }
            loaded => return Ok(loaded?),
        }
    }
    Ok(load()?)
}

/// Moves a file to its name and `.damaged`; the one set aside before gives way.
fn set_aside(path: &Path) -> Result<PathBuf> {
    let mut name = OsString::from(path);
    name.push(".damaged");
    let aside = PathBuf::from(name);
    fs::rename(path, &aside).with_context(|| format!("cannot set {} aside", path.display()))?;
    Ok(aside)
}
