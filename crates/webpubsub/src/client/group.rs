//! The handle to one group, and the request that subscribes to its messages.

use std::future::IntoFuture;
use std::sync::Arc;
use std::time::Duration;

use service_core::{CallFuture, Error, Result};

use super::Client;
use super::data::Data;
use super::send::{self, JoinGroup, LeaveGroup, Options, SendToGroup};
use super::subscription::{Buffer, CAPACITY, Subscription};

/// A handle that represents one group, as seen by a [`Client`].
///
/// Created by [`Client::group`]. It is cheap to clone, and creating it sends nothing.
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
/// use webpubsub::client::GroupEvent;
///
/// let lobby = client.group("lobby");
/// let mut events = lobby.subscribe().await?;
/// lobby.send("hello").await?;
/// if let Some(GroupEvent::Message(message)) = events.next().await {
///     assert_eq!(message.data.as_text(), Some("hello"));
/// }
/// lobby.leave().await?;
/// # Ok(()) }
/// ```
#[derive(Debug, Clone)]
pub struct Group {
    client: Client,
    name: String,
}

impl Group {
    pub(super) fn new(client: Client, name: String) -> Self {
        Self { client, name }
    }

    #[cfg(feature = "preview")]
    pub(super) fn client(&self) -> &Client {
        &self.client
    }

    /// Returns the name of the group.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Joins the group, and returns a subscription that receives its messages.
    ///
    /// While a group has subscriptions, each of them receives all messages of the group, and
    /// [`Client::events`] receives none of them. After a reconnect, the client rejoins the group automatically unless
    /// [`rejoin_groups`](super::ClientBuilder::rejoin_groups) is off. Dropping the subscription does not leave the group: further
    /// messages then arrive through [`Client::events`] again.
    ///
    /// # Errors
    ///
    /// Returns an error if the capacity is zero, or under the same conditions as [`Client::join_group`]. If the client was in
    /// the group before, it stays there, and the messages since the call arrive through [`Client::events`].
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
    /// use std::time::Duration;
    ///
    /// let group = client.group("telemetry");
    /// let mut events = group.subscribe().capacity(5000).deadline(Duration::from_secs(5)).await?;
    /// # Ok(()) }
    /// ```
    pub fn subscribe(&self) -> Subscribe {
        Subscribe { group: self.clone(), capacity: CAPACITY, options: Options::default() }
    }

    /// Joins the group without a subscription. Its messages arrive through [`Client::events`].
    ///
    /// # Errors
    ///
    /// Returns an error under the same conditions as [`Client::join_group`].
    pub fn join(&self) -> JoinGroup {
        self.client.join_group(self.name.clone())
    }

    /// Leaves the group. Once the service has acknowledged this, the subscriptions of the group end.
    ///
    /// # Errors
    ///
    /// Returns an error under the same conditions as [`Client::leave_group`].
    pub fn leave(&self) -> LeaveGroup {
        self.client.leave_group(self.name.clone())
    }

    /// Sends a message to every connection in the group, as [`Client::send_to_group`] does.
    ///
    /// # Errors
    ///
    /// Returns an error under the same conditions as [`Client::send_to_group`].
    pub fn send(&self, data: impl Into<Data>) -> SendToGroup {
        self.client.send_to_group(self.name.clone(), data)
    }
}

/// A request that subscribes to a group when awaited.
///
/// Created by [`Group::subscribe`]. Dropping the future is the same as dropping the subscription: the client may join the group.
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
/// let events = client.group("lobby").subscribe().capacity(100).await?;
/// drop(events); // The client is still in the group.
/// # Ok(()) }
/// ```
#[must_use = "does nothing until awaited"]
#[derive(Debug)]
pub struct Subscribe {
    group: Group,
    capacity: usize,
    options: Options,
}

impl Subscribe {
    /// Sets how many events the subscription buffers, at least 1. Default: 1000.
    ///
    /// The messages in the buffer have at most 16 MB, plus one message. While the buffer is full, further messages are dropped
    /// and counted in [`GroupEvent::Dropped`](super::GroupEvent::Dropped).
    pub fn capacity(mut self, events: usize) -> Self {
        self.capacity = events;
        self
    }

    /// Sets the timeout of the join, which starts when the request is first polled. Default: the client's
    /// [`ack_timeout`](super::ClientBuilder::ack_timeout).
    pub fn deadline(mut self, limit: Duration) -> Self {
        self.options.deadline = Some(limit);
        self
    }
}

impl IntoFuture for Subscribe {
    type Output = Result<Subscription>;
    type IntoFuture = CallFuture<Subscription>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(async move {
            let Self { group: Group { client, name }, capacity, options } = self;
            if capacity == 0 {
                return Err(Error::invalid_input("capacity", "must be at least 1", Some("0")));
            }
            let buffer = Arc::new(Buffer::new(capacity));
            send::subscribe(&client, &name, options, &buffer)?.get(&client).await?;
            Ok(Subscription::new(buffer, client))
        })
    }
}
