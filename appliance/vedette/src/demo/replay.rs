//! Sends the day's lines over real sockets, each when its time comes.

use std::io::Write as _;
use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpStream, UdpSocket};
use std::thread::sleep;
use std::time::Duration;

use anyhow::{Context, Result};
use time::OffsetDateTime;
use vedette_event::Transport;
use vedette_scenario::{Day, Event};

use crate::clock::Clock;

/// Longest sleep, so that progress is shown while nothing happens.
const NAP: Duration = Duration::from_millis(100);

/// A machine's way to the appliance: its own address on the loopback network, so that sources are
/// told apart as in a real network.
enum Line {
    Udp(UdpSocket, SocketAddr),
    Tcp(TcpStream),
}

impl Line {
    fn open(number: usize, addresses: &[(Transport, SocketAddr)]) -> Result<Self> {
        let own = own_address(number);
        let to = |wanted| addresses.iter().find(|(transport, _)| *transport == wanted);
        // Servers and firewalls speak TCP where they can; the rest of a network speaks UDP.
        let wanted = if number.is_multiple_of(2) { Transport::Tcp } else { Transport::Udp };
        match (wanted, to(Transport::Tcp), to(Transport::Udp)) {
            (Transport::Tcp, Some((_, address)), _) | (_, Some((_, address)), None) => {
                let stream = TcpStream::connect(address);
                Ok(Self::Tcp(stream.with_context(|| format!("cannot connect to {address}"))?))
            }
            (_, _, Some((_, address))) => {
                let socket = UdpSocket::bind((own, 0)).context("cannot open a socket")?;
                Ok(Self::Udp(socket, *address))
            }
            (_, None, None) => anyhow::bail!("the appliance listens nowhere"),
        }
    }

    fn send(&mut self, line: &[u8]) -> Result<()> {
        match self {
            Self::Udp(socket, address) => {
                socket.send_to(line, *address).context("cannot send")?;
            }
            Self::Tcp(stream) => {
                // Octet counting (RFC 6587, section 3.4.1).
                let mut frame = format!("{} ", line.len()).into_bytes();
                frame.extend_from_slice(line);
                stream.write_all(&frame).context("cannot send")?;
            }
        }
        Ok(())
    }
}

/// 127.0.1.1 and on: all of 127/8 is this machine (RFC 1122, section 3.2.1.3).
fn own_address(number: usize) -> IpAddr {
    let number = number % 250 + 1;
    Ipv4Addr::new(127, 0, 1, u8::try_from(number).unwrap_or(1)).into()
}

/// Sends the pending lines; `watch` is called between them with the time of the day.
pub(super) fn run(
    day: &Day,
    pending: &[&Event],
    addresses: &[(Transport, SocketAddr)],
    clock: Clock,
    watch: &mut dyn FnMut(OffsetDateTime) -> Result<()>,
) -> Result<()> {
    let mut lines = (0..day.senders.len())
        .map(|number| Line::open(number, addresses))
        .collect::<Result<Vec<_>>>()?;
    for event in pending {
        loop {
            let ahead = clock.wall_at(event.at) - OffsetDateTime::now_utc();
            let Ok(ahead) = Duration::try_from(ahead) else { break };
            sleep(ahead.min(NAP));
            watch(clock.now())?;
        }
        lines[event.source.0].send(&event.line)?;
    }
    Ok(())
}
