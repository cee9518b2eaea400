//! Browser-transfer groups: which account may use which browser-transfer definitions.

use serde::{Deserialize, Serialize};
use service_core::read;

use crate::call::{Body, Call, handle, one, request};
use crate::lenient::{boolean, or_default};
use crate::operations::{
    DELETE_BROWSER_TRANSFER_GROUP, GET_BROWSER_TRANSFER_GROUP, LIST_BROWSER_TRANSFER_GROUPS,
    REGISTER_BROWSER_TRANSFER_GROUP, UPDATE_BROWSER_TRANSFER_GROUP,
};
use crate::page::row;
use crate::{AccountLink, DefinitionLink, Pager, Result, rules};

/// The path's name for the ID.
const ID: &str = "browserTransferGroupId";

handle! {
    /// The browser-transfer groups of the contract; made by
    /// [`SiteClient::browser_transfer_groups`](crate::SiteClient::browser_transfer_groups). The vendor documents no scope for
    /// any of their operations.
    BrowserTransferGroups
}

impl BrowserTransferGroups {
    /// All groups; the page's `limit` says how many there may be. [The vendor's page](https://www.hulft.com/help/en-us/WebConnect-V3/HWC-SAP/Content/SiteAPI/APIDetail/BrowsTransGroupListGet.htm).
    pub fn list(&self) -> Pager<BrowserTransferGroup> {
        Pager::new(&self.pipeline, &LIST_BROWSER_TRANSFER_GROUPS, &[])
    }

    /// One group by its ID of 32 alphanumerics; `None` if there is none. [The vendor's page](https://www.hulft.com/help/en-us/WebConnect-V3/HWC-SAP/Content/SiteAPI/APIDetail/BrowsTransGroup1Get.htm).
    pub fn get(&self, group_id: &str) -> GetBrowserTransferGroup {
        let mut call = Call::new(&self.pipeline, &GET_BROWSER_TRANSFER_GROUP, &[(ID, group_id)], one);
        call.check(rules::uuid("group id", group_id));
        GetBrowserTransferGroup { call }
    }

    /// Registers a group of this name: 1 to 32 letters, digits, `.` and `-`, unique in the contract.
    /// [The vendor's page](https://www.hulft.com/help/en-us/WebConnect-V3/HWC-SAP/Content/SiteAPI/APIDetail/BrowsTransGroupRegistration.htm).
    ///
    /// # Errors
    ///
    /// Code `E300003` for data that is registered already. Not repeated when its outcome is unknown.
    pub fn register(&self, name: impl Into<String>) -> RegisterBrowserTransferGroup {
        let call = Call::new(&self.pipeline, &REGISTER_BROWSER_TRANSFER_GROUP, &[], read::json);
        RegisterBrowserTransferGroup { call: call.with_body(Changes::default()) }.named(name.into())
    }

    /// Changes a group: what is not set stays as it is. [The vendor's page](https://www.hulft.com/help/en-us/WebConnect-V3/HWC-SAP/Content/SiteAPI/APIDetail/BrowsTransGroupUpdate.htm).
    pub fn update(&self, group_id: &str) -> UpdateBrowserTransferGroup {
        let mut call =
            Call::new(&self.pipeline, &UPDATE_BROWSER_TRANSFER_GROUP, &[(ID, group_id)], read::json);
        call.check(rules::uuid("group id", group_id));
        UpdateBrowserTransferGroup { call: call.with_body(Changes::default()) }
    }

    /// Deletes a group. [The vendor's page](https://www.hulft.com/help/en-us/WebConnect-V3/HWC-SAP/Content/SiteAPI/APIDetail/BrowsTransGroupDelete.htm).
    pub fn delete(&self, group_id: &str) -> DeleteBrowserTransferGroup {
        let mut call =
            Call::new(&self.pipeline, &DELETE_BROWSER_TRANSFER_GROUP, &[(ID, group_id)], read::unit);
        call.check(rules::uuid("group id", group_id));
        DeleteBrowserTransferGroup { call }
    }
}

