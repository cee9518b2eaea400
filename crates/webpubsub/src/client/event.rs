//! What a client hears: messages, and how its connection fares.

use service_core::Error;

use super::data::Data;

/// Something that happened to a [`Client`](crate::Client), in the order in which it happened.
#[derive(Debug)]
#[non_exhaustive]
pub enum Event {
    /// A new connection stands. A recovered one is the old one, and raises nothing.
    Connected(Connected),
    /// A message to a group that this connection is in.
    GroupMessage(GroupMessage),
    /// A message from the application's server.
    ServerMessage(ServerMessage),
    /// The connection has ended and could not be recovered: what was sent meanwhile is lost to this client. A new connection
    /// is tried next.
    Disconnected(Disconnected),
    /// A group could not be joined again on a new connection; the client is no longer in it.
    RejoinFailed(RejoinFailed),
    /// The client has stopped for good; the last event.
    Stopped(Stopped),
}

/// A new connection.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Connected {
    /// The service's id of the connection.
    pub connection_id: String,
    /// The user that the access token names.
    pub user_id: Option<String>,
}

/// A message to a group.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct GroupMessage {
    /// The group.
    pub group: String,
    /// The user who sent it, if it was sent by a client with a user id. The protobuf subprotocols do not tell.
    pub from_user_id: Option<String>,
    /// The content.
    pub data: Data,
}

/// A message from the application's server: sent to the hub, to the user, or to this connection.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct ServerMessage {
    /// The content.
    pub data: Data,
}

/// The end of a connection.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Disconnected {
    /// The service's id of the connection.
    pub connection_id: String,
    /// Why: the service's own words where it gave any, otherwise what was seen of the end. For people, not for programs.
    pub reason: String,
}

/// A group that was not joined again.
#[derive(Debug)]
#[non_exhaustive]
pub struct RejoinFailed {
    /// The group.
    pub group: String,
    /// What the service said.
    pub error: Error,
}

/// The end of a client.
#[derive(Debug)]
#[non_exhaustive]
pub struct Stopped {
    /// Why no further connection is tried; `None` when the program closed the client.
    pub error: Option<Error>,
}
