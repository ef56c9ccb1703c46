use std::borrow::Cow;

use time::OffsetDateTime;
use vedette_event::{Defect, Facility, Fields, LogRecord, Peer, SyslogSeverity, Transport};

use crate::device::{self, Line};
use crate::{generic, header, stamp};

/// What is known of a frame besides its bytes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Received {
    /// When it came. Times without a year are resolved against it, times without a zone are read in
    /// its offset.
    pub received_at: OffsetDateTime,
    /// Who sent it.
    pub peer: Peer,
    /// How it came.
    pub transport: Transport,
}

/// Turns a frame into a record. Never fails: the bytes are kept exactly, and what is wrong with them
/// is listed. A frame that the framer cut wants [`Defect::Truncated`] added by the caller.
pub fn decode(raw: Vec<u8>, received: Received) -> LogRecord {
    // The strict check is several times faster than the lossy one, and most lines pass it.
    let text = match std::str::from_utf8(&raw) {
        Ok(text) => Cow::Borrowed(text),
        Err(_) => String::from_utf8_lossy(&raw),
    };
    let mut header = header::read(&text, received.received_at);
    let mut defects = std::mem::take(&mut header.defects);
    let valid = matches!(text, Cow::Borrowed(_));
    if !valid {
        defects.push(Defect::InvalidUtf8);
    }
    if has_control(&text) {
        defects.push(Defect::ControlCharacters);
    }
    let message = text[header.message_offset..].to_owned();
    let offset = header.message_offset;
    let message_offset = if valid { offset } else { raw_offset(&raw, offset) };

    let mut fields = Fields::default();
    let inside = device::inside(&message);
    let line = Line::new(inside.as_deref().unwrap_or(&message), &header);
    let decoded = device::decode(&line, &mut fields);
    let named_time = generic::fill_in(&line, decoded, received.received_at, &mut fields);
    let timestamp = header
        .timestamp
        .or(named_time)
        .or_else(|| stamp::first_in(&message, received.received_at).map(|stamp| stamp.time));
    if timestamp.is_none() {
        defects.push(Defect::MissingTimestamp);
    }
    if decoded.is_some_and(|decoded| !decoded.complete) {
        defects.push(Defect::DeviceFields);
    }

    LogRecord {
        received_at: received.received_at,
        peer: received.peer,
        transport: received.transport,
        facility: header.priority.and_then(|code| Facility::from_code(code >> 3)),
        severity: header.priority.and_then(|code| SyslogSeverity::from_code(code & 7)),
        timestamp,
        host: header.host,
        app: header.app,
        proc_id: header.proc_id,
        msg_id: header.msg_id,
        message,
        message_offset,
        dataset: decoded.map(|decoded| decoded.dataset.into()),
        fields,
        defects,
        raw,
    }
}

/// Whether a control character other than a tab or a line end is inside.
fn has_control(text: &str) -> bool {
    let control = |byte: u8| byte < 0x20 && !matches!(byte, b'\t' | b'\r' | b'\n') || byte == 0x7f;
    // No early end: so the loop becomes a few wide instructions.
    let low = text.bytes().fold(false, |found, byte| found | control(byte));
    low || !text.is_ascii() && text.chars().any(|c| ('\u{80}'..='\u{9f}').contains(&c))
}

/// Where in `raw` an offset of its lossy text lies.
fn raw_offset(raw: &[u8], text_offset: usize) -> usize {
    let (mut in_raw, mut in_text) = (0, 0);
    for chunk in raw.utf8_chunks() {
        let valid = chunk.valid().len();
        if text_offset <= in_text + valid {
            return in_raw + (text_offset - in_text);
        }
        in_raw += valid + chunk.invalid().len();
        in_text += valid + char::REPLACEMENT_CHARACTER.len_utf8();
    }
    raw.len()
}
