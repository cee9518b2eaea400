//! The body of a response, read chunk by chunk, so that no response takes more memory than its limit.

use std::future::poll_fn;
use std::pin::Pin;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http::header::CONNECTION;
use http::{HeaderValue, Response, Version};
use hyper::body::Body;

use crate::error::{Delivery, Error, ErrorKind, MAX_ERROR_BODY_BYTES};

/// The body of an error response is read for at most this long: its status matters more than its text.
pub(super) const ERROR_BODY_TIMEOUT: Duration = Duration::from_secs(5);

/// Why a body could not be read.
pub(super) enum Unread<E> {
    TooLarge,
    CutOff(E),
}

/// Reads the body of a successful response. `received` is called for each chunk.
pub(super) async fn read<B: Body<Data = Bytes> + Unpin>(
    body: &mut B,
    chunks: &mut Chunks,
    received: impl Fn(),
) -> Result<(), Unread<B::Error>> {
    if chunks.length > Some(chunks.limit) {
        return Err(Unread::TooLarge);
    }
    while let Some(chunk) = next(body).await {
        let chunk = chunk.map_err(Unread::CutOff)?;
        received();
        if chunk.len() > chunks.limit - chunks.len() {
            return Err(Unread::TooLarge);
        }
        chunks.push(chunk);
    }
    Ok(())
}

/// Reads until the body ends, fails, or fills [`MAX_ERROR_BODY_BYTES`]: what was received of an error's text is better than
/// another error in its place.
pub(super) async fn read_error<B: Body<Data = Bytes> + Unpin>(body: &mut B, chunks: &mut Chunks) {
    while let Some(Ok(chunk)) = next(body).await {
        let room = MAX_ERROR_BODY_BYTES - chunks.len();
        if chunk.len() >= room {
            chunks.push(chunk.slice(..room));
            return;
        }
        chunks.push(chunk);
    }
}

/// Returns the next chunk. Trailers are skipped.
async fn next<B: Body<Data = Bytes> + Unpin>(body: &mut B) -> Option<Result<Bytes, B::Error>> {
    loop {
        match poll_fn(|context| Pin::new(&mut *body).poll_frame(context)).await? {
            Ok(frame) => {
                if let Ok(chunk) = frame.into_data() {
                    return Some(Ok(chunk));
                }
            }
            Err(error) => return Some(Err(error)),
        }
    }
}

/// Returns the length that the head of a response announces.
pub(super) fn announced<B: Body>(body: &B) -> Option<usize> {
    body.size_hint().exact().map(|length| usize::try_from(length).unwrap_or(usize::MAX))
}

/// Whether the server leaves the connection of an HTTP/1 response open.
pub(super) fn keeps_connection<T>(response: &Response<T>) -> bool {
    let closes = |value: &HeaderValue| value.as_bytes().eq_ignore_ascii_case(b"close");
    response.version() != Version::HTTP_10 && !response.headers().get_all(CONNECTION).iter().any(closes)
}

/// The error of a response that is larger than its limit.
pub(super) fn too_large(head: Response<()>, limit: usize) -> Error {
    let text = format!("the response is larger than the {limit} bytes that this operation reads");
    let (parts, ()) = head.into_parts();
    Error::new(ErrorKind::ResponseTooLarge, text)
        .with_head(parts.status, parts.headers)
        .with_delivery(Delivery::Accepted)
        .permanent()
}

/// The body received so far. Most bodies are one chunk, which is then not copied.
pub(super) struct Chunks {
    first: Bytes,
    all: Option<BytesMut>,
    length: Option<usize>,
    limit: usize,
}

impl Chunks {
    /// `length` is what the response's head announces.
    pub(super) fn new(length: Option<usize>, limit: usize) -> Self {
        Self { first: Bytes::new(), all: None, length, limit }
    }

    pub(super) fn len(&self) -> usize {
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

    pub(super) fn into_bytes(self) -> Bytes {
        self.all.map_or(self.first, BytesMut::freeze)
    }
}
