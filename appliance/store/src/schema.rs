//! Opening the database file, and bringing it to this program's schema.

use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::{Connection, OpenFlags};

use crate::StoreError;

/// Name of the database in the state folder.
const DATABASE: &str = "store.db";

/// Migration `n` (from 1) leads from schema `n - 1` to `n`. A migration takes away no table and no
/// column, and adds columns with defaults only, because the program one version older must still run on its result.
const MIGRATIONS: &[&str] = &[
    include_str!("schema/0001.sql"),
    include_str!("schema/0002.sql"),
    include_str!("schema/0003.sql"),
];

/// The schema this program writes.
pub const SCHEMA_VERSION: u32 = MIGRATIONS.len() as u32;

/// How many schema versions ahead of this program a store may be: an update that was rolled back
/// leaves it one ahead.
const TOLERATED_AHEAD: u32 = 1;

/// How long a connection waits for a lock before it gives up; locks are held for single commits and
/// checkpoints only.
const BUSY_TIMEOUT: Duration = Duration::from_secs(10);

/// Size to which the write-ahead log is cut back after a burst, in bytes.
const WAL_LIMIT: i64 = 64 << 20;

/// Page cache of the writer in KiB: the upper levels of the indexes fit.
const WRITER_CACHE_KIB: i64 = 16 << 10;

/// Statements a connection keeps prepared; more than any caller here has.
const STATEMENT_CACHE: usize = 64;

pub(crate) fn database_path(state_dir: &Path) -> PathBuf {
    state_dir.join(DATABASE)
}

/// Opens for writing, creating and migrating as needed. The caller holds the lock.
pub(crate) fn open_writer(path: &Path) -> Result<Connection, StoreError> {
    let mut connection = Connection::open(path)?;
    connection.busy_timeout(BUSY_TIMEOUT)?;
    connection.set_prepared_statement_cache_capacity(STATEMENT_CACHE);
    // Space of deleted lines goes back to the file system; must come before the first table.
    connection.pragma_update(None, "auto_vacuum", "INCREMENTAL")?;
    connection.pragma_update(None, "journal_mode", "WAL")?;
    connection.pragma_update(None, "synchronous", "FULL")?;
    connection.pragma_update(None, "foreign_keys", true)?;
    connection.pragma_update(None, "journal_size_limit", WAL_LIMIT)?;
    connection.pragma_update(None, "cache_size", -WRITER_CACHE_KIB)?;
    migrate(&mut connection, path, MIGRATIONS)?;
    Ok(connection)
}

/// The write-ahead log of a database.
pub(crate) fn log_path(database: &Path) -> PathBuf {
    let mut name = database.as_os_str().to_owned();
    name.push("-wal");
    name.into()
}

/// Has commits wait for the disk no longer, and leaves copying the log to others: see `flush`.
pub(crate) fn commit_without_waiting(connection: &Connection) -> Result<(), StoreError> {
    connection.pragma_update(None, "synchronous", "NORMAL")?;
    Ok(connection.pragma_update_and_check(None, "wal_autocheckpoint", 0, |_| Ok(()))?)
}

/// Opens for copying the log into the database.
pub(crate) fn open_checkpointer(path: &Path) -> Result<Connection, StoreError> {
    let connection = Connection::open(path)?;
    connection.pragma_update(None, "synchronous", "NORMAL")?;
    Ok(connection)
}

/// Opens for reading only.
pub(crate) fn open_reader(path: &Path) -> Result<Connection, StoreError> {
    if !path.exists() {
        return Err(StoreError::Missing(path.parent().unwrap_or(path).to_owned()));
    }
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags)?;
    connection.busy_timeout(BUSY_TIMEOUT)?;
    connection.set_prepared_statement_cache_capacity(STATEMENT_CACHE);
    connection.pragma_update(None, "query_only", true)?;
    let found = version(&connection)?;
    refuse_newer(path, found, SCHEMA_VERSION)?;
    if found < SCHEMA_VERSION {
        return Err(StoreError::TooOld { path: path.to_owned(), found, needed: SCHEMA_VERSION });
    }
    Ok(connection)
}

pub(crate) fn version(connection: &Connection) -> Result<u32, StoreError> {
    Ok(connection.pragma_query_value(None, "user_version", |row| row.get(0))?)
}

