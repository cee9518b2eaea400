//! The outcome of a request: a response, or a response that upgrades the connection to a WebSocket. Also the body as it
//! is written, which a fault may truncate.

use std::convert::Infallible;
use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use http::header::{CONTENT_LENGTH, CONTENT_TYPE, TRANSFER_ENCODING};
use http::{Method, Response, StatusCode};
use hyper::body::{Body, Frame, SizeHint};

use super::request::Reply;

/// The outcome of a request.
pub(crate) enum Answer {
    Reply(Reply),
    /// The 101 response, and what runs on the connection afterward.
    #[cfg(feature = "webpubsub")]
    Upgrade(Reply, Upgrade),
}

impl Answer {
    /// Returns the HTTP response alone and drops the upgrade, if any.
    pub(crate) fn into_reply(self) -> Reply {
        match self {
            Self::Reply(reply) => reply,
            #[cfg(feature = "webpubsub")]
            Self::Upgrade(reply, _) => reply,
        }
    }
}

/// What runs on a connection after an upgrade.
#[cfg(feature = "webpubsub")]
pub(crate) struct Upgrade {
    /// Identifies the connection in the journal.
    pub(super) note: String,
    run: Box<dyn FnOnce(Upgraded) -> Session + Send>,
}

/// The stream of an upgraded connection.
#[cfg(feature = "webpubsub")]
pub(crate) type Upgraded = hyper_util::rt::TokioIo<hyper::upgrade::Upgraded>;

/// The task of an upgraded connection.
#[cfg(feature = "webpubsub")]
pub(crate) type Session = Pin<Box<dyn Future<Output = ()> + Send>>;

#[cfg(feature = "webpubsub")]
impl Upgrade {
    pub(crate) fn new<F>(note: String, run: impl FnOnce(Upgraded) -> F + Send + 'static) -> Self
    where
        F: Future<Output = ()> + Send + 'static,
    {
        Self { note, run: Box::new(move |stream| Box::pin(run(stream))) }
    }

    pub(super) fn run(self, stream: hyper::upgrade::Upgraded) -> Session {
        (self.run)(hyper_util::rt::TokioIo::new(stream))
    }
}

/// An error response of the server itself, which belongs to no service.
pub(crate) fn plain_error(status: StatusCode, message: &str) -> Reply {
    let body = serde_json::json!({ "error": { "code": status.as_str(), "message": message } }).to_string();
    let mut reply = Response::new(Bytes::from(body));
    *reply.status_mut() = status;
    reply.headers_mut().insert(CONTENT_TYPE, http::HeaderValue::from_static("application/json"));
    reply
}

/// The body of a response.
pub(super) enum Outgoing {
    Whole(http_body_util::Full<Bytes>),
    Cut(Cut),
}

/// A truncated body: `declared` is its announced length, `sent` is what is written before the connection is aborted.
pub(super) struct Cut {
    sent: Option<Bytes>,
    declared: u64,
    flushed: bool,
}

/// Aborts the connection in the middle of a body.
#[derive(Debug)]
pub(super) struct Aborted;

impl fmt::Display for Aborted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a fault aborted the connection")
    }
}

impl std::error::Error for Aborted {}

impl From<Infallible> for Aborted {
    fn from(never: Infallible) -> Self {
        match never {}
    }
}

/// The unchanged response.
pub(super) fn whole(reply: Reply) -> Response<Outgoing> {
    reply.map(|body| Outgoing::Whole(http_body_util::Full::new(body)))
}

/// The response with the second half of its body missing. An empty body gets an announced length. Returns `None` where
/// HTTP allows no body and there is nothing to truncate: after HEAD, and for 1xx, 204, and 304 (RFC 9110, section
/// 6.4.1).
pub(super) fn cut(method: &Method, mut reply: Reply) -> Option<Response<Outgoing>> {
    const PROMISED: u64 = 64;
    let status = reply.status();
    let bodiless = status.is_informational() || matches!(status.as_u16(), 204 | 304);
    if bodiless || method == Method::HEAD {
        return None;
    }
    reply.headers_mut().remove(CONTENT_LENGTH);
    reply.headers_mut().remove(TRANSFER_ENCODING);
    Some(reply.map(|body| {
        let declared = if body.is_empty() { PROMISED } else { body.len() as u64 };
        let half = body.slice(..body.len() / 2);
        Outgoing::Cut(Cut { sent: Some(half).filter(|half| !half.is_empty()), declared, flushed: false })
    }))
}

impl Body for Outgoing {
    type Data = Bytes;
    type Error = Aborted;

    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Aborted>>> {
        match self.get_mut() {
            Self::Whole(body) => Pin::new(body).poll_frame(cx).map_err(Aborted::from),
            Self::Cut(cut) => cut.poll_frame(cx),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Self::Whole(body) => body.size_hint(),
            Self::Cut(cut) => SizeHint::with_exact(cut.declared),
        }
    }

    fn is_end_stream(&self) -> bool {
        match self {
            Self::Whole(body) => body.is_end_stream(),
            Self::Cut(_) => false,
        }
    }
}

impl Cut {
    fn poll_frame(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Aborted>>> {
        if let Some(half) = self.sent.take() {
            return Poll::Ready(Some(Ok(Frame::data(half))));
        }
        if !self.flushed {
            // hyper flushes when a body is pending. An immediate error would discard the head and the first half.
            self.flushed = true;
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        Poll::Ready(Some(Err(Aborted)))
    }
}
