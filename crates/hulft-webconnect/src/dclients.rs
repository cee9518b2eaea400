//! D-Client definitions. D-Client is the HULFT variant that partners run.

use serde::{Deserialize, Serialize};

use crate::call::{Body, Call, handle, request};
use crate::lenient::{boolean, open_values, text};
use crate::operations::{
    DELETE_DCLIENT, GET_DCLIENT, LIST_DCLIENTS, REGISTER_DCLIENT, REQUEST_DCLIENT_MAIL, UPDATE_DCLIENT,
};
use crate::page::row;
use crate::{AccountLink, Pager, read, rules};

/// Names the path segment that contains the ID.
const ID: &str = "dclientUuid";

handle! {
    /// Manages the D-Client definitions of the contract. Created by
    /// [`SiteClient::dclients`](crate::SiteClient::dclients).
    ///
    /// A definition is identified by [`DClient::id`], which has 32 letters and digits, not by [`DClient::dclient_id`].
    /// The vendor does not document a scope for any of these operations.
    ///
    /// # Examples
    ///
    /// ```
    /// use hulft_webconnect::ClientType;
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), hulft_webconnect::BoxError> {
    /// # let emulator = service_emulator::Emulator::start().await?;
    /// # let builder = hulft_webconnect::SiteClient::builder(emulator.hulft().api_key());
    /// # let site = builder.endpoint(emulator.endpoint()).build()?;
    /// site.connections().register("partner-a", "a long password", [ClientType::DClient]).await?;
    /// let account = site.accounts().register("someone@example.com").await?.ok_or("no body")?;
    ///
    /// let dclient = site.dclients().register("desk", "partner-a").account(&account.id).usable(true).await?.ok_or("no body")?;
    /// site.dclients().request_mail(&dclient.id).await?;
    /// # Ok(()) }
    /// ```
    DClients
}

impl DClients {
    /// Lists all D-Client definitions. [`Page::limit`](crate::Page::limit) is the maximum number of definitions.
    ///
    /// See the [vendor's documentation](https://www.hulft.com/help/en-us/WebConnect-V3/HWC-SAP/Content/SiteAPI/APIDetail/DClientListGet.htm).
    pub fn list(&self) -> Pager<DClient> {
        Pager::new(&self.pipeline, &LIST_DCLIENTS, &[])
    }

    /// Returns the D-Client definition with this [`id`](DClient::id), or `None` if it does not exist.
    ///
    /// See the [vendor's documentation](https://www.hulft.com/help/en-us/WebConnect-V3/HWC-SAP/Content/SiteAPI/APIDetail/DClient1Get.htm).
    pub fn get(&self, id: &str) -> GetDClient {
        let mut call = Call::new(&self.pipeline, &GET_DCLIENT, &[(ID, id)], read::one);
        call.check(rules::uuid("D-Client uuid", id));
        GetDClient { call }
    }

    /// Registers a D-Client that uses this connection ID. A registration whose outcome is unknown is not retried.
    ///
    /// # Errors
    ///
    /// Returns an error with code `E300003` if the D-Client is already registered.
    ///
    /// See the [vendor's documentation](https://www.hulft.com/help/en-us/WebConnect-V3/HWC-SAP/Content/SiteAPI/APIDetail/DClienRegistration.htm).
    pub fn register(
        &self,
        dclient_id: impl Into<String>,
        connection_id: impl Into<String>,
    ) -> RegisterDClient {
        let dclient_id = dclient_id.into();
        let mut call = Call::new(&self.pipeline, &REGISTER_DCLIENT, &[], read::change);
        call.check(rules::required("D-Client id", &dclient_id));
        let body = Changes { dclient_id: Some(dclient_id), ..Changes::default() };
        RegisterDClient { call: call.with_body(body) }.with_connection_id(connection_id.into())
    }

    /// Updates a D-Client definition. Values that are not set remain unchanged.
    ///
    /// See the [vendor's documentation](https://www.hulft.com/help/en-us/WebConnect-V3/HWC-SAP/Content/SiteAPI/APIDetail/DClienUpdate.htm).
    pub fn update(&self, id: &str) -> UpdateDClient {
        let mut call = Call::new(&self.pipeline, &UPDATE_DCLIENT, &[(ID, id)], read::change);
        call.check(rules::uuid("D-Client uuid", id));
        UpdateDClient { call: call.with_body(Changes::default()) }
    }

