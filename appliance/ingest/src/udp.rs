use std::io;
use std::net::{SocketAddr, UdpSocket};
use std::thread::sleep;
use std::time::{Duration, Instant};

use rustix::io::Errno;
use rustix::net::{RecvFlags, recvfrom};
use tokio_util::sync::CancellationToken;

use crate::intake::{Datagram, Gate, canonical};
use crate::kernel::DropGauge;
use crate::overflow::Overflow;

/// The longest datagram there is (its length field has 16 bits), so that none is cut unnoticed.
pub(crate) const DATAGRAM_MAX: usize = 65_535;

/// Datagrams handed in together: enough to share the cost of handing in, few enough that what keeps
/// the accounts locked is over in some microseconds.
pub(crate) const BURST: usize = 64;

/// Rest after the socket was emptied. Being woken for each datagram costs more than reading it; what
/// comes meanwhile waits in the kernel's buffer.
const REST: Duration = Duration::from_millis(1);

/// The smallest receive buffer that is sure to hold what comes during a rest, at any rate that the
/// box can read.
const RESTFUL_BUFFER: usize = 1 << 20;

/// How long to wait for a datagram before looking at whether to stop.
const WAIT: Duration = Duration::from_millis(100);

/// How often the kernel is asked for its losses: soon enough for a person who watches.
const GAUGE_INTERVAL: Duration = Duration::from_secs(1);

/// Rest after an error of the socket, so that a broken one cannot spin.
const ERROR_PAUSE: Duration = Duration::from_millis(100);

/// Bursts read at most while stopping: more than the largest buffer holds, so that all that came before
/// the end is counted and a flood cannot put the end off.
const DRAIN_BURSTS: usize = (1 << 20) / BURST;

/// A UDP socket that is open but not yet read.
pub(crate) struct UdpListener {
    pub(crate) socket: UdpSocket,
    pub(crate) gauge: DropGauge,
    /// Bytes of its receive buffer.
    pub(crate) buffer: usize,
}

/// Receives until shutdown, then empties the socket's buffer. Blocks: a thread of its own spares every
/// datagram the way through the runtime, and others' work the flood.
pub(crate) fn receive(
    listener: UdpListener,
    gate: &Gate,
    overflow: &Overflow,
    (max_frame, shutdown): (usize, &CancellationToken),
) -> io::Result<()> {
    let UdpListener { socket, mut gauge, buffer } = listener;
    // Between bursts it waits in the socket, within bursts each read says whether to.
    socket.set_nonblocking(false)?;
    socket.set_read_timeout(Some(WAIT))?;
    let mut inbox = Inbox { socket, buffer: vec![0; DATAGRAM_MAX], max_frame };
    let mut burst = Vec::with_capacity(BURST);
    let mut asked = Instant::now();
    let mut flags = RecvFlags::empty();
    while !shutdown.is_cancelled() && !gate.is_closed() {
        let full = overflow.is_full();
        let emptied = full
            || inbox.take(&mut burst, flags).unwrap_or_else(|error| {
                tracing::warn!(%error, "receiving over UDP failed");
                sleep(ERROR_PAUSE);
                true
            });
        let quiet = burst.is_empty() && !full;
        gate.take_in(&mut burst, overflow);
        if asked.elapsed() >= GAUGE_INTERVAL {
            asked = Instant::now();
            gate.dropped_by_kernel(gauge.take());
        }
        if emptied && (full || !quiet && buffer >= RESTFUL_BUFFER) {
            sleep(REST);
        }
        flags = if quiet { RecvFlags::empty() } else { RecvFlags::DONTWAIT };
    }
    for _ in 0..DRAIN_BURSTS {
        while overflow.is_full() && !gate.is_over() {
            sleep(REST);
        }
        let emptied = inbox.take(&mut burst, RecvFlags::DONTWAIT).unwrap_or(true);
        gate.take_in(&mut burst, overflow);
        if emptied {
            break;
        }
    }
    gate.dropped_by_kernel(gauge.take());
    Ok(())
}

/// A socket and what is read into.
struct Inbox {
    socket: UdpSocket,
    buffer: Vec<u8>,
    max_frame: usize,
}

impl Inbox {
    /// Adds what is there, up to a burst; whether that was all. `flags` say whether to wait for the
    /// first.
    fn take(&mut self, burst: &mut Vec<Datagram>, flags: RecvFlags) -> io::Result<bool> {
        let mut flags = flags;
        while burst.len() < BURST {
            let Some(datagram) = self.next(flags)? else { return Ok(true) };
            burst.push(datagram);
            flags = RecvFlags::DONTWAIT;
        }
        Ok(false)
    }

    fn next(&mut self, flags: RecvFlags) -> io::Result<Option<Datagram>> {
        loop {
            match recvfrom(&self.socket, &mut self.buffer, flags) {
                Ok((_, length, peer)) => {
                    let peer = peer.and_then(|peer| SocketAddr::try_from(peer).ok());
                    let Some(peer) = peer else { continue };
                    let (bytes, truncated) = cut(&self.buffer[..length], self.max_frame);
                    return Ok(Some(Datagram { bytes, truncated, peer: canonical(peer) }));
                }
                Err(Errno::INTR) => {}
                Err(Errno::AGAIN) => return Ok(None),
                Err(error) => return Err(error.into()),
            }
        }
    }
}

/// The message without one trailing LF or CRLF, at most `max` bytes of it, and whether that cut it.
pub(crate) fn cut(datagram: &[u8], max: usize) -> (Vec<u8>, bool) {
    let message = match datagram.strip_suffix(b"\n") {
        Some(line) => line.strip_suffix(b"\r").unwrap_or(line),
        None => datagram,
    };
    (message[..message.len().min(max)].to_vec(), message.len() > max)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn datagrams_lose_one_line_end_and_what_is_too_long() {
        for (datagram, max, message, truncated) in [
            ("<13>a", 10, "<13>a", false),
            ("<13>a\n", 10, "<13>a", false),
            ("<13>a\r\n", 10, "<13>a", false),
            ("<13>a\n\n", 10, "<13>a\n", false),
            ("<13>a\r", 10, "<13>a\r", false),
            ("12345\n", 5, "12345", false),
            ("123456", 5, "12345", true),
            ("\n", 5, "", false),
            ("", 5, "", false),
        ] {
            assert_eq!(cut(datagram.as_bytes(), max), (message.into(), truncated), "{datagram:?}");
        }
    }
}
