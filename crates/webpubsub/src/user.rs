//! The handle to one user of a hub.

use service_core::{Call, Operation, read};

use crate::operations::{
    ADD_USER_TO_GROUP, CLOSE_USER_CONNECTIONS, REMOVE_USER_FROM_ALL_GROUPS, REMOVE_USER_FROM_GROUP,
    SEND_TO_USER, USER_EXISTS,
};
use crate::service::Read;
use crate::{ChangeMembership, CloseConnections, Exists, Message, SendToUser, ServiceClient, names};

/// A handle that represents one user of a hub with all connections of that user. [`ServiceClient::user`] creates it.
///
/// Every call returns [`ErrorKind::InvalidInput`](crate::ErrorKind::InvalidInput), and sends nothing, if the user ID is
/// empty, `.`, or `..`, or if a group name is invalid.
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
/// let dave = service.user("dave");
/// dave.send("You have mail.").await?;
/// dave.remove_from_all_groups().await?;
/// assert!(!dave.exists().await?); // dave has no connection
/// # Ok(()) }
/// ```
#[derive(Debug, Clone)]
pub struct User {
    service: ServiceClient,
    id: String,
}

impl User {
    pub(crate) fn new(service: ServiceClient, id: String) -> Self {
        Self { service, id }
    }

    /// Sends a message to all connections of the user.
    ///
    /// Sending to a user without connections succeeds. A send is not idempotent: if the outcome is unknown, it is not
    /// retried, since the message could be delivered twice.
    ///
    /// # Errors
    ///
    /// Returns [`ErrorKind::InvalidInput`](crate::ErrorKind::InvalidInput) if the message is longer than 1 MB. Nothing is
    /// sent then.
    ///
    /// [Service documentation](https://learn.microsoft.com/rest/api/webpubsub/dataplane/web-pub-sub/send-to-user)
    pub fn send(&self, message: impl Into<Message>) -> SendToUser {
        let mut call = self.call(&SEND_TO_USER, read::unit);
        message.into().put(&mut call);
        SendToUser::new(call)
    }

    /// Returns whether the user has any connection.
    ///
    /// [Service documentation](https://learn.microsoft.com/rest/api/webpubsub/dataplane/web-pub-sub/user-exists)
    pub fn exists(&self) -> Exists {
        Exists::new(self.call(&USER_EXISTS, read::exists))
    }

    /// Closes all connections of the user, except [excluded](CloseConnections::excluded) ones.
    ///
    /// Closing the connections of a user who has none succeeds.
    ///
    /// [Service documentation](https://learn.microsoft.com/rest/api/webpubsub/dataplane/web-pub-sub/close-user-connections)
    pub fn close_connections(&self) -> CloseConnections {
        CloseConnections::new(self.call(&CLOSE_USER_CONNECTIONS, read::unit))
    }

    /// Adds the current connections of the user to a group.
    ///
    /// Later connections of the user are not added: name their groups [in the token](crate::CreateClientAccess::groups).
    ///
    /// # Errors
    ///
    /// Returns an error with status 404 if the user has no connections.
    ///
    /// [Service documentation](https://learn.microsoft.com/rest/api/webpubsub/dataplane/web-pub-sub/add-user-to-group)
    pub fn add_to_group(&self, group: impl AsRef<str>) -> ChangeMembership {
        self.change(&ADD_USER_TO_GROUP, group.as_ref())
    }

    /// Removes the connections of the user from a group. If none is a member, the call succeeds.
    ///
    /// [Service documentation](https://learn.microsoft.com/rest/api/webpubsub/dataplane/web-pub-sub/remove-user-from-group)
    pub fn remove_from_group(&self, group: impl AsRef<str>) -> ChangeMembership {
        self.change(&REMOVE_USER_FROM_GROUP, group.as_ref())
    }

    /// Removes the connections of the user from all groups. If none is a member of any group, the call succeeds.
    ///
    /// [Service documentation](https://learn.microsoft.com/rest/api/webpubsub/dataplane/web-pub-sub/remove-user-from-all-groups)
    pub fn remove_from_all_groups(&self) -> ChangeMembership {
        ChangeMembership::new(self.call(&REMOVE_USER_FROM_ALL_GROUPS, read::unit))
    }

    fn change(&self, operation: &'static Operation, group: &str) -> ChangeMembership {
        let mut call = self.service.call(operation, &[("userId", &self.id), ("group", group)], read::unit);
        call.check(names::group(group));
        ChangeMembership::new(call)
    }

    fn call<T>(&self, operation: &'static Operation, read: Read<T>) -> Call<T> {
        self.service.call(operation, &[("userId", &self.id)], read)
    }
}
