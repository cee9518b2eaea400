//! The states of a group, a preview feature of the service: who is in the group, and what each connection says about itself.

mod buffer;
mod request;
mod view;

use std::collections::BTreeMap;
use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::{Duration, SystemTime};

use futures_core::Stream;
use service_core::Error;

pub(super) use buffer::Buffer;
pub use request::{FollowStates, SetState};

use super::Client;
use super::event::Disconnected;
use super::frame::preview::GroupStateItem;

/// Represents something that happened to the states of a group.
///
/// The events arrive through [`GroupStates`].
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum GroupStateEvent {
    /// The states of the group at this time. This is the first event of each connection.
    Snapshot(Snapshot),
    /// A connection set its state. If it did so several times, only the last state is received.
    Set(MemberState),
    /// The state of a connection was cleared: by the connection itself, since it left the group, or since it ended.
    Cleared(Cleared),
    /// The connection of this client ended and could not be recovered. All states are forgotten. [`Snapshot`](Self::Snapshot)
    /// follows on a new connection.
    Disconnected(Disconnected),
    /// The states could not be followed on a new connection. This is the last event.
    NotRestored(NotRestored),
}

/// Contains the states of a group at one time; see [`GroupStateEvent::Snapshot`].
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Snapshot {
    /// Contains a state for each connection that has set one, ordered by connection id.
    pub members: Vec<MemberState>,
    /// Whether the service sent the states of all connections. It sends at most 200 of them, so with 200 states or more, some
    /// may be missing until they change.
    pub is_complete: bool,
}

/// Represents the state of one connection in a group.
///
/// `Debug` shows the keys of the state, but not its values.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct MemberState {
    /// Contains the id of the connection.
    pub connection_id: String,
    /// Contains the user id of the connection. It is `None` if the connection is anonymous.
    pub user_id: Option<String>,
    /// Contains the state that the connection set. It can be empty.
    pub state: BTreeMap<String, String>,
    /// The time of the service at which the state was set.
    pub updated_at: SystemTime,
}

/// Describes a state that was cleared; see [`GroupStateEvent::Cleared`].
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Cleared {
    /// Contains the id of the connection.
    pub connection_id: String,
    /// Contains the user id of the connection. It is `None` if the connection is anonymous.
    pub user_id: Option<String>,
    /// The time of the service at which the state was cleared, if the service sent it.
    pub cleared_at: Option<SystemTime>,
}

/// Describes why the states of a group are no longer followed; see [`GroupStateEvent::NotRestored`].
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct NotRestored {
    /// Describes the error that the service returned, or that ended the attempt. For logs only; the text may change.
    pub reason: String,
}

/// Describes a state of this client that could not be restored; see
/// [`Event::StateNotRestored`](super::Event::StateNotRestored).
#[derive(Debug)]
#[non_exhaustive]
pub struct StateNotRestored {
    /// Contains the name of the group.
    pub group: String,
    /// The error that the service returned, or that ended the attempt.
    pub error: Error,
}

impl MemberState {
    /// Returns `None` if the state was cleared.
    fn read(item: &GroupStateItem) -> Option<Self> {
        let state = item.state.as_ref()?.0.clone();
        let GroupStateItem { connection_id, user_id, updated_at, .. } = item;
        Some(Self {
            connection_id: connection_id.clone(),
            user_id: user_id.clone(),
            state,
            updated_at: time(*updated_at),
        })
    }
}

impl fmt::Debug for MemberState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemberState")
            .field("connection_id", &self.connection_id)
            .field("user_id", &self.user_id)
            .field("keys", &self.state.keys())
            .field("updated_at", &self.updated_at)
            .finish()
    }
}

/// Converts a time in milliseconds. One that cannot be represented becomes the Unix epoch.
fn time(milliseconds: i64) -> SystemTime {
    let distance = Duration::from_millis(milliseconds.unsigned_abs());
    let time = match milliseconds < 0 {
        true => SystemTime::UNIX_EPOCH.checked_sub(distance),
        false => SystemTime::UNIX_EPOCH.checked_add(distance),
    };
    time.unwrap_or(SystemTime::UNIX_EPOCH)
}

/// A live view of the states of one group.
///
/// Created by [`Group::states`](super::Group::states). It also implements [`Stream`], which ends when the client leaves the
/// group, cannot follow its states on a new connection, or stops.
///
/// A view never overflows: if a state changes several times before the program receives the change, only the last one is
/// received. Dropping the view ends it. It keeps the client open, as a clone of the client does.
///
/// # Examples
///
/// ```no_run
/// use webpubsub::client::GroupStateEvent;
///
/// # async fn run(client: webpubsub::Client) -> webpubsub::Result<()> {
/// let lobby = client.group("lobby");
/// lobby.join().await?;
/// lobby.set_state([("status", "typing")]).await?;
/// let mut states = lobby.states().await?;
/// while let Some(event) = states.next().await {
///     match event {
///         GroupStateEvent::Set(member) => println!("{:?}: {:?}", member.user_id, member.state.get("status")),
///         GroupStateEvent::Cleared(gone) => println!("{:?} is gone", gone.user_id),
///         _ => println!("{} connections have a state", states.current().len()),
///     }
/// }
/// # Ok(()) }
/// ```
#[must_use = "the view ends when it is dropped"]
pub struct GroupStates {
    buffer: Arc<Buffer>,
    _client: Client,
}

impl GroupStates {
    fn new(buffer: Arc<Buffer>, client: Client) -> Self {
        Self { buffer, _client: client }
    }

    /// Receives the next event, or returns `None` once the view has ended.
    ///
    /// # Cancel safety
    ///
    /// This method is cancel safe: no event is lost if the future is dropped.
    pub async fn next(&mut self) -> Option<GroupStateEvent> {
        let waiting = Waiting(&self.buffer);
        std::future::poll_fn(|context| waiting.0.poll_recv(context)).await
    }

    /// Returns the current states, ordered by connection id.
    ///
    /// They are at least as recent as the last received event. There are none before the first
    /// [`Snapshot`](GroupStateEvent::Snapshot), and none while the client has no connection.
    #[must_use]
    pub fn current(&self) -> Vec<MemberState> {
        self.buffer.members()
    }

    /// Returns whether [`current`](Self::current) contains the states of all connections.
    ///
    /// It is `false` before the first [`Snapshot`](GroupStateEvent::Snapshot), and if the snapshot contained 200 states, the
    /// maximum that the service sends.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        self.buffer.is_complete()
    }
}

impl Stream for GroupStates {
    type Item = GroupStateEvent;

    fn poll_next(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<GroupStateEvent>> {
        self.buffer.poll_recv(context)
    }
}

impl fmt::Debug for GroupStates {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("GroupStates(..)")
    }
}

/// A call of [`GroupStates::next`], which can be dropped while it waits.
struct Waiting<'a>(&'a Buffer);

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.forget_receiver();
    }
}

#[cfg(test)]
mod tests;
