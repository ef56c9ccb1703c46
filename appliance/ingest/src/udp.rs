use std::io;
use std::net::{SocketAddr, UdpSocket};
use std::time::Duration;

use crate::intake::{Gate, canonical};
use crate::kernel::DropGauge;
use tokio::time::{MissedTickBehavior, interval, sleep};
use tokio_util::sync::CancellationToken;
use vedette_event::Peer;

/// The longest datagram there is (its length field has 16 bits), so that none is cut unnoticed.
const DATAGRAM_MAX: usize = 65_535;

/// How often the kernel is asked for its losses: soon enough for a person who watches.
const GAUGE_INTERVAL: Duration = Duration::from_secs(1);

/// Rest after an error of the socket, so that a broken one cannot spin.
const ERROR_PAUSE: Duration = Duration::from_millis(100);

/// Datagrams read at most while stopping: more than the largest buffer holds, so that all that came
/// before the end is counted and a flood cannot put the end off.
const DRAIN_DATAGRAMS: usize = 1 << 20;

/// A UDP socket that is open but not yet read.
pub(crate) struct UdpListener {
    pub(crate) socket: UdpSocket,
    pub(crate) gauge: DropGauge,
}

/// Receives until shutdown, then empties the socket's buffer.
pub(crate) async fn receive(
    listener: UdpListener,
    gate: Gate,
    max_frame: usize,
    shutdown: CancellationToken,
) -> io::Result<()> {
    let UdpListener { socket, mut gauge } = listener;
    let socket = tokio::net::UdpSocket::from_std(socket)?;
    let mut buffer = vec![0; DATAGRAM_MAX];
    let mut gauge_time = interval(GAUGE_INTERVAL);
    gauge_time.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            biased;
            () = shutdown.cancelled() => break,
            _ = gauge_time.tick() => gate.dropped_by_kernel(gauge.take()),
            received = socket.recv_from(&mut buffer) => match received {
                Ok((length, peer)) => {
                    let (bytes, truncated) = cut(&buffer[..length], max_frame);
                    gate.offer(bytes, canonical(peer), truncated);
                }
                Err(error) => {
                    tracing::warn!(%error, "receiving over UDP failed");
                    sleep(ERROR_PAUSE).await;
                }
            },
        }
    }
    let socket = socket.into_std()?;
    for _ in 0..DRAIN_DATAGRAMS {
        // Straight from the socket: the runtime's idea of readiness may lag behind.
        let Ok((length, peer)) = next_datagram(&socket, &mut buffer) else { break };
        let (bytes, truncated) = cut(&buffer[..length], max_frame);
        gate.deliver((bytes, truncated), Peer::Network(canonical(peer)), None).await;
    }
    gate.dropped_by_kernel(gauge.take());
    Ok(())
}

fn next_datagram(socket: &UdpSocket, buffer: &mut [u8]) -> io::Result<(usize, SocketAddr)> {
    loop {
        match socket.recv_from(buffer) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            result => return result,
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
