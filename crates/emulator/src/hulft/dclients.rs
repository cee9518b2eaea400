//! D-Client settings. Only a test connects a D-Client.

use serde::Serialize;

use super::State;
use super::accounts::AccountLink;
use super::body::{Body, required};
use super::call::Call;
use super::errors::{Rejection, created, done, json, json_or_nothing};
use super::mails::MailKind;
use super::paging::Page;
use super::rules::{CONNECTION_ID, ID, ID_OR_EMPTY, NOT_EMPTY, NOTE};
use super::store::{Row, new_id};
use crate::message::Response;

pub(super) const LIMIT: usize = 10_000;

#[derive(Clone, Debug)]
pub(super) struct DClient {
    id: String,
    pub(super) dclient_id: String,
    pub(super) connection_id: String,
    pub(super) account_id: Option<String>,
    memo: String,
    pub(super) useable: bool,
    client_version: String,
    is_online: bool,
}

impl DClient {
    pub(super) fn new(dclient_id: &str, connection_id: &str) -> Self {
        Self {
            id: new_id(),
            dclient_id: dclient_id.to_owned(),
            connection_id: connection_id.to_owned(),
            account_id: None,
            memo: String::new(),
            useable: false,
            client_version: String::new(),
            is_online: false,
        }
    }

    /// Applies the members that POST and PUT treat alike.
    fn change(&mut self, mut body: Body) -> Result<(), Rejection> {
        if let Some(id) = body.text("accountId", &ID_OR_EMPTY)? {
            self.account_id = Some(id).filter(|id| !id.is_empty());
        }
        if let Some(memo) = body.text("memo", &NOTE)? {
            self.memo = memo;
        }
        self.useable = body.boolean("useable")?.unwrap_or(self.useable);
        // A D-Client that may no longer be used does not stay connected.
        self.is_online &= self.useable;
        body.finish()
    }
}

impl Row for DClient {
    fn id(&self) -> &str {
        &self.id
    }

    fn clashes_with(&self, other: &Self) -> bool {
        self.dclient_id == other.dclient_id
    }
}

/// Handles GET `/dclient/definition`.
pub(super) fn list(state: &mut State, call: &Call<'_>) -> Result<Response, Rejection> {
    let limit = ("limit", state.dclients.limit().into());
    let rows = state.dclients.rows().iter();
    Page::read(call.request)?.reply_with(Some(limit), "dclients", rows, |row| Wire::of(row, state))
}

/// Handles GET `/dclient/definition/{dclientUuid}`.
pub(super) fn get(state: &mut State, call: &Call<'_>) -> Result<Response, Rejection> {
    let id = call.parameter_that("dclientUuid", &ID)?;
    json_or_nothing(state.dclients.get(id).map(|row| Wire::of(row, state)))
}

/// Handles POST `/dclient/definition`.
pub(super) fn register(state: &mut State, call: &Call<'_>) -> Result<Response, Rejection> {
    let mut body = Body::read(call.request)?;
    let dclient_id = required(body.text("dclientId", &NOT_EMPTY)?, "dclientId")?;
    let connection_id = required(body.text("connectionId", &CONNECTION_ID)?, "connectionId")?;
    let mut dclient = DClient::new(&dclient_id, &connection_id);
    dclient.change(body)?;
    check(state, &dclient)?;
    state.dclients.add(dclient.clone())?;
    created(&Wire::of(&dclient, state))
}

/// Handles PUT `/dclient/definition/{dclientUuid}`.
pub(super) fn update(state: &mut State, call: &Call<'_>) -> Result<Response, Rejection> {
    let mut dclient = state.dclients.copy(call.parameter_that("dclientUuid", &ID)?)?;
    let mut body = Body::read(call.request)?;
    if let Some(id) = body.text("connectionId", &CONNECTION_ID)? {
        dclient.connection_id = id;
    }
    dclient.change(body)?;
    check(state, &dclient)?;
    state.dclients.replace(dclient.clone())?;
    json(&Wire::of(&dclient, state))
}

fn check(state: &State, dclient: &DClient) -> Result<(), Rejection> {
    state.check_connection("connectionId", &dclient.connection_id)?;
    state.check_account(dclient.account_id.as_deref())
}

/// Handles DELETE `/dclient/definition/{dclientUuid}`.
pub(super) fn delete(state: &mut State, call: &Call<'_>) -> Result<Response, Rejection> {
    state.dclients.remove(call.parameter_that("dclientUuid", &ID)?)?;
    Ok(done())
}

/// Handles POST `/dclient/user-guide/mail-request/{dclientUuid}`. The vendor's examples send no body, so none is read.
pub(super) fn request_mail(state: &mut State, call: &Call<'_>) -> Result<Response, Rejection> {
    let id = call.parameter_that("dclientUuid", &ID)?;
    let dclient = state.dclients.get(id).ok_or_else(Rejection::nothing_to_post_to)?;
    let account = dclient.account_id.as_deref().and_then(|id| state.accounts.get(id));
    let account = account.ok_or_else(|| Rejection::mail_rejected("No account is linked to the D-Client."))?;
    state.mails.send(MailKind::DClientUsage, &account.mail_address, call.now)?;
    Ok(done())
}

impl State {
    /// Switches the D-Client online (with a version) or offline (without one). Returns `false` if the D-Client does not
    /// exist or may not be used.
    pub(super) fn switch_dclient(&mut self, dclient_id: &str, version: Option<&str>) -> bool {
        let mut is_done = false;
        self.dclients.for_each_mut(|dclient| {
            if dclient.dclient_id == dclient_id && (dclient.useable || version.is_none()) {
                dclient.is_online = version.is_some();
                dclient.client_version = version.unwrap_or(&dclient.client_version).to_owned();
                is_done = true;
            }
        });
        is_done
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Wire<'a> {
    id: &'a str,
    dclient_id: &'a str,
    connection_id: &'a str,
    account: Option<AccountLink<'a>>,
    memo: &'a str,
    useable: bool,
    client_version: &'a str,
    connection_status: &'static str,
}

impl<'a> Wire<'a> {
    fn of(row: &'a DClient, state: &'a State) -> Self {
        Self {
            id: &row.id,
            dclient_id: &row.dclient_id,
            connection_id: &row.connection_id,
            account: state.link_to(row.account_id.as_deref()),
            memo: &row.memo,
            useable: row.useable,
            client_version: &row.client_version,
            connection_status: if row.is_online { "online" } else { "offline" },
        }
    }
}
