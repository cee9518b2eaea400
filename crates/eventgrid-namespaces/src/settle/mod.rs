//! Settling and renewing: one settlement per lock token, read from an answer that is a success even when every token failed.

mod call;
mod delay;
mod token;
mod wire;

use crate::{Error, ErrorKind, Result};

pub(crate) use call::has_delay_and_renewal;
pub use call::{Acknowledge, Reject, Release, RenewLocks};
pub use delay::ReleaseDelay;
pub use token::{FailedToken, TokenErrorCode};

/// How many lock tokens one request carries. The service documents no limit; one receive hands out no more than this.
pub(crate) const TOKENS_PER_REQUEST: usize = 100;

/// What became of each lock token.
///
/// Every token of the call stands in one of the lists (in more than one if the service says so), or in
/// [`interrupted`](Self::interrupted).
#[must_use = "a settle call succeeds even when the service settled none of the events"]
#[derive(Debug, Default)]
#[non_exhaustive]
pub struct SettleResult {
    /// The tokens whose events are settled, or whose locks are renewed.
    pub succeeded: Vec<String>,
    /// The tokens whose events are not settled by this call, with the reason.
    pub failed: Vec<FailedToken>,
    /// Tokens that are reported as lost after an attempt of this call went no_response: that attempt may have settled them.
    /// Tokens that the service's answer does not name stand here too.
    pub maybe_settled: Vec<FailedToken>,
    /// More than 100 tokens go in several requests; when one of them fails after others were answered, this is what is left.
    pub interrupted: Option<Interrupted>,
}

/// The part of a call that came to nothing, because one of its requests failed.
#[derive(Debug)]
#[non_exhaustive]
pub struct Interrupted {
    /// Why the request failed.
    pub error: Error,
    /// The tokens of the failed request. Where [`Error::outcome_unknown`] holds, they may be settled.
    pub no_response: Vec<String>,
    /// The tokens of the requests that were not sent after it: nothing happened to them.
    pub unsent: Vec<String>,
}

impl SettleResult {
    /// The succeeded tokens, if no other settlement came.
    ///
    /// # Errors
    ///
    /// Names how many tokens failed, and the first reason.
    pub fn into_result(self) -> Result<Vec<String>> {
        let first = self.failed.iter().chain(&self.maybe_settled).next();
        if first.is_none() && self.interrupted.is_none() {
            return Ok(self.succeeded);
        }
        let (failed, all) = self.count();
        let mut text = format!("{failed} of {all} lock tokens did not succeed; the first: ");
        match (first, self.interrupted) {
            (None, Some(Interrupted { error, .. })) => {
                text.push_str("its request failed");
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

    /// The tokens that are worth another call after a while: those that failed inside the service
    /// ([`TokenErrorCode::InternalServerError`]). No other code gets better with time.
    ///
    /// ```no_run
    /// # async fn run(receiver: eventgrid_namespaces::Receiver, tokens: Vec<String>) -> eventgrid_namespaces::Result<()> {
    /// let mut result = receiver.acknowledge(tokens).await?;
    /// if result.retryable().next().is_some() {
    ///     result = receiver.acknowledge(result.retryable()).await?;
    /// }
    /// result.into_result()?;
    /// # Ok(()) }
    /// ```
    pub fn retryable(&self) -> impl Iterator<Item = &str> {
        let passing = |token: &&FailedToken| token.code == TokenErrorCode::InternalServerError;
        self.failed.iter().filter(passing).map(|token| token.lock_token.as_str())
    }

    /// How many tokens did not succeed, of how many.
    fn count(&self) -> (usize, usize) {
        let left = self.interrupted.as_ref().map_or(0, |part| part.no_response.len() + part.unsent.len());
        let failed = self.failed.len() + self.maybe_settled.len() + left;
        (failed, failed + self.succeeded.len())
    }

    fn append(&mut self, mut other: Self) {
        self.succeeded.append(&mut other.succeeded);
        self.failed.append(&mut other.failed);
        self.maybe_settled.append(&mut other.maybe_settled);
    }
}
