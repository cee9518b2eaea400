//! What a connection of the fault server does, as a value, so that a test reads as the list of what happens.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use tokio::sync::Notify;
use tokio_rustls::rustls::ServerConfig;

/// The steps of one connection; it is closed after the last one.
pub type Script = Vec<Step>;

/// One step. A step that the client makes impossible, by closing the connection, ends the script.
#[derive(Debug, Clone)]
pub enum Step {
    /// Shakes hands for TLS. HTTP/2 is spoken from here on where the client agrees to it.
    Tls(Arc<ServerConfig>),
    /// Reads one request whole, and counts it.
    Request,
    /// Reads any bytes and does not count them.
    Bytes,
    /// Writes these bytes.
    Write(Bytes),
    /// Writes these bytes one at a time, with this pause before each.
    Trickle(Bytes, Duration),
    /// Writes these bytes repeatedly, as fast as the client reads them, until it closes the connection.
    Flood(Bytes),
    /// Writes a body without an end on stream 1, as fast as flow control with this initial window allows.
    Pour(usize),
    /// Responds to every request with success and this body until the client closes the connection.
    Serve(&'static str),
    /// Reads the head of a request for a tunnel, counts it, and connects the client to this address.
    Tunnel(SocketAddr),
    /// Closes this side and waits until the client has closed its own: after that it certainly knows.
    Finish,
    /// Resets the connection: the client loses even what was already under way to it.
    Reset,
    /// Does nothing until the client closes the connection.
    Hang,
    /// Notifies the test that the script has reached this step.
    Notify(Arc<Notify>),
    /// Waits until the test notifies this event.
    Await(Arc<Notify>),
}

impl Step {
    /// Writes these bytes.
    pub fn write(bytes: impl Into<Bytes>) -> Self {
        Self::Write(bytes.into())
    }

    /// Writes these bytes repeatedly, many of them at a time.
    #[must_use]
    pub fn flood(bytes: &[u8]) -> Self {
        Self::Flood(bytes.repeat(16_384_usize.div_ceil(bytes.len().max(1))).into())
    }
}

/// An HTTP/1.1 response after which the connection stays open.
#[must_use]
pub fn http1_response(status: &str, headers: &[(&str, &str)], body: &str) -> String {
    let headers: String = headers.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
    format!("HTTP/1.1 {status}\r\n{headers}content-length: {}\r\n\r\n{body}", body.len())
}
