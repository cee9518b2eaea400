//! The requests that a client can send to the service, as builders that are awaited.

use std::future::IntoFuture;
use std::sync::Arc;
use std::time::Duration;

use service_core::{CallFuture, Error, Result};
use tokio::sync::oneshot;
use tokio_tungstenite::tungstenite::Message;

use super::data::Data;
use super::frame::Upstream;
use super::receipt::{OWN_ACK_IDS, WithReceipt};
use super::session::{Done, Effect, Op};
use super::subscription::Buffer;
use super::{Client, task};
use crate::names;

/// The service accepts WebSocket messages of up to 1 MB (client protocols, section 1).
const MAX_BYTES: usize = 1024 * 1024;
/// The maximum time in seconds for which the service keeps a message to a group.
const MAX_TTL: u32 = 300;
/// The rule for settings that have no effect on a send without an acknowledgment.
pub(super) const UNACKNOWLEDGED: &str = "needs an acknowledgment, which `fire_and_forget` does not request";

/// Implements the setters that all sends share, and `.await`, for a builder.
macro_rules! send_setters {
    ($builder:ident) => {
        impl $builder {
            /// Requests no acknowledgment.
            ///
            /// The future then completes once the frame has been written to the socket, or with an error if it could not be
            /// written. Whether the service received and processed it stays unknown.
            pub fn fire_and_forget(mut self) -> Self {
                self.options.acknowledged = false;
                self
            }

            /// Sets the timeout of this request, which starts when it is first polled. Default: the client's
            /// [`ack_timeout`](super::ClientBuilder::ack_timeout).
            pub fn deadline(mut self, limit: Duration) -> Self {
                self.options.deadline = Some(limit);
                self
            }

            /// Sets the ack id, by which the service recognizes a send that it has already processed. Default: a new id.
            ///
            /// It must be in [`OWN_ACK_IDS`], and no other send in flight may have it. A send stays in flight until it is
            /// acknowledged or its deadline has passed, even if its future was dropped. Both rules are checked before anything
            /// is sent.
            ///
            /// Use it to repeat a send whose outcome is unknown, such as after a timeout: with the same id, it is processed at
            /// most once. The service remembers the last 1000 successful ids of a connection. It forgets them when the
            /// connection ends and cannot be recovered.
            pub fn ack_id(mut self, id: u64) -> Self {
                self.options.ack_id = Some(id);
                self
            }

            /// Makes `.await` return a [`Receipt`](super::Receipt), which reports whether the service had
            /// already processed the send.
            ///
            /// It needs an acknowledgment, and therefore cannot be combined with
            /// [`fire_and_forget`](Self::fire_and_forget).
            pub fn with_receipt(self) -> WithReceipt {
                let (client, acknowledged) = (self.client.clone(), self.options.acknowledged);
                WithReceipt::new(client, acknowledged, || self.submit())
            }
        }

        impl IntoFuture for $builder {
            type Output = Result<()>;
            type IntoFuture = CallFuture<()>;

            fn into_future(self) -> Self::IntoFuture {
                Box::pin(async move {
                    // Submitting consumes the builder, so that its data does not stay in memory with the frame.
                    let client = self.client.clone();
                    let outcome = self.submit()?;
                    outcome.get(&client).await.map(drop)
                })
            }
        }
    };
}

send_setters!(JoinGroup);
send_setters!(LeaveGroup);
send_setters!(SendToGroup);
send_setters!(SendEvent);

/// Submits the join of a group whose messages `buffer` receives from then on.
pub(super) fn subscribe(
    client: &Client,
    group: &str,
    options: Options,
    buffer: &Arc<Buffer>,
) -> Result<Outcome> {
    names::group(group)?;
    let effect = Effect::Subscribe(group.to_owned(), Arc::clone(buffer));
    let frame = |ack_id| Upstream::JoinGroup { group, ack_id };
    submit(client, "joinGroup", options, effect, frame)
}

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
    options: Options,
}

impl JoinGroup {
    pub(super) fn new(client: Client, group: String) -> Self {
        Self { client, group, options: Options::default() }
    }

    fn submit(self) -> Result<Outcome> {
        names::group(&self.group)?;
        let effect = Effect::Join(self.group.clone());
        let frame = |ack_id| Upstream::JoinGroup { group: &self.group, ack_id };
        submit(&self.client, "joinGroup", self.options, effect, frame)
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
    options: Options,
}

impl LeaveGroup {
    pub(super) fn new(client: Client, group: String) -> Self {
        Self { client, group, options: Options::default() }
    }

