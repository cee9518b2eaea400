//! One call on its way: policies, the retry loop, and what is told at its end.

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

/// One call on its way.
pub(super) struct Call<'a> {
    client: &'a Inner,
    operation: &'a Operation,
    options: &'a CallOptions,
    started: Duration,
    deadline: Duration,
    /// Whether the current attempt has reached the transport.
    sent: AtomicBool,
    effort: Mutex<Effort>,
}

/// What the retry loop has to tell once the caller's policies are through.
#[derive(Default)]
struct Effort {
    attempts: u32,
    stop: Option<StopReason>,
    hint: Option<Duration>,
    was_unknown: bool,
    may_have_acted: bool,
}

impl<'a> Call<'a> {
    pub(super) fn new(client: &'a Inner, operation: &'a Operation, options: &'a CallOptions) -> Self {
        let deadline = options.deadline.unwrap_or_else(|| client.deadline.max(options.least_deadline()));
        Self {
            client,
            operation,
            options,
            started: client.clock.elapsed(),
            deadline,
            sent: AtomicBool::new(false),
            effort: Mutex::default(),
        }
    }

    /// Says who asks, and under which id where the service takes one. The caller's own values stay.
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
            return self.retrying(request).await;
        }
        let policies: Vec<_> =
            self.client.call_policies.iter().chain(&self.options.policies).cloned().collect();
        let chain = Next::new(&policies, self).run(request.clone());
        // The retry loop minds the deadline by itself; a policy around it may not.
        clock::within(&*self.client.clock, self.deadline, chain)
            .await
            .unwrap_or_else(|| Err(self.out_of_time()))
    }

    fn has_policies(&self) -> bool {
        !self.client.call_policies.is_empty() || !self.options.policies.is_empty()
    }

    async fn retrying(&self, request: &Request<Bytes>) -> Result<Response<Bytes>> {
        let mut retries = Retries {
            options: self.options.retry.as_ref().unwrap_or(&self.client.retry),
            idempotent: self.options.idempotent.unwrap_or(self.operation.idempotent),
            quota: &self.client.quota,
            randomness: &self.client.randomness,
            done: 0,
            taken: 0,
            was_unknown: false,
            may_have_acted: false,
        };
        let attempt_timeout = self.options.attempt_timeout(self.client.attempt_timeout);
        let mut refreshed = false;
        loop {
            if let Some(rate_limiter) = &self.client.rate_limiter {
                self.keep_pace(&**rate_limiter).await?;
            }
            if self.left().is_zero() {
                return Err(self.out_of_time());
            }
            let limit = self.left().min(attempt_timeout);
            let attempt =
                Attempt::new(self.client, self.operation, self.options, &self.sent, self.has_policies());
            let number = self.effort(|effort| {
                effort.attempts += 1;
                effort.attempts
            });
            let work = pin!(attempt.run(request));
            let outcome = match clock::within(&*self.client.clock, limit, work).await {
                Some(outcome) => outcome,
                None => Err(attempt.timed_out(limit)),
            };
            if outcome.as_ref().is_ok_and(|answer| self.succeeded(answer.status())) {
                self.client.quota.give_back(retries.taken);
                self.effort(|effort| effort.hint = None);
                return outcome;
            }
            if !refreshed && attempt.refused(&outcome) && !self.left().is_zero() {
                refreshed = true;
                trace::retry(number, Duration::ZERO, &outcome);
                continue;
            }
            let hint = retry::hint(&outcome, self.client.clock.now());
            let next = retries.next(&outcome, hint, self.left());
            self.effort(|effort| {
                (effort.hint, effort.was_unknown) = (hint, retries.was_unknown);
                effort.may_have_acted = retries.may_have_acted;
            });
            match next {
                retry::Next::Wait(wait) => {
                    trace::retry(number, wait, &outcome);
                    self.client.clock.sleep(wait).await;
                    // Timers are late at times; what was learnt is worth more than an attempt without time.
                    if self.left().is_zero() {
                        self.effort(|effort| effort.stop = Some(StopReason::Deadline));
                        return outcome;
                    }
                }
                retry::Next::Stop(stop) => {
                    self.effort(|effort| effort.stop = stop);
                    return outcome;
                }
            }
        }
    }

    /// Waits for this attempt's place; a wait that does not fit the deadline ends the call at once.
    async fn keep_pace(&self, rate_limiter: &dyn RateLimiter) -> Result<()> {
        let wait = rate_limiter.take(self.client.clock.elapsed(), self.left()).map_err(|wait| {
            self.effort(|effort| effort.hint = Some(wait));
            let text = format!("the client keeps below the service's limit of calls, and would have to wait {wait:.1?} for this one");
            Error::new(ErrorKind::Throttled, text).with_delivery(Delivery::NotSent).permanent()
        })?;
        if !wait.is_zero() {
            self.client.clock.sleep(wait).await;
        }
        Ok(())
    }

    fn succeeded(&self, status: StatusCode) -> bool {
        self.operation.success.contains(&status.as_u16())
    }

    /// The status check, the value, and everything that an error has to tell.
    pub(super) fn conclude<T>(
        &self,
        outcome: Result<Response<Bytes>>,
        sent_id: Option<HeaderValue>,
        read: Read<T>,
    ) -> Result<crate::Response<T>> {
        let effort = std::mem::take(&mut *self.effort.lock().unwrap_or_else(PoisonError::into_inner));
        let mut error = match outcome.and_then(|answer| self.accept(answer, effort.may_have_acted, read)) {
            Ok((Parts { status, headers, .. }, body)) => {
                let request_id = self.answered_id(&headers).cloned().or(sent_id);
                return Ok(crate::Response { body, status, headers, request_id, attempts: effort.attempts });
            }
            Err(error) => error,
        };
        let request_id = self.answered_id(error.headers()).cloned().or(sent_id);
        let request_id = request_id.and_then(|id| id.to_str().ok().map(str::to_owned));
        let inner = error.inner_mut();
        inner.operation = Some(self.operation.id);
        inner.request_id = request_id;
        inner.attempts = effort.attempts;
        inner.elapsed = self.client.clock.elapsed().saturating_sub(self.started);
        inner.retry_after = effort.hint;
        inner.stop = effort.stop;
        let never_left = inner.delivery == Some(Delivery::NotSent);
        if effort.may_have_acted && never_left
            || effort.was_unknown && inner.delivery != Some(Delivery::Accepted)
        {
            // Whatever the last attempt met, an earlier one may have had its effect.
            inner.delivery = Some(Delivery::Unknown);
        }
        Err(error)
    }

    fn accept<T>(
        &self,
        mut answer: Response<Bytes>,
        may_have_acted: bool,
        read: Read<T>,
    ) -> Result<(Parts, T)> {
        if !self.succeeded(answer.status()) {
            let (parts, body) = answer.into_parts();
            let code = self.client.dialect.error_code;
            return Err(Error::from_answer(parts.status, parts.headers, body, code));
        }
        if may_have_acted {
            answer.extensions_mut().insert(AfterUnknown);
        }
        let value = read(&answer)?;
        Ok((answer.into_parts().0, value))
    }

    fn answered_id<'h>(&self, headers: &'h HeaderMap) -> Option<&'h HeaderValue> {
        let all = self.client.dialect.response_request_id_headers.iter();
        all.filter_map(|name| headers.get(*name)).find(|id| id.to_str().is_ok())
    }

    fn left(&self) -> Duration {
        self.deadline.saturating_sub(self.client.clock.elapsed().saturating_sub(self.started))
    }

    fn out_of_time(&self) -> Error {
        let sent = self.sent.load(Ordering::Relaxed);
        let delivery = if sent { Delivery::Unknown } else { Delivery::NotSent };
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
        self.retrying(&request).await
    }
}
