//! IP filter groups: the addresses that connections and logins may come from, and the details that their errors carry.

use serde::{Deserialize, Serialize};

use crate::call::{Body, Call, handle, request};
use crate::lenient::{number, text, texts};
use crate::operations::{
    DELETE_IP_FILTER_GROUP, GET_IP_FILTER_GROUP, LIST_IP_FILTER_GROUPS, REGISTER_IP_FILTER_GROUP,
    UPDATE_IP_FILTER_GROUP,
};
use crate::page::row;
use crate::{Error, Pager, Result, read, rules};

/// Names the path segment that contains the name.
const NAME: &str = "ipFilterGroupName";

handle! {
    /// Manages the IP filter groups of the contract, of which there are at most 100. Created by
    /// [`SiteClient::ip_filter_groups`](crate::SiteClient::ip_filter_groups).
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
    /// let groups = site.ip_filter_groups();
    /// groups.register("office", ["192.0.2.0/24", "198.51.100.7"]).description("Head office").await?;
    /// let group = groups.update("office").allowed(["192.0.2.0/25"]).await?.ok_or("no body")?;
    /// assert_eq!(group.description, "Head office");
    /// # Ok(()) }
    /// ```
    IpFilterGroups
}

impl IpFilterGroups {
    /// Lists all groups.
    ///
    /// See the [vendor's documentation](https://www.hulft.com/help/en-us/WebConnect-V3/HWC-SAP/Content/SiteAPI/APIDetail/IPFilterGroupListGet.htm).
    pub fn list(&self) -> Pager<IpFilterGroup> {
        Pager::new(&self.pipeline, &LIST_IP_FILTER_GROUPS, &[])
    }

    /// Returns the group with this name, or `None` if it does not exist.
    ///
    /// See the [vendor's documentation](https://www.hulft.com/help/en-us/WebConnect-V3/HWC-SAP/Content/SiteAPI/APIDetail/IPFilterGroup1Get.htm).
    pub fn get(&self, name: &str) -> GetIpFilterGroup {
        GetIpFilterGroup { call: Call::new(&self.pipeline, &GET_IP_FILTER_GROUP, &[(NAME, name)], read::one) }
    }

    /// Registers a group with a name and the addresses that it allows. The name cannot be changed later.
    ///
    /// A name has 1 to 32 letters, digits, `.` and `-`, is unique in the contract, and is case-sensitive. A group
    /// allows 1 to 100 addresses, each an IPv4 address or a CIDR block such as `192.0.2.0/24`. A registration whose
    /// outcome is unknown is not retried.
    ///
    /// # Errors
    ///
    /// Returns an error with code `E300003` if the group is already registered. [`IpAddressError::from_error`] returns
    /// the addresses that the service rejected.
    ///
    /// See the [vendor's documentation](https://www.hulft.com/help/en-us/WebConnect-V3/HWC-SAP/Content/SiteAPI/APIDetail/IPFilterGroupRegistration.htm).
    pub fn register<S: Into<String>>(
        &self,
        name: impl Into<String>,
        allowed: impl IntoIterator<Item = S>,
    ) -> RegisterIpFilterGroup {
        let name = name.into();
        let mut call = Call::new(&self.pipeline, &REGISTER_IP_FILTER_GROUP, &[], read::change);
        call.check(rules::name("IP filter group", &name));
        let body = Changes { ip_filter_group_name: Some(name), ..Changes::default() };
        let allowed = allowed.into_iter().map(Into::into).collect();
        RegisterIpFilterGroup { call: call.with_body(body) }.with_allowlist(allowed)
    }

    /// Updates a group. Values that are not set remain unchanged.
    ///
    /// # Errors
    ///
    /// [`IpAddressError::from_error`] returns the addresses that the service rejected.
    ///
    /// See the [vendor's documentation](https://www.hulft.com/help/en-us/WebConnect-V3/HWC-SAP/Content/SiteAPI/APIDetail/IPFilterGroupUpdate.htm).
    pub fn update(&self, name: &str) -> UpdateIpFilterGroup {
        let call = Call::new(&self.pipeline, &UPDATE_IP_FILTER_GROUP, &[(NAME, name)], read::change);
        UpdateIpFilterGroup { call: call.with_body(Changes::default()) }
    }

    /// Deletes a group.
    ///
    /// # Errors
    ///
    /// Returns an error if the group is in use. [`IpFilterGroupUsers::from_error`] returns the users.
    ///
    /// See the [vendor's documentation](https://www.hulft.com/help/en-us/WebConnect-V3/HWC-SAP/Content/SiteAPI/APIDetail/IPFilterGroupDelete.htm).
    pub fn delete(&self, name: &str) -> DeleteIpFilterGroup {
        let call = Call::new(&self.pipeline, &DELETE_IP_FILTER_GROUP, &[(NAME, name)], read::done);
        DeleteIpFilterGroup { call }
    }
}

