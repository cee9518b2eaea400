//! The journal as server-sent events (<https://html.spec.whatwg.org/multipage/server-sent-events.html>).

use std::collections::VecDeque;
use std::time::Duration;

use bytes::Bytes;
use futures_util::stream;
use http::HeaderValue;
use http::header::CONTENT_TYPE;
use serde_json::json;
use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::RecvError;
use tokio::sync::watch;

use super::call::{Call, Outcome};
use crate::clock::real_time;
use crate::journal::Entry;
use crate::message::{Content, Live, Response};
use crate::page::snapshot::Event;

/// In real time: a comment keeps proxies from closing an idle stream.
const IDLE: Duration = Duration::from_secs(15);

struct Stream {
    due: VecDeque<Bytes>,
    receiver: Receiver<Entry>,
    stopped: watch::Receiver<bool>,
}

/// `GET events`
pub(super) fn follow(call: &Call<'_>) -> Outcome {
    let journal = &call.emulator.shared.journal;
    let after = call.request.header("last-event-id").or_else(|| call.request.query("after"));
    let after = after.and_then(|number| number.parse().ok()).unwrap_or_else(|| journal.count());
    let (missed, receiver) = journal.follow(after);
    let mut due = VecDeque::from([Bytes::from_static(b": connected\n\n")]);
    due.extend(missed.into_iter().map(event));
    let stream = Stream { due, receiver, stopped: call.stopped.clone() };
    Ok(self::stream(stream::unfold(stream, |mut stream| async { Some((stream.next().await?, stream)) })))
}

/// A response whose events are produced while it is sent.
pub(crate) fn stream(events: impl futures_util::Stream<Item = Bytes> + Send + 'static) -> Response {
    let mut response = Response::new(Content::Live(Live(Box::pin(events))));
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("text/event-stream"));
    response
}

impl Stream {
    /// The next event, or `None` once the emulator stops.
    async fn next(&mut self) -> Option<Bytes> {
        if let Some(due) = self.due.pop_front() {
            return Some(due);
        }
        let received = tokio::select! {
            biased;
            _ = self.stopped.wait_for(|stopped| *stopped) => return None,
            received = real_time::within(IDLE, self.receiver.recv()) => received,
        };
        match received {
            None => Some(Bytes::from_static(b": idle\n\n")),
            Some(Ok(entry)) => Some(event(entry)),
            Some(Err(RecvError::Lagged(count))) => {
                Some(format!("event: missed\ndata: {}\n\n", json!({ "count": count })).into())
            }
            Some(Err(RecvError::Closed)) => None,
        }
    }
}

fn event(entry: Entry) -> Bytes {
    let number = entry.number;
    // Contains only strings, so serialization does not fail, and JSON has no line feeds.
    let data = serde_json::to_string(&Event::from(entry)).unwrap_or_default();
    format!("id: {number}\nevent: request\ndata: {data}\n\n").into()
}
