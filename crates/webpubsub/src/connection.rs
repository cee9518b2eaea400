//! One connection of a hub.

use service_core::Call;

use crate::ServiceClient;
use crate::operations::CLOSE_CONNECTION;

/// One connection of a hub; made by [`ServiceClient::connection`].
#[derive(Debug, Clone)]
pub struct Connection {
    service: ServiceClient,
    id: String,
}

impl Connection {
    pub(crate) fn new(service: ServiceClient, id: String) -> Self {
        Self { service, id }
    }

    /// Closes the connection. One that is not there is closed already: that is success. A closed connection cannot be
    /// recovered by its client.
    ///
    /// [Service documentation](https://learn.microsoft.com/rest/api/webpubsub/dataplane/web-pub-sub/close-connection)
    ///
    /// # Errors
    ///
    /// An id that is empty or a dot segment, before anything is sent.
    pub fn close(&self) -> CloseConnection {
        CloseConnection { call: self.service.call(&CLOSE_CONNECTION, "connectionId", &self.id) }
    }
}

/// Closes a connection; made by [`Connection::close`].
#[must_use = "does nothing until awaited"]
#[derive(Debug)]
pub struct CloseConnection {
    call: Call<()>,
}

impl CloseConnection {
    /// Tells the client why: the text reaches it in the `disconnected` message and the close frame.
    pub fn reason(mut self, reason: impl AsRef<str>) -> Self {
        self.call.query("reason", reason);
        self
    }
}

service_core::call_setters!(CloseConnection => ());
