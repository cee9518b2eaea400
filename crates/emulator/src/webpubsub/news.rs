//! What the members of a group are sent because of another member, not as the direct effect of a request. A type of its
//! own, because a member cannot reach the others.

use super::delivery::Delivery;
use super::group_state::StateItem;

/// Something to send to the members of a group.
#[derive(Debug)]
pub(super) enum News {
    /// The state of a connection has changed. For members that have subscribed to the states of the group.
    State { group: String, item: StateItem },
    /// A message for all members except this connection.
    Message { group: String, delivery: Delivery, except: Option<String> },
}
