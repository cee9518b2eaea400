//! Builders that close one connection or many.

use crate::request::request;

request! {
    /// A builder that closes many connections when awaited.
    /// [`ServiceClient::close_all_connections`](crate::ServiceClient::close_all_connections),
    /// [`Group::close_connections`](crate::Group::close_connections), and
    /// [`User::close_connections`](crate::User::close_connections) return it.
    CloseConnections => (), excluded, reason
}

request! {
    /// A builder that closes a connection when awaited. [`Connection::close`](crate::Connection::close) returns it.
    CloseConnection => (), reason
}
