//! Bodies that are read as a stream: one over the limit is not read to its end.

use std::convert::Infallible;
use std::pin::Pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context as TaskContext, Poll};

use http_body::{Body, Frame};
use tower_service::Service;

use super::*;

/// A body of 1 KiB frames that never ends and counts them.
struct Endless(Arc<AtomicUsize>);

impl Body for Endless {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        self: Pin<&mut Self>,
        _: &mut TaskContext<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        self.0.fetch_add(1, Ordering::SeqCst);
        Poll::Ready(Some(Ok(Frame::data(Bytes::from_static(&[b' '; 1024])))))
    }
}

async fn status(webhook: &Webhook, key: &str) -> (u16, usize) {
    let frames = Arc::new(AtomicUsize::new(0));
    let request = Request::post("/").header("content-type", STRUCTURED).header("x-key", key);
    let request = request.body(Endless(Arc::clone(&frames))).unwrap();
    let response = webhook.clone().call(request).await.unwrap();
    (response.status().as_u16(), frames.load(Ordering::SeqCst))
}

#[tokio::test]
async fn an_endless_body_is_413_as_soon_as_it_exceeds_the_limit() {
    let (builder, seen) = webhook();
    let webhook = builder.header_secret("x-key", "secret").body_limit(10 * 1024).build().unwrap();
    assert_eq!(status(&webhook, "secret").await, (413, 11));
    assert_eq!(status(&webhook, "forged").await, (401, 0), "nothing is read without authentication");
    assert!(seen.lock().unwrap().is_empty());
}
