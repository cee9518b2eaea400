#![doc = include_str!("../../docs/client.md")]

mod access;
mod builder;
mod codec;
mod connector;
mod data;
mod entries;
mod event;
mod frame;
mod group;
#[cfg(feature = "preview")]
mod invoke;
mod queue;
mod read_ahead;
mod receipt;
mod send;
mod session;
mod socket;
mod state;
#[cfg(feature = "preview")]
mod streams;
mod subscription;
mod task;

use std::fmt;
use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use service_core::Clock;
use tokio::runtime;
use tokio::sync::mpsc;

pub use access::Access;
pub use builder::ClientBuilder;
pub use codec::Protocol;
pub use data::{Data, Json};
pub use event::{
    Connected, Disconnected, Dropped, Event, GroupEvent, GroupMessage, NotRejoined, Recovered, Recovering,
    RejoinFailed, Rejoined, ServerMessage, Stopped, StreamError, StreamPart,
};
pub use group::{Group, Subscribe};
#[cfg(feature = "preview")]
#[cfg_attr(docsrs, doc(cfg(feature = "preview")))]
pub use invoke::{Invoke, InvokeResponse};
pub use queue::Events;
pub use receipt::{OWN_ACK_IDS, Receipt, WithReceipt};
pub use send::{JoinGroup, LeaveGroup, SendEvent, SendToGroup};
pub use session::Reconnect;
pub use state::State;
#[cfg(feature = "preview")]
#[cfg_attr(docsrs, doc(cfg(feature = "preview")))]
pub use streams::{OpenStream, ReadError, StreamReader, StreamWriter, Streams, SubscribeStreams, UserError};
pub use subscription::Subscription;

use queue::Queue;
use session::DRAIN;
use state::StateCell;
use task::Command;

/// The time that a task on another runtime has to report what it decides at a deadline.
const GRACE: Duration = Duration::from_millis(100);

