//! Copies of the whole store: backups, snapshots before a migration, and the way back.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::Connection;
use rusqlite::backup::Backup;

use crate::lock::StateLock;
use crate::schema::{database_path, open_reader};
use crate::{Reader, StoreError};

/// Pages copied at a time: 4 MiB, so that the writer is never held up for long.
const PAGES_PER_STEP: i32 = 1024;

impl Reader {
    /// Writes a consistent copy of the store to a new file while the store runs.
    ///
    /// # Errors
    /// When the file cannot be written or the store cannot be read.
    pub fn backup(&self, to: &Path) -> Result<(), StoreError> {
        self.with(|connection| copy_database(connection, to))
    }
}

/// Puts a backup in the place of the store in `state_dir`. The store it replaces is kept beside it
/// as `store.db.replaced`.
///
/// # Errors
/// When a process runs on the folder, the backup is not a store this program reads, or a file
/// cannot be written. The store is unchanged then.
pub fn restore(state_dir: &Path, from: &Path) -> Result<(), StoreError> {
    let _lock = StateLock::take(state_dir)?;
    let backup = open_reader(from)?;
    let database = database_path(state_dir);
    let incoming = beside(&database, ".incoming");
    copy_database(&backup, &incoming)?;
    if database.exists() {
        // Fold the write-ahead log in, so that the one file is the whole store.
        let old = Connection::open(&database)?;
        old.pragma_update(None, "journal_mode", "DELETE")?;
        drop(old);
        rename(&database, &beside(&database, ".replaced"))?;
    }
    rename(&incoming, &database)
}

/// Deletes the store in `state_dir` and what belongs to it, if there is one. Everything else in the
/// folder stays.
///
/// # Errors
/// When a process runs on the folder or a file cannot be removed.
pub fn discard(state_dir: &Path) -> Result<(), StoreError> {
    let _lock = StateLock::take(state_dir)?;
    let database = database_path(state_dir);
    for suffix in ["-wal", "-shm", ""] {
        let file = beside(&database, suffix);
        match fs::remove_file(&file) {
            Err(source) if source.kind() != std::io::ErrorKind::NotFound => {
                return Err(file_error("remove", &file)(source));
            }
            _ => {}
        }
    }
    Ok(())
}

/// Copies page by page what `connection` sees, flushes it, and only then gives it its name.
pub(crate) fn copy_database(connection: &Connection, to: &Path) -> Result<(), StoreError> {
    let partial = beside(to, ".partial");
    if partial.exists() {
        fs::remove_file(&partial).map_err(file_error("remove", &partial))?;
    }
    let mut target = Connection::open(&partial)?;
    Backup::new(connection, &mut target)?.run_to_completion(
        PAGES_PER_STEP,
        Duration::ZERO,
        None,
    )?;
    // One file that stands alone, without a write-ahead log beside it.
    target.pragma_update(None, "journal_mode", "DELETE")?;
    drop(target);
    File::open(&partial).and_then(|file| file.sync_all()).map_err(file_error("flush", &partial))?;
    rename(&partial, to)
}

fn rename(from: &Path, to: &Path) -> Result<(), StoreError> {
    fs::rename(from, to).map_err(file_error("replace", to))
}

fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    name.into()
}

fn file_error(action: &'static str, path: &Path) -> impl FnOnce(std::io::Error) -> StoreError {
    let path = path.to_owned();
    move |source| StoreError::File { action, path, source }
}
