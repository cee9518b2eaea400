//! The transport on hyper: its own pool of hyper's connections, with nothing in between that a client of one origin does not need.

mod connect;
mod message;
mod pool;
mod tls;

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use http::{Request, Response, StatusCode, Version};
use hyper::body::{Body as _, Incoming};
use hyper::client::conn::TrySendError;
use hyper::client::conn::http1::handshake;
use hyper_util::rt::TokioIo;

use super::body::{self, Chunks, ERROR_BODY_TIMEOUT, Unread, too_large};
use super::failure::{Fault, Peers};
use super::health::{Health, Protocol, Replacements, Watch};
use super::http_client::check_provider;
use super::slots::Slots;
use super::{ConnectionOptions, SendOptions, Transport, Upgrade};
use crate::Endpoint;
use crate::clock::{self, Clock};
use crate::error::{Error, MAX_ERROR_BODY_BYTES, Result};
use connect::{Connector, Established};
use message::{Http1Form, Whole};
use pool::{Lease, Own, Pool, Unconnected, Use};

/// Connections to the service, HTTP/2 where it offers that.
pub(crate) struct DirectClient {
    pool: Arc<Pool>,
    slots: Slots,
    /// The connections of upgrades: each has its own.
    upgrades: Health,
    form: Http1Form,
    peers: Peers,
    clock: Arc<dyn Clock>,
    replacements: Replacements,
}

/// What became of a request on one connection.
enum Outcome {
    Responded(Response<Bytes>),
    /// The connection, which other calls used before, was closed before the request was written.
    Unsent(Request<Whole>),
}

impl DirectClient {
    pub(crate) fn new(
        options: &ConnectionOptions,
        endpoint: &Endpoint,
        clock: Arc<dyn Clock>,
    ) -> Result<Self> {
        check_provider()?;
        let peers = Peers::new(options, endpoint)?;
        let connector = Connector::new(options, endpoint)?;
        let form = connector.http1_form()?;
        let protocol = if endpoint.is_https() { Protocol::Unknown } else { Protocol::Http1 };
        Ok(Self {
            pool: Pool::new(options, connector, protocol),
            slots: Slots::new(options.max_connections),
            upgrades: Health::new(Protocol::Http1),
            form,
            peers,
            clock,
            replacements: Replacements::new(endpoint),
        })
    }

    async fn over_http1(
        &self,
        mut own: Own<'_>,
        mut request: Request<Whole>,
        options: &SendOptions,
    ) -> Result<Outcome> {
        self.form.apply(&mut request);
        options.set_waiting(false);
        let response = match own.sender.try_send_request(request).await {
            Ok(response) => response,
            Err(error) => return self.unsent(error, own.reused),
        };
        let (mut head, mut body) = self.head(response, options)?;
        let body = self.read(&mut head, &mut body, options.max_response_bytes, || {}).await?;
        own.release();
        Ok(Outcome::Responded(head.map(|()| body)))
    }

    async fn over_http2(
        &self,
        mut shared: Use<'_>,
        mut request: Request<Whole>,
        options: &SendOptions,
    ) -> Result<Outcome> {
        self.form.undo(&mut request);
        let health = Arc::clone(&shared.shared.health);
        let _watch = Watch::new(&health, &*self.clock, options, || self.replace(&health));
        let received = || health.received(self.clock.elapsed());
        options.set_waiting(false);
        let response = match shared.shared.sender.try_send_request(request).await {
            Ok(response) => response,
            Err(error) => return self.unsent(error, shared.reused),
        };
        received();
        let (mut head, mut body) = self.head(response, options)?;
        let body = self.read(&mut head, &mut body, options.max_response_bytes, received).await?;
        Ok(Outcome::Responded(head.map(|()| body)))
    }

    fn unsent(&self, mut error: TrySendError<Request<Whole>>, reused: bool) -> Result<Outcome> {
        match error.take_message().filter(|_| reused) {
            Some(request) => Ok(Outcome::Unsent(request)),
            None => Err(self.peers.failure(error.into_error())),
        }
    }

    fn head(&self, response: Response<Incoming>, options: &SendOptions) -> Result<(Response<()>, Incoming)> {
        if response.status() == StatusCode::SWITCHING_PROTOCOLS {
            return Err(self.peers.switched());
        }
        if response.status().is_success() {
            options.set_accepted();
        }
        let (head, body) = response.into_parts();
        Ok((Response::from_parts(head, ()), body))
    }

