//! The writer of one stream.

use std::fmt;
use std::sync::Arc;

use service_core::Result;
use tokio::sync::oneshot;

use super::open::StreamCommand;
use super::window::Window;
use crate::client::data::Data;
use crate::client::frame::Upstream;
use crate::client::frame::preview::{self, StreamEndError};
use crate::client::session::Op;
use crate::client::task::Command;
use crate::client::{Client, send};

/// The reason that subscribers receive for a stream whose writer was dropped.
const DROPPED: &str = "the writer was dropped before it finished the stream";

/// A writer that sends one stream to a group, part by part.
///
/// Created by [`Group::open_stream`](crate::client::Group::open_stream). Subscribers receive each part as soon as it is sent,
/// in order. The service keeps a stream open while its writer exists: the client renews the stream's idle time automatically.
///
/// If the connection drops and is recovered, the stream continues where it was, and no part is lost or repeated. If it cannot
/// be recovered, the stream fails, and so does each later call.
///
/// A writer keeps the client open, as a clone of the client does. Dropping a writer aborts its stream; to complete it, call
/// [`finish`](Self::finish).
///
/// # Examples
///
/// ```no_run
/// # async fn run(client: webpubsub::Client) -> webpubsub::Result<()> {
/// let mut writer = client.group("stories").open_stream().await?;
/// for token in ["Once ", "upon ", "a ", "time."] {
///     writer.send(token).await?;
/// }
/// writer.finish().await?;
/// # Ok(()) }
/// ```
#[must_use = "dropping it aborts the stream"]
pub struct StreamWriter {
    client: Client,
    key: u64,
    id: String,
    window: Arc<Window>,
    /// The number of the next part.
    next: u64,
    /// Whether the stream has ended, or its end was sent.
    has_ended: bool,
}

impl StreamWriter {
    pub(super) fn new(client: Client, key: u64, id: String, window: Arc<Window>) -> Self {
        Self { client, key, id, window, next: 1, has_ended: false }
    }

