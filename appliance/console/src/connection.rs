//! One connection: counted while it lives, closed when its other end goes quiet.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::sync::OwnedSemaphorePermit;
use tokio::time::{Instant, Sleep, sleep};

/// A stream that holds a place among the connections and fails when nothing is read for too long.
pub(crate) struct Connection<S> {
    stream: S,
    idle: Duration,
    quiet: Pin<Box<Sleep>>,
    _place: OwnedSemaphorePermit,
}

impl<S> Connection<S> {
    pub(crate) fn new(stream: S, place: OwnedSemaphorePermit, idle: Duration) -> Self {
        Self { stream, idle, quiet: Box::pin(sleep(idle)), _place: place }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Connection<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let polled = Pin::new(&mut self.stream).poll_read(context, buffer);
        if polled.is_ready() {
            let until = Instant::now() + self.idle;
            self.quiet.as_mut().reset(until);
            return polled;
        }
        self.quiet.as_mut().poll(context).map(|()| Err(io::ErrorKind::TimedOut.into()))
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Connection<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use tokio::sync::Semaphore;

    use super::*;

    #[tokio::test]
    async fn a_quiet_end_is_given_up_and_its_place_is_free() {
        let places = Arc::new(Semaphore::new(1));
        for (idle, expected) in
            [(Duration::from_secs(3600), Ok(1)), (Duration::ZERO, Err(io::ErrorKind::TimedOut))]
        {
            let place = Arc::clone(&places).try_acquire_owned().unwrap();
            let (mut other, stream) = tokio::io::duplex(8);
            let mut connection = Connection::new(stream, place, idle);
            if expected.is_ok() {
                other.write_all(b"a").await.unwrap();
            }
            let read = connection.read(&mut [0; 8]).await;
            assert_eq!(read.map_err(|error| error.kind()), expected);
            assert_eq!(places.available_permits(), 0);
            drop(connection);
            assert_eq!(places.available_permits(), 1);
        }
    }
}
