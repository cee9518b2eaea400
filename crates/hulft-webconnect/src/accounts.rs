//! Accounts: the users of Browser Transfer and D-Client, identified by e-mail address.

use serde::{Deserialize, Serialize};

use crate::call::{Body, Call, handle, request};
use crate::lenient::{boolean, number, open_values, optional_text, text};
use crate::operations::{
    DELETE_ACCOUNT, GET_ACCOUNT, LIST_ACCOUNTS, REGISTER_ACCOUNT, REQUEST_PASSWORD_MAIL, UPDATE_ACCOUNT,
};
use crate::page::row;
use crate::{Pager, read, rules};

handle! {
    /// Manages the accounts of the contract. Created by [`SiteClient::accounts`](crate::SiteClient::accounts).
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
    /// let account = site.accounts().register("someone@example.com").memo("accounting").await?.ok_or("no body")?;
    /// site.accounts().request_password_mail(&account.id).await?;
    ///
    /// let account = site.accounts().update(&account.id).password_validity_days(90).await?.ok_or("no body")?;
    /// assert_eq!((account.memo.as_str(), account.password_validity_days), ("accounting", 90));
    /// # Ok(()) }
    /// ```
    Accounts
}

impl Accounts {
    /// Lists all accounts. [`Page::limit`](crate::Page::limit) is the maximum number of accounts.
    ///
    /// See the [vendor's documentation](https://www.hulft.com/help/en-us/WebConnect-V3/HWC-SAP/Content/SiteAPI/APIDetail/AccountListGet.htm).
    pub fn list(&self) -> Pager<Account> {
        Pager::new(&self.pipeline, &LIST_ACCOUNTS, &[])
    }

    /// Returns the account with this ID, or `None` if it does not exist. An ID has 32 letters and digits.
    ///
    /// See the [vendor's documentation](https://www.hulft.com/help/en-us/WebConnect-V3/HWC-SAP/Content/SiteAPI/APIDetail/AccountSet1Get.htm).
    pub fn get(&self, account_id: &str) -> GetAccount {
        let mut call = Call::new(&self.pipeline, &GET_ACCOUNT, &[("accountId", account_id)], read::one);
        call.check(rules::uuid("account id", account_id));
        GetAccount { call }
    }

    /// Registers an account with this e-mail address.
    ///
    /// The address has at most 256 characters and is unique in the whole service. The `Location` header of the response
    /// contains the path of the account. A registration whose outcome is unknown is not retried.
    ///
    /// # Errors
    ///
    /// Returns an error with code `E300003` if the account is already registered.
    ///
    /// See the [vendor's documentation](https://www.hulft.com/help/en-us/WebConnect-V3/HWC-SAP/Content/SiteAPI/APIDetail/AccountSetRegistration.htm).
    pub fn register(&self, mail_address: impl Into<String>) -> RegisterAccount {
        let call = Call::new(&self.pipeline, &REGISTER_ACCOUNT, &[], read::change);
        RegisterAccount { call: call.with_body(Changes::default()) }.mail_address(mail_address)
    }

    /// Updates an account. Values that are not set remain unchanged.
    ///
    /// See the [vendor's documentation](https://www.hulft.com/help/en-us/WebConnect-V3/HWC-SAP/Content/SiteAPI/APIDetail/AccountSetUpdate.htm).
    pub fn update(&self, account_id: &str) -> UpdateAccount {
        let mut call = Call::new(&self.pipeline, &UPDATE_ACCOUNT, &[("accountId", account_id)], read::change);
        call.check(rules::uuid("account id", account_id));
        UpdateAccount { call: call.with_body(Changes::default()) }
    }

    /// Deletes an account.
    ///
    /// # Errors
    ///
    /// Returns an error if the account is linked to a browser-transfer group or to a D-Client definition.
    ///
    /// See the [vendor's documentation](https://www.hulft.com/help/en-us/WebConnect-V3/HWC-SAP/Content/SiteAPI/APIDetail/AccountSetDelete.htm).
    pub fn delete(&self, account_id: &str) -> DeleteAccount {
        let mut call = Call::new(&self.pipeline, &DELETE_ACCOUNT, &[("accountId", account_id)], read::done);
        call.check(rules::uuid("account id", account_id));
        DeleteAccount { call }
    }

    /// Mails the link for setting a password to the address of the account.
    ///
    /// This is possible after registration, and after a change of the address as long as no password is set. A request
    /// whose outcome is unknown is not retried.
    ///
    /// # Errors
    ///
    /// Returns an error if the address does not exist or cannot receive mail, if the recipient has opted out of mail,
    /// or if the last mail was sent less than 600 s ago.
    ///
    /// See the [vendor's documentation](https://www.hulft.com/help/en-us/WebConnect-V3/HWC-SAP/Content/SiteAPI/APIDetail/AccountPassWordSet.htm).
    pub fn request_password_mail(&self, account_id: impl Into<String>) -> RequestPasswordMail {
        let body = PasswordMail { account_id: account_id.into() };
        let mut call = Call::new(&self.pipeline, &REQUEST_PASSWORD_MAIL, &[], read::done);
        call.check(rules::uuid("account id", &body.account_id));
        RequestPasswordMail { call: call.with_body(body) }
    }
}

