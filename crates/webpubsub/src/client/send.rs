//! The requests that a client can send to the service, as builders that are awaited.

use std::future::IntoFuture;
use std::time::Duration;

use service_core::{CallFuture, Error, Result};
use tokio::sync::oneshot;

use super::data::Data;
use super::frame::Upstream;
use super::session::{Done, Effect, Op};
use super::{Client, task};
use crate::names;

/// The service accepts WebSocket messages of up to 1 MB (client protocols, section 1).
const MAX_BYTES: usize = 1024 * 1024;
/// The maximum time in seconds for which the service keeps a message to a group.
const MAX_TTL: u32 = 300;

/// Implements `fire_and_forget` and `.await` for a builder.
macro_rules! send_setters {
    ($builder:ident) => {
        impl $builder {
            /// Requests no acknowledgment.
            ///
            /// The future then completes once the frame has been written to the socket, or with an error if it could not be
            /// written. Whether the service received and processed it stays unknown.
            pub fn fire_and_forget(mut self) -> Self {
                self.acknowledged = false;
                self
            }
        }

        impl IntoFuture for $builder {
            type Output = Result<()>;
            type IntoFuture = CallFuture<()>;

            fn into_future(self) -> Self::IntoFuture {
                Box::pin(self.send())
            }
        }
    };
}

send_setters!(JoinGroup);
send_setters!(LeaveGroup);
send_setters!(SendToGroup);
send_setters!(SendEvent);

/// A request that joins a group when awaited.
///
/// Created by [`Client::join_group`]. Dropping the future before the frame is written cancels the request.
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
/// let request = client.join_group("lobby");
/// request.await?;
/// client.join_group("quiet").fire_and_forget().await?;
/// # Ok(()) }
/// ```
#[must_use = "does nothing until awaited"]
#[derive(Debug)]
pub struct JoinGroup {
    client: Client,
    group: String,
    acknowledged: bool,
}

impl JoinGroup {
    pub(super) fn new(client: Client, group: String) -> Self {
        Self { client, group, acknowledged: true }
    }

    async fn send(self) -> Result<()> {
        names::group(&self.group)?;
        let effect = Effect::Join(self.group.clone());
        let frame = |ack_id| Upstream::JoinGroup { group: &self.group, ack_id };
        send(&self.client, "joinGroup", self.acknowledged, effect, frame).await
    }
}

/// A request that leaves a group when awaited.
///
/// Created by [`Client::leave_group`]. Dropping the future before the frame is written cancels the request.
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
/// client.join_group("lobby").await?;
/// client.leave_group("lobby").await?;
/// # Ok(()) }
/// ```
#[must_use = "does nothing until awaited"]
#[derive(Debug)]
pub struct LeaveGroup {
    client: Client,
    group: String,
    acknowledged: bool,
}

impl LeaveGroup {
    pub(super) fn new(client: Client, group: String) -> Self {
        Self { client, group, acknowledged: true }
    }

    async fn send(self) -> Result<()> {
        names::group(&self.group)?;
        let effect = Effect::Leave(self.group.clone());
        let frame = |ack_id| Upstream::LeaveGroup { group: &self.group, ack_id };
        send(&self.client, "leaveGroup", self.acknowledged, effect, frame).await
    }
}

/// A request that sends a message to a group when awaited.
///
/// Created by [`Client::send_to_group`]. Dropping the future before the frame is written cancels the request.
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
/// client.send_to_group("lobby", "typing").no_echo().message_ttl_seconds(5).fire_and_forget().await?;
///
/// let error = client.send_to_group("lobby", "hello").message_ttl_seconds(301).await.unwrap_err();
/// assert!(error.is_invalid_input());
/// # Ok(()) }
/// ```
#[must_use = "does nothing until awaited"]
#[derive(Debug)]
pub struct SendToGroup {
    client: Client,
    group: String,
    data: Data,
    acknowledged: bool,
    no_echo: bool,
    ttl: Option<u32>,
}

impl SendToGroup {
    pub(super) fn new(client: Client, group: String, data: Data) -> Self {
        Self { client, group, data, acknowledged: true, no_echo: false, ttl: None }
    }