    /// Deletes a D-Client definition.
    ///
    /// See the [vendor's documentation](https://www.hulft.com/help/en-us/WebConnect-V3/HWC-SAP/Content/SiteAPI/APIDetail/DClientDelete.htm).
    pub fn delete(&self, id: &str) -> DeleteDClient {
        let mut call = Call::new(&self.pipeline, &DELETE_DCLIENT, &[(ID, id)], read::done);
        call.check(rules::uuid("D-Client uuid", id));
        DeleteDClient { call }
    }

    /// Mails the D-Client user guide to the linked account. A request whose outcome is unknown is not retried.
    ///
    /// See the [vendor's documentation](https://www.hulft.com/help/en-us/WebConnect-V3/HWC-SAP/Content/SiteAPI/APIDetail/DClientMailRequest.htm).
    pub fn request_mail(&self, id: &str) -> RequestDClientMail {
        let mut call = Call::new(&self.pipeline, &REQUEST_DCLIENT_MAIL, &[(ID, id)], read::done);
        call.check(rules::uuid("D-Client uuid", id));
        RequestDClientMail { call }
    }
}

/// Describes a D-Client definition.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "camelCase", default)]
#[non_exhaustive]
pub struct DClient {
    /// The UUID of the definition, which identifies it in all operations.
    #[serde(deserialize_with = "text")]
    pub id: String,
    /// The D-Client ID that the definition was registered with.
    #[serde(deserialize_with = "text")]
    pub dclient_id: String,
    /// The connection ID that the D-Client uses.
    #[serde(deserialize_with = "text")]
    pub connection_id: String,
    /// The account that the D-Client is linked to.
    pub account: Option<AccountLink>,
    /// The note that was set for the D-Client.
    #[serde(deserialize_with = "text")]
    pub memo: String,
    /// Whether the D-Client can be used.
    #[serde(rename = "useable", deserialize_with = "boolean")]
    pub usable: bool,
    /// The version that the program reports, such as `1.0.0`.
    #[serde(deserialize_with = "text")]
    pub client_version: String,
    /// Whether the D-Client is connected.
    pub connection_status: ConnectionStatus,
}

row!(DClient, "dclients", required { id: "id" });

open_values! {
    /// Says whether a D-Client is connected.
    ConnectionStatus, Serialize::serialize, {
        /// The D-Client is connected.
        Online = "online",
        /// The D-Client is not connected.
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
    /// A request that reads a D-Client definition, created by [`DClients::get`].
    GetDClient => Option<DClient>
}

request! {
    /// A request that registers a D-Client, created by [`DClients::register`].
    ///
    /// It returns the new values, or `None` if the response has no body.
    RegisterDClient => Option<DClient>, Changes
}

request! {
    /// A request that updates a D-Client definition, created by [`DClients::update`].
    ///
    /// It returns the new values, or `None` if the response has no body.
    UpdateDClient => Option<DClient>, Changes
}

request! {
    /// A request that deletes a D-Client definition, created by [`DClients::delete`].
    DeleteDClient => ()
}

request! {
    /// A request that mails the guide on how to use D-Client, created by [`DClients::request_mail`].
    RequestDClientMail => ()
}

macro_rules! setters {
    ($builder:ty) => {
        impl $builder {
            /// Links the D-Client to an account, identified by its ID. Default for a registration: no account.
            pub fn account(mut self, account_id: impl Into<String>) -> Self {
                let id = account_id.into();
                self.call.check(rules::required("account id", &id));
                self.call.body.account_id = Some(id);
                self
            }

            /// Sets the note. Default for a registration: an empty note.
            pub fn memo(mut self, memo: impl Into<String>) -> Self {
                self.call.body.memo = Some(memo.into());
                self
            }

            /// Sets whether the D-Client can be used. **A registration with `true` consumes one D-Client license.**
            /// Default for a registration: `false`.
            pub fn usable(mut self, usable: bool) -> Self {
                self.call.body.useable = Some(usable);
                self
            }

            fn with_connection_id(mut self, connection_id: String) -> Self {
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
    /// Changes the connection ID that the D-Client uses.
    pub fn connection_id(self, connection_id: impl Into<String>) -> Self {
        self.with_connection_id(connection_id.into())
    }

    /// Removes the link to the account.
    ///
    /// This sends an empty account ID, which the vendor documents for browser-transfer groups but not for D-Clients.
    pub fn clear_account(mut self) -> Self {
        self.call.body.account_id = Some(String::new());
        self
    }
}
