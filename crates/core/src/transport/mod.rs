//! The seam to the network: one request out, one buffered answer back, or an upgraded stream.

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

/// Carries requests. The one real implementation is made by [`ClientOptions`](crate::ClientOptions); the `testing` feature has a scripted one.
#[async_trait]
pub trait Transport: fmt::Debug + Send + Sync + 'static {
    /// Sends one request and reads its answer whole.
    ///
    /// A successful answer over `max_response_bytes` bytes is an error; the body of an error status is cut at 64 KiB instead, since
    /// its status matters more than its text. Errors say by [`Error::delivery`](crate::Error::delivery) how far the request
    /// got, and hold no URL.
    async fn send(&self, request: Request<Bytes>, max_response_bytes: usize) -> Result<Response<Bytes>>;

    /// Sends an HTTP/1.1 upgrade request.
    async fn upgrade(&self, request: Request<()>) -> Result<Upgrade>;
}

/// Stands in the extensions of a request whose call has a connect budget of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ConnectTimeout(pub Duration);

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
            pool_idle_timeout: Duration::from_secs(90),
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
