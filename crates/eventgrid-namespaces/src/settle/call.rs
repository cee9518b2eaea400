//! The calls that settle and renew: as many requests as the tokens need, their settlements put together.

use std::collections::HashSet;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use http::{HeaderName, HeaderValue};
use service_core::{Clock, Operation};

use super::wire::{LockTokens, renewed, settled};
use super::{FailedToken, Interrupted, ReleaseDelay, SettleResult, TOKENS_PER_REQUEST};
use crate::operations::{ACKNOWLEDGE, REJECT, RELEASE, RENEW_LOCK};
use crate::{Error, Policy, Receiver, Response, Result, RetryOptions};

/// Whether this api-version has release delays and lock renewal: GA 2023-11-01 has neither, and what the previews before
/// 2023-10-01 have goes by other names.
pub(crate) fn has_delay_and_renewal(api_version: &str) -> bool {
    !matches!(api_version, "2023-06-01-preview" | "2023-09-01-preview" | "2023-11-01")
}

/// One or more requests of one operation, sent one after the other.
pub(super) struct Call {
    clock: Arc<dyn Clock>,
    deadline: Option<Duration>,
    first: Part,
    rest: Vec<Part>,
}

/// One request.
struct Part {
    call: service_core::Call<SettleResult>,
    tokens: Vec<String>,
    /// Whether the operation uses its tokens up.
    settles: bool,
}

impl Call {
    fn new(receiver: &Receiver, operation: &'static Operation, tokens: impl Iterator<Item = String>) -> Self {
        let mut tokens: Vec<String> = tokens.collect();
        drop_repeated(&mut tokens);
        let (none, empty) = (tokens.is_empty(), tokens.iter().any(String::is_empty));
        let mut tokens = tokens.into_iter();
        let next = |tokens: &mut std::vec::IntoIter<String>| {
            Part::new(receiver, operation, tokens.take(TOKENS_PER_REQUEST).collect())
        };
        let mut first = next(&mut tokens);
        let mut rest = Vec::new();
        while !tokens.as_slice().is_empty() {
            rest.push(next(&mut tokens));
        }
        if none {
            first.call.check(Err(Error::invalid_input("lock tokens", "must be at least one", None)));
        }
        // Found in the first part wherever it stands, so that nothing is sent.
        if empty {
            first.call.check(Err(Error::invalid_input("lock token", "must not be empty", None)));
        }
        Self { clock: Arc::clone(receiver.namespace.pipeline.clock()), deadline: None, first, rest }
    }

    fn each(&mut self) -> impl Iterator<Item = &mut service_core::Call<SettleResult>> {
        std::iter::once(&mut self.first).chain(&mut self.rest).map(|part| &mut part.call)
    }

    fn header<N: TryInto<HeaderName>, V: TryInto<HeaderValue>>(&mut self, name: N, value: V) {
        match (name.try_into(), value.try_into()) {
            (Ok(name), Ok(value)) => self.each().for_each(|call| call.header(name.clone(), value.clone())),
            // The core says what is wrong with a name or a value; each stands for its kind here.
            (Err(_), _) => self.first.call.header("", ""),
            (_, Err(_)) => self.first.call.header("x", "\n"),
        }
    }

    fn deadline(&mut self, limit: Duration) {
        self.deadline = Some(limit);
    }

    fn attempt_timeout(&mut self, limit: Duration) {
        self.each().for_each(|call| call.attempt_timeout(limit));
    }

    fn connect_timeout(&mut self, limit: Duration) {
        self.each().for_each(|call| call.connect_timeout(limit));
    }

    fn retry(&mut self, retry: RetryOptions) {
        self.rest.iter_mut().for_each(|part| part.call.retry(retry.clone()));
        self.first.call.retry(retry);
    }

    fn idempotent(&mut self, idempotent: bool) {
        self.each().for_each(|call| call.idempotent(idempotent));
    }

    fn policy(&mut self, policy: Arc<dyn Policy>) {
        self.rest.iter_mut().for_each(|part| part.call.policy(Arc::clone(&policy)));
        self.first.call.policy(policy);
    }

    /// Fails only while nothing was settled: what comes after the first answer is told in the result.
    async fn send(self) -> Result<Response<SettleResult>> {
        let Self { clock, deadline, first, rest } = self;
        let started = clock.elapsed();
        let left = || deadline.map(|limit| limit.saturating_sub(clock.elapsed().saturating_sub(started)));
        let mut answer = first.send(left()).await.map_err(|(error, _)| error)?;
        let mut rest = rest.into_iter();
        while let Some(part) = rest.next() {
            match part.send(left()).await {
                Ok(next) => {
                    let mut sum = std::mem::take(&mut answer.body);
                    answer = next.map(|settlements| {
                        sum.append(settlements);
                        sum
                    });
                }
                Err((error, no_response)) => {
                    let unsent = rest.by_ref().flat_map(|part| part.tokens).collect();
                    answer.body.interrupted = Some(Interrupted { error, no_response, unsent });
                }
            }
        }
        Ok(answer)
    }
}

impl fmt::Debug for Call {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let tokens = self.first.tokens.len() + self.rest.iter().map(|part| part.tokens.len()).sum::<usize>();
        f.debug_struct("Call").field("call", &self.first.call).field("tokens", &tokens).finish()
    }
}

