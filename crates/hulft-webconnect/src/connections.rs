//! Connection settings: the connection IDs with which agents, programs, browsers and D-Clients connect to the service.

use serde::{Deserialize, Serialize, Serializer};

use crate::call::{Body, Call, handle, request};
use crate::lenient::{optional_text, text, texts};
use crate::operations::{
    DELETE_CONNECTION, GET_CONNECTION, LIST_CONNECTIONS, REGISTER_CONNECTION, UPDATE_CONNECTION,
};
use crate::page::row;
use crate::{ClientType, Error, Pager, Result, Secret, read, rules};

handle! {
    /// Manages the connection settings of the contract. Created by
    /// [`SiteClient::connections`](crate::SiteClient::connections).
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
    /// site.connections().register("partner-a", "a long password", [ClientType::Hulft]).memo("new in May").await?;
    /// site.connections().update("partner-a").password("an even longer password").await?;
    ///
    /// let connection = site.connections().get("partner-a").await?.expect("partner-a was registered");
    /// assert_eq!(connection.memo, "new in May");
    /// # Ok(()) }
    /// ```
    Connections
}

impl Connections {
    /// Lists all connection settings. [`Page::limit`](crate::Page::limit) is the maximum number of connection IDs.
    /// Requires the scope *Connection Settings: Get*.
    ///
    /// See the [vendor's documentation](https://www.hulft.com/help/en-us/WebConnect-V3/HWC-SAP/Content/SiteAPI/APIDetail/ConnectSetAllGet.htm).
    pub fn list(&self) -> Pager<Connection> {
        Pager::new(&self.pipeline, &LIST_CONNECTIONS, &[])
    }

    /// Returns the settings of a connection ID, or `None` if it does not exist. Requires the scope *Connection
    /// Settings: Get*.
    ///
    /// See the [vendor's documentation](https://www.hulft.com/help/en-us/WebConnect-V3/HWC-SAP/Content/SiteAPI/APIDetail/ConnectSetConnectId.htm).
    pub fn get(&self, connection_id: &str) -> GetConnection {
        let segments = [("connectionId", connection_id)];
        GetConnection { call: Call::new(&self.pipeline, &GET_CONNECTION, &segments, read::one) }
    }

    /// Registers a connection ID. Requires the scope *Connection Settings: Create*.
    ///
    /// An ID has 1 to 16 characters and is unique across all contracts of the service. Agents and the CLI accept only
    /// letters, digits, `-` and `.`. A password has 8 to 256 characters and is never returned by the service. The
    /// service rejects some combinations of client types when files are transferred. The `Location` header of the
    /// response contains the path of the connection setting. A registration whose outcome is unknown is not retried.
    ///
    /// # Errors
    ///
    /// Returns an error with code `E300003` if the connection ID is already registered.
    ///
    /// See the [vendor's documentation](https://www.hulft.com/help/en-us/WebConnect-V3/HWC-SAP/Content/SiteAPI/APIDetail/ConnectSetRegistration.htm).
    pub fn register(
        &self,
        connection_id: impl Into<String>,
        password: impl Into<Secret>,
        client_types: impl IntoIterator<Item = ClientType>,
    ) -> RegisterConnection {
        let connection_id = connection_id.into();
        let mut call = Call::new(&self.pipeline, &REGISTER_CONNECTION, &[], read::change);
        call.check(rules::length("connection id", &connection_id, 1, 16));
        let body = Changes { connection_id: Some(connection_id), ..Changes::default() };
        RegisterConnection { call: call.with_body(body) }
            .with_password(password.into())
            .with_client_types(client_types)
    }

    /// Updates a connection setting. Values that are not set remain unchanged. Requires the scope *Connection Settings:
    /// Update*.
    ///
    /// See the [vendor's documentation](https://www.hulft.com/help/en-us/WebConnect-V3/HWC-SAP/Content/SiteAPI/APIDetail/ConnectSetUpdate.htm).
    pub fn update(&self, connection_id: &str) -> UpdateConnection {
        let segments = [("connectionId", connection_id)];
        let call = Call::new(&self.pipeline, &UPDATE_CONNECTION, &segments, read::change);
        UpdateConnection { call: call.with_body(Changes::default()) }
    }

    /// Deletes a connection setting. Requires the scope *Connection Settings: Delete*.
    ///
    /// **This also deletes its relay permissions and browser-transfer definitions.**
    ///
    /// See the [vendor's documentation](https://www.hulft.com/help/en-us/WebConnect-V3/HWC-SAP/Content/SiteAPI/APIDetail/ConnectSetDelete.htm).
    pub fn delete(&self, connection_id: &str) -> DeleteConnection {
        let segments = [("connectionId", connection_id)];
        DeleteConnection { call: Call::new(&self.pipeline, &DELETE_CONNECTION, &segments, read::done) }
    }
}

