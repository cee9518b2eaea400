//! The calls for held events: settle those that are decided, and renew the locks of the others.

use std::future::IntoFuture;
use std::time::Duration;

use service_core::ErrorType;

use super::batches::Batch;
use super::polling::MAX_RETRY_AFTER;
use super::run::{Run, TaskOutput};
use super::token::{Stage, Token};
use super::{Notice, Settlement};
use crate::messaging;
use crate::settle::TOKENS_PER_REQUEST;
use crate::{Error, ErrorKind, FailedToken, Result, SettleResult, TokenErrorCode};

/// The minimum timeout of an attempt to renew locks.
const MIN_ATTEMPT_TIMEOUT: Duration = Duration::from_secs(1);

impl Run<'_> {
    pub(super) fn settle(&mut self, batch: Batch<Token>) {
        let Batch { settlement, tokens, failures, .. } = batch;
        tokens.iter().for_each(|token| token.enter(Stage::Settling));
        let receiver = &self.settings.receiver;
        // A batch fits into one request, so the call succeeds or fails as a whole.
        let sent = tokens.iter().map(Token::as_str);
        let call = match settlement {
            Settlement::Acknowledge => receiver.acknowledge(sent).into_future(),
            Settlement::Reject => receiver.reject(sent).into_future(),
            Settlement::Release(delay) => receiver.release(sent).delay(delay).into_future(),
        };
        self.tasks
            .spawn(async move { TaskOutput::Settled { settlement, tokens, failures, outcome: call.await } });
    }

    pub(super) fn settled(
        &mut self,
        settlement: Settlement,
        tokens: Vec<Token>,
        failures: u32,
        outcome: Result<SettleResult>,
    ) {
        let result = match outcome {
            Ok(result) => result,
            Err(error) => {
                let reason = ErrorType::of(&error);
                return self.put_off(settlement, tokens, failures, &error, reason.as_str());
            }
        };
        // Failures come before successes: if a token is in both lists, the failure must be reported.
        let (transient, rejected): (Vec<_>, Vec<_>) =
            result.failed.into_iter().partition(|token| token.code == TokenErrorCode::InternalServerError);
        rejected.iter().for_each(|token| self.settle_failed(settlement, token, false));
        result.maybe_settled.iter().for_each(|token| self.settle_failed(settlement, token, true));
        for token in &result.succeeded {
            if self.held.remove(token).is_some() {
                self.settings.measure.settled(settlement, None);
            }
        }
        if let Some(first) = transient.first() {
            let error = Error::new(ErrorKind::Service, first.to_string());
            let reason = messaging::token_error(&first.code);
            let token = |failed: &FailedToken| Some(self.held.get(&failed.lock_token)?.token.clone());
            let tokens = transient.iter().filter_map(token).collect();
            self.put_off(settlement, tokens, failures, &error, reason);
        }
    }

    fn settle_failed(&mut self, settlement: Settlement, reason: &FailedToken, maybe: bool) {
        let Some(entry) = self.held.remove(&reason.lock_token) else { return };
        self.settings.measure.settled(settlement, Some(messaging::token_error(&reason.code)));
        let maybe_settled = maybe || (entry.outcome_unknown && reason.code == TokenErrorCode::TokenLost);
        let event = entry.token.delivery();
        self.notify(&Notice::SettleFailed { event, settlement, reason, maybe_settled });
    }

    /// Schedules a retry for the events that are still locked. Events whose locks are lost are dropped.
    fn put_off(
        &mut self,
        settlement: Settlement,
        tokens: Vec<Token>,
        failures: u32,
        error: &Error,
        reason: &str,
    ) {
        let outcome_unknown = error.may_have_acted();
        let retry_after = error.retry_after().unwrap_or_default().min(MAX_RETRY_AFTER);
        // A request that the service rejects as a whole, such as one with an unknown delay, would be rejected again.
        let is_permanent =
            error.status().is_some_and(|status| [400, 404, 410, 413].contains(&status.as_u16()));
        let (mut locked, now) = (Vec::with_capacity(tokens.len()), self.clock.elapsed());
        for token in tokens {
            let Some(entry) = self.held.get(token.as_str()) else { continue };
            if token.is_lost() || is_permanent {
                self.held.remove(token.as_str());
                self.settings.measure.settled(settlement, Some(reason));
                self.notify(&Notice::Unsettled { event: token.delivery() });
            } else {
                token.enter(Stage::Decided);
                entry.outcome_unknown |= outcome_unknown;
                self.held.track_due(token.as_str());
                locked.push(token);
            }
        }
        if !locked.is_empty() {
            let events = locked.len();
            let wait = self.batches.put_off(settlement, locked, failures, retry_after, now);
            self.notify(&Notice::SettleDelayed { settlement, events, error, wait });
        }
    }

    /// Renews the locks that are due, early enough for a second attempt.
    pub(super) fn renew(&mut self, now: Duration) {
        for tokens in self.held.take_renewals(now).chunks(TOKENS_PER_REQUEST) {
            let expiry = |token: &Token| Some(self.held.get(token.as_str())?.lock.expires_at);
            let expiries = tokens.iter().filter_map(expiry);
            let left = expiries.min().unwrap_or(now).saturating_sub(now);
            let call = self.settings.receiver.renew_locks(tokens.iter().map(Token::as_str)).deadline(left);
            let call = call.attempt_timeout((left / 2).max(MIN_ATTEMPT_TIMEOUT)).into_future();
            let tokens = tokens.to_vec();
            self.tasks
                .spawn(async move { TaskOutput::Renewed { tokens, sent_at: now, outcome: call.await } });
        }
    }

    pub(super) fn renewed(&mut self, tokens: &[Token], sent_at: Duration, outcome: Result<SettleResult>) {
        let now = self.clock.elapsed();
        match outcome {
            Ok(result) => {
                for token in result.succeeded {
                    self.change_lock(&token, |lock| lock.renewed(sent_at));
                }
                for failed in result.failed {
                    match failed.code {
                        TokenErrorCode::TokenLost | TokenErrorCode::BadToken => {
                            self.renewal_rejected(&failed.lock_token);
                        }
                        _ => self.change_lock(&failed.lock_token, |lock| lock.renewal_failed(now)),
                    }
                }
            }
            Err(error) => {
                self.notify(&Notice::RenewalFailed { error: &error, events: tokens.len() });
                let failed = |lock: &mut super::lock::Lock| lock.renewal_failed(now);
                tokens.iter().for_each(|token| self.change_lock(token.as_str(), failed));
            }
        }
    }

    /// Handles a rejected renewal. If a settle call is in flight, it may have overtaken the renewal, so the rejection is ignored.
    fn renewal_rejected(&mut self, token: &str) {
        if self.held.get(token).is_some_and(|entry| entry.token.stage() != Stage::Settling) {
            self.lose(token);
        }
    }

    fn change_lock(&mut self, token: &str, change: impl FnOnce(&mut super::lock::Lock)) {
        if let Some(entry) = self.held.get(token)
            && !entry.token.is_lost()
        {
            change(&mut entry.lock);
            self.held.track_due(token);
        }
    }
}
