//! Group streams: the state of each open stream, and what its publisher and its group are sent (previews, section 3).

mod service;

use std::collections::BTreeMap;
use std::time::{Duration, SystemTime};

pub(super) use service::StreamPlace;

use super::background::Background;
use super::delivery::{Data, Delivery, Fragment, From, Payload, StreamEnd, StreamError};
use super::frame::{Failure, ServerFrame, UserError};
use super::member::Member;
use super::news::News;

/// Unless the publisher requests another one.
const IDLE_TIMEOUT: Duration = Duration::from_secs(300);
/// A bound of the emulator, in bytes.
const MAX_ID: usize = 1_024;

/// Describes an open group stream, as returned by [`streams`](super::WebPubSub::streams).
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct StreamInfo {
    /// Contains the id of the stream, which is unique within its connection.
    pub stream_id: String,
    /// Contains the id of the connection that publishes the stream.
    pub connection_id: String,
    /// Contains the name of the group that receives the stream.
    pub group: String,
    /// Contains the number of the fragment that the service expects next, starting at 1.
    pub expected_sequence_id: u64,
}

/// The open streams of one connection, by id.
#[derive(Debug, Default)]
pub(super) struct Streams(BTreeMap<String, Stream>);

#[derive(Debug)]
struct Stream {
    /// Distinguishes it from an earlier stream with the same id.
    number: u64,
    group: String,
    no_echo: bool,
    expected: u64,
    idle_timeout: Duration,
    /// When it ends unless the publisher sends something.
    expires: SystemTime,
    _timer: Background,
}

/// What the publisher is sent in return for a frame.
#[derive(Debug)]
pub(super) enum Reply {
    /// Everything below this number was accepted.
    Ack(u64),
    /// The fragment was not accepted, and this number is expected.
    Nack(Failure, u64),
    /// The stream has ended, or does not exist.
    Closed(Option<Failure>),
    Nothing,
}

impl Streams {
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl Reply {
    /// The frame with this reply, if any.
    pub(super) fn frame<'a>(&'a self, stream: &'a str) -> Option<ServerFrame<'a>> {
        match self {
            Self::Ack(expected) => Some(ServerFrame::StreamAck { stream, expected: *expected }),
            Self::Nack(failure, expected) => {
                Some(ServerFrame::StreamNack { stream, failure, expected: *expected })
            }
            Self::Closed(failure) => Some(ServerFrame::StreamClosed { stream, failure: failure.as_ref() }),
            Self::Nothing => None,
        }
    }

    fn not_found() -> Self {
        Self::Closed(Some(Failure::new("StreamNotFound", "The stream does not exist.")))
    }
}

impl Member {
    /// Ends a stream. Returns its last message.
    fn end_stream(&mut self, connection: &str, id: &str, error: Option<StreamError>) -> Option<News> {
        let stream = self.streams.0.remove(id)?;
        let empty = Data::Text(String::new());
        Some(stream.news(connection, self.user.clone(), id, empty, Some(StreamEnd { error })))
    }

    /// Ends all streams because their publisher is gone.
    pub(super) fn end_streams(&mut self, connection: &str) -> Vec<News> {
        let ids: Vec<_> = self.streams.0.keys().cloned().collect();
        ids.iter().filter_map(|id| self.end_stream(connection, id, Some(cancelled()))).collect()
    }
}

impl Stream {
    /// The next message for its group.
    fn news(
        &self,
        connection: &str,
        user: Option<String>,
        id: &str,
        data: Data,
        end: Option<StreamEnd>,
    ) -> News {
        let group = self.group.clone();
        let delivery = Delivery {
            from: From::Group { group: group.clone(), user },
            payload: Payload::from(data),
            stream: Some(Fragment { stream_id: id.to_owned(), sequence_id: self.expected, end }),
            time_to_live: None,
        };
        News::Message { group, delivery, except: self.no_echo.then(|| connection.to_owned()) }
    }
}

fn user_error(error: UserError) -> StreamError {
    StreamError { name: "UserError", message: error.message, user_error_code: error.code }
}

/// The publisher is gone, or has made a mistake.
fn cancelled() -> StreamError {
    stream_error("Cancelled", "The publisher no longer sends the stream.")
}

fn stream_error(name: &'static str, message: &str) -> StreamError {
    StreamError { name, message: Some(message.to_owned()), user_error_code: None }
}
