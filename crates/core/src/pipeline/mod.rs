//! One request, start to end: deadline, request id and span, the caller's policies, the retry loop, the status check.

mod attempt;
mod call;
mod trace;
mod upgrade;

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderValue, Request, Response};
use tracing::Instrument;

use crate::call::CallOptions;
use crate::clock::Randomness;
use crate::error::Result;
use crate::retry::{Quota, RetryOptions};
use crate::{Authorize, Clock, Dialect, Endpoint, Operation, Policy, RateLimiter, Transport};
use call::Call;

/// What a client sends its requests through. Clones share connections, tokens and the retry quota.
#[derive(Clone)]
pub struct Pipeline {
    pub(crate) inner: Arc<Inner>,
}

pub(crate) struct Inner {
    pub(crate) dialect: &'static Dialect,
    pub(crate) endpoint: Endpoint,
    pub(crate) transport: Arc<dyn Transport>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) rate_limiter: Option<Arc<dyn RateLimiter>>,
    pub(crate) credential: Arc<dyn Authorize>,
    pub(crate) call_policies: Vec<Arc<dyn Policy>>,
    pub(crate) attempt_policies: Vec<Arc<dyn Policy>>,
    pub(crate) retry: RetryOptions,
    pub(crate) quota: Quota,
    pub(crate) randomness: Randomness,
    pub(crate) deadline: Duration,
    pub(crate) attempt_timeout: Duration,
    pub(crate) user_agent: HeaderValue,
}

impl Pipeline {
    /// Where its requests go.
    #[must_use]
    pub fn endpoint(&self) -> &Endpoint {
        &self.inner.endpoint
    }

    /// The client's time.
    #[must_use]
    pub fn clock(&self) -> &Arc<dyn Clock> {
        &self.inner.clock
    }

    pub(crate) async fn send<T>(
        &self,
        operation: &Operation,
        request: &mut Request<Bytes>,
        options: &CallOptions,
        read: Read<T>,
    ) -> Result<crate::Response<T>> {
        let span = trace::open(&self.inner, operation);
        let call = Call::new(&self.inner, operation, options);
        let id = call.identify(request.headers_mut());
        let outcome = call.run(request).instrument(span.clone()).await;
        let concluded = call.conclude(outcome, id, read);
        trace::close(&span, &self.inner, &concluded);
        concluded
    }
}

/// How an answer becomes a value.
pub(crate) type Read<T> = fn(&Response<Bytes>) -> Result<T>;

/// Stands in the extensions of an answer that came after an attempt with an unknown effect, without a whole answer or with
/// one such as 504: the service may have acted on that earlier attempt already, and this answer may be about the second time.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub struct AfterUnknown;
