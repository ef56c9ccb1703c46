//! What the appliance and the inference worker say to each other over their Unix socket.
//!
//! Each message is one JSON document behind its length in bytes (four bytes, big-endian). The
//! appliance asks, the worker answers in order; nothing is sent unasked.

use serde::{Deserialize, Serialize};

use crate::{ModelSay, Question};

/// Longest frame either side accepts, in bytes. A full request of long lines fits four times over;
/// what is longer is a defect or an attack, and would otherwise choose how much we allocate.
pub const MAX_FRAME_BYTES: usize = 1 << 20;

/// Most questions in one request, so that an answer takes seconds, not minutes.
pub const MAX_QUESTIONS: usize = 32;

/// Most bytes of text in one question; the worker reads the head and the tail of longer lines anyway.
pub const MAX_QUESTION_BYTES: usize = 8 << 10;

/// Exit code of a worker whose model file is damaged (`EX_DATAERR` of sysexits): starting it again
/// with the same file is of no use.
pub const EXIT_DAMAGED: u8 = 65;

/// Exit code of a worker whose model file cannot be read (`EX_NOINPUT` of sysexits).
pub const EXIT_UNREADABLE: u8 = 66;

/// What the worker is asked.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case", deny_unknown_fields)]
pub enum Request {
    /// Who are you? Answered when the model is loaded.
    Hello,
    /// Score these lines.
    Ask {
        /// At most [`MAX_QUESTIONS`].
        questions: Vec<Question>,
        /// Milliseconds after which nobody waits for the answer any more: what is not calculated by
        /// then is not calculated.
        within_ms: u64,
    },
    /// Turn texts into vectors of length one.
    Embed {
        /// At most [`MAX_QUESTIONS`], none longer than [`MAX_QUESTION_BYTES`].
        texts: Vec<String>,
        /// As for [`Request::Ask`].
        within_ms: u64,
    },
}

/// What the worker answers.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case", deny_unknown_fields)]
pub enum Reply {
    /// The model is loaded.
    Ready {
        /// The bundle that will answer.
        bundle: String,
        /// Walls around the process that the system refused to raise, by name.
        without: Vec<String>,
    },
    /// One answer for each question, in order.
    Says {
        /// The answers.
        says: Vec<ModelSay>,
    },
    /// One vector for each text, in order.
    Vectors {
        /// All of one length.
        vectors: Vec<Vec<f32>>,
    },
    /// The request cannot be answered; the connection stays usable.
    Failed {
        /// What failed and how to mend it.
        why: String,
    },
}

/// Reads the length in front of a frame; `None` when it is over [`MAX_FRAME_BYTES`].
pub fn frame_length(header: [u8; 4]) -> Option<usize> {
    usize::try_from(u32::from_be_bytes(header)).ok().filter(|length| *length <= MAX_FRAME_BYTES)
}

/// The length to write in front of a frame; `None` when it is over [`MAX_FRAME_BYTES`].
pub fn frame_header(length: usize) -> Option<[u8; 4]> {
    (length <= MAX_FRAME_BYTES)
        .then_some(length)
        .and_then(|length| u32::try_from(length).ok())
        .map(u32::to_be_bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frame_lengths_read_back_up_to_the_limit() {
        for (length, accepted) in
            [(0, true), (1, true), (MAX_FRAME_BYTES, true), (MAX_FRAME_BYTES + 1, false)]
        {
            let header = frame_header(length);
            assert_eq!(header.is_some(), accepted, "{length}");
            assert_eq!(header.and_then(frame_length), accepted.then_some(length));
        }
        assert_eq!(frame_length([0xff; 4]), None);
    }
}
