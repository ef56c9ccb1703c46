//! Replayed files: a command on the box hands over the lines of a file, over RELP on a Unix socket,
//! so that it hears of each line when it is safe and waits when we are slow.

use std::fs;
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Semaphore;
use tokio::time::sleep;
use tokio_util::task::TaskTracker;
use vedette_event::Peer;

use crate::IngestError;
use crate::session::Session;

/// Files replayed at once; further commands wait. One already keeps the disk busy.
const IMPORTS: usize = 4;

/// Only the owner of the state folder may put lines into the past of the box.
const MODE: u32 = 0o600;

/// Rest after a failed accept (no file descriptor left), so that it cannot spin.
const ERROR_PAUSE: Duration = Duration::from_millis(100);

/// A listening socket; its file goes with it.
pub(crate) struct ImportListener {
    socket: UnixListener,
    path: PathBuf,
}

impl Drop for ImportListener {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.path);
    }
}

impl ImportListener {
    /// Opens the socket. The state folder is ours alone: what lies there is left over.
    pub(crate) fn bind(path: &Path) -> Result<Self, IngestError> {
        let failed = |source| IngestError::Imports { path: path.to_owned(), source };
        match fs::remove_file(path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(failed(error)),
            _ => {}
        }
        let socket = UnixListener::bind(path).map_err(failed)?;
        fs::set_permissions(path, fs::Permissions::from_mode(MODE)).map_err(failed)?;
        socket.set_nonblocking(true).map_err(failed)?;
        Ok(Self { socket, path: path.to_owned() })
    }
}

/// Serves commands until shutdown.
pub(crate) async fn accept(
    listener: ImportListener,
    session: Session,
    tracker: TaskTracker,
) -> io::Result<()> {
    let socket = tokio::net::UnixListener::from_std(listener.socket.try_clone()?)?;
    let free = Arc::new(Semaphore::new(IMPORTS));
    loop {
        let next = async {
            let place = free.clone().acquire_owned().await;
            (place, socket.accept().await)
        };
        let (place, accepted) = tokio::select! {
            biased;
            () = session.shutdown.cancelled() => return Ok(()),
            next = next => next,
        };
        match accepted {
            Ok((stream, _)) => {
                let session = session.clone();
                tracker.spawn(async move {
                    session.relp(stream, Peer::Local).await;
                    drop(place);
                });
            }
            Err(error) => {
                tracing::warn!(%error, "accepting a replayed file failed");
                sleep(ERROR_PAUSE).await;
            }
        }
    }
}
