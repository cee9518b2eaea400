//! Definitions of transfers from HULFT hosts to browsers. The vendor calls them Browser Send Request.

use serde::{Deserialize, Serialize};
use service_core::read;

use super::{BrowserSide, Changes, HulftSide, agent_id, host, setters, sides, update_setters};
use crate::call::{Call, handle, one, request};
use crate::lenient::{boolean, boolean_as_text, or_default};
use crate::operations::{
    DELETE_HULFT_TO_BROWSER, GET_HULFT_TO_BROWSER, LIST_HULFT_TO_BROWSER, REGISTER_HULFT_TO_BROWSER,
    UPDATE_HULFT_TO_BROWSER,
};
use crate::page::row;
use crate::{Pager, rules};

/// The path's name for the ID.
const ID: &str = "hulftToBrowserDefinitionId";

handle! {
    /// The definitions of transfers from a HULFT host to a browser; made by [`SiteClient::hulft_to_browser`](crate::SiteClient::hulft_to_browser).
    HulftToBrowser
}

impl HulftToBrowser {
    /// All definitions. Needs the scope *Browser Send Request: Get*. [The vendor's page](https://www.hulft.com/help/en-us/WebConnect-V3/HWC-SAP/Content/SiteAPI/APIDetail/BrowsTransSetAllGetSnd.htm).
    pub fn list(&self) -> Pager<HulftToBrowserDefinition> {
        Pager::new(&self.pipeline, &LIST_HULFT_TO_BROWSER, &[])
    }

    /// One definition; `None` if there is none. Needs the scope *Browser Send Request: Get*. [The vendor's page](https://www.hulft.com/help/en-us/WebConnect-V3/HWC-SAP/Content/SiteAPI/APIDetail/BrowsTransSet1GetSnd.htm).
    pub fn get(&self, id: &str) -> GetHulftToBrowser {
        GetHulftToBrowser { call: Call::new(&self.pipeline, &GET_HULFT_TO_BROWSER, &[(ID, id)], one) }
    }

    /// Registers a definition under an ID of 1 to 32 characters, for a HULFT file ID. Needs the scope *Browser Send Request: Create*.
    /// The answer's `Location` header names it. [The vendor's page](https://www.hulft.com/help/en-us/WebConnect-V3/HWC-SAP/Content/SiteAPI/APIDetail/BrowsTransSetRegistrationSnd.htm).
    ///
    /// # Errors
    ///
    /// Code `E300003` for data that is registered already. Not repeated when its outcome is unknown.
    pub fn register(
        &self,
        id: impl Into<String>,
        file_id: impl Into<String>,
        browser: BrowserSide,
        hulft: HulftSide,
    ) -> RegisterHulftToBrowser {
        let (id, file_id) = (id.into(), file_id.into());
        let mut call = Call::new(&self.pipeline, &REGISTER_HULFT_TO_BROWSER, &[], read::json);
        call.check(rules::length("definition id", &id, 1, 32));
        call.check(sides(&file_id, &browser, &hulft));
        let mut body = Changes::registered(file_id, browser, hulft);
        body.hulft_to_browser_definition_id = Some(id);
        body.browser().use_receive_file_name = Some(false);
        RegisterHulftToBrowser { call: call.with_body(body) }
    }

    /// Changes a definition: what is not set stays as it is. Needs the scope *Browser Send Request: Update*.
    /// [The vendor's page](https://www.hulft.com/help/en-us/WebConnect-V3/HWC-SAP/Content/SiteAPI/APIDetail/BrowsTransSetUpdateSnd.htm).
    pub fn update(&self, id: &str) -> UpdateHulftToBrowser {
        let call = Call::new(&self.pipeline, &UPDATE_HULFT_TO_BROWSER, &[(ID, id)], read::json);
        UpdateHulftToBrowser { call: call.with_body(Changes::default()) }
    }

    /// Deletes a definition. Needs the scope *Browser Send Request: Delete*. [The vendor's page](https://www.hulft.com/help/en-us/WebConnect-V3/HWC-SAP/Content/SiteAPI/APIDetail/BrowsTransSetDeleteSnd.htm).
    pub fn delete(&self, id: &str) -> DeleteHulftToBrowser {
        DeleteHulftToBrowser {
            call: Call::new(&self.pipeline, &DELETE_HULFT_TO_BROWSER, &[(ID, id)], read::unit),
        }
    }
}

