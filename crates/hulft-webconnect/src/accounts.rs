//! Accounts: the users of Browser Transfer and D-Client, known by e-mail address.

use serde::{Deserialize, Serialize};
use service_core::read;

use crate::call::{Body, Call, handle, one, request};
use crate::lenient::{boolean, number, open_values, or_default};
use crate::operations::{
    DELETE_ACCOUNT, GET_ACCOUNT, LIST_ACCOUNTS, REGISTER_ACCOUNT, REQUEST_PASSWORD_MAIL, UPDATE_ACCOUNT,
};
use crate::page::row;
use crate::{Pager, rules};

handle! {
    /// The accounts of the contract; made by [`SiteClient::accounts`](crate::SiteClient::accounts). The vendor documents no
    /// scope for any of their operations.
    Accounts
}

impl Accounts {
    /// All accounts; the page's `limit` says how many there may be. [The vendor's page](https://www.hulft.com/help/en-us/WebConnect-V3/HWC-SAP/Content/SiteAPI/APIDetail/AccountListGet.htm).
    pub fn list(&self) -> Pager<Account> {
        Pager::new(&self.pipeline, &LIST_ACCOUNTS, &[])
    }

    /// One account by its ID of 32 alphanumerics; `None` if there is none. [The vendor's page](https://www.hulft.com/help/en-us/WebConnect-V3/HWC-SAP/Content/SiteAPI/APIDetail/AccountSet1Get.htm).
    pub fn get(&self, account_id: &str) -> GetAccount {
        let mut call = Call::new(&self.pipeline, &GET_ACCOUNT, &[("accountId", account_id)], one);
        call.check(rules::uuid("account id", account_id));
        GetAccount { call }
    }

    /// Registers an account by its e-mail address: up to 256 characters, unique in the whole service. The answer's
    /// `Location` header names it. [The vendor's page](https://www.hulft.com/help/en-us/WebConnect-V3/HWC-SAP/Content/SiteAPI/APIDetail/AccountSetRegistration.htm).
    ///
    /// # Errors
    ///
    /// Code `E300003` for data that is registered already. Not repeated when its outcome is unknown.
    pub fn register(&self, mail_address: impl Into<String>) -> RegisterAccount {
        let call = Call::new(&self.pipeline, &REGISTER_ACCOUNT, &[], read::json);
        RegisterAccount { call: call.with_body(Changes::default()) }.mail_address(mail_address)
    }

    /// Changes an account: what is not set stays as it is. [The vendor's page](https://www.hulft.com/help/en-us/WebConnect-V3/HWC-SAP/Content/SiteAPI/APIDetail/AccountSetUpdate.htm).
    pub fn update(&self, account_id: &str) -> UpdateAccount {
        let mut call = Call::new(&self.pipeline, &UPDATE_ACCOUNT, &[("accountId", account_id)], read::json);
        call.check(rules::uuid("account id", account_id));
        UpdateAccount { call: call.with_body(Changes::default()) }
    }

    /// Deletes an account. [The vendor's page](https://www.hulft.com/help/en-us/WebConnect-V3/HWC-SAP/Content/SiteAPI/APIDetail/AccountSetDelete.htm).
    ///
    /// # Errors
    ///
    /// An account that is linked to a browser-transfer group or a D-Client definition.
    pub fn delete(&self, account_id: &str) -> DeleteAccount {
        let mut call = Call::new(&self.pipeline, &DELETE_ACCOUNT, &[("accountId", account_id)], read::unit);
        call.check(rules::uuid("account id", account_id));
        DeleteAccount { call }
    }

    /// Sends the mail for setting up a password to the account's address. Possible after registration, and after a change of
    /// address while no password is set. [The vendor's page](https://www.hulft.com/help/en-us/WebConnect-V3/HWC-SAP/Content/SiteAPI/APIDetail/AccountPassWordSet.htm).
    ///
    /// # Errors
    ///
    /// An address that does not exist or cannot be delivered to, a recipient who refused before, a mail again within 600 s.
    /// Not repeated when its outcome is unknown.
    pub fn request_password_mail(&self, account_id: impl Into<String>) -> RequestPasswordMail {
        let body = PasswordMail { account_id: account_id.into() };
        let mut call = Call::new(&self.pipeline, &REQUEST_PASSWORD_MAIL, &[], read::unit);
        call.check(rules::uuid("account id", &body.account_id));
        RequestPasswordMail { call: call.with_body(body) }
    }
}

/// An account.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "camelCase", default)]
#[non_exhaustive]
pub struct Account {
    /// Account ID: 32 alphanumerics.
    #[serde(deserialize_with = "or_default")]
    pub id: String,
    /// E-mail address, unique in the whole service.
    #[serde(deserialize_with = "or_default")]
    pub mail_address: String,
    /// How far its set-up is.
    #[serde(rename = "statusCode")]
    pub status: AccountStatus,
    /// Whether the e-mail address was verified.
    #[serde(deserialize_with = "boolean")]
    pub is_verified_mail_address: bool,
    /// For how many days a password is valid; 0: for ever.
    #[serde(rename = "passwordValidityPeriod", deserialize_with = "number")]
    pub password_validity_days: u32,
    /// The IP filter group that it is in.
    pub ip_filter_group_name: Option<String>,
    /// A note.
    #[serde(deserialize_with = "or_default")]
    pub memo: String,
}

row!(Account, "accounts");

open_values! {
    /// How far the set-up of an account is.
    AccountStatus, crate::lenient::number_or_text, {
        /// New.
        New = "0",
        /// In use.
        InUse = "1",
        /// The way its password is managed is being changed.
        ChangingPasswordManagement = "2",
        /// Its e-mail address is being changed.
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
    /// An empty text takes it out of its group.
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
    /// Reads one account; made by [`Accounts::get`].
    GetAccount => Option<Account>
}

request! {
    /// Registers an account; made by [`Accounts::register`].
    RegisterAccount => Account, Changes
}

request! {
    /// Changes an account; made by [`Accounts::update`].
    UpdateAccount => Account, Changes
}

request! {
    /// Deletes an account; made by [`Accounts::delete`].
    DeleteAccount => ()
}

request! {
    /// Sends the mail for setting up a password; made by [`Accounts::request_password_mail`].
    RequestPasswordMail => (), PasswordMail
}

macro_rules! setters {
    ($builder:ty) => {
        impl $builder {
            /// Sets for how many days a password is valid: 30 to 365, or 0 for ever. Default of a registration: 0.
            pub fn password_validity_days(mut self, days: u16) -> Self {
                self.call.check(rules::password_validity(days));
                self.call.body.password_validity_period = Some(days);
                self
            }

            /// Puts it into this IP filter group: 1 to 32 letters, digits, `.` and `-`. Default of a registration: none.
            pub fn ip_filter_group(mut self, name: impl Into<String>) -> Self {
                let name = name.into();
                self.call.check(rules::name("IP filter group", &name));
                self.call.body.ip_filter_group_name = Some(name);
                self
            }

            /// Sets the note: at most 256 characters. Default of a registration: blank.
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
    /// Changes the e-mail address: up to 256 characters. **That resets the password.**
    pub fn mail_address(mut self, address: impl Into<String>) -> Self {
        let address = address.into();
        self.call.check(rules::mail_address(&address));
        self.call.body.mail_address = Some(address);
        self
    }

    /// Takes it out of its IP filter group.
    pub fn clear_ip_filter_group(mut self) -> Self {
        self.call.body.ip_filter_group_name = Some(String::new());
        self
    }
}
