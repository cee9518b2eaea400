//! The execution of one call: policies, the retry loop, and the result.

use std::mem;
use std::pin::pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use http::header::{Entry, USER_AGENT};
use http::response::Parts;
use http::{HeaderMap, HeaderValue, Request, Response, StatusCode};
use tracing::Instrument;

use super::attempt::Attempt;
use super::{AfterUnknown, Inner, Read, measure, trace};
use crate::call::CallOptions;
use crate::clock;
use crate::error::{Delivery, Error, ErrorKind, Result, StopReason, rounded};
use crate::policy::{Next, Terminal};
use crate::retry::{self, Outcome, Retries};
use crate::{NoSlot, Operation, RateLimiter};

/// The execution of one call.
pub(super) struct Execution<'a> {
    client: &'a Inner,
    operation: &'a Operation,
    options: &'a CallOptions,
    pub(super) started: Duration,
    deadline: Duration,
    /// Whether the response carries a value that the caller needs.
    returns_value: bool,
    /// Whether the current attempt has called the transport.
    sent: AtomicBool,
    /// The history of attempts that ran inside policies, which can pass on only the result.
    history: Mutex<History>,
}

/// What a call returns: the result of its last attempt, or of its policies, and the history of its attempts.
pub(super) struct Completed {
    pub(super) result: Result<Response<Bytes>>,
    history: History,
}

/// What happened in the attempts of a call.
#[derive(Clone, Copy, Default)]
struct History {
    attempts: u32,
    waited: Duration,
    stop: Option<StopReason>,
    /// The retry hint of the last attempt.
    hint: Option<Duration>,
    /// Whether the service may have acted on an attempt that did not succeed.
    may_have_acted: bool,
    /// Whether the last attempt ended with a 503 that the caller declared to be a rejection.
    unavailable: bool,
}

impl<'a> Execution<'a> {
    pub(super) fn new(
        client: &'a Inner,
        operation: &'a Operation,
        options: &'a CallOptions,
        returns_value: bool,
    ) -> Self {
        let deadline =
            options.deadline.unwrap_or_else(|| client.settings.deadline.max(operation.min_deadline()));
        Self {
            client,
            operation,
            options,
            started: client.settings.clock.elapsed(),
            deadline,
            returns_value,
            sent: AtomicBool::new(false),
            history: Mutex::default(),
        }
    }

    /// Sets the user agent and, if the service accepts one, the request id. Values that the caller has set are kept.
    pub(super) fn identify(&self, headers: &mut HeaderMap) -> Option<HeaderValue> {
        headers.entry(USER_AGENT).or_insert_with(|| self.client.user_agent.clone());
        let name = self.client.dialect.request_id_header.as_ref()?;
        let vacant = match headers.entry(name) {
            Entry::Occupied(given) => return Some(given.get().clone()),
            Entry::Vacant(vacant) => vacant,
        };
        let mut text = [0; uuid::fmt::Hyphenated::LENGTH];
        self.client.randomness.uuid().hyphenated().encode_lower(&mut text);
        // Allocated once, with its reference count. A copy of a `str` would need one more allocation for its first clone.
        let id = HeaderValue::from_maybe_shared(Bytes::from_owner(text)).ok()?;
        vacant.insert(id.clone());
        Some(id)
    }

    pub(super) async fn run(&self, request: &mut Request<Bytes>) -> Completed {
        if !self.has_policies() {
            let mut history = History::default();
            let result = self.retry(request, &mut history).await;
            return Completed { result, history };
        }
        let policies: Vec<_> =
            self.client.settings.call_policies.iter().chain(&self.options.policies).cloned().collect();
        // Boxed, since most calls have no policies, and their future should not be large because of others.
        let chain = Box::pin(Next::new(&policies, self).run(mem::take(request)));
        // The retry loop observes the deadline, but a policy around it may not.
        let result = clock::timeout(&*self.client.settings.clock, self.deadline, chain)
            .await
            .unwrap_or_else(|| Err(self.deadline_exceeded()));
        Completed { result, history: *self.history.lock().unwrap_or_else(PoisonError::into_inner) }
    }

    fn has_policies(&self) -> bool {
        !self.client.settings.call_policies.is_empty() || !self.options.policies.is_empty()
    }

