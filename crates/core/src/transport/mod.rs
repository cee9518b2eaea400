//! The extension point for the network: it sends a request and returns a buffered response or an upgraded stream.

mod failure;
mod handshake;
mod health;
mod http_client;
mod ledger;
mod pools;
mod slots;
mod target;
mod tunnel;

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

/// Sends requests and returns their responses.
///
/// [`ClientOptions::build`](crate::ClientOptions::build) creates the default implementation, which pools HTTP/1.1 and HTTP/2
/// connections. The feature `testing` has a scripted one. A client's builder accepts any other in `.transport(..)`.
///
/// # Examples
///
/// A transport that logs every request before it passes it on:
///
/// ```
/// use std::sync::Arc;
///
/// use bytes::Bytes;
/// use http::{Request, Response};
/// use service_core::{Result, SendOptions, Transport, Upgrade};
///
/// #[derive(Debug)]
/// struct Logged(Arc<dyn Transport>);
///
/// #[async_trait::async_trait]
/// impl Transport for Logged {
///     async fn send(&self, request: Request<Bytes>, options: &SendOptions) -> Result<Response<Bytes>> {
///         println!("{} {}", request.method(), request.uri().path());
///         self.0.send(request, options).await
///     }
///
///     async fn upgrade(&self, request: Request<()>, options: &SendOptions) -> Result<Upgrade> {
///         self.0.upgrade(request, options).await
///     }
/// }
/// ```
#[async_trait]
pub trait Transport: fmt::Debug + Send + Sync + 'static {
    /// Sends one request and reads the complete response.
    ///
    /// Dropping the future must abort the request. The body of a response with an error status is cut off at 64 KiB, so that
    /// its status is reported.
    ///
    /// # Errors
    ///
    /// Returns an error if no complete response arrives, or if a successful response is larger than
    /// [`SendOptions::max_response_bytes`]. Its
    /// [`delivery`](crate::Error::delivery) must be set, since retries depend on it. It must not contain the URL.
    async fn send(&self, request: Request<Bytes>, options: &SendOptions) -> Result<Response<Bytes>>;

    /// Sends an HTTP/1.1 upgrade request.
    ///
    /// # Errors
    ///
    /// Returns an error if no response arrives. A response is `Ok` regardless of its status.
    async fn upgrade(&self, request: Request<()>, options: &SendOptions) -> Result<Upgrade>;
}

/// Describes one attempt to a transport, besides its request.
///
/// The flags are how a transport and the pipeline agree on what a timeout means: the pipeline drops the transport's
/// future, so the future cannot return how far the request got.
#[derive(Debug)]
#[non_exhaustive]
pub struct SendOptions {
    /// The size in bytes above which a successful response is an error.
    pub max_response_bytes: usize,
    /// Contains the call's connect timeout, if it overrides the client's.
    pub connect_timeout: Option<Duration>,
    /// Whether the server delays its response on purpose, as for a long poll.
    pub long_poll: bool,
    waiting: AtomicBool,
    accepted: AtomicBool,
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
            accepted: AtomicBool::new(false),
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

    /// Records that the head of a successful response arrived, so that only its body can still be lost.
    pub fn set_accepted(&self) {
        self.accepted.store(true, Ordering::Relaxed);
    }

    /// Returns whether the head of a successful response arrived.
    #[must_use]
    pub fn is_accepted(&self) -> bool {
        self.accepted.load(Ordering::Relaxed)
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

/// Represents the response to an upgrade request.
#[non_exhaustive]
pub enum Upgrade {
    /// The service responded with status 101, and the connection now uses the other protocol.
    Switched(Response<()>, Box<dyn Io>),
    /// The service responded with any other status.
    Rejected(Response<Bytes>),
}

/// Is implemented by every bidirectional byte stream.
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

/// The settings of connections.
#[derive(Debug, Clone)]
pub(crate) struct ConnectionOptions {
    pub(crate) connect_timeout: Duration,
    pub(crate) pool_idle_timeout: Duration,
    pub(crate) max_connections: usize,
    pub(crate) proxy: Proxy,
    pub(crate) root_certificates: Vec<Bytes>,
    pub(crate) client_certificate: Option<Secret>,
}

/// The proxy that requests use.
#[derive(Debug, Clone)]
pub(crate) enum Proxy {
    /// The one that the environment variables name, except for loopback.
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
    /// Returns whether the environment's proxy variables apply to this endpoint.
    fn reads_environment(&self, endpoint: &Endpoint) -> bool {
        matches!(self.proxy, Proxy::Environment) && !endpoint.is_loopback()
    }
}
