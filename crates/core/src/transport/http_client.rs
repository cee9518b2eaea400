//! The real transport: reqwest, with its redirects, its own retries and its URLs in errors switched off.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use bytes::{Bytes, BytesMut};
use http::header::{ACCEPT_ENCODING, CONNECTION, CONTENT_LENGTH, HOST};
use http::{HeaderMap, HeaderValue, Method, Request, Response, StatusCode, Version};
use hyper::body::Body as _;

use super::failure::Peers;
use super::handshake::tracked;
use super::health::Protocol;
use super::ledger::Account;
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
    /// Whether bodies state that their HTTP/2 stream ended. They do not if another crate of the program enables one of reqwest's
    /// decompressors, which hide it even when they are switched off.
    states_end: AtomicBool,
}

impl HttpClient {
    pub(crate) fn new(
        options: ConnectionOptions,
        endpoint: &Endpoint,
        clock: Arc<dyn Clock>,
    ) -> Result<Self> {
        check_provider()?;
        let target = Target::new(endpoint)?;
        let peers = Peers::new(&options, endpoint)?;
        let slots = Slots::new(options.max_connections);
        let pools = Pools::new(options, endpoint, Arc::clone(&clock))?;
        Ok(Self { pools, slots, peers, target, clock, states_end: AtomicBool::new(false) })
    }

    /// Sends the request and waits for the response's head.
    async fn head(
        &self,
        pool: &Pool,
        request: reqwest::Request,
        account: &mut Account<'_>,
        options: &SendOptions,
    ) -> Result<reqwest::Response> {
        let _watch = pool.health.is_watched().then(|| Watch {
            client: self,
            pool,
            options,
            started: self.clock.elapsed(),
        });
        let response = tracked(pool.client.execute(request), account, options).await;
        let response = match response {
            Ok(response) => response,
            // Boxed, since nearly no call needs this future.
            Err(error) => return Err(Box::pin(self.failure(error, options)).await),
        };
        self.received(pool);
        Ok(response)
    }

    async fn failure(&self, error: reqwest::Error, options: &SendOptions) -> Error {
        let rejected = Peers::rejected_tunnel(&error);
        let failure = self.peers.failure(error);
        if !rejected {
            return failure;
        }
        // A timeout meanwhile does not mean that the request was sent.
        options.set_waiting(true);
        match self.pools.tunnel_status().await {
            Some(status) if !status.is_success() => failure.with_head(status, HeaderMap::new()),
            _ => failure,
        }
    }

