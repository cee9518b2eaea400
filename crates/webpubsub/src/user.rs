//! One user of a hub.

use crate::operations::CLOSE_USER_CONNECTIONS;
use crate::{CloseConnections, ServiceClient};

/// One user of a hub, with all their connections; made by [`ServiceClient::user`].
#[derive(Debug, Clone)]
pub struct User {
    service: ServiceClient,
    id: String,
}

impl User {
    pub(crate) fn new(service: ServiceClient, id: String) -> Self {
        Self { service, id }
    }

    /// Closes all connections that the user has now, except those [excluded](CloseConnections::excluded). A user without
    /// connections is no error.
    ///
    /// [Service documentation](https://learn.microsoft.com/rest/api/webpubsub/dataplane/web-pub-sub/close-user-connections)
    ///
    /// # Errors
    ///
    /// A user id that is empty or a dot segment, before anything is sent.
    pub fn close_connections(&self) -> CloseConnections {
        CloseConnections::new(self.service.call(&CLOSE_USER_CONNECTIONS, "userId", &self.id))
    }
}
