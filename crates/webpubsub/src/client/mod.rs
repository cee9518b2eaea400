#![doc = include_str!("../../docs/client.md")]

mod access;
mod builder;
mod codec;
mod connector;
mod data;
mod event;
mod frame;
mod queue;
mod send;
mod session;
mod socket;
mod task;

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};

pub use access::Access;
pub use builder::ClientBuilder;
pub use codec::Protocol;
pub use data::{Data, Json};
pub use event::{Connected, Disconnected, Event, GroupMessage, RejoinFailed, ServerMessage, Stopped};
pub use queue::Events;
pub use send::{JoinGroup, LeaveGroup, SendEvent, SendToGroup};
pub use session::Reconnect;

use queue::Queue;
use task::Command;

/// A handle onto one WebSocket connection of a hub, which it keeps up: see [the module](self).
///
/// Cheap to clone. The connection ends in order when the last clone and the last [`Events`] are gone, or by
/// [`close`](Self::close).
#[derive(Clone)]
pub struct Client {
    shared: Arc<Shared>,
}

struct Shared {
    protocol: Protocol,
    commands: mpsc::UnboundedSender<Command>,
    /// Bounds what `commands` holds.
    places: Arc<Semaphore>,
    next_id: Arc<AtomicU64>,
    queue: Arc<Queue>,
}

impl Client {
    /// Starts a client: `access` is the client access URL, or [`Access::from_fn`], which asks for one before each new connection.
    pub fn builder(access: impl Into<Access>) -> ClientBuilder {
        ClientBuilder::new(access.into())
    }

    /// Joins a group: 1 to 1024 characters. Its messages arrive as [`Event::GroupMessage`], and a new connection joins it
    /// again.
    ///
    /// # Errors
    ///
    /// A name that breaks the rules; [`ErrorKind::Service`](crate::ErrorKind::Service) with the code `Forbidden` where the
    /// token gives no right to it, or another code of the service; an unknown outcome where the connection was lost for good;
    /// a time-out; a closed client.
    pub fn join_group(&self, group: impl Into<String>) -> JoinGroup {
        JoinGroup::new(self.clone(), group.into())
    }

    /// Leaves a group.
    ///
    /// # Errors
    ///
    /// As [`join_group`](Self::join_group).
    pub fn leave_group(&self, group: impl Into<String>) -> LeaveGroup {
        LeaveGroup::new(self.clone(), group.into())
    }

    /// Sends a message, at most 1 MB as a frame, to all connections in a group. Success means that the service has taken it.
    ///
    /// # Errors
    ///
    /// As [`join_group`](Self::join_group), and data that is too long.
    pub fn send_to_group(&self, group: impl Into<String>, data: impl Into<Data>) -> SendToGroup {
        SendToGroup::new(self.clone(), group.into(), data.into())
    }

    /// Sends an event, at most 1 MB as a frame, to the application's server, which gets it as `azure.webpubsub.user.<name>`.
    /// Names are a letter followed by up to 127 letters, digits, `_`, `.` or `-`.
    ///
    /// # Errors
    ///
    /// As [`send_to_group`](Self::send_to_group).
    pub fn send_event(&self, name: impl Into<String>, data: impl Into<Data>) -> SendEvent {
        SendEvent::new(self.clone(), name.into(), data.into())
    }

    /// The events. They wait in their queue from the first connection on, whether or not anybody asks for them.
    pub fn events(&self) -> Events {
        Events { queue: Arc::clone(&self.shared.queue), _client: self.clone() }
    }

    /// Closes the connection, and returns when nothing of the client is left but the events that were not taken. Sends that
    /// are under way have 5 s to be acknowledged and fail then; later ones fail at once.
    pub async fn close(&self) {
        self.hand_over(Command::Close);
        self.shared.commands.closed().await;
    }

    /// Whether the client has ended.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        self.shared.commands.is_closed()
    }

    fn protocol(&self) -> Protocol {
        self.shared.protocol
    }

    fn next_id(&self) -> u64 {
        self.shared.next_id.fetch_add(1, Ordering::Relaxed)
    }

    /// A place among the sends under way. The semaphore is never closed, so that there always comes one.
    async fn place(&self) -> Option<OwnedSemaphorePermit> {
        Arc::clone(&self.shared.places).acquire_owned().await.ok()
    }

    fn hand_over(&self, command: Command) -> bool {
        self.shared.commands.send(command).is_ok()
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client").field("protocol", &self.shared.protocol).finish_non_exhaustive()
    }
}
