//! The execution of one call: policies, the retry loop, and the result.

use std::pin::pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use http::header::USER_AGENT;
use http::response::Parts;
use http::{HeaderMap, HeaderValue, Request, Response, StatusCode};

use super::attempt::Attempt;
use super::{AfterUnknown, Inner, Read, trace};
use crate::call::CallOptions;
use crate::clock;
use crate::error::{Delivery, Error, ErrorKind, Result, StopReason};
use crate::policy::{Next, Terminal};
use crate::retry::{self, Retries};
use crate::{Operation, RateLimiter};

/// The execution of one call.
pub(super) struct Execution<'a> {
    client: &'a Inner,
    operation: &'a Operation,
    options: &'a CallOptions,
    started: Duration,
    deadline: Duration,
    /// Whether the current attempt has called the transport.
    sent: AtomicBool,
    state: Mutex<AttemptState>,
}

/// What the retry loop records for the result, which is created after the policies have returned.
#[derive(Default)]
struct AttemptState {
    attempts: u32,
    stop: Option<StopReason>,
    hint: Option<Duration>,
    was_unknown: bool,
    may_have_acted: bool,
}

impl<'a> Execution<'a> {
    pub(super) fn new(client: &'a Inner, operation: &'a Operation, options: &'a CallOptions) -> Self {
        let deadline =
            options.deadline.unwrap_or_else(|| client.settings.deadline.max(operation.min_deadline()));
        Self {
            client,
            operation,
            options,
            started: client.settings.clock.elapsed(),
            deadline,
            sent: AtomicBool::new(false),
            state: Mutex::default(),
        }
    }

    /// Sets the user agent and, if the service accepts one, the request id. Values that the caller has set are kept.
    pub(super) fn identify(&self, headers: &mut HeaderMap) -> Option<HeaderValue> {
        headers.entry(USER_AGENT).or_insert_with(|| self.client.user_agent.clone());
        let name = self.client.dialect.request_id_header.as_ref()?;
        if let Some(given) = headers.get(name) {
            return Some(given.clone());
        }
        let mut text = uuid::Uuid::encode_buffer();
        let id =
            HeaderValue::from_str(self.client.randomness.uuid().hyphenated().encode_lower(&mut text)).ok()?;
        headers.insert(name.clone(), id.clone());
        Some(id)
    }

    pub(super) async fn run(&self, request: &Request<Bytes>) -> Result<Response<Bytes>> {
        if !self.has_policies() {
            return self.run_attempts(request).await;
        }
        let policies: Vec<_> =
            self.client.settings.call_policies.iter().chain(&self.options.policies).cloned().collect();
        let chain = Next::new(&policies, self).run(request.clone());
        // The retry loop observes the deadline, but a policy around it may not.
        clock::timeout(&*self.client.settings.clock, self.deadline, chain)
            .await
            .unwrap_or_else(|| Err(self.deadline_exceeded()))
    }

    fn has_policies(&self) -> bool {
        !self.client.settings.call_policies.is_empty() || !self.options.policies.is_empty()
    }

    async fn run_attempts(&self, request: &Request<Bytes>) -> Result<Response<Bytes>> {
        let mut retries = Retries {
            options: self.options.retry.as_ref().unwrap_or(&self.client.settings.retry),
            idempotent: self.options.idempotent.unwrap_or(self.operation.idempotent),
            quota: &self.client.quota,
            randomness: &self.client.randomness,
            done: 0,
            taken: 0,
            was_unknown: false,
            may_have_acted: false,
        };
        let default = self.client.settings.attempt_timeout.max(self.operation.min_attempt_timeout());
        let attempt_timeout = self.options.attempt_timeout.unwrap_or(default);
        let mut refreshed = false;
        loop {
            if let Some(rate_limiter) = &self.client.settings.rate_limiter {
                self.take_slot(&**rate_limiter).await?;
            }
            if self.left().is_zero() {
                return Err(self.deadline_exceeded());
            }
            let limit = self.left().min(attempt_timeout);
            let attempt =
                Attempt::new(self.client, self.operation, self.options, &self.sent, self.has_policies());
            let number = self.record(|state| {
                state.attempts += 1;
                state.attempts
            });
            let running = pin!(attempt.run(request));
            let outcome = match clock::timeout(&*self.client.settings.clock, limit, running).await {
                Some(outcome) => outcome,
                None => Err(attempt.timed_out(limit)),
            };
            if outcome.as_ref().is_ok_and(|response| self.succeeded(response.status())) {
                self.client.quota.give_back(retries.taken);
                self.record(|state| state.hint = None);
                return outcome;
            }
            if !refreshed && attempt.unauthorized(&outcome) && !self.left().is_zero() {
                refreshed = true;
                trace::retry(number, Duration::ZERO, &outcome);
                continue;
            }
            let hint = retry::hint(&outcome, self.client.settings.clock.now());
            let next = retries.next(&outcome, hint, self.left());
            self.record(|state| {
                (state.hint, state.was_unknown) = (hint, retries.was_unknown);
                state.may_have_acted = retries.may_have_acted;
            });
            match next {
                retry::Next::Wait(wait) => {
                    trace::retry(number, wait, &outcome);
                    self.client.settings.clock.sleep(wait).await;
                    // Timers may be late. The outcome so far is more useful than an attempt without time.
                    if self.left().is_zero() {
                        self.record(|state| state.stop = Some(StopReason::Deadline));
                        return outcome;
                    }
                }
                retry::Next::Stop(stop) => {
                    self.record(|state| state.stop = stop);
                    return outcome;
                }
            }
        }
    }

