//! Executes the frames in preview: invocations, group streams, and group states (previews, sections 2 to 4).

use std::sync::Arc;
use std::time::Duration;

use super::Conversation;
use crate::faults::sockets::SocketFaults;
use crate::webpubsub::connection::Protocol;
use crate::webpubsub::delivery::{Data, Payload};
use crate::webpubsub::errors;
use crate::webpubsub::frame::{
    Failure, HandlerResponse, Invalid, Invocation, ServerFrame, StreamPart, StreamStart,
};
use crate::webpubsub::group_state::Entries;
use crate::webpubsub::hub::Hubs;
use crate::webpubsub::invocations::Rejected;
use crate::webpubsub::names;
use crate::webpubsub::outbox::{Due, Outbox};
use crate::webpubsub::streams::{Reply, StreamPlace};
use crate::webpubsub::upstream::Outcome;

/// As for any message.
const MAX_RESPONSE_BYTES: usize = 1024 * 1024;

impl Conversation<'_> {
    /// Sends the invocation to the event handler in the background: other frames do not wait for its response.
    pub(super) fn invoke(&self, invocation: Invocation) {
        let responder = Responder {
            hubs: Arc::clone(self.membership.hubs()),
            protocol: self.identity.protocol.clone(),
            outbox: self.outbox.clone(),
            faults: self.faults.clone(),
            invocation: invocation.id.clone(),
        };
        if !invocation.is_event || !names::is_event(&invocation.event) {
            let message = "The target or the name of the event is invalid.";
            return responder.respond(&Err(Failure::new("BadRequest", message)));
        }
        let (id, max) = (invocation.id.clone(), self.membership.hubs().limits().open_invocations);
        let link = Arc::clone(&self.membership.link);
        let work = async move {
            // An event needs data: without any, it is an empty text.
            let data = invocation.data.unwrap_or_else(|| Data::Text(String::new()));
            let payload = Payload { data, metadata: invocation.metadata };
            link.user_event(&invocation.event, &payload).await
        };
        let respond = {
            let responder = responder.clone();
            move |outcome| responder.respond(&response(outcome))
        };
        let rejected = match self.invocations.start(&id, max, work, respond) {
            Ok(()) => return,
            Err(Rejected::InUse) => "The id belongs to an open invocation.",
            Err(Rejected::TooMany) => "The connection has too many open invocations.",
        };
        responder.respond(&Err(Failure::new("BadRequest", rejected)));
    }

    pub(super) fn start_stream(&self, start: &StreamStart) -> Result<(), Failure> {
        let (hub, connection) = (&self.membership.hub, &self.membership.connection);
        let outcome = self.membership.hubs().start_stream(hub, connection, start);
        let reply = match &outcome {
            Ok(()) => Reply::Ack(1),
            Err(failure) => Reply::Closed(Some(failure.clone())),
        };
        self.reply(&start.id, &reply);
        outcome
    }

    pub(super) fn stream_part(&self, id: &str, part: StreamPart) {
        let (hub, connection) = (&self.membership.hub, &self.membership.connection);
        let place = StreamPlace { hub, connection, id };
        let reply = self.membership.hubs().stream_part(place, part, || self.faults.stream_nack());
        self.reply(id, &reply);
    }

    fn reply(&self, stream: &str, reply: &Reply) {
        if matches!(reply, Reply::Ack(_)) && self.faults.loses_stream_ack() {
            return;
        }
        if let Some(frame) = reply.frame(stream) {
            self.send(&frame);
        }
    }

    pub(super) fn set_state(
        &self,
        group: &str,
        entries: Option<Entries>,
    ) -> Result<Result<(), Failure>, Invalid> {
        check_group(group)?;
        let (hub, connection) = (&self.membership.hub, &self.membership.connection);
        Ok(self.membership.hubs().set_state(hub, connection, group, entries))
    }

    /// The ack is not delayed, because a client takes a snapshot into account only after it.
    pub(super) fn subscribe_to_states(&self, ack_id: Option<u64>, group: &str) -> Result<(), Invalid> {
        check_group(group)?;
        let (hubs, hub) = (self.membership.hubs(), &self.membership.hub);
        let outcome = hubs.check_subscription(hub, &self.membership.connection, group);
        self.acknowledge_after(Duration::ZERO, ack_id, &outcome);
        if outcome.is_ok() {
            hubs.subscribe_to_states(hub, &self.membership.connection, group);
        }
        Ok(())
    }

    pub(super) fn unsubscribe_from_states(&self, group: &str) -> Result<Result<(), Failure>, Invalid> {
        check_group(group)?;
        let (hub, connection) = (&self.membership.hub, &self.membership.connection);
        self.membership.hubs().unsubscribe_from_states(hub, connection, group);
        Ok(Ok(()))
    }
}

fn check_group(group: &str) -> Result<(), Invalid> {
    if names::is_group(group) { Ok(()) } else { Err(Invalid(errors::GROUP_NAME)) }
}

/// Sends the response to an invocation on the socket from which the invocation came. If that is lost, so is the response.
#[derive(Clone)]
struct Responder {
    hubs: Arc<Hubs>,
    protocol: Protocol,
    outbox: Outbox,
    faults: SocketFaults,
    invocation: String,
}

impl Responder {
    fn respond(&self, outcome: &Result<HandlerResponse, Failure>) {
        let frame = ServerFrame::InvokeResponse { invocation: &self.invocation, outcome: outcome.as_ref() };
        let Some(message) = self.protocol.encode(&frame) else { return };
        match self.faults.invoke_response_delay() {
            Some(delay) => {
                let due = Due { at: self.hubs.clock.now() + delay, at_close: false };
                self.outbox.push_at(message, due);
            }
            None => self.outbox.push(message),
        }
    }
}

/// Says nothing of what the handler responded if it failed.
fn response(outcome: Outcome) -> Result<HandlerResponse, Failure> {
    match outcome {
        Outcome::Accepted(response) if response.bytes() > MAX_RESPONSE_BYTES => Err(Failure::internal()),
        Outcome::Accepted(response) => Ok(response),
        Outcome::Failed => Err(Failure::internal()),
        Outcome::TimedOut => Err(Failure::new("Timeout", "The event handler did not respond in time.")),
    }
}
