//! The reader of one stream.

use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use futures_core::Stream;

use super::buffer::PartBuffer;
use super::subscribe::Accepting;
use crate::client::Client;
use crate::client::data::Data;
use crate::client::event::StreamError;

/// A reader that receives the parts of one stream in order.
///
/// Returned by [`Streams::next`](super::Streams::next). It also implements [`Stream`]. It ends with `None` if the stream is
/// complete, and otherwise with an error, which is its last item.
///
/// Dropping a reader discards the remaining parts of its stream. A reader keeps the client open, as a clone of the client does.
///
/// # Examples
///
/// ```no_run
/// # async fn run(client: webpubsub::Client) -> Result<(), webpubsub::BoxError> {
/// let mut streams = client.group("stories").streams().await?;
/// while let Some(mut reader) = streams.next().await {
///     let mut story = String::new();
///     while let Some(part) = reader.next().await {
///         story.push_str(part?.as_text().unwrap_or_default());
///     }
///     println!("{}: {story}", reader.id());
/// }
/// # Ok(()) }
/// ```
#[must_use = "parts stay in their buffer until they are received"]
pub struct StreamReader {
    id: String,
    from_user_id: Option<String>,
    missed_parts: u64,
    buffer: Arc<PartBuffer>,
    /// The subscription receives the parts of its open streams for as long as it or one of its readers exists.
    _accepting: Arc<Accepting>,
    _client: Client,
}

impl StreamReader {
    /// Returns the id of the stream, which its sender chose.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.id
    }

    /// Returns the user id of the sender, if it has one. Always `None` with the protobuf subprotocols, which omit it.
    #[must_use]
    pub fn from_user_id(&self) -> Option<&str> {
        self.from_user_id.as_deref()
    }

    /// Returns how many parts were sent before the first one that this reader receives. It is 0 unless the client joined the
    /// group while the stream was being sent, or had stopped reading the stream before.
    #[must_use]
    pub fn missed_parts(&self) -> u64 {
        self.missed_parts
    }

    /// Receives the next part, or returns `None` once the stream is complete. After an error, returns `None` too.
    ///
    /// # Cancel safety
    ///
    /// This method is cancel safe: no part is lost if the future is dropped.
    pub async fn next(&mut self) -> Option<Result<Data, ReadError>> {
        let waiting = Waiting(&self.buffer);
        std::future::poll_fn(|context| waiting.0.poll_next(context)).await
    }
}

impl Stream for StreamReader {
    type Item = Result<Data, ReadError>;

    fn poll_next(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.buffer.poll_next(context)
    }
}

/// A call of [`StreamReader::next`], which can be dropped while it waits.
struct Waiting<'a>(&'a PartBuffer);

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.forget_reader();
    }
}

impl fmt::Debug for StreamReader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StreamReader").field("id", &self.id).finish_non_exhaustive()
    }
}

/// A stream that the program has not taken from its subscription yet.
#[derive(Debug)]
pub(in crate::client) struct NewStream {
    pub(in crate::client) id: String,
    pub(in crate::client) from_user_id: Option<String>,
    pub(in crate::client) missed_parts: u64,
    pub(in crate::client) buffer: Arc<PartBuffer>,
}

impl NewStream {
    pub(super) fn into_reader(self, accepting: Arc<Accepting>, client: Client) -> StreamReader {
        let Self { id, from_user_id, missed_parts, buffer } = self;
        StreamReader { id, from_user_id, missed_parts, buffer, _accepting: accepting, _client: client }
    }
}

/// The reason why a stream cannot be read to its end. It is the last item of its reader, and concerns no other stream.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum ReadError {
    /// The sender aborted the stream, or the service ended it. [`StreamError::name`] distinguishes them.
    Failed(StreamError),
    /// Parts are missing, such as those sent while the client was disconnected and could not recover its connection.
    Gap {
        /// The number of the part that was expected.
        expected: u64,
        /// The number of the part that arrived.
        received: u64,
    },
    /// A part arrived again, or out of order.
    Duplicate {
        /// The number of the part that was expected.
        expected: u64,
        /// The number of the part that arrived.
        received: u64,
    },
    /// No part arrived for the subscription's [`idle_timeout`](super::SubscribeStreams::idle_timeout). This is also how a
    /// stream ends whose last part was sent while the client was disconnected and could not recover its connection.
    Idle {
        /// The idle timeout.
        after: Duration,
    },
    /// The program did not receive the parts in time. The buffer was full, and further parts were discarded.
    TooSlow {
        /// The number of parts that were in the buffer.
        buffered: usize,
    },
    /// The client left the group, could not rejoin it, or stopped.
    Left,
}

impl fmt::Display for ReadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Failed(error) => {
                write!(f, "the stream failed: {}", error.name)?;
                let code = error.user_error_code.iter().map(|code| format!(" ({code})"));
                let message = error.message.iter().map(|message| format!(": {message}"));
                code.chain(message).try_for_each(|text| f.write_str(&text))
            }
            Self::Gap { expected, received } => {
                write!(f, "parts of the stream are missing: received part {received} instead of {expected}")
            }
            Self::Duplicate { expected, received } => {
                write!(f, "a part of the stream was repeated: received part {received} instead of {expected}")
            }
            Self::Idle { after } => write!(f, "no part of the stream arrived within {after:?}"),
            Self::TooSlow { buffered } => {
                write!(f, "the program did not read the stream in time: {buffered} parts were buffered")
            }
            Self::Left => f.write_str("the client is no longer in the group of the stream"),
        }
    }
}

impl std::error::Error for ReadError {}
