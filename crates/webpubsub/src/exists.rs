//! Checks that return yes or no.

use crate::request::request;

request! {
    /// A builder that checks, when awaited, whether a connection, any connection of a group, or any connection of a user
    /// exists. Shortly after a client connects or disconnects, the result may be out of date.
    Exists => bool
}

request! {
    /// A builder that checks, when awaited, whether the service is healthy.
    /// [`ServiceClient::check_health`](crate::ServiceClient::check_health) returns it.
    CheckHealth => ()
}
