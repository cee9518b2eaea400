//! The extension point for the network: it sends a request and returns a buffered response or an upgraded stream.

mod http_client;
mod pools;
mod target;

use std::fmt;
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
/// use service_core::{Result, Transport, Upgrade};
///
/// #[derive(Debug)]
/// struct Logged(Arc<dyn Transport>);
///
/// #[async_trait::async_trait]
/// impl Transport for Logged {
///     async fn send(&self, request: Request<Bytes>, max_response_bytes: usize) -> Result<Response<Bytes>> {
///         println!("{} {}", request.method(), request.uri().path());
///         self.0.send(request, max_response_bytes).await
///     }
///
///     async fn upgrade(&self, request: Request<()>) -> Result<Upgrade> {
///         self.0.upgrade(request).await
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
    /// Returns an error if no complete response arrives, or if a successful response is larger than `max_response_bytes`. Its
    /// [`delivery`](crate::Error::delivery) must be set, since retries depend on it. It must not contain the URL.
    async fn send(&self, request: Request<Bytes>, max_response_bytes: usize) -> Result<Response<Bytes>>;

    /// Sends an HTTP/1.1 upgrade request.
    ///
    /// # Errors
    ///
    /// Returns an error if no response arrives. A response is `Ok` regardless of its status.
    async fn upgrade(&self, request: Request<()>) -> Result<Upgrade>;
}

/// A request extension that contains the call's connect timeout, if the call overrides the client's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ConnectTimeout(pub Duration);

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
            pool_idle_timeout: Duration::from_secs(90),
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