    fn submit(self) -> Result<Outcome> {
        names::group(&self.group)?;
        let effect = Effect::Leave(self.group.clone());
        let frame = |ack_id| Upstream::LeaveGroup { group: &self.group, ack_id };
        submit(&self.client, "leaveGroup", self.options, effect, frame)
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
    options: Options,
    no_echo: bool,
    ttl: Option<u32>,
}

impl SendToGroup {
    pub(super) fn new(client: Client, group: String, data: Data) -> Self {
        Self { client, group, data, options: Options::default(), no_echo: false, ttl: None }
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

    fn submit(self) -> Result<Outcome> {
        names::group(&self.group)?;
        let ttl_seconds = match self.ttl {
            Some(seconds) if seconds > MAX_TTL => {
                let value = seconds.to_string();
                return Err(Error::invalid_input("message TTL", "must be 0 to 300 seconds", Some(&value)));
            }
            ttl => ttl.and_then(|seconds| u16::try_from(seconds).ok()),
        };
        let Self { client, group, data, options, no_echo, .. } = &self;
        let frame = |ack_id| Upstream::SendToGroup {
            group,
            ack_id,
            no_echo: *no_echo,
            ttl_seconds,
            data,
            metadata: None,
        };
        submit(client, "sendToGroup", *options, Effect::None, frame)
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
    options: Options,
}

impl SendEvent {
    pub(super) fn new(client: Client, name: String, data: Data) -> Self {
        Self { client, name, data, options: Options::default() }
    }

    fn submit(self) -> Result<Outcome> {
        check_event(&self.name)?;
        let frame = |ack_id| Upstream::Event { name: &self.name, ack_id, data: &self.data, metadata: None };
        submit(&self.client, "event", self.options, Effect::None, frame)
    }
}

/// Validates an event name: `^[a-z][a-z0-9_.-]{0,127}$`, case-insensitive (client protocols, section 3). The service closes the
/// connection on an invalid name.
pub(super) fn check_event(name: &str) -> Result<()> {
    let first = name.starts_with(|c: char| c.is_ascii_alphabetic());
    if first && name.len() <= 128 && name.chars().all(|c| c.is_ascii_alphanumeric() || "_.-".contains(c)) {
        return Ok(());
    }
    let rule = "must be 1 to 128 characters: a letter, then letters, digits or any of _ . -";
    Err(Error::invalid_input("event", rule, Some(name)))
}

/// The settings that all requests share.
#[derive(Debug, Clone, Copy)]
pub(super) struct Options {
    acknowledged: bool,
    pub(super) deadline: Option<Duration>,
    /// The program's own ack id.
    ack_id: Option<u64>,
}

impl Default for Options {
    fn default() -> Self {
        Self { acknowledged: true, deadline: None, ack_id: None }
    }
}

impl Options {
    fn ack_id(&self, client: &Client) -> Result<Option<u64>> {
        match (self.acknowledged, self.ack_id) {
            (true, None) => Ok(Some(client.next_id())),
            (true, Some(id)) if OWN_ACK_IDS.contains(&id) => Ok(Some(id)),
            (true, Some(id)) => {
                Err(Error::invalid_input("ack id", "must be at least 2^48", Some(&id.to_string())))
            }
            (false, None) => Ok(None),
            (false, Some(_)) => Err(Error::invalid_input("ack id", UNACKNOWLEDGED, None)),
        }
    }
}

/// The outcome of a submitted request.
pub(super) struct Outcome {
    name: &'static str,
    pub(super) ack_id: Option<u64>,
    timeout: Duration,
    receiver: oneshot::Receiver<Result<bool>>,
}

impl Outcome {
    /// Waits for the outcome: whether the service had processed the request before.
    pub(super) async fn get(self, client: &Client) -> Result<bool> {
        match client.while_runtime_runs(self.timeout, self.receiver).await {
            // A task settles every send before it ends, so an outcome is missing only when the runtime shuts down.
            Some(outcome) => outcome.unwrap_or_else(|_| Err(Op::closed(self.name, true))),
            None => Err(Op::stalled(self.name, self.timeout)),
        }
    }
}

/// Encodes a frame, which the service accepts up to a maximum length.
pub(super) fn encode(client: &Client, frame: &Upstream<'_>) -> Result<Message> {
    let frame = client.protocol().encode(frame);
    if frame.len() > MAX_BYTES {
        let rule = format!("must be at most 1 MB as a frame, has {} bytes", frame.len());
        return Err(Error::invalid_input("data", &rule, None));
    }
    Ok(frame)
}

/// Passes a request to the task. This does not wait, so that requests are sent in the order in which they are first polled:
/// with an await in between, the runtime could make some of them wait, such as those beyond its cooperative budget.
pub(super) fn submit<'a>(
    client: &Client,
    name: &'static str,
    options: Options,
    effect: Effect,
    frame: impl FnOnce(Option<u64>) -> Upstream<'a>,
) -> Result<Outcome> {
    let ack_id = options.ack_id(client)?;
    let frame = encode(client, &frame(ack_id))?;
    let timeout = options.deadline.unwrap_or(client.shared.ack_timeout);
    let deadline = client.shared.clock.elapsed().saturating_add(timeout);
    let (sender, receiver) = oneshot::channel();
    let done = Done::Caller(sender);
    let op = Op {
        name,
        ack_id,
        frame,
        effect,
        timeout,
        deadline,
        written: false,
        in_flight: false,
        closes: 0,
        done,
    };
    if client.send_command(task::Command::Send(Box::new(op))) {
        Ok(Outcome { name, ack_id, timeout, receiver })
    } else {
        Err(Op::closed(name, false))
    }
}
