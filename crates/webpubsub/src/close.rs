//! Closing many connections at once: the same options wherever the connections are taken from.

use service_core::Call;

/// Closes the connections of a group or a user; made by [`Group::close_connections`](crate::Group::close_connections) and
/// [`User::close_connections`](crate::User::close_connections).
#[must_use = "does nothing until awaited"]
#[derive(Debug)]
pub struct CloseConnections {
    call: Call<()>,
}

impl CloseConnections {
    pub(crate) fn new(call: Call<()>) -> Self {
        Self { call }
    }

    /// Leaves these connections open, by id. Ids that are not there do no harm.
    pub fn excluded<S: AsRef<str>>(mut self, connections: impl IntoIterator<Item = S>) -> Self {
        self.call.query_each("excluded", connections);
        self
    }

    /// Tells the clients why: the text reaches them in the `disconnected` message and the close frame.
    pub fn reason(mut self, reason: impl AsRef<str>) -> Self {
        self.call.query("reason", reason);
        self
    }
}

service_core::call_setters!(CloseConnections => ());
