//! The accounts of Browser Transfer and D-Client users, and the mails with which they set their passwords.

use std::time::{Duration, SystemTime};

use serde::Serialize;

use super::State;
use super::body::{Body, Given, required};
use super::call::Call;
use super::errors::{Rejection, created_at, done, json, json_or_nothing};
use super::mails::MailKind;
use super::paging::Page;
use super::rules::{ID, MAIL_ADDRESS, NAME, NAME_OR_EMPTY, NOTE};
use super::store::{Row, new_id};
use crate::message::Response;

pub(super) const LIMIT: usize = 10_000;

/// The minimum time between two identical mails.
const RESEND_INTERVAL: Duration = Duration::from_secs(600);

#[derive(Clone, Debug)]
pub(super) struct Account {
    pub(super) id: String,
    pub(super) mail_address: String,
    status: Status,
    is_verified: bool,
    password_validity_period: u16,
    pub(super) ip_filter_group_name: Option<String>,
    memo: String,
    has_password: bool,
    asked_at: Option<SystemTime>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Status {
    New = 0,
    InUse = 1,
    ChangingMailAddress = 3,
}

impl Account {
    pub(super) fn new(mail_address: String) -> Self {
        Self {
            id: new_id(),
            mail_address,
            status: Status::New,
            is_verified: false,
            password_validity_period: 0,
            ip_filter_group_name: None,
            memo: String::new(),
            has_password: false,
            asked_at: None,
        }
    }

    /// Sets the password, as a user who follows a mail does. Returns `false` if no mail was sent.
    pub(super) fn set_password(&mut self) -> bool {
        if self.asked_at.is_none() {
            return false;
        }
        (self.status, self.is_verified, self.has_password, self.asked_at) = (Status::InUse, true, true, None);
        true
    }

    /// Changes the mail address, which also resets the password (section 4.2).
    fn move_to(&mut self, mail_address: String) {
        if self.status == Status::InUse {
            self.status = Status::ChangingMailAddress;
        }
        (self.mail_address, self.is_verified, self.has_password, self.asked_at) =
            (mail_address, false, false, None);
    }
}

impl Row for Account {
    fn id(&self) -> &str {
        &self.id
    }

