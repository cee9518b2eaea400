//! The byte stream under a WebSocket, which a fault may end within a frame. A separate layer, because frames hide
//! bytes.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use crate::faults::sockets::{SocketFaults, Way};
use crate::message::Upgraded;

/// A stream that breaks in both directions after the byte that a fault specifies.
pub(super) struct Cut {
    stream: Upgraded,
    faults: SocketFaults,
    broken: bool,
}

impl Cut {
    pub(super) fn new(stream: Upgraded, faults: SocketFaults) -> Self {
        Self { stream, faults, broken: false }
    }

    /// The number of bytes that may pass in this direction now.
    fn left(&self, way: Way) -> io::Result<Option<usize>> {
        if self.broken {
            return Err(io::ErrorKind::ConnectionReset.into());
        }
        Ok(self.faults.bytes_left(way))
    }

    fn passed(&mut self, way: Way, bytes: usize) {
        self.broken |= self.faults.cuts_after(way, bytes);
    }
}

impl AsyncRead for Cut {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let Some(left) = self.left(Way::In)? else {
            return Pin::new(&mut self.stream).poll_read(cx, buffer);
        };
        let most = left.min(buffer.remaining());
        let mut part = ReadBuf::new(buffer.initialize_unfilled_to(most));
        ready!(Pin::new(&mut self.stream).poll_read(cx, &mut part))?;
        let read = part.filled().len();
        buffer.advance(read);
        self.passed(Way::In, read);
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Cut {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let Some(left) = self.left(Way::Out)? else {
            return Pin::new(&mut self.stream).poll_write(cx, bytes);
        };
        let written = ready!(Pin::new(&mut self.stream).poll_write(cx, &bytes[..left.min(bytes.len())]))?;
        self.passed(Way::Out, written);
        Poll::Ready(Ok(written))
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        // Data written before the break is still sent. The error is reported after it.
        ready!(Pin::new(&mut self.stream).poll_flush(cx))?;
        Poll::Ready(self.left(Way::Out).map(drop))
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}
