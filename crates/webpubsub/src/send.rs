//! Sending. A send is accepted with 202 and not reported on any further; nobody there to receive it is no error.

use crate::request::request;

request! {
    /// Sends to every connection of the hub; made by [`ServiceClient::send_to_all`](crate::ServiceClient::send_to_all).
    SendToAll => (), excluded, filter, message_ttl_seconds
}

request! {
    /// Sends to the connections of a group; made by [`Group::send`](crate::Group::send).
    SendToGroup => (), excluded, filter, message_ttl_seconds
}

request! {
    /// Sends to the connections of a user; made by [`User::send`](crate::User::send).
    SendToUser => (), filter, message_ttl_seconds
}

request! {
    /// Sends to one connection; made by [`Connection::send`](crate::Connection::send).
    SendToConnection => (), message_ttl_seconds
}
