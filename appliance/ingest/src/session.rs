//! One connection from its first byte to its last: lines over TCP or TLS, or RELP.

use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, ReadHalf, WriteHalf};
use tokio::sync::mpsc;
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;
use vedette_event::{Peer, Transport};
use vedette_syslog::framing::Framer;
use vedette_telemetry::{Counter, Metric};

use crate::intake::{Gate, Intake};
use crate::relp::{self, Answer, Answers, Command, Parser, Request};
use crate::repeats::{Memory, Repeats};

/// Read from a connection at a time: with the cap on connections this bounds the memory.
const CHUNK: usize = 16 * 1_024;

/// Chunks read at most from a connection while stopping: 64 MiB, more than its buffer holds, so that
/// all that came before the end is counted and a busy sender cannot put the end off.
const DRAIN_CHUNKS: usize = 4_096;

/// Silence while stopping after which a socket is held to be empty: many times what the runtime needs
/// to notice what the socket holds.
const DRAIN_SILENCE: Duration = Duration::from_millis(50);

/// Requests that we don't know, after which a RELP client is let go.
const UNKNOWN_MAX: u32 = 8;

/// Longest wait for a client to take an answer; one that takes none holds up nobody else.
const WRITE_TIME: Duration = Duration::from_secs(60);

/// Longest wait, at the end of a session, for its lines to be committed: a full disk must not keep the
/// seats of clients that have gone. What is not acknowledged by then is sent again.
const COMMIT_TIME: Duration = Duration::from_secs(60);

/// What every connection of a listener is served with.
#[derive(Clone)]
pub(crate) struct Session {
    pub(crate) gate: Gate,
    pub(crate) max_frame: usize,
    pub(crate) idle: Duration,
    /// Cancelled when no more is to be read than what has come.
    pub(crate) shutdown: CancellationToken,
    /// Cancelled when the time for stopping is up.
    pub(crate) expired: CancellationToken,
    transport: Transport,
    repeats: Repeats,
    malformed: Counter,
}

/// What follows on a request.
enum Next {
    Request,
    /// The client has heard of all its lines, and asks for the end.
    Goodbye,
    End,
}

/// A connection's bytes until its end, or until shutdown and then what it still holds.
struct Bytes<'s, S> {
    stream: S,
    session: &'s Session,
    chunk: Vec<u8>,
    drained: usize,
}

impl<S: AsyncRead + Unpin> Bytes<'_, S> {
    /// The next bytes; `None` at the end.
    async fn next(&mut self, peer: Peer) -> Option<&[u8]> {
        let Session { shutdown, idle, .. } = self.session;
        if !shutdown.is_cancelled() {
            let read = tokio::select! {
                biased;
                () = shutdown.cancelled() => None,
                read = timeout(*idle, self.stream.read(&mut self.chunk)) => Some(read),
            };
            match read {
                None => {}
                Some(Ok(Ok(0))) => return None,
                Some(Ok(Ok(length))) => return Some(&self.chunk[..length]),
                Some(Ok(Err(error))) => {
                    tracing::debug!(?peer, %error, "connection broke");
                    return None;
                }
                Some(Err(_idle)) => {
                    tracing::debug!(?peer, "connection closed after long silence");
                    return None;
                }
            }
        }
        self.drained += 1;
        if self.drained > DRAIN_CHUNKS {
            return None;
        }
        match timeout(DRAIN_SILENCE, self.stream.read(&mut self.chunk)).await {
            Ok(Ok(length)) if length > 0 => Some(&self.chunk[..length]),
            _ => None,
        }
    }
}

impl Session {
    pub(crate) fn new(
        (intake, repeats): (&Intake, Repeats),
        transport: Transport,
        (max_frame, idle): (usize, Duration),
        shutdown: CancellationToken,
    ) -> Self {
        let malformed = intake.counter(Metric::IngestRefused, "protocol");
        let (gate, expired) = (intake.gate(transport), intake.expired());
        Self { gate, max_frame, idle, shutdown, expired, transport, repeats, malformed }
    }