    /// Excludes this connection from the receivers, even if it is in the group.
    pub fn no_echo(mut self) -> Self {
        self.no_echo = true;
        self
    }

    /// Sets how long the service keeps the message for a connection that it cannot reach, 0 to 300 seconds.
    pub fn message_ttl_seconds(mut self, seconds: u32) -> Self {
        self.ttl = Some(seconds);
        self
    }

    async fn send(self) -> Result<()> {
        names::group(&self.group)?;
        let ttl_seconds = match self.ttl {
            Some(seconds) if seconds > MAX_TTL => {
                let value = seconds.to_string();
                return Err(Error::invalid_input("message TTL", "must be 0 to 300 seconds", Some(&value)));
            }
            ttl => ttl.and_then(|seconds| u16::try_from(seconds).ok()),
        };
        let Self { client, group, data, acknowledged, no_echo, .. } = &self;
        let frame = |ack_id| Upstream::SendToGroup { group, ack_id, no_echo: *no_echo, ttl_seconds, data };
        send(client, "sendToGroup", *acknowledged, Effect::None, frame).await
    }
}

/// A request that sends an event to the application's server when awaited.
///
/// Created by [`Client::send_event`]. Dropping the future before the frame is written cancels the request.
///
/// # Examples
///
/// ```no_run
/// use webpubsub::client::Data;
///
/// # async fn run(client: webpubsub::Client) -> webpubsub::Result<()> {
/// // The server receives `azure.webpubsub.user.scored`.
/// client.send_event("scored", Data::json(&3)?).await?;
/// # Ok(()) }
/// ```
#[must_use = "does nothing until awaited"]
#[derive(Debug)]
pub struct SendEvent {
    client: Client,
    name: String,
    data: Data,
    acknowledged: bool,
}

impl SendEvent {
    pub(super) fn new(client: Client, name: String, data: Data) -> Self {
        Self { client, name, data, acknowledged: true }
    }

    async fn send(self) -> Result<()> {
        check_event(&self.name)?;
        let frame = |ack_id| Upstream::Event { name: &self.name, ack_id, data: &self.data };
        send(&self.client, "event", self.acknowledged, Effect::None, frame).await
    }
}

/// Validates an event name: `^[a-z][a-z0-9_.-]{0,127}$`, case-insensitive (client protocols, section 3). The service closes the
/// connection on an invalid name.
fn check_event(name: &str) -> Result<()> {
    let first = name.starts_with(|c: char| c.is_ascii_alphabetic());
    if first && name.len() <= 128 && name.chars().all(|c| c.is_ascii_alphanumeric() || "_.-".contains(c)) {
        return Ok(());
    }
    let rule = "must be 1 to 128 characters: a letter, then letters, digits or any of _ . -";
    Err(Error::invalid_input("event", rule, Some(name)))
}

/// Waits for a permit, passes the frame to the task, and waits for the outcome.
async fn send<'a>(
    client: &Client,
    name: &'static str,
    acknowledged: bool,
    effect: Effect,
    frame: impl FnOnce(Option<u64>) -> Upstream<'a>,
) -> Result<()> {
    let permit = client.permit().await;
    // There is no await between here and `send_command`, so that a caller's ids and frames have the same order.
    let ack_id = acknowledged.then(|| client.next_id());
    let frame = client.protocol().encode(&frame(ack_id));
    if frame.len() > MAX_BYTES {
        let rule = format!("must be at most 1 MB as a frame, has {} bytes", frame.len());
        return Err(Error::invalid_input("data", &rule, None));
    }
    let (sender, outcome) = oneshot::channel();
    let done = Done::Caller { sender, _permit: permit };
    let op = Op { name, ack_id, frame, effect, deadline: Duration::ZERO, done };
    if !client.send_command(task::Command::Send(op)) {
        return Err(Op::closed(name, false));
    }
    // A task settles every send before it ends, so an outcome is missing only when the runtime shuts down.
    outcome.await.unwrap_or_else(|_| Err(Op::closed(name, true)))
}
