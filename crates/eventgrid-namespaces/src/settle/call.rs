//! The builders of the settle and renew operations: a call sends as many requests as its tokens need and merges the results.

use std::collections::HashSet;
use std::fmt;
use std::sync::Arc;

use service_core::{CallOptions, Clock, Operation, Pipeline};
use tracing::Span;

use super::wire::{LockTokens, renewed, settled};
use super::{FailedToken, Interrupted, ReleaseDelay, SettleResult, TOKENS_PER_REQUEST};
use crate::messaging::{self, Subject, Verb};
use crate::operations::{ACKNOWLEDGE, REJECT, RELEASE, RENEW_LOCK};
use crate::token_hash::TokenHash;
use crate::{Error, Receiver, Response, Result};

/// Returns whether this api-version has release delays and lock renewal. GA 2023-11-01 has neither, and in the previews before
/// 2023-10-01 they have other names.
pub(crate) fn has_delay_and_renewal(api_version: &str) -> bool {
    !matches!(api_version, "2023-06-01-preview" | "2023-09-01-preview" | "2023-11-01")
}

/// One or more requests of one operation, sent sequentially.
pub(super) struct Call {
    clock: Arc<dyn Clock>,
    /// The overrides of all requests. A deadline applies to all of them together.
    options: CallOptions,
    /// Whether one of the tokens is empty. It is not sent, but reported.
    has_empty: bool,
    verb: Verb,
    topic: Arc<str>,
    subscription: Arc<str>,
    first: Part,
    rest: Vec<Part>,
}

/// One request.
struct Part {
    call: service_core::Call<SettleResult>,
    tokens: Vec<String>,
}

impl Call {
    fn new(receiver: &Receiver, verb: Verb, tokens: impl Iterator<Item = String>) -> Self {
        let mut tokens: Vec<String> = tokens.collect();
        drop_repeated(&mut tokens);
        let all = tokens.len();
        tokens.retain(|token| !token.is_empty());
        let (has_empty, none) = (tokens.len() < all, tokens.is_empty());
        let mut tokens = tokens.into_iter();
        let next = |tokens: &mut std::vec::IntoIter<String>| {
            Part::new(receiver, verb, tokens.take(TOKENS_PER_REQUEST).collect())
        };
        let mut first = next(&mut tokens);
        let mut rest = Vec::new();
        while !tokens.as_slice().is_empty() {
            rest.push(next(&mut tokens));
        }
        if none {
            let rule = if has_empty { "must not all be empty" } else { "must be at least one" };
            first.call.check(Err(Error::invalid_input("lock tokens", rule, None)));
        }
        let clock = Arc::clone(receiver.namespace.pipeline.clock());
        let (topic, subscription) = (Arc::clone(&receiver.topic), Arc::clone(&receiver.subscription));
        Self { clock, options: CallOptions::default(), has_empty, verb, topic, subscription, first, rest }
    }

    fn each(&mut self) -> impl Iterator<Item = &mut service_core::Call<SettleResult>> {
        std::iter::once(&mut self.first).chain(&mut self.rest).map(|part| &mut part.call)
    }

    fn options_mut(&mut self) -> &mut CallOptions {
        &mut self.options
    }

    /// Fails only if the first request fails. Later failures are reported in the result.
    async fn send(self) -> Result<Response<SettleResult>> {
        let Self { clock, options, has_empty, verb, topic, subscription, first, rest } = self;
        let subject = Subject::of_subscription(verb, &topic, &subscription);
        let started = clock.elapsed();
        let remaining = || {
            let mut options = options.clone();
            if let Some(limit) = options.deadline() {
                options.set_deadline(limit.saturating_sub(clock.elapsed().saturating_sub(started)));
            }
            options
        };
        let mut response = first.send(&subject, remaining()).await.map_err(|(error, _)| error)?;
        response.body.failed.extend(has_empty.then(FailedToken::empty));
        let mut rest = rest.into_iter();
        while let Some(part) = rest.next() {
            match part.send(&subject, remaining()).await {
                Ok(next) => {
                    let mut sum = std::mem::take(&mut response.body);
                    response = next.map(|result| {
                        sum.append(result);
                        sum
                    });
                }
                Err((error, no_response)) => {
                    let unsent = rest.by_ref().flat_map(|part| part.tokens).collect();
                    response.body.interrupted = Some(Interrupted { error, no_response, unsent });
                }
            }
        }
        Ok(response)
    }
}

impl fmt::Debug for Call {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let tokens = self.first.tokens.len() + self.rest.iter().map(|part| part.tokens.len()).sum::<usize>();
        f.debug_struct("Call").field("call", &self.first.call).field("tokens", &tokens).finish()
    }
}

impl Part {
    fn new(receiver: &Receiver, verb: Verb, tokens: Vec<String>) -> Self {
        let names = [("topicName", &*receiver.topic), ("eventSubscriptionName", &*receiver.subscription)];
        let read = if verb == Verb::RenewLock { renewed } else { settled };
        let mut call = service_core::Call::new(&receiver.namespace.pipeline, operation(verb), &names, read);
        call.query("api-version", &*receiver.namespace.api_version);
        call.accept("application/json");
        match serde_json::to_vec(&LockTokens { lock_tokens: &tokens }) {
            Ok(body) => call.body("application/json", body),
            Err(error) => {
                call.check(Err(Error::invalid_input("lock tokens", "are not JSON", None).with_source(error)));
            }
        }
        Self { call, tokens }
    }

