//! Browser-transfer groups: which account may use which browser-transfer definitions.

use serde::{Deserialize, Serialize};

use crate::call::{Body, Call, handle, request};
use crate::lenient::{boolean, or_default, text};
use crate::operations::{
    DELETE_BROWSER_TRANSFER_GROUP, GET_BROWSER_TRANSFER_GROUP, LIST_BROWSER_TRANSFER_GROUPS,
    REGISTER_BROWSER_TRANSFER_GROUP, UPDATE_BROWSER_TRANSFER_GROUP,
};
use crate::page::row;
use crate::{AccountLink, DefinitionLink, Pager, Result, read, rules};

/// Names the path segment that contains the ID.
const ID: &str = "browserTransferGroupId";

handle! {
    /// Manages the browser-transfer groups of the contract. Created by
    /// [`SiteClient::browser_transfer_groups`](crate::SiteClient::browser_transfer_groups).
    ///
    /// The vendor does not document a scope for any of these operations.
    ///
    /// # Examples
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), hulft_webconnect::BoxError> {
    /// # let emulator = service_emulator::Emulator::start().await?;
    /// # let builder = hulft_webconnect::SiteClient::builder(emulator.hulft().api_key());
    /// # let site = builder.endpoint(emulator.endpoint()).build()?;
    /// let account = site.accounts().register("someone@example.com").await?.ok_or("no body")?;
    /// let group = site.browser_transfer_groups().register("staff").account(&account.id).enabled(true).await?.ok_or("no body")?;
    /// let group = site.browser_transfer_groups().update(&group.id).name("crew").await?.ok_or("no body")?;
    /// assert_eq!((group.name.as_str(), group.enabled), ("crew", true));
    /// # Ok(()) }
    /// ```
    BrowserTransferGroups
}

impl BrowserTransferGroups {
    /// Lists all groups. [`Page::limit`](crate::Page::limit) is the maximum number of groups.
    ///
    /// See the [vendor's documentation](https://www.hulft.com/help/en-us/WebConnect-V3/HWC-SAP/Content/SiteAPI/APIDetail/BrowsTransGroupListGet.htm).
    pub fn list(&self) -> Pager<BrowserTransferGroup> {
        Pager::new(&self.pipeline, &LIST_BROWSER_TRANSFER_GROUPS, &[])
    }

    /// Returns the group with this ID, or `None` if it does not exist. An ID has 32 letters and digits.
    ///
    /// See the [vendor's documentation](https://www.hulft.com/help/en-us/WebConnect-V3/HWC-SAP/Content/SiteAPI/APIDetail/BrowsTransGroup1Get.htm).
    pub fn get(&self, group_id: &str) -> GetBrowserTransferGroup {
        let mut call = Call::new(&self.pipeline, &GET_BROWSER_TRANSFER_GROUP, &[(ID, group_id)], read::one);
        call.check(rules::uuid("group id", group_id));
        GetBrowserTransferGroup { call }
    }

    /// Registers a group with this name.
    ///
    /// A name has 1 to 32 letters, digits, `.` and `-`, and is unique in the contract. A registration whose outcome is
    /// unknown is not retried.
    ///
    /// # Errors
    ///
    /// Returns an error with code `E300003` if the group is already registered.
    ///
    /// See the [vendor's documentation](https://www.hulft.com/help/en-us/WebConnect-V3/HWC-SAP/Content/SiteAPI/APIDetail/BrowsTransGroupRegistration.htm).
    pub fn register(&self, name: impl Into<String>) -> RegisterBrowserTransferGroup {
        let call = Call::new(&self.pipeline, &REGISTER_BROWSER_TRANSFER_GROUP, &[], read::change);
        RegisterBrowserTransferGroup { call: call.with_body(Changes::default()) }.with_name(name.into())
    }

    /// Updates a group. Values that are not set remain unchanged.
    ///
    /// See the [vendor's documentation](https://www.hulft.com/help/en-us/WebConnect-V3/HWC-SAP/Content/SiteAPI/APIDetail/BrowsTransGroupUpdate.htm).
    pub fn update(&self, group_id: &str) -> UpdateBrowserTransferGroup {
        let mut call =
            Call::new(&self.pipeline, &UPDATE_BROWSER_TRANSFER_GROUP, &[(ID, group_id)], read::change);
        call.check(rules::uuid("group id", group_id));
        UpdateBrowserTransferGroup { call: call.with_body(Changes::default()) }
    }

    /// Deletes a group.
    ///
    /// See the [vendor's documentation](https://www.hulft.com/help/en-us/WebConnect-V3/HWC-SAP/Content/SiteAPI/APIDetail/BrowsTransGroupDelete.htm).
    pub fn delete(&self, group_id: &str) -> DeleteBrowserTransferGroup {
        let mut call =
            Call::new(&self.pipeline, &DELETE_BROWSER_TRANSFER_GROUP, &[(ID, group_id)], read::done);
        call.check(rules::uuid("group id", group_id));
        DeleteBrowserTransferGroup { call }
    }
}