    /// Makes attempts until one succeeds or is not retried.
    async fn retry(&self, request: &mut Request<Bytes>, history: &mut History) -> Result<Response<Bytes>> {
        let mut retries = self.retries();
        let mut refreshed = false;
        loop {
            let attempt = self.attempt(history).await?;
            let result = self.run_attempt(&attempt, history.attempts, request).await;
            let wait = if !refreshed && attempt.unauthorized(&result) && !self.left().is_zero() {
                refreshed = true;
                Duration::ZERO
            } else {
                match self.next(&result, &mut retries, history) {
                    Some(wait) => wait,
                    None => return result,
                }
            };
            trace::retry(history.attempts, wait, &result);
            measure::retried(self.client, self.operation, &result);
            history.waited += wait;
            if !wait.is_zero() {
                self.client.settings.clock.sleep(wait).await;
            }
            // Timers may be late. The result so far is more useful than an attempt without time.
            if self.left().is_zero() {
                history.stop = Some(StopReason::Deadline);
                return result;
            }
        }
    }

    fn retries(&self) -> Retries<'a> {
        Retries::new(
            self.options.retry.as_ref().unwrap_or(&self.client.settings.retry),
            self.options.idempotent.unwrap_or(self.operation.idempotent),
            self.returns_value,
            &self.client.quota,
            &self.client.randomness,
        )
    }

    /// Waits for the rate limiter and begins an attempt.
    async fn attempt(&self, history: &mut History) -> Result<Attempt<'_>> {
        if let Some(rate_limiter) = &self.client.settings.rate_limiter {
            let started = measure::start(self.client);
            let taken = self.take_slot(&**rate_limiter, history).await;
            measure::rate_limited(self.client, self.operation, started);
            taken?;
        }
        // The first attempt begins at once, unless something has waited before it.
        let at_once =
            history.attempts == 0 && self.client.settings.rate_limiter.is_none() && !self.has_policies();
        let left = if at_once { self.deadline } else { self.left() };
        if left.is_zero() {
            return Err(self.deadline_exceeded());
        }
        history.attempts += 1;
        let default = self.client.settings.attempt_timeout.max(self.operation.min_attempt_timeout());
        let limit = left.min(self.options.attempt_timeout.unwrap_or(default));
        Ok(Attempt::new(self.client, self.operation, self.options, &self.sent, self.has_policies(), limit))
    }

    async fn run_attempt(
        &self,
        attempt: &Attempt<'_>,
        number: u32,
        request: &mut Request<Bytes>,
    ) -> Result<Response<Bytes>> {
        let span = trace::attempt(self.client, self.operation, number);
        let started = measure::start(self.client);
        let running = pin!(attempt.run(request).instrument(span.clone()));
        let result = clock::timeout(&*self.client.settings.clock, attempt.limit, running)
            .await
            .unwrap_or_else(|| Err(attempt.timed_out()));
        trace::attempted(&span, self.operation, &result);
        measure::attempted(self.client, self.operation, started, &result);
        result
    }

    /// Records the result of an attempt. Returns the wait before the next one, or `None` if the result is final.
    fn next(
        &self,
        result: &Result<Response<Bytes>>,
        retries: &mut Retries<'_>,
        history: &mut History,
    ) -> Option<Duration> {
        if result.as_ref().is_ok_and(|response| self.succeeded(response.status())) {
            retries.succeeded();
            history.hint = None;
            return None;
        }
        let hint = retry::hint(result, self.client.settings.clock.now());
        let outcome = retries.classify(result, hint);
        history.hint = hint;
        history.may_have_acted |= outcome.may_have_acted();
        history.unavailable = outcome == Outcome::Throttled;
        match retries.next(outcome, hint, self.left()) {
            Ok(wait) => Some(wait),
            Err(stop) => {
                history.stop = stop;
                None
            }
        }
    }

    /// Waits for this attempt's slot. A wait that exceeds the deadline ends the call at once.
    async fn take_slot(&self, rate_limiter: &dyn RateLimiter, history: &mut History) -> Result<()> {
        loop {
            let left = self.left();
            let wait = match rate_limiter.take(self.client.settings.clock.elapsed(), left) {
                Ok(wait) if wait.is_zero() => return Ok(()),
                Ok(wait) => {
                    self.client.settings.clock.sleep(wait).await;
                    return Ok(());
                }
                Err(NoSlot::Busy(wait)) => wait,
                Err(NoSlot::TooLate(wait)) => return Err(no_slot(wait, history)),
                Err(NoSlot::Failed(error)) => {
                    return Err(error.with_delivery(Delivery::NotSent).permanent());
                }
            };
            if left.is_zero() || wait > left {
                let text = "the client's rate limiter was in use until the deadline";
                let error = Error::new(ErrorKind::Throttled, text);
                return Err(error.with_delivery(Delivery::NotSent).permanent());
            }
            self.client.settings.clock.sleep(wait).await;
        }
    }

    fn succeeded(&self, status: StatusCode) -> bool {
        self.operation.success.contains(&status.as_u16())
    }

    /// Checks the status and reads the value, or completes the error.
    pub(super) fn finish<T>(
        &self,
        completed: Completed,
        sent_id: Option<HeaderValue>,
        read: Read<T>,
    ) -> Result<crate::Response<T>> {
        let Completed { result, history } = completed;
        match result.and_then(|response| self.accept(response, history.may_have_acted, read)) {
            Ok((Parts { status, headers, .. }, body)) => {
                trace::succeeded_after_retries(self.operation, history.attempts, history.waited);
                let request_id = self.response_id(&headers).cloned().or(sent_id);
                Ok(crate::Response { body, status, headers, request_id, attempts: history.attempts })
            }
            Err(error) => Err(self.complete(error, history, sent_id)),
        }
    }

    /// Adds what is known about the call to its error.
    fn complete(&self, mut error: Error, history: History, sent_id: Option<HeaderValue>) -> Error {
        let request_id = self.response_id(error.headers()).cloned().or(sent_id);
        let inner = error.inner_mut();
        inner.operation = Some(self.operation.id);
        inner.request_id = request_id.and_then(|id| id.to_str().ok().map(str::to_owned));
        inner.attempts = history.attempts;
        inner.elapsed = self.client.settings.clock.elapsed().saturating_sub(self.started);
        inner.retry_after = history.hint;
        inner.stop = history.stop;
        inner.unavailable = history.unavailable;
        if history.may_have_acted && !error.may_have_acted() {
            // An earlier attempt may have taken effect, regardless of how the last one failed.
            error.inner_mut().delivery = Some(Delivery::Unknown);
        }
        trace::failed_after_retries(self.client, history.waited, &error);
        error
    }

    fn accept<T>(
        &self,
        mut response: Response<Bytes>,
        may_have_acted: bool,
        read: Read<T>,
    ) -> Result<(Parts, T)> {
        if !self.succeeded(response.status()) {
            let (parts, body) = response.into_parts();
            let dialect = self.client.dialect;
            let mut error = Error::from_response(parts.status, parts.headers, body, dialect.error_code);
            error.inner_mut().unauthorized_help = dialect.unauthorized_help;
            return Err(error);
        }
        if may_have_acted {
            response.extensions_mut().insert(AfterUnknown);
        }
        let value = read(&response)?;
        Ok((response.into_parts().0, value))
    }

    fn response_id<'h>(&self, headers: &'h HeaderMap) -> Option<&'h HeaderValue> {
        self.client.response_ids.iter().filter_map(|name| headers.get(name)).find(|id| id.to_str().is_ok())
    }

    fn left(&self) -> Duration {
        self.deadline.saturating_sub(self.client.settings.clock.elapsed().saturating_sub(self.started))
    }

    fn deadline_exceeded(&self) -> Error {
        let sent = self.sent.load(Ordering::Relaxed);
        let delivery = if sent { Delivery::Unknown } else { Delivery::NotSent };
        let text = format!("the call exceeded its deadline of {:?}", rounded(self.deadline));
        Error::new(ErrorKind::Timeout, text).with_delivery(delivery)
    }
}

fn no_slot(wait: Duration, history: &mut History) -> Error {
    history.hint = Some(wait);
    let text =
        format!("the client's rate limiter has no slot before the deadline: the wait would be {wait:.1?}");
    Error::new(ErrorKind::Throttled, text).with_delivery(Delivery::NotSent).permanent()
}

/// Stores the history when it is dropped, since the deadline may cut off the attempts inside policies.
struct Kept<'a> {
    history: History,
    place: &'a Mutex<History>,
}

impl Drop for Kept<'_> {
    fn drop(&mut self) {
        *self.place.lock().unwrap_or_else(PoisonError::into_inner) = self.history;
    }
}

#[async_trait]
impl Terminal for Execution<'_> {
    async fn run(&self, mut request: Request<Bytes>) -> Result<Response<Bytes>> {
        let mut kept = Kept { history: History::default(), place: &self.history };
        self.retry(&mut request, &mut kept.history).await
    }
}
