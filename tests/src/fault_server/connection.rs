//! One connection of the fault server: the bytes read so far and the steps that are carried out on them.

use std::io;
use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use service_core::{Clock, SystemClock};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, copy, copy_bidirectional, sink, split};
use tokio::net::TcpStream;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::server::TlsStream;

use super::frames::{self, Frame};
use super::script::{Script, Step, http1_response};
use super::{Log, lock};

pub(super) struct Connection {
    stream: Stream,
    unread: BytesMut,
    log: Arc<Log>,
    version: Version,
}

enum Stream {
    Plain(TcpStream),
    Tls(Box<TlsStream<TcpStream>>),
}

/// What is spoken, and for HTTP/2 whether both sides have introduced themselves.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Version {
    Http1,
    Http2 { begun: bool },
}

impl Connection {
    pub(super) fn new(stream: TcpStream, log: Arc<Log>) -> Self {
        Self { stream: Stream::Plain(stream), unread: BytesMut::new(), log, version: Version::Http1 }
    }

    /// Carries out the steps up to the first that the client makes impossible.
    pub(super) async fn follow(mut self, script: Script) {
        for step in script {
            match self.carry_out(step).await {
                Ok(connection) => self = connection,
                Err(_) => return,
            }
        }
    }

    async fn carry_out(mut self, step: Step) -> io::Result<Self> {
        match step {
            Step::Tls(config) => return self.shake_hands(config).await,
            Step::Request => drop(self.request().await?),
            Step::Bytes => self.more().await?,
            Step::Write(bytes) => self.write(&bytes).await?,
            Step::Trickle(bytes, pause) => self.trickle(&bytes, pause).await?,
            Step::Flood(bytes) => self.flood(&bytes).await?,
            Step::Pour(window) => self.pour(window).await?,
            Step::Serve(body) => self.serve(body).await?,
            Step::Tunnel(to) => self.tunnel(to).await?,
            Step::Finish => {
                match &mut self.stream {
                    Stream::Plain(stream) => stream.shutdown().await?,
                    Stream::Tls(stream) => stream.shutdown().await?,
                }
                self.hang().await;
            }
            Step::Reset => self.tcp().set_zero_linger()?,
            Step::Hang => self.hang().await,
            Step::Notify(event) => event.notify_one(),
            Step::Await(event) => event.notified().await,
        }
        Ok(self)
    }

    fn tcp(&self) -> &TcpStream {
        match &self.stream {
            Stream::Plain(stream) => stream,
            Stream::Tls(stream) => stream.get_ref().0,
        }
    }

    async fn shake_hands(mut self, config: Arc<ServerConfig>) -> io::Result<Self> {
        let Stream::Plain(stream) = self.stream else { return Err(io::ErrorKind::InvalidInput.into()) };
        let stream = TlsAcceptor::from(config).accept(stream).await?;
        let protocol = stream.get_ref().1.alpn_protocol().unwrap_or_default();
        if protocol == b"h2" {
            self.version = Version::Http2 { begun: false };
        }
        lock(&self.log.protocols).push(String::from_utf8_lossy(protocol).into_owned());
        self.stream = Stream::Tls(Box::new(stream));
        Ok(self)
    }

    async fn serve(&mut self, body: &'static str) -> io::Result<()> {
        loop {
            let stream = self.request().await?;
            let bytes = match self.version {
                Version::Http1 => http1_response("200 OK", &[], body).into_bytes(),
                Version::Http2 { .. } => [frames::ok(stream), frames::end(stream, body)].concat(),
            };
            self.write(&bytes).await?;
        }
    }

    async fn tunnel(&mut self, to: std::net::SocketAddr) -> io::Result<()> {
        self.http1_request().await?;
        let Stream::Plain(near) = &mut self.stream else { return Err(io::ErrorKind::InvalidInput.into()) };
        let mut far = TcpStream::connect(to).await?;
        near.write_all(b"HTTP/1.1 200 Connected\r\n\r\n").await?;
        copy_bidirectional(near, &mut far).await?;
        Ok(())
    }

    /// A test of slowness needs a slow server: the pauses are part of what is tested, and bounded by the client's timeout.
    async fn trickle(&mut self, bytes: &Bytes, pause: std::time::Duration) -> io::Result<()> {
        let clock = SystemClock::new();
        for byte in bytes {
            clock.sleep(pause).await;
            self.write(&[*byte]).await?;
        }
        Ok(())
    }

    /// What the client writes meanwhile is discarded, so that only the client can slow the flood down.
    async fn flood(&mut self, bytes: &Bytes) -> io::Result<()> {
        match &mut self.stream {
            Stream::Plain(stream) => {
                let (read, write) = stream.split();
                flood(read, write, bytes).await
            }
            Stream::Tls(stream) => {
                let (read, write) = split(stream);
                flood(read, write, bytes).await
            }
        }
    }

