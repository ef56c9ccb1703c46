//! Copies of the whole store in one file: backups, snapshots before a migration, and the way back.
//!
//! A backup is a copy of the database with one more table, which holds the frames of the segments.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::backup::Backup;
use rusqlite::{Connection, params};
use vedette_event::EventId;

use crate::catalog::all_blocks;
use crate::lock::StateLock;
use crate::schema::{database_path, open_reader};
use crate::segment::{Place, Segments};
use crate::{Reader, StoreError};

/// Pages copied at a time: 4 MiB, so that the writer is never held up for long.
const PAGES_PER_STEP: i32 = 1024;

/// The table of the frames in a backup.
const PACKED: &str = "packed_frames";

impl Reader {
    /// Writes a consistent copy of the store to a new file while the store runs.
    ///
    /// # Errors
    /// When the file cannot be written or the store cannot be read.
    pub fn backup(&self, to: &Path) -> Result<(), StoreError> {
        self.with(|connection| copy_database(connection, to, |copy| pack(copy, self.segments())))
    }
}

/// Puts a backup in the place of the store in `state_dir`. The store it replaces is kept beside it
/// as `store.db.replaced` and `segments.replaced`.
///
/// # Errors
/// When a process runs on the folder, the backup is not a store this program reads, or a file
/// cannot be written. The store is unchanged then.
pub fn restore(state_dir: &Path, from: &Path) -> Result<(), StoreError> {
    let _lock = StateLock::take(state_dir)?;
    let backup = open_reader(from)?;
    let database = database_path(state_dir);
    let segments = Segments::of(state_dir);
    let incoming = beside(&database, ".incoming");
    let incoming_segments = segments.beside(".incoming");
    remove_folder(incoming_segments.folder())?;
    incoming_segments.create()?;
    copy_database(&backup, &incoming, |copy| unpack(copy, &incoming_segments))?;
    if database.exists() {
        // Fold the write-ahead log in, so that the one file is the whole database.
        let old = Connection::open(&database)?;
        old.pragma_update(None, "journal_mode", "DELETE")?;
        drop(old);
        rename(&database, &beside(&database, ".replaced"))?;
    }
    if segments.folder().exists() {
        let replaced = segments.beside(".replaced");
        remove_folder(replaced.folder())?;
        rename(segments.folder(), replaced.folder())?;
    }
    rename(incoming_segments.folder(), segments.folder())?;
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
    remove_folder(Segments::of(state_dir).folder())?;
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

/// Copies page by page what `connection` sees, lets `finish` work on the copy, flushes it, and only
/// then gives it its name.
pub(crate) fn copy_database(
    connection: &Connection,
    to: &Path,
    finish: impl FnOnce(&Connection) -> Result<(), StoreError>,
) -> Result<(), StoreError> {
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
    finish(&target)?;
    drop(target);
    File::open(&partial).and_then(|file| file.sync_all()).map_err(file_error("flush", &partial))?;
    rename(&partial, to)
}

/// Adds the frames of all blocks that the copy knows. One that cannot be read is left out: the others
/// are worth the backup.
fn pack(copy: &Connection, segments: &Segments) -> Result<(), StoreError> {
    copy.execute_batch(&format!(
        "CREATE TABLE {PACKED} (segment INTEGER NOT NULL, offset INTEGER NOT NULL, \
         frame BLOB NOT NULL) STRICT"
    ))?;
    let sql = format!("INSERT INTO {PACKED} VALUES (?, ?, ?)");
    let transaction = copy.unchecked_transaction()?;
    for entry in all_blocks(copy)? {
        let Place { segment, offset } = entry.place;
        match segments.frame(entry.place) {
            Ok((_, frame)) => {
                let place = (segment.0.cast_signed(), offset.cast_signed());
                transaction.prepare_cached(&sql)?.execute(params![place.0, place.1, frame])?;
            }
            Err(error) => {
                let error: &dyn std::error::Error = &error;
                tracing::warn!(error, lines = entry.count, "log lines are left out of the backup");
            }
        }
    }
    Ok(transaction.commit()?)
}

/// Writes the frames of a backup into segments again. A copy from before there were any has none.
fn unpack(copy: &Connection, segments: &Segments) -> Result<(), StoreError> {
    if !copy.table_exists(None, PACKED)? {
        return Ok(());
    }
    {
        let mut statement =
            copy.prepare(&format!("SELECT segment, offset, frame FROM {PACKED}"))?;
        let mut rows = statement.query([])?;
        while let Some(row) = rows.next()? {
            let number = |column| Ok::<_, StoreError>(row.get::<_, i64>(column)?.cast_unsigned());
            let place = Place { segment: EventId(number(0)?), offset: number(1)? };
            segments.put(place, row.get_ref(2)?.as_blob().map_err(rusqlite::Error::from)?)?;
        }
    }
    Ok(copy.execute_batch(&format!("DROP TABLE {PACKED}; VACUUM;"))?)
}

fn rename(from: &Path, to: &Path) -> Result<(), StoreError> {
    fs::rename(from, to).map_err(file_error("replace", to))
}

fn remove_folder(folder: &Path) -> Result<(), StoreError> {
    match fs::remove_dir_all(folder) {
        Err(source) if source.kind() != std::io::ErrorKind::NotFound => {
            Err(file_error("remove", folder)(source))
        }
        _ => Ok(()),
    }
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
