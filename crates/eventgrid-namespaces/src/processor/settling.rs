//! The calls about events in hand: settling those that are decided, renewing the locks of the others.

use std::future::IntoFuture;
use std::sync::Arc;
use std::time::Duration;

use super::batches::Batch;
use super::held::Stage;
use super::polling::LONGEST_HINT;
use super::run::{Run, Step};
use super::{Notice, Settlement};
use crate::settle::TOKENS_PER_REQUEST;
use crate::{Delivery, Error, ErrorKind, FailedToken, Result, SettleResult, TokenErrorCode};

/// The least time for one attempt at a renewal.
const ATTEMPT: Duration = Duration::from_secs(1);

/// Whether the call may have had its effect although it failed: the same statuses that only idempotent calls repeat.
fn may_have_acted(error: &Error) -> bool {
    match error.delivery() {
        Some(Delivery::Unknown | Delivery::Accepted) => true,
        Some(Delivery::Responded) => error.status().is_some_and(|status| {
            // A 503 with a hint is a refusal.
            let refused = status.as_u16() == 503 && error.retry_after().is_some();
            status.is_server_error() && !refused || status.as_u16() == 408
        }),
        _ => false,
    }
}

impl Run<'_> {
    pub(super) fn settle(&mut self, batch: Batch) {
        let Batch { settlement, mut tokens, failures, .. } = batch;
        tokens.retain(|token| match self.held.get(token) {
            Some(entry) => {
                entry.stage = Stage::Settling;
                true
            }
            None => false,
        });
        if tokens.is_empty() {
            return;
        }
        let receiver = &self.settings.receiver;
        // At most one request's worth of tokens, so that the call succeeds or fails as a whole.
        let call = match settlement {
            Settlement::Acknowledge => receiver.acknowledge(&tokens).into_future(),
            Settlement::Reject => receiver.reject(&tokens).into_future(),
            Settlement::Release(delay) => receiver.release(&tokens).delay(delay).into_future(),
        };
        self.tasks.spawn(async move { Step::Settled { settlement, tokens, failures, outcome: call.await } });
    }

    pub(super) fn settled(
        &mut self,
        settlement: Settlement,
        tokens: Vec<String>,
        failures: u32,
        outcome: Result<SettleResult>,
    ) {
        let result = match outcome {
            Ok(result) => result,
            Err(error) => return self.put_off(settlement, tokens, failures, &error),
        };
        // Before the successes: of a token in both lists, the failure is what has to be told.
        let (passing, refused): (Vec<_>, Vec<_>) =
            result.failed.into_iter().partition(|token| token.code == TokenErrorCode::InternalServerError);
        refused.iter().for_each(|token| self.refused(settlement, token, false));
        result.maybe_settled.iter().for_each(|token| self.refused(settlement, token, true));
        for token in &result.succeeded {
            self.held.remove(token);
        }
        if let Some(first) = passing.first() {
            let error = Error::new(ErrorKind::Service, first.to_string());
            let tokens = passing.into_iter().map(|token| token.lock_token).collect();
            self.put_off(settlement, tokens, failures, &error);
        }
    }

    fn refused(&mut self, settlement: Settlement, reason: &FailedToken, maybe: bool) {
        let Some(entry) = self.held.remove(&reason.lock_token) else { return };
        let maybe_settled = maybe || (entry.unsure && reason.code == TokenErrorCode::TokenLost);
        self.notify(&Notice::SettleFailed { event: &entry.delivery, settlement, reason, maybe_settled });
    }

    /// Tries again later what is still locked; there is nothing to be had from a lock that is lost.
    fn put_off(&mut self, settlement: Settlement, tokens: Vec<String>, failures: u32, error: &Error) {
        let unsure = may_have_acted(error);
        let hint = error.retry_after().unwrap_or_default().min(LONGEST_HINT);
        // What the service refuses as a whole, such as a delay that it does not know, it refuses the next time too.
        let useless = error.status().is_some_and(|status| [400, 404, 410, 413].contains(&status.as_u16()));
        let (mut locked, now) = (Vec::with_capacity(tokens.len()), self.clock.elapsed());
        for token in tokens {
            let Some(entry) = self.held.get(&token) else { continue };
            if entry.is_lost() || useless {
                let delivery = Arc::clone(&entry.delivery);
                self.held.remove(&token);
                self.notify(&Notice::Unsettled { event: &delivery });
            } else {
                entry.stage = Stage::Decided;
                entry.unsure |= unsure;
                self.held.mind(&token);
                locked.push(token);
            }
        }
        if !locked.is_empty() {
            let events = locked.len();
            let wait = self.batches.put_off(settlement, locked, failures, hint, now);
            self.notify(&Notice::SettleDelayed { settlement, events, error, wait });
        }
    }

    /// Renews the locks that need it, all in time for a second try.
    pub(super) fn renew(&mut self, now: Duration) {
        for tokens in self.held.take_renewals(now).chunks(TOKENS_PER_REQUEST) {
            let ends = tokens.iter().filter_map(|token| self.held.get(token).map(|entry| entry.lock.ends));
            let left = ends.min().unwrap_or(now).saturating_sub(now);
            let call = self.settings.receiver.renew_locks(tokens).deadline(left);
            let call = call.attempt_timeout((left / 2).max(ATTEMPT)).into_future();
            let tokens = tokens.to_vec();
            self.tasks.spawn(async move { Step::Renewed { tokens, began: now, outcome: call.await } });
        }
    }

    pub(super) fn renewed(&mut self, tokens: &[String], began: Duration, outcome: Result<SettleResult>) {
        let now = self.clock.elapsed();
        match outcome {
            Ok(result) => {
                for token in result.succeeded {
                    self.change_lock(&token, |lock| lock.renewed(began));
                }
                for failed in result.failed {
                    match failed.code {
                        TokenErrorCode::TokenLost | TokenErrorCode::BadToken => {
                            self.refused_renewal(&failed.lock_token);
                        }
                        _ => self.change_lock(&failed.lock_token, |lock| lock.put_off(now)),
                    }
                }
            }
            Err(error) => {
                self.notify(&Notice::RenewalFailed { error: &error, events: tokens.len() });
                tokens.iter().for_each(|token| self.change_lock(token, |lock| lock.put_off(now)));
            }
        }
    }

    /// The settlement on a token may have overtaken its renewal, which then says nothing.
    fn refused_renewal(&mut self, token: &str) {
        let settling = |entry: &mut super::held::Entry| matches!(entry.stage, Stage::Settling);
        if self.held.get(token).is_some_and(|entry| !settling(entry)) {
            self.lose(token);
        }
    }

    fn change_lock(&mut self, token: &str, change: impl FnOnce(&mut super::lock::Lock)) {
        if let Some(entry) = self.held.get(token)
            && !entry.is_lost()
        {
            change(&mut entry.lock);
            self.held.mind(token);
        }
    }
}
