//! IP filter groups: the addresses that connections and logins may come from, and the errors that say more than others.

use serde::{Deserialize, Serialize};
use service_core::read;

use crate::call::{Body, Call, handle, one, request};
use crate::lenient::{number, or_default, texts};
use crate::operations::{
    DELETE_IP_FILTER_GROUP, GET_IP_FILTER_GROUP, LIST_IP_FILTER_GROUPS, REGISTER_IP_FILTER_GROUP,
    UPDATE_IP_FILTER_GROUP,
};
use crate::page::row;
use crate::{Error, Pager, Result, rules};

/// The path's name for the name.
const NAME: &str = "ipFilterGroupName";

handle! {
    /// The IP filter groups of the contract, at most 100; made by
    /// [`SiteClient::ip_filter_groups`](crate::SiteClient::ip_filter_groups). The vendor documents no scope for any of their
    /// operations.
    IpFilterGroups
}

impl IpFilterGroups {
    /// All groups. [The vendor's page](https://www.hulft.com/help/en-us/WebConnect-V3/HWC-SAP/Content/SiteAPI/APIDetail/IPFilterGroupListGet.htm).
    pub fn list(&self) -> Pager<IpFilterGroup> {
        Pager::new(&self.pipeline, &LIST_IP_FILTER_GROUPS, &[])
    }

    /// One group by its name; `None` if there is none. [The vendor's page](https://www.hulft.com/help/en-us/WebConnect-V3/HWC-SAP/Content/SiteAPI/APIDetail/IPFilterGroup1Get.htm).
    pub fn get(&self, name: &str) -> GetIpFilterGroup {
        GetIpFilterGroup { call: Call::new(&self.pipeline, &GET_IP_FILTER_GROUP, &[(NAME, name)], one) }
    }

    /// Registers a group under a name that cannot be changed later: 1 to 32 letters, digits, `.` and `-`, unique in the
    /// contract, upper and lower case told apart. 1 to 100 addresses are allowed, each IPv4 or CIDR such as `192.0.2.0/24`.
    /// [The vendor's page](https://www.hulft.com/help/en-us/WebConnect-V3/HWC-SAP/Content/SiteAPI/APIDetail/IPFilterGroupRegistration.htm).
    ///
    /// # Errors
    ///
    /// Code `E300003` for data that is registered already; [`IpAddressError::of`] tells which addresses were refused. Not
    /// repeated when its outcome is unknown.
    pub fn register<S: Into<String>>(
        &self,
        name: impl Into<String>,
        allowed: impl IntoIterator<Item = S>,
    ) -> RegisterIpFilterGroup {
        let name = name.into();
        let mut call = Call::new(&self.pipeline, &REGISTER_IP_FILTER_GROUP, &[], read::json);
        call.check(rules::name("IP filter group", &name));
        let body = Changes { ip_filter_group_name: Some(name), ..Changes::default() };
        let allowed = allowed.into_iter().map(Into::into).collect();
        RegisterIpFilterGroup { call: call.with_body(body) }.allowing(allowed)
    }

    /// Changes a group: what is not set stays as it is. [The vendor's page](https://www.hulft.com/help/en-us/WebConnect-V3/HWC-SAP/Content/SiteAPI/APIDetail/IPFilterGroupUpdate.htm).
    ///
    /// # Errors
    ///
    /// [`IpAddressError::of`] tells which addresses were refused.
    pub fn update(&self, name: &str) -> UpdateIpFilterGroup {
        let call = Call::new(&self.pipeline, &UPDATE_IP_FILTER_GROUP, &[(NAME, name)], read::json);
        UpdateIpFilterGroup { call: call.with_body(Changes::default()) }
    }

    /// Deletes a group. [The vendor's page](https://www.hulft.com/help/en-us/WebConnect-V3/HWC-SAP/Content/SiteAPI/APIDetail/IPFilterGroupDelete.htm).
    ///
    /// # Errors
    ///
    /// A group that is in use; [`IpFilterGroupUsers::of`] tells by whom.
    pub fn delete(&self, name: &str) -> DeleteIpFilterGroup {
        let call = Call::new(&self.pipeline, &DELETE_IP_FILTER_GROUP, &[(NAME, name)], read::unit);
        DeleteIpFilterGroup { call }
    }
}

/// An IP filter group.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "camelCase", default)]
#[non_exhaustive]
pub struct IpFilterGroup {
    /// Its name.
    #[serde(rename = "ipFilterGroupName", deserialize_with = "or_default")]
    pub name: String,
    /// A description.
    #[serde(deserialize_with = "or_default")]
    pub description: String,
    /// The addresses that are allowed: IPv4 or CIDR.
    #[serde(rename = "allowlist", deserialize_with = "texts")]
    pub allowed: Vec<String>,
}

row!(IpFilterGroup, "ipFilter");

/// One address that the service refused in a registration or an update.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct IpAddressError {
    /// The service's code.
    #[serde(deserialize_with = "or_default")]
    pub code: String,
    /// The service's message, for people.
    #[serde(deserialize_with = "or_default")]
    pub message: String,
    /// Where the address stands in the list that was sent, from 0.
    #[serde(deserialize_with = "number")]
    pub index: u32,
}

impl IpAddressError {
    /// The addresses that an error is about; empty for errors about something else.
    #[must_use]
    pub fn of(error: &Error) -> Vec<Self> {
        #[derive(Default, Deserialize)]
        #[serde(rename_all = "camelCase", default)]
        struct Wire {
            ip_address_error: Vec<IpAddressError>,
        }
        serde_json::from_slice::<Wire>(error.body()).unwrap_or_default().ip_address_error
    }
}

/// Who uses an IP filter group that could not be deleted for that.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct IpFilterGroupUsers {
    /// Connection IDs.
    #[serde(rename = "connectionIdList", deserialize_with = "texts")]
    pub connection_ids: Vec<String>,
    /// Previous secondary accounts.
    #[serde(rename = "secondaryAccountList", deserialize_with = "texts")]
    pub secondary_accounts: Vec<String>,
}

impl IpFilterGroupUsers {
    /// The users that an error names; `None` for errors about something else.
    #[must_use]
    pub fn of(error: &Error) -> Option<Self> {
        let users: Self = serde_json::from_slice(error.body()).ok()?;
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
    /// Reads one group; made by [`IpFilterGroups::get`].
    GetIpFilterGroup => Option<IpFilterGroup>
}

request! {
    /// Registers a group; made by [`IpFilterGroups::register`].
    RegisterIpFilterGroup => IpFilterGroup, Changes
}

request! {
    /// Changes a group; made by [`IpFilterGroups::update`].
    UpdateIpFilterGroup => IpFilterGroup, Changes
}

request! {
    /// Deletes a group; made by [`IpFilterGroups::delete`].
    DeleteIpFilterGroup => ()
}

macro_rules! setters {
    ($builder:ty) => {
        impl $builder {
            /// Sets the description: at most 256 characters. Default of a registration: blank.
            pub fn description(mut self, text: impl Into<String>) -> Self {
                let text = text.into();
                self.call.check(rules::length("description", &text, 0, 256));
                self.call.body.description = Some(text);
                self
            }

            fn allowing(mut self, addresses: Vec<String>) -> Self {
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
    /// Replaces the addresses that are allowed: 1 to 100, each IPv4 or CIDR.
    pub fn allowed<S: Into<String>>(self, addresses: impl IntoIterator<Item = S>) -> Self {
        self.allowing(addresses.into_iter().map(Into::into).collect())
    }
}

/// Whether they are addresses is the service's to say, which answers with the place of each that is none.
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
