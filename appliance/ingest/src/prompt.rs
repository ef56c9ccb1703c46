//! Connections on which what was read is acknowledged at once.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;

/// A connection whose sender need not wait to hear that its lines came. Left alone, the kernel holds an
/// acknowledgement back for up to 40 ms, in the hope of an answer to send it with; a sender that gathers
/// small writes until it has one (RFC 896, which is usual) sends nothing in that time, and its lines lie where nobody
/// keeps them. The kernel forgets the wish, so it is told after every read.
pub(crate) struct Prompt(pub(crate) TcpStream);

impl AsyncRead for Prompt {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        let read = Pin::new(&mut self.0).poll_read(context, buffer);
        if buffer.filled().len() > before {
            // Where it cannot be set, lines come later, and no fewer of them.
            let _ = self.0.set_quickack(true);
        }
        read
    }
}

impl AsyncWrite for Prompt {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.0).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_shutdown(context)
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpListener;

    use super::*;

    #[tokio::test]
    async fn what_is_read_is_acknowledged_at_once_even_amid_a_conversation() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let mut sender = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
        let mut receiver = Prompt(listener.accept().await.unwrap().0);
        // Answers make the kernel wait for more of them.
        for _ in 0..8 {
            sender.write_all(b"a line\n").await.unwrap();
            receiver.read_exact(&mut [0; 7]).await.unwrap();
            assert!(receiver.0.quickack().unwrap());
            receiver.write_all(b"ok").await.unwrap();
            sender.read_exact(&mut [0; 2]).await.unwrap();
        }
        receiver.0.set_quickack(false).unwrap();
        sender.write_all(b"a line\n").await.unwrap();
        receiver.read_exact(&mut [0; 7]).await.unwrap();
        assert!(receiver.0.quickack().unwrap());
    }
}
