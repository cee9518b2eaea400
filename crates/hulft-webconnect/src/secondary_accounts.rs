//! Previous secondary accounts: a feature that the vendor has discontinued. Only reading and deleting remain.

use serde::{Deserialize, Serialize};
use service_core::read;

use crate::call::{Call, handle, one, request};
use crate::lenient::{boolean, number, open_values, or_default};
use crate::operations::{DELETE_SECONDARY_ACCOUNT, GET_SECONDARY_ACCOUNT, LIST_SECONDARY_ACCOUNTS};
use crate::page::row;
use crate::{AccountStatus, DefinitionLink, Pager};

/// The path's name for the ID.
const ID: &str = "secondaryAccountId";

handle! {
    /// The previous secondary accounts of the contract; made by
    /// [`SiteClient::secondary_accounts`](crate::SiteClient::secondary_accounts).
    SecondaryAccounts
}

impl SecondaryAccounts {
    /// All previous secondary accounts; the page's `has_unavailable_mail` says whether mailing was stopped for some address.
    /// Needs the scope *Previous secondary account for Browser Transfer Settings: Get*. [The vendor's page](https://www.hulft.com/help/en-us/WebConnect-V3/HWC-SAP/Content/SiteAPI/APIDetail/SubAccountSetAllGet.htm).
    #[deprecated = "the vendor has discontinued secondary accounts; accounts have taken their place"]
    pub fn list(&self) -> Pager<SecondaryAccount> {
        Pager::new(&self.pipeline, &LIST_SECONDARY_ACCOUNTS, &[])
    }

    /// One previous secondary account; `None` if there is none. Needs the scope *Previous secondary account for Browser
    /// Transfer Settings: Get*. [The vendor's page](https://www.hulft.com/help/en-us/WebConnect-V3/HWC-SAP/Content/SiteAPI/APIDetail/SubAccountSet1Get.htm).
    #[deprecated = "the vendor has discontinued secondary accounts; accounts have taken their place"]
    pub fn get(&self, id: &str) -> GetSecondaryAccount {
        GetSecondaryAccount { call: Call::new(&self.pipeline, &GET_SECONDARY_ACCOUNT, &[(ID, id)], one) }
    }

    /// Deletes a previous secondary account. Needs the scope *Previous secondary account for Browser Transfer Settings:
    /// Delete*. [The vendor's page](https://www.hulft.com/help/en-us/WebConnect-V3/HWC-SAP/Content/SiteAPI/APIDetail/SubAccountSetDelete.htm).
    #[deprecated = "the vendor has discontinued secondary accounts; accounts have taken their place"]
    pub fn delete(&self, id: &str) -> DeleteSecondaryAccount {
        let call = Call::new(&self.pipeline, &DELETE_SECONDARY_ACCOUNT, &[(ID, id)], read::unit);
        DeleteSecondaryAccount { call }
    }
}

/// A previous secondary account.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "camelCase", default)]
#[non_exhaustive]
pub struct SecondaryAccount {
    /// Its ID.
    #[serde(rename = "secondaryAccountId", deserialize_with = "or_default")]
    pub id: String,
    /// Its e-mail address.
    #[serde(rename = "secondaryAccount", deserialize_with = "or_default")]
    pub mail_address: String,
    /// How its password is managed.
    #[serde(deserialize_with = "or_default")]
    pub password_policy: PasswordPolicy,
    /// Its definitions from browser to HULFT.
    #[serde(deserialize_with = "or_default")]
    pub browser_to_hulft_definitions: Vec<DefinitionLink>,
    /// Its definitions from HULFT to browser.
    #[serde(deserialize_with = "or_default")]
    pub hulft_to_browser_definitions: Vec<DefinitionLink>,
    /// The IP filter group that it is in.
    pub ip_filter_group_name: Option<String>,
    /// A note.
    #[serde(deserialize_with = "or_default")]
    pub memo: String,
    /// Whether mail is sent to its address.
    #[serde(deserialize_with = "boolean")]
    pub is_available_mail: bool,
    /// How far its set-up is.
    #[serde(rename = "statusCode")]
    pub status: AccountStatus,
}

row!(SecondaryAccount, "secondaryAccounts");

/// How the password of a previous secondary account is managed.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "camelCase", default)]
#[non_exhaustive]
pub struct PasswordPolicy {
    /// By whom.
    #[serde(rename = "passwordManagement")]
    pub managed_by: PasswordManagement,
    /// For how many days a password is valid; 0: for ever.
    #[serde(rename = "passwordExpireOn", deserialize_with = "number")]
    pub validity_days: u32,
}

open_values! {
    /// Who manages a password.
    PasswordManagement, crate::lenient::number_or_text, {
        /// The user.
        User = "0",
        /// The contractor.
        Contractor = "1",
    }
}

request! {
    /// Reads one previous secondary account; made by `SecondaryAccounts::get`.
    GetSecondaryAccount => Option<SecondaryAccount>
}

request! {
    /// Deletes a previous secondary account; made by `SecondaryAccounts::delete`.
    DeleteSecondaryAccount => ()
}
