//! One group of a hub.

use service_core::{Call, Operation, read};

use crate::operations::{
    ADD_CONNECTION_TO_GROUP, CLOSE_GROUP_CONNECTIONS, GROUP_EXISTS, LIST_CONNECTIONS_IN_GROUP,
    REMOVE_CONNECTION_FROM_GROUP, SEND_TO_GROUP,
};
use crate::service::Read;
use crate::{
    ChangeMembership, CloseConnections, Exists, ListConnections, Message, SendToGroup, ServiceClient,
    members, names,
};

/// One group of a hub; made by [`ServiceClient::group`].
///
/// Every call refuses a group name that is empty, blank, `.`, `..` or longer than 1024 characters, and a connection id that
/// is empty, `.` or `..`, before anything is sent.
#[derive(Debug, Clone)]
pub struct Group {
    service: ServiceClient,
    name: String,
}

impl Group {
    pub(crate) fn new(service: ServiceClient, name: String) -> Self {
        Self { service, name }
    }

    /// Sends to all connections that are in the group now, except those [excluded](SendToGroup::excluded). Nobody there is
    /// no error. Sending again delivers again, so it is not repeated when the outcome is unknown.
    ///
    /// [Service documentation](https://learn.microsoft.com/rest/api/webpubsub/dataplane/web-pub-sub/send-to-group)
    ///
    /// # Errors
    ///
    /// A message of more than 1 MB, before anything is sent.
    pub fn send(&self, message: impl Into<Message>) -> SendToGroup {
        let mut call = self.call(&SEND_TO_GROUP, read::unit);
        message.into().put(&mut call);
        SendToGroup::new(call)
    }

    /// Whether any connection is in the group.
    ///
    /// [Service documentation](https://learn.microsoft.com/rest/api/webpubsub/dataplane/web-pub-sub/group-exists)
    pub fn exists(&self) -> Exists {
        Exists::new(self.call(&GROUP_EXISTS, read::exists))
    }

    /// Closes all connections that are in the group now, except those [excluded](CloseConnections::excluded). A group
    /// without connections is closed already: that is success.
    ///
    /// [Service documentation](https://learn.microsoft.com/rest/api/webpubsub/dataplane/web-pub-sub/close-group-connections)
    pub fn close_connections(&self) -> CloseConnections {
        CloseConnections::new(self.call(&CLOSE_GROUP_CONNECTIONS, read::unit))
    }

    /// The connections that are in the group, page by page. An empty group is an empty list.
    ///
    /// [Service documentation](https://learn.microsoft.com/rest/api/webpubsub/dataplane/web-pub-sub/list-connections-in-group)
    pub fn list_connections(&self) -> ListConnections {
        let call = self.call(&LIST_CONNECTIONS_IN_GROUP, members::page);
        ListConnections::new(call, self.service.known_endpoint().clone())
    }

    /// Puts a connection into the group. One that is in it already stays; one that does not exist is an error with 404.
    ///
    /// [Service documentation](https://learn.microsoft.com/rest/api/webpubsub/dataplane/web-pub-sub/add-connection-to-group)
    pub fn add_connection(&self, connection_id: impl AsRef<str>) -> ChangeMembership {
        self.change(&ADD_CONNECTION_TO_GROUP, connection_id.as_ref())
    }

    /// Takes a connection out of the group. One that is not in it is out already: that is success.
    ///
    /// [Service documentation](https://learn.microsoft.com/rest/api/webpubsub/dataplane/web-pub-sub/remove-connection-from-group)
    pub fn remove_connection(&self, connection_id: impl AsRef<str>) -> ChangeMembership {
        self.change(&REMOVE_CONNECTION_FROM_GROUP, connection_id.as_ref())
    }

    fn change(&self, operation: &'static Operation, connection: &str) -> ChangeMembership {
        let segments = [("group", self.name.as_str()), ("connectionId", connection)];
        let mut call = self.service.call(operation, &segments, read::unit);
        call.check(names::group(&self.name));
        ChangeMembership::new(call)
    }

    fn call<T>(&self, operation: &'static Operation, read: Read<T>) -> Call<T> {
        let mut call = self.service.call(operation, &[("group", &self.name)], read);
        call.check(names::group(&self.name));
        call
    }
}