/// Describes a connection setting. It does not contain the password, which the service never returns.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "camelCase", default)]
#[non_exhaustive]
pub struct Connection {
    /// The connection ID, which is unique across the whole service.
    #[serde(deserialize_with = "text")]
    pub connection_id: String,
    /// The client types that may use the connection ID.
    #[serde(rename = "connectableClientType", deserialize_with = "texts")]
    pub client_types: Vec<ClientType>,
    /// The IP filter group that the connection ID belongs to.
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "optional_text")]
    pub ip_filter_group_name: Option<String>,
    /// The note that was set for the connection ID.
    #[serde(deserialize_with = "text")]
    pub memo: String,
}

row!(Connection, "definitions", required { connection_id: "connectionId" }, limit "connectionIdLimit");

#[derive(Default, Serialize)]
#[serde(rename_all = "camelCase")]
struct Changes {
    #[serde(skip_serializing_if = "Option::is_none")]
    connection_id: Option<String>,
    #[serde(rename = "passwd", skip_serializing_if = "Option::is_none", serialize_with = "exposed")]
    password: Option<Secret>,
    #[serde(rename = "connectableClientType", skip_serializing_if = "Option::is_none")]
    client_types: Option<Vec<ClientType>>,
    /// `Some(None)` is sent as null, which removes the connection from its group. `None` is omitted and changes
    /// nothing.
    #[serde(skip_serializing_if = "Option::is_none")]
    ip_filter_group_name: Option<Option<String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    memo: Option<String>,
}

impl Body for Changes {
    fn check(&self) -> Result<()> {
        let browser_only = self.client_types.as_deref() == Some(&[ClientType::Browser]);
        match &self.ip_filter_group_name {
            Some(Some(name)) if browser_only => {
                let rule = "is not allowed if `hwc_browser` is the only client type";
                Err(Error::invalid_input("IP filter group", rule, Some(name)))
            }
            _ => Ok(()),
        }
    }
}

/// Writes the password into the request body. Nothing else exposes it.
fn exposed<S: Serializer>(password: &Option<Secret>, serializer: S) -> std::result::Result<S::Ok, S::Error> {
    password.as_ref().map(Secret::expose).serialize(serializer)
}

request! {
    /// A request that reads a connection setting, created by [`Connections::get`].
    GetConnection => Option<Connection>
}

request! {
    /// A request that registers a connection ID, created by [`Connections::register`].
    ///
    /// It returns the new values, or `None` if the response has no body.
    RegisterConnection => Option<Connection>, Changes
}

request! {
    /// A request that updates a connection setting, created by [`Connections::update`].
    ///
    /// It returns the new values, or `None` if the response has no body.
    UpdateConnection => Option<Connection>, Changes
}

request! {
    /// A request that deletes a connection setting, created by [`Connections::delete`].
    DeleteConnection => ()
}

macro_rules! setters {
    ($builder:ty) => {
        impl $builder {
            /// Assigns the connection ID to an IP filter group. Its name has 1 to 32 letters, digits, `.` and `-`. Not
            /// allowed if `hwc_browser` is the only client type. Default for a registration: no group.
            pub fn ip_filter_group(mut self, name: impl Into<String>) -> Self {
                let name = name.into();
                self.call.check(rules::name("IP filter group", &name));
                self.call.body.ip_filter_group_name = Some(Some(name));
                self
            }

            /// Sets a note of at most 256 characters. Default for a registration: an empty note.
            pub fn memo(mut self, memo: impl Into<String>) -> Self {
                let memo = memo.into();
                self.call.check(rules::memo(&memo));
                self.call.body.memo = Some(memo);
                self
            }

            fn with_password(mut self, password: Secret) -> Self {
                self.call.check(rules::password(&password));
                self.call.body.password = Some(password);
                self
            }

            fn with_client_types(mut self, types: impl IntoIterator<Item = ClientType>) -> Self {
                let types: Vec<_> = types.into_iter().collect();
                self.call.check(rules::entries("client types", types.len(), 1, usize::MAX));
                self.call.body.client_types = Some(types);
                self
            }
        }
    };
}

setters!(RegisterConnection);
setters!(UpdateConnection);

impl UpdateConnection {
    /// Changes the password. A password has 8 to 256 characters.
    pub fn password(self, password: impl Into<Secret>) -> Self {
        self.with_password(password.into())
    }

    /// Changes the client types that may use the connection ID. An IP filter group has no effect if `hwc_browser` is
    /// the only one.
    pub fn client_types(self, types: impl IntoIterator<Item = ClientType>) -> Self {
        self.with_client_types(types)
    }

    /// Removes the connection ID from its IP filter group.
    pub fn clear_ip_filter_group(mut self) -> Self {
        self.call.body.ip_filter_group_name = Some(None);
        self
    }
}