    fn received(&self, pool: &Pool) {
        if pool.health.is_watched() {
            pool.health.received(self.clock.elapsed());
        }
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
        let length = response.content_length().map(|length| usize::try_from(length).unwrap_or(usize::MAX));
        let mut chunks = Chunks::new(length, limit);
        if head.status().is_success() {
            if length > Some(limit) {
                return Err(too_large(head, limit));
            }
            let cut_off = |error, head: &mut Response<()>| {
                self.peers.cut_off(error).with_head(head.status(), std::mem::take(head.headers_mut()))
            };
            while let Some(chunk) = response.chunk().await.map_err(|error| cut_off(error, &mut head))? {
                self.received(pool);
                if chunk.len() > limit - chunks.len() {
                    return Err(too_large(head, limit));
                }
                chunks.push(chunk);
            }
            if head.version() == Version::HTTP_2 && !self.is_complete(response, length, chunks.len()) {
                return Err(self
                    .peers
                    .ended_early()
                    .with_head(head.status(), std::mem::take(head.headers_mut())));
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
    /// Returns whether the server ended the body of an HTTP/2 response, rather than its stream or connection without an error,
    /// which hyper reports in the same way.
    fn is_complete(&self, response: reqwest::Response, length: Option<usize>, received: usize) -> bool {
        let ended = reqwest::Body::from(response).is_end_stream();
        if ended {
            self.states_end.store(true, Ordering::Relaxed);
        }
        ended || (length.is_none_or(|length| length == received) && !self.states_end.load(Ordering::Relaxed))
    }
}

#[async_trait]
impl Transport for HttpClient {
    async fn send(&self, request: Request<Bytes>, options: &SendOptions) -> Result<Response<Bytes>> {
        options.set_waiting(true);
        let pool = self.pools.get(options.connect_timeout, false)?;
        let request = outgoing(&self.target, &pool, request)?;
        let _slot = self.slots.take(&pool.health, options.long_poll).await;
        let mut account = pool.ledger.account(options.long_poll, &*self.clock);
        let response = self.head(&pool, request, &mut account, options).await?;
        if response.status() == StatusCode::SWITCHING_PROTOCOLS {
            return Err(self.peers.switched());
        }
        if response.status().is_success() {
            options.set_accepted();
        }
        let response = self.buffer(response, &pool, options.max_response_bytes).await?;
        if keeps_connection(&response) {
            account.can_be_reused();
        }
        Ok(response)
    }

    async fn upgrade(&self, request: Request<()>, options: &SendOptions) -> Result<Upgrade> {
        options.set_waiting(true);
        let pool = self.pools.get(options.connect_timeout, true)?;
        let request = outgoing(&self.target, &pool, request.map(|()| Bytes::new()))?;
        let _slot = self.slots.take(&pool.health, true).await;
        let mut account = pool.ledger.account(true, &*self.clock);
        let response = self.head(&pool, request, &mut account, options).await?;
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

/// Whether the server leaves the connection of an HTTP/1 response open.
fn keeps_connection(response: &Response<Bytes>) -> bool {
    let closes = |value: &HeaderValue| value.as_bytes().eq_ignore_ascii_case(b"close");
    response.version() != Version::HTTP_10 && !response.headers().get_all(CONNECTION).iter().any(closes)
}

/// What reqwest's own conversion does, but for the origin's part of the URL.
fn outgoing(target: &Target, pool: &Pool, request: Request<Bytes>) -> Result<reqwest::Request> {
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
    // hyper would format this for each request. HTTP/2 has no such header.
    if let Some(host) = target.host(&parts.uri).filter(|_| pool.health.protocol() == Protocol::Http1) {
        outgoing.headers_mut().entry(HOST).or_insert_with(|| host.clone());
    }
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

/// The body received so far. Most bodies are one chunk, which is then not copied.
struct Chunks {
    first: Bytes,
    all: Option<BytesMut>,
    length: Option<usize>,
    limit: usize,
}

impl Chunks {
    /// `length` is what the response's head announces.
    fn new(length: Option<usize>, limit: usize) -> Self {
        Self { first: Bytes::new(), all: None, length, limit }
    }

    fn len(&self) -> usize {
        self.all.as_ref().map_or(self.first.len(), BytesMut::len)
    }

    fn push(&mut self, chunk: Bytes) {
        if chunk.is_empty() {
            return;
        }
        let (len, capacity) = (self.len(), self.capacity(self.len() + chunk.len()));
        match &mut self.all {
            Some(all) => {
                if all.capacity() - len < chunk.len() {
                    all.reserve(capacity - len);
                }
                all.extend_from_slice(&chunk);
            }
            None if self.first.is_empty() => self.first = chunk,
            None => {
                let mut all = BytesMut::with_capacity(capacity);
                all.extend_from_slice(&std::mem::take(&mut self.first));
                all.extend_from_slice(&chunk);
                self.all = Some(all);
            }
        }
    }

    /// Returns the capacity for `len` bytes: the announced length, or else the smallest of the limit's halves, quarters, and so
    /// on. While a body grows, its old and its new buffer together then never take more than one and a half times the limit.
    fn capacity(&self, len: usize) -> usize {
        if let Some(length) = self.length.filter(|length| (len..=self.limit).contains(length)) {
            return length;
        }
        let mut capacity = self.limit.max(len);
        while capacity / 2 >= len {
            capacity /= 2;
        }
        capacity
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
