//! One group of a hub.

use crate::operations::CLOSE_GROUP_CONNECTIONS;
use crate::{CloseConnections, ServiceClient, names};

/// One group of a hub; made by [`ServiceClient::group`]. A name that breaks the rules is an error of its calls.
#[derive(Debug, Clone)]
pub struct Group {
    service: ServiceClient,
    name: String,
}

impl Group {
    pub(crate) fn new(service: ServiceClient, name: String) -> Self {
        Self { service, name }
    }

    /// Closes all connections that are in the group now, except those [excluded](CloseConnections::excluded). A group
    /// without connections is closed already: that is success.
    ///
    /// [Service documentation](https://learn.microsoft.com/rest/api/webpubsub/dataplane/web-pub-sub/close-group-connections)
    ///
    /// # Errors
    ///
    /// A group name that is empty, blank, a dot segment or longer than 1024 characters, before anything is sent.
    pub fn close_connections(&self) -> CloseConnections {
        let mut call = self.service.call(&CLOSE_GROUP_CONNECTIONS, "group", &self.name);
        call.check(names::group(&self.name));
        CloseConnections::new(call)
    }
}