/// The definition of a transfer from a HULFT host to a browser.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "camelCase", default)]
#[non_exhaustive]
pub struct HulftToBrowserDefinition {
    /// Its ID.
    #[serde(rename = "hulftToBrowserDefinitionId", deserialize_with = "or_default")]
    pub id: String,
    /// A description.
    #[serde(deserialize_with = "or_default")]
    pub description: String,
    /// HULFT's name of the transfer definition on the host.
    #[serde(deserialize_with = "or_default")]
    pub file_id: String,
    /// A note.
    #[serde(deserialize_with = "or_default")]
    pub memo: String,
    /// The browser's side.
    #[serde(deserialize_with = "or_default")]
    pub browser: HulftToBrowserBrowser,
    /// The HULFT host's side.
    #[serde(deserialize_with = "or_default")]
    pub hulft: HulftToBrowserHost,
}

row!(HulftToBrowserDefinition, "hulftToBrowserDefinitions");

/// The browser's side of a transfer from a HULFT host to a browser.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "camelCase", default)]
#[non_exhaustive]
pub struct HulftToBrowserBrowser {
    /// Connection ID.
    #[serde(deserialize_with = "or_default")]
    pub connection_id: String,
    /// Agent ID.
    #[serde(deserialize_with = "or_default")]
    pub agent_id: String,
    /// Always `HWC-BROWSER`.
    #[serde(deserialize_with = "or_default")]
    pub host_name: String,
    /// Whether the file is shown under `receive_file_name`, and not under the name that the host sends.
    #[serde(deserialize_with = "boolean", serialize_with = "boolean_as_text")]
    pub use_receive_file_name: bool,
    /// The name that the file is shown under.
    #[serde(deserialize_with = "or_default")]
    pub receive_file_name: String,
}

host! {
    /// The HULFT host's side of a transfer from a HULFT host to a browser.
    HulftToBrowserHost, "hulftRequestAcknowledgePort",
    /// The port that the host acknowledges requests on.
    port
}

request! {
    /// Reads one definition; made by [`HulftToBrowser::get`].
    GetHulftToBrowser => Option<HulftToBrowserDefinition>
}

request! {
    /// Registers a definition; made by [`HulftToBrowser::register`].
    RegisterHulftToBrowser => HulftToBrowserDefinition, Changes
}

request! {
    /// Changes a definition; made by [`HulftToBrowser::update`].
    UpdateHulftToBrowser => HulftToBrowserDefinition, Changes
}

request! {
    /// Deletes a definition; made by [`HulftToBrowser::delete`].
    DeleteHulftToBrowser => ()
}

setters!(
    RegisterHulftToBrowser,
    hulft_request_acknowledge_port,
    "Sets the port that the host acknowledges requests on: 1 to 65,535. Default of a registration: 31,000."
);
setters!(
    UpdateHulftToBrowser,
    hulft_request_acknowledge_port,
    "Changes the port that the host acknowledges requests on: 1 to 65,535."
);
update_setters!(UpdateHulftToBrowser);

macro_rules! file_name {
    ($builder:ty) => {
        impl $builder {
            /// Shows the file under this name. Default of a registration: the name that the host sends.
            pub fn receive_file_name(mut self, name: impl Into<String>) -> Self {
                let name = name.into();
                self.call.check(rules::required("receive file name", &name));
                let browser = self.call.body.browser();
                (browser.use_receive_file_name, browser.receive_file_name) = (Some(true), Some(name));
                self
            }
        }
    };
}

file_name!(RegisterHulftToBrowser);
file_name!(UpdateHulftToBrowser);

impl UpdateHulftToBrowser {
    /// Shows the file under the name that the host sends.
    pub fn sent_file_name(mut self) -> Self {
        let browser = self.call.body.browser();
        (browser.use_receive_file_name, browser.receive_file_name) = (Some(false), None);
        self
    }
}
