//! Definitions of transfers from browsers to HULFT hosts. The vendor calls them Browser Send File.

use serde::{Deserialize, Serialize};
use service_core::read;

use super::{BrowserSide, Changes, HulftSide, agent_id, host, setters, sides, update_setters};
use crate::call::{Call, handle, one, request};
use crate::lenient::or_default;
use crate::operations::{
    DELETE_BROWSER_TO_HULFT, GET_BROWSER_TO_HULFT, LIST_BROWSER_TO_HULFT, REGISTER_BROWSER_TO_HULFT,
    UPDATE_BROWSER_TO_HULFT,
};
use crate::page::row;
use crate::{Pager, rules};

/// The path's name for the ID.
const ID: &str = "browserToHulftDefinitionId";

handle! {
    /// The definitions of transfers from a browser to a HULFT host; made by [`SiteClient::browser_to_hulft`](crate::SiteClient::browser_to_hulft).
    BrowserToHulft
}

impl BrowserToHulft {
    /// All definitions. Needs the scope *Browser Send File: Get*. [The vendor's page](https://www.hulft.com/help/en-us/WebConnect-V3/HWC-SAP/Content/SiteAPI/APIDetail/BrowsTransSetAllGetSnding.htm).
    pub fn list(&self) -> Pager<BrowserToHulftDefinition> {
        Pager::new(&self.pipeline, &LIST_BROWSER_TO_HULFT, &[])
    }

    /// One definition; `None` if there is none. Needs the scope *Browser Send File: Get*. [The vendor's page](https://www.hulft.com/help/en-us/WebConnect-V3/HWC-SAP/Content/SiteAPI/APIDetail/BrowsTransSet1GetSnding.htm).
    pub fn get(&self, id: &str) -> GetBrowserToHulft {
        GetBrowserToHulft { call: Call::new(&self.pipeline, &GET_BROWSER_TO_HULFT, &[(ID, id)], one) }
    }

    /// Registers a definition under an ID of 1 to 32 characters, for a HULFT file ID. Needs the scope *Browser Send File: Create*.
    /// The answer's `Location` header names it. [The vendor's page](https://www.hulft.com/help/en-us/WebConnect-V3/HWC-SAP/Content/SiteAPI/APIDetail/BrowsTransSetRegistrationSnding.htm).
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
    ) -> RegisterBrowserToHulft {
        let (id, file_id) = (id.into(), file_id.into());
        let mut call = Call::new(&self.pipeline, &REGISTER_BROWSER_TO_HULFT, &[], read::json);
        call.check(rules::length("definition id", &id, 1, 32));
        call.check(sides(&file_id, &browser, &hulft));
        let mut body = Changes::registered(file_id, browser, hulft);
        body.browser_to_hulft_definition_id = Some(id);
        RegisterBrowserToHulft { call: call.with_body(body) }
    }

    /// Changes a definition: what is not set stays as it is. Needs the scope *Browser Send File: Update* (by the
    /// pattern of the others: the vendor's page names that of another operation).
    /// [The vendor's page](https://www.hulft.com/help/en-us/WebConnect-V3/HWC-SAP/Content/SiteAPI/APIDetail/BrowsTransSetUpdateSnding.htm).
    pub fn update(&self, id: &str) -> UpdateBrowserToHulft {
        let call = Call::new(&self.pipeline, &UPDATE_BROWSER_TO_HULFT, &[(ID, id)], read::json);
        UpdateBrowserToHulft { call: call.with_body(Changes::default()) }
    }

    /// Deletes a definition. Needs the scope *Browser Send File: Delete*. [The vendor's page](https://www.hulft.com/help/en-us/WebConnect-V3/HWC-SAP/Content/SiteAPI/APIDetail/BrowsTransSetDeleteSnding.htm).
    pub fn delete(&self, id: &str) -> DeleteBrowserToHulft {
        DeleteBrowserToHulft {
            call: Call::new(&self.pipeline, &DELETE_BROWSER_TO_HULFT, &[(ID, id)], read::unit),
        }
    }
}

/// The definition of a transfer from a browser to a HULFT host.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "camelCase", default)]
#[non_exhaustive]
pub struct BrowserToHulftDefinition {
    /// Its ID.
    #[serde(rename = "browserToHulftDefinitionId", deserialize_with = "or_default")]
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
    pub browser: BrowserToHulftBrowser,
    /// The HULFT host's side.
    #[serde(deserialize_with = "or_default")]
    pub hulft: BrowserToHulftHost,
}

row!(BrowserToHulftDefinition, "browserToHulftDefinitions");

/// The browser's side of a transfer from a browser to a HULFT host.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "camelCase", default)]
#[non_exhaustive]
pub struct BrowserToHulftBrowser {
    /// Connection ID.
    #[serde(deserialize_with = "or_default")]
    pub connection_id: String,
    /// Agent ID.
    #[serde(deserialize_with = "or_default")]
    pub agent_id: String,
    /// Always `HWC-BROWSER`.
    #[serde(deserialize_with = "or_default")]
    pub host_name: String,
}

host! {
    /// The HULFT host's side of a transfer from a browser to a HULFT host.
    BrowserToHulftHost, "hulftReceivingPort",
    /// The port that the host receives on.
    port
}

request! {
    /// Reads one definition; made by [`BrowserToHulft::get`].
    GetBrowserToHulft => Option<BrowserToHulftDefinition>
}

request! {
    /// Registers a definition; made by [`BrowserToHulft::register`].
    RegisterBrowserToHulft => BrowserToHulftDefinition, Changes
}

request! {
    /// Changes a definition; made by [`BrowserToHulft::update`].
    UpdateBrowserToHulft => BrowserToHulftDefinition, Changes
}

request! {
    /// Deletes a definition; made by [`BrowserToHulft::delete`].
    DeleteBrowserToHulft => ()
}

setters!(
    RegisterBrowserToHulft,
    hulft_receiving_port,
    "Sets the port that the host receives on: 1 to 65,535. Default of a registration: 30,000."
);
setters!(
    UpdateBrowserToHulft,
    hulft_receiving_port,
    "Changes the port that the host receives on: 1 to 65,535."
);
update_setters!(UpdateBrowserToHulft);
