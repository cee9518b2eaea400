//! D-Client definitions: the HULFT variant that partners run.

use serde::{Deserialize, Serialize};
use service_core::read;

use crate::call::{Body, Call, handle, one, request};
use crate::lenient::{boolean, open_values, or_default};
use crate::operations::{
    DELETE_DCLIENT, GET_DCLIENT, LIST_DCLIENTS, REGISTER_DCLIENT, REQUEST_DCLIENT_MAIL, UPDATE_DCLIENT,
};
use crate::page::row;
use crate::{AccountLink, Pager, rules};

/// The path's name for the ID.
const ID: &str = "dclientUuid";

handle! {
    /// The D-Client definitions of the contract; made by [`SiteClient::dclients`](crate::SiteClient::dclients). The vendor
    /// documents no scope for any of their operations.
    ///
    /// They are told apart by [`DClient::id`], 32 alphanumerics, not by [`DClient::dclient_id`].
    DClients
}

impl DClients {
    /// All D-Client definitions; the page's `limit` says how many there may be. [The vendor's page](https://www.hulft.com/help/en-us/WebConnect-V3/HWC-SAP/Content/SiteAPI/APIDetail/DClientListGet.htm).
    pub fn list(&self) -> Pager<DClient> {
        Pager::new(&self.pipeline, &LIST_DCLIENTS, &[])
    }

    /// One D-Client definition; `None` if there is none. [The vendor's page](https://www.hulft.com/help/en-us/WebConnect-V3/HWC-SAP/Content/SiteAPI/APIDetail/DClient1Get.htm).
    pub fn get(&self, id: &str) -> GetDClient {
        let mut call = Call::new(&self.pipeline, &GET_DCLIENT, &[(ID, id)], one);
        call.check(rules::uuid("D-Client uuid", id));
        GetDClient { call }
    }

    /// Registers a D-Client that uses this connection ID. [The vendor's page](https://www.hulft.com/help/en-us/WebConnect-V3/HWC-SAP/Content/SiteAPI/APIDetail/DClienRegistration.htm).
    ///
    /// # Errors
    ///
    /// Code `E300003` for data that is registered already. Not repeated when its outcome is unknown.
    pub fn register(
        &self,
        dclient_id: impl Into<String>,
        connection_id: impl Into<String>,
    ) -> RegisterDClient {
        let dclient_id = dclient_id.into();
        let mut call = Call::new(&self.pipeline, &REGISTER_DCLIENT, &[], read::json);
        call.check(rules::required("D-Client id", &dclient_id));
        let body = Changes { dclient_id: Some(dclient_id), ..Changes::default() };
        RegisterDClient { call: call.with_body(body) }.connected_by(connection_id.into())
    }

    /// Changes a D-Client definition: what is not set stays as it is. [The vendor's page](https://www.hulft.com/help/en-us/WebConnect-V3/HWC-SAP/Content/SiteAPI/APIDetail/DClienUpdate.htm).
    pub fn update(&self, id: &str) -> UpdateDClient {
        let mut call = Call::new(&self.pipeline, &UPDATE_DCLIENT, &[(ID, id)], read::json);
        call.check(rules::uuid("D-Client uuid", id));
        UpdateDClient { call: call.with_body(Changes::default()) }
    }

    /// Deletes a D-Client definition. [The vendor's page](https://www.hulft.com/help/en-us/WebConnect-V3/HWC-SAP/Content/SiteAPI/APIDetail/DClientDelete.htm).
    pub fn delete(&self, id: &str) -> DeleteDClient {
        let mut call = Call::new(&self.pipeline, &DELETE_DCLIENT, &[(ID, id)], read::unit);
        call.check(rules::uuid("D-Client uuid", id));
        DeleteDClient { call }
    }

