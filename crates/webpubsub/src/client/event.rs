//! The events of a client: messages, and changes of its connection.

use service_core::Error;

use super::data::Data;
use super::entries::Entries;

/// Represents something that happened to a [`Client`](crate::Client): a message, or a change of its connection.
///
/// Events arrive through [`Events`](super::Events) in the order in which they happened.
///
/// # Examples
///
/// ```
/// use webpubsub::client::Event;
///
/// fn log(event: &Event) {
///     match event {
///         Event::Connected(connected) => println!("connected as {}", connected.connection_id),
///         Event::GroupMessage(message) => println!("{}: {:?}", message.group, message.data.as_text()),
///         Event::ServerMessage(message) => println!("server: {:?}", message.data.as_text()),
///         Event::Recovering(gone) => println!("recovering: {}", gone.reason),
///         Event::Recovered(_) => println!("recovered, nothing is missing"),
///         Event::Disconnected(gone) => println!("messages may be missing: {}", gone.reason),
///         Event::RejoinFailed(failed) => println!("no longer in {}: {}", failed.group, failed.error),
///         Event::Stopped(stopped) => println!("stopped: {:?}", stopped.error),
///         _ => {}
///     }
/// }
/// ```
#[derive(Debug)]
#[non_exhaustive]
pub enum Event {
    /// A new connection was established. Not emitted when a connection is recovered.
    Connected(Connected),
    /// A message was sent to a group that this connection is in and that has no [`Subscription`](super::Subscription).
    GroupMessage(GroupMessage),
    /// The application's server sent a message.
    ServerMessage(ServerMessage),
    /// The connection dropped, and the client tries to recover it. [`Recovered`](Self::Recovered) or
    /// [`Disconnected`](Self::Disconnected) follows within 30 s.
    Recovering(Recovering),
    /// The dropped connection was recovered. No message was lost.
    Recovered(Recovered),
    /// The connection ended and could not be recovered. Messages sent until the next [`Connected`](Self::Connected) are lost.
    ///
    /// The client tries to establish a new connection, unless [`Stopped`](Self::Stopped) follows.
    Disconnected(Disconnected),
    /// Messages were dropped, because the program did not receive its events and the buffer was full.
    ///
    /// Only with subprotocols that are not reliable. With the reliable ones, the service sends dropped messages again, or the
    /// connection ends with [`Disconnected`](Self::Disconnected).
    Dropped(Dropped),
    /// A group could not be rejoined on a new connection. The client is no longer in it.
    RejoinFailed(RejoinFailed),
    /// The client stopped for good. This is always the last event.
    Stopped(Stopped),
}

/// Represents something that happened to a group: a message, or a change that concerns its messages.
///
/// The events arrive through a [`Subscription`](super::Subscription) in the order in which they happened.
///
/// # Examples
///
/// ```
/// use webpubsub::client::GroupEvent;
///
/// fn log(event: &GroupEvent) {
///     match event {
///         GroupEvent::Message(message) => println!("{}: {:?}", message.group, message.data.as_text()),
///         GroupEvent::Dropped(dropped) => println!("too slow: {} messages are missing", dropped.messages),
///         GroupEvent::Disconnected(gone) => println!("messages may be missing: {}", gone.reason),
///         GroupEvent::Rejoined(_) => println!("messages arrive again"),
///         GroupEvent::NotRejoined(failed) => println!("no longer in the group: {}", failed.reason),
///         _ => {}
///     }
/// }
/// ```
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum GroupEvent {
    /// A message was sent to the group.
    Message(GroupMessage),
    /// Messages were dropped, because the program did not receive the events of this subscription and its buffer was full.
    Dropped(Dropped),
    /// The connection ended and could not be recovered. Messages sent until [`Rejoined`](Self::Rejoined) are lost.
    Disconnected(Disconnected),
    /// The client rejoined the group on a new connection.
    Rejoined(Rejoined),
    /// The client could not rejoin the group on a new connection, and is no longer in it. This is the last event.
    NotRejoined(NotRejoined),
}

/// Describes a group that was rejoined; see [`GroupEvent::Rejoined`].
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Rejoined {
    /// Contains the id of the new connection.
    pub connection_id: String,
}

