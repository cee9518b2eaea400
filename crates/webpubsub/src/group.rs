//! The handle to one group of a hub.

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

/// A handle that represents one group of a hub. [`ServiceClient::group`] creates it.
///
/// Every call returns [`ErrorKind::InvalidInput`](crate::ErrorKind::InvalidInput), and sends nothing, if the group name is
/// empty, blank, `.`, `..`, or longer than 1024 characters, or if a connection ID is empty, `.`, or `..`.
///
/// # Examples
///
/// ```
/// # use service_emulator::Emulator;
/// # use webpubsub::ServiceClient;
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), webpubsub::BoxError> {
/// # let emulator = Emulator::start().await?;
/// # let service = ServiceClient::from_connection_string(&emulator.webpubsub().connection_string(), "chat")?;
/// let lobby = service.group("lobby");
/// lobby.send("hello").await?;
/// assert!(!lobby.exists().await?); // no connection is in the group
/// assert!(lobby.list_connections().all().await?.is_empty());
/// # Ok(()) }
/// ```
#[derive(Debug, Clone)]
pub struct Group {
    service: ServiceClient,
    name: String,
}

impl Group {
    pub(crate) fn new(service: ServiceClient, name: String) -> Self {
        Self { service, name }
    }

    /// Sends a message to all connections in the group, except [excluded](SendToGroup::excluded) ones.
    ///
    /// Sending to an empty group succeeds. A send is not idempotent: if the outcome is unknown, it is not retried, since
    /// the message could be delivered twice.
    ///
    /// # Errors
    ///
    /// Returns [`ErrorKind::InvalidInput`](crate::ErrorKind::InvalidInput) if the message is longer than 1 MB. Nothing is
    /// sent then.
    ///
    /// [Service documentation](https://learn.microsoft.com/rest/api/webpubsub/dataplane/web-pub-sub/send-to-group)
    pub fn send(&self, message: impl Into<Message>) -> SendToGroup {
        let mut call = self.call(&SEND_TO_GROUP, read::unit);
        message.into().put(&mut call);
        SendToGroup::new(call)
    }

    /// Returns whether any connection is in the group.
    ///
    /// [Service documentation](https://learn.microsoft.com/rest/api/webpubsub/dataplane/web-pub-sub/group-exists)
    pub fn exists(&self) -> Exists {
        Exists::new(self.call(&GROUP_EXISTS, read::exists))
    }

    /// Closes all connections in the group, except [excluded](CloseConnections::excluded) ones.
    ///
    /// Closing the connections of an empty group succeeds.
    ///
    /// [Service documentation](https://learn.microsoft.com/rest/api/webpubsub/dataplane/web-pub-sub/close-group-connections)
    pub fn close_connections(&self) -> CloseConnections {
        CloseConnections::new(self.call(&CLOSE_GROUP_CONNECTIONS, read::unit))
    }

    /// Lists the connections in the group. Pages are requested as needed. The list of an empty group is empty.
    ///
    /// [Service documentation](https://learn.microsoft.com/rest/api/webpubsub/dataplane/web-pub-sub/list-connections-in-group)
    pub fn list_connections(&self) -> ListConnections {
        let call = self.call(&LIST_CONNECTIONS_IN_GROUP, members::page);
        ListConnections::new(call, self.service.known_endpoint().clone())
    }

    /// Adds a connection to the group. If it is already a member, the call succeeds.
    ///
    /// # Errors
    ///
    /// Returns an error with status 404 if the connection does not exist.
    ///
    /// [Service documentation](https://learn.microsoft.com/rest/api/webpubsub/dataplane/web-pub-sub/add-connection-to-group)
    pub fn add_connection(&self, connection_id: impl AsRef<str>) -> ChangeMembership {
        self.change(&ADD_CONNECTION_TO_GROUP, connection_id.as_ref())
    }

    /// Removes a connection from the group. If it is not a member, the call succeeds.
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
