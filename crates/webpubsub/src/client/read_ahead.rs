//! Reads ahead of the WebSocket library while data keeps arriving. The library's own buffer is never released, so it is small;
//! the one for reading ahead is released once little arrives, such as the response to a ping, so that an idle client has none.

use std::io;
use std::pin::{Pin, pin};
use std::task::{Context, Poll, ready};

use bytes::{Buf, BytesMut};
use service_core::Io;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, ReadBuf};

/// The maximum bytes of one read from the network.
const READ_AHEAD: usize = 64 * 1024;

pub(super) struct ReadAhead {
    stream: Box<dyn Io>,
    /// What was read and not passed on yet.
    buffer: BytesMut,
    /// Whether the last read was more than the library had room for.
    is_busy: bool,
}

impl ReadAhead {
    pub(super) fn new(stream: Box<dyn Io>) -> Self {
        Self { stream, buffer: BytesMut::new(), is_busy: false }
    }

    /// Reads into the caller's buffer. If that fills it, more has probably arrived.
    fn poll_directly(&mut self, context: &mut Context<'_>, target: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let read = Pin::new(&mut self.stream).poll_read(context, target);
        self.is_busy = target.remaining() == 0;
        read
    }
}

impl AsyncRead for ReadAhead {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        target: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = &mut *self;
        if this.buffer.is_empty() {
            if !this.is_busy {
                return this.poll_directly(context, target);
            }
            this.buffer.reserve(READ_AHEAD);
            ready!(pin!(this.stream.read_buf(&mut this.buffer)).poll(context))?;
            this.is_busy = this.buffer.len() > target.remaining();
        }
        let length = this.buffer.len().min(target.remaining());
        target.put_slice(&this.buffer[..length]);
        this.buffer.advance(length);
        if !this.is_busy {
            this.buffer = BytesMut::new();
        }
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for ReadAhead {
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
    use std::future::poll_fn;

    use tokio::io::AsyncWriteExt;

    use super::*;

    /// Reads everything that has arrived in pieces of this size.
    async fn read_available(reader: &mut ReadAhead, piece: usize) -> Vec<u8> {
        let (mut read, mut buffer) = (Vec::new(), vec![0; piece]);
        poll_fn(|context| {
            loop {
                let mut target = ReadBuf::new(&mut buffer);
                match Pin::new(&mut *reader).poll_read(context, &mut target) {
                    Poll::Ready(Ok(())) if !target.filled().is_empty() => {
                        read.extend_from_slice(target.filled());
                    }
                    _ => return Poll::Ready(()),
                }
            }
        })
        .await;
        read
    }

    #[tokio::test]
    async fn bytes_are_passed_on_in_order_and_the_buffer_is_released_once_little_arrives() {
        let (near, mut far) = tokio::io::duplex(1 << 20);
        let mut reader = ReadAhead::new(Box::new(near));
        for length in [1, 9, 10, 11, 100_000, 0, 300_000, 5] {
            let sent: Vec<_> = (0..length).map(|at: u32| at.to_le_bytes()[0]).collect();
            far.write_all(&sent).await.unwrap();
            assert_eq!(read_available(&mut reader, 10).await, sent);
            let is_allocated = reader.buffer.capacity() > 0;
            assert!(if length < 10 { !is_allocated || length == 0 } else { is_allocated || length == 10 });
        }
        far.write_all(&[7; 25]).await.unwrap();
        drop(far);
        assert_eq!(read_available(&mut reader, 10).await, [7; 25]);
    }

    #[tokio::test]
    async fn a_few_bytes_need_no_buffer_and_many_are_read_at_once() {
        let (near, mut far) = tokio::io::duplex(1 << 20);
        let mut reader = ReadAhead::new(Box::new(near));
        let mut target = [0; 100];
        far.write_all(&[1; 99]).await.unwrap();
        assert_eq!(reader.read(&mut target).await.unwrap(), 99);
        assert!(!reader.is_busy);
        far.write_all(&[1; 200_000]).await.unwrap();
        assert_eq!(reader.read(&mut target).await.unwrap(), 100);
        assert_eq!((reader.read(&mut target).await.unwrap(), reader.buffer.len()), (100, READ_AHEAD - 100));
    }
}
