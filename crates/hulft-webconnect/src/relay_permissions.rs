//! Relay permissions: which two connection IDs may exchange files, and which way. The vendor calls them relay authorization
//! settings. One is needed on the sending and one on the receiving side, unless both sides use the same connection ID.

use serde::{Deserialize, Serialize};
use service_core::read;

use crate::call::{Body, Call, handle, one_of_list, request};
use crate::lenient::{boolean, boolean_as_text, optional_boolean_as_text, or_default};
use crate::operations::{
    DELETE_RELAY_PERMISSION, GET_RELAY_PERMISSION, LIST_RELAY_PERMISSIONS,
    LIST_RELAY_PERMISSIONS_BY_CONNECTION, LIST_RELAY_PERMISSIONS_BY_DIRECTION, REGISTER_RELAY_PERMISSION,
    UPDATE_RELAY_PERMISSION,
};
use crate::page::row;
use crate::{Direction, Pager, rules};

handle! {
    /// The relay permissions of the contract; made by [`SiteClient::relay_permissions`](crate::SiteClient::relay_permissions).
    ///
    /// One is told by its own connection ID, the remote one and the direction, seen from the own side.
    RelayPermissions
}

impl RelayPermissions {
    /// All relay permissions. Needs the scope *Relay Auth Settings: Get*. [The vendor's page](https://www.hulft.com/help/en-us/WebConnect-V3/HWC-SAP/Content/SiteAPI/APIDetail/RelayAuthoSetAllGet.htm).
    pub fn list(&self) -> Pager<RelayPermission> {
        Pager::new(&self.pipeline, &LIST_RELAY_PERMISSIONS, &[])
    }

    /// The relay permissions of one connection ID. Needs the scope *Relay Auth Settings: Get*. [The vendor's page](https://www.hulft.com/help/en-us/WebConnect-V3/HWC-SAP/Content/SiteAPI/APIDetail/RelayAuthoSetConnectId.htm).
    pub fn list_of(&self, connection_id: &str) -> Pager<RelayPermission> {
        let names = [("connectionId", connection_id)];
        Pager::new(&self.pipeline, &LIST_RELAY_PERMISSIONS_BY_CONNECTION, &names)
    }

    /// The relay permissions of one connection ID in one direction. Needs the scope *Relay Auth Settings: Get*.
    /// [The vendor's page](https://www.hulft.com/help/en-us/WebConnect-V3/HWC-SAP/Content/SiteAPI/APIDetail/RelayAuthoSetTransfer.htm).
    pub fn list_of_direction(&self, connection_id: &str, direction: &Direction) -> Pager<RelayPermission> {
        let names = [("connectionId", connection_id), ("direction", direction.as_str())];
        Pager::new(&self.pipeline, &LIST_RELAY_PERMISSIONS_BY_DIRECTION, &names)
    }

    /// One relay permission; `None` if there is none. Needs the scope *Relay Auth Settings: Get*. [The vendor's page](https://www.hulft.com/help/en-us/WebConnect-V3/HWC-SAP/Content/SiteAPI/APIDetail/RelayAuthoSet1Get.htm).
    pub fn get(
        &self,
        connection_id: &str,
        remote_connection_id: &str,
        direction: &Direction,
    ) -> GetRelayPermission {
        let names = names(connection_id, remote_connection_id, direction);
        GetRelayPermission { call: Call::new(&self.pipeline, &GET_RELAY_PERMISSION, &names, one_of_list) }
    }