    async fn pour(&mut self, mut window: usize) -> io::Result<()> {
        let data = frames::frame(frames::DATA, 0, 1, &[b'x'; frames::MAX_PAYLOAD]);
        loop {
            while window >= frames::MAX_PAYLOAD {
                self.write(&data).await?;
                window -= frames::MAX_PAYLOAD;
            }
            let frame = self.frame().await?;
            match (frame.kind, frame.stream) {
                (frames::RST_STREAM, 1) => return Ok(()),
                (frames::WINDOW_UPDATE, 1) => window += frame.increment(),
                _ => {}
            }
        }
    }

    async fn hang(&mut self) {
        while self.more().await.is_ok() {
            self.unread.clear();
        }
    }

    /// Reads and counts a request, and gives its stream.
    async fn request(&mut self) -> io::Result<u32> {
        if self.version == Version::Http1 {
            self.http1_request().await?;
            return Ok(0);
        }
        if self.version == (Version::Http2 { begun: false }) {
            self.take(frames::PREFACE).await?;
            self.write(&frames::settings()).await?;
            self.version = Version::Http2 { begun: true };
        }
        self.http2_request().await
    }

    async fn http1_request(&mut self) -> io::Result<()> {
        let length = loop {
            match self.unread.windows(4).position(|window| window == b"\r\n\r\n") {
                Some(end) => break end + 4,
                None => self.more().await?,
            }
        };
        let head = String::from_utf8_lossy(&self.take(length).await?).into_owned();
        let announced = head.lines().find_map(|line| {
            let (name, value) = line.split_once(':')?;
            name.eq_ignore_ascii_case("content-length").then(|| value.trim().parse::<usize>().ok())?
        });
        let body = self.take(announced.unwrap_or(0)).await?;
        lock(&self.log.requests).push(head + &String::from_utf8_lossy(&body));
        Ok(())
    }

    async fn http2_request(&mut self) -> io::Result<u32> {
        let mut body = Vec::new();
        loop {
            let frame = self.frame().await?;
            match frame.kind {
                frames::SETTINGS if frame.flags & frames::ACK == 0 => {
                    self.write(&frames::settings_ack()).await?;
                }
                frames::PING if frame.flags & frames::ACK == 0 => {
                    self.write(&frames::pong(&frame.payload)).await?;
                }
                frames::DATA => body.extend_from_slice(&frame.payload),
                _ => {}
            }
            let carries_request = matches!(frame.kind, frames::HEADERS | frames::DATA);
            if carries_request && frame.flags & frames::END_STREAM != 0 {
                let text = format!("stream {} {}", frame.stream, String::from_utf8_lossy(&body));
                lock(&self.log.requests).push(text);
                return Ok(frame.stream);
            }
        }
    }

    async fn frame(&mut self) -> io::Result<Frame> {
        while self.unread.len() < frames::HEAD {
            self.more().await?;
        }
        let bytes = self.take(frames::HEAD + Frame::length(&self.unread)).await?;
        Frame::read(&bytes).ok_or_else(|| io::ErrorKind::InvalidData.into())
    }

    async fn take(&mut self, length: usize) -> io::Result<BytesMut> {
        while self.unread.len() < length {
            self.more().await?;
        }
        Ok(self.unread.split_to(length))
    }

    /// Reads some more; the end of the connection is an error.
    async fn more(&mut self) -> io::Result<()> {
        let read = match &mut self.stream {
            Stream::Plain(stream) => stream.read_buf(&mut self.unread).await?,
            Stream::Tls(stream) => stream.read_buf(&mut self.unread).await?,
        };
        if read == 0 { Err(io::ErrorKind::UnexpectedEof.into()) } else { Ok(()) }
    }

    async fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        match &mut self.stream {
            Stream::Plain(stream) => stream.write_all(bytes).await,
            Stream::Tls(stream) => {
                stream.write_all(bytes).await?;
                stream.flush().await
            }
        }
    }
}

/// Writes the bytes again and again until the client closes the connection.
async fn flood(
    mut read: impl AsyncRead + Unpin,
    mut write: impl AsyncWrite + Unpin,
    bytes: &[u8],
) -> io::Result<()> {
    let pour = async {
        loop {
            write.write_all(bytes).await?;
            write.flush().await?;
        }
    };
    let mut discarded = sink();
    tokio::select! {
        closed = copy(&mut read, &mut discarded) => closed.and(Err(io::ErrorKind::UnexpectedEof.into())),
        poured = pour => poured,
    }
}
