//! The request that opens a stream, and what a writer asks of the client's task.

use std::future::IntoFuture;
use std::sync::Arc;
use std::time::Duration;

use service_core::{CallFuture, Error, Result};
use tokio::sync::oneshot;
use tokio_tungstenite::tungstenite::Message;

use super::IDLE_TIMEOUT;
use super::window::Window;
use super::writer::StreamWriter;
use crate::client::frame::{Upstream, preview};
use crate::client::session::Op;
use crate::client::task::Command;
use crate::client::{Client, Group, send};
use crate::names;

/// The default number of parts that can wait for their acknowledgment.
const CAPACITY: usize = 256;

/// What a writer asks of the client's task.
#[derive(Debug)]
pub(in crate::client) enum StreamCommand {
    Open(Box<Opening>),
    Part { key: u64, frame: Message },
    End { key: u64, frame: Message, done: Option<oneshot::Sender<Result<()>>> },
}

/// A stream to be opened.
#[derive(Debug)]
pub(in crate::client) struct Opening {
    /// Identifies the stream in the commands of its writer.
    pub(in crate::client) key: u64,
    pub(in crate::client) id: String,
    pub(in crate::client) frame: Message,
    pub(in crate::client) keep_alive: Message,
    pub(in crate::client) idle_timeout: Duration,
    pub(in crate::client) timeout: Duration,
    pub(in crate::client) deadline: Duration,
    pub(in crate::client) window: Arc<Window>,
    pub(in crate::client) opened: oneshot::Sender<Result<()>>,
}

impl Group {
    /// Opens a stream to the group, and returns its writer once the service has accepted it.
    ///
    /// A stream is one logical message that is sent in parts, such as the output of a language model. Each subscriber receives
    /// the parts in order as they are sent. The client needs the role to send to the group, and does not have to be in it.
    ///
    /// A stream is not opened again on another connection: if the connection is lost before the service has accepted the stream,
    /// the request fails. Streams are a preview feature of the service.
    ///
    /// # Errors
    ///
    /// Returns an error if:
    ///
    /// * the name of the group or an option is invalid, or another open stream of this client has the same id,
    /// * the service rejects the stream: [`ErrorKind::Service`](crate::ErrorKind::Service), with the code `Forbidden` if the
    ///   access token does not grant the permission,
    /// * the connection is lost before the service has accepted the stream, or the service does not accept it within the
    ///   [`timeout`](OpenStream::timeout), or
    /// * the client is closed.
    ///
    /// # Examples
    ///
    /// ```no_run
    /// # async fn run(client: webpubsub::Client) -> webpubsub::Result<()> {
    /// let mut writer = client.group("stories").open_stream().no_echo().await?;
    /// writer.send("Once upon ").await?;
    /// writer.send("a time.").await?;
    /// writer.finish().await?;
    /// # Ok(()) }
    /// ```
    #[cfg_attr(docsrs, doc(cfg(feature = "preview")))]
    pub fn open_stream(&self) -> OpenStream {
        OpenStream {
            group: self.clone(),
            id: None,
            no_echo: false,
            idle_timeout: None,
            capacity: CAPACITY,
            timeout: None,
        }
    }
}

/// A request that opens a stream to a group when awaited.
///
/// Created by [`Group::open_stream`]. Dropping the future before the service has accepted the stream aborts it.
///
/// # Examples
///
/// ```no_run
/// use std::time::Duration;
///
/// # async fn run(client: webpubsub::Client) -> webpubsub::Result<()> {
/// let request = client.group("stories").open_stream();
/// let writer = request.stream_id("story-42").idle_timeout(Duration::from_secs(60)).capacity(16).await?;
/// assert_eq!(writer.id(), "story-42");
/// # Ok(()) }
/// ```
#[must_use = "does nothing until awaited"]
#[derive(Debug)]
pub struct OpenStream {
    group: Group,
    id: Option<String>,
    no_echo: bool,
    idle_timeout: Option<Duration>,
    capacity: usize,
    timeout: Option<Duration>,
}

impl OpenStream {
    /// Sets the id of the stream. Default: a random id.
    ///
    /// Subscribers identify a stream of a group by this id, so it should not be that of any other open stream in the group.
    /// After a stream has failed, its id is free again once the service has closed the stream.
    pub fn stream_id(mut self, id: impl Into<String>) -> Self {
        self.id = Some(id.into());
        self
    }