    fn clashes_with(&self, other: &Self) -> bool {
        self.mail_address.eq_ignore_ascii_case(&other.mail_address)
    }
}

/// Handles GET `/accounts/definition`.
pub(super) fn list(state: &mut State, call: &Call<'_>) -> Result<Response, Rejection> {
    let limit = ("limit", state.accounts.limit().into());
    Page::read(call.request)?.reply_with(Some(limit), "accounts", state.accounts.rows().iter(), Wire::from)
}

/// Handles GET `/accounts/definition/{accountId}`.
pub(super) fn get(state: &mut State, call: &Call<'_>) -> Result<Response, Rejection> {
    let id = call.parameter_that("accountId", &ID)?;
    json_or_nothing(state.accounts.get(id).map(Wire::from))
}

/// Handles POST `/accounts/definition`.
pub(super) fn register(state: &mut State, call: &Call<'_>) -> Result<Response, Rejection> {
    let mut body = Body::read(call.request)?;
    let mail_address = required(body.text("mailAddress", &MAIL_ADDRESS)?, "mailAddress")?;
    let group = match body.nullable_text("ipFilterGroupName", &NAME)? {
        Given::Absent | Given::Null => None,
        Given::Value(name) => Some(name),
    };
    let mut account = Account::new(mail_address);
    change(&mut account, body)?;
    state.check_ip_filter_group(group.as_deref())?;
    account.ip_filter_group_name = group;
    state.accounts.add(account.clone())?;
    created_at(call.request, &format!("accounts/definition/{}", account.id), &Wire::from(&account))
}

/// Handles PUT `/accounts/definition/{accountId}`.
pub(super) fn update(state: &mut State, call: &Call<'_>) -> Result<Response, Rejection> {
    let mut account = state.accounts.copy(call.parameter_that("accountId", &ID)?)?;
    let mut body = Body::read(call.request)?;
    if let Some(address) = body.text("mailAddress", &MAIL_ADDRESS)?
        && address != account.mail_address
    {
        account.move_to(address);
    }
    if let Some(name) = body.text("ipFilterGroupName", &NAME_OR_EMPTY)? {
        // Here an empty string clears the setting, for a connection setting null does (section 7).
        account.ip_filter_group_name = Some(name).filter(|name| !name.is_empty());
        state.check_ip_filter_group(account.ip_filter_group_name.as_deref())?;
    }
    change(&mut account, body)?;
    let response = json(&Wire::from(&account));
    state.accounts.replace(account)?;
    response
}

/// Applies the members that POST and PUT treat alike.
fn change(account: &mut Account, mut body: Body) -> Result<(), Rejection> {
    let period = body.integer("passwordValidityPeriod", "the number 0, or one of 30 to 365", |days| {
        days == 0 || (30..=365).contains(&days)
    })?;
    account.password_validity_period = period.unwrap_or(account.password_validity_period);
    if let Some(memo) = body.text("memo", &NOTE)? {
        account.memo = memo;
    }
    body.finish()
}

/// Handles DELETE `/accounts/definition/{accountId}`.
pub(super) fn delete(state: &mut State, call: &Call<'_>) -> Result<Response, Rejection> {
    let id = call.parameter_that("accountId", &ID)?;
    if state.groups.rows().iter().any(|group| group.account_id.as_deref() == Some(id)) {
        return Err(Rejection::in_use("a browser transfer group"));
    }
    if state.dclients.rows().iter().any(|dclient| dclient.account_id.as_deref() == Some(id)) {
        return Err(Rejection::in_use("a D-Client setting"));
    }
    state.accounts.remove(id)?;
    Ok(done())
}

/// Handles POST `/accounts/password/set-request`.
pub(super) fn request_password(state: &mut State, call: &Call<'_>) -> Result<Response, Rejection> {
    let mut body = Body::read(call.request)?;
    let id = required(body.text("accountId", &ID)?, "accountId")?;
    body.finish()?;
    let account =
        state.accounts.get_mut(&id).ok_or_else(|| Rejection::unknown_reference("accountId", &id))?;
    if account.has_password {
        return Err(Rejection::mail_rejected("The account has a password."));
    }
    if account.asked_at.is_some_and(|asked_at| call.now < asked_at + RESEND_INTERVAL) {
        return Err(Rejection::mail_rejected("The mail was sent less than 600 seconds ago."));
    }
    state.mails.send(MailKind::PasswordSetUp, &account.mail_address, call.now)?;
    account.asked_at = Some(call.now);
    Ok(done())
}

impl State {
    /// Rejects an account that is not registered.
    pub(super) fn check_account(&self, id: Option<&str>) -> Result<(), Rejection> {
        match id.filter(|id| !self.accounts.has(id)) {
            None => Ok(()),
            Some(id) => Err(Rejection::unknown_reference("accountId", id)),
        }
    }

    /// The account in the form in which other resources show it.
    pub(super) fn link_to(&self, id: Option<&str>) -> Option<AccountLink<'_>> {
        let account = self.accounts.get(id?)?;
        Some(AccountLink { id: &account.id, mail_address: &account.mail_address })
    }
}

/// An account in a browser transfer group or a D-Client setting.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct AccountLink<'a> {
    id: &'a str,
    mail_address: &'a str,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Wire<'a> {
    id: &'a str,
    mail_address: &'a str,
    status_code: u8,
    is_verified_mail_address: bool,
    password_validity_period: u16,
    ip_filter_group_name: Option<&'a str>,
    memo: &'a str,
}

impl<'a> From<&'a Account> for Wire<'a> {
    fn from(account: &'a Account) -> Self {
        Self {
            id: &account.id,
            mail_address: &account.mail_address,
            status_code: account.status as u8,
            is_verified_mail_address: account.is_verified,
            password_validity_period: account.password_validity_period,
            ip_filter_group_name: account.ip_filter_group_name.as_deref(),
            memo: &account.memo,
        }
    }
}