    /// Reads the body within its limits. The head is moved into an error.
    async fn read(
        &self,
        head: &mut Response<()>,
        body: &mut Incoming,
        limit: usize,
        received: impl Fn(),
    ) -> Result<Bytes> {
        let mut chunks = Chunks::new(body::announced(body), limit);
        if !head.status().is_success() {
            let reading = body::read_error(body, &mut chunks);
            clock::timeout(&*self.clock, ERROR_BODY_TIMEOUT, reading).await;
            return Ok(chunks.into_bytes());
        }
        let fault = match body::read(body, &mut chunks, received).await {
            Err(Unread::TooLarge) => return Err(too_large(std::mem::take(head), limit)),
            Err(Unread::CutOff(error)) => self.peers.cut_off(error),
            // hyper reports a stream or connection that ended without an error in the same way as the end of the body.
            Ok(()) if head.version() == Version::HTTP_2 && !body.is_end_stream() => self.peers.ended_early(),
            Ok(()) => return Ok(chunks.into_bytes()),
        };
        Err(fault.with_head(head.status(), std::mem::take(head.headers_mut())))
    }

    /// Lets later calls use a new connection instead of a silent one.
    fn replace(&self, health: &Arc<Health>) {
        if self.replacements.start(health, self.clock.elapsed()) {
            self.pool.retire(health);
        }
    }

    fn unconnected(&self, unconnected: Unconnected) -> Error {
        match unconnected {
            Unconnected::TimedOut => self.peers.failure(Fault::connect_timeout()),
            Unconnected::Rejected(status) => self.peers.rejected(status),
            Unconnected::Failed(error) => self.peers.failure(Fault::connecting(error)),
        }
    }
}

#[async_trait]
impl Transport for DirectClient {
    async fn send(&self, request: Request<Bytes>, options: &SendOptions) -> Result<Response<Bytes>> {
        options.set_waiting(true);
        let mut request = message::outgoing(request);
        let _slot = self.slots.take(&self.pool.health, options.long_poll).await;
        loop {
            let lease = self.pool.get(options.connect_timeout, options.long_poll).await;
            let outcome = match lease.map_err(|error| self.unconnected(error))? {
                Lease::Http1(own) => self.over_http1(own, request, options).await?,
                Lease::Http2(shared) => self.over_http2(shared, request, options).await?,
            };
            match outcome {
                Outcome::Responded(response) => return Ok(response),
                Outcome::Unsent(again) => request = again,
            }
            options.set_waiting(true);
        }
    }

    async fn upgrade(&self, request: Request<()>, options: &SendOptions) -> Result<Upgrade> {
        options.set_waiting(true);
        let mut request = message::outgoing(request.map(|()| Bytes::new()));
        self.form.apply(&mut request);
        let _slot = self.slots.take(&self.upgrades, true).await;
        let connection = self.pool.connect(options.connect_timeout).await;
        let Established { io, .. } = connection.map_err(|error| self.unconnected(error))?;
        let (mut sender, driver) =
            handshake(TokioIo::new(io)).await.map_err(|error| self.peers.failure(error))?;
        // It ends with the stream, or with this future.
        tokio::spawn(driver.with_upgrades());
        options.set_waiting(false);
        let mut response = sender.send_request(request).await.map_err(|error| self.peers.failure(error))?;
        let mut head = Response::new(());
        *head.status_mut() = response.status();
        *head.version_mut() = response.version();
        *head.headers_mut() = std::mem::take(response.headers_mut());
        if head.status() != StatusCode::SWITCHING_PROTOCOLS {
            let body = self.read(&mut head, response.body_mut(), MAX_ERROR_BODY_BYTES, || {}).await?;
            return Ok(Upgrade::Rejected(head.map(|()| body)));
        }
        let stream = hyper::upgrade::on(response).await.map_err(|error| self.peers.failure(error))?;
        Ok(Upgrade::Switched(head, Box::new(TokioIo::new(stream))))
    }
}

impl fmt::Debug for DirectClient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DirectClient").field("peers", &self.peers).finish_non_exhaustive()
    }
}
