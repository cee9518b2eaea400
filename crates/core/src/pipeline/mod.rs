//! One request, start to end: deadline, request id and span, the caller's policies, the retry loop, the status check.

mod attempt;
mod execution;
mod measure;
mod stats;
mod trace;
mod upgrade;

use std::sync::Arc;
use std::sync::atomic::AtomicUsize;

use bytes::Bytes;
use http::header::ACCEPT_ENCODING;
use http::{HeaderName, HeaderValue, Request, Response};
use tracing::{Instrument, Span};

use crate::call::{CallOptions, LastUri, OnTraceContext};
use crate::clock::Randomness;
use crate::error::{self, Delivery, Error, ErrorKind, Result};
use crate::options::CallSettings;
use crate::retry::Quota;
use crate::{Authorize, Clock, Dialect, Endpoint, MeterHandle, Operation, Transport};
use execution::Execution;
use stats::InFlight;

pub use stats::ClientStats;

/// A handle that sends a client's requests.
///
/// It applies deadlines, policies, retries, and the credential. It is cheap to clone; clones share connections, tokens, and the
/// retry quota. [`ClientOptions::build`](crate::ClientOptions::build) creates it. The [crate documentation](crate) has an
/// example.
#[derive(Clone)]
pub struct Pipeline {
    pub(crate) inner: Arc<Inner>,
}

pub(crate) struct Inner {
    pub(crate) dialect: &'static Dialect,
    /// The names of the dialect's response headers, which are parsed only once.
    pub(crate) response_ids: Vec<HeaderName>,
    pub(crate) endpoint: Endpoint,
    pub(crate) transport: Arc<dyn Transport>,
    pub(crate) credential: Arc<dyn Authorize>,
    pub(crate) quota: Quota,
    pub(crate) randomness: Randomness,
    pub(crate) user_agent: HeaderValue,
    pub(crate) settings: CallSettings,
    pub(crate) in_flight: AtomicUsize,
    pub(crate) last_uri: LastUri,
}

impl Pipeline {
    /// Returns the endpoint to which requests are sent.
    #[must_use]
    pub fn endpoint(&self) -> &Endpoint {
        &self.inner.endpoint
    }

    /// Returns the client's clock.
    #[must_use]
    pub fn clock(&self) -> &Arc<dyn Clock> {
        &self.inner.settings.clock
    }

    /// Returns the handle to the client's meter, for values that are measured outside the pipeline.
    #[must_use]
    pub fn meter(&self) -> &MeterHandle {
        &self.inner.settings.meter
    }

    pub(crate) async fn send<T>(
        &self,
        operation: &Operation,
        request: &mut Request<Bytes>,
        options: &CallOptions,
        on_trace_context: Option<OnTraceContext>,
        open: Option<impl FnOnce(&Self) -> Span>,
        read: Read<T>,
    ) -> Result<crate::Response<T>> {
        let _in_flight = InFlight::new(&self.inner.in_flight);
        let span = trace::open(self, operation, open);
        if let Some(add) = on_trace_context
            && let Some(context) = span.in_scope(|| self.inner.settings.trace_context())
        {
            add(&context, request);
        }
        // A value without a size, such as `()`, contains nothing of the response: losing it loses nothing.
        let returns_value = size_of::<T>() > 0;
        let execution = Execution::new(&self.inner, operation, options, returns_value);
        let id = execution.identify(request.headers_mut());
        let coding_requested = request.headers().contains_key(ACCEPT_ENCODING);
        let mut completed = execution.run(request).instrument(span.clone()).await;
        if !coding_requested {
            completed.result = completed.result.and_then(|response| readable(response, operation));
        }
        let result = span.in_scope(|| execution.finish(completed, id, read));
        trace::close(&span, &self.inner, &result);
        measure::called(&self.inner, operation, execution.started, &result);
        result
    }
}

/// Rejects a success in a content coding that was not requested. That of an error status is handled where its text is read.
fn readable(response: Response<Bytes>, operation: &Operation) -> Result<Response<Bytes>> {
    if response.body().is_empty() || !operation.success.contains(&response.status().as_u16()) {
        return Ok(response);
    }
    let Some(text) = error::unreadable(response.headers()) else { return Ok(response) };
    let (head, _) = response.into_parts();
    let error = Error::new(ErrorKind::Decode, format!("could not read the response: {text}"));
    Err(error.with_head(head.status, head.headers).with_delivery(Delivery::Accepted))
}

/// A function that reads a response.
pub(crate) type Read<T> = fn(&Response<Bytes>) -> Result<T>;

/// A response extension that is set if the service may have acted on an earlier attempt of the same call.
///
/// The earlier attempt ended without a complete response, or with a status such as 504. The response may therefore be about
/// the second time that the service received the request.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub struct AfterUnknown;