fn refuse_newer(path: &Path, found: u32, own: u32) -> Result<(), StoreError> {
    let newest = own + TOLERATED_AHEAD;
    if found > newest {
        return Err(StoreError::TooNew { path: path.to_owned(), found, newest });
    }
    Ok(())
}

/// Runs the migrations the file has not seen, all in one transaction, after a snapshot of the file.
fn migrate(
    connection: &mut Connection,
    path: &Path,
    migrations: &[&str],
) -> Result<(), StoreError> {
    let found = version(connection)?;
    let own = migrations.len() as u32;
    refuse_newer(path, found, own)?;
    if found >= own {
        return Ok(());
    }
    if found > 0 {
        snapshot(connection, path, found)?;
    }
    let failed = |source| StoreError::Migration { to: own, source };
    let transaction = connection.transaction().map_err(failed)?;
    for migration in &migrations[found as usize..] {
        transaction.execute_batch(migration).map_err(failed)?;
    }
    transaction.pragma_update(None, "user_version", own).map_err(failed)?;
    transaction.commit().map_err(failed)
}

/// Copies the database to `store.db.schema-N`, so that a program that knows only schema N can go
/// back to it.
fn snapshot(connection: &Connection, path: &Path, found: u32) -> Result<(), StoreError> {
    let mut name = path.as_os_str().to_owned();
    name.push(format!(".schema-{found}"));
    crate::backup::copy_database(connection, Path::new(&name), |_| Ok(()))
}

#[cfg(test)]
mod tests {
    use vedette_event::EventId;
    use vedette_telemetry::Registry;

    use super::*;
    use crate::testing::{open, record};
    use crate::{Options, Reader, Store};

    fn set_version(folder: &Path, version: u32) {
        let connection = Connection::open(database_path(folder)).unwrap();
        connection.pragma_update(None, "user_version", version).unwrap();
    }

    fn filled() -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        let (store, _) = open(folder.path());
        store.writer().append(record("kept")).unwrap();
        store.close().unwrap();
        folder
    }

    #[test]
    fn only_schemas_it_understands_are_opened() {
        for (ahead, opens) in [(0, true), (1, true), (2, false)] {
            let folder = filled();
            set_version(folder.path(), SCHEMA_VERSION + ahead);
            let store = Store::open(folder.path(), Options::default(), &Registry::default());
            assert_eq!(store.is_ok(), opens, "{ahead} ahead: {store:?}");
            drop(store);
            assert_eq!(Reader::open(folder.path()).is_ok(), opens, "{ahead} ahead");
        }
        let folder = filled();
        set_version(folder.path(), SCHEMA_VERSION - 1);
        let older = Reader::open(folder.path());
        assert!(matches!(older, Err(StoreError::TooOld { .. })), "{older:?}");
    }

    #[test]
    fn a_migration_leaves_a_snapshot_of_what_was_before() {
        let folder = filled();
        let path = database_path(folder.path());
        let mut migrations = MIGRATIONS.to_vec();
        migrations.push("ALTER TABLE events ADD COLUMN extra TEXT; DELETE FROM events;");
        let mut connection = Connection::open(&path).unwrap();
        migrate(&mut connection, &path, &migrations).unwrap();
        assert_eq!(version(&connection).unwrap(), SCHEMA_VERSION + 1);
        drop(connection);

        let snapshot = folder.path().join(format!("store.db.schema-{SCHEMA_VERSION}"));
        crate::restore(folder.path(), &snapshot).unwrap();
        let reader = Reader::open(folder.path()).unwrap();
        assert_eq!(reader.event(EventId(1)).unwrap(), Some(record("kept")));
        assert_eq!(reader.counts().unwrap().schema, SCHEMA_VERSION);
    }

    #[test]
    fn a_migration_that_fails_changes_nothing() {
        let folder = filled();
        let path = database_path(folder.path());
        let mut migrations = MIGRATIONS.to_vec();
        migrations.push("DELETE FROM events; SELECT no_such_function();");
        let mut connection = Connection::open(&path).unwrap();
        let failed = migrate(&mut connection, &path, &migrations);
        assert!(matches!(failed, Err(StoreError::Migration { .. })), "{failed:?}");
        drop(connection);
        let (store, _) = open(folder.path());
        assert_eq!(store.reader().counts().unwrap().events, 1);
    }
}
