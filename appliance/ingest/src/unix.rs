//! Datagrams from processes on the box, as syslog(3) sends them to `/dev/log`.

use std::fs;
use std::io;
use std::os::unix::fs::{FileTypeExt, PermissionsExt};
use std::os::unix::net::UnixDatagram;
use std::path::{Path, PathBuf};
use std::time::Duration;

use tokio::time::sleep;
use tokio_util::sync::CancellationToken;
use vedette_event::Peer;

use crate::IngestError;
use crate::intake::Gate;
use crate::udp::cut;

/// The longest datagram read: Linux sends no longer one than its default send buffer (212,992 bytes).
const DATAGRAM_MAX: usize = 212_992;

/// Rest after an error of the socket, so that a broken one cannot spin.
const ERROR_PAUSE: Duration = Duration::from_millis(100);

/// Datagrams read at most while stopping: more than a socket's queue holds by default (10).
const DRAIN_DATAGRAMS: usize = 4_096;

/// Every process may log, as everywhere.
const MODE: u32 = 0o666;

/// A socket that is open but not yet read; its file goes with it.
pub(crate) struct UnixListener {
    socket: UnixDatagram,
    pub(crate) path: PathBuf,
}

impl Drop for UnixListener {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.path);
    }
}

impl UnixListener {
    /// Opens a socket at a path; one that a dead process left there gives way.
    pub(crate) fn bind(path: &Path) -> Result<Self, IngestError> {
        let failed = |source| IngestError::Path { path: path.to_owned(), source };
        let is_socket = fs::symlink_metadata(path).is_ok_and(|there| there.file_type().is_socket());
        if is_socket && !is_alive(path) {
            fs::remove_file(path).map_err(failed)?;
        }
        let socket = UnixDatagram::bind(path).map_err(failed)?;
        socket.set_nonblocking(true).map_err(failed)?;
        fs::set_permissions(path, fs::Permissions::from_mode(MODE)).map_err(failed)?;
        Ok(Self { socket, path: path.to_owned() })
    }
}

/// Whether somebody reads from a socket.
fn is_alive(path: &Path) -> bool {
    UnixDatagram::unbound().and_then(|socket| socket.connect(path)).is_ok()
}

/// Receives until shutdown, then empties the socket. A full queue makes the processes wait.
pub(crate) async fn receive(
    listener: UnixListener,
    gate: Gate,
    max_frame: usize,
    shutdown: CancellationToken,
) -> io::Result<()> {
    let socket = tokio::net::UnixDatagram::from_std(listener.socket.try_clone()?)?;
    let mut buffer = vec![0; DATAGRAM_MAX];
    loop {
        tokio::select! {
            biased;
            () = shutdown.cancelled() => break,
            received = socket.recv(&mut buffer) => match received {
                Ok(length) => gate.deliver(cut(&buffer[..length], max_frame), Peer::Local, None).await,
                Err(error) => {
                    tracing::warn!(%error, path = %listener.path.display(), "receiving failed");
                    sleep(ERROR_PAUSE).await;
                }
            },
        }
    }
    for _ in 0..DRAIN_DATAGRAMS {
        let Ok(length) = listener.socket.recv(&mut buffer) else { break };
        gate.deliver(cut(&buffer[..length], max_frame), Peer::Local, None).await;
    }
    Ok(())
}
