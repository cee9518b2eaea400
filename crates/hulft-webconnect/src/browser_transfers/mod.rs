//! Browser-transfer definitions, both directions: what they have in common is how their sides are set.

mod browser_to_hulft;
mod hulft_to_browser;

use serde::Serialize;

pub use browser_to_hulft::{
    BrowserToHulft, BrowserToHulftBrowser, BrowserToHulftDefinition, BrowserToHulftHost,
    DeleteBrowserToHulft, GetBrowserToHulft, RegisterBrowserToHulft, UpdateBrowserToHulft,
};
pub use hulft_to_browser::{
    DeleteHulftToBrowser, GetHulftToBrowser, HulftToBrowser, HulftToBrowserBrowser, HulftToBrowserDefinition,
    HulftToBrowserHost, RegisterHulftToBrowser, UpdateHulftToBrowser,
};

use crate::Result;
use crate::call::Body;
use crate::lenient::optional_boolean_as_text;
use crate::rules;

/// The browser's side of a definition that is registered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BrowserSide {
    connection_id: String,
    agent_id: String,
}

impl BrowserSide {
    /// A registered connection ID, and an agent ID of at most 25 characters.
    pub fn new(connection_id: impl Into<String>, agent_id: impl Into<String>) -> Self {
        Self { connection_id: connection_id.into(), agent_id: agent_id.into() }
    }
}

/// The HULFT host's side of a definition that is registered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HulftSide {
    connection_id: String,
    agent_id: String,
    host_name: String,
}

impl HulftSide {
    /// A registered connection ID, the ID of the agent beside the host, at most 25 characters, and the host's name.
    pub fn new(
        connection_id: impl Into<String>,
        agent_id: impl Into<String>,
        host_name: impl Into<String>,
    ) -> Self {
        let (connection_id, agent_id) = (connection_id.into(), agent_id.into());
        Self { connection_id, agent_id, host_name: host_name.into() }
    }
}

/// The body of registrations and updates of both directions; each uses its part.
#[derive(Default, Serialize)]
#[serde(rename_all = "camelCase")]
struct Changes {
    #[serde(skip_serializing_if = "Option::is_none")]
    browser_to_hulft_definition_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    hulft_to_browser_definition_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    description: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    file_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    memo: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    browser: Option<BrowserChanges>,
    #[serde(skip_serializing_if = "Option::is_none")]
    hulft: Option<HulftChanges>,
}

impl Body for Changes {}

#[derive(Default, Serialize)]
#[serde(rename_all = "camelCase")]
struct BrowserChanges {
    #[serde(skip_serializing_if = "Option::is_none")]
    connection_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    agent_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none", serialize_with = "optional_boolean_as_text")]
    use_receive_file_name: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    receive_file_name: Option<String>,
}

#[derive(Default, Serialize)]
#[serde(rename_all = "camelCase")]
struct HulftChanges {
    #[serde(skip_serializing_if = "Option::is_none")]
    connection_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    agent_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    host_name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    hulft_receiving_port: Option<u16>,
    #[serde(skip_serializing_if = "Option::is_none")]
    hulft_request_acknowledge_port: Option<u16>,
    /// `msg0` to `msg5`, `msgl0` and `msgl1`.
    #[serde(flatten)]
    messages: std::collections::BTreeMap<String, String>,
}

impl Changes {
    fn registered(file_id: String, browser: BrowserSide, hulft: HulftSide) -> Self {
        let browser = BrowserChanges {
            connection_id: Some(browser.connection_id),
            agent_id: Some(browser.agent_id),
            ..BrowserChanges::default()
        };
        let hulft = HulftChanges {
            connection_id: Some(hulft.connection_id),
            agent_id: Some(hulft.agent_id),
            host_name: Some(hulft.host_name),
            ..HulftChanges::default()
        };
        Self { file_id: Some(file_id), browser: Some(browser), hulft: Some(hulft), ..Self::default() }
    }

    fn browser(&mut self) -> &mut BrowserChanges {
        self.browser.get_or_insert_default()
    }

    fn hulft(&mut self) -> &mut HulftChanges {
        self.hulft.get_or_insert_default()
    }
}

fn agent_id(id: &str) -> Result<()> {
    rules::length("agent id", id, 1, 25)
}

/// What a registration must have.
fn sides(file_id: &str, browser: &BrowserSide, hulft: &HulftSide) -> Result<()> {
    rules::required("file id", file_id)?;
    rules::required("the browser's connection id", &browser.connection_id)?;
    agent_id(&browser.agent_id)?;
    rules::required("the host's connection id", &hulft.connection_id)?;
    agent_id(&hulft.agent_id)?;
    rules::required("host name", &hulft.host_name)
}

