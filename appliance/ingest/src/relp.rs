//! RELP (Reliable Event Logging Protocol, version 0 of librelp): frames with a transaction number,
//! each answered once the line is safe. `TXNR SP COMMAND SP DATALEN [SP DATA] LF`.

use std::sync::Arc;

use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};

use crate::Receipt;
use crate::repeats::Note;

/// Lines of one connection that may be on their way to the disk: rsyslog's own window is 128, and a
/// group commit takes up to some thousands. What is above waits in the sender.
pub(crate) const WINDOW: usize = 1_024;

/// Answers that are no acknowledgement, waiting to be written: a session has one offer and one close,
/// and a client that asks for what is unknown is let go after a few.
const CONTROL: usize = 16;

/// Digits of a transaction number or a length; the protocol knows no more.
const DIGITS_MAX: usize = 9;

/// Letters of a command; the protocol knows no more.
const COMMAND_MAX: usize = 32;

/// What we offer when a session opens.
const OFFER: &str = "200 OK\nrelp_version=0\nrelp_software=vedette\ncommands=syslog";

/// A request of the client.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Request {
    pub(crate) transaction: u32,
    pub(crate) command: Command,
    /// The data, without what went beyond the cap.
    pub(crate) data: Vec<u8>,
    pub(crate) truncated: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Command {
    Open,
    Syslog,
    Close,
    Unknown,
}

/// What is no RELP.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a RELP frame: {0}")]
pub(crate) struct ProtocolError(&'static str);

/// Cuts a byte stream into requests, whatever pieces it arrives in. Memory is bounded by the cap on
/// lines.
#[derive(Debug)]
pub(crate) struct Parser {
    max_data: usize,
    /// The header under way, or empty.
    header: Vec<u8>,
    /// The request whose data is under way, and how much of it is still to come.
    body: Option<(Request, usize)>,
}

/// The longest header: two numbers, a command and three separators.
const HEADER_MAX: usize = 2 * DIGITS_MAX + COMMAND_MAX + 3;

impl Parser {
    pub(crate) fn new(max_data: usize) -> Self {
        Self { max_data, header: Vec::new(), body: None }
    }

    /// Takes bytes from the front of `input`; a request when one is whole.
    ///
    /// # Errors
    /// When it is no RELP: the stream cannot be followed any further.
    pub(crate) fn next(&mut self, input: &mut &[u8]) -> Result<Option<Request>, ProtocolError> {
        while let Some((&byte, rest)) = input.split_first() {
            if let Some((request, remaining)) = &mut self.body {
                if *remaining > 0 {
                    let length = (*remaining).min(input.len());
                    let room = self.max_data - request.data.len();
                    request.data.extend_from_slice(&input[..length.min(room)]);
                    request.truncated |= length > room;
                    *remaining -= length;
                    *input = &input[length..];
                    continue;
                }
                *input = rest;
                if byte != b'\n' {
                    return Err(ProtocolError("the data is longer than its length says"));
                }
                return Ok(self.body.take().map(|(request, _)| request));
            }
            if byte == b'\n' {
                // Between frames librelp tolerates line ends.
                if self.header.is_empty() {
                    *input = rest;
                    continue;
                }
                // A length of nothing may be followed by the end of the frame at once.
                self.body = Some(header(&self.header)?);
                self.header.clear();
                continue;
            }
            *input = rest;
            if byte == b' ' && self.header.iter().filter(|byte| **byte == b' ').count() == 2 {
                self.body = Some(header(&self.header)?);
                self.header.clear();
                continue;
            }
            self.header.push(byte);
            if self.header.len() > HEADER_MAX {
                return Err(ProtocolError("its header does not end"));
            }
        }
        Ok(None)
    }
}

/// Reads `TXNR COMMAND DATALEN`.
fn header(bytes: &[u8]) -> Result<(Request, usize), ProtocolError> {
    let mut parts = bytes.split(|byte| *byte == b' ');
    let mut part = || parts.next().unwrap_or_default();
    let transaction =
        number(part()).ok_or(ProtocolError("it begins with no transaction number"))?;
    let command = match part() {
        b"open" => Command::Open,
        b"syslog" => Command::Syslog,
        b"close" => Command::Close,
        name if (1..=COMMAND_MAX).contains(&name.len())
            && name.iter().all(u8::is_ascii_alphanumeric) =>
        {
            Command::Unknown
        }
        _ => return Err(ProtocolError("its command is no word")),
    };
    let length = number(part()).ok_or(ProtocolError("it says no length"))? as usize;
    let request = Request { transaction, command, data: Vec::new(), truncated: false };
    Ok((request, length))
}

fn number(digits: &[u8]) -> Option<u32> {
    if !(1..=DIGITS_MAX).contains(&digits.len()) || !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    std::str::from_utf8(digits).ok()?.parse().ok()
}

/// An answer to a request.
pub(crate) fn response(transaction: u32, data: &str) -> Vec<u8> {
    if data.is_empty() {
        return format!("{transaction} rsp 0\n").into_bytes();
    }
    format!("{transaction} rsp {} {data}\n", data.len()).into_bytes()
}

/// The answer to `open`.
pub(crate) fn offer(transaction: u32) -> Vec<u8> {
    response(transaction, OFFER)
}

/// Tells the client that the session ends.
pub(crate) const SERVER_CLOSE: &[u8] = b"0 serverclose 0\n";

/// Bytes for the client; the place in the window is free again when they are written.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) bytes: Vec<u8>,
    _place: Option<OwnedSemaphorePermit>,
}

