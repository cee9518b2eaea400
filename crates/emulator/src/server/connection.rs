//! One connection: sequential requests, faults between client and service, and possibly an upgrade.

use std::pin::pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use http::header::UPGRADE;
use http::request::Parts;
use http::{HeaderMap, Method, StatusCode};
use http_body_util::{BodyExt, Limited};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper::upgrade::OnUpgrade;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::sync::watch;

use super::io::{ResetSwitch, Socket};
use super::limit::{Admission, Slot};
use super::shared::Shared;
use crate::clock::real_time;
use crate::control;
use crate::journal::{Outcome, Pending};
use crate::message::{Content, Request, Response, Service, Upgrade, plain_error};
use crate::page;

/// The maximum size of a request body: Event Grid's largest publish and some headroom.
const MAX_BODY: usize = 1_600_000;
/// In real time: advancing the emulator's clock must not disconnect idle clients.
const HEAD_TIMEOUT: Duration = Duration::from_secs(120);
/// For connections beyond the maximum, which must not keep their slots. In real time.
const RESERVED_HEAD_TIMEOUT: Duration = Duration::from_secs(5);
/// In real time as well.
const HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(30);

/// Ends the connection without a response.
#[derive(Debug, thiserror::Error)]
#[error("the connection ends without a response")]
struct NoResponse;

/// The state that the requests of one connection share.
#[derive(Clone)]
struct Connection {
    shared: Arc<Shared>,
    admission: Admission,
    stopped: watch::Receiver<bool>,
    reset: ResetSwitch,
    upgrade: Arc<Mutex<Option<Kept>>>,
}

/// An upgrade in progress.
struct Kept {
    target: String,
    on_upgrade: OnUpgrade,
    upgrade: Upgrade,
}

/// Serves a connection until either side closes it, or until the server stops.
pub(super) async fn serve(
    stream: TcpStream,
    shared: Arc<Shared>,
    slot: Slot,
    stopped: watch::Receiver<bool>,
) {
    let reset = ResetSwitch::default();
    let connection =
        Connection { shared, admission: slot.admission, stopped, reset, upgrade: Arc::default() };
    let _ = stream.set_nodelay(true);
    let socket = Socket::new(stream, connection.reset.clone());
    let Some(tls) = &connection.shared.tls else { return serve_http(socket, &connection).await };
    match Box::pin(real_time::within(HANDSHAKE_TIMEOUT, tls.acceptor.accept(socket))).await {
        // Boxed, so that connections without TLS are not larger because of it.
        Some(Ok(stream)) => Box::pin(serve_http(stream, &connection)).await,
        Some(Err(error)) => tracing::debug!(%error, "a client did not complete its TLS handshake"),
        None => tracing::debug!("a client did not complete its TLS handshake in time"),
    }
}

/// Serves HTTP on a stream, and what follows an upgrade.
async fn serve_http<S>(stream: S, connection: &Connection)
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    // Boxed, so that an upgraded connection does not keep the memory for requests.
    if let Err(error) = Box::pin(serve_requests(stream, connection)).await {
        tracing::debug!(%error, "a connection ended early");
    }
    connection.continue_upgraded().await;
}

/// Serves requests until an upgrade. When the server stops, the current request is still served.
async fn serve_requests<S>(stream: S, connection: &Connection) -> hyper::Result<()>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let service = service_fn(|request| {
        let connection = connection.clone();
        async move { connection.handle(request).await }
    });
    let full = connection.admission == Admission::Full;
    let head_timeout = if full { HEAD_TIMEOUT } else { RESERVED_HEAD_TIMEOUT };
    let mut http = hyper::server::conn::http1::Builder::new();
    http.timer(TokioTimer::new()).header_read_timeout(head_timeout).keep_alive(full);
    let mut serving = pin!(http.serve_connection(TokioIo::new(stream), service).with_upgrades());
    tokio::select! {
        outcome = serving.as_mut() => outcome,
        () = connection.stop() => {
            serving.as_mut().graceful_shutdown();
            serving.await
        }
    }
}

impl Connection {
    async fn handle(&self, mut incoming: hyper::Request<Incoming>) -> Result<Response, NoResponse> {
        let on_upgrade = hyper::upgrade::on(&mut incoming);
        let (head, body) = incoming.into_parts();
        if control::is_asked_for(&head.uri) {
            return self.unrecorded(head, body, control::respond).await;
        }
        if page::is_asked_for(&head.method, &head.uri) {
            return self.unrecorded(head, body, page::respond).await;
        }
        let mut pending = self.shared.journal.begin(head.method.as_str(), target(&head.uri));
        let body = match Limited::new(body, MAX_BODY).collect().await {
            Ok(body) => body.to_bytes(),
            Err(error) if error.is::<http_body_util::LengthLimitError>() => {
                return Ok(reject(pending, StatusCode::PAYLOAD_TOO_LARGE, "the body is too large"));
            }
            Err(_) => return Err(NoResponse),
        };
        let Some(request) = read(&head.method, &head.uri, head.headers, body) else {
            let message = "path and query must be UTF-8 after decoding";
            return Ok(reject(pending, StatusCode::BAD_REQUEST, message));
        };
        let request = Request { secure: self.shared.endpoint.secure, ..request };
        self.shared.log.add(&request);
        let response = self.respond(&request, &mut pending).await;
        self.finish(&request, pending, response, on_upgrade)
    }

