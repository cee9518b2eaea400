//! The one response type, from the handler of a service to the socket. What follows its head is the content, a part of
//! it, or another protocol.

use std::fmt;
use std::pin::Pin;

use bytes::Bytes;
use futures_util::Stream;
use http::header::{CONTENT_LENGTH, CONTENT_TYPE, TRANSFER_ENCODING};
use http::{HeaderValue, Method, StatusCode};

/// A response, possibly changed by a fault.
pub(crate) type Response = http::Response<Content>;

/// What follows the head of a response.
#[derive(Debug)]
pub(crate) enum Content {
    /// The whole content, held in memory.
    Whole(Bytes),
    /// A part of the content. Then the connection is aborted.
    Cut(Cut),
    /// What runs on the connection after a 101 response.
    Upgrade(Upgrade),
    /// Content that is produced while it is sent.
    Live(Live),
    /// The connection is reset. The head is not sent either.
    Reset,
}

/// A stream of content, which ends when the stream does.
pub(crate) struct Live(pub(crate) Pin<Box<dyn Stream<Item = Bytes> + Send>>);

/// A truncated content: `declared` is its announced length, `sent` is what is written before the connection is aborted.
#[derive(Debug)]
pub(crate) struct Cut {
    pub(crate) sent: Option<Bytes>,
    pub(crate) declared: u64,
    pub(crate) flushed: bool,
}

/// What runs on a connection after an upgrade.
pub(crate) struct Upgrade {
    /// Identifies the connection in the journal.
    pub(crate) note: String,
    run: Box<dyn FnOnce(Upgraded) -> Session + Send>,
}

/// The stream of an upgraded connection.
pub(crate) type Upgraded = hyper_util::rt::TokioIo<hyper::upgrade::Upgraded>;

/// The task of an upgraded connection.
type Session = Pin<Box<dyn Future<Output = ()> + Send>>;

impl Upgrade {
    pub(crate) fn new<F>(note: String, run: impl FnOnce(Upgraded) -> F + Send + 'static) -> Self
    where
        F: Future<Output = ()> + Send + 'static,
    {
        Self { note, run: Box::new(move |stream| Box::pin(run(stream))) }
    }

    pub(crate) fn run(self, stream: hyper::upgrade::Upgraded) -> Session {
        (self.run)(hyper_util::rt::TokioIo::new(stream))
    }
}

impl fmt::Debug for Live {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Live")
    }
}

impl fmt::Debug for Upgrade {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Upgrade").field("note", &self.note).finish_non_exhaustive()
    }
}

impl Default for Content {
    fn default() -> Self {
        Self::Whole(Bytes::new())
    }
}

impl<T: Into<Bytes>> From<T> for Content {
    fn from(content: T) -> Self {
        Self::Whole(content.into())
    }
}

/// The bytes of a content that is held in memory.
impl AsRef<[u8]> for Content {
    fn as_ref(&self) -> &[u8] {
        if let Self::Whole(bytes) = self { bytes } else { &[] }
    }
}

/// An error response of the server itself, which belongs to no service.
pub(crate) fn plain_error(status: StatusCode, message: &str) -> Response {
    let body = serde_json::json!({ "error": { "code": status.as_str(), "message": message } }).to_string();
    let mut response = Response::new(body.into());
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}

/// No response: the connection is reset.
pub(crate) fn reset() -> Response {
    Response::new(Content::Reset)
}

/// The response with the second half of its content missing. An empty one gets an announced length. Where HTTP allows
/// no content and there is nothing to truncate, the connection is reset: after HEAD, and for 1xx, 204, and 304 (RFC
/// 9110, section 6.4.1).
pub(crate) fn cut(method: &Method, mut response: Response) -> Response {
    const PROMISED: u64 = 64;
    let status = response.status();
    let bodiless = status.is_informational() || matches!(status.as_u16(), 204 | 304);
    if bodiless || method == Method::HEAD {
        return reset();
    }
    response.headers_mut().remove(CONTENT_LENGTH);
    response.headers_mut().remove(TRANSFER_ENCODING);
    response.map(|content| {
        let Content::Whole(body) = content else { return content };
        let declared = if body.is_empty() { PROMISED } else { body.len() as u64 };
        let half = body.slice(..body.len() / 2);
        Content::Cut(Cut { sent: Some(half).filter(|half| !half.is_empty()), declared, flushed: false })
    })
}
