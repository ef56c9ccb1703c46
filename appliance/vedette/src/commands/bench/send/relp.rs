//! A RELP client (version 0 of librelp), as plain as they come.

use std::collections::BTreeMap;
use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

/// Lines under way at a time: what rsyslog's `omrelp` allows itself.
const WINDOW: usize = 128;
/// Longest wait for an answer; a receiver that is silent for so long is held to be gone.
const PATIENCE: Duration = Duration::from_secs(30);
/// The longest answer read: those to lines are short, that to `open` lists what the receiver can.
const ANSWER_MAX: usize = 4_096;
/// What we say of ourselves.
const OFFER: &str = "relp_version=0\nrelp_software=vedette\ncommands=syslog";

/// A session.
pub(crate) struct Relp {
    stream: TcpStream,
    burst: Vec<u8>,
    /// Bytes of answers not yet read.
    heard: Vec<u8>,
    transaction: u32,
    /// Lines without an answer, by transaction.
    waiting: BTreeMap<u32, u64>,
}

impl Relp {
    pub(super) fn open(address: SocketAddr) -> io::Result<Self> {
        let stream = TcpStream::connect(address)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        stream.set_nodelay(true)?;
        let mut session = Self {
            stream,
            burst: Vec::new(),
            heard: Vec::new(),
            transaction: 0,
            waiting: BTreeMap::new(),
        };
        let opened = session.request("open", OFFER.as_bytes());
        session.flush()?;
        session.wait_for(opened)?;
        Ok(session)
    }

    /// Takes a line; waits while as many as may be are under way.
    pub(super) fn send(&mut self, number: u64, line: &[u8]) -> io::Result<()> {
        while self.waiting.len() >= WINDOW {
            self.flush()?;
            self.hear()?;
        }
        let transaction = self.request("syslog", line);
        self.waiting.insert(transaction, number);
        Ok(())
    }

    pub(super) fn flush(&mut self) -> io::Result<()> {
        self.stream.write_all(&self.burst)?;
        self.burst.clear();
        Ok(())
    }

    /// Waits until all is acknowledged, and says goodbye.
    pub(super) fn finish(&mut self) -> io::Result<()> {
        self.flush()?;
        while !self.waiting.is_empty() {
            self.hear()?;
        }
        self.request("close", b"");
        self.flush()
    }

    /// Lines that nobody has acknowledged, after a last look at what came.
    pub(super) fn unacknowledged(&mut self) -> Vec<u64> {
        let _ = self.stream.set_nonblocking(true);
        while self.hear().is_ok() {}
        self.waiting.values().copied().collect()
    }

    fn request(&mut self, command: &str, data: &[u8]) -> u32 {
        /// Numbers start again after this one.
        const LAST: u32 = 999_999_999;
        self.transaction = self.transaction % LAST + 1;
        let _ = write!(self.burst, "{} {command} {}", self.transaction, data.len());
        if !data.is_empty() {
            self.burst.push(b' ');
            self.burst.extend_from_slice(data);
        }
        self.burst.push(b'\n');
        self.transaction
    }

    fn wait_for(&mut self, transaction: u32) -> io::Result<()> {
        self.waiting.insert(transaction, 0);
        while self.waiting.contains_key(&transaction) {
            self.hear()?;
        }
        Ok(())
    }

    /// Reads what has come and takes note of every answer in it.
    fn hear(&mut self) -> io::Result<()> {
        let mut chunk = [0; ANSWER_MAX];
        let length = self.stream.read(&mut chunk)?;
        if length == 0 {
            return Err(io::Error::new(io::ErrorKind::UnexpectedEof, "the receiver has gone"));
        }
        self.heard.extend_from_slice(&chunk[..length]);
        let mut rest = self.heard.as_slice();
        while let Some((answer, after)) = next_answer(rest)? {
            if answer.good {
                self.waiting.remove(&answer.transaction);
            }
            rest = after;
        }
        self.heard = rest.to_vec();
        Ok(())
    }
}

#[derive(Debug, PartialEq, Eq)]
struct Answer {
    transaction: u32,
    /// Whether it says 200.
    good: bool,
}

/// The first whole answer, and what follows it: `TXNR SP "rsp" SP DATALEN [SP DATA] LF`.
fn next_answer(bytes: &[u8]) -> io::Result<Option<(Answer, &[u8])>> {
    let bad = || io::Error::new(io::ErrorKind::InvalidData, "the receiver speaks no RELP");
    let mut at = 0;
    let mut word = || {
        let rest = bytes.get(at..)?;
        let end = rest.iter().position(|byte| matches!(byte, b' ' | b'\n'))?;
        at += end + 1;
        Some((std::str::from_utf8(&rest[..end]).unwrap_or_default(), rest[end]))
    };
    let (Some((transaction, _)), Some((command, _)), Some((length, end))) =
        (word(), word(), word())
    else {
        return if bytes.len() > ANSWER_MAX { Err(bad()) } else { Ok(None) };
    };
    let transaction = transaction.parse().map_err(|_| bad())?;
    let length: usize = length.parse().map_err(|_| bad())?;
    if command == "serverclose" {
        return Err(io::Error::new(io::ErrorKind::UnexpectedEof, "the receiver closes"));
    }
    if length > ANSWER_MAX {
        return Err(bad());
    }
    if end == b'\n' {
        return Ok(Some((Answer { transaction, good: false }, &bytes[at..])));
    }
    let Some(data) = bytes.get(at..at + length) else { return Ok(None) };
    let Some(after) = bytes.get(at + length + 1..) else { return Ok(None) };
    Ok(Some((Answer { transaction, good: data.starts_with(b"200") }, after)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_are_read_when_they_are_whole() {
        let good = |transaction, good| Some(Answer { transaction, good });
        for (bytes, answer, left) in [
            ("1 rsp 6 200 OK\n2 rsp", good(1, true), "2 rsp"),
            ("12 rsp 9 500 error\n", good(12, false), ""),
            ("3 rsp 0\n4", good(3, false), "4"),
            ("3 rsp 6 200 OK", None, ""),
            ("3 rsp 6", None, ""),
        ] {
            match next_answer(bytes.as_bytes()).unwrap() {
                Some((found, rest)) => assert_eq!((Some(found), rest), (answer, left.as_bytes())),
                None => assert_eq!(answer, None, "{bytes:?}"),
            }
        }
        for bytes in ["0 serverclose 0\n", "x rsp 6 200 OK\n", "1 rsp 99999 x\n"] {
            assert!(next_answer(bytes.as_bytes()).is_err(), "{bytes:?}");
        }
    }
}
