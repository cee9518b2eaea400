//! The real transport: reqwest, with its redirects, its own retries and its URLs in errors switched off.

use std::error::Error as StdError;
use std::io;

use async_trait::async_trait;
use bytes::{Bytes, BytesMut};
use http::header::CONTENT_LENGTH;
use http::{HeaderValue, Method, Request, Response, StatusCode};
use rustls::AlertDescription;

use super::pools::Pools;
use super::target::Target;
use super::{ConnectionOptions, Transport, Upgrade};
use crate::Endpoint;
use crate::error::{Delivery, Error, ErrorKind, MAX_ERROR_BODY_BYTES, Result};

/// Connections to the service, HTTP/2 where it offers that.
#[derive(Debug)]
pub(crate) struct HttpClient {
    pools: Pools,
    target: Target,
}

impl HttpClient {
    pub(crate) fn new(options: ConnectionOptions, endpoint: &Endpoint) -> Result<Self> {
        check_provider()?;
        let target = Target::new(endpoint)
            .map_err(|error| Error::invalid_input("endpoint", "is not a URL", None).with_source(error))?;
        Ok(Self { pools: Pools::new(options, endpoint)?, target })
    }
}

#[async_trait]
impl Transport for HttpClient {
    async fn send(&self, request: Request<Bytes>, max_response_bytes: usize) -> Result<Response<Bytes>> {
        let client = self.pools.client(request.extensions().get().copied(), false)?;
        let answer = client.execute(outgoing(&self.target, request)?).await.map_err(not_answered)?;
        buffer(answer, max_response_bytes).await
    }

    async fn upgrade(&self, request: Request<()>) -> Result<Upgrade> {
        let client = self.pools.client(request.extensions().get().copied(), true)?;
        let request = outgoing(&self.target, request.map(|()| Bytes::new()))?;
        let answer = client.execute(request).await.map_err(not_answered)?;
        if answer.status() != StatusCode::SWITCHING_PROTOCOLS {
            return buffer(answer, MAX_ERROR_BODY_BYTES).await.map(Upgrade::Rejected);
        }
        let mut head = Response::new(());
        *head.status_mut() = answer.status();
        *head.headers_mut() = answer.headers().clone();
        let stream = answer.upgrade().await.map_err(not_answered)?;
        Ok(Upgrade::Switched(head, Box::new(stream)))
    }
}

