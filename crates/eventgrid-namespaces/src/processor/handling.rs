//! From a received event to its handler, and from the handler's outcome to a settlement.

use std::time::Duration;

use super::handler::Outcome;
use super::run::Run;
use super::token::{Stage, Token};
use super::workers::{Handled, Job};
use super::{Context, EventDelivery, Notice, Settlement};
use crate::{BoxError, Error, ReceivedEvent, ReleaseDelay};

impl Run<'_> {
    /// Prepares the handler of an event, or the poison handler. Returns `None` if there is none for an event that cannot be read.
    pub(super) fn job(&mut self, token: Token, mut received: ReceivedEvent) -> Option<Job> {
        let context = Context { token: token.clone() };
        let too_many = self.settings.max_deliveries.is_some_and(|max| received.delivery_count > max);
        let handling = match &self.settings.poison {
            Some(hook) if too_many || received.event.is_err() => {
                token.as_str().clone_into(&mut received.lock_token);
                hook(received, context)
            }
            _ => match received.event {
                Ok(event) => (self.settings.handler)(event, context),
                Err(error) => {
                    self.notify(&Notice::Unreadable { event: token.delivery(), error: &error });
                    self.decide(token, self.settings.failure, self.clock.elapsed());
                    return None;
                }
            },
        };
        Some(Job { token, handling })
    }

    pub(super) fn all_handled(&mut self, handled: Vec<Handled>) {
        let now = self.clock.elapsed();
        for Handled { token, took, outcome } in handled {
            self.settings.measure.handled(&self.settings.receiver, took, &outcome);
            let settlement = self.settlement(token.delivery(), outcome);
            self.decide(token, settlement, now);
        }
    }

    /// Returns the settlement of an event whose handler ended like this.
    fn settlement(&self, event: &EventDelivery, outcome: Outcome) -> Settlement {
        let outcome = match outcome {
            Outcome::Decided(settlement) => self.supported(settlement),
            Outcome::Failed(error) => Err(error),
            Outcome::Panicked(message) => {
                self.notify(&Notice::HandlerPanicked { event, message: &message });
                return self.settings.failure;
            }
        };
        outcome.unwrap_or_else(|error| {
            self.notify(&Notice::HandlerFailed { event, error: &error });
            self.settings.failure
        })
    }

    /// Checks that the api-version supports the settlement's delay.
    fn supported(&self, settlement: Settlement) -> Result<Settlement, BoxError> {
        match settlement {
            Settlement::Release(delay)
                if delay != ReleaseDelay::None && !self.settings.has_delay_and_renewal =>
            {
                let rule = "is not supported by the client's api-version";
                let version = &self.settings.receiver.namespace.api_version;
                Err(Error::invalid_input("release delay", rule, Some(version)).into())
            }
            settlement => Ok(settlement),
        }
    }

    /// Queues an event for its settle call.
    pub(super) fn decide(&mut self, token: Token, settlement: Settlement, now: Duration) {
        token.enter(Stage::Decided);
        self.batches.push(settlement, token, now);
    }
}
