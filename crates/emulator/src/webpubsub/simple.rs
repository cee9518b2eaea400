//! Clients without a pub/sub protocol: every frame is a payload (client protocols, section 2).

use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;

use super::connection::{Identity, SimpleMode};
use super::delivery::{Data, Delivery, From};
use super::membership::Membership;
use super::outbox::Closing;
use super::roles::Permission;
use super::upstream::Outcome;

/// Handles a frame. An error closes the connection.
pub(super) async fn receive(
    mode: &SimpleMode,
    identity: &Identity,
    membership: &Membership,
    frame: Message,
) -> Result<(), Closing> {
    let data = match frame {
        Message::Text(text) => Data::Text(text.as_str().to_owned()),
        Message::Binary(bytes) => Data::Binary(bytes),
        _ => return Ok(()),
    };
    let SimpleMode::SendToGroup { group, no_echo } = mode else {
        // Boxed, so that idle connections have no room for the call.
        return match Box::pin(membership.link.user_event("message", &data.into())).await {
            Outcome::Accepted(response) => {
                response.into_message().into_iter().for_each(|payload| membership.deliver(payload));
                Ok(())
            }
            Outcome::Failed | Outcome::TimedOut => Err(Closing::event_failed()),
        };
    };
    if !membership.allows(Permission::SendToGroup, group) {
        return Err(Closing::for_fault(
            CloseCode::Policy,
            "the client has no permission to send to the group",
        ));
    }
    let from = From::Group { group: group.clone(), user: identity.user.clone() };
    let delivery = Delivery::new(from, data);
    membership.hubs().deliver(&membership.hub, &delivery, |id, member| {
        member.is_in(group) && !(*no_echo && id == membership.connection)
    });
    Ok(())
}
