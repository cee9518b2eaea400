//! The real transport: reqwest, with its redirects, its own retries and its URLs in errors switched off.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use bytes::{Bytes, BytesMut};
use http::header::{ACCEPT_ENCODING, CONTENT_LENGTH};
use http::{HeaderValue, Method, Request, Response, StatusCode};

use super::failure::Peers;
use super::handshake::tracked;
use super::pools::{Pool, Pools};
use super::slots::Slots;
use super::target::Target;
use super::{ConnectionOptions, SendOptions, Transport, Upgrade};
use crate::Endpoint;
use crate::clock::{self, Clock};
use crate::error::{Delivery, Error, ErrorKind, MAX_ERROR_BODY_BYTES, Result};

/// The body of an error response is read for at most this long: its status matters more than its text.
const ERROR_BODY_TIMEOUT: Duration = Duration::from_secs(5);

/// Connections to the service, HTTP/2 where it offers that.
#[derive(Debug)]
pub(crate) struct HttpClient {
    pools: Pools,
    slots: Slots,
    peers: Peers,
    target: Target,
    clock: Arc<dyn Clock>,
}

impl HttpClient {
    pub(crate) fn new(
        options: ConnectionOptions,
        endpoint: &Endpoint,
        clock: Arc<dyn Clock>,
    ) -> Result<Self> {
        check_provider()?;
        let target = Target::new(endpoint)
            .map_err(|error| Error::invalid_input("endpoint", "is not a URL", None).with_source(error))?;
        let peers = Peers::new(&options, endpoint)?;
        let slots = Slots::new(options.max_connections);
        Ok(Self { pools: Pools::new(options, endpoint, Arc::clone(&clock))?, slots, peers, target, clock })
    }

    /// Sends the request and waits for the response's head.
    async fn head(
        &self,
        pool: &Pool,
        request: reqwest::Request,
        queued: bool,
        options: &SendOptions,
    ) -> Result<reqwest::Response> {
        let _watch = Watch { client: self, pool, options, started: self.clock.elapsed() };
        let response = tracked(pool.client.execute(request), queued, options).await;
        let response = response.map_err(|error| self.peers.failure(error))?;
        pool.health.received(self.clock.elapsed());
        Ok(response)
    }

    /// Reads the body chunk by chunk, so that no response takes more memory than its limit.
    async fn buffer(
        &self,
        mut response: reqwest::Response,
        pool: &Pool,
        limit: usize,
    ) -> Result<Response<Bytes>> {
        let mut head = Response::new(());
        *head.status_mut() = response.status();
        *head.version_mut() = response.version();
        *head.headers_mut() = std::mem::take(response.headers_mut());
        let mut chunks = Chunks::default();
        if head.status().is_success() {
            while let Some(chunk) = response.chunk().await.map_err(|error| self.cut_off(error, &mut head))? {
                pool.health.received(self.clock.elapsed());
                if chunks.len() + chunk.len() > limit {
                    return Err(too_large(head, limit));
                }
                chunks.push(chunk);
            }
        } else {
            // What was received of an error's text is better than another error in its place.
            let reading = read_up_to(&mut response, MAX_ERROR_BODY_BYTES, &mut chunks);
            clock::timeout(&*self.clock, ERROR_BODY_TIMEOUT, reading).await;
        }
        Ok(head.map(|()| chunks.into_bytes()))
    }
}

impl HttpClient {
    fn cut_off(&self, error: reqwest::Error, head: &mut Response<()>) -> Error {
        Error::new(ErrorKind::Transport, format!("the response from {} was cut off", self.peers.host()))
            .with_head(head.status(), std::mem::take(head.headers_mut()))
            .with_delivery(Delivery::Accepted)
            .with_cause(error.without_url())
    }
}

#[async_trait]
impl Transport for HttpClient {
    async fn send(&self, request: Request<Bytes>, options: &SendOptions) -> Result<Response<Bytes>> {
        options.set_waiting(true);
        let request = outgoing(&self.target, request)?;
        let pool = self.pools.get(options.connect_timeout, false)?;
        let slot = self.slots.take(&pool.health, options.long_poll).await;
        let response = self.head(&pool, request, slot.is_queued(), options).await?;
        if response.status().is_success() {
            options.set_accepted();
        }
        self.buffer(response, &pool, options.max_response_bytes).await
    }