    fn bytes<S>(&self, stream: S) -> Bytes<'_, S> {
        Bytes { stream, session: self, chunk: vec![0; CHUNK], drained: 0 }
    }

    /// Lines by octet counting or LF (RFC 6587).
    pub(crate) async fn lines(&self, stream: impl AsyncRead + Unpin, peer: Peer) {
        let mut bytes = self.bytes(stream);
        let mut framer = Framer::new(self.max_frame);
        while let Some(chunk) = bytes.next(peer).await {
            framer.push(chunk);
            self.hand_on(&mut framer, peer).await;
        }
        // A peer that goes away in the middle of a line has still said what it said.
        framer.finish();
        self.hand_on(&mut framer, peer).await;
    }

    async fn hand_on(&self, framer: &mut Framer, peer: Peer) {
        while let Some(frame) = framer.next_frame() {
            self.gate.deliver((frame.bytes, frame.truncated), peer, None).await;
        }
    }

    /// RELP: every line is answered once it is committed.
    pub(crate) async fn relp<S>(&self, stream: S, peer: Peer)
    where
        S: AsyncRead + AsyncWrite + Send + 'static,
    {
        let (reader, writer) = tokio::io::split(stream);
        let (answers, waiting) = Answers::new(self.transport == Transport::File);
        let broken = CancellationToken::new();
        let writing = tokio::spawn(write(writer, waiting, broken.clone()));
        let served = async {
            self.requests(reader, &answers, peer).await;
            // What was taken is acknowledged before the end, if it becomes safe in time.
            self.all_told(&answers).await
        };
        let told = tokio::select! {
            () = broken.cancelled() => false,
            told = served => told,
        };
        if told {
            answers.send(relp::SERVER_CLOSE.to_vec()).await;
            drop(answers);
            let _ = writing.await;
        } else {
            // Receipts that are still out would keep it waiting.
            writing.abort();
        }
    }

    /// Waits until every line handed on is acknowledged; whether they were in time.
    async fn all_told(&self, answers: &Answers) -> bool {
        tokio::select! {
            () = answers.all_told() => true,
            () = self.expired.cancelled() => false,
            () = sleep(COMMIT_TIME) => false,
        }
    }

    async fn requests<S: AsyncRead>(&self, reader: ReadHalf<S>, answers: &Answers, peer: Peer) {
        let mut bytes = self.bytes(reader);
        let mut parser = Parser::new(self.max_frame);
        let mut memory = self.repeats.begin((self.transport, peer), answers.window());
        let mut unknown = 0;
        while let Some(mut chunk) = bytes.next(peer).await {
            loop {
                match parser.next(&mut chunk) {
                    Ok(None) => break,
                    Ok(Some(request)) => {
                        unknown += u32::from(request.command == Command::Unknown);
                        match self.answer(request, answers, (peer, &mut memory)).await {
                            Next::Request if unknown <= UNKNOWN_MAX => {}
                            Next::Goodbye => return memory.forget(),
                            Next::Request | Next::End => return,
                        }
                    }
                    Err(error) => {
                        self.malformed.add(1);
                        tracing::debug!(?peer, %error, "RELP connection closed");
                        return;
                    }
                }
            }
        }
    }

    /// Does one request.
    async fn answer(
        &self,
        request: Request,
        answers: &Answers,
        (peer, memory): (Peer, &mut Memory),
    ) -> Next {
        let Request { transaction, command, data, truncated } = request;
        match command {
            Command::Open => answers.send(relp::offer(transaction)).await,
            Command::Syslog => {
                let line = if self.transport == Transport::File { data } else { line(data) };
                let note = memory.note(&line).await;
                let Some(receipt) = answers.receipt(transaction, note).await else {
                    return Next::End;
                };
                self.gate.deliver((line, truncated), peer, Some(receipt)).await;
            }
            Command::Close => {
                if !self.all_told(answers).await {
                    return Next::End;
                }
                answers.send(relp::response(transaction, "")).await;
                return Next::Goodbye;
            }
            Command::Unknown => {
                answers.send(relp::response(transaction, "500 unknown command")).await;
            }
        }
        Next::Request
    }
}

/// The message without one trailing LF or CRLF, like those of every other transport.
fn line(mut data: Vec<u8>) -> Vec<u8> {
    if data.last() == Some(&b'\n') {
        data.pop();
        if data.last() == Some(&b'\r') {
            data.pop();
        }
    }
    data
}

/// Writes answers, as many at a time as wait, until nobody can give any more.
async fn write<S: AsyncWrite>(
    mut writer: WriteHalf<S>,
    mut waiting: mpsc::Receiver<Answer>,
    broken: CancellationToken,
) {
    let mut answers = Vec::new();
    while waiting.recv_many(&mut answers, relp::WINDOW).await > 0 {
        let bytes: Vec<u8> =
            answers.iter().flat_map(|answer| answer.bytes.iter().copied()).collect();
        let written = async {
            writer.write_all(&bytes).await?;
            writer.flush().await
        };
        if !matches!(timeout(WRITE_TIME, written).await, Ok(Ok(()))) {
            broken.cancel();
            return;
        }
        answers.clear();
    }
    let _ = writer.shutdown().await;
}
