//! Relay permissions: which connection IDs may exchange files, and in which direction.
//!
//! The vendor calls them relay authorization settings. The sending and the receiving side need one each, unless both
//! sides use the same connection ID.

use serde::{Deserialize, Serialize};

use crate::call::{Body, Call, handle, request};
use crate::lenient::{boolean, boolean_as_text, optional_boolean_as_text, text};
use crate::operations::{
    DELETE_RELAY_PERMISSION, GET_RELAY_PERMISSION, LIST_RELAY_PERMISSIONS,
    LIST_RELAY_PERMISSIONS_BY_CONNECTION, LIST_RELAY_PERMISSIONS_BY_DIRECTION, REGISTER_RELAY_PERMISSION,
    UPDATE_RELAY_PERMISSION,
};
use crate::page::row;
use crate::{Direction, Pager, read, rules};

handle! {
    /// Manages the relay permissions of the contract. Created by
    /// [`SiteClient::relay_permissions`](crate::SiteClient::relay_permissions).
    ///
    /// A permission is identified by its local and remote connection IDs and by its direction as seen locally.
    ///
    /// # Examples
    ///
    /// ```
    /// use hulft_webconnect::{ClientType, Direction};
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), hulft_webconnect::BoxError> {
    /// # let emulator = service_emulator::Emulator::start().await?;
    /// # let builder = hulft_webconnect::SiteClient::builder(emulator.hulft().api_key());
    /// # let site = builder.endpoint(emulator.endpoint()).build()?;
    /// site.connections().register("head-office", "a long password", [ClientType::Hulft]).await?;
    /// site.connections().register("partner-a", "another password", [ClientType::Hulft]).await?;
    ///
    /// let permissions = site.relay_permissions();
    /// permissions.register("head-office", "partner-a", Direction::Send).enabled(true).await?;
    /// permissions.register("partner-a", "head-office", Direction::Receive).enabled(true).await?;
    /// assert_eq!(permissions.list_by_connection("partner-a").all().await?.len(), 1);
    /// # Ok(()) }
    /// ```
    RelayPermissions
}

impl RelayPermissions {
    /// Lists all relay permissions. Requires the scope *Relay Auth Settings: Get*.
    ///
    /// See the [vendor's documentation](https://www.hulft.com/help/en-us/WebConnect-V3/HWC-SAP/Content/SiteAPI/APIDetail/RelayAuthoSetAllGet.htm).
    pub fn list(&self) -> Pager<RelayPermission> {
        Pager::new(&self.pipeline, &LIST_RELAY_PERMISSIONS, &[])
    }

    /// Lists the relay permissions of one connection ID. Requires the scope *Relay Auth Settings: Get*.
    ///
    /// See the [vendor's documentation](https://www.hulft.com/help/en-us/WebConnect-V3/HWC-SAP/Content/SiteAPI/APIDetail/RelayAuthoSetConnectId.htm).
    pub fn list_by_connection(&self, connection_id: &str) -> Pager<RelayPermission> {
        let segments = [("connectionId", connection_id)];
        Pager::new(&self.pipeline, &LIST_RELAY_PERMISSIONS_BY_CONNECTION, &segments)
    }

    /// Lists the relay permissions of one connection ID in one direction. Requires the scope *Relay Auth Settings:
    /// Get*.
    ///
    /// See the [vendor's documentation](https://www.hulft.com/help/en-us/WebConnect-V3/HWC-SAP/Content/SiteAPI/APIDetail/RelayAuthoSetTransfer.htm).
    pub fn list_by_direction(&self, connection_id: &str, direction: &Direction) -> Pager<RelayPermission> {
        let segments = [("connectionId", connection_id), ("direction", direction.as_str())];
        Pager::new(&self.pipeline, &LIST_RELAY_PERMISSIONS_BY_DIRECTION, &segments)
    }

    /// Returns a relay permission, or `None` if it does not exist. Requires the scope *Relay Auth Settings: Get*.
    ///
    /// See the [vendor's documentation](https://www.hulft.com/help/en-us/WebConnect-V3/HWC-SAP/Content/SiteAPI/APIDetail/RelayAuthoSet1Get.htm).
    pub fn get(
        &self,
        connection_id: &str,
        remote_connection_id: &str,
        direction: &Direction,
    ) -> GetRelayPermission {
        let segments = segments(connection_id, remote_connection_id, direction);
        GetRelayPermission {
            call: Call::new(&self.pipeline, &GET_RELAY_PERMISSION, &segments, read::one_of_list),
        }
    }