impl Part {
    fn new(receiver: &Receiver, operation: &'static Operation, tokens: Vec<String>) -> Self {
        let names = [("topicName", &*receiver.topic), ("eventSubscriptionName", &*receiver.subscription)];
        let settles = operation.id != RENEW_LOCK.id;
        let read = if settles { settled } else { renewed };
        let mut call = service_core::Call::new(&receiver.namespace.pipeline, operation, &names, read);
        call.query("api-version", &*receiver.namespace.api_version);
        call.accept("application/json");
        match serde_json::to_vec(&LockTokens { lock_tokens: &tokens }) {
            Ok(body) => call.body("application/json", body),
            Err(error) => {
                call.check(Err(Error::invalid_input("lock tokens", "are not JSON", None).with_source(error)));
            }
        }
        Self { call, tokens, settles }
    }

    /// On failure, the tokens come back with the error.
    async fn send(
        mut self,
        deadline: Option<Duration>,
    ) -> Result<Response<SettleResult>, (Error, Vec<String>)> {
        if let Some(limit) = deadline {
            self.call.deadline(limit);
        }
        match self.call.send().await {
            Ok(mut answer) => {
                let unnamed = unnamed(&answer.body, self.tokens);
                let list =
                    if self.settles { &mut answer.body.maybe_settled } else { &mut answer.body.failed };
                list.extend(unnamed.into_iter().map(FailedToken::unnamed));
                Ok(answer)
            }
            Err(error) => Err((error, self.tokens)),
        }
    }
}

/// Sent twice, a token would succeed and then be lost.
fn drop_repeated(tokens: &mut Vec<String>) {
    let mut seen = HashSet::with_capacity(tokens.len());
    let first: Vec<bool> = tokens.iter().map(|token| seen.insert(token.as_str())).collect();
    let mut first = first.into_iter();
    tokens.retain(|_| first.next() == Some(true));
}

/// The tokens that an answer passes over.
fn unnamed(result: &SettleResult, sent: Vec<String>) -> Vec<String> {
    // Nearly always, all of them succeed and are named in the order in which they were sent.
    if result.succeeded == sent {
        return Vec::new();
    }
    let failed = result.failed.iter().chain(&result.maybe_settled).map(|token| &token.lock_token);
    let named: HashSet<&String> = result.succeeded.iter().chain(failed).collect();
    sent.into_iter().filter(|token| !named.contains(token)).collect()
}

/// A settle operation's builder.
macro_rules! settle {
    ($(#[$doc:meta])* $name:ident, $operation:expr) => {
        $(#[$doc])*
        ///
        /// More than 100 tokens go in several requests, one after the other. A deadline set here holds for all of them
        /// together; without one, each has the client's.
        #[must_use = "does nothing until awaited"]
        #[derive(Debug)]
        pub struct $name {
            call: Call,
        }

        impl $name {
            pub(crate) fn new(receiver: &Receiver, tokens: impl Iterator<Item = String>) -> Self {
                Self { call: Call::new(receiver, $operation, tokens) }
            }
        }

        service_core::call_setters!($name => SettleResult);
    };
}

settle!(
    /// Acknowledges events; made by [`Receiver::acknowledge`].
    Acknowledge,
    &ACKNOWLEDGE
);
settle!(
    /// Rejects events; made by [`Receiver::reject`].
    Reject,
    &REJECT
);
settle!(
    /// Renews the locks of events; made by [`Receiver::renew_locks`].
    RenewLocks,
    &RENEW_LOCK
);

/// Releases events; made by [`Receiver::release`].
///
/// More than 100 tokens go in several requests, one after the other. A deadline set here holds for all of them together;
/// without one, each has the client's.
#[must_use = "does nothing until awaited"]
#[derive(Debug)]
pub struct Release {
    call: Call,
    api_version: Arc<str>,
}

impl Release {
    pub(crate) fn new(receiver: &Receiver, tokens: impl Iterator<Item = String>) -> Self {
        let api_version = Arc::clone(&receiver.namespace.api_version);
        Self { call: Call::new(receiver, &RELEASE, tokens), api_version }
    }

    /// Keeps the events out of reach for this long. Default: none. A delay is refused where the client's api-version is
    /// older than 2023-10-01-preview or is 2023-11-01, which have none.
    pub fn delay(mut self, delay: ReleaseDelay) -> Self {
        if has_delay_and_renewal(&self.api_version) {
            let seconds = delay.as_secs().to_string();
            self.call.each().for_each(|call| call.query("releaseDelayInSeconds", &seconds));
        } else if delay != ReleaseDelay::None {
            let rule = "does not exist in the client's api-version; 2024-06-01 has it";
            self.call.first.call.check(Err(Error::invalid_input(
                "release delay",
                rule,
                Some(&self.api_version),
            )));
        }
        self
    }
}

service_core::call_setters!(Release => SettleResult);

impl RenewLocks {
    /// Refuses api-versions without the operation.
    pub(crate) fn checked(mut self, api_version: &str) -> Self {
        if !has_delay_and_renewal(api_version) {
            let rule = "does not exist in the client's api-version; 2024-06-01 has it";
            self.call.first.call.check(Err(Error::invalid_input("lock renewal", rule, Some(api_version))));
        }
        self
    }
}
