//! Executes and acknowledges the frames of a pub/sub client (client protocols, sections 3 to 7).

mod previews;

use std::time::Duration;

use tokio_tungstenite::tungstenite::Message;

use super::connection::Identity;
use super::delivery::{Delivery, From, Payload};
use super::errors;
use super::frame::{Action, Failure, Frame, Invalid, ServerFrame};
use super::hub::Joined;
use super::invocations::Invocations;
use super::member::Member;
use super::membership::Membership;
use super::names;
use super::outbox::{Closing, Due, Outbox};
use super::roles::Permission;
use super::upstream::Outcome;
use crate::faults::sockets::{AckFault, SocketFaults};

/// The protocol state of one connection.
pub(super) struct Conversation<'a> {
    pub(super) identity: &'a Identity,
    pub(super) membership: &'a Membership,
    pub(super) outbox: &'a Outbox,
    pub(super) faults: &'a SocketFaults,
    pub(super) invocations: Invocations,
}

impl Conversation<'_> {
    /// Handles a frame. An error closes the connection.
    pub(super) async fn receive(&self, frame: &Message) -> Result<(), Closing> {
        match self.identity.protocol.read(frame)? {
            None => Ok(()),
            Some(Frame::Ping) => {
                self.send(&ServerFrame::Pong);
                Ok(())
            }
            Some(Frame::SequenceAck(id)) => {
                self.sequence_ack(id);
                Ok(())
            }
            Some(Frame::Request { ack_id, action }) => self.request(ack_id, action).await,
            Some(Frame::Invoke(invocation)) => {
                self.invoke(invocation);
                Ok(())
            }
            Some(Frame::CancelInvocation(id)) => {
                self.invocations.cancel(&id);
                Ok(())
            }
            Some(Frame::Stream { id, part }) => {
                self.stream_part(&id, part);
                Ok(())
            }
        }
    }

    /// Has no meaning on a protocol that is not reliable.
    fn sequence_ack(&self, id: u64) {
        if self.faults.ignores_sequence_ack() {
            return;
        }
        self.with_member(|member| {
            if let Some(kept) = &mut member.unacknowledged {
                kept.acknowledge(id);
            }
        });
    }

    async fn request(&self, ack_id: Option<u64>, action: Action) -> Result<(), Closing> {
        // A request from a lost socket may still be running when it is repeated on another one.
        let _turn = self.membership.link.turn().await;
        if let Some(id) = ack_id.filter(|id| self.is_done(*id)) {
            let message = format!("Message with ack-id: {id} has been processed");
            self.acknowledge(ack_id, &Err(Failure::new("Duplicate", message)));
            return Ok(());
        }
        // The snapshot follows the ack.
        if let Action::SubscribeState(group) = &action {
            self.subscribe_to_states(ack_id, group)?;
            return Ok(());
        }
        let outcome = self.execute(action).await?;
        self.acknowledge(ack_id, &outcome);
        Ok(())
    }

    async fn execute(&self, action: Action) -> Result<Result<(), Failure>, Invalid> {
        match action {
            Action::Join(group) => Ok(self.join(&group)),
            Action::Leave(group) => Ok(self.leave(&group)),
            Action::Send { group, payload, no_echo, time_to_live } => {
                let from = From::Group { group, user: self.identity.user.clone() };
                let delivery = Delivery { from, payload, stream: None, time_to_live };
                Ok(self.send_to_group(&delivery, no_echo))
            }
            Action::Event { name, payload } if names::is_event(&name) => {
                Ok(self.event(&name, &payload).await)
            }
            Action::Event { .. } => Err(Invalid("the event name is invalid")),
            Action::StartStream(start) => Ok(self.start_stream(&start)),
            Action::SetState { group, entries } => self.set_state(&group, entries),
            Action::SubscribeState(_) => Ok(Ok(())),
            Action::UnsubscribeState(group) => self.unsubscribe_from_states(&group),
        }
    }

    /// Sends the event to its handler. If that fails, the connection stays open, and only the ack says so.
    async fn event(&self, name: &str, payload: &Payload) -> Result<(), Failure> {
        // Boxed, so that idle connections have no room for the call.
        match Box::pin(self.membership.link.user_event(name, payload)).await {
            Outcome::Accepted(response) => {
                response.into_message().into_iter().for_each(|payload| self.membership.deliver(payload));
                Ok(())
            }
            Outcome::Failed | Outcome::TimedOut => Err(Failure::internal()),
        }
    }

    fn join(&self, group: &str) -> Result<(), Failure> {
        self.check(Permission::JoinLeaveGroup, group, "join")?;
        let own = |id: &str, _: &Member| id == self.membership.connection;
        match self.membership.hubs().join(&self.membership.hub, &[group], own) {
            Joined::TooMany => Err(Failure::new("BadRequest", "The connection is in too many groups.")),
            Joined::All | Joined::NoMatch => Ok(()),
        }
    }

    fn leave(&self, group: &str) -> Result<(), Failure> {
        self.check(Permission::JoinLeaveGroup, group, "leave")?;
        let own = |id: &str, _: &Member| id == self.membership.connection;
        self.membership.hubs().leave(&self.membership.hub, &[group], own);
        Ok(())
    }

    fn send_to_group(&self, delivery: &Delivery, no_echo: bool) -> Result<(), Failure> {
        let From::Group { group, .. } = &delivery.from else { return Ok(()) };
        self.check(Permission::SendToGroup, group, "send to")?;
        let own = self.membership.connection.as_str();
        self.membership.hubs().deliver(&self.membership.hub, delivery, |id, member| {
            member.is_in(group) && !(no_echo && id == own)
        });
        Ok(())
    }

    fn check(&self, permission: Permission, group: &str, action: &str) -> Result<(), Failure> {
        if !names::is_group(group) {
            return Err(Failure::new("BadRequest", errors::GROUP_NAME));
        }
        if !self.membership.allows(permission, group) {
            let message = format!("The client does not have permission to {action} group '{group}'.");
            return Err(Failure::new("Forbidden", message));
        }
        Ok(())
    }

    fn is_done(&self, id: u64) -> bool {
        self.with_member(|member| member.acknowledged.contains(id)) == Some(true)
    }

    fn acknowledge(&self, ack_id: Option<u64>, outcome: &Result<(), Failure>) {
        self.acknowledge_after(self.membership.hubs().ack_delay(), ack_id, outcome);
    }

    fn acknowledge_after(&self, delay: Duration, ack_id: Option<u64>, outcome: &Result<(), Failure>) {
        let Some(id) = ack_id else { return };
        if outcome.is_ok() {
            self.with_member(|member| member.acknowledged.remember(id));
        }
        let frame = ServerFrame::Ack { id, failure: outcome.as_ref().err() };
        let hubs = self.membership.hubs();
        let (delay, at_close) = match self.faults.ack() {
            None => (delay, true),
            Some(AckFault::Delayed(by)) => (by, false),
            Some(AckFault::Lost) => return,
        };
        if delay.is_zero() {
            return self.send(&frame);
        }
        let due = Due { at: hubs.clock.now() + delay, at_close };
        self.identity.protocol.encode(&frame).into_iter().for_each(|ack| self.outbox.push_at(ack, due));
    }

    fn send(&self, frame: &ServerFrame<'_>) {
        self.outbox.push_all(self.identity.protocol.encode(frame));
    }

    fn with_member<T>(&self, change: impl FnOnce(&mut Member) -> T) -> Option<T> {
        self.membership.hubs().with(&self.membership.hub, &self.membership.connection, change)
    }
}
