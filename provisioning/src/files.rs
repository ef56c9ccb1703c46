//! Small files that appear whole or not at all.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::Path;

use crate::ProvisioningError;

/// The longest file read here; ours are a few kilobytes, and a wrong file must not fill the memory.
const MAX_FILE: u64 = 64 * 1_024;

/// Permission bits of everybody but the owner.
const OTHERS: u32 = 0o077;

/// Makes the folder if it is missing, for its owner only.
pub(crate) fn make_folder(path: &Path) -> Result<(), ProvisioningError> {
    let result = DirBuilder::new().recursive(true).mode(0o700).create(path);
    result.map_err(|source| file_error("create", path, source))
}

/// The contents of a secret file, or `None` where there is none.
pub(crate) fn read_secret(path: &Path) -> Result<Option<String>, ProvisioningError> {
    let file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(source) => return Err(file_error("read", path, source)),
    };
    let mode = file.metadata().map_err(|source| file_error("read", path, source))?.mode() & 0o7777;
    if mode & OTHERS != 0 {
        return Err(ProvisioningError::Exposed { path: path.to_owned(), mode });
    }
    let mut bytes = Vec::new();
    let read = file.take(MAX_FILE).read_to_end(&mut bytes);
    read.map_err(|source| file_error("read", path, source))?;
    // What is not text is damaged, and whoever parses it says so.
    Ok(Some(String::from_utf8_lossy(&bytes).into_owned()))
}

/// Replaces a secret file in one step that survives a power cut.
pub(crate) fn write_secret(path: &Path, contents: &str) -> Result<(), ProvisioningError> {
    let fresh = path.with_extension("new");
    let write = || {
        match fs::remove_file(&fresh) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&fresh)?;
        file.write_all(contents.as_bytes())?;
        file.sync_all()?;
        fs::rename(&fresh, path)?;
        File::open(path.parent().unwrap_or(Path::new(".")))?.sync_all()
    };
    write().map_err(|source| file_error("write", path, source))
}

fn file_error(action: &'static str, path: &Path, source: io::Error) -> ProvisioningError {
    ProvisioningError::File { action, path: path.to_owned(), source }
}
