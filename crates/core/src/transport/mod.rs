//! The seam to the network: one request out, one buffered answer back, or an upgraded stream.

mod failure;
mod handshake;
mod health;
mod http_client;
mod pools;
mod slots;
mod target;

use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use http::{Request, Response};
use tokio::io::{AsyncRead, AsyncWrite};

pub(crate) use http_client::HttpClient;
pub use target::text as url_text;

use crate::{Endpoint, Result, Secret};

/// Carries requests. The one real implementation is made by [`ClientOptions`](crate::ClientOptions); the `testing` feature has a scripted one.
#[async_trait]
pub trait Transport: fmt::Debug + Send + Sync + 'static {
    /// Sends one request and reads its answer whole.
    ///
    /// A successful answer over `max_response_bytes` bytes is an error; the body of an error status is cut at 64 KiB instead, since
    /// its status matters more than its text. Errors say by [`Error::delivery`](crate::Error::delivery) how far the request
    /// got, and hold no URL.
    async fn send(&self, request: Request<Bytes>, options: &SendOptions) -> Result<Response<Bytes>>;

    /// Sends an HTTP/1.1 upgrade request.
    async fn upgrade(&self, request: Request<()>, options: &SendOptions) -> Result<Upgrade>;
}

/// What a transport knows about one attempt besides its request.
///
/// The two flags are how a transport and the pipeline agree on what a timeout means: the pipeline drops the transport's
/// future, so the future cannot return how far the request got.
#[derive(Debug)]
#[non_exhaustive]
pub struct SendOptions {
    /// A successful response with more bytes than this is an error.
    pub max_response_bytes: usize,
    /// Overrides the client's connect timeout.
    pub connect_timeout: Option<Duration>,
    /// Whether the server may take its time on purpose, as for a long poll.
    pub long_poll: bool,
    waiting: AtomicBool,
    timed_out: AtomicBool,
}

impl SendOptions {
    /// Creates the options of an attempt whose successful response has at most `max_response_bytes` bytes.
    #[must_use]
    pub fn new(max_response_bytes: usize) -> Self {
        Self {
            max_response_bytes,
            connect_timeout: None,
            long_poll: false,
            waiting: AtomicBool::new(false),
            timed_out: AtomicBool::new(false),
        }
    }

    /// Sets whether the request is still waiting for a connection, so that nothing of it was written.
    ///
    /// A transport that never calls this is assumed to write the request at once.
    pub fn set_waiting(&self, waiting: bool) {
        self.waiting.store(waiting, Ordering::Relaxed);
    }

    /// Returns whether the request is still waiting for a connection.
    #[must_use]
    pub fn is_waiting(&self) -> bool {
        self.waiting.load(Ordering::Relaxed)
    }

    /// Records that the attempt ran out of time. The transport's future is dropped next.
    pub fn set_timed_out(&self) {
        self.timed_out.store(true, Ordering::Relaxed);
    }

    /// Returns whether the attempt ran out of time, rather than being dropped by the caller.
    #[must_use]
    pub fn has_timed_out(&self) -> bool {
        self.timed_out.load(Ordering::Relaxed)
    }
}

/// What became of an upgrade request.
pub enum Upgrade {
    /// 101: the connection now speaks the other protocol.
    Switched(Response<()>, Box<dyn Io>),
    /// Any other status.
    Rejected(Response<Bytes>),
}

/// A two-way byte stream.
pub trait Io: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Io for T {}

impl fmt::Debug for Upgrade {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Switched(response, _) => {
                f.debug_tuple("Switched").field(&response.status()).finish_non_exhaustive()
            }
            Self::Rejected(response) => f.debug_tuple("Rejected").field(&response.status()).finish(),
        }
    }
}

/// How connections are made.
#[derive(Debug, Clone)]
pub(crate) struct ConnectionOptions {
    pub(crate) connect_timeout: Duration,
    pub(crate) pool_idle_timeout: Duration,
    pub(crate) max_connections: usize,
    pub(crate) proxy: Proxy,
    pub(crate) root_certificates: Vec<Bytes>,
    pub(crate) client_certificate: Option<Secret>,
}

/// Which proxy requests go through.
#[derive(Debug, Clone)]
pub(crate) enum Proxy {
    /// What the proxy variables of the environment say; never for loopback.
    Environment,
    None,
    Fixed(Secret),
}

impl Default for ConnectionOptions {
    fn default() -> Self {
        Self {
            connect_timeout: Duration::from_secs(10),
            // Load balancers close idle connections after 60 s or later.
            pool_idle_timeout: Duration::from_secs(45),
            max_connections: 100,
            proxy: Proxy::Environment,
            root_certificates: Vec::new(),
            client_certificate: None,
        }
    }
}

impl ConnectionOptions {
    /// Whether the environment's proxy variables apply to this endpoint.
    fn reads_environment(&self, endpoint: &Endpoint) -> bool {
        matches!(self.proxy, Proxy::Environment) && !endpoint.is_loopback()
    }
}
