//! The subprotocols `json.webpubsub.azure.v1` and `json.reliable.webpubsub.azure.v1`: their frames in both directions (client protocols, sections 3 to 6).

use std::time::Duration;

use serde::Deserialize;
use serde_json::json;
use serde_json::value::RawValue;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;

use super::connection::Identity;
use super::delivery::{self, Data, Delivery, From};
use super::hub::Joined;
use super::member::Member;
use super::membership::Membership;
use super::names;
use super::outbox::{Closing, Outbox};
use super::roles::Permission;

/// A client's frame. Flat, since a tagged enum cannot keep `data` as it was written.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Incoming {
    r#type: String,
    group: Option<String>,
    event: Option<String>,
    ack_id: Option<u64>,
    #[serde(default)]
    no_echo: bool,
    ttl_seconds: Option<u32>,
    data_type: Option<String>,
    data: Option<Box<RawValue>>,
    sequence_id: Option<u64>,
}

/// Why a frame was not carried out, as its ack tells.
struct Failure {
    name: &'static str,
    message: String,
}

/// Ends the connection: the frame is none that the protocol knows.
struct Invalid(&'static str);

/// The state of one connection's conversation.
pub(super) struct Conversation<'a> {
    pub(super) identity: &'a Identity,
    pub(super) membership: &'a Membership,
    pub(super) outbox: &'a Outbox,
}

/// The frame that says a client is connected, and on a reliable protocol, with what it comes back.
pub(super) fn connected(connection: &str, user: Option<&str>, reconnection: Option<&str>) -> Message {
    let mut frame = json!({ "type": "system", "event": "connected", "connectionId": connection });
    if let Some(user) = user {
        frame["userId"] = user.into();
    }
    if let Some(token) = reconnection {
        frame["reconnectionToken"] = token.into();
    }
    Message::text(frame.to_string())
}

/// The frame that says a client is about to be disconnected.
pub(super) fn disconnected(reason: Option<&str>) -> Message {
    let mut frame = json!({ "type": "system", "event": "disconnected" });
    if let Some(reason) = reason {
        frame["message"] = reason.into();
    }
    Message::text(frame.to_string())
}