    /// On failure, returns the tokens with the error.
    async fn send(
        self,
        subject: &Subject<'_>,
        options: CallOptions,
    ) -> Result<Response<SettleResult>, (Error, Vec<String>)> {
        let Self { mut call, tokens } = self;
        call.set_options(options);
        let (mut span, mut measurement) = (Span::none(), None);
        let open = |pipeline: &Pipeline| {
            measurement = messaging::start(pipeline);
            span = subject.span(Some(tokens.len()), None);
            span.clone()
        };
        let outcome = match call.send_in(open).await {
            Ok(mut response) => {
                let result = &mut response.body;
                let missing = missing(result, tokens);
                let renews = subject.verb == Verb::RenewLock;
                let list = if renews { &mut result.failed } else { &mut result.maybe_settled };
                list.extend(missing.into_iter().map(FailedToken::missing));
                Ok(response)
            }
            Err(error) => Err((error, tokens)),
        };
        let ended = outcome.as_ref().map(|response| response.body.no_success()).map_err(|(error, _)| error);
        if let Ok(Some(reason)) = ended {
            messaging::fail(&span, reason);
        }
        if let Some(measurement) = measurement {
            measurement.settled(subject, ended);
        }
        outcome
    }
}

/// Returns the operation that settles or renews.
fn operation(verb: Verb) -> &'static Operation {
    match verb {
        Verb::Release => &RELEASE,
        Verb::Reject => &REJECT,
        Verb::RenewLock => &RENEW_LOCK,
        _ => &ACKNOWLEDGE,
    }
}

/// Removes repeated tokens: sent twice, a token would succeed and then be reported as lost.
fn drop_repeated(tokens: &mut Vec<String>) {
    let mut seen = HashSet::with_capacity_and_hasher(tokens.len(), TokenHash::default());
    let first: Vec<bool> = tokens.iter().map(|token| seen.insert(token.as_str())).collect();
    let mut first = first.into_iter();
    tokens.retain(|_| first.next() == Some(true));
}

/// Returns the tokens that a response does not mention.
fn missing(result: &SettleResult, sent: Vec<String>) -> Vec<String> {
    // In the common case, all tokens succeed and are listed in the order in which they were sent.
    if result.succeeded == sent {
        return Vec::new();
    }
    let failed = result.failed.iter().chain(&result.maybe_settled).map(|token| &token.lock_token);
    let mentioned: HashSet<&String> = result.succeeded.iter().chain(failed).collect();
    sent.into_iter().filter(|token| !mentioned.contains(token)).collect()
}

/// Defines a settle operation's builder.
macro_rules! settle {
    ($(#[$doc:meta])* $name:ident, $verb:expr) => {
        $(#[$doc])*
        ///
        /// More than 100 tokens are sent in several sequential requests. A deadline set here applies to all of them together.
        /// Otherwise, each request has the client's deadline.
        #[must_use = "does nothing until awaited"]
        #[derive(Debug)]
        pub struct $name {
            call: Call,
        }

        impl $name {
            pub(crate) fn new(receiver: &Receiver, tokens: impl Iterator<Item = String>) -> Self {
                Self { call: Call::new(receiver, $verb, tokens) }
            }
        }

        service_core::call_setters!($name => SettleResult);
    };
}

settle!(
    /// A call that acknowledges events. Is returned by [`Receiver::acknowledge`].
    Acknowledge,
    Verb::Acknowledge
);
settle!(
    /// A call that rejects events. Is returned by [`Receiver::reject`].
    Reject,
    Verb::Reject
);
settle!(
    /// A call that renews the locks of events. Is returned by [`Receiver::renew_locks`].
    RenewLocks,
    Verb::RenewLock
);

/// A call that releases events. Is returned by [`Receiver::release`].
///
/// More than 100 tokens are sent in several sequential requests. A deadline set here applies to all of them together. Otherwise,
/// each request has the client's deadline.
#[must_use = "does nothing until awaited"]
#[derive(Debug)]
pub struct Release {
    call: Call,
    api_version: Arc<str>,
}

impl Release {
    pub(crate) fn new(receiver: &Receiver, tokens: impl Iterator<Item = String>) -> Self {
        let api_version = Arc::clone(&receiver.namespace.api_version);
        Self { call: Call::new(receiver, Verb::Release, tokens), api_version }
    }

    /// Sets how long the events stay unavailable before they are delivered again. Default: no delay.
    ///
    /// A delay is invalid if the client's api-version is 2023-11-01 or older than 2023-10-01-preview, which do not support it.
    pub fn delay(mut self, delay: ReleaseDelay) -> Self {
        if has_delay_and_renewal(&self.api_version) {
            let seconds = delay.as_secs().to_string();
            self.call.each().for_each(|call| call.query("releaseDelayInSeconds", &seconds));
        } else if delay != ReleaseDelay::None {
            let rule = "is not supported by the client's api-version; 2024-06-01 supports it";
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
    /// Checks that the api-version has the operation.
    pub(crate) fn checked(mut self, api_version: &str) -> Self {
        if !has_delay_and_renewal(api_version) {
            let rule = "is not supported by the client's api-version; 2024-06-01 supports it";
            self.call.first.call.check(Err(Error::invalid_input("lock renewal", rule, Some(api_version))));
        }
        self
    }
}