    /// Registers a relay permission between two connection IDs that exist. Needs the scope *Relay Auth Settings: Create*.
    /// The answer's `Location` header names it. [The vendor's page](https://www.hulft.com/help/en-us/WebConnect-V3/HWC-SAP/Content/SiteAPI/APIDetail/RelayAuthoSetRegistration.htm).
    ///
    /// # Errors
    ///
    /// Code `E300003` for data that is registered already. Not repeated when its outcome is unknown.
    pub fn register(
        &self,
        connection_id: impl Into<String>,
        remote_connection_id: impl Into<String>,
        direction: Direction,
    ) -> RegisterRelayPermission {
        let (own, remote) = (connection_id.into(), remote_connection_id.into());
        let mut call = Call::new(&self.pipeline, &REGISTER_RELAY_PERMISSION, &[], read::json);
        call.check(rules::required("connection id", &own));
        call.check(rules::required("remote connection id", &remote));
        call.check(rules::required("direction", direction.as_str()));
        let (connection_id, remote_connection_id, direction) = (Some(own), Some(remote), Some(direction));
        let body = Changes { connection_id, remote_connection_id, direction, ..Changes::default() };
        RegisterRelayPermission { call: call.with_body(body) }
    }

    /// Changes a relay permission: what is not set stays as it is. Needs the scope *Relay Auth Settings: Update*.
    /// [The vendor's page](https://www.hulft.com/help/en-us/WebConnect-V3/HWC-SAP/Content/SiteAPI/APIDetail/RelayAuthoSetUpdate.htm).
    pub fn update(
        &self,
        connection_id: &str,
        remote_connection_id: &str,
        direction: &Direction,
    ) -> UpdateRelayPermission {
        let names = names(connection_id, remote_connection_id, direction);
        let call = Call::new(&self.pipeline, &UPDATE_RELAY_PERMISSION, &names, read::json);
        UpdateRelayPermission { call: call.with_body(Changes::default()) }
    }

    /// Deletes a relay permission. Needs the scope *Relay Auth Settings: Delete*. [The vendor's page](https://www.hulft.com/help/en-us/WebConnect-V3/HWC-SAP/Content/SiteAPI/APIDetail/RelayAuthoSetDelete.htm).
    pub fn delete(
        &self,
        connection_id: &str,
        remote_connection_id: &str,
        direction: &Direction,
    ) -> DeleteRelayPermission {
        let names = names(connection_id, remote_connection_id, direction);
        let call = Call::new(&self.pipeline, &DELETE_RELAY_PERMISSION, &names, read::unit);
        DeleteRelayPermission { call }
    }
}

fn names<'a>(own: &'a str, remote: &'a str, direction: &'a Direction) -> [(&'static str, &'a str); 3] {
    [("connectionId", own), ("remoteConnectionId", remote), ("direction", direction.as_str())]
}

/// A relay permission.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "camelCase", default)]
#[non_exhaustive]
pub struct RelayPermission {
    /// The connection ID of the own side.
    #[serde(deserialize_with = "or_default")]
    pub connection_id: String,
    /// The connection ID of the other side.
    #[serde(deserialize_with = "or_default")]
    pub remote_connection_id: String,
    /// Which way files may go, seen from the own side.
    pub direction: Direction,
    /// Whether it is in force.
    #[serde(deserialize_with = "boolean", serialize_with = "boolean_as_text")]
    pub enabled: bool,
    /// A note.
    #[serde(deserialize_with = "or_default")]
    pub memo: String,
}

row!(RelayPermission, "permission");

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
    /// Reads one relay permission; made by [`RelayPermissions::get`].
    GetRelayPermission => Option<RelayPermission>
}

request! {
    /// Registers a relay permission; made by [`RelayPermissions::register`].
    RegisterRelayPermission => RelayPermission, Changes
}

request! {
    /// Changes a relay permission; made by [`RelayPermissions::update`].
    UpdateRelayPermission => RelayPermission, Changes
}

request! {
    /// Deletes a relay permission; made by [`RelayPermissions::delete`].
    DeleteRelayPermission => ()
}

macro_rules! setters {
    ($builder:ty) => {
        impl $builder {
            /// Says whether it is in force. Default of a registration: false.
            pub fn enabled(mut self, enabled: bool) -> Self {
                self.call.body.enabled = Some(enabled);
                self
            }

            /// Sets the note. Default of a registration: blank.
            pub fn memo(mut self, memo: impl Into<String>) -> Self {
                self.call.body.memo = Some(memo.into());
                self
            }
        }
    };
}

setters!(RegisterRelayPermission);
setters!(UpdateRelayPermission);