/// The frame of a message.
pub(super) fn message(delivery: &Delivery, id: Option<u64>) -> String {
    let (data_type, data) = delivery.data.write();
    let quoted = |text: &str| serde_json::Value::from(text).to_string();
    let from = match &delivery.from {
        From::Server => r#""from":"server""#.to_owned(),
        From::Group { group, user: None } => format!(r#""from":"group","group":{}"#, quoted(group)),
        From::Group { group, user: Some(user) } => {
            format!(r#""from":"group","group":{},"fromUserId":{}"#, quoted(group), quoted(user))
        }
    };
    let id = id.map_or(String::new(), |id| format!(r#","sequenceId":{id}"#));
    format!(r#"{{"type":"message",{from}{id},"dataType":"{data_type}","data":{data}}}"#)
}

impl<'a> Conversation<'a> {
    pub(super) fn new(identity: &'a Identity, membership: &'a Membership, outbox: &'a Outbox) -> Self {
        Self { identity, membership, outbox }
    }

    /// Does what a frame asks for; an error is how the connection ends.
    pub(super) fn receive(&self, frame: &Message) -> Result<(), Closing> {
        let text = match frame {
            Message::Text(text) => text.as_str(),
            Message::Binary(_) => {
                return Err(Closing::for_fault(CloseCode::Unsupported, "the protocol has text frames only"));
            }
            _ => return Ok(()),
        };
        let invalid = |Invalid(why): Invalid| Closing::for_fault(CloseCode::Invalid, why);
        let frame: Incoming =
            serde_json::from_str(text).map_err(|_| invalid(Invalid("the frame is invalid")))?;
        self.carry_out(&frame).map_err(invalid)
    }

    fn carry_out(&self, frame: &Incoming) -> Result<(), Invalid> {
        let outcome = match frame.r#type.as_str() {
            "ping" => {
                self.outbox.push(Message::text(r#"{"type":"pong"}"#));
                return Ok(());
            }
            "sequenceAck" => {
                return self.sequence_ack(frame.sequence_id.ok_or(Invalid("sequenceId is missing"))?);
            }
            _ if self.is_duplicate(frame) => return Ok(()),
            "joinGroup" => self.join(frame.group()?),
            "leaveGroup" => self.leave(frame.group()?),
            "sendToGroup" => self.send_to_group(frame)?,
            "event" => frame.check_event().map(Ok)?,
            _ => return Err(Invalid("the frame's type is unknown or not supported by the emulator")),
        };
        self.acknowledge(frame.ack_id, outcome);
        Ok(())
    }

    /// Means nothing on a protocol that is not reliable.
    fn sequence_ack(&self, id: u64) -> Result<(), Invalid> {
        self.with_member(|member| {
            if let Some(kept) = &mut member.unacknowledged {
                kept.acknowledge(id);
            }
        });
        Ok(())
    }

    fn join(&self, group: &str) -> Result<(), Failure> {
        self.check(Permission::JoinLeaveGroup, group)?;
        let own = |id: &str, _: &Member| id == self.membership.connection;
        match self.membership.hubs().join(&self.membership.hub, &[group], own) {
            Joined::TooMany => Err(Failure { name: "BadRequest", message: "in too many groups".to_owned() }),
            Joined::Yes | Joined::Nobody => Ok(()),
        }
    }

    fn leave(&self, group: &str) -> Result<(), Failure> {
        self.check(Permission::JoinLeaveGroup, group)?;
        self.with_member(|member| member.groups.remove(group));
        Ok(())
    }

    fn send_to_group(&self, frame: &Incoming) -> Result<Result<(), Failure>, Invalid> {
        let (group, data, time_to_live) = (frame.group()?, frame.data()?, frame.time_to_live()?);
        if let Err(failure) = self.check(Permission::SendToGroup, group) {
            return Ok(Err(failure));
        }
        let from = From::Group { group: group.to_owned(), user: self.identity.user.clone() };
        let own = self.membership.connection.as_str();
        let delivery = Delivery { from, data, time_to_live };
        self.membership.hubs().deliver(&self.membership.hub, &delivery, |id, member| {
            member.is_in(group) && !(frame.no_echo && id == own)
        });
        Ok(Ok(()))
    }

    fn check(&self, permission: Permission, group: &str) -> Result<(), Failure> {
        if !names::is_group(group) {
            return Err(Failure { name: "BadRequest", message: super::errors::GROUP_NAME.to_owned() });
        }
        if !self.membership.allows(permission, group) {
            let message = format!("The client has no permission for this in group '{group}'.");
            return Err(Failure { name: "Forbidden", message });
        }
        Ok(())
    }

    fn is_duplicate(&self, frame: &Incoming) -> bool {
        let known = |id: &u64| self.with_member(|member| member.acknowledged.contains(*id)) == Some(true);
        let Some(id) = frame.ack_id.filter(known) else { return false };
        let message = format!("Message with ack-id: {id} has been processed");
        self.acknowledge_failure(id, &Failure { name: "Duplicate", message });
        true
    }

    fn acknowledge(&self, ack_id: Option<u64>, outcome: Result<(), Failure>) {
        let Some(id) = ack_id else { return };
        match outcome {
            Ok(()) => {
                self.with_member(|member| member.acknowledged.remember(id));
                self.outbox
                    .push(Message::text(json!({ "type": "ack", "ackId": id, "success": true }).to_string()));
            }
            Err(failure) => self.acknowledge_failure(id, &failure),
        }
    }

    fn with_member<T>(&self, work: impl FnOnce(&mut Member) -> T) -> Option<T> {
        self.membership.hubs().with(&self.membership.hub, &self.membership.connection, work)
    }

    fn acknowledge_failure(&self, id: u64, failure: &Failure) {
        let error = json!({ "name": failure.name, "message": failure.message });
        let frame = json!({ "type": "ack", "ackId": id, "success": false, "error": error });
        self.outbox.push(Message::text(frame.to_string()));
    }
}

impl Incoming {
    fn group(&self) -> Result<&str, Invalid> {
        self.group.as_deref().ok_or(Invalid("group is missing"))
    }

    fn data(&self) -> Result<Data, Invalid> {
        let data = self.data.as_ref().ok_or(Invalid("data is missing"))?;
        Data::read(self.data_type.as_deref(), data).ok_or(Invalid("data does not fit dataType"))
    }

    fn time_to_live(&self) -> Result<Option<Duration>, Invalid> {
        delivery::time_to_live(self.ttl_seconds.unwrap_or(0))
            .ok_or(Invalid("ttlSeconds is not within 0 to 300"))
    }

    fn check_event(&self) -> Result<(), Invalid> {
        let event = self.event.as_deref().ok_or(Invalid("event is missing"))?;
        self.data()?;
        if names::is_event(event) { Ok(()) } else { Err(Invalid("the event's name is invalid")) }
    }
}
