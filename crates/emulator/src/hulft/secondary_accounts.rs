//! Previous secondary accounts: a discontinued feature that only supports reading and deleting.

use serde::Serialize;

use super::State;
use super::browser_transfer::{Link, SEND_FILE, SEND_REQUEST};
use super::call::Call;
use super::errors::{Rejection, done, json_or_nothing};
use super::paging::Page;
use super::store::Row;
use crate::message::Response;

/// A bound of the emulator.
pub(super) const LIMIT: usize = 10_000;

/// Describes a previous secondary account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SecondaryAccount {
    /// The id that identifies the account.
    pub id: String,
    /// Contains the mail address of the account. It also serves as its name in the logs.
    pub mail_address: String,
    /// Whether the contractor manages the password, instead of the user.
    pub password_is_managed_by_contractor: bool,
    /// The number of days after which the password expires: 30 to 365, or 0 if it never expires.
    pub password_expires_after_days: u16,
    /// The ids of the Browser Send File settings that the account may use.
    pub send_file_ids: Vec<String>,
    /// The ids of the Browser Send Request settings that the account may use.
    pub send_request_ids: Vec<String>,
    /// The name of the IP filter group that applies to the account.
    pub ip_filter_group_name: Option<String>,
    /// A note, which has no effect.
    pub memo: String,
    /// Whether mail can be sent to the address.
    pub is_mail_available: bool,
    /// The status of the account: 0 is new, 1 is in use, 2 is changing the password management, 3 is changing the mail
    /// address.
    pub status_code: u8,
}

impl Row for SecondaryAccount {
    fn id(&self) -> &str {
        &self.id
    }
}

/// Handles GET `/secondary-account/definition`.
pub(super) fn list(state: &mut State, call: &Call<'_>) -> Result<Response, Rejection> {
    let rows = state.secondary_accounts.rows();
    let is_unavailable = rows.iter().any(|row| !row.is_mail_available);
    let member = ("existUnavailableMail", is_unavailable.into());
    let page = Page::read(call.request)?;
    page.reply_with(Some(member), "secondaryAccounts", rows.iter(), |row| Wire::of(row, state))
}

/// Handles GET `/secondary-account/definition/{secondaryAccountId}`.
pub(super) fn get(state: &mut State, call: &Call<'_>) -> Result<Response, Rejection> {
    json_or_nothing(state.secondary_accounts.get(call.parameter(0)).map(|row| Wire::of(row, state)))
}

/// Handles DELETE `/secondary-account/definition/{secondaryAccountId}`.
pub(super) fn delete(state: &mut State, call: &Call<'_>) -> Result<Response, Rejection> {
    state.secondary_accounts.remove(call.parameter(0))?;
    Ok(done())
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Wire<'a> {
    secondary_account_id: &'a str,
    secondary_account: &'a str,
    password_policy: PasswordPolicy,
    browser_to_hulft_definitions: Vec<Link<'a>>,
    hulft_to_browser_definitions: Vec<Link<'a>>,
    ip_filter_group_name: Option<&'a str>,
    memo: &'a str,
    is_available_mail: bool,
    status_code: u8,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct PasswordPolicy {
    password_management: u8,
    password_expire_on: u16,
}

impl<'a> Wire<'a> {
    fn of(row: &'a SecondaryAccount, state: &'a State) -> Self {
        Self {
            secondary_account_id: &row.id,
            secondary_account: &row.mail_address,
            password_policy: PasswordPolicy {
                password_management: row.password_is_managed_by_contractor.into(),
                password_expire_on: row.password_expires_after_days,
            },
            browser_to_hulft_definitions: state.links_to(&SEND_FILE, &row.send_file_ids),
            hulft_to_browser_definitions: state.links_to(&SEND_REQUEST, &row.send_request_ids),
            ip_filter_group_name: row.ip_filter_group_name.as_deref(),
            memo: &row.memo,
            is_available_mail: row.is_mail_available,
            status_code: row.status_code,
        }
    }
}
