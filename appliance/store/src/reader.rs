use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use rusqlite::Connection;

use crate::StoreError;
use crate::schema::{database_path, open_reader};

/// Idle connections kept for the next reader; more at once are opened and closed again.
const IDLE_CONNECTIONS: usize = 4;

/// Read access to a store, in the process that owns it or any other. Clones share a few read-only
/// connections; each call sees the last commit. The functions for the single tables stand in their
/// modules.
#[derive(Clone, Debug)]
pub struct Reader {
    pool: Arc<Pool>,
}

#[derive(Debug)]
struct Pool {
    path: PathBuf,
    idle: Mutex<Vec<Connection>>,
}

impl Reader {
    /// Opens the store in `state_dir` for reading.
    ///
    /// # Errors
    /// When there is none, or this program cannot read its schema.
    pub fn open(state_dir: &Path) -> Result<Self, StoreError> {
        let path = database_path(state_dir);
        let first = open_reader(&path)?;
        Ok(Self { pool: Arc::new(Pool { path, idle: Mutex::new(vec![first]) }) })
    }

    /// The database file.
    pub fn path(&self) -> &Path {
        &self.pool.path
    }

    /// Lends a connection of the pool for one piece of work.
    pub(crate) fn with<T>(
        &self,
        work: impl FnOnce(&mut Connection) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        let idle = || self.pool.idle.lock().unwrap_or_else(PoisonError::into_inner);
        let kept = idle().pop();
        let mut connection = match kept {
            Some(connection) => connection,
            None => open_reader(&self.pool.path)?,
        };
        let answer = work(&mut connection);
        let mut idle = idle();
        if idle.len() < IDLE_CONNECTIONS {
            idle.push(connection);
        }
        answer
    }
}
