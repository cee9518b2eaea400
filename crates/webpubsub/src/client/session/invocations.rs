//! Invocations, which are requests whose response replaces the acknowledgment (previews, section 2). They end with the socket
//! on which they were written: a response is never replayed.

use service_core::{Delivery, Error, ErrorKind};

use super::op::{Done, Op};
use super::{Session, Upstream};
use crate::client::data::Data;
use crate::client::entries::Entries;
use crate::client::frame::preview::{self, InvokeFailure};
use crate::client::invoke::{INVOKE, InvokeResponse};

impl Session {
    /// Handles a response. One without a pending invocation is ignored.
    pub(super) fn invoke_response(
        &mut self,
        id: &str,
        outcome: Result<Option<Data>, InvokeFailure>,
        metadata: Option<Box<Entries>>,
    ) {
        let number = id.parse().ok().filter(|number: &u64| number.to_string() == id);
        let Some((number, op)) = number.and_then(|number| Some((number, self.outbox.responded(number)?)))
        else {
            tracing::debug!(id, "ignored a response without a pending invocation");
            return;
        };
        self.progressed();
        let outcome = match outcome {
            Ok(data) => Ok(InvokeResponse { data, metadata }),
            Err(InvokeFailure::Rejected(rejection)) => Err(op.rejected(rejection)),
            Err(InvokeFailure::Unreadable(why)) => {
                self.cancel_at_service(number);
                let text = format!("could not read the response: {why}");
                let error = Error::new(ErrorKind::Decode, text);
                Err(error.with_operation(INVOKE).with_delivery(Delivery::Responded))
            }
        };
        if let Done::Invocation(sender) = op.done {
            // The caller may have stopped waiting.
            let _ = sender.send(outcome);
        }
    }

    /// Cancels an invocation whose caller has stopped waiting. One that was not written is never sent.
    pub(in crate::client) fn cancel_invocation(&mut self, id: u64) {
        if self.outbox.responded(id).is_some() {
            self.cancel_at_service(id);
        }
    }

    /// Cancels an invocation at the service after its timeout.
    pub(super) fn invocation_expired(&mut self, op: &Op) {
        if let Some(id) = op.ack_id.filter(|_| op.is_invocation() && op.written) {
            self.cancel_at_service(id);
        }
    }

    fn cancel_at_service(&mut self, id: u64) {
        if self.is_connected() {
            let frame = preview::Upstream::CancelInvocation { id: &id.to_string() };
            self.control.push_back(self.settings.protocol.encode(&Upstream::Preview(frame)));
        }
    }

    /// Ends the invocations that were written on a socket that has ended. The service may have processed them.
    pub(super) fn end_invocations(&mut self) {
        for op in self.outbox.take_invocations() {
            let error = op.lost(self.inbox.is_behind());
            self.settle(op, Err(error));
        }
    }
}
