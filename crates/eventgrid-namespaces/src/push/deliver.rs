//! Calls the handler for each event of an authenticated delivery, and turns the outcomes into one status.

use std::fmt;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, Method, Response, StatusCode};
use tracing::Instrument;

use super::body;
use super::builder::Shared;
use super::notice::Notice;
use super::rejection::{Rejection, empty};
use crate::messaging::fail;
use crate::processor::{DataMismatch, Outcome, record, run_handler};
use crate::{CloudEvent, Context, EventDelivery, ReleaseDelay, Settlement};

/// A delivery that is authenticated, and whose body has not been read yet. [`Webhook::check`](super::Webhook::check) returns it.
#[must_use = "the service waits for the response"]
pub struct PendingDelivery {
    pub(super) shared: Arc<Shared>,
    pub(super) headers: HeaderMap,
    /// When the request arrived, by the webhook's clock.
    pub(super) arrived: Duration,
}

impl PendingDelivery {
    /// Returns the maximum size of the body in bytes.
    #[must_use]
    pub fn body_limit(&self) -> usize {
        self.shared.body_limit
    }

    /// Calls the handler with each event, one after the other, and returns the response.
    ///
    /// If the returned future is dropped, the handler's future is dropped with it.
    pub async fn respond(self, body: Bytes) -> Response<Bytes> {
        let response = self.read_and_handle(body).await;
        self.shared.responded(&Method::POST, response.status());
        response
    }

    /// Rejects the delivery because its body could not be received.
    pub(super) fn reject(&self, rejection: Rejection) -> Response<Bytes> {
        self.shared.responded(&Method::POST, rejection.status);
        rejection.respond()
    }

    async fn read_and_handle(&self, body: Bytes) -> Response<Bytes> {
        if body.len() > self.shared.body_limit {
            return Rejection::body_too_large(self.shared.body_limit).respond();
        }
        match body::decode(&self.headers, body) {
            Ok(events) => self.handle_all(events).await,
            Err(rejection) => rejection.respond(),
        }
    }

    async fn handle_all(&self, events: body::Decoded) -> Response<Bytes> {
        let (mut retry, mut rejected) = (None, false);
        for event in events {
            let status = match event {
                Ok(event) => self.handle(event).await,
                Err(error) => {
                    self.shared.notify(&Notice::Unreadable { error: &error });
                    StatusCode::BAD_REQUEST
                }
            };
            rejected |= status == StatusCode::BAD_REQUEST;
            if status.is_server_error() {
                retry = Some(status);
            }
        }
        let rejection = rejected.then_some(StatusCode::BAD_REQUEST);
        empty(retry.or(rejection).unwrap_or(StatusCode::OK))
    }

    async fn handle(&self, event: CloudEvent) -> StatusCode {
        let delivery = self.delivery(&event);
        let context = Context::pushed(delivery.clone());
        let span = (self.shared.span)(&delivery, delivery.trace_context.as_ref());
        let handling = (self.shared.handler)(event, context);
        let mut started = None;
        let run = async {
            started = self.shared.handling();
            run_handler(handling).await
        };
        let Some(outcome) = self.within_deadline(run.instrument(span.clone())).await else {
            fail(&span, "timeout");
            self.shared.handled(started, Some("timeout"));
            let deadline = self.shared.deadline;
            self.shared.notify(&Notice::DeadlineExceeded { event: &delivery, deadline });
            return StatusCode::SERVICE_UNAVAILABLE;
        };
        record(&span, &outcome);
        self.shared.handled(started, outcome.error_type());
        self.status(outcome, &delivery)
    }

    /// Awaits a future until the deadline of the request. One that would start later does not start.
    pub(super) async fn within_deadline<F: Future>(&self, future: F) -> Option<F::Output> {
        let clock = &*self.shared.clock;
        let left = self.shared.deadline.saturating_sub(clock.elapsed().saturating_sub(self.arrived));
        if left.is_zero() {
            return None;
        }
        service_core::timeout(clock, left, future).await
    }

    fn status(&self, outcome: Outcome, event: &EventDelivery) -> StatusCode {
        match outcome {
            Outcome::Decided(Settlement::Acknowledge) => StatusCode::OK,
            Outcome::Decided(Settlement::Reject) => StatusCode::BAD_REQUEST,
            Outcome::Decided(Settlement::Release(delay)) => {
                if delay != ReleaseDelay::None {
                    self.shared.notify(&Notice::DelayIgnored { event, delay });
                }
                StatusCode::SERVICE_UNAVAILABLE
            }
            Outcome::Failed(error) => {
                if let Some(DataMismatch(error)) = error.downcast_ref() {
                    self.shared.notify(&Notice::DataMismatch { event, error });
                    return StatusCode::BAD_REQUEST;
                }
                self.shared.notify(&Notice::HandlerFailed { event, error: &error });
                StatusCode::INTERNAL_SERVER_ERROR
            }
            Outcome::Panicked(message) => {
                self.shared.notify(&Notice::HandlerPanicked { event, message: &message });
                StatusCode::INTERNAL_SERVER_ERROR
            }
        }
    }

    fn delivery(&self, event: &CloudEvent) -> EventDelivery {
        let count =
            self.headers.get("aeg-delivery-count").and_then(|value| value.to_str().ok()?.parse().ok());
        EventDelivery {
            source: Some(event.source().to_owned()),
            id: Some(event.id().to_owned()),
            lock_token: String::new(),
            // Whether the service counts from 0 or from 1 is not documented.
            delivery_count: count.unwrap_or(1).max(1),
            trace_context: event.trace_context(),
        }
    }
}

impl fmt::Debug for PendingDelivery {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Headers can contain secrets.
        f.debug_struct("PendingDelivery").finish_non_exhaustive()
    }
}
