//! The handle to one connection of a hub.

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

/// A handle that represents one connection of a hub. [`ServiceClient::connection`] creates it.
///
/// Every call returns [`ErrorKind::InvalidInput`](crate::ErrorKind::InvalidInput), and sends nothing, if the connection ID
/// is empty, `.`, or `..`.
///
/// # Examples
///
/// ```
/// # use webpubsub::Permission;
/// # use service_emulator::Emulator;
/// # use webpubsub::ServiceClient;
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), webpubsub::BoxError> {
/// # let emulator = Emulator::start().await?;
/// # let service = ServiceClient::from_connection_string(&emulator.webpubsub().connection_string(), "chat")?;
/// let connection = service.connection("some-connection-id");
/// connection.send("only for you").await?;
/// assert!(!connection.exists().await?);
/// assert!(!connection.has_permission(Permission::SendToGroup).group("lobby").await?);
/// connection.close().reason("signed in elsewhere").await?;
/// # Ok(()) }
/// ```
#[derive(Debug, Clone)]
pub struct Connection {
    service: ServiceClient,
    id: String,
}

impl Connection {
    pub(crate) fn new(service: ServiceClient, id: String) -> Self {
        Self { service, id }
    }

    /// Sends a message to the connection.
    ///
    /// If the connection does not exist, the call still succeeds, since the service accepts the message. A send is not
    /// idempotent: if the outcome is unknown, it is not retried, since the message could be delivered twice.
    ///
    /// # Errors
    ///
    /// Returns [`ErrorKind::InvalidInput`](crate::ErrorKind::InvalidInput) if the message is longer than 1 MB. Nothing is
    /// sent then.
    ///
    /// [Service documentation](https://learn.microsoft.com/rest/api/webpubsub/dataplane/web-pub-sub/send-to-connection)
    pub fn send(&self, message: impl Into<Message>) -> SendToConnection {
        let mut call = self.call(&SEND_TO_CONNECTION, read::unit);
        message.into().put(&mut call);
        SendToConnection::new(call)
    }

    /// Returns whether the connection exists.
    ///
    /// [Service documentation](https://learn.microsoft.com/rest/api/webpubsub/dataplane/web-pub-sub/connection-exists)
    pub fn exists(&self) -> Exists {
        Exists::new(self.call(&CONNECTION_EXISTS, read::exists))
    }

    /// Closes the connection. Its client cannot recover it afterward.
    ///
    /// If the connection does not exist, the call succeeds.
    ///
    /// [Service documentation](https://learn.microsoft.com/rest/api/webpubsub/dataplane/web-pub-sub/close-connection)
    pub fn close(&self) -> CloseConnection {
        CloseConnection::new(self.call(&CLOSE_CONNECTION, read::unit))
    }

    /// Removes the connection from all groups. If it is not a member of any group, the call succeeds.
    ///
    /// [Service documentation](https://learn.microsoft.com/rest/api/webpubsub/dataplane/web-pub-sub/remove-connection-from-all-groups)
    pub fn remove_from_all_groups(&self) -> ChangeMembership {
        ChangeMembership::new(self.call(&REMOVE_CONNECTION_FROM_ALL_GROUPS, read::unit))
    }

    /// Grants the connection a permission for all groups, or for [one group](GrantPermission::group). The permission lasts
    /// until the connection ends.
    ///
    /// # Errors
    ///
    /// Returns an error with status 404 if the connection does not exist.
    ///
    /// [Service documentation](https://learn.microsoft.com/rest/api/webpubsub/dataplane/web-pub-sub/grant-permission)
    pub fn grant_permission(&self, permission: impl Into<Permission>) -> GrantPermission {
        GrantPermission::new(self.permission(&GRANT_PERMISSION, &permission.into(), read::unit))
    }

    /// Revokes a permission that was granted for [one group](RevokePermission::group). A permission for all groups is not
    /// affected.
    ///
    /// Always name a group: the service rejects a revocation without one with status 400.
    ///
    /// [Service documentation](https://learn.microsoft.com/rest/api/webpubsub/dataplane/web-pub-sub/revoke-permission)
    pub fn revoke_permission(&self, permission: impl Into<Permission>) -> RevokePermission {
        RevokePermission::new(self.permission(&REVOKE_PERMISSION, &permission.into(), read::unit))
    }

    /// Returns whether the connection has a permission for all groups, or for [one group](HasPermission::group).
    ///
    /// Returns `false` if the connection does not exist.
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
