//! Connection settings: connection IDs, with which agents, programs, browsers and D-Clients connect to the service.

use serde::{Deserialize, Serialize, Serializer};
use service_core::read;

use crate::call::{Body, Call, handle, one, request};
use crate::lenient::or_default;
use crate::operations::{
    DELETE_CONNECTION, GET_CONNECTION, LIST_CONNECTIONS, REGISTER_CONNECTION, UPDATE_CONNECTION,
};
use crate::page::row;
use crate::{ClientType, Error, Pager, Result, Secret, rules};

handle! {
    /// The connection settings of the contract; made by [`SiteClient::connections`](crate::SiteClient::connections).
    Connections
}

impl Connections {
    /// All connection settings; the page's `limit` says how many there may be. Needs the scope *Connection Settings: Get*.
    /// [The vendor's page](https://www.hulft.com/help/en-us/WebConnect-V3/HWC-SAP/Content/SiteAPI/APIDetail/ConnectSetAllGet.htm).
    pub fn list(&self) -> Pager<Connection> {
        Pager::new(&self.pipeline, &LIST_CONNECTIONS, &[])
    }

    /// One connection setting; `None` if there is none. Needs the scope *Connection Settings: Get*. [The vendor's page](https://www.hulft.com/help/en-us/WebConnect-V3/HWC-SAP/Content/SiteAPI/APIDetail/ConnectSetConnectId.htm).
    pub fn get(&self, connection_id: &str) -> GetConnection {
        let names = [("connectionId", connection_id)];
        GetConnection { call: Call::new(&self.pipeline, &GET_CONNECTION, &names, one) }
    }

    /// Registers a connection ID. Needs the scope *Connection Settings: Create*. The answer's `Location` header names it.
    /// [The vendor's page](https://www.hulft.com/help/en-us/WebConnect-V3/HWC-SAP/Content/SiteAPI/APIDetail/ConnectSetRegistration.htm).
    ///
    /// The ID has 1 to 16 characters (agents and the CLI take letters, digits, `-` and `.` only) and is unique across all
    /// contracts of the service; the password has 8 to 256 characters and is never given back; some combinations of client
    /// types are refused when files are transferred.
    ///
    /// # Errors
    ///
    /// Code `E300003` for data that is registered already. Not repeated when its outcome is unknown.
    pub fn register(
        &self,
        connection_id: impl Into<String>,
        password: impl Into<Secret>,
        client_types: impl IntoIterator<Item = ClientType>,
    ) -> RegisterConnection {
        let connection_id = connection_id.into();
        let mut call = Call::new(&self.pipeline, &REGISTER_CONNECTION, &[], read::json);
        call.check(rules::length("connection id", &connection_id, 1, 16));
        let body = Changes { connection_id: Some(connection_id), ..Changes::default() };
        RegisterConnection { call: call.with_body(body) }.secured(password.into()).used_by(client_types)
    }

    /// Changes a connection setting: what is not set stays as it is. Needs the scope *Connection Settings: Update*.
    /// [The vendor's page](https://www.hulft.com/help/en-us/WebConnect-V3/HWC-SAP/Content/SiteAPI/APIDetail/ConnectSetUpdate.htm).
    pub fn update(&self, connection_id: &str) -> UpdateConnection {
        let names = [("connectionId", connection_id)];
        let call = Call::new(&self.pipeline, &UPDATE_CONNECTION, &names, read::json);
        UpdateConnection { call: call.with_body(Changes::default()) }
    }

    /// Deletes a connection setting. Needs the scope *Connection Settings: Delete*.
    ///
    /// **Its relay permissions and browser-transfer definitions are deleted with it.** [The vendor's page](https://www.hulft.com/help/en-us/WebConnect-V3/HWC-SAP/Content/SiteAPI/APIDetail/ConnectSetDelete.htm).
    pub fn delete(&self, connection_id: &str) -> DeleteConnection {
        let names = [("connectionId", connection_id)];
        DeleteConnection { call: Call::new(&self.pipeline, &DELETE_CONNECTION, &names, read::unit) }
    }
}

/// A connection setting. Its password is never given out.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "camelCase", default)]
#[non_exhaustive]
pub struct Connection {
    /// Connection ID, unique across the whole service.
    #[serde(deserialize_with = "or_default")]
    pub connection_id: String,
    /// What may use it.
    #[serde(rename = "connectableClientType", deserialize_with = "or_default")]
    pub client_types: Vec<ClientType>,
    /// The IP filter group that it is in.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ip_filter_group_name: Option<String>,
    /// A note.
    #[serde(deserialize_with = "or_default")]
    pub memo: String,
}

row!(Connection, "definitions", limit "connectionIdLimit");

#[derive(Default, Serialize)]
#[serde(rename_all = "camelCase")]
struct Changes {
    #[serde(skip_serializing_if = "Option::is_none")]
    connection_id: Option<String>,
    #[serde(rename = "passwd", skip_serializing_if = "Option::is_none", serialize_with = "exposed")]
    password: Option<Secret>,
    #[serde(rename = "connectableClientType", skip_serializing_if = "Option::is_none")]
    client_types: Option<Vec<ClientType>>,
    /// `Some(None)` is null, which releases it from its group; left out, it stays.
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
                let rule = "is not allowed where the only client type is `hwc_browser`";
                Err(Error::invalid_input("IP filter group", rule, Some(name)))
            }
            _ => Ok(()),
        }
    }
}

/// The one place where a password is written: into the body that is sent.
fn exposed<S: Serializer>(password: &Option<Secret>, serializer: S) -> std::result::Result<S::Ok, S::Error> {
    password.as_ref().map(Secret::expose).serialize(serializer)
}

request! {
    /// Reads one connection setting; made by [`Connections::get`].
    GetConnection => Option<Connection>
}

request! {
    /// Registers a connection ID; made by [`Connections::register`].
    RegisterConnection => Connection, Changes
}

request! {
    /// Changes a connection setting; made by [`Connections::update`].
    UpdateConnection => Connection, Changes
}

request! {
    /// Deletes a connection setting; made by [`Connections::delete`].
    DeleteConnection => ()
}

macro_rules! setters {
    ($builder:ty) => {
        impl $builder {
            /// Puts it into this IP filter group: 1 to 32 letters, digits, `.` and `-`. Not allowed where the only client
            /// type is `hwc_browser`. Default of a registration: none.
            pub fn ip_filter_group(mut self, name: impl Into<String>) -> Self {
                let name = name.into();
                self.call.check(rules::name("IP filter group", &name));
                self.call.body.ip_filter_group_name = Some(Some(name));
                self
            }

            /// Sets the note: at most 256 characters. Default of a registration: blank.
            pub fn memo(mut self, memo: impl Into<String>) -> Self {
                let memo = memo.into();
                self.call.check(rules::memo(&memo));
                self.call.body.memo = Some(memo);
                self
            }

            fn secured(mut self, password: Secret) -> Self {
                self.call.check(rules::password(&password));
                self.call.body.password = Some(password);
                self
            }

            fn used_by(mut self, types: impl IntoIterator<Item = ClientType>) -> Self {
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
    /// Changes the password: 8 to 256 characters.
    pub fn password(self, password: impl Into<Secret>) -> Self {
        self.secured(password.into())
    }

    /// Changes what may use it. Only `hwc_browser` makes an IP filter group without effect.
    pub fn client_types(self, types: impl IntoIterator<Item = ClientType>) -> Self {
        self.used_by(types)
    }

    /// Takes it out of its IP filter group.
    pub fn clear_ip_filter_group(mut self) -> Self {
        self.call.body.ip_filter_group_name = Some(None);
        self
    }
}
