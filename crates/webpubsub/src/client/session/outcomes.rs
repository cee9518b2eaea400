//! The outcomes of requests, and their effects on groups and subscriptions.

use std::time::Duration;

use service_core::Result;

use super::{Done, Effect, Op, Session};
use crate::client::event::{Event, GroupEvent, NotRejoined, RejoinFailed, Rejoined};
use crate::client::frame::Rejection;

impl Session {
    pub(super) fn acked(&mut self, id: u64, rejection: Option<Rejection>, now: Duration) {
        let Some(op) = self.outbox.acked(id) else {
            tracing::debug!(id, "ignored an ack without a pending request");
            return;
        };
        // The ack of a rejoin does not show that the service accepts what the program does.
        if !op.is_rejoin() {
            self.progressed();
        }
        let is_duplicate = rejection.as_ref().is_some_and(Rejection::is_duplicate);
        let rejection = rejection.filter(|_| !is_duplicate);
        self.groups.acked(&op, rejection.is_none());
        let outcome = rejection.map_or(Ok(is_duplicate), |rejection| Err(op.rejected(rejection)));
        if !op.is_rejoin() {
            self.measure.acknowledged(op.started().map(|at| now.saturating_sub(at)), &outcome);
        }
        self.settle(op, outcome);
    }

    /// Passes on the outcome of a request: whether the service had processed it before, or an error.
    pub(super) fn settle(&mut self, op: Op, outcome: Result<bool>) {
        if op.is_message() {
            self.measure.sent(op.ack_id.is_some(), &outcome);
        }
        self.update_subscriptions(&op.effect, outcome.is_ok());
        #[cfg(feature = "preview")]
        self.states.settled(&op.effect, outcome.is_ok());
        match (op.done, outcome) {
            (Done::Caller(sender), outcome) => {
                // The caller may have stopped waiting.
                let _ = sender.send(outcome);
            }
            (Done::Rejoin(group), Err(error)) => {
                self.groups.not_rejoined(&group);
                let last = GroupEvent::NotRejoined(NotRejoined { reason: error.to_string() });
                self.subscriptions.end(&group, Some(&last));
                #[cfg(feature = "preview")]
                self.incoming.end(&group);
                self.inbox.event(Event::RejoinFailed(RejoinFailed { group, error }));
            }
            (Done::Rejoin(group), Ok(_)) => {
                let connection_id = self.connection.as_ref().map(|known| known.connection_id.clone());
                let connection_id = connection_id.unwrap_or_default();
                self.subscriptions.rejoined(&group, &GroupEvent::Rejoined(Rejoined { connection_id }));
            }
            #[cfg(feature = "preview")]
            (Done::Restored(restored), Err(error)) => self.not_restored(restored, error),
            #[cfg(feature = "preview")]
            (Done::Restored(_), Ok(_)) => {}
            // Only a response completes an invocation.
            #[cfg(feature = "preview")]
            (Done::Invocation(sender), Err(error)) => drop(sender.send(Err(error))),
            #[cfg(feature = "preview")]
            (Done::Invocation(_), Ok(_)) => {}
        }
    }

    fn update_subscriptions(&mut self, effect: &Effect, is_done: bool) {
        match effect {
            Effect::Subscribe(group, buffer) if is_done => self.subscriptions.joined(group, buffer),
            Effect::Subscribe(group, buffer) => {
                self.subscriptions.remove(group, buffer);
                // The client may have been in the group before.
                for message in buffer.take_messages() {
                    self.inbox.event(Event::GroupMessage(message));
                }
            }
            Effect::Leave(group) if is_done => {
                self.subscriptions.end(group, None);
                #[cfg(feature = "preview")]
                self.incoming.end(group);
            }
            #[cfg(feature = "preview")]
            Effect::ReceiveStreams(group, accepting) if is_done => self.incoming.joined(group, accepting),
            #[cfg(feature = "preview")]
            Effect::ReceiveStreams(group, accepting) => {
                for message in self.incoming.remove(group, accepting) {
                    self.inbox.event(Event::GroupMessage(message));
                }
            }
            Effect::Leave(_) | Effect::Join(_) | Effect::None => {}
            #[cfg(feature = "preview")]
            Effect::SetState(_) | Effect::FollowStates(..) => {}
        }
    }
}