/// What registrations and updates of both directions can set.
macro_rules! setters {
    ($builder:ty, $port:ident, $port_doc:literal) => {
        impl $builder {
            /// Sets the description. Default of a registration: blank.
            pub fn description(mut self, text: impl Into<String>) -> Self {
                self.call.body.description = Some(text.into());
                self
            }

            /// Sets the note. Default of a registration: blank.
            pub fn memo(mut self, memo: impl Into<String>) -> Self {
                self.call.body.memo = Some(memo.into());
                self
            }

            #[doc = $port_doc]
            pub fn port(mut self, port: u16) -> Self {
                self.call.check(rules::number("port", port.into(), 1, u16::MAX.into()));
                self.call.body.hulft().$port = Some(port);
                self
            }

            /// Sets the message `msg0` to `msg5`, by its number. Default of a registration: blank.
            pub fn message(self, number: u8, text: impl Into<String>) -> Self {
                self.numbered("msg", number, 5, text.into())
            }

            /// Sets the long message `msgl0` or `msgl1`, by its number. Default of a registration: blank.
            pub fn long_message(self, number: u8, text: impl Into<String>) -> Self {
                self.numbered("msgl", number, 1, text.into())
            }

            fn numbered(mut self, name: &str, number: u8, most: u8, text: String) -> Self {
                self.call.check(rules::number(name, number.into(), 0, most.into()));
                self.call.body.hulft().messages.insert(format!("{name}{number}"), text);
                self
            }
        }
    };
}

/// What updates of both directions can set besides.
macro_rules! update_setters {
    ($builder:ty) => {
        impl $builder {
            /// Changes the HULFT file ID.
            pub fn file_id(mut self, id: impl Into<String>) -> Self {
                let id = id.into();
                self.call.check(rules::required("file id", &id));
                self.call.body.file_id = Some(id);
                self
            }

            /// Changes the browser's connection ID, to a registered one.
            pub fn browser_connection_id(mut self, id: impl Into<String>) -> Self {
                let id = id.into();
                self.call.check(rules::required("the browser's connection id", &id));
                self.call.body.browser().connection_id = Some(id);
                self
            }

            /// Changes the browser's agent ID: at most 25 characters.
            pub fn browser_agent_id(mut self, id: impl Into<String>) -> Self {
                let id = id.into();
                self.call.check(agent_id(&id));
                self.call.body.browser().agent_id = Some(id);
                self
            }

            /// Changes the host's connection ID, to a registered one.
            pub fn hulft_connection_id(mut self, id: impl Into<String>) -> Self {
                let id = id.into();
                self.call.check(rules::required("the host's connection id", &id));
                self.call.body.hulft().connection_id = Some(id);
                self
            }

            /// Changes the ID of the agent beside the host: at most 25 characters.
            pub fn hulft_agent_id(mut self, id: impl Into<String>) -> Self {
                let id = id.into();
                self.call.check(agent_id(&id));
                self.call.body.hulft().agent_id = Some(id);
                self
            }

            /// Changes the host's name.
            pub fn hulft_host_name(mut self, name: impl Into<String>) -> Self {
                let name = name.into();
                self.call.check(rules::required("host name", &name));
                self.call.body.hulft().host_name = Some(name);
                self
            }
        }
    };
}

/// The host's side as it is answered; the port has another name in each direction.
macro_rules! host {
    ($(#[$doc:meta])* $name:ident, $port_name:literal, $(#[$port_doc:meta])* $port:ident) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Default, PartialEq, Eq, serde::Deserialize, serde::Serialize)]
        #[serde(rename_all = "camelCase", default)]
        #[non_exhaustive]
        pub struct $name {
            /// Connection ID.
            #[serde(deserialize_with = "or_default")]
            pub connection_id: String,
            /// The ID of the agent beside the host.
            #[serde(deserialize_with = "or_default")]
            pub agent_id: String,
            /// The host's name.
            #[serde(deserialize_with = "or_default")]
            pub host_name: String,
            $(#[$port_doc])*
            #[serde(rename = $port_name, deserialize_with = "crate::lenient::number")]
            pub port: u16,
            /// The message 0.
            #[serde(deserialize_with = "or_default")]
            pub msg0: String,
            /// The message 1.
            #[serde(deserialize_with = "or_default")]
            pub msg1: String,
            /// The message 2.
            #[serde(deserialize_with = "or_default")]
            pub msg2: String,
            /// The message 3.
            #[serde(deserialize_with = "or_default")]
            pub msg3: String,
            /// The message 4.
            #[serde(deserialize_with = "or_default")]
            pub msg4: String,
            /// The message 5.
            #[serde(deserialize_with = "or_default")]
            pub msg5: String,
            /// The long message 0.
            #[serde(deserialize_with = "or_default")]
            pub msgl0: String,
            /// The long message 1.
            #[serde(deserialize_with = "or_default")]
            pub msgl1: String,
        }
    };
}

use {host, setters, update_setters};
