//! Closing, of many connections or one.

use crate::request::request;

request! {
    /// Closes many connections; made by [`ServiceClient::close_all_connections`](crate::ServiceClient::close_all_connections),
    /// [`Group::close_connections`](crate::Group::close_connections) and
    /// [`User::close_connections`](crate::User::close_connections).
    CloseConnections => (), excluded, reason
}

request! {
    /// Closes a connection; made by [`Connection::close`](crate::Connection::close).
    CloseConnection => (), reason
}
