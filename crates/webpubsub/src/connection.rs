//! One connection of a hub.

use service_core::{Call, Operation, read};

use crate::operations::{
    CHECK_PERMISSION, CLOSE_CONNECTION, CONNECTION_EXISTS, GRANT_PERMISSION,
    REMOVE_CONNECTION_FROM_ALL_GROUPS, REVOKE_PERMISSION, SEND_TO_CONNECTION,
};
use crate::service::Read;
use crate::{
    ChangeMembership, CloseConnection, Exists, GrantPermission, HasPermission, Message, Permission,
    RevokePermission, SendToConnection, ServiceClient,
};

/// One connection of a hub; made by [`ServiceClient::connection`].
///
/// Every call refuses an id that is empty, `.` or `..`, before anything is sent.
#[derive(Debug, Clone)]
pub struct Connection {
    service: ServiceClient,
    id: String,
}

impl Connection {
    pub(crate) fn new(service: ServiceClient, id: String) -> Self {
        Self { service, id }
    }

    /// Sends to the connection. One that is not there is no error: the service accepts the message all the same. Sending
    /// again delivers again, so it is not repeated when the outcome is unknown.
    ///
    /// [Service documentation](https://learn.microsoft.com/rest/api/webpubsub/dataplane/web-pub-sub/send-to-connection)
    ///
    /// # Errors
    ///
    /// A message of more than 1 MB, before anything is sent.
    pub fn send(&self, message: impl Into<Message>) -> SendToConnection {
        let mut call = self.call(&SEND_TO_CONNECTION, read::unit);
        message.into().put(&mut call);
        SendToConnection::new(call)
    }

    /// Whether the connection is there.
    ///
    /// [Service documentation](https://learn.microsoft.com/rest/api/webpubsub/dataplane/web-pub-sub/connection-exists)
    pub fn exists(&self) -> Exists {
        Exists::new(self.call(&CONNECTION_EXISTS, read::exists))
    }

    /// Closes the connection. One that is not there is closed already: that is success. A closed connection cannot be
    /// recovered by its client.
    ///
    /// [Service documentation](https://learn.microsoft.com/rest/api/webpubsub/dataplane/web-pub-sub/close-connection)
    pub fn close(&self) -> CloseConnection {
        CloseConnection::new(self.call(&CLOSE_CONNECTION, read::unit))
    }

    /// Takes the connection out of all groups. That it is in none is success.
    ///
    /// [Service documentation](https://learn.microsoft.com/rest/api/webpubsub/dataplane/web-pub-sub/remove-connection-from-all-groups)
    pub fn remove_from_all_groups(&self) -> ChangeMembership {
        ChangeMembership::new(self.call(&REMOVE_CONNECTION_FROM_ALL_GROUPS, read::unit))
    }

    /// Lets the connection do something with all groups, or with [one](GrantPermission::group), until it ends. A
    /// connection that does not exist is an error with 404.
    ///
    /// [Service documentation](https://learn.microsoft.com/rest/api/webpubsub/dataplane/web-pub-sub/grant-permission)
    pub fn grant_permission(&self, permission: impl Into<Permission>) -> GrantPermission {
        GrantPermission::new(self.permission(&GRANT_PERMISSION, &permission.into(), read::unit))
    }

    /// Takes back what was granted for [a group](RevokePermission::group). What was granted for all groups stays. The
    /// service has been seen to refuse, with 400, a revocation that names no group; the request is sent all the same.
    ///
    /// [Service documentation](https://learn.microsoft.com/rest/api/webpubsub/dataplane/web-pub-sub/revoke-permission)
    pub fn revoke_permission(&self, permission: impl Into<Permission>) -> RevokePermission {
        RevokePermission::new(self.permission(&REVOKE_PERMISSION, &permission.into(), read::unit))
    }

    /// Whether the connection may do something with all groups, or with [one](HasPermission::group). No for a connection
    /// that does not exist.
    ///
    /// [Service documentation](https://learn.microsoft.com/rest/api/webpubsub/dataplane/web-pub-sub/check-permission)
    pub fn has_permission(&self, permission: impl Into<Permission>) -> HasPermission {
        HasPermission::new(self.permission(&CHECK_PERMISSION, &permission.into(), read::exists))
    }

    fn permission<T>(
        &self,
        operation: &'static Operation,
        permission: &Permission,
        read: Read<T>,
    ) -> Call<T> {
        let segments = [("permission", permission.as_str()), ("connectionId", &self.id)];
        self.service.call(operation, &segments, read)
    }

    fn call<T>(&self, operation: &'static Operation, read: Read<T>) -> Call<T> {
        self.service.call(operation, &[("connectionId", &self.id)], read)
    }
}
