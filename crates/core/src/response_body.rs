//! The body of a response. It is a separate type so that no version of a helper crate is part of the public API.

use std::convert::Infallible;
use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};

/// Represents the body of a webhook's response, which is a single chunk or empty.
#[derive(Default)]
pub struct ResponseBody(Bytes);

impl ResponseBody {
    /// Creates a body from its bytes.
    #[must_use]
    pub fn new(bytes: Bytes) -> Self {
        Self(bytes)
    }
}

impl Body for ResponseBody {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        let bytes = std::mem::take(&mut self.0);
        Poll::Ready((!bytes.is_empty()).then(|| Ok(Frame::data(bytes))))
    }

    fn is_end_stream(&self) -> bool {
        self.0.is_empty()
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(u64::try_from(self.0.len()).unwrap_or(u64::MAX))
    }
}

impl fmt::Debug for ResponseBody {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The response of a handler can be confidential.
        write!(f, "ResponseBody({} bytes)", self.0.len())
    }
}

#[cfg(test)]
mod tests {
    use http_body_util::BodyExt as _;

    use super::*;

    #[tokio::test]
    async fn a_body_arrives_whole_with_its_length_and_is_shown_without_its_content() {
        let body = ResponseBody::new(Bytes::from_static(b"planted"));
        assert_eq!(body.size_hint().exact(), Some(7));
        assert!(!body.is_end_stream());
        assert_eq!(format!("{body:?}"), "ResponseBody(7 bytes)");
        assert_eq!(body.collect().await.unwrap().to_bytes(), "planted");
    }

    #[tokio::test]
    async fn an_empty_body_ends_at_once() {
        let mut body = ResponseBody::default();
        assert!(body.is_end_stream() && body.size_hint().exact() == Some(0));
        assert!(body.frame().await.is_none());
    }
}
