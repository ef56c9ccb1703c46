//! A burst of datagrams as it stands in a segment: a head with their number and a checksum, then each.

use std::net::{IpAddr, SocketAddr};

use time::OffsetDateTime;
use vedette_event::{Peer, Transport};

use crate::Frame;
use crate::udp::{BURST, DATAGRAM_MAX};

/// What a block begins with; the digit counts versions of the format.
const MAGIC: [u8; 4] = *b"VSP1";

/// Bytes of a head: magic, checksum of the rest, length of the body, lines, number of the first line, and
/// when they were received.
pub(super) const HEAD: usize = 4 + 4 + 4 + 4 + 8 + 8;

/// What stands before a datagram at most: flags, address, port and length.
const ENTRY: usize = 1 + 16 + 2 + 4;

/// The longest body, of as many of the longest datagrams as are received at once. A head that says more is
/// damaged.
const BODY_MAX: usize = BURST * (DATAGRAM_MAX + ENTRY);

/// Whether a message was cut, in the byte that begins each.
const TRUNCATED: u8 = 1;
/// Whether its sender has an IPv6 address.
const IS_V6: u8 = 2;

/// What a head says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Head {
    checksum: u32,
    body: usize,
    pub(super) lines: u32,
    /// The number of its first line, counted through all segments.
    pub(super) first: u64,
    received_at: i64,
}

impl Head {
    /// Reads a head from the front of these bytes, if there may be one.
    pub(super) fn read(bytes: &[u8]) -> Option<Self> {
        let mut input = Input(bytes);
        if input.array::<4>()? != MAGIC {
            return None;
        }
        let head = Self {
            checksum: u32::from_le_bytes(input.array()?),
            body: u32::from_le_bytes(input.array()?) as usize,
            lines: u32::from_le_bytes(input.array()?),
            first: u64::from_le_bytes(input.array()?),
            received_at: i64::from_le_bytes(input.array()?),
        };
        (head.body <= BODY_MAX).then_some(head)
    }

    /// Bytes of the whole block.
    pub(super) fn length(&self) -> usize {
        HEAD + self.body
    }

    /// Whether these bytes, which begin with the head, hold the block unharmed.
    pub(super) fn fits(&self, bytes: &[u8]) -> bool {
        let rest = bytes.get(8..self.length());
        rest.is_some_and(|rest| crc32fast::hash(rest) == self.checksum)
    }

    /// The frames of a block that fits. Bytes that no version wrote end it early.
    pub(super) fn frames(&self, block: &[u8], frames: &mut Vec<Frame>) {
        let mut input = Input(&block[HEAD..self.length()]);
        let nanos = i128::from(self.received_at);
        let received_at =
            OffsetDateTime::from_unix_timestamp_nanos(nanos).unwrap_or(OffsetDateTime::UNIX_EPOCH);
        while let Some((bytes, truncated, peer)) = input.datagram() {
            let (peer, transport, receipt) = (Peer::Network(peer), Transport::Udp, None);
            frames.push(Frame { bytes, peer, transport, received_at, truncated, receipt });
        }
    }
}

/// Writes frames as a block, its first line having this number. Frames of no network peer, which
/// never come here, are left out.
pub(super) fn write(frames: &[Frame], first: u64, block: &mut Vec<u8>) {
    block.clear();
    block.resize(HEAD, 0);
    for frame in frames {
        let Peer::Network(peer) = frame.peer else { continue };
        let cut = if frame.truncated { TRUNCATED } else { 0 };
        match peer.ip() {
            IpAddr::V4(ip) => {
                block.push(cut);
                block.extend_from_slice(&ip.octets());
            }
            IpAddr::V6(ip) => {
                block.push(cut | IS_V6);
                block.extend_from_slice(&ip.octets());
            }
        }
        block.extend_from_slice(&peer.port().to_le_bytes());
        block.extend_from_slice(&size(frame.bytes.len()).to_le_bytes());
        block.extend_from_slice(&frame.bytes);
    }
    let received_at = frames.first().map_or(0, |frame| frame.received_at.unix_timestamp_nanos());
    let received_at = i64::try_from(received_at).unwrap_or_default();
    let body = size(block.len() - HEAD);
    block[..4].copy_from_slice(&MAGIC);
    block[8..12].copy_from_slice(&body.to_le_bytes());
    block[12..16].copy_from_slice(&size(frames.len()).to_le_bytes());
    block[16..24].copy_from_slice(&first.to_le_bytes());
    block[24..32].copy_from_slice(&received_at.to_le_bytes());
    let checksum = crc32fast::hash(&block[8..]);
    block[4..8].copy_from_slice(&checksum.to_le_bytes());
}

fn size(length: usize) -> u32 {
    u32::try_from(length).expect("a burst of datagrams is a few megabytes")
}

/// Bytes that are read from the front.
struct Input<'b>(&'b [u8]);

impl Input<'_> {
    fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (array, rest) = self.0.split_first_chunk()?;
        self.0 = rest;
        Some(*array)
    }

    fn datagram(&mut self) -> Option<(Vec<u8>, bool, SocketAddr)> {
        let [flags] = self.array()?;
        let ip: IpAddr = match flags & IS_V6 {
            0 => self.array::<4>()?.into(),
            _ => self.array::<16>()?.into(),
        };
        let port = u16::from_le_bytes(self.array()?);
        let length = u32::from_le_bytes(self.array()?) as usize;
        let (bytes, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        Some((bytes.to_vec(), flags & TRUNCATED != 0, SocketAddr::new(ip, port)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frames() -> Vec<Frame> {
        let frame = |peer: &str, bytes: &[u8], truncated| Frame {
            bytes: bytes.to_vec(),
            peer: Peer::Network(peer.parse().unwrap()),
            transport: Transport::Udp,
            received_at: OffsetDateTime::from_unix_timestamp_nanos(1_800_000_000_123_456_789)
                .unwrap(),
            truncated,
            receipt: None,
        };
        vec![
            frame("192.0.2.7:514", b"<13>one", false),
            frame("[2001:db8::7]:40000", b"", true),
            frame("192.0.2.8:1", &[0, 10, 255], false),
        ]
    }

    #[test]
    fn what_is_written_is_read() {
        let (frames, mut block, mut read) = (frames(), Vec::new(), Vec::new());
        write(&frames, 42, &mut block);
        let head = Head::read(&block).unwrap();
        assert_eq!((head.lines, head.first, head.length()), (3, 42, block.len()));
        assert!(head.fits(&block));
        head.frames(&block, &mut read);
        assert_eq!(format!("{read:?}"), format!("{frames:?}"));
    }

    #[test]
    fn no_byte_changes_unnoticed_and_any_bytes_are_borne() {
        let (mut block, mut read) = (Vec::new(), Vec::new());
        write(&frames(), 42, &mut block);
        for at in 0..block.len() {
            for flip in [1, 0x80, 0xff] {
                let mut harmed = block.clone();
                harmed[at] ^= flip;
                let fits = Head::read(&harmed).is_some_and(|head| head.fits(&harmed));
                assert!(!fits, "byte {at} changed by {flip}");
                // Nobody does it, but it must not panic either.
                if let Some(head) = Head::read(&harmed).filter(|head| head.length() <= harmed.len())
                {
                    head.frames(&harmed, &mut read);
                }
            }
            let short = &block[..at];
            assert!(!Head::read(short).is_some_and(|head| head.fits(short)), "{at} bytes");
        }
    }
}