    /// Mails the guide on how to use D-Client to the account that it is linked to. Not repeated when its outcome is unknown.
    /// [The vendor's page](https://www.hulft.com/help/en-us/WebConnect-V3/HWC-SAP/Content/SiteAPI/APIDetail/DClientMailRequest.htm).
    pub fn request_mail(&self, id: &str) -> RequestDClientMail {
        let mut call = Call::new(&self.pipeline, &REQUEST_DCLIENT_MAIL, &[(ID, id)], read::unit);
        call.check(rules::uuid("D-Client uuid", id));
        RequestDClientMail { call }
    }
}

/// A D-Client definition.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "camelCase", default)]
#[non_exhaustive]
pub struct DClient {
    /// The definition's UUID: what the operations take.
    #[serde(deserialize_with = "or_default")]
    pub id: String,
    /// D-Client ID.
    #[serde(deserialize_with = "or_default")]
    pub dclient_id: String,
    /// The connection ID that it uses.
    #[serde(deserialize_with = "or_default")]
    pub connection_id: String,
    /// The account that it is linked to.
    pub account: Option<AccountLink>,
    /// A note.
    #[serde(deserialize_with = "or_default")]
    pub memo: String,
    /// Whether it can be used.
    #[serde(rename = "useable", deserialize_with = "boolean")]
    pub usable: bool,
    /// The version of its program, such as `1.0.0`.
    #[serde(deserialize_with = "or_default")]
    pub client_version: String,
    /// Whether it is connected.
    pub connection_status: ConnectionStatus,
}

row!(DClient, "dclients");

open_values! {
    /// Whether a D-Client is connected.
    ConnectionStatus, Serialize::serialize, {
        /// It is.
        Online = "online",
        /// It is not.
        Offline = "offline",
    }
}

#[derive(Default, Serialize)]
#[serde(rename_all = "camelCase")]
struct Changes {
    #[serde(skip_serializing_if = "Option::is_none")]
    dclient_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    connection_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    account_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    memo: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    useable: Option<bool>,
}

impl Body for Changes {}

request! {
    /// Reads one D-Client definition; made by [`DClients::get`].
    GetDClient => Option<DClient>
}

request! {
    /// Registers a D-Client; made by [`DClients::register`].
    RegisterDClient => DClient, Changes
}

request! {
    /// Changes a D-Client definition; made by [`DClients::update`].
    UpdateDClient => DClient, Changes
}

request! {
    /// Deletes a D-Client definition; made by [`DClients::delete`].
    DeleteDClient => ()
}

request! {
    /// Mails the guide on how to use D-Client; made by [`DClients::request_mail`].
    RequestDClientMail => ()
}

macro_rules! setters {
    ($builder:ty) => {
        impl $builder {
            /// Links it to this account, by its ID. Default of a registration: none.
            pub fn account(mut self, account_id: impl Into<String>) -> Self {
                let id = account_id.into();
                self.call.check(rules::required("account id", &id));
                self.call.body.account_id = Some(id);
                self
            }

            /// Sets the note. Default of a registration: blank.
            pub fn memo(mut self, memo: impl Into<String>) -> Self {
                self.call.body.memo = Some(memo.into());
                self
            }

            /// Says whether it can be used. **A registration with `true` takes one D-Client licence.** Default of a
            /// registration: false.
            pub fn usable(mut self, usable: bool) -> Self {
                self.call.body.useable = Some(usable);
                self
            }

            fn connected_by(mut self, connection_id: String) -> Self {
                self.call.check(rules::required("connection id", &connection_id));
                self.call.body.connection_id = Some(connection_id);
                self
            }
        }
    };
}

setters!(RegisterDClient);
setters!(UpdateDClient);

impl UpdateDClient {
    /// Changes the connection ID that it uses.
    pub fn connection_id(self, connection_id: impl Into<String>) -> Self {
        self.connected_by(connection_id.into())
    }

    /// Takes its account away, by an empty account ID: as the vendor documents it for browser-transfer groups, and not for
    /// D-Clients.
    pub fn clear_account(mut self) -> Self {
        self.call.body.account_id = Some(String::new());
        self
    }
}