    /// Registers a relay permission between two existing connection IDs. Requires the scope *Relay Auth Settings:
    /// Create*.
    ///
    /// The `Location` header of the response contains the path of the permission. A registration whose outcome is
    /// unknown is not retried.
    ///
    /// # Errors
    ///
    /// Returns an error with code `E300003` if the permission is already registered.
    ///
    /// See the [vendor's documentation](https://www.hulft.com/help/en-us/WebConnect-V3/HWC-SAP/Content/SiteAPI/APIDetail/RelayAuthoSetRegistration.htm).
    pub fn register(
        &self,
        connection_id: impl Into<String>,
        remote_connection_id: impl Into<String>,
        direction: Direction,
    ) -> RegisterRelayPermission {
        let (own, remote) = (connection_id.into(), remote_connection_id.into());
        let mut call = Call::new(&self.pipeline, &REGISTER_RELAY_PERMISSION, &[], read::change);
        call.check(rules::required("connection id", &own));
        call.check(rules::required("remote connection id", &remote));
        call.check(rules::required("direction", direction.as_str()));
        let (connection_id, remote_connection_id, direction) = (Some(own), Some(remote), Some(direction));
        let body = Changes { connection_id, remote_connection_id, direction, ..Changes::default() };
        RegisterRelayPermission { call: call.with_body(body) }
    }

    /// Updates a relay permission. Values that are not set remain unchanged. Requires the scope *Relay Auth Settings:
    /// Update*.
    ///
    /// See the [vendor's documentation](https://www.hulft.com/help/en-us/WebConnect-V3/HWC-SAP/Content/SiteAPI/APIDetail/RelayAuthoSetUpdate.htm).
    pub fn update(
        &self,
        connection_id: &str,
        remote_connection_id: &str,
        direction: &Direction,
    ) -> UpdateRelayPermission {
        let segments = segments(connection_id, remote_connection_id, direction);
        let call = Call::new(&self.pipeline, &UPDATE_RELAY_PERMISSION, &segments, read::change);
        UpdateRelayPermission { call: call.with_body(Changes::default()) }
    }

    /// Deletes a relay permission. Requires the scope *Relay Auth Settings: Delete*.
    ///
    /// See the [vendor's documentation](https://www.hulft.com/help/en-us/WebConnect-V3/HWC-SAP/Content/SiteAPI/APIDetail/RelayAuthoSetDelete.htm).
    pub fn delete(
        &self,
        connection_id: &str,
        remote_connection_id: &str,
        direction: &Direction,
    ) -> DeleteRelayPermission {
        let segments = segments(connection_id, remote_connection_id, direction);
        let call = Call::new(&self.pipeline, &DELETE_RELAY_PERMISSION, &segments, read::done);
        DeleteRelayPermission { call }
    }
}

fn segments<'a>(own: &'a str, remote: &'a str, direction: &'a Direction) -> [(&'static str, &'a str); 3] {
    [("connectionId", own), ("remoteConnectionId", remote), ("direction", direction.as_str())]
}

/// Describes a relay permission.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "camelCase", default)]
#[non_exhaustive]
pub struct RelayPermission {
    /// The local connection ID, which the permission belongs to.
    #[serde(deserialize_with = "text")]
    pub connection_id: String,
    /// The remote connection ID, which the permission refers to.
    #[serde(deserialize_with = "text")]
    pub remote_connection_id: String,
    /// The direction that is permitted, as seen locally.
    pub direction: Direction,
    /// Whether the permission is in effect.
    #[serde(deserialize_with = "boolean", serialize_with = "boolean_as_text")]
    pub enabled: bool,
    /// The note that was set for the permission.
    #[serde(deserialize_with = "text")]
    pub memo: String,
}

row!(
    RelayPermission,
    "permission",
    required { connection_id: "connectionId", remote_connection_id: "remoteConnectionId" }
);

#[derive(Default, Serialize)]
#[serde(rename_all = "camelCase")]
struct Changes {
    #[serde(skip_serializing_if = "Option::is_none")]
    connection_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    remote_connection_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    direction: Option<Direction>,
    #[serde(skip_serializing_if = "Option::is_none", serialize_with = "optional_boolean_as_text")]
    enabled: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    memo: Option<String>,
}

impl Body for Changes {}

request! {
    /// A request that reads a relay permission, created by [`RelayPermissions::get`].
    GetRelayPermission => Option<RelayPermission>
}

request! {
    /// A request that registers a relay permission, created by [`RelayPermissions::register`].
    ///
    /// It returns the new values, or `None` if the response has no body.
    RegisterRelayPermission => Option<RelayPermission>, Changes
}

request! {
    /// A request that updates a relay permission, created by [`RelayPermissions::update`].
    ///
    /// It returns the new values, or `None` if the response has no body.
    UpdateRelayPermission => Option<RelayPermission>, Changes
}

request! {
    /// A request that deletes a relay permission, created by [`RelayPermissions::delete`].
    DeleteRelayPermission => ()
}

macro_rules! setters {
    ($builder:ty) => {
        impl $builder {
            /// Sets whether the permission is in effect. Default for a registration: `false`.
            pub fn enabled(mut self, enabled: bool) -> Self {
                self.call.body.enabled = Some(enabled);
                self
            }

            /// Sets the note. Default for a registration: an empty note.
            pub fn memo(mut self, memo: impl Into<String>) -> Self {
                self.call.body.memo = Some(memo.into());
                self
            }
        }
    };
}

setters!(RegisterRelayPermission);
setters!(UpdateRelayPermission);
