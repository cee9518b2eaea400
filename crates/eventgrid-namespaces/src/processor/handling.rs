//! From a waiting event to a settlement: starts handlers and processes their outcomes.

use std::sync::Arc;

use tracing::Instrument;

use super::handler::{self, Outcome};
use super::held::Stage;
use super::run::{Run, TaskOutput};
use super::span::record;
use super::{Notice, Settlement};
use crate::{BoxError, Error, ReceivedEvent, ReleaseDelay};

impl Run<'_> {
    /// Starts the handler of an event, or the poison handler.
    pub(super) fn handle(&mut self, received: ReceivedEvent) {
        let token = received.lock_token.clone();
        let Some(entry) = self.held.get(&token) else { return };
        let (context, delivery) = (entry.context(), Arc::clone(&entry.delivery));
        let too_many = self.settings.max_deliveries.is_some_and(|max| received.delivery_count > max);
        let handling = match &self.settings.poison {
            Some(hook) if too_many || received.event.is_err() => hook(received, context),
            _ => match received.event {
                Ok(event) => (self.settings.handler)(event, context),
                Err(error) => {
                    self.notify(&Notice::Unreadable { event: &delivery, error: &error });
                    return self.decide(token, self.settings.failure);
                }
            },
        };
        let span = (self.settings.span)(&delivery, delivery.trace_context.as_ref());
        let (recorded, handled) = (span.clone(), token.clone());
        let clock = self.settings.measure.is_enabled().then(|| Arc::clone(&self.clock));
        let run = async move {
            let started = clock.as_ref().map(|clock| clock.elapsed());
            let outcome = handler::run(handling).await;
            record(&recorded, &outcome);
            let took = clock.zip(started).map(|(clock, started)| clock.elapsed().saturating_sub(started));
            TaskOutput::Handled(handled, took, outcome)
        };
        let task = self.tasks.spawn(run.instrument(span));
        self.handlers.insert(task.id(), token.clone());
        if let Some(entry) = self.held.get(&token) {
            entry.stage = Stage::Handling(task);
        }
    }

    pub(super) fn handled(&mut self, token: String, outcome: Outcome) {
        let Some(entry) = self.held.get(&token) else { return };
        let event = Arc::clone(&entry.delivery);
        let outcome = match outcome {
            Outcome::Decided(settlement) => self.supported(settlement),
            Outcome::Failed(error) => Err(error),
            Outcome::Panicked(message) => {
                self.notify(&Notice::HandlerPanicked { event: &event, message: &message });
                return self.decide(token, self.settings.failure);
            }
        };
        let settlement = outcome.unwrap_or_else(|error| {
            self.notify(&Notice::HandlerFailed { event: &event, error: &error });
            self.settings.failure
        });
        self.decide(token, settlement);
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
    pub(super) fn decide(&mut self, token: String, settlement: Settlement) {
        let now = self.clock.elapsed();
        if let Some(entry) = self.held.get(&token) {
            entry.stage = Stage::Decided;
            self.batches.push(settlement, token, now);
        }
    }
}
