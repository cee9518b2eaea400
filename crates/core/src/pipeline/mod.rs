//! One request, start to end: deadline, request id and span, the caller's policies, the retry loop, the status check.

mod attempt;
mod trace;

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use http::header::USER_AGENT;
use http::{HeaderValue, Request, Response, StatusCode};
use tracing::Instrument;

use crate::call::CallOptions;
use crate::clock::{self, Randomness};
use crate::error::{Delivery, Error, ErrorKind, Result, StopReason};
use crate::policy::{Next, Terminal};
use crate::retry::{self, Quota, Retries, RetryOptions};
use crate::{Authorize, Clock, Dialect, Endpoint, Operation, Policy, Transport};
use attempt::Attempt;

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

/// The outcome of a call with what it took to get it.
pub(crate) struct Sent {
    pub(crate) answer: Response<Bytes>,
    pub(crate) request_id: String,
    pub(crate) attempts: u32,
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

    pub(crate) async fn send(
        &self,
        operation: &Operation,
        request: Request<Bytes>,
        options: &CallOptions,
    ) -> Result<Sent> {
        let id = self.inner.randomness.uuid().hyphenated().to_string();
        let span = trace::open(&self.inner, operation);
        let call = Call::new(&self.inner, operation, options);
        async {
            let outcome = call.run(request, &id).await;
            let concluded = call.conclude(outcome, id);
            trace::close(&tracing::Span::current(), &self.inner, &concluded);
            concluded
        }
        .instrument(span)
        .await
    }
}

/// Stands in the extensions of an answer that came after an attempt without one: the service may have acted on that earlier
/// attempt already, and the answer may be about the second time.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub struct AfterUnknown;

/// One call on its way.
struct Call<'a> {
    client: &'a Inner,
    operation: &'a Operation,
    options: &'a CallOptions,
    started: Duration,
    deadline: Duration,
    effort: Mutex<Effort>,
}

/// What the retry loop has to tell once the caller's policies are through.
#[derive(Default)]
struct Effort {
    attempts: u32,
    stop: Option<StopReason>,
    hint: Option<Duration>,
    was_unknown: bool,
}

impl<'a> Call<'a> {
    fn new(client: &'a Inner, operation: &'a Operation, options: &'a CallOptions) -> Self {
        let deadline = options.deadline.unwrap_or(client.deadline);
        Self {
            client,
            operation,
            options,
            started: client.clock.elapsed(),
            deadline,
            effort: Mutex::default(),
        }
    }

    async fn run(&self, mut request: Request<Bytes>, id: &str) -> Result<Response<Bytes>> {
        if let (Some(name), Ok(id)) = (self.client.dialect.sent_request_id, HeaderValue::from_str(id)) {
            request.headers_mut().entry(name).or_insert(id);
        }
        request.headers_mut().entry(USER_AGENT).or_insert_with(|| self.client.user_agent.clone());
        if self.client.call_policies.is_empty() && self.options.policies.is_empty() {
            return self.retrying(request).await;
        }
        let policies: Vec<_> =
            self.client.call_policies.iter().chain(&self.options.policies).cloned().collect();
        let chain = Next::new(&policies, self).run(request);
        // The retry loop minds the deadline by itself; a policy around it may not.
        clock::within(&*self.client.clock, self.deadline, chain)
            .await
            .unwrap_or_else(|| Err(self.out_of_time()))
    }

    async fn retrying(&self, request: Request<Bytes>) -> Result<Response<Bytes>> {
        let mut retries = Retries {
            options: self.options.retry.as_ref().unwrap_or(&self.client.retry),
            idempotent: self.options.idempotent.unwrap_or(self.operation.idempotent),
            quota: &self.client.quota,
            randomness: &self.client.randomness,
            done: 0,
            taken: 0,
            was_unknown: false,
        };
        let mut refreshed = false;
        loop {
            let limit = self.left().min(self.options.attempt_timeout.unwrap_or(self.client.attempt_timeout));
            let attempt = Attempt::new(self.client, self.operation);
            self.effort(|effort| effort.attempts += 1);
            let outcome = match clock::within(&*self.client.clock, limit, attempt.run(request.clone())).await
            {
                Some(outcome) => outcome,
                None => Err(attempt.timed_out(limit)),
            };
            if !refreshed && attempt.refused(&outcome) {
                refreshed = true;
                continue;
            }
            let hint = retry::hint(&outcome, self.client.clock.now());
            let next = retries.next(&outcome, hint, self.left());
            self.effort(|effort| (effort.hint, effort.was_unknown) = (hint, retries.was_unknown));
            match next {
                retry::Next::Wait(wait) => {
                    trace::retry(retries.done, wait, &outcome);
                    self.client.clock.sleep(wait).await;
                }
                retry::Next::Stop(stop) => {
                    self.effort(|effort| effort.stop = stop);
                    if outcome.as_ref().is_ok_and(|answer| self.succeeded(answer.status())) {
                        self.client.quota.give_back(retries.taken);
                    }
                    return outcome;
                }
            }
        }
    }

    fn succeeded(&self, status: StatusCode) -> bool {
        self.operation.success.contains(&status.as_u16())
    }

    /// The status check, and everything that an error has to tell.
    fn conclude(&self, outcome: Result<Response<Bytes>>, id: String) -> Result<Sent> {
        let effort = std::mem::take(&mut *self.effort.lock().unwrap_or_else(PoisonError::into_inner));
        let answered_id = |headers: &http::HeaderMap| {
            let named = self.client.dialect.answered_request_id.iter().find_map(|name| headers.get(*name));
            named.and_then(|value| value.to_str().ok()).map(str::to_owned)
        };
        let mut error = match outcome {
            Ok(mut answer) if self.succeeded(answer.status()) => {
                if effort.was_unknown {
                    answer.extensions_mut().insert(AfterUnknown);
                }
                let request_id = answered_id(answer.headers()).unwrap_or(id);
                return Ok(Sent { answer, request_id, attempts: effort.attempts });
            }
            Ok(answer) => {
                let (parts, body) = answer.into_parts();
                Error::from_answer(parts.status, parts.headers, body, self.client.dialect.error_code)
            }
            Err(error) => error,
        };
        let request_id = answered_id(error.headers()).unwrap_or(id);
        let inner = error.inner_mut();
        inner.operation = Some(self.operation.id);
        inner.request_id = Some(request_id);
        inner.attempts = effort.attempts;
        inner.elapsed = self.client.clock.elapsed().saturating_sub(self.started);
        inner.retry_after = effort.hint;
        inner.stop = effort.stop;
        if effort.was_unknown && inner.delivery != Some(Delivery::Accepted) {
            // Whatever the last attempt met, an earlier one may have had its effect.
            inner.delivery = Some(Delivery::Unknown);
        }
        Err(error)
    }

    fn left(&self) -> Duration {
        self.deadline.saturating_sub(self.client.clock.elapsed().saturating_sub(self.started))
    }

    fn out_of_time(&self) -> Error {
        let delivery =
            if self.effort(|effort| effort.attempts > 0) { Delivery::Unknown } else { Delivery::NotSent };
        let text = format!("the call took longer than its deadline of {:?}", self.deadline);
        Error::new(ErrorKind::Timeout, text).with_delivery(delivery)
    }

    fn effort<T>(&self, change: impl FnOnce(&mut Effort) -> T) -> T {
        change(&mut self.effort.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

#[async_trait]
impl Terminal for Call<'_> {
    async fn run(&self, request: Request<Bytes>) -> Result<Response<Bytes>> {
        self.retrying(request).await
    }
}
