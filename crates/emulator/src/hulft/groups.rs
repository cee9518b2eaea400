//! Browser transfer groups: which account may use which browser transfer settings.

use serde::Serialize;

use super::State;
use super::accounts::AccountLink;
use super::body::{Body, required};
use super::browser_transfer::{Link, SEND_FILE, SEND_REQUEST};
use super::call::Call;
use super::errors::{Rejection, created, done, json, json_or_nothing};
use super::paging::Page;
use super::rules::{ID, ID_OR_EMPTY, NAME, NOTE};
use super::store::{Row, new_id};
use crate::message::Response;

pub(super) const LIMIT: usize = 10_000;

/// The maximum number of settings of each kind.
const MAX_SETTINGS: usize = 30;

#[derive(Clone, Debug)]
pub(super) struct Group {
    id: String,
    name: String,
    pub(super) account_id: Option<String>,
    pub(super) send_file_ids: Vec<String>,
    pub(super) send_request_ids: Vec<String>,
    pub(super) enabled: bool,
    memo: String,
}

impl Group {
    pub(super) fn new(name: String) -> Self {
        Self {
            id: new_id(),
            name,
            account_id: None,
            send_file_ids: Vec::new(),
            send_request_ids: Vec::new(),
            enabled: false,
            memo: String::new(),
        }
    }

    /// Applies the members that POST and PUT treat alike. Their names are those in the vendor's examples. The table of
    /// PUT has others (section 4.4).
    fn change(&mut self, mut body: Body) -> Result<(), Rejection> {
        if let Some(id) = body.text("accountId", &ID_OR_EMPTY)? {
            self.account_id = Some(id).filter(|id| !id.is_empty());
        }
        if let Some(ids) = settings(&mut body, "browserToHulftDefinitionIds")? {
            self.send_file_ids = ids;
        }
        if let Some(ids) = settings(&mut body, "hulftToBrowserDefinitionIds")? {
            self.send_request_ids = ids;
        }
        self.enabled = body.boolean("enabled")?.unwrap_or(self.enabled);
        if let Some(memo) = body.text("memo", &NOTE)? {
            self.memo = memo;
        }
        body.finish()
    }

    fn check(&self, state: &State) -> Result<(), Rejection> {
        state.check_account(self.account_id.as_deref())?;
        state.check_browser_transfers(&SEND_FILE, "browserToHulftDefinitionIds", &self.send_file_ids)?;
        state.check_browser_transfers(&SEND_REQUEST, "hulftToBrowserDefinitionIds", &self.send_request_ids)
    }
}

/// Null and the empty list both clear the setting.
fn settings(body: &mut Body, name: &str) -> Result<Option<Vec<String>>, Rejection> {
    if body.take_null(name) {
        return Ok(Some(Vec::new()));
    }
    let ids = body.texts(name, &NAME)?;
    if ids.as_ref().is_some_and(|ids| ids.len() > MAX_SETTINGS) {
        return Err(Rejection::invalid_body(format!("'{name}' must have at most {MAX_SETTINGS} elements.")));
    }
    Ok(ids)
}

impl Row for Group {
    fn id(&self) -> &str {
        &self.id
    }

    fn clashes_with(&self, other: &Self) -> bool {
        self.name == other.name
    }
}

/// Handles GET `/browser-transfer-groups`.
pub(super) fn list(state: &mut State, call: &Call<'_>) -> Result<Response, Rejection> {
    let limit = ("limit", state.groups.limit().into());
    let rows = state.groups.rows().iter();
    Page::read(call.request)?
        .reply_with(Some(limit), "browserTransferGroups", rows, |row| Wire::of(row, state))
}

/// Handles GET `/browser-transfer-groups/{browserTransferGroupId}`.
pub(super) fn get(state: &mut State, call: &Call<'_>) -> Result<Response, Rejection> {
    let id = call.parameter_that("browserTransferGroupId", &ID)?;
    json_or_nothing(state.groups.get(id).map(|row| Wire::of(row, state)))
}

/// Handles POST `/browser-transfer-groups`.
pub(super) fn register(state: &mut State, call: &Call<'_>) -> Result<Response, Rejection> {
    let mut body = Body::read(call.request)?;
    let mut group = Group::new(required(body.text("name", &NAME)?, "name")?);
    // Null is the default of a registration. A change clears the account with an empty string only.
    body.take_null("accountId");
    group.change(body)?;
    group.check(state)?;
    state.groups.add(group.clone())?;
    created(&Wire::of(&group, state))
}

/// Handles PUT `/browser-transfer-groups/{browserTransferGroupId}`.
pub(super) fn update(state: &mut State, call: &Call<'_>) -> Result<Response, Rejection> {
    let mut group = state.groups.copy(call.parameter_that("browserTransferGroupId", &ID)?)?;
    let mut body = Body::read(call.request)?;
    if let Some(name) = body.text("name", &NAME)? {
        group.name = name;
    }
    group.change(body)?;
    group.check(state)?;
    state.groups.replace(group.clone())?;
    json(&Wire::of(&group, state))
}

/// Handles DELETE `/browser-transfer-groups/{browserTransferGroupId}`.
pub(super) fn delete(state: &mut State, call: &Call<'_>) -> Result<Response, Rejection> {
    state.groups.remove(call.parameter_that("browserTransferGroupId", &ID)?)?;
    Ok(done())
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Wire<'a> {
    id: &'a str,
    name: &'a str,
    account: Option<AccountLink<'a>>,
    browser_to_hulft_definitions: Vec<Link<'a>>,
    hulft_to_browser_definitions: Vec<Link<'a>>,
    enabled: bool,
    memo: &'a str,
}

impl<'a> Wire<'a> {
    fn of(row: &'a Group, state: &'a State) -> Self {
        Self {
            id: &row.id,
            name: &row.name,
            account: state.link_to(row.account_id.as_deref()),
            browser_to_hulft_definitions: state.links_to(&SEND_FILE, &row.send_file_ids),
            hulft_to_browser_definitions: state.links_to(&SEND_REQUEST, &row.send_request_ids),
            enabled: row.enabled,
            memo: &row.memo,
        }
    }
}
