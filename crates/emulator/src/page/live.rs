//! The page while it is open in a browser: its sections, as server-sent events, whenever they have changed.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::stream;
use tokio::sync::watch;

use super::filter::Filter;
use super::{html, view};
use crate::clock::real_time;
use crate::control::event_stream;
use crate::message::Response;
use crate::server::Shared;

/// In real time.
const INTERVAL: Duration = Duration::from_secs(1);

struct Live {
    shared: Arc<Shared>,
    filter: Filter,
    stopped: watch::Receiver<bool>,
    last: Option<String>,
}

/// The events of a view.
pub(super) fn respond(shared: &Arc<Shared>, filter: Filter, stopped: &watch::Receiver<bool>) -> Response {
    let live = Live { shared: Arc::clone(shared), filter, stopped: stopped.clone(), last: None };
    event_stream(stream::unfold(live, |mut live| async { Some((live.next().await?, live)) }))
}

impl Live {
    /// The next event: at once, and then once a second. `None` once the emulator stops.
    async fn next(&mut self) -> Option<Bytes> {
        if self.last.is_some() {
            let stopped = self.stopped.wait_for(|stopped| *stopped);
            if real_time::within(INTERVAL, stopped).await.is_some() {
                return None;
            }
        }
        let sections = html::sections(&view(&self.shared, self.filter.clone()));
        if self.last.as_ref() == Some(&sections) {
            // Ends the stream of a viewer that is gone.
            return Some(Bytes::from_static(b": unchanged\n\n"));
        }
        // JSON has no line feeds, which would end the data.
        let data = serde_json::Value::from(sections.as_str()).to_string();
        self.last = Some(sections);
        Some(format!("event: update\ndata: {data}\n\n").into())
    }
}
