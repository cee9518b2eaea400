//! The default transport: reqwest, without its redirects, its own retries, and its URLs in errors.

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

/// The connections to the service, which use HTTP/2 if the service supports it.
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

    fn failed(&self, error: reqwest::Error) -> Error {
        no_response(error, &self.target.address())
    }
}

#[async_trait]
impl Transport for HttpClient {
    async fn send(&self, request: Request<Bytes>, max_response_bytes: usize) -> Result<Response<Bytes>> {
        let client = self.pools.client(request.extensions().get().copied(), false)?;
        let response = client.execute(outgoing(&self.target, request)?).await;
        buffer(response.map_err(|error| self.failed(error))?, max_response_bytes).await
    }

    async fn upgrade(&self, request: Request<()>) -> Result<Upgrade> {
        let client = self.pools.client(request.extensions().get().copied(), true)?;
        let request = outgoing(&self.target, request.map(|()| Bytes::new()))?;
        let response = client.execute(request).await.map_err(|error| self.failed(error))?;
        if response.status() != StatusCode::SWITCHING_PROTOCOLS {
            return buffer(response, MAX_ERROR_BODY_BYTES).await.map(Upgrade::Rejected);
        }
        let mut head = Response::new(());
        *head.status_mut() = response.status();
        *head.headers_mut() = response.headers().clone();
        let stream = response.upgrade().await.map_err(|error| self.failed(error))?;
        Ok(Upgrade::Switched(head, Box::new(stream)))
    }
}

/// Does the same as reqwest's own conversion, except for the URL.
fn outgoing(target: &Target, request: Request<Bytes>) -> Result<reqwest::Request> {
    let (parts, body) = request.into_parts();
    let url = target.url(&parts.uri).map_err(|error| {
        let invalid = Error::new(ErrorKind::Transport, "could not build the request").with_source(error);
        invalid.with_delivery(Delivery::NotSent).permanent()
    })?;
    // hyper omits the length of an empty body, and services then respond with 411 or 400. A method that gives its body a
    // meaning should send the length 0 (RFC 9110, 8.6).
    let needs_length = matches!(parts.method, Method::POST | Method::PUT | Method::PATCH) && body.is_empty();
    let mut outgoing = reqwest::Request::new(parts.method, url);
    *outgoing.headers_mut() = parts.headers;
    if needs_length {
        outgoing.headers_mut().insert(CONTENT_LENGTH, HeaderValue::from_static("0"));
    }
    *outgoing.body_mut() = Some(body.into());
    Ok(outgoing)
}

/// Checks that there is a TLS provider, since reqwest panics without one.
fn check_provider() -> Result<()> {
    if cfg!(feature = "rustls") || rustls::crypto::CryptoProvider::get_default().is_some() {
        return Ok(());
    }
    Err(Error::invalid_input(
        "TLS provider",
        "is missing: this program was built with `rustls-no-provider`, so it must install one first, for example with \
         `rustls::crypto::ring::default_provider().install_default()`",
        None,
    ))
}

/// Reads the body chunk by chunk, so that no response takes more memory than its limit.
async fn buffer(mut response: reqwest::Response, limit: usize) -> Result<Response<Bytes>> {
    let success = response.status().is_success();
    let limit = if success { limit } else { MAX_ERROR_BODY_BYTES };
    let mut head = Response::new(());
    *head.status_mut() = response.status();
    *head.version_mut() = response.version();
    *head.headers_mut() = std::mem::take(response.headers_mut());
    let mut chunks = Chunks::default();
    loop {
        match response.chunk().await {
            Ok(None) => break,
            Ok(Some(chunk)) if chunks.len() + chunk.len() <= limit => chunks.push(chunk),
            Ok(Some(_)) if success => return Err(too_large(head, limit)),
            Ok(Some(chunk)) => {
                chunks.push(chunk.slice(..limit - chunks.len()));
                break;
            }
            Err(error) if success => return Err(cut(error, head)),
            // A part of the error's text is better than another error instead of it.
            Err(_) => break,
        }
    }
    Ok(head.map(|()| chunks.into_bytes()))
}

