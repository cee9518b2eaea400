//! Questions with the answer yes or no.

use crate::request::request;

request! {
    /// Asks whether there is a connection: the one, one in the group, or one of the user. Right after a client has come or
    /// gone the answer may lag behind.
    Exists => bool
}

request! {
    /// Asks whether the service is up; made by [`ServiceClient::check_health`](crate::ServiceClient::check_health).
    CheckHealth => ()
}