/// Describes an account.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "camelCase", default)]
#[non_exhaustive]
pub struct Account {
    /// The ID of the account, which has 32 letters and digits.
    #[serde(deserialize_with = "text")]
    pub id: String,
    /// The e-mail address, which is unique in the whole service.
    #[serde(deserialize_with = "text")]
    pub mail_address: String,
    /// The state that the setup of the account is in.
    #[serde(rename = "statusCode")]
    pub status: AccountStatus,
    /// Whether the e-mail address was verified.
    #[serde(deserialize_with = "boolean")]
    pub is_verified_mail_address: bool,
    /// The number of days that a password remains valid. 0 means indefinitely.
    #[serde(rename = "passwordValidityPeriod", deserialize_with = "number")]
    pub password_validity_days: u32,
    /// The IP filter group that the account belongs to.
    #[serde(deserialize_with = "optional_text")]
    pub ip_filter_group_name: Option<String>,
    /// The note that was set for the account.
    #[serde(deserialize_with = "text")]
    pub memo: String,
}

row!(Account, "accounts", required { id: "id" });

open_values! {
    /// The state that the setup of an account is in.
    AccountStatus, crate::lenient::number_or_text, {
        /// The account is new.
        New = "0",
        /// The account is in use.
        InUse = "1",
        /// The way the password is managed is being changed.
        ChangingPasswordManagement = "2",
        /// The e-mail address is being changed.
        ChangingMailAddress = "3",
    }
}

#[derive(Default, Serialize)]
#[serde(rename_all = "camelCase")]
struct Changes {
    #[serde(skip_serializing_if = "Option::is_none")]
    mail_address: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    password_validity_period: Option<u16>,
    /// An empty string removes the account from its group.
    #[serde(skip_serializing_if = "Option::is_none")]
    ip_filter_group_name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    memo: Option<String>,
}

impl Body for Changes {}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct PasswordMail {
    account_id: String,
}

impl Body for PasswordMail {}

request! {
    /// A request that reads an account, created by [`Accounts::get`].
    GetAccount => Option<Account>
}

request! {
    /// A request that registers an account, created by [`Accounts::register`].
    ///
    /// It returns the new values, or `None` if the response has no body.
    RegisterAccount => Option<Account>, Changes
}

request! {
    /// A request that updates an account, created by [`Accounts::update`].
    ///
    /// It returns the new values, or `None` if the response has no body.
    UpdateAccount => Option<Account>, Changes
}

request! {
    /// A request that deletes an account, created by [`Accounts::delete`].
    DeleteAccount => ()
}

request! {
    /// A request that sends the mail for setting up a password, created by [`Accounts::request_password_mail`].
    RequestPasswordMail => (), PasswordMail
}

macro_rules! setters {
    ($builder:ty) => {
        impl $builder {
            /// Sets the number of days that a password remains valid: 30 to 365, or 0 for indefinitely. Default for a
            /// registration: 0.
            pub fn password_validity_days(mut self, days: u16) -> Self {
                self.call.check(rules::password_validity(days));
                self.call.body.password_validity_period = Some(days);
                self
            }

            /// Assigns the account to an IP filter group. Its name has 1 to 32 letters, digits, `.` and `-`. Default
            /// for a registration: no group.
            pub fn ip_filter_group(mut self, name: impl Into<String>) -> Self {
                let name = name.into();
                self.call.check(rules::name("IP filter group", &name));
                self.call.body.ip_filter_group_name = Some(name);
                self
            }

            /// Sets a note of at most 256 characters. Default for a registration: an empty note.
            pub fn memo(mut self, memo: impl Into<String>) -> Self {
                let memo = memo.into();
                self.call.check(rules::memo(&memo));
                self.call.body.memo = Some(memo);
                self
            }
        }
    };
}

setters!(RegisterAccount);
setters!(UpdateAccount);

impl RegisterAccount {
    fn mail_address(mut self, address: impl Into<String>) -> Self {
        let address = address.into();
        self.call.check(rules::mail_address(&address));
        self.call.body.mail_address = Some(address);
        self
    }
}

impl UpdateAccount {
    /// Changes the e-mail address, which has at most 256 characters. **This resets the password.**
    pub fn mail_address(mut self, address: impl Into<String>) -> Self {
        let address = address.into();
        self.call.check(rules::mail_address(&address));
        self.call.body.mail_address = Some(address);
        self
    }

    /// Removes the account from its IP filter group.
    pub fn clear_ip_filter_group(mut self) -> Self {
        self.call.body.ip_filter_group_name = Some(String::new());
        self
    }
}