    /// Responds to a request of the control API or the page, which is neither recorded nor affected by faults.
    async fn unrecorded(
        &self,
        head: Parts,
        body: Incoming,
        respond: fn(&Arc<Shared>, &Request, &watch::Receiver<bool>) -> Response,
    ) -> Result<Response, NoResponse> {
        let body = match Limited::new(body, MAX_BODY).collect().await {
            Ok(body) => body.to_bytes(),
            Err(error) if error.is::<http_body_util::LengthLimitError>() => {
                return Ok(plain_error(StatusCode::PAYLOAD_TOO_LARGE, "the body is too large"));
            }
            Err(_) => return Err(NoResponse),
        };
        let Some(request) = read(&head.method, &head.uri, head.headers, body) else {
            let message = "path and query must be UTF-8 after decoding";
            return Ok(plain_error(StatusCode::BAD_REQUEST, message));
        };
        let request = Request { secure: self.shared.endpoint.secure, ..request };
        let response = respond(&self.shared, &request, &self.stopped);
        // A stream would keep the reserved connection for as long as its reader likes.
        let is_live = matches!(response.body(), Content::Live(_));
        Ok(if is_live && self.admission != Admission::Full { self.limit_reached() } else { response })
    }

    /// Returns the service's response, or what a due fault makes of it.
    async fn respond(&self, request: &Request, pending: &mut Pending<'_>) -> Response {
        if !self.admits(request) {
            pending.note("connection limit");
            return self.limit_reached();
        }
        let service = Service::of(request);
        pending.of(service);
        let response = self.shared.services.respond(request);
        match self.shared.faults.strike(request, service) {
            None => response.await,
            Some(fault) => {
                pending.note("fault");
                fault.apply(&request.method, response, &self.shared.clock).await
            }
        }
    }

    fn limit_reached(&self) -> Response {
        let max = self.shared.max_connections;
        let message = format!("the maximum of {max} connections is reached (setting max_connections)");
        plain_error(StatusCode::SERVICE_UNAVAILABLE, &message)
    }

    /// Returns once the server stops in order. Otherwise, never returns.
    async fn stop(&self) {
        let mut stopped = self.stopped.clone();
        if stopped.wait_for(|stopped| *stopped).await.is_err() {
            std::future::pending::<()>().await;
        }
    }

    /// Whether the connection's slot allows this request.
    fn admits(&self, request: &Request) -> bool {
        match self.admission {
            Admission::Full => true,
            Admission::Reserved => !request.headers.contains_key(UPGRADE),
            Admission::Rejected => false,
        }
    }

    /// Records the outcome, and prepares what follows the head.
    fn finish(
        &self,
        request: &Request,
        mut pending: Pending<'_>,
        response: Response,
        on_upgrade: OnUpgrade,
    ) -> Result<Response, NoResponse> {
        let (head, content) = response.into_parts();
        let content = match content {
            Content::Reset => return self.reset(request, pending),
            Content::Whole(_) | Content::Live(_) => content,
            Content::Cut(_) => {
                pending.note("cut");
                content
            }
            Content::Upgrade(upgrade) => {
                pending.note(&upgrade.note);
                self.keep_upgrade(request, upgrade, on_upgrade);
                Content::default()
            }
        };
        note(request, head.status.as_str());
        pending.end(Outcome::Status(head.status.as_u16()));
        Ok(Response::from_parts(head, content))
    }

    fn reset(&self, request: &Request, pending: Pending<'_>) -> Result<Response, NoResponse> {
        pending.end(Outcome::Reset);
        note(request, "reset");
        self.reset.turn_on();
        Err(NoResponse)
    }

    /// Stores the upgrade until hyper has sent the response and hands over the stream.
    fn keep_upgrade(&self, request: &Request, upgrade: Upgrade, on_upgrade: OnUpgrade) {
        let kept = Kept { target: request.target.clone(), on_upgrade, upgrade };
        *self.upgrade.lock().unwrap_or_else(PoisonError::into_inner) = Some(kept);
    }

    /// The connection's own task serves the upgraded stream, so that it keeps the connection's slot and ends with the
    /// server.
    async fn continue_upgraded(&self) {
        let upgrade = self.upgrade.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(Kept { target, on_upgrade, upgrade }) = upgrade
            && let Ok(stream) = on_upgrade.await
        {
            let path = target.split('?').next().unwrap_or_default();
            let mut pending = self.shared.journal.begin("CLOSE", path);
            pending.of(Some(Service::WebPubSub));
            pending.note(&upgrade.note);
            upgrade.run(stream).await;
            pending.end(Outcome::Word("end"));
        }
    }
}

fn read(method: &Method, uri: &http::Uri, headers: HeaderMap, body: Bytes) -> Option<Request> {
    Request::read(method.clone(), target(uri).to_owned(), headers, body)
}

fn target(uri: &http::Uri) -> &str {
    uri.path_and_query().map_or("/", http::uri::PathAndQuery::as_str)
}

/// A response of the server itself.
fn reject(pending: Pending<'_>, status: StatusCode, message: &str) -> Response {
    pending.end(Outcome::Status(status.as_u16()));
    plain_error(status, message)
}

/// One event per request, without the query, which may contain a token.
fn note(request: &Request, outcome: &str) {
    let path = request.target.split('?').next().unwrap_or("");
    tracing::debug!(method = %request.method, path, outcome, "request");
}
