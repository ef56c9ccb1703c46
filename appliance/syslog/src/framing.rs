//! Cuts a TCP byte stream into syslog frames (RFC 6587): octet counting and LF, told apart frame by
//! frame, whatever pieces the bytes arrive in.

use std::collections::VecDeque;

/// Digits a frame length may have. Seven reach 10 MB, far above any cap; more is not a length.
const MAX_LENGTH_DIGITS: usize = 7;

/// One frame without its transport framing and without one trailing LF or CRLF.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RawFrame {
    /// The frame, at most the cap long.
    pub bytes: Vec<u8>,
    /// Whether something is missing: the frame was longer than the cap, or the stream ended inside a
    /// counted frame.
    pub truncated: bool,
}

/// An incremental splitter for one stream. Memory is bounded by the cap and by what one `push`
/// brings, as long as the caller takes the frames out between pushes.
#[derive(Debug)]
pub struct Framer {
    max_frame: usize,
    state: State,
    /// The digits and the space that may turn out to be a length.
    prefix: Vec<u8>,
    kept: Vec<u8>,
    /// Bytes the frame under way has had, kept or not, and the last two of them.
    length: usize,
    tail: [u8; 2],
    /// Whether the last frame was counted and ended without an LF: a line cannot begin here.
    counting: bool,
    ready: VecDeque<RawFrame>,
    discarded: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// Before the first byte of a frame.
    Start,
    /// In digits that may be a length.
    Length,
    /// After digits and a space; `<` makes them a length, and so does anything where no line can
    /// begin, for some send messages without a priority.
    Space,
    /// In a counted frame.
    Counted { remaining: usize },
    /// In a frame that ends with LF.
    Line,
}

impl Framer {
    /// A splitter that keeps at most `max_frame` bytes of each frame.
    pub fn new(max_frame: usize) -> Self {
        Self {
            max_frame,
            state: State::Start,
            prefix: Vec::with_capacity(MAX_LENGTH_DIGITS + 1),
            kept: Vec::new(),
            length: 0,
            tail: [0; 2],
            counting: false,
            ready: VecDeque::new(),
            discarded: 0,
        }
    }

    /// Takes the next bytes of the stream.
    pub fn push(&mut self, mut bytes: &[u8]) {
        while !bytes.is_empty() {
            let used = self.step(bytes);
            bytes = &bytes[used..];
        }
    }

    /// The next whole frame, in the order of the stream.
    pub fn next_frame(&mut self) -> Option<RawFrame> {
        self.ready.pop_front()
    }

    /// Ends the stream: what is under way becomes the last frame.
    pub fn finish(&mut self) {
        match self.state {
            State::Start => {}
            State::Length | State::Space => self.become_line(),
            State::Counted { .. } | State::Line => {}
        }
        if self.state != State::Start {
            let cut_off = matches!(self.state, State::Counted { .. });
            self.complete(cut_off);
        }
    }

    /// Bytes thrown away so far because their frame was longer than the cap.
    pub fn discarded_bytes(&self) -> u64 {
        self.discarded
    }

    /// Uses up some of `bytes`, which is not empty; 0 only where the state changed.
    fn step(&mut self, bytes: &[u8]) -> usize {
        let first = bytes[0];
        match self.state {
            State::Start => match first {
                b'\n' => 1,
                b'1'..=b'9' => self.lengthen(first, State::Length),
                _ => self.turn(State::Line),
            },
            State::Length if first == b' ' => self.lengthen(first, State::Space),
            State::Length if first.is_ascii_digit() && self.prefix.len() < MAX_LENGTH_DIGITS => {
                self.lengthen(first, State::Length)
            }
            State::Space if first == b'<' || self.counting => {
                let remaining = self.announced_length();
                self.prefix.clear();
                self.turn(State::Counted { remaining })
            }
            State::Length | State::Space => {
                self.become_line();
                0
            }
            State::Counted { remaining } => self.count(bytes, remaining),
            State::Line => self.line(bytes),
        }
    }

    fn lengthen(&mut self, byte: u8, state: State) -> usize {
        self.prefix.push(byte);
        self.state = state;
        1
    }

    fn turn(&mut self, state: State) -> usize {
        self.state = state;
        0
    }

    fn announced_length(&self) -> usize {
        let digits = self.prefix.iter().take_while(|byte| byte.is_ascii_digit());
        digits.fold(0, |length, digit| length * 10 + usize::from(digit - b'0'))
    }

    fn become_line(&mut self) {
        let prefix = std::mem::take(&mut self.prefix);
        self.keep(&prefix);
        self.state = State::Line;
    }

    fn count(&mut self, bytes: &[u8], remaining: usize) -> usize {
        let used = bytes.len().min(remaining);
        self.keep(&bytes[..used]);
        self.state = State::Counted { remaining: remaining - used };
        if used == remaining {
            self.complete(false);
        }
        used
    }

    fn line(&mut self, bytes: &[u8]) -> usize {
        match memchr::memchr(b'\n', bytes) {
            Some(end) => {
                self.keep(&bytes[..=end]);
                self.complete(false);
                end + 1
            }
            None => {
                self.keep(bytes);
                bytes.len()
            }
        }
    }

    fn keep(&mut self, bytes: &[u8]) {
        let room = self.max_frame.saturating_sub(self.kept.len()).min(bytes.len());
        self.kept.extend_from_slice(&bytes[..room]);
        self.length += bytes.len();
        match bytes {
            [] => {}
            [only] => self.tail = [self.tail[1], *only],
            [.., before, last] => self.tail = [*before, *last],
        }
    }

    fn complete(&mut self, cut_off: bool) {
        let ending = match self.tail {
            [b'\r', b'\n'] => 2,
            [_, b'\n'] => 1,
            _ => 0,
        };
        let whole = self.length.saturating_sub(ending);
        let mut bytes = std::mem::take(&mut self.kept);
        bytes.truncate(whole);
        self.discarded += (whole - bytes.len()) as u64;
        if !bytes.is_empty() {
            let truncated = cut_off || bytes.len() < whole;
            self.ready.push_back(RawFrame { bytes, truncated });
        }
        self.counting = matches!(self.state, State::Counted { .. }) && ending == 0;
        self.length = 0;
        self.tail = [0; 2];
        self.state = State::Start;
    }
}

#[cfg(test)]
mod tests;
