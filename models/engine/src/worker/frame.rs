use std::io::{self, Read, Write};

use serde::Serialize;
use serde::de::DeserializeOwned;
use vedette_event::worker::{MAX_FRAME_BYTES, frame_header, frame_length};

/// Why a frame could not be read or written.
#[derive(Debug, thiserror::Error)]
pub enum FrameError {
    /// The connection failed.
    #[error("the connection failed")]
    Connection(#[from] io::Error),
    /// The frame is longer than either side accepts.
    #[error("the frame is longer than {MAX_FRAME_BYTES} bytes")]
    TooLong,
    /// The frame holds another document than expected.
    #[error("the frame cannot be understood")]
    Content(#[from] serde_json::Error),
}

/// Reads one frame; `None` when the other side closed between frames.
///
/// # Errors
/// When the connection fails, or the frame is too long or not understood.
pub fn read_frame<T: DeserializeOwned>(reader: &mut impl Read) -> Result<Option<T>, FrameError> {
    let mut header = [0; 4];
    let mut filled = 0;
    while filled < header.len() {
        match reader.read(&mut header[filled..]) {
            Ok(0) if filled == 0 => return Ok(None),
            Ok(0) => return Err(io::Error::from(io::ErrorKind::UnexpectedEof).into()),
            Ok(read) => filled += read,
            Err(why) if why.kind() == io::ErrorKind::Interrupted => {}
            Err(why) => return Err(why.into()),
        }
    }
    let length = frame_length(header).ok_or(FrameError::TooLong)?;
    let mut body = vec![0; length];
    reader.read_exact(&mut body)?;
    Ok(Some(serde_json::from_slice(&body)?))
}

/// Writes one frame.
///
/// # Errors
/// When the connection fails or the document is too long.
pub fn write_frame(writer: &mut impl Write, document: &impl Serialize) -> Result<(), FrameError> {
    let body = serde_json::to_vec(document)?;
    let header = frame_header(body.len()).ok_or(FrameError::TooLong)?;
    writer.write_all(&[&header, body.as_slice()].concat())?;
    Ok(writer.flush()?)
}
