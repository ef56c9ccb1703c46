use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use rusqlite::Connection;
use vedette_event::EventId;

use crate::StoreError;
use crate::block::Block;
use crate::catalog::Entry;
use crate::schema::{database_path, open_reader};
use crate::segment::Segments;

/// Idle connections kept for the next reader; more at once are opened and closed again.
const IDLE_CONNECTIONS: usize = 4;

/// Blocks kept for the next reader, a few megabytes: the lines of one page or one incident often lie
/// in the same ones.
const KEPT_BLOCKS: usize = 4;

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
    segments: Segments,
    idle: Mutex<Vec<Connection>>,
    /// Blocks of segments by where they lie, the one used last at the end.
    blocks: Mutex<Vec<(Entry, Arc<Block>)>>,
    open: Mutex<Option<Arc<Block>>>,
}

impl Reader {
    /// Opens the store in `state_dir` for reading.
    ///
    /// # Errors
    /// When there is none, or this program cannot read its schema.
    pub fn open(state_dir: &Path) -> Result<Self, StoreError> {
        let path = database_path(state_dir);
        let first = open_reader(&path)?;
        let pool = Pool {
            path,
            segments: Segments::of(state_dir),
            idle: Mutex::new(vec![first]),
            blocks: Mutex::default(),
            open: Mutex::default(),
        };
        Ok(Self { pool: Arc::new(pool) })
    }

    /// The database file.
    pub fn path(&self) -> &Path {
        &self.pool.path
    }

    pub(crate) fn segments(&self) -> &Segments {
        &self.pool.segments
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

    /// A block of a segment. One that cannot be read is told in the log: its neighbours are there.
    pub(crate) fn block(&self, entry: &Entry) -> Result<Arc<Block>, StoreError> {
        let blocks = || self.pool.blocks.lock().unwrap_or_else(PoisonError::into_inner);
        let known = blocks().iter().position(|(known, _)| known == entry);
        if let Some(index) = known {
            let mut blocks = blocks();
            // Somebody else may have moved it since; then it is read again.
            if blocks.get(index).is_some_and(|(known, _)| known == entry) {
                let kept = blocks.remove(index);
                let block = Arc::clone(&kept.1);
                blocks.push(kept);
                return Ok(block);
            }
        }
        let block = self.read_block(entry)?;
        let mut blocks = blocks();
        if blocks.len() >= KEPT_BLOCKS {
            blocks.remove(0);
        }
        blocks.push((*entry, Arc::clone(&block)));
        Ok(block)
    }

    /// The same without keeping it.
    pub(crate) fn read_block(&self, entry: &Entry) -> Result<Arc<Block>, StoreError> {
        match self.pool.segments.block(entry.place) {
            Ok(block) => Ok(Arc::new(block)),
            Err(error) => {
                let why: &dyn std::error::Error = &error;
                tracing::warn!(error = why, lines = entry.count, "log lines cannot be read");
                Err(error)
            }
        }
    }

    /// The block in the making, if it still holds just the lines from `first` to `last`.
    pub(crate) fn cached_open(&self, first: EventId, last: EventId) -> Option<Arc<Block>> {
        let open = self.pool.open.lock().unwrap_or_else(PoisonError::into_inner);
        open.as_ref().filter(|block| block.id(0) == first && block.last() == Some(last)).cloned()
    }

    pub(crate) fn cache_open(&self, block: Block) -> Arc<Block> {
        let block = Arc::new(block);
        *self.pool.open.lock().unwrap_or_else(PoisonError::into_inner) = Some(Arc::clone(&block));
        block
    }
}
