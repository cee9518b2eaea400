//! Previous secondary accounts, a feature that the vendor has discontinued. They can only be read and deleted.

use serde::{Deserialize, Serialize};

use crate::call::{Call, handle, request};
use crate::lenient::{boolean, number, open_values, optional_text, or_default, text};
use crate::operations::{DELETE_SECONDARY_ACCOUNT, GET_SECONDARY_ACCOUNT, LIST_SECONDARY_ACCOUNTS};
use crate::page::row;
use crate::{AccountStatus, DefinitionLink, Pager, read};

/// Names the path segment that contains the ID.
const ID: &str = "secondaryAccountId";

handle! {
    /// Reads and deletes the previous secondary accounts of the contract. Created by
    /// [`SiteClient::secondary_accounts`](crate::SiteClient::secondary_accounts).
    ///
    /// # Examples
    ///
    /// ```
    /// # #![allow(deprecated)]
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), hulft_webconnect::BoxError> {
    /// # let emulator = service_emulator::Emulator::start().await?;
    /// # let builder = hulft_webconnect::SiteClient::builder(emulator.hulft().api_key());
    /// # let site = builder.endpoint(emulator.endpoint()).build()?;
    /// for account in site.secondary_accounts().list().all().await? {
    ///     println!("{} {}", account.id, account.mail_address);
    /// }
    /// # Ok(()) }
    /// ```
    SecondaryAccounts
}

impl SecondaryAccounts {
    /// Lists all previous secondary accounts. [`Page::has_unavailable_mail`](crate::Page::has_unavailable_mail) says
    /// whether mail to some address has been stopped. Requires the scope *Previous secondary account for Browser
    /// Transfer Settings: Get*.
    ///
    /// See the [vendor's documentation](https://www.hulft.com/help/en-us/WebConnect-V3/HWC-SAP/Content/SiteAPI/APIDetail/SubAccountSetAllGet.htm).
    #[deprecated = "the vendor has discontinued secondary accounts and replaced them with accounts"]
    pub fn list(&self) -> Pager<SecondaryAccount> {
        Pager::new(&self.pipeline, &LIST_SECONDARY_ACCOUNTS, &[])
    }

    /// Returns the previous secondary account with this ID, or `None` if it does not exist. Requires the scope
    /// *Previous secondary account for Browser Transfer Settings: Get*.
    ///
    /// See the [vendor's documentation](https://www.hulft.com/help/en-us/WebConnect-V3/HWC-SAP/Content/SiteAPI/APIDetail/SubAccountSet1Get.htm).
    #[deprecated = "the vendor has discontinued secondary accounts and replaced them with accounts"]
    pub fn get(&self, id: &str) -> GetSecondaryAccount {
        GetSecondaryAccount {
            call: Call::new(&self.pipeline, &GET_SECONDARY_ACCOUNT, &[(ID, id)], read::one),
        }
    }

    /// Deletes a previous secondary account. Requires the scope *Previous secondary account for Browser Transfer
    /// Settings: Delete*.
    ///
    /// See the [vendor's documentation](https://www.hulft.com/help/en-us/WebConnect-V3/HWC-SAP/Content/SiteAPI/APIDetail/SubAccountSetDelete.htm).
    #[deprecated = "the vendor has discontinued secondary accounts and replaced them with accounts"]
    pub fn delete(&self, id: &str) -> DeleteSecondaryAccount {
        let call = Call::new(&self.pipeline, &DELETE_SECONDARY_ACCOUNT, &[(ID, id)], read::done);
        DeleteSecondaryAccount { call }
    }
}

/// Describes a previous secondary account.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "camelCase", default)]
#[non_exhaustive]
pub struct SecondaryAccount {
    /// The ID that identifies the account.
    #[serde(rename = "secondaryAccountId", deserialize_with = "text")]
    pub id: String,
    /// The e-mail address that the account was registered with.
    #[serde(rename = "secondaryAccount", deserialize_with = "text")]
    pub mail_address: String,
    /// How the password is managed.
    #[serde(deserialize_with = "or_default")]
    pub password_policy: PasswordPolicy,
    /// The definitions of transfers from browser to HULFT that the account may use.
    #[serde(deserialize_with = "or_default")]
    pub browser_to_hulft_definitions: Vec<DefinitionLink>,
    /// The definitions of transfers from HULFT to browser that the account may use.
    #[serde(deserialize_with = "or_default")]
    pub hulft_to_browser_definitions: Vec<DefinitionLink>,
    /// The IP filter group that the account belongs to.
    #[serde(deserialize_with = "optional_text")]
    pub ip_filter_group_name: Option<String>,
    /// The note that was set for the account.
    #[serde(deserialize_with = "text")]
    pub memo: String,
    /// Whether mail is sent to the address.
    #[serde(deserialize_with = "boolean")]
    pub is_available_mail: bool,
    /// The state that the setup of the account is in.
    #[serde(rename = "statusCode")]
    pub status: AccountStatus,
}

row!(SecondaryAccount, "secondaryAccounts", required { id: "secondaryAccountId" });

/// Describes how the password of a previous secondary account is managed.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "camelCase", default)]
#[non_exhaustive]
pub struct PasswordPolicy {
    /// Who manages the password.
    #[serde(rename = "passwordManagement")]
    pub managed_by: PasswordManagement,
    /// The number of days that a password remains valid. 0 means indefinitely.
    #[serde(rename = "passwordExpireOn", deserialize_with = "number")]
    pub validity_days: u32,
}

open_values! {
    /// Says who manages a password.
    PasswordManagement, crate::lenient::number_or_text, {
        /// The user manages the password.
        User = "0",
        /// The contractor manages the password.
        Contractor = "1",
    }
}

request! {
    /// A request that reads a previous secondary account, created by `SecondaryAccounts::get`.
    GetSecondaryAccount => Option<SecondaryAccount>
}

request! {
    /// A request that deletes a previous secondary account, created by `SecondaryAccounts::delete`.
    DeleteSecondaryAccount => ()
}
