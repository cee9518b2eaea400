//! The real transport: reqwest, with its redirects, its own retries and its URLs in errors switched off.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use async_trait::async_trait;
use bytes::{Bytes, BytesMut};
use http::header::{ACCEPT_ENCODING, CONTENT_LENGTH, HOST};
use http::{HeaderMap, HeaderValue, Method, Request, Response, StatusCode, Version};
use hyper::body::Body as _;

use super::body::{self, Chunks, ERROR_BODY_TIMEOUT, Unread, keeps_connection, too_large};
use super::failure::Peers;
use super::handshake::tracked;
use super::health::{Protocol, Watch};
use super::ledger::Account;
use super::pools::{Pool, Pools};
use super::slots::Slots;
use super::target::Target;
use super::{ConnectionOptions, SendOptions, Transport, Upgrade};
use crate::Endpoint;
use crate::clock::{self, Clock};
use crate::error::{Delivery, Error, ErrorKind, MAX_ERROR_BODY_BYTES, Result};

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
        let watch = || Watch::new(&pool.health, &*self.clock, options, || self.pools.replace(pool));
        let _watch = pool.health.is_watched().then(watch);
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

    /// Reads the body within its limits.
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
        let mut body = reqwest::Body::from(response);
        let length = body::announced(&body);
        let mut chunks = Chunks::new(length, limit);
        if !head.status().is_success() {
            let reading = body::read_error(&mut body, &mut chunks);
            clock::timeout(&*self.clock, ERROR_BODY_TIMEOUT, reading).await;
            return Ok(head.map(|()| chunks.into_bytes()));
        }
        let fault = match body::read(&mut body, &mut chunks, || self.received(pool)).await {
            Err(Unread::TooLarge) => return Err(too_large(head, limit)),
            Err(Unread::CutOff(error)) => self.peers.cut_off(error),
            Ok(()) if head.version() != Version::HTTP_2 || self.is_complete(&body, length, chunks.len()) => {
                return Ok(head.map(|()| chunks.into_bytes()));
            }
            Ok(()) => self.peers.ended_early(),
        };
        Err(fault.with_head(head.status(), std::mem::take(head.headers_mut())))
    }
}

impl HttpClient {
    /// Returns whether the server ended the body of an HTTP/2 response, rather than its stream or connection without an error,
    /// which hyper reports in the same way.
    fn is_complete(&self, body: &reqwest::Body, length: Option<usize>, received: usize) -> bool {
        let ended = body.is_end_stream();
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
pub(super) fn check_provider() -> Result<()> {
    if cfg!(feature = "rustls") || rustls::crypto::CryptoProvider::get_default().is_some() {
        return Ok(());
    }
    Err(missing_provider())
}

pub(super) fn missing_provider() -> Error {
    Error::invalid_input(
        "TLS provider",
        "is missing: this program was built with `rustls-no-provider`, so install one first, as by \
         `rustls::crypto::ring::default_provider().install_default()`",
        None,
    )
}
