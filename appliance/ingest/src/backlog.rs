//! Frames in memory that wait for room in the queue.

use std::collections::VecDeque;

use crate::Frame;

/// What the allocator adds to a datagram.
const ALLOCATION: usize = 16;

/// Frames in the order in which they came.
#[derive(Default)]
pub(crate) struct Backlog {
    max_bytes: usize,
    frames: VecDeque<Frame>,
    bytes: usize,
}

impl Backlog {
    /// Waiting room of so much memory.
    pub(crate) fn new(max_bytes: usize) -> Self {
        Self { max_bytes, ..Self::default() }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.frames.is_empty()
    }

    /// Whether its memory is used up; the last frame may pass the bound.
    pub(crate) fn is_full(&self) -> bool {
        self.bytes >= self.max_bytes
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
        const MAX_BYTES: usize = 32 << 20;
        let mut backlog = Backlog::new(MAX_BYTES);
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
