//! One user of a hub.

use service_core::{Call, Operation, read};

use crate::operations::{
    ADD_USER_TO_GROUP, CLOSE_USER_CONNECTIONS, REMOVE_USER_FROM_ALL_GROUPS, REMOVE_USER_FROM_GROUP,
    SEND_TO_USER, USER_EXISTS,
};
use crate::service::Read;
use crate::{ChangeMembership, CloseConnections, Exists, Message, SendToUser, ServiceClient, names};

/// One user of a hub, with all their connections; made by [`ServiceClient::user`].
///
/// Every call refuses a user id that is empty, `.` or `..`, and a group name that breaks its rules, before anything is sent.
#[derive(Debug, Clone)]
pub struct User {
    service: ServiceClient,
    id: String,
}

impl User {
    pub(crate) fn new(service: ServiceClient, id: String) -> Self {
        Self { service, id }
    }

    /// Sends to all connections that the user has now. A user without connections is no error. Sending again delivers
    /// again, so it is not repeated when the outcome is unknown.
    ///
    /// [Service documentation](https://learn.microsoft.com/rest/api/webpubsub/dataplane/web-pub-sub/send-to-user)
    ///
    /// # Errors
    ///
    /// A message of more than 1 MB, before anything is sent.
    pub fn send(&self, message: impl Into<Message>) -> SendToUser {
        let mut call = self.call(&SEND_TO_USER, read::unit);
        message.into().put(&mut call);
        SendToUser::new(call)
    }

    /// Whether the user has any connection.
    ///
    /// [Service documentation](https://learn.microsoft.com/rest/api/webpubsub/dataplane/web-pub-sub/user-exists)
    pub fn exists(&self) -> Exists {
        Exists::new(self.call(&USER_EXISTS, read::exists))
    }

    /// Closes all connections that the user has now, except those [excluded](CloseConnections::excluded). A user without
    /// connections is no error.
    ///
    /// [Service documentation](https://learn.microsoft.com/rest/api/webpubsub/dataplane/web-pub-sub/close-user-connections)
    pub fn close_connections(&self) -> CloseConnections {
        CloseConnections::new(self.call(&CLOSE_USER_CONNECTIONS, read::unit))
    }

    /// Puts the connections that the user has now into a group; a user without any is an error with 404. Later
    /// connections are not added: give those their groups [in the token](crate::CreateClientAccess::groups).
    ///
    /// [Service documentation](https://learn.microsoft.com/rest/api/webpubsub/dataplane/web-pub-sub/add-user-to-group)
    pub fn add_to_group(&self, group: impl AsRef<str>) -> ChangeMembership {
        self.change(&ADD_USER_TO_GROUP, group.as_ref())
    }

    /// Takes the user's connections out of a group. That none is in it is success.
    ///
    /// [Service documentation](https://learn.microsoft.com/rest/api/webpubsub/dataplane/web-pub-sub/remove-user-from-group)
    pub fn remove_from_group(&self, group: impl AsRef<str>) -> ChangeMembership {
        self.change(&REMOVE_USER_FROM_GROUP, group.as_ref())
    }

    /// Takes the user's connections out of all groups. That none is in any is success.
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