    /// Waits for this attempt's slot. A wait that exceeds the deadline ends the call at once.
    async fn take_slot(&self, rate_limiter: &dyn RateLimiter) -> Result<()> {
        let wait = rate_limiter.take(self.client.settings.clock.elapsed(), self.left()).map_err(|wait| {
            self.record(|state| state.hint = Some(wait));
            let text = format!(
                "the client's rate limiter has no slot before the deadline: the wait would be {wait:.1?}"
            );
            Error::new(ErrorKind::Throttled, text).with_delivery(Delivery::NotSent).permanent()
        })?;
        if !wait.is_zero() {
            self.client.settings.clock.sleep(wait).await;
        }
        Ok(())
    }

    fn succeeded(&self, status: StatusCode) -> bool {
        self.operation.success.contains(&status.as_u16())
    }

    /// Checks the status and reads the value, or completes the error.
    pub(super) fn finish<T>(
        &self,
        outcome: Result<Response<Bytes>>,
        sent_id: Option<HeaderValue>,
        read: Read<T>,
    ) -> Result<crate::Response<T>> {
        let state = std::mem::take(&mut *self.state.lock().unwrap_or_else(PoisonError::into_inner));
        let mut error = match outcome.and_then(|response| self.accept(response, state.may_have_acted, read)) {
            Ok((Parts { status, headers, .. }, body)) => {
                let request_id = self.response_id(&headers).cloned().or(sent_id);
                return Ok(crate::Response { body, status, headers, request_id, attempts: state.attempts });
            }
            Err(error) => error,
        };
        let request_id = self.response_id(error.headers()).cloned().or(sent_id);
        let request_id = request_id.and_then(|id| id.to_str().ok().map(str::to_owned));
        let inner = error.inner_mut();
        inner.operation = Some(self.operation.id);
        inner.request_id = request_id;
        inner.attempts = state.attempts;
        inner.elapsed = self.client.settings.clock.elapsed().saturating_sub(self.started);
        inner.retry_after = state.hint;
        inner.stop = state.stop;
        let not_sent = inner.delivery == Some(Delivery::NotSent);
        if state.may_have_acted && not_sent || state.was_unknown && inner.delivery != Some(Delivery::Accepted)
        {
            // An earlier attempt may have taken effect, regardless of how the last one failed.
            inner.delivery = Some(Delivery::Unknown);
        }
        Err(error)
    }

    fn accept<T>(
        &self,
        mut response: Response<Bytes>,
        may_have_acted: bool,
        read: Read<T>,
    ) -> Result<(Parts, T)> {
        if !self.succeeded(response.status()) {
            let (parts, body) = response.into_parts();
            let code = self.client.dialect.error_code;
            return Err(Error::from_response(parts.status, parts.headers, body, code));
        }
        if may_have_acted {
            response.extensions_mut().insert(AfterUnknown);
        }
        let value = read(&response)?;
        Ok((response.into_parts().0, value))
    }

    fn response_id<'h>(&self, headers: &'h HeaderMap) -> Option<&'h HeaderValue> {
        let all = self.client.dialect.response_request_id_headers.iter();
        all.filter_map(|name| headers.get(*name)).find(|id| id.to_str().is_ok())
    }

    fn left(&self) -> Duration {
        self.deadline.saturating_sub(self.client.settings.clock.elapsed().saturating_sub(self.started))
    }

    fn deadline_exceeded(&self) -> Error {
        let sent = self.sent.load(Ordering::Relaxed);
        let delivery = if sent { Delivery::Unknown } else { Delivery::NotSent };
        let text = format!("the call exceeded its deadline of {:?}", self.deadline);
        Error::new(ErrorKind::Timeout, text).with_delivery(delivery)
    }

    fn record<T>(&self, change: impl FnOnce(&mut AttemptState) -> T) -> T {
        change(&mut self.state.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

#[async_trait]
impl Terminal for Execution<'_> {
    async fn run(&self, request: Request<Bytes>) -> Result<Response<Bytes>> {
        self.run_attempts(&request).await
    }
}
