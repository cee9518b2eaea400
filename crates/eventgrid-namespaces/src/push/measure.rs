//! What a webhook reports to a meter.

use std::time::Duration;

use http::{Method, StatusCode};
use service_core::Attributes;

use super::builder::Shared;
use crate::messaging::Handling;
use crate::metrics::PUSH_REQUESTS;

impl Shared {
    /// Counts a request that gets a response.
    pub(super) fn responded(&self, method: &Method, status: StatusCode) {
        let kind = if *method == Method::OPTIONS { "validation" } else { "delivery" };
        let attributes = Attributes::new()
            .with("eventgrid.push.kind", Some(kind))
            .with("http.response.status_code", Some(status.as_u16()));
        self.meter.record(&PUSH_REQUESTS, 1.0, attributes.as_slice());
    }

    /// Counts an event that its handler receives now. Returns the time, unless there is no meter.
    pub(super) fn handling(&self) -> Option<Duration> {
        let now = self.meter.is_enabled().then(|| self.clock.elapsed());
        if now.is_some() {
            self.as_handling().consumed();
        }
        now
    }

    /// Records the duration of a handler that started at this time.
    pub(super) fn handled(&self, started: Option<Duration>, error: Option<&str>) {
        if let Some(started) = started {
            self.as_handling().ended(self.clock.elapsed().saturating_sub(started), error);
        }
    }

    fn as_handling(&self) -> Handling<'_> {
        Handling { meter: &self.meter, topic: None, subscription: None, server: None }
    }
}