    /// Excludes this connection from the receivers, even if it is in the group.
    pub fn no_echo(mut self) -> Self {
        self.no_echo = true;
        self
    }

    /// Sets the time after which the service ends the stream if it receives nothing, at least 1 ms. Default: that of the
    /// service, 300 s.
    ///
    /// While the writer exists and the client is connected, the client renews the time automatically. It is therefore the time
    /// after which a stream ends whose sender has disappeared.
    pub fn idle_timeout(mut self, limit: Duration) -> Self {
        self.idle_timeout = Some(limit);
        self
    }

    /// Sets how many parts can wait for their acknowledgment, at least 1. Default: 256.
    ///
    /// They have at most 4 MB, or are one larger part. Further parts wait in [`StreamWriter::send`].
    pub fn capacity(mut self, parts: usize) -> Self {
        self.capacity = parts;
        self
    }

    /// Sets how long the service may take to accept the stream, and later to acknowledge a part or the end, before the stream
    /// fails. Default: the client's [`ack_timeout`](crate::client::ClientBuilder::ack_timeout).
    pub fn timeout(mut self, limit: Duration) -> Self {
        self.timeout = Some(limit);
        self
    }

    /// Returns the idle time in milliseconds, which the service requires to be positive and of 32 bits.
    fn idle_timeout_ms(&self) -> Result<Option<u32>> {
        let Some(limit) = self.idle_timeout else { return Ok(None) };
        let milliseconds = u32::try_from(limit.as_millis()).ok().filter(|limit| *limit > 0);
        let rule = "must be 1 ms to 2^32 - 1 ms";
        let invalid = || Error::invalid_input("idle timeout", rule, Some(&format!("{limit:?}")));
        milliseconds.ok_or_else(invalid).map(Some)
    }

    fn submit(self) -> Result<(StreamWriter, oneshot::Receiver<Result<()>>, Duration)> {
        let (client, group) = (self.group.client(), self.group.name());
        names::group(group)?;
        if self.capacity == 0 {
            return Err(Error::invalid_input("capacity", "must be at least 1", Some("0")));
        }
        if self.id.as_ref().is_some_and(String::is_empty) {
            return Err(Error::invalid_input("stream id", "must not be empty", None));
        }
        let idle_timeout_ms = self.idle_timeout_ms()?;
        let key = client.next_id();
        let id = self.id.unwrap_or_else(|| format!("{}-{key}", client.shared.stream_prefix));
        let encode = |frame| send::encode(client, &Upstream::Preview(frame));
        let start = preview::Upstream::StreamStart { group, no_echo: self.no_echo, id: &id, idle_timeout_ms };
        let timeout = self.timeout.unwrap_or(client.shared.ack_timeout);
        let window = Arc::new(Window::new(self.capacity));
        let (opened, outcome) = oneshot::channel();
        let opening = Opening {
            key,
            frame: encode(start)?,
            keep_alive: encode(preview::Upstream::StreamKeepAlive { id: &id })?,
            id: id.clone(),
            idle_timeout: self.idle_timeout.unwrap_or(IDLE_TIMEOUT),
            timeout,
            deadline: client.shared.clock.elapsed().saturating_add(timeout),
            window: Arc::clone(&window),
            opened,
        };
        match client.send_command(Command::Stream(Box::new(StreamCommand::Open(Box::new(opening))))) {
            true => Ok((StreamWriter::new(client.clone(), key, id, window), outcome, timeout)),
            false => Err(closed()),
        }
    }
}

impl IntoFuture for OpenStream {
    type Output = Result<StreamWriter>;
    type IntoFuture = CallFuture<StreamWriter>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(async move {
            let client: Client = self.group.client().clone();
            // Dropped with this future, the writer aborts its stream.
            let (mut writer, outcome, timeout) = self.submit()?;
            let outcome = match client.while_runtime_runs(timeout, outcome).await {
                Some(outcome) => outcome.unwrap_or_else(|_| Err(closed())),
                None => return Err(Op::stalled("stream", timeout)),
            };
            if let Err(error) = outcome {
                writer.set_ended();
                return Err(error);
            }
            Ok(writer)
        })
    }
}

fn closed() -> Error {
    Op::closed("stream", false)
}