/// A browser-transfer group.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "camelCase", default)]
#[non_exhaustive]
pub struct BrowserTransferGroup {
    /// Group ID: 32 alphanumerics.
    #[serde(deserialize_with = "or_default")]
    pub id: String,
    /// Name.
    #[serde(deserialize_with = "or_default")]
    pub name: String,
    /// The account that may use it.
    pub account: Option<AccountLink>,
    /// Its definitions from browser to HULFT.
    #[serde(deserialize_with = "or_default")]
    pub browser_to_hulft_definitions: Vec<DefinitionLink>,
    /// Its definitions from HULFT to browser.
    #[serde(deserialize_with = "or_default")]
    pub hulft_to_browser_definitions: Vec<DefinitionLink>,
    /// Whether it can be used.
    #[serde(deserialize_with = "boolean")]
    pub enabled: bool,
    /// A note.
    #[serde(deserialize_with = "or_default")]
    pub memo: String,
}

row!(BrowserTransferGroup, "browserTransferGroups");

/// The vendor's table of the update has `hulftToBrowserDefinitionId` and `enable`; its examples have these names.
#[derive(Default, Serialize)]
#[serde(rename_all = "camelCase")]
struct Changes {
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<String>,
    /// An empty text takes the account away.
    #[serde(skip_serializing_if = "Option::is_none")]
    account_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    browser_to_hulft_definition_ids: Option<Vec<String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    hulft_to_browser_definition_ids: Option<Vec<String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    enabled: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    memo: Option<String>,
}

impl Body for Changes {}

request! {
    /// Reads one group; made by [`BrowserTransferGroups::get`].
    GetBrowserTransferGroup => Option<BrowserTransferGroup>
}

request! {
    /// Registers a group; made by [`BrowserTransferGroups::register`].
    RegisterBrowserTransferGroup => BrowserTransferGroup, Changes
}

request! {
    /// Changes a group; made by [`BrowserTransferGroups::update`].
    UpdateBrowserTransferGroup => BrowserTransferGroup, Changes
}

request! {
    /// Deletes a group; made by [`BrowserTransferGroups::delete`].
    DeleteBrowserTransferGroup => ()
}

macro_rules! setters {
    ($builder:ty) => {
        impl $builder {
            /// Gives it to this account, by its ID of 32 alphanumerics. Default of a registration: none.
            pub fn account(mut self, account_id: impl Into<String>) -> Self {
                let id = account_id.into();
                self.call.check(rules::uuid("account id", &id));
                self.call.body.account_id = Some(id);
                self
            }

            /// Sets its definitions from browser to HULFT, by their IDs: at most 30, of 1 to 32 letters, digits, `.` and
            /// `-` each. Default of a registration: none.
            pub fn browser_to_hulft<S: Into<String>>(mut self, ids: impl IntoIterator<Item = S>) -> Self {
                let ids: Vec<_> = ids.into_iter().map(Into::into).collect();
                self.call.check(definitions("browserToHulftDefinitionIds", &ids));
                self.call.body.browser_to_hulft_definition_ids = Some(ids);
                self
            }

            /// Sets its definitions from HULFT to browser, as [`browser_to_hulft`](Self::browser_to_hulft) does.
            pub fn hulft_to_browser<S: Into<String>>(mut self, ids: impl IntoIterator<Item = S>) -> Self {
                let ids: Vec<_> = ids.into_iter().map(Into::into).collect();
                self.call.check(definitions("hulftToBrowserDefinitionIds", &ids));
                self.call.body.hulft_to_browser_definition_ids = Some(ids);
                self
            }

            /// Says whether it can be used. **A registration with `true` takes one Browser Transfer licence.** Default of a
            /// registration: false.
            pub fn enabled(mut self, enabled: bool) -> Self {
                self.call.body.enabled = Some(enabled);
                self
            }

            /// Sets the note: at most 256 characters. Default of a registration: blank.
            pub fn memo(mut self, memo: impl Into<String>) -> Self {
                let memo = memo.into();
                self.call.check(rules::memo(&memo));
                self.call.body.memo = Some(memo);
                self
            }

            fn named(mut self, name: String) -> Self {
                self.call.check(rules::name("name", &name));
                self.call.body.name = Some(name);
                self
            }
        }
    };
}

setters!(RegisterBrowserTransferGroup);
setters!(UpdateBrowserTransferGroup);

impl UpdateBrowserTransferGroup {
    /// Changes the name: 1 to 32 letters, digits, `.` and `-`, unique in the contract.
    pub fn name(self, name: impl Into<String>) -> Self {
        self.named(name.into())
    }

    /// Takes its account away.
    pub fn clear_account(mut self) -> Self {
        self.call.body.account_id = Some(String::new());
        self
    }
}

fn definitions(what: &str, ids: &[String]) -> Result<()> {
    rules::entries(what, ids.len(), 0, 30)?;
    ids.iter().try_for_each(|id| rules::name(what, id))
}