/// The chunks of a body. Most responses are a single chunk, which is not copied.
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
    let text = format!("the response is larger than the operation's limit of {limit} bytes");
    let (parts, ()) = head.into_parts();
    Error::new(ErrorKind::ResponseTooLarge, text)
        .with_head(parts.status, parts.headers)
        .with_delivery(Delivery::Accepted)
        .permanent()
}

fn cut(error: reqwest::Error, head: Response<()>) -> Error {
    let (parts, ()) = head.into_parts();
    let error = error.without_url();
    let text = format!("the response was cut off: {}", innermost(&error));
    Error::new(ErrorKind::Transport, text)
        .with_head(parts.status, parts.headers)
        .with_delivery(Delivery::Accepted)
        .with_source(error)
}

/// Determines from the source chain of reqwest's error how far a request without a response got.
fn no_response(error: reqwest::Error, address: &str) -> Error {
    let error = error.without_url();
    let diagnosis = Diagnosis::of(&error);
    let (failed, delivery) = match &diagnosis {
        Diagnosis { server_certificate: true, .. } => (
            format!("could not connect to {address}: the server's certificate was rejected"),
            Delivery::NotSent,
        ),
        Diagnosis { client_certificate: true, .. } => (
            format!(
                "could not connect to {address}: the server rejected the client's certificate or requires one"
            ),
            Delivery::NotSent,
        ),
        _ if error.is_connect() => (format!("could not connect to {address}"), Delivery::NotSent),
        Diagnosis { not_sent: true, .. } => {
            (format!("the connection to {address} closed before the request was sent"), Delivery::NotSent)
        }
        _ if error.is_builder() => ("could not build the request".to_owned(), Delivery::NotSent),
        _ => (format!("the connection to {address} failed before a response arrived"), Delivery::Unknown),
    };
    let permanent = diagnosis.server_certificate || diagnosis.client_certificate || error.is_builder();
    let kind = if error.is_timeout() { ErrorKind::Timeout } else { ErrorKind::Transport };
    let text = format!("{failed}: {}", innermost(&error));
    let error = Error::new(kind, text).with_delivery(delivery).with_source(error);
    if permanent { error.permanent() } else { error }
}