    async fn upgrade(&self, request: Request<()>, options: &SendOptions) -> Result<Upgrade> {
        options.set_waiting(true);
        let request = outgoing(&self.target, request.map(|()| Bytes::new()))?;
        let pool = self.pools.get(options.connect_timeout, true)?;
        let slot = self.slots.take(&pool.health, true).await;
        let response = self.head(&pool, request, slot.is_queued(), options).await?;
        if response.status() != StatusCode::SWITCHING_PROTOCOLS {
            return self.buffer(response, &pool, MAX_ERROR_BODY_BYTES).await.map(Upgrade::Rejected);
        }
        let mut head = Response::new(());
        *head.status_mut() = response.status();
        *head.headers_mut() = response.headers().clone();
        let stream = response.upgrade().await.map_err(|error| self.peers.failure(error))?;
        Ok(Upgrade::Switched(head, Box::new(stream)))
    }
}

/// Notices that a call timed out while nothing was received on its connection.
struct Watch<'a> {
    client: &'a HttpClient,
    pool: &'a Pool,
    options: &'a SendOptions,
    started: Duration,
}

impl Drop for Watch<'_> {
    fn drop(&mut self) {
        if !self.options.has_timed_out() || self.options.long_poll || self.options.is_waiting() {
            return;
        }
        if self.pool.health.timed_out(self.started, self.client.clock.elapsed()) {
            self.client.pools.replace(self.pool);
        }
    }
}

/// What reqwest's own conversion does, but for the origin's part of the URL.
fn outgoing(target: &Target, request: Request<Bytes>) -> Result<reqwest::Request> {
    let (parts, body) = request.into_parts();
    let url = target.url(&parts.uri).map_err(|error| {
        let invalid = Error::new(ErrorKind::Transport, "the request's URL is not valid").with_source(error);
        invalid.with_delivery(Delivery::NotSent).permanent()
    })?;
    // hyper omits the length of an empty body, and services then respond with 411 or 400. A method that gives its body a
    // meaning should state that there is none (RFC 9110, 8.6).
    let says_length = matches!(parts.method, Method::POST | Method::PUT | Method::PATCH) && body.is_empty();
    let mut outgoing = reqwest::Request::new(parts.method, url);
    *outgoing.headers_mut() = parts.headers;
    // Without this header, a server may choose any coding (RFC 9110, 12.5.3), and nothing here decodes one.
    outgoing.headers_mut().entry(ACCEPT_ENCODING).or_insert(HeaderValue::from_static("identity"));
    if says_length {
        outgoing.headers_mut().insert(CONTENT_LENGTH, HeaderValue::from_static("0"));
    }
    *outgoing.body_mut() = Some(body.into());
    Ok(outgoing)
}

/// reqwest panics where no TLS provider is to be found; a library must not.
fn check_provider() -> Result<()> {
    if cfg!(feature = "rustls") || rustls::crypto::CryptoProvider::get_default().is_some() {
        return Ok(());
    }
    Err(Error::invalid_input(
        "TLS provider",
        "is missing: this program was built with `rustls-no-provider`, so install one first, as by \
         `rustls::crypto::ring::default_provider().install_default()`",
        None,
    ))
}

/// Reads until the body ends, fails, or fills `limit` bytes.
async fn read_up_to(response: &mut reqwest::Response, limit: usize, chunks: &mut Chunks) {
    while let Ok(Some(chunk)) = response.chunk().await {
        let room = limit - chunks.len();
        if chunk.len() >= room {
            chunks.push(chunk.slice(..room));
            return;
        }
        chunks.push(chunk);
    }
}

/// Most bodies are one chunk, which is then not copied.
#[derive(Default)]
struct Chunks {
    first: Bytes,
    all: Option<BytesMut>,
}

impl Chunks {
    fn len(&self) -> usize {
        self.all.as_ref().map_or(self.first.len(), BytesMut::len)
    }

    fn push(&mut self, chunk: Bytes) {
        match &mut self.all {
            Some(all) => all.extend_from_slice(&chunk),
            None if self.first.is_empty() => self.first = chunk,
            None => {
                let mut all = BytesMut::with_capacity(self.first.len() + chunk.len());
                all.extend_from_slice(&self.first);
                all.extend_from_slice(&chunk);
                self.all = Some(all);
            }
        }
    }

    fn into_bytes(self) -> Bytes {
        self.all.map_or(self.first, BytesMut::freeze)
    }
}

fn too_large(head: Response<()>, limit: usize) -> Error {
    let text = format!("the response is larger than the {limit} bytes that this operation reads");
    let (parts, ()) = head.into_parts();
    Error::new(ErrorKind::ResponseTooLarge, text)
        .with_head(parts.status, parts.headers)
        .with_delivery(Delivery::Accepted)
        .permanent()
}
