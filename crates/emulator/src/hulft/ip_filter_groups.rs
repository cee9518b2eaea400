//! IP filter groups: named allowlists. Their error responses have additional members (section 4.8).

use serde::Serialize;
use serde_json::{Value, json};

use super::State;
use super::body::{Body, required};
use super::call::Call;
use super::errors::{Rejection, created, done, json, json_or_nothing};
use super::paging::Page;
use super::rules::{ADDRESS, NAME, NOTE};
use super::store::Row;
use crate::message::Response;

pub(super) const LIMIT: usize = 100;

const MAX_ADDRESSES: usize = 100;

#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct IpFilterGroup {
    pub(super) ip_filter_group_name: String,
    pub(super) description: String,
    pub(super) allowlist: Vec<String>,
}

impl Row for IpFilterGroup {
    fn id(&self) -> &str {
        &self.ip_filter_group_name
    }
}

/// Handles GET `/ip-filter/group`.
pub(super) fn list(state: &mut State, call: &Call<'_>) -> Result<Response, Rejection> {
    Page::read(call.request)?.response("ipFilter", state.ip_filter_groups.rows().iter(), |row| row)
}

/// Handles GET `/ip-filter/group/{ipFilterGroupName}`.
pub(super) fn get(state: &mut State, call: &Call<'_>) -> Result<Response, Rejection> {
    json_or_nothing(state.ip_filter_groups.get(call.parameter(0)))
}

/// Handles POST `/ip-filter/group`.
pub(super) fn register(state: &mut State, call: &Call<'_>) -> Result<Response, Rejection> {
    try_register(state, call).map_err(with_address_errors)
}

fn try_register(state: &mut State, call: &Call<'_>) -> Result<Response, Rejection> {
    let mut body = Body::read(call.request)?;
    let name = required(body.text("ipFilterGroupName", &NAME)?, "ipFilterGroupName")?;
    let (description, allowlist) = members(body)?;
    let group = IpFilterGroup {
        ip_filter_group_name: name,
        description: description.unwrap_or_default(),
        allowlist: required(allowlist, "allowlist")?,
    };
    state.ip_filter_groups.add(group.clone())?;
    created(&group)
}

/// Handles PUT `/ip-filter/group/{ipFilterGroupName}`.
pub(super) fn update(state: &mut State, call: &Call<'_>) -> Result<Response, Rejection> {
    try_update(state, call).map_err(with_address_errors)
}

fn try_update(state: &mut State, call: &Call<'_>) -> Result<Response, Rejection> {
    let mut group = state.ip_filter_groups.copy(call.parameter(0))?;
    let (description, allowlist) = members(Body::read(call.request)?)?;
    group.description = description.unwrap_or(group.description);
    group.allowlist = allowlist.unwrap_or(group.allowlist);
    state.ip_filter_groups.replace(group.clone())?;
    json(&group)
}

/// Handles DELETE `/ip-filter/group/{ipFilterGroupName}`, which is rejected while the group is in use.
pub(super) fn delete(state: &mut State, call: &Call<'_>) -> Result<Response, Rejection> {
    let name = call.parameter(0);
    let uses = |group: &Option<String>| group.as_deref() == Some(name);
    let connections = state.connections.rows().iter().filter(|row| uses(&row.ip_filter_group_name));
    let connections: Vec<_> = connections.map(|row| row.connection_id.clone()).collect();
    let secondary = state.secondary_accounts.rows().iter().filter(|row| uses(&row.ip_filter_group_name));
    let secondary: Vec<_> = secondary.map(|row| row.mail_address.clone()).collect();
    // The error response has no member for accounts, but an account that uses the group prevents its deletion as well.
    let by_account = state.accounts.rows().iter().any(|row| uses(&row.ip_filter_group_name));
    let is_used = by_account || !connections.is_empty() || !secondary.is_empty();
    let outcome = match is_used {
        true => Err(Rejection::in_use("a connection, an account or a previous secondary account")),
        false => state.ip_filter_groups.remove(name),
    };
    outcome.map(|_| done()).map_err(|rejection| {
        let rejection = rejection.with_member("connectionIdList", json!(connections));
        rejection.with_member("secondaryAccountList", json!(secondary))
    })
}

fn members(mut body: Body) -> Result<(Option<String>, Option<Vec<String>>), Rejection> {
    let description = body.text("description", &NOTE)?;
    let allowlist = body.take("allowlist").map(|list| addresses(&list)).transpose()?;
    body.finish()?;
    Ok((description, allowlist))
}

/// Each invalid entry is reported by its index.
fn addresses(list: &Value) -> Result<Vec<String>, Rejection> {
    let wrong =
        || Rejection::invalid_body(format!("'allowlist' must be a list of 1 to {MAX_ADDRESSES} addresses."));
    let list = list.as_array().filter(|list| (1..=MAX_ADDRESSES).contains(&list.len())).ok_or_else(wrong)?;
    let mut addresses = Vec::new();
    let mut errors = Vec::new();
    for (index, entry) in list.iter().enumerate() {
        match entry.as_str().filter(|text| ADDRESS.holds_for(text)) {
            Some(address) => addresses.push(address.to_owned()),
            None => errors.push(AddressError {
                code: "EMULATOR_INVALID_ADDRESS",
                message: format!("The address must be {}.", ADDRESS.says),
                index,
            }),
        }
    }
    if errors.is_empty() { Ok(addresses) } else { Err(wrong().with_member("ipAddressError", json!(errors))) }
}

#[derive(Serialize)]
struct AddressError {
    code: &'static str,
    message: String,
    index: usize,
}

/// Every error response to a registration or a change has the member, which is empty if all addresses are valid.
fn with_address_errors(rejection: Rejection) -> Rejection {
    rejection.with_member("ipAddressError", json!([]))
}

impl State {
    /// Rejects a group that is not registered.
    pub(super) fn check_ip_filter_group(&self, name: Option<&str>) -> Result<(), Rejection> {
        match name.filter(|name| !self.ip_filter_groups.has(name)) {
            None => Ok(()),
            Some(name) => Err(Rejection::unknown_reference("ipFilterGroupName", name)),
        }
    }
}
