//! What was read from a socket for datagrams and waits for room in the queue of frames.

use std::collections::VecDeque;

use crate::Frame;

/// Memory that the datagrams of one socket may wait in: 280,000 of 200 bytes. A burst waits here instead
/// of in the kernel, whose buffer is small where nobody may ask for more, and holds a third as many in
/// the same memory.
const MAX_BYTES: usize = 96 << 20;

/// What the allocator adds to a datagram.
const ALLOCATION: usize = 16;

/// Frames in the order in which they came.
#[derive(Default)]
pub(crate) struct Backlog {
    frames: VecDeque<Frame>,
    bytes: usize,
}

impl Backlog {
    pub(crate) fn is_empty(&self) -> bool {
        self.frames.is_empty()
    }

    /// Whether what comes next stays with the kernel. Looked at before a burst is read, so that it is
    /// passed by a burst at most.
    pub(crate) fn is_full(&self) -> bool {
        self.bytes >= MAX_BYTES
    }

    pub(crate) fn push(&mut self, frame: Frame) {
        self.bytes += size(&frame);
        self.frames.push_back(frame);
    }

    /// The oldest.
    pub(crate) fn pop(&mut self) -> Option<Frame> {
        let frame = self.frames.pop_front()?;
        self.bytes -= size(&frame);
        if self.frames.is_empty() {
            // What a burst took goes back.
            self.frames = VecDeque::new();
        }
        Some(frame)
    }
}

fn size(frame: &Frame) -> usize {
    size_of::<Frame>() + frame.bytes.capacity() + ALLOCATION
}

#[cfg(test)]
mod tests {
    use time::OffsetDateTime;
    use vedette_event::{Peer, Transport};

    use super::*;

    fn frame(length: usize) -> Frame {
        Frame {
            bytes: vec![b'x'; length],
            peer: Peer::Local,
            transport: Transport::Udp,
            received_at: OffsetDateTime::UNIX_EPOCH,
            truncated: false,
            receipt: None,
        }
    }

    #[test]
    fn its_memory_is_bounded_and_order_holds() {
        let mut backlog = Backlog::default();
        let mut count = 0;
        while !backlog.is_full() {
            backlog.push(frame(count % 60_000));
            count += 1;
        }
        assert!(backlog.bytes < MAX_BYTES + 65_536 && count > 1_000);
        for length in 0..count {
            assert_eq!(backlog.pop().map(|frame| frame.bytes.len()), Some(length % 60_000));
        }
        assert!(backlog.is_empty() && backlog.pop().is_none());
        assert_eq!(backlog.bytes, 0);
    }
}
