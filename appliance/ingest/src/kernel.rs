//! What only the kernel knows of a UDP socket: its buffer and its losses.

use std::fs;
use std::net::UdpSocket;

use rustix::fs::fstat;
use rustix::net::sockopt;

/// Tables of this process's UDP sockets. By way of `self`, which stays readable where a sandbox hides
/// the rest of `/proc`.
const TABLES: [&str; 2] = ["/proc/self/net/udp", "/proc/self/net/udp6"];

/// Counts the datagrams that the kernel dropped at one socket because its buffer was full.
pub(crate) struct DropGauge {
    inode: u64,
    seen: u64,
}

impl DropGauge {
    /// Starts counting now; what was lost before belongs to an earlier life of the socket.
    pub(crate) fn new(socket: &UdpSocket) -> Self {
        let inode = fstat(socket).map(|stat| stat.st_ino).unwrap_or_default();
        Self { inode, seen: dropped_so_far(inode).unwrap_or_default() }
    }

    /// Losses since the last call; 0 where the system does not tell.
    pub(crate) fn take(&mut self) -> u64 {
        let Some(total) = dropped_so_far(self.inode) else { return 0 };
        let fresh = total.saturating_sub(self.seen);
        self.seen = total;
        fresh
    }
}

fn dropped_so_far(inode: u64) -> Option<u64> {
    TABLES.iter().find_map(|path| find_drops(&fs::read_to_string(path).ok()?, inode))
}

/// Reads the `drops` column of the row of a socket (proc(5), `/proc/net/udp`).
fn find_drops(table: &str, inode: u64) -> Option<u64> {
    /// Columns of a row, "tx:rx" and "tr:when" being one each.
    const INODE: usize = 9;
    table.lines().skip(1).find_map(|row| {
        let mut columns = row.split_ascii_whitespace();
        let found: u64 = columns.nth(INODE)?.parse().ok()?;
        (found == inode).then(|| columns.last()?.parse().ok()).flatten()
    })
}

/// Raises the receive buffer of a socket to `wanted` bytes, past the system's limit where privileged,
/// and never lowers it. Returns what the socket has then.
pub(crate) fn raise_receive_buffer(socket: &UdpSocket, wanted: usize) -> usize {
    if receive_buffer(socket) < wanted {
        let forced = sockopt::set_socket_recv_buffer_size_force(socket, wanted);
        if forced.is_err() {
            // Capped silently at net.core.rmem_max; what was got is read back below.
            let _ = sockopt::set_socket_recv_buffer_size(socket, wanted);
        }
    }
    receive_buffer(socket)
}

/// The buffer in the measure in which it is asked for: Linux doubles it for its own bookkeeping and
/// reports the double (socket(7)).
fn receive_buffer(socket: &UdpSocket) -> usize {
    sockopt::socket_recv_buffer_size(socket).unwrap_or_default() / 2
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn drops_are_read_from_the_row_of_the_socket() {
        let table = "   sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode ref pointer drops\n\
             8: 0100007F:158A 00000000:0000 07 00000000:00000000 00:00000000 00000000     0        0 4711 2 0000000000000000 0\n\
             9: 0100007F:158B 00000000:0000 07 00000000:00000000 00:00000000 00000000     0        0 4712 2 0000000000000000 37\n\
             garbage\n";
        for (inode, drops) in [(4711, Some(0)), (4712, Some(37)), (4713, None)] {
            assert_eq!(find_drops(table, inode), drops);
        }
    }
}