/// A client that keeps one WebSocket connection to a hub open and reconnects it when it drops.
///
/// A `Client` is a handle to a background task. Clones are cheap and share the connection. The client closes gracefully on
/// [`close`](Self::close), or when the last clone and the last [`Events`] are dropped. See [the module](self) for delivery
/// guarantees, event backpressure, reconnection and runtimes.
///
/// # Examples
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), webpubsub::BoxError> {
/// # let emulator = service_emulator::Emulator::start().await?;
/// # let token = service_emulator::webpubsub::ClientToken::new().user("ann");
/// # let token = token.role("webpubsub.joinLeaveGroup").role("webpubsub.sendToGroup");
/// # let url = emulator.webpubsub().client_access_url("chat", &token);
/// use webpubsub::Client;
///
/// let client = Client::builder(url).connect().await?;
/// client.join_group("lobby").await?;
/// client.send_to_group("lobby", "hello").await?;
/// client.close().await;
/// # Ok(()) }
/// ```
#[derive(Clone)]
pub struct Client {
    shared: Arc<Shared>,
}

struct Shared {
    protocol: Protocol,
    commands: mpsc::UnboundedSender<Command>,
    clock: Arc<dyn Clock>,
    ack_timeout: Duration,
    /// Where the task runs.
    runtime: runtime::Id,
    next_id: Arc<AtomicU64>,
    /// The random start of the ids of this client's streams.
    #[cfg(feature = "preview")]
    stream_prefix: String,
    queue: Arc<Queue>,
    state: Arc<StateCell>,
}

impl Client {
    /// Creates a builder for a client that connects with `access`.
    ///
    /// Pass the client access URL, or [`Access::from_fn`] to fetch a fresh URL before each new connection.
    ///
    /// # Examples
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), webpubsub::BoxError> {
    /// # let emulator = service_emulator::Emulator::start().await?;
    /// # let token = service_emulator::webpubsub::ClientToken::new().user("ann");
    /// # let token = token.role("webpubsub.joinLeaveGroup").role("webpubsub.sendToGroup");
    /// # let url = emulator.webpubsub().client_access_url("chat", &token);
    /// use webpubsub::Client;
    /// use webpubsub::client::Protocol;
    ///
    /// let client = Client::builder(url).protocol(Protocol::Json).connect().await?;
    /// assert!(!client.is_closed());
    /// # Ok(()) }
    /// ```
    pub fn builder(access: impl Into<Access>) -> ClientBuilder {
        ClientBuilder::new(access.into())
    }

    /// Returns a handle to a group, which subscribes to its messages and sends to it.
    ///
    /// The name is validated by the requests of the handle. It has 1 to 1024 characters.
    ///
    /// # Examples
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), webpubsub::BoxError> {
    /// # let emulator = service_emulator::Emulator::start().await?;
    /// # let token = service_emulator::webpubsub::ClientToken::new().user("ann");
    /// # let token = token.role("webpubsub.joinLeaveGroup").role("webpubsub.sendToGroup");
    /// # let url = emulator.webpubsub().client_access_url("chat", &token);
    /// # let client = webpubsub::Client::builder(url).connect().await?;
    /// let (lobby, kitchen) = (client.group("lobby"), client.group("kitchen"));
    /// let (mut in_lobby, mut in_kitchen) = (lobby.subscribe().await?, kitchen.subscribe().await?);
    /// lobby.send("two coffees, please").await?;
    /// kitchen.send("coming up").await?;
    /// println!("{:?} {:?}", in_lobby.next().await, in_kitchen.next().await);
    /// # Ok(()) }
    /// ```
    pub fn group(&self, name: impl Into<String>) -> Group {
        Group::new(self.clone(), name.into())
    }

    /// Joins a group, whose name has 1 to 1024 characters.
    ///
    /// The group's messages arrive as [`Event::GroupMessage`]. To receive them separately from those of other groups, use
    /// [`group`](Self::group) and [`Group::subscribe`]. After a reconnect, the client rejoins the group automatically
    /// unless [`rejoin_groups`](ClientBuilder::rejoin_groups) is off.
    ///
    /// # Errors
    ///
    /// Returns an error if:
    ///
    /// * the name is invalid,
    /// * the service rejects the request: [`ErrorKind::Service`](crate::ErrorKind::Service), with the code `Forbidden` if the
    ///   access token does not grant the permission,
    /// * the connection is lost and cannot be recovered: [`outcome_unknown`](crate::Error::outcome_unknown) then returns `true`,
    /// * the service does not acknowledge the request within [`ack_timeout`](ClientBuilder::ack_timeout), or
    /// * the client is closed.
    ///
    /// # Examples
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), webpubsub::BoxError> {
    /// # let emulator = service_emulator::Emulator::start().await?;
    /// # let token = service_emulator::webpubsub::ClientToken::new().user("ann");
    /// # let token = token.role("webpubsub.joinLeaveGroup").role("webpubsub.sendToGroup");
    /// # let url = emulator.webpubsub().client_access_url("chat", &token);
    /// # let client = webpubsub::Client::builder(url).connect().await?;
    /// use webpubsub::client::Event;
    ///
    /// let mut events = client.events();
    /// client.join_group("lobby").await?;
    /// client.send_to_group("lobby", "hello").await?;
    /// while let Some(event) = events.next().await {
    ///     if let Event::GroupMessage(message) = event {
    ///         assert_eq!(message.group, "lobby");
    ///         break;
    ///     }
    /// }
    /// # Ok(()) }
    /// ```
    pub fn join_group(&self, group: impl Into<String>) -> JoinGroup {
        JoinGroup::new(self.clone(), group.into())
    }

    /// Leaves a group. Its messages no longer arrive, and a reconnect does not rejoin it.
    ///
    /// # Errors
    ///
    /// Returns an error under the same conditions as [`join_group`](Self::join_group).
    pub fn leave_group(&self, group: impl Into<String>) -> LeaveGroup {
        LeaveGroup::new(self.clone(), group.into())
    }

    /// Sends a message to every connection in a group.
    ///
    /// The encoded frame can be at most 1 MB. Success means that the service accepted the message.
    ///
    /// # Errors
    ///
    /// Returns an error if the encoded frame is too long, or under the same conditions as [`join_group`](Self::join_group).
    ///
    /// # Examples
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), webpubsub::BoxError> {
    /// # let emulator = service_emulator::Emulator::start().await?;
    /// # let token = service_emulator::webpubsub::ClientToken::new().user("ann");
    /// # let token = token.role("webpubsub.joinLeaveGroup").role("webpubsub.sendToGroup");
    /// # let url = emulator.webpubsub().client_access_url("chat", &token);
    /// # let client = webpubsub::Client::builder(url).connect().await?;
    /// use webpubsub::client::Data;
    ///
    /// client.send_to_group("lobby", "hello").await?;
    /// client.send_to_group("lobby", Data::json(&["a", "b"])?).no_echo().await?;
    ///
    /// let error = client.send_to_group("", "hello").await.unwrap_err();
    /// assert!(error.is_invalid_input());
    /// # Ok(()) }
    /// ```
    pub fn send_to_group(&self, group: impl Into<String>, data: impl Into<Data>) -> SendToGroup {
        SendToGroup::new(self.clone(), group.into(), data.into())
    }

    /// Sends an event to the application's server, which receives it as `azure.webpubsub.user.<name>`.
    ///
    /// A name is a letter followed by up to 127 letters, digits, `_`, `.` or `-`. The encoded frame can be at most 1 MB.
    ///
    /// # Errors
    ///
    /// Returns an error if the name is invalid, or under the same conditions as [`send_to_group`](Self::send_to_group).
    pub fn send_event(&self, name: impl Into<String>, data: impl Into<Data>) -> SendEvent {
        SendEvent::new(self.clone(), name.into(), data.into())
    }

    /// Returns a handle that receives this client's events.
    ///
    /// Events are queued from the first connection on, so a handle created later misses none. If the program never receives
    /// events, use [`without_events`](ClientBuilder::without_events).
    ///
    /// # Examples
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), webpubsub::BoxError> {
    /// # let emulator = service_emulator::Emulator::start().await?;
    /// # let token = service_emulator::webpubsub::ClientToken::new().user("ann");
    /// # let token = token.role("webpubsub.joinLeaveGroup").role("webpubsub.sendToGroup");
    /// # let url = emulator.webpubsub().client_access_url("chat", &token);
    /// # let client = webpubsub::Client::builder(url).connect().await?;
    /// use webpubsub::client::Event;
    ///
    /// let mut events = client.events();
    /// assert!(matches!(events.next().await, Some(Event::Connected(_))));
    /// # Ok(()) }
    /// ```
    pub fn events(&self) -> Events {
        Events::new(Arc::clone(&self.shared.queue), self.clone())
    }

    /// Closes the client and waits until its background task has ended.
    ///
    /// Sends in flight have 5 s to be acknowledged before they fail. Sends started after `close` fail immediately. Queued
    /// events can still be received; the last one is [`Event::Stopped`]. Closing a closed client does nothing.
    ///
    /// Once polled, dropping the future does not cancel the close.
    ///
    /// # Examples
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), webpubsub::BoxError> {
    /// # let emulator = service_emulator::Emulator::start().await?;
    /// # let token = service_emulator::webpubsub::ClientToken::new().user("ann");
    /// # let token = token.role("webpubsub.joinLeaveGroup").role("webpubsub.sendToGroup");
    /// # let url = emulator.webpubsub().client_access_url("chat", &token);
    /// # let client = webpubsub::Client::builder(url).connect().await?;
    /// client.close().await;
    /// assert!(client.is_closed());
    /// let error = client.join_group("lobby").await.unwrap_err();
    /// assert_eq!(error.to_string(), "joinGroup: the client is closed");
    /// # Ok(()) }
    /// ```
    pub async fn close(&self) {
        self.send_command(Command::Close);
        // The task needs at most this long, if its runtime runs.
        let _ = self.while_runtime_runs(2 * DRAIN, self.shared.commands.closed()).await;
    }

    /// Returns whether the client has stopped for good: it was closed, or gave up reconnecting.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        self.shared.commands.is_closed()
    }

    /// Returns the state of the connection.
    ///
    /// It is at least as recent as the last received event, and can be newer.
    ///
    /// # Examples
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), webpubsub::BoxError> {
    /// # let emulator = service_emulator::Emulator::start().await?;
    /// # let url = emulator.webpubsub().client_access_url("chat", &service_emulator::webpubsub::ClientToken::new());
    /// # let client = webpubsub::Client::builder(url).connect().await?;
    /// use webpubsub::client::State;
    ///
    /// assert_eq!(client.state(), State::Connected);
    /// client.close().await;
    /// assert_eq!(client.state(), State::Stopped);
    /// # Ok(()) }
    /// ```
    #[must_use]
    pub fn state(&self) -> State {
        self.shared.state.get()
    }

    fn protocol(&self) -> Protocol {
        self.shared.protocol
    }

    fn next_id(&self) -> u64 {
        self.shared.next_id.fetch_add(1, Ordering::Relaxed)
    }

    /// Waits for something that the task does, for at most `limit` if it runs on another runtime than the caller, which may not
    /// be running. Returns `None` after the limit.
    async fn while_runtime_runs<T>(&self, limit: Duration, done: impl Future<Output = T>) -> Option<T> {
        if runtime::Handle::try_current().is_ok_and(|current| current.id() != self.shared.runtime) {
            let limit = limit.saturating_add(GRACE);
            service_core::timeout(&*self.shared.clock, limit, done).await
        } else {
            Some(done.await)
        }
    }

    fn send_command(&self, command: Command) -> bool {
        self.shared.commands.send(command).is_ok()
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client").field("protocol", &self.shared.protocol).finish_non_exhaustive()
    }
}