/// The answers of one session: acknowledgements come from wherever lines are committed.
#[derive(Clone)]
pub(crate) struct Answers {
    sender: mpsc::Sender<Answer>,
    window: Arc<Semaphore>,
    tells_losses: bool,
}

/// A line that is owed an answer; given up, it gets one only where losses are told.
struct Owed {
    transaction: u32,
    sender: mpsc::Sender<Answer>,
    place: Option<OwnedSemaphorePermit>,
    tells_losses: bool,
}

impl Owed {
    fn answer(&mut self, text: &str) {
        let Some(place) = self.place.take() else { return };
        let answer = Answer { bytes: response(self.transaction, text), _place: Some(place) };
        // A connection that is gone sends its line again on the next one.
        let _ = self.sender.try_send(answer);
    }
}

impl Drop for Owed {
    fn drop(&mut self) {
        if self.tells_losses {
            self.answer("500 not stored");
        }
    }
}

impl Answers {
    /// Senders on the network hear nothing of a line that was lost here, and send it again;
    /// `tells_losses` is for those that cannot.
    pub(crate) fn new(tells_losses: bool) -> (Self, mpsc::Receiver<Answer>) {
        // There is room for every place of the window, so that no acknowledgement is ever turned away.
        let (sender, receiver) = mpsc::channel(WINDOW + CONTROL);
        let window = Arc::new(Semaphore::new(WINDOW));
        (Self { sender, window, tells_losses }, receiver)
    }

    /// Waits for a place in the window; the receipt acknowledges the line.
    pub(crate) async fn receipt(&self, transaction: u32, note: Note) -> Option<Receipt> {
        let place = Some(self.window.clone().acquire_owned().await.ok()?);
        let (sender, tells_losses) = (self.sender.clone(), self.tells_losses);
        let mut owed = Owed { transaction, sender, place, tells_losses };
        Some(Receipt::new(note.repeated, move || {
            note.committed();
            owed.answer("200 OK");
        }))
    }

    /// What lines on their way to the disk hold places of.
    pub(crate) fn window(&self) -> Arc<Semaphore> {
        self.window.clone()
    }

    /// Sends what is no acknowledgement.
    pub(crate) async fn send(&self, bytes: Vec<u8>) {
        // A connection that is gone needs no answer.
        let _ = self.sender.send(Answer { bytes, _place: None }).await;
    }

    /// Waits until every line handed on is acknowledged and told, or given up.
    pub(crate) async fn all_told(&self) {
        let all = u32::try_from(WINDOW).expect("the window is small");
        let _ = self.window.acquire_many(all).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(bytes: &[u8], piece: usize) -> Result<Vec<Request>, ProtocolError> {
        let mut parser = Parser::new(8);
        let mut requests = Vec::new();
        for mut part in bytes.chunks(piece) {
            while let Some(request) = parser.next(&mut part)? {
                requests.push(request);
            }
        }
        Ok(requests)
    }

    fn request(transaction: u32, command: Command, data: &str, truncated: bool) -> Request {
        Request { transaction, command, data: data.as_bytes().to_vec(), truncated }
    }

    #[test]
    fn requests_are_cut_from_any_pieces() {
        let stream = b"1 open 4 a=b\n\n2 syslog 3 x\ny\n3 syslog 10 0123456789\n4 starttls 0\n5 syslog 0 \n6 close 0\n";
        for piece in 1..stream.len() {
            assert_eq!(
                parse(stream, piece).unwrap(),
                [
                    request(1, Command::Open, "a=b\n", false),
                    request(2, Command::Syslog, "x\ny", false),
                    request(3, Command::Syslog, "01234567", true),
                    request(4, Command::Unknown, "", false),
                    request(5, Command::Syslog, "", false),
                    request(6, Command::Close, "", false),
                ],
                "in pieces of {piece}"
            );
        }
    }

    #[test]
    fn what_is_no_relp_is_refused() {
        for bytes in [
            "<13>Oct 11 22:14:15 host app: a line",
            "1 syslog 99999999999999999999 x",
            "1 syslog -1 x",
            "1 syslog 1 xy\n",
            "1\n",
            "12345678901 open 0\n",
            "1 sys;log 0\n",
            "11111111111111111111111111111111111111111111111111111111111111111111111111",
        ] {
            assert!(parse(bytes.as_bytes(), 7).is_err(), "{bytes:?}");
        }
    }
}