/// Describes a browser-transfer group.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "camelCase", default)]
#[non_exhaustive]
pub struct BrowserTransferGroup {
    /// The ID of the group, which has 32 letters and digits.
    #[serde(deserialize_with = "text")]
    pub id: String,
    /// The name, which is unique in the contract.
    #[serde(deserialize_with = "text")]
    pub name: String,
    /// The account that may use the group.
    pub account: Option<AccountLink>,
    /// The definitions of transfers from browser to HULFT that belong to the group.
    #[serde(deserialize_with = "or_default")]
    pub browser_to_hulft_definitions: Vec<DefinitionLink>,
    /// The definitions of transfers from HULFT to browser that belong to the group.
    #[serde(deserialize_with = "or_default")]
    pub hulft_to_browser_definitions: Vec<DefinitionLink>,
    /// Whether the group can be used.
    #[serde(deserialize_with = "boolean")]
    pub enabled: bool,
    /// The note that was set for the group.
    #[serde(deserialize_with = "text")]
    pub memo: String,
}

row!(BrowserTransferGroup, "browserTransferGroups", required { id: "id" });

/// The vendor's table for the update says `hulftToBrowserDefinitionId` and `enable`; its examples use these names.
#[derive(Default, Serialize)]
#[serde(rename_all = "camelCase")]
struct Changes {
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<String>,
    /// An empty string removes the account.
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
    /// A request that reads a group, created by [`BrowserTransferGroups::get`].
    GetBrowserTransferGroup => Option<BrowserTransferGroup>
}

request! {
    /// A request that registers a group, created by [`BrowserTransferGroups::register`].
    ///
    /// It returns the new values, or `None` if the response has no body.
    RegisterBrowserTransferGroup => Option<BrowserTransferGroup>, Changes
}

request! {
    /// A request that updates a group, created by [`BrowserTransferGroups::update`].
    ///
    /// It returns the new values, or `None` if the response has no body.
    UpdateBrowserTransferGroup => Option<BrowserTransferGroup>, Changes
}

request! {
    /// A request that deletes a group, created by [`BrowserTransferGroups::delete`].
    DeleteBrowserTransferGroup => ()
}

macro_rules! setters {
    ($builder:ty) => {
        impl $builder {
            /// Assigns the group to an account. An account ID has 32 letters and digits. Default for a registration: no
            /// account.
            pub fn account(mut self, account_id: impl Into<String>) -> Self {
                let id = account_id.into();
                self.call.check(rules::uuid("account id", &id));
                self.call.body.account_id = Some(id);
                self
            }

            /// Sets the definitions of transfers from browser to HULFT: at most 30 IDs, each of 1 to 32 letters,
            /// digits, `.` and `-`. Default for a registration: no definitions.
            pub fn browser_to_hulft<S: Into<String>>(mut self, ids: impl IntoIterator<Item = S>) -> Self {
                let ids: Vec<_> = ids.into_iter().map(Into::into).collect();
                self.call.check(definitions("browserToHulftDefinitionIds", &ids));
                self.call.body.browser_to_hulft_definition_ids = Some(ids);
                self
            }

            /// Sets the definitions of transfers from HULFT to browser. The bounds are those of
            /// [`browser_to_hulft`](Self::browser_to_hulft).
            pub fn hulft_to_browser<S: Into<String>>(mut self, ids: impl IntoIterator<Item = S>) -> Self {
                let ids: Vec<_> = ids.into_iter().map(Into::into).collect();
                self.call.check(definitions("hulftToBrowserDefinitionIds", &ids));
                self.call.body.hulft_to_browser_definition_ids = Some(ids);
                self
            }

            /// Sets whether the group can be used. **A registration with `true` consumes one Browser Transfer
            /// license.** Default for a registration: `false`.
            pub fn enabled(mut self, enabled: bool) -> Self {
                self.call.body.enabled = Some(enabled);
                self
            }

            /// Sets a note of at most 256 characters. Default for a registration: an empty note.
            pub fn memo(mut self, memo: impl Into<String>) -> Self {
                let memo = memo.into();
                self.call.check(rules::memo(&memo));
                self.call.body.memo = Some(memo);
                self
            }

            fn with_name(mut self, name: String) -> Self {
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
    /// Changes the name. A name has 1 to 32 letters, digits, `.` and `-`, and is unique in the contract.
    pub fn name(self, name: impl Into<String>) -> Self {
        self.with_name(name.into())
    }

    /// Removes the account from the group.
    pub fn clear_account(mut self) -> Self {
        self.call.body.account_id = Some(String::new());
        self
    }
}

fn definitions(what: &str, ids: &[String]) -> Result<()> {
    rules::entries(what, ids.len(), 0, 30)?;
    ids.iter().try_for_each(|id| rules::name(what, id))
}
