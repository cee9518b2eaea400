//! Builders that send messages. The service accepts a message with 202 and does not report its delivery; a message without
//! receivers is not an error.

use crate::request::request;

request! {
    /// A builder that sends a message to every connection of the hub when awaited.
    /// [`ServiceClient::send_to_all`](crate::ServiceClient::send_to_all) returns it.
    SendToAll => (), excluded, filter, message_ttl_seconds, metadata
}

request! {
    /// A builder that sends a message to the connections of a group when awaited. [`Group::send`](crate::Group::send)
    /// returns it.
    SendToGroup => (), excluded, filter, message_ttl_seconds, metadata
}

request! {
    /// A builder that sends a message to the connections of a user when awaited. [`User::send`](crate::User::send)
    /// returns it.
    SendToUser => (), filter, message_ttl_seconds, metadata
}

request! {
    /// A builder that sends a message to one connection when awaited. [`Connection::send`](crate::Connection::send)
    /// returns it.
    SendToConnection => (), message_ttl_seconds, metadata
}