    /// Returns the id of the stream, which is part of each received part.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.id
    }

    /// Sends the next part.
    ///
    /// The part is queued, and this method returns. While the buffer of unacknowledged parts is full, it waits for room, so
    /// that the program does not produce parts faster than the service accepts them. Parts have the same size limit as
    /// messages: the encoded frame can be at most 1 MB.
    ///
    /// # Cancel safety
    ///
    /// This method is cancel safe: if the future is dropped before it completes, the part is not sent, and the next one takes its
    /// place.
    ///
    /// # Errors
    ///
    /// Returns an error if the encoded frame is too large, in which case the stream goes on without the part. Any other error
    /// means that the stream has failed: the service closed it, the connection was lost and could not be recovered, or the
    /// service acknowledged no part within the [`timeout`](super::OpenStream::timeout).
    pub async fn send(&mut self, data: impl Into<Data>) -> Result<()> {
        let data = data.into();
        let frame = preview::Upstream::StreamData { id: &self.id, sequence_id: self.next, data: &data };
        let frame = send::encode(&self.client, &Upstream::Preview(frame))?;
        drop(data);
        self.window.reserve(frame.len()).await?;
        self.next += 1;
        self.command(StreamCommand::Part { key: self.key, frame })
    }

    /// Ends the stream after all its parts, and waits until the service has closed it.
    ///
    /// Success means that the service has accepted every part. If the response to the end is lost with the connection, the
    /// client sends the end again once the connection is recovered. If the service then does not know the stream and had
    /// accepted all its parts, the stream counts as finished.
    ///
    /// Once polled, dropping the future does not cancel the end.
    ///
    /// # Errors
    ///
    /// Returns an error if the stream has failed; see [`send`](Self::send).
    /// [`Error::outcome_unknown`](crate::Error::outcome_unknown) returns `true` if the connection could not be recovered:
    /// subscribers then received either the whole stream or [`ReadError::Failed`](super::ReadError::Failed).
    pub async fn finish(mut self) -> Result<()> {
        self.end(None).await
    }

    /// Ends the stream with an error after all its parts, and waits until the service has closed it.
    ///
    /// Subscribers receive [`ReadError::Failed`](super::ReadError::Failed) with this error after the last part. Once polled,
    /// dropping the future does not cancel the end.
    ///
    /// # Errors
    ///
    /// Returns an error if the stream has failed before; see [`send`](Self::send).
    ///
    /// # Examples
    ///
    /// ```no_run
    /// use webpubsub::client::UserError;
    ///
    /// # async fn run(client: webpubsub::Client) -> webpubsub::Result<()> {
    /// let mut writer = client.group("stories").open_stream().await?;
    /// writer.send("Once upon a ").await?;
    /// writer.abort(UserError::new("the model is overloaded").code("Overloaded")).await?;
    /// # Ok(()) }
    /// ```
    pub async fn abort(mut self, error: impl Into<UserError>) -> Result<()> {
        let error = error.into();
        self.end(Some(error.as_frame())).await
    }

    async fn end(&mut self, error: Option<StreamEndError<'_>>) -> Result<()> {
        if let Some(error) = self.window.failure() {
            self.has_ended = true;
            return Err(error);
        }
        let (done, outcome) = oneshot::channel();
        self.send_end(error, Some(done))?;
        outcome.await.unwrap_or_else(|_| Err(self.window.failure().unwrap_or_else(closed)))
    }

    fn send_end(
        &mut self,
        error: Option<StreamEndError<'_>>,
        done: Option<oneshot::Sender<Result<()>>>,
    ) -> Result<()> {
        let end = preview::Upstream::StreamEnd { id: &self.id, error };
        let frame = send::encode(&self.client, &Upstream::Preview(end))?;
        self.has_ended = true;
        self.command(StreamCommand::End { key: self.key, frame, done })
    }

    fn command(&self, command: StreamCommand) -> Result<()> {
        match self.client.send_command(Command::Stream(Box::new(command))) {
            true => Ok(()),
            false => Err(self.window.failure().unwrap_or_else(closed)),
        }
    }

    /// Records that the stream was not opened.
    pub(super) fn set_ended(&mut self) {
        self.has_ended = true;
    }
}

fn closed() -> service_core::Error {
    Op::closed("stream", true)
}

impl Drop for StreamWriter {
    fn drop(&mut self) {
        if !self.has_ended {
            // The client may be closed, which ends the stream too.
            let _ = self.send_end(Some(StreamEndError { message: Some(DROPPED), code: None }), None);
        }
    }
}

impl fmt::Debug for StreamWriter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StreamWriter").field("id", &self.id).finish_non_exhaustive()
    }
}

/// Contains the reason for which a sender aborts its stream; see [`StreamWriter::abort`].
///
/// # Examples
///
/// ```
/// use webpubsub::client::UserError;
///
/// let error = UserError::new("the model is overloaded").code("Overloaded");
/// assert_eq!(format!("{error:?}"), r#"UserError { message: "the model is overloaded", code: Some("Overloaded") }"#);
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UserError {
    message: String,
    code: Option<String>,
}

impl UserError {
    /// Creates an error with this text, which every subscriber receives.
    pub fn new(message: impl Into<String>) -> Self {
        Self { message: message.into(), code: None }
    }

    /// Sets a code by which subscribers can distinguish the error.
    #[must_use]
    pub fn code(mut self, code: impl Into<String>) -> Self {
        self.code = Some(code.into());
        self
    }

    fn as_frame(&self) -> StreamEndError<'_> {
        StreamEndError { message: Some(&self.message), code: self.code.as_deref() }
    }
}

impl From<&str> for UserError {
    fn from(message: &str) -> Self {
        Self::new(message)
    }
}

impl From<String> for UserError {
    fn from(message: String) -> Self {
        Self::new(message)
    }
}
