//! Settling and renewing: a result per lock token, read from a response that is a success even if every token failed.

mod call;
mod delay;
mod token;
mod wire;

use crate::{Error, ErrorKind, Result, messaging};

pub(crate) use call::has_delay_and_renewal;
pub use call::{Acknowledge, Reject, Release, RenewLocks};
pub use delay::ReleaseDelay;
pub use token::{FailedToken, TokenErrorCode};

/// The maximum number of lock tokens per request. The service documents no limit, but one receive returns at most this many.
pub(crate) const TOKENS_PER_REQUEST: usize = 100;

/// Reports the outcome of a settle or renew call for each lock token.
///
/// Every token of the call is in one of the lists, or in [`interrupted`](Self::interrupted). A token is in more than one list if
/// the service reports it more than once.
#[must_use = "a settle call succeeds even when the service settled none of the events"]
#[derive(Debug, Default)]
#[non_exhaustive]
pub struct SettleResult {
    /// Lists the tokens whose events were settled, or whose locks were renewed.
    pub succeeded: Vec<String>,
    /// Lists the tokens whose events this call did not settle, each with the reason.
    pub failed: Vec<FailedToken>,
    /// Lists the tokens whose events this call may or may not have settled.
    ///
    /// These tokens were reported as lost after an earlier attempt of this call got no response, so that attempt may have
    /// settled them. Tokens that the service's response does not mention are listed here too.
    pub maybe_settled: Vec<FailedToken>,
    /// Contains the remaining tokens if a request failed after an earlier request of the call succeeded.
    ///
    /// Only calls with more than 100 tokens send several requests.
    pub interrupted: Option<Interrupted>,
}

/// Describes the part of a call that was not completed because one of its requests failed.
#[derive(Debug)]
#[non_exhaustive]
pub struct Interrupted {
    /// Contains the error of the failed request.
    pub error: Error,
    /// Lists the tokens of the failed request. If [`Error::outcome_unknown`] returns `true`, they may have been settled.
    pub no_response: Vec<String>,
    /// Lists the tokens of the requests that were not sent. Their events are unchanged.
    pub unsent: Vec<String>,
}

impl SettleResult {
    /// Returns the succeeded tokens if every token succeeded.
    ///
    /// # Errors
    ///
    /// Returns an error if any token did not succeed. It reports how many tokens failed and the first reason.
    pub fn into_result(self) -> Result<Vec<String>> {
        let first = self.failed.iter().chain(&self.maybe_settled).next();
        if first.is_none() && self.interrupted.is_none() {
            return Ok(self.succeeded);
        }
        let (failed, all) = self.count();
        let mut text = format!("{failed} of {all} lock tokens failed; first failure: ");
        match (first, self.interrupted) {
            (None, Some(Interrupted { error, .. })) => {
                text.push_str("the request failed");
                let (kind, delivery) = (error.kind(), error.delivery());
                let interrupted = Error::new(kind, text).with_source(error);
                Err(delivery.into_iter().fold(interrupted, Error::with_delivery))
            }
            (first, interrupted) => {
                text.extend(first.map(ToString::to_string));
                let error = Error::new(ErrorKind::Service, text);
                Err(interrupted.into_iter().fold(error, |error, part| error.with_source(part.error)))
            }
        }
    }

    /// Returns the tokens that failed with a transient error, so that a later call may succeed.
    ///
    /// These are the tokens that failed inside the service ([`TokenErrorCode::InternalServerError`]). All other codes are
    /// permanent.
    ///
    /// # Examples
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), eventgrid_namespaces::BoxError> {
    /// # let emulator = service_emulator::Emulator::start().await?;
    /// # emulator.eventgrid().declare("orders", "billing");
    /// # let (endpoint, key) = (emulator.endpoint(), emulator.eventgrid().key());
    /// # use eventgrid_namespaces::{CloudEvent, Credential, Receiver, Sender};
    /// # let sender = Sender::new(&endpoint, "orders", Credential::access_key(emulator.eventgrid().key()))?;
    /// # sender.send(CloudEvent::new("/orders/123", "com.example.order.created", &["screws"])?).await?;
    /// # let receiver = Receiver::new(&endpoint, "orders", "billing", Credential::access_key(key))?;
    /// # let tokens = receiver.receive().await?.into_iter().map(|received| received.lock_token);
    /// let mut result = receiver.acknowledge(tokens).await?;
    /// if result.retryable().next().is_some() {
    ///     result = receiver.acknowledge(result.retryable()).await?;
    /// }
    /// result.into_result()?;
    /// # Ok(()) }
    /// ```
    pub fn retryable(&self) -> impl Iterator<Item = &str> {
        let transient = |token: &&FailedToken| token.code == TokenErrorCode::InternalServerError;
        self.failed.iter().filter(transient).map(|token| token.lock_token.as_str())
    }

    /// Returns the number of tokens that did not succeed and the number of all tokens.
    fn count(&self) -> (usize, usize) {
        let left = self.interrupted.as_ref().map_or(0, |part| part.no_response.len() + part.unsent.len());
        let failed = self.failed.len() + self.maybe_settled.len() + left;
        (failed, failed + self.succeeded.len())
    }

    /// Returns why a request had no effect, or `None` if any of its tokens succeeded.
    fn no_success(&self) -> Option<&'static str> {
        let failed = || self.failed.iter().chain(&self.maybe_settled).next();
        self.succeeded.is_empty().then(failed)?.map(|token| messaging::token_error(&token.code))
    }

    fn append(&mut self, mut other: Self) {
        self.succeeded.append(&mut other.succeeded);
        self.failed.append(&mut other.failed);
        self.maybe_settled.append(&mut other.maybe_settled);
    }
}