/// Describes an IP filter group.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "camelCase", default)]
#[non_exhaustive]
pub struct IpFilterGroup {
    /// The name that identifies the group.
    #[serde(rename = "ipFilterGroupName", deserialize_with = "text")]
    pub name: String,
    /// The description that was set for the group.
    #[serde(deserialize_with = "text")]
    pub description: String,
    /// The IPv4 addresses and CIDR blocks that are allowed.
    #[serde(rename = "allowlist", deserialize_with = "texts")]
    pub allowed: Vec<String>,
}

row!(IpFilterGroup, "ipFilter", required { name: "ipFilterGroupName" });

/// Describes an address that the service rejected in a registration or an update.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct IpAddressError {
    /// The error code that the service returned.
    #[serde(deserialize_with = "text")]
    pub code: String,
    /// The error message that the service returned, for people.
    #[serde(deserialize_with = "text")]
    pub message: String,
    /// The index of the address in the list that was sent, starting at 0.
    #[serde(deserialize_with = "number")]
    pub index: u32,
}

impl IpAddressError {
    /// Returns the addresses that an error is about. The list is empty if the error has another cause.
    #[must_use]
    pub fn from_error(error: &Error) -> Vec<Self> {
        #[derive(Default, Deserialize)]
        #[serde(rename_all = "camelCase", default)]
        struct Wire {
            ip_address_error: Vec<IpAddressError>,
        }
        serde_json::from_slice::<Wire>(read::json(error.body())).unwrap_or_default().ip_address_error
    }
}

/// Describes who uses an IP filter group, which therefore could not be deleted.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct IpFilterGroupUsers {
    /// The connection IDs that use the group.
    #[serde(rename = "connectionIdList", deserialize_with = "texts")]
    pub connection_ids: Vec<String>,
    /// The previous secondary accounts that use the group.
    #[serde(rename = "secondaryAccountList", deserialize_with = "texts")]
    pub secondary_accounts: Vec<String>,
}

impl IpFilterGroupUsers {
    /// Returns the users that an error names, or `None` if the error has another cause.
    #[must_use]
    pub fn from_error(error: &Error) -> Option<Self> {
        let users: Self = serde_json::from_slice(read::json(error.body())).ok()?;
        Some(users).filter(|users| *users != Self::default())
    }
}

#[derive(Default, Serialize)]
#[serde(rename_all = "camelCase")]
struct Changes {
    #[serde(skip_serializing_if = "Option::is_none")]
    ip_filter_group_name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    description: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    allowlist: Option<Vec<String>>,
}

impl Body for Changes {}

request! {
    /// A request that reads a group, created by [`IpFilterGroups::get`].
    GetIpFilterGroup => Option<IpFilterGroup>
}

request! {
    /// A request that registers a group, created by [`IpFilterGroups::register`].
    ///
    /// It returns the new values, or `None` if the response has no body.
    RegisterIpFilterGroup => Option<IpFilterGroup>, Changes
}

request! {
    /// A request that updates a group, created by [`IpFilterGroups::update`].
    ///
    /// It returns the new values, or `None` if the response has no body.
    UpdateIpFilterGroup => Option<IpFilterGroup>, Changes
}

request! {
    /// A request that deletes a group, created by [`IpFilterGroups::delete`].
    DeleteIpFilterGroup => ()
}

macro_rules! setters {
    ($builder:ty) => {
        impl $builder {
            /// Sets a description of at most 256 characters. Default for a registration: an empty description.
            pub fn description(mut self, text: impl Into<String>) -> Self {
                let text = text.into();
                self.call.check(rules::length("description", &text, 0, 256));
                self.call.body.description = Some(text);
                self
            }

            fn with_allowlist(mut self, addresses: Vec<String>) -> Self {
                self.call.check(allowlist(&addresses));
                self.call.body.allowlist = Some(addresses);
                self
            }
        }
    };
}

setters!(RegisterIpFilterGroup);
setters!(UpdateIpFilterGroup);

impl UpdateIpFilterGroup {
    /// Replaces the allowed addresses: 1 to 100, each an IPv4 address or a CIDR block.
    pub fn allowed<S: Into<String>>(self, addresses: impl IntoIterator<Item = S>) -> Self {
        self.with_allowlist(addresses.into_iter().map(Into::into).collect())
    }
}

/// Rejects only what cannot be an address. The service checks the rest and returns the index of each invalid one.
fn allowlist(addresses: &[String]) -> Result<()> {
    rules::entries("allowlist", addresses.len(), 1, 100)?;
    let known = |text: &String| text.bytes().all(|byte| byte.is_ascii_digit() || b"./".contains(&byte));
    match addresses.iter().find(|text| text.is_empty() || !known(text)) {
        Some(text) => {
            let rule = "must hold IPv4 addresses or CIDR blocks, of digits, `.` and `/`";
            Err(Error::invalid_input("allowlist", rule, Some(text)))
        }
        None => Ok(()),
    }
}
