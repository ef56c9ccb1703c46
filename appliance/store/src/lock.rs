use std::fs::{self, File, TryLockError};
use std::path::Path;

use crate::StoreError;

const LOCK_FILE: &str = "store.lock";

/// The right to write in a state folder, held as long as this lives. The system lets go of it when
/// the process dies, however it dies.
#[derive(Debug)]
pub(crate) struct StateLock(#[expect(dead_code, reason = "held for its lock")] File);

impl StateLock {
    /// Creates the folder where it is missing and takes the lock.
    pub(crate) fn take(state_dir: &Path) -> Result<Self, StoreError> {
        let failed = |action, path: &Path| {
            let path = path.to_owned();
            move |source| StoreError::File { action, path, source }
        };
        fs::create_dir_all(state_dir).map_err(failed("create state folder", state_dir))?;
        let path = state_dir.join(LOCK_FILE);
        let file = File::options()
            .create(true)
            .truncate(false)
            .write(true)
            .open(&path)
            .map_err(failed("open lock file", &path))?;
        match file.try_lock() {
            Ok(()) => Ok(Self(file)),
            Err(TryLockError::WouldBlock) => Err(StoreError::Locked(state_dir.to_owned())),
            Err(TryLockError::Error(source)) => Err(failed("lock", &path)(source)),
        }
    }
}
