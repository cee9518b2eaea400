//! A request in the form that hyper sends, and its body.

use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use http::header::{ACCEPT_ENCODING, CONTENT_LENGTH, HOST, PROXY_AUTHORIZATION};
use http::uri::PathAndQuery;
use http::{HeaderValue, Method, Request, Uri};
use hyper::body::{Body, Frame, SizeHint};

/// A body that is complete from the start.
#[derive(Debug)]
pub(super) struct Whole(Bytes);

impl Whole {
    pub(super) fn empty() -> Self {
        Self(Bytes::new())
    }
}

impl Body for Whole {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        let body = std::mem::take(&mut self.0);
        Poll::Ready((!body.is_empty()).then(|| Ok(Frame::data(body))))
    }

    fn is_end_stream(&self) -> bool {
        self.0.is_empty()
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.0.len() as u64)
    }
}

/// Adds the headers that every request has.
pub(super) fn outgoing(request: Request<Bytes>) -> Request<Whole> {
    let (mut parts, body) = request.into_parts();
    // Without this header, a server may choose any coding (RFC 9110, 12.5.3), and nothing here decodes one.
    parts.headers.entry(ACCEPT_ENCODING).or_insert(HeaderValue::from_static("identity"));
    // hyper omits the length of an empty body, and services then respond with 411 or 400. A method that gives its body a
    // meaning should state that there is none (RFC 9110, 8.6).
    if matches!(parts.method, Method::POST | Method::PUT | Method::PATCH) && body.is_empty() {
        parts.headers.insert(CONTENT_LENGTH, HeaderValue::from_static("0"));
    }
    Request::from_parts(parts, Whole(body))
}

/// What requests over HTTP/1.1 contain in addition.
#[derive(Debug)]
pub(super) struct Http1Form {
    pub(super) endpoint: Uri,
    pub(super) host: HeaderValue,
    /// Whether the request goes to a proxy, which needs the whole URL (RFC 9112, 3.2.2).
    pub(super) whole_url: bool,
    pub(super) proxy_authorization: Option<HeaderValue>,
}

impl Http1Form {
    pub(super) fn apply(&self, request: &mut Request<Whole>) {
        request.headers_mut().entry(HOST).or_insert_with(|| self.host.clone());
        if let Some(authorization) = &self.proxy_authorization {
            request.headers_mut().insert(PROXY_AUTHORIZATION, authorization.clone());
        }
        if !self.whole_url {
            let mut parts = std::mem::take(request.uri_mut()).into_parts();
            let target = parts.path_and_query.take().unwrap_or_else(|| PathAndQuery::from_static("/"));
            *request.uri_mut() = Uri::from(target);
        }
    }

    /// Reverses [`apply`](Self::apply), for a request that is sent over HTTP/2 after a connection of HTTP/1.1 was closed.
    pub(super) fn undo(&self, request: &mut Request<Whole>) {
        if request.uri().scheme().is_some() {
            return;
        }
        request.headers_mut().remove(HOST);
        let mut parts = self.endpoint.clone().into_parts();
        parts.path_and_query = std::mem::take(request.uri_mut()).into_parts().path_and_query;
        // All parts are those of valid URLs.
        if let Ok(uri) = Uri::from_parts(parts) {
            *request.uri_mut() = uri;
        }
    }
}
