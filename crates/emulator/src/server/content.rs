//! Writes the content of a response, which a fault may have truncated.

use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use hyper::body::{Body, Frame, SizeHint};

use crate::message::{Content, Cut};

/// Aborts the connection in the middle of a body.
#[derive(Debug, thiserror::Error)]
#[error("a fault aborted the connection")]
pub(crate) struct Aborted;

type Next = Poll<Option<Result<Frame<Bytes>, Aborted>>>;

impl Body for Content {
    type Data = Bytes;
    type Error = Aborted;

    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Next {
        match self.get_mut() {
            Self::Whole(body) if body.is_empty() => Poll::Ready(None),
            Self::Whole(body) => Poll::Ready(Some(Ok(Frame::data(std::mem::take(body))))),
            Self::Cut(cut) => poll_cut(cut, cx),
            Self::Live(live) => {
                live.0.as_mut().poll_next(cx).map(|next| next.map(|data| Ok(Frame::data(data))))
            }
            // An upgrade has no content, and the server sends no response where it resets the connection.
            Self::Upgrade(_) | Self::Reset => Poll::Ready(None),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Self::Whole(body) => SizeHint::with_exact(body.len() as u64),
            Self::Cut(cut) => SizeHint::with_exact(cut.declared),
            Self::Live(_) => SizeHint::default(),
            Self::Upgrade(_) | Self::Reset => SizeHint::with_exact(0),
        }
    }

    fn is_end_stream(&self) -> bool {
        match self {
            Self::Whole(body) => body.is_empty(),
            Self::Cut(_) | Self::Live(_) => false,
            Self::Upgrade(_) | Self::Reset => true,
        }
    }
}

fn poll_cut(cut: &mut Cut, cx: &mut Context<'_>) -> Next {
    if let Some(half) = cut.sent.take() {
        return Poll::Ready(Some(Ok(Frame::data(half))));
    }
    if !cut.flushed {
        // hyper flushes when a body is pending. An immediate error would discard the head and the first half.
        cut.flushed = true;
        cx.waker().wake_by_ref();
        return Poll::Pending;
    }
    Poll::Ready(Some(Err(Aborted)))
}