/// What reqwest's own conversion does, but for the origin's part of the URL.
fn outgoing(target: &Target, request: Request<Bytes>) -> Result<reqwest::Request> {
    let (parts, body) = request.into_parts();
    let url = target.url(&parts.uri).map_err(|error| {
        let refused = Error::new(ErrorKind::Transport, "the request could not be made").with_source(error);
        refused.with_delivery(Delivery::NotSent).permanent()
    })?;
    // hyper leaves the length of an empty body out, and services then answer 411 or 400. A method that means something by its
    // body should say that there is none (RFC 9110, 8.6).
    let says_length = matches!(parts.method, Method::POST | Method::PUT | Method::PATCH) && body.is_empty();
    let mut outgoing = reqwest::Request::new(parts.method, url);
    *outgoing.headers_mut() = parts.headers;
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

/// Reads the body chunk by chunk, so that no answer takes more memory than its cap.
async fn buffer(mut answer: reqwest::Response, cap: usize) -> Result<Response<Bytes>> {
    let success = answer.status().is_success();
    let cap = if success { cap } else { MAX_ERROR_BODY_BYTES };
    let mut head = Response::new(());
    *head.status_mut() = answer.status();
    *head.version_mut() = answer.version();
    *head.headers_mut() = std::mem::take(answer.headers_mut());
    let mut chunks = Chunks::default();
    loop {
        match answer.chunk().await {
            Ok(None) => break,
            Ok(Some(chunk)) if chunks.len() + chunk.len() <= cap => chunks.push(chunk),
            Ok(Some(_)) if success => return Err(too_large(head, cap)),
            Ok(Some(chunk)) => {
                chunks.push(chunk.slice(..cap - chunks.len()));
                break;
            }
            Err(error) if success => return Err(cut(error, head)),
            // What is there of an error's text is better than another error in its place.
            Err(_) => break,
        }
    }
    Ok(head.map(|()| chunks.into_bytes()))
}

/// Most answers are one chunk, which is then not copied.
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

fn too_large(head: Response<()>, cap: usize) -> Error {
    let text = format!("the answer is larger than the {cap} bytes that this operation reads");
    let (parts, ()) = head.into_parts();
    Error::new(ErrorKind::ResponseTooLarge, text)
        .with_head(parts.status, parts.headers)
        .with_delivery(Delivery::Accepted)
        .permanent()
}

fn cut(error: reqwest::Error, head: Response<()>) -> Error {
    let (parts, ()) = head.into_parts();
    Error::new(ErrorKind::Transport, "the answer was cut off")
        .with_head(parts.status, parts.headers)
        .with_delivery(Delivery::Accepted)
        .with_source(error.without_url())
}

/// Tells how far a request without an answer got, from the errors behind reqwest's.
fn not_answered(error: reqwest::Error) -> Error {
    let signs = Signs::of(&error);
    let (text, delivery) = match &signs {
        Signs { certificate: true, .. } => ("the server's certificate was rejected", Delivery::NotSent),
        Signs { ours: true, .. } => {
            ("the server rejected the client's certificate, or wants one", Delivery::NotSent)
        }
        _ if error.is_connect() && error.is_timeout() => {
            ("the connection could not be made in time", Delivery::NotSent)
        }
        _ if error.is_connect() => ("the connection could not be made", Delivery::NotSent),
        Signs { unsent: true, .. } => {
            ("the connection closed before the request was sent", Delivery::NotSent)
        }
        _ if error.is_builder() => ("the request could not be made", Delivery::NotSent),
        _ => ("the connection failed before an answer came", Delivery::Unknown),
    };
    let permanent = signs.certificate || signs.ours || error.is_builder();
    let kind = if error.is_timeout() { ErrorKind::Timeout } else { ErrorKind::Transport };
    let error = Error::new(kind, text).with_delivery(delivery).with_source(error.without_url());
    if permanent { error.permanent() } else { error }
}

/// What the source chain of a transport error gives away.
#[derive(Default)]
struct Signs {
    /// This side rejected the server's certificate.
    certificate: bool,
    /// The server rejected this side's.
    ours: bool,
    unsent: bool,
}

impl Signs {
    fn of(error: &(dyn StdError + 'static)) -> Self {
        let mut signs = Self::default();
        let mut next = Some(error);
        while let Some(error) = next {
            signs.read(error);
            // An `io::Error`'s own source skips the error that it wraps.
            let wrapped = error.downcast_ref::<io::Error>().and_then(io::Error::get_ref);
            next = wrapped.map(|inner| inner as &(dyn StdError + 'static)).or_else(|| error.source());
        }
        signs
    }

    fn read(&mut self, error: &(dyn StdError + 'static)) {
        self.ours |= rejects_ours(error);
        if let Some(tls) = error.downcast_ref::<rustls::Error>() {
            self.certificate |= matches!(tls, rustls::Error::InvalidCertificate(_));
        }
        if let Some(http) = error.downcast_ref::<hyper::Error>() {
            // The pool closed the connection before the request was written to it.
            self.unsent |= http.is_canceled();
        }
        if let Some(stream) = error.downcast_ref::<h2::Error>() {
            // REFUSED_STREAM, and GOAWAY for streams above its last one, promise that nothing was processed (RFC 9113, 8.7).
            let refused = stream.reason() == Some(h2::Reason::REFUSED_STREAM);
            self.unsent |= stream.is_remote() && (refused || stream.is_go_away());
        }
    }
}

/// What a server says that rejects the client's certificate, or misses one. In TLS 1.3 it judges after the client's own
/// handshake is done, so this meets the request on its way; it reads no request before it has judged (RFC 8446, 4.4).
const CERTIFICATE_ALERTS: [AlertDescription; 9] = [
    AlertDescription::CertificateRequired,
    AlertDescription::BadCertificate,
    AlertDescription::UnsupportedCertificate,
    AlertDescription::CertificateRevoked,
    AlertDescription::CertificateExpired,
    AlertDescription::CertificateUnknown,
    AlertDescription::UnknownCA,
    AlertDescription::AccessDenied,
    // Its signature does not fit: a handshake alert too, never one of records (RFC 8446, 6.2).
    AlertDescription::DecryptError,
];

fn rejects_ours(error: &(dyn StdError + 'static)) -> bool {
    let mut alerts = CERTIFICATE_ALERTS.iter().map(|alert| rustls::Error::AlertReceived(*alert));
    match (error.downcast_ref::<rustls::Error>(), error.downcast_ref::<io::Error>()) {
        (Some(tls), _) => alerts.any(|alert| alert == *tls),
        // Of what ended an HTTP/2 connection, its streams are told the kind and the text only.
        (_, Some(io)) if io.kind() == io::ErrorKind::InvalidData => {
            let text = io.to_string();
            alerts.any(|alert| alert.to_string() == text)
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What a client gets whose stream the server resets for this reason.
    async fn reset(reason: h2::Reason) -> h2::Error {
        let (near, far) = tokio::io::duplex(4096);
        tokio::spawn(async move {
            let mut server = h2::server::handshake(far).await.unwrap();
            while let Some(Ok((_, mut answer))) = server.accept().await {
                answer.send_reset(reason);
            }
        });
        let (mut client, connection) = h2::client::handshake(near).await.unwrap();
        tokio::spawn(connection);
        let request = Request::post("http://rooms.example/").body(()).unwrap();
        let (answer, _) = client.send_request(request, true).unwrap();
        answer.await.unwrap_err()
    }

    #[tokio::test]
    async fn a_refused_http2_stream_was_not_processed_and_any_other_reset_one_may_have_been() {
        assert!(Signs::of(&reset(h2::Reason::REFUSED_STREAM).await).unsent);
        assert!(Signs::of(&io::Error::other(reset(h2::Reason::REFUSED_STREAM).await)).unsent);
        for reason in [h2::Reason::INTERNAL_ERROR, h2::Reason::CANCEL, h2::Reason::NO_ERROR] {
            assert!(!Signs::of(&reset(reason).await).unsent, "{reason}");
        }
        // An error of this side promises nothing about the other.
        assert!(!Signs::of(&h2::Error::from(h2::Reason::REFUSED_STREAM)).unsent);
    }

    #[test]
    fn a_rejected_certificate_is_found_behind_other_errors() {
        let rejected = rustls::Error::InvalidCertificate(rustls::CertificateError::UnknownIssuer);
        assert!(Signs::of(&io::Error::other(io::Error::other(rejected))).certificate);
        assert!(!Signs::of(&io::Error::other(rustls::Error::DecryptError)).certificate);
        let of = |alert| Signs::of(&io::Error::other(rustls::Error::AlertReceived(alert))).ours;
        assert!(of(AlertDescription::CertificateRequired) && of(AlertDescription::UnknownCA));
        assert!(!of(AlertDescription::InternalError), "it says nothing about what was done");
    }
}