/// Describes a group that could not be rejoined; see [`GroupEvent::NotRejoined`].
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct NotRejoined {
    /// Describes the error, which [`Event::RejoinFailed`] contains. For logs only; the text may change.
    pub reason: String,
}

/// Describes a new connection; see [`Event::Connected`].
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Connected {
    /// The connection id that the service assigned.
    pub connection_id: String,
    /// The user id from the access token, if it contains one.
    pub user_id: Option<String>,
}

/// Represents a message to a group; see [`Event::GroupMessage`] and [`GroupEvent::Message`].
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct GroupMessage {
    /// Contains the name of the group.
    pub group: String,
    /// The user id of the sender, if it is a client with one. Always `None` with the protobuf subprotocols, which omit it.
    pub from_user_id: Option<String>,
    /// Contains the content of the message.
    pub data: Data,
    /// Identifies the message as a part of a stream, if it is one.
    ///
    /// Streams are a preview feature of the service: a client sends one logical message in parts. With the feature `preview`,
    /// a group's handle returns the parts of each stream in order.
    pub stream: Option<Box<StreamPart>>,
    pub(super) metadata: Option<Box<Entries>>,
}

/// Identifies a part of a stream; see [`GroupMessage::stream`].
///
/// # Examples
///
/// ```
/// use webpubsub::client::GroupMessage;
///
/// fn log(message: &GroupMessage) {
///     if let Some(part) = &message.stream {
///         println!("part {} of {}: {:?}", part.sequence_id, part.stream_id, message.data.as_text());
///         if part.end_of_stream {
///             println!("{} ended: {:?}", part.stream_id, part.error);
///         }
///     }
/// }
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct StreamPart {
    /// Contains the id of the stream, which is unique among the open streams of its sender.
    pub stream_id: String,
    /// Contains the number of this part in its stream, starting at 1.
    pub sequence_id: u64,
    /// Whether the stream ends with this part, whose data is usually empty.
    pub end_of_stream: bool,
    /// Describes why the stream is incomplete. Only at its end.
    pub error: Option<StreamError>,
}

/// Describes why a stream ended before it was complete; see [`StreamPart::error`].
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct StreamError {
    /// Contains the kind of the error: `UserError` if the sender aborted the stream, `IdleTimeout`, `Cancelled`,
    /// `Forbidden`, `InternalServerError`, or another one.
    pub name: String,
    /// Contains the text of the sender or of the service, if there is one. For logs only; the text may change.
    pub message: Option<String>,
    /// Contains the error code of the sender, if the sender set one.
    pub user_error_code: Option<String>,
}

/// Contains a message that the application's server sent to the hub, to the user, or to this connection.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct ServerMessage {
    /// Contains the content of the message.
    pub data: Data,
    pub(super) metadata: Option<Box<Entries>>,
}

/// Describes a connection that dropped; see [`Event::Recovering`].
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Recovering {
    /// The connection id that the service assigned.
    pub connection_id: String,
    /// Describes how the connection dropped. For logs only; the text may change.
    pub reason: String,
}

/// Describes a recovered connection; see [`Event::Recovered`].
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Recovered {
    /// The connection id, which stays the same.
    pub connection_id: String,
}

/// Describes the end of a connection; see [`Event::Disconnected`] and [`GroupEvent::Disconnected`].
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Disconnected {
    /// The connection id that the service assigned.
    pub connection_id: String,
    /// The reason that the service stated, or a description of how the connection ended. For logs only; the text may change.
    pub reason: String,
}

/// Describes messages that were dropped; see [`Event::Dropped`] and [`GroupEvent::Dropped`].
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Dropped {
    /// Contains the number of messages.
    pub messages: u64,
}

/// Describes a group that could not be rejoined; see [`Event::RejoinFailed`].
#[derive(Debug)]
#[non_exhaustive]
pub struct RejoinFailed {
    /// Contains the name of the group.
    pub group: String,
    /// The error that the service returned, or that ended the attempt.
    pub error: Error,
}

/// Describes why a client stopped; see [`Event::Stopped`].
#[derive(Debug)]
#[non_exhaustive]
pub struct Stopped {
    /// The error that ended the client, or `None` if the program closed it.
    pub error: Option<Error>,
}