/// The error itself, then its sources.
fn chain<'a>(error: &'a (dyn StdError + 'static)) -> impl Iterator<Item = &'a (dyn StdError + 'static)> {
    std::iter::successors(Some(error), |&error| {
        // The source of an `io::Error` skips the error that it wraps.
        let wrapped = error.downcast_ref::<io::Error>().and_then(io::Error::get_ref);
        wrapped.map(|inner| inner as &(dyn StdError + 'static)).or_else(|| error.source())
    })
}

/// The text of the innermost cause, which is the most specific one.
fn innermost(error: &(dyn StdError + 'static)) -> String {
    chain(error).last().unwrap_or(error).to_string()
}

/// What the source chain of a transport error reveals.
#[derive(Default)]
struct Diagnosis {
    /// The client rejected the server's certificate.
    server_certificate: bool,
    /// The server rejected the client's certificate.
    client_certificate: bool,
    not_sent: bool,
}

impl Diagnosis {
    fn of(error: &(dyn StdError + 'static)) -> Self {
        let mut diagnosis = Self::default();
        chain(error).for_each(|error| diagnosis.read(error));
        diagnosis
    }

    fn read(&mut self, error: &(dyn StdError + 'static)) {
        self.client_certificate |= rejects_client_certificate(error);
        if let Some(tls) = error.downcast_ref::<rustls::Error>() {
            self.server_certificate |= matches!(tls, rustls::Error::InvalidCertificate(_));
        }
        if let Some(http) = error.downcast_ref::<hyper::Error>() {
            // The pool closed the connection before the request was written to it.
            self.not_sent |= http.is_canceled();
        }
        if let Some(stream) = error.downcast_ref::<h2::Error>() {
            // REFUSED_STREAM, and GOAWAY for streams above its last one, promise that nothing was processed (RFC 9113, 8.7).
            let refused = stream.reason() == Some(h2::Reason::REFUSED_STREAM);
            self.not_sent |= stream.is_remote() && (refused || stream.is_go_away());
        }
    }
}

/// The alerts of a server that rejects the client's certificate or requires one. In TLS 1.3, it decides after the client has
/// completed its handshake, so that the alert may arrive after the request was sent. It does not process a request before it
/// has decided (RFC 8446, 4.4).
const CERTIFICATE_ALERTS: [AlertDescription; 9] = [
    AlertDescription::CertificateRequired,
    AlertDescription::BadCertificate,
    AlertDescription::UnsupportedCertificate,
    AlertDescription::CertificateRevoked,
    AlertDescription::CertificateExpired,
    AlertDescription::CertificateUnknown,
    AlertDescription::UnknownCA,
    AlertDescription::AccessDenied,
    // The signature is invalid. This is also a handshake alert, never one for records (RFC 8446, 6.2).
    AlertDescription::DecryptError,
];

fn rejects_client_certificate(error: &(dyn StdError + 'static)) -> bool {
    let mut alerts = CERTIFICATE_ALERTS.iter().map(|alert| rustls::Error::AlertReceived(*alert));
    match (error.downcast_ref::<rustls::Error>(), error.downcast_ref::<io::Error>()) {
        (Some(tls), _) => alerts.any(|alert| alert == *tls),
        // HTTP/2 streams only receive the kind and the text of the error that ended their connection.
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

    /// The error of a client whose stream the server resets for this reason.
    async fn reset(reason: h2::Reason) -> h2::Error {
        let (near, far) = tokio::io::duplex(4096);
        tokio::spawn(async move {
            let mut server = h2::server::handshake(far).await.unwrap();
            while let Some(Ok((_, mut respond))) = server.accept().await {
                respond.send_reset(reason);
            }
        });
        let (mut client, connection) = h2::client::handshake(near).await.unwrap();
        tokio::spawn(connection);
        let request = Request::post("http://rooms.example/").body(()).unwrap();
        let (response, _) = client.send_request(request, true).unwrap();
        response.await.unwrap_err()
    }

    #[tokio::test]
    async fn a_refused_http2_stream_was_not_processed_and_any_other_reset_one_may_have_been() {
        assert!(Diagnosis::of(&reset(h2::Reason::REFUSED_STREAM).await).not_sent);
        assert!(Diagnosis::of(&io::Error::other(reset(h2::Reason::REFUSED_STREAM).await)).not_sent);
        for reason in [h2::Reason::INTERNAL_ERROR, h2::Reason::CANCEL, h2::Reason::NO_ERROR] {
            assert!(!Diagnosis::of(&reset(reason).await).not_sent, "{reason}");
        }
        // A local error says nothing about the server.
        assert!(!Diagnosis::of(&h2::Error::from(h2::Reason::REFUSED_STREAM)).not_sent);
    }

    #[test]
    fn a_rejected_certificate_is_found_behind_other_errors() {
        let rejected = rustls::Error::InvalidCertificate(rustls::CertificateError::UnknownIssuer);
        assert!(Diagnosis::of(&io::Error::other(io::Error::other(rejected))).server_certificate);
        assert!(!Diagnosis::of(&io::Error::other(rustls::Error::DecryptError)).server_certificate);
        let of =
            |alert| Diagnosis::of(&io::Error::other(rustls::Error::AlertReceived(alert))).client_certificate;
        assert!(of(AlertDescription::CertificateRequired) && of(AlertDescription::UnknownCA));
        assert!(!of(AlertDescription::InternalError), "it does not say what was processed");
    }
}
