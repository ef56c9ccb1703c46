use std::fmt;
use std::io::{self, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpStream, UdpSocket};
use std::path::Path;
use std::str::FromStr;

use anyhow::{Context, Result};

use super::relp::Relp;
use super::tls;

/// Where to send to, and how: `udp:127.0.0.1:5514`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Target {
    pub(crate) way: Way,
    pub(crate) address: SocketAddr,
}

/// How lines travel.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Way {
    /// A line a datagram
    Udp,
    /// Lines ended by LF
    Tcp,
    /// The same inside TLS
    Tls,
    /// Lines that are acknowledged
    Relp,
}

impl Way {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Udp => "udp",
            Self::Tcp => "tcp",
            Self::Tls => "tls",
            Self::Relp => "relp",
        }
    }
}

impl fmt::Display for Way {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Target {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (way, address) = text.split_once(':').ok_or("write it as udp:127.0.0.1:5514")?;
        let ways = [Way::Udp, Way::Tcp, Way::Tls, Way::Relp];
        let way = ways.into_iter().find(|known| known.as_str() == way);
        let way = way.ok_or("it begins with udp, tcp, tls or relp")?;
        let address = address.parse().map_err(|error| format!("{address:?}: {error}"))?;
        Ok(Self { way, address })
    }
}

/// One way to the receiver.
pub(crate) enum Connection {
    Datagrams(UdpSocket),
    Lines(Lines),
    Relp(Relp),
}

/// A stream of lines ended by LF, written a burst at a time.
pub(crate) struct Lines {
    stream: Box<dyn Stream>,
    burst: Vec<u8>,
}

/// What lines can be written to, and closed in order.
pub(super) trait Stream: Write {
    /// Says that no more comes.
    fn close(&mut self) -> io::Result<()>;
}

impl Stream for TcpStream {
    fn close(&mut self) -> io::Result<()> {
        self.shutdown(std::net::Shutdown::Write)
    }
}

impl Connection {
    /// Opens one; each socket for datagrams has an address of its own, as machines in a network have.
    pub(super) fn open(to: Target, number: u8, trust: Option<&Path>) -> Result<Self> {
        let failed = || format!("cannot reach {} over {}", to.address, to.way);
        Ok(match to.way {
            Way::Udp => {
                let socket =
                    UdpSocket::bind(own_address(to.address, number)).with_context(failed)?;
                socket.connect(to.address).with_context(failed)?;
                Self::Datagrams(socket)
            }
            Way::Tcp => Self::lines(TcpStream::connect(to.address).with_context(failed)?),
            Way::Tls => Self::lines(tls::connect(to.address, trust)?),
            Way::Relp => Self::Relp(Relp::open(to.address).with_context(failed)?),
        })
    }

    fn lines(stream: impl Stream + 'static) -> Self {
        Self::Lines(Lines { stream: Box::new(stream), burst: Vec::new() })
    }

    /// Takes a line; what travels on a stream goes out at the next flush.
    pub(super) fn send(&mut self, number: u64, line: &[u8]) -> io::Result<()> {
        match self {
            Self::Datagrams(socket) => socket.send(line).map(drop),
            Self::Lines(lines) => {
                lines.burst.extend_from_slice(line);
                lines.burst.push(b'\n');
                Ok(())
            }
            Self::Relp(relp) => relp.send(number, line),
        }
    }

    pub(super) fn flush(&mut self) -> io::Result<()> {
        match self {
            Self::Datagrams(_) => Ok(()),
            Self::Lines(lines) => {
                lines.stream.write_all(&lines.burst)?;
                lines.burst.clear();
                lines.stream.flush()
            }
            Self::Relp(relp) => relp.flush(),
        }
    }

    /// Ends in order: nothing that was sent is taken back.
    pub(super) fn finish(&mut self) -> io::Result<()> {
        match self {
            Self::Datagrams(_) => Ok(()),
            Self::Lines(lines) => lines.stream.close(),
            Self::Relp(relp) => relp.finish(),
        }
    }

    /// Lines without an acknowledgement, where there is such a thing.
    pub(super) fn unacknowledged(&mut self) -> Option<Vec<u64>> {
        match self {
            Self::Relp(relp) => Some(relp.unacknowledged()),
            _ => None,
        }
    }
}

/// On this machine 127.0.1.1 and on, all of 127/8 being it (RFC 1122, section 3.2.1.3); elsewhere the
/// system's choice.
fn own_address(to: SocketAddr, number: u8) -> SocketAddr {
    match to {
        SocketAddr::V4(to) if to.ip().is_loopback() => {
            (Ipv4Addr::new(127, 0, 1, number.saturating_add(1)), 0).into()
        }
        SocketAddr::V4(_) => (Ipv4Addr::UNSPECIFIED, 0).into(),
        SocketAddr::V6(_) => (std::net::Ipv6Addr::UNSPECIFIED, 0).into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn targets_are_read() {
        for (text, way) in [
            ("udp:127.0.0.1:5514", Some(Way::Udp)),
            ("relp:[::1]:20514", Some(Way::Relp)),
            ("127.0.0.1:5514", None),
            ("tcp:localhost:5514", None),
            ("tcp", None),
        ] {
            assert_eq!(text.parse().ok().map(|target: Target| target.way), way, "{text}");
        }
    }
}
