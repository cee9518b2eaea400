//! Connection settings: Connection IDs, their passwords, and the types of clients that may use them.

use std::fmt;

use serde::Serialize;
use serde_json::json;

use super::State;
use super::body::{Body, Given, required};
use super::call::Call;
use super::errors::{Rejection, created_at, done, json, json_or_nothing};
use super::paging::Page;
use super::rules::{CLIENT_TYPE, CONNECTION_ID, NAME, NOTE, PASSWORD};
use super::store::Row;
use crate::message::Response;

/// The number in the vendor's example. The real one is part of the contract.
pub(crate) const LIMIT: usize = 10;

/// Says which type of client connects.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ClientType {
    /// A HULFT host connects: `hulft` on the wire.
    Hulft,
    /// A client of the Data Transfer API connects, possibly the CLI: `data_transfer_api` on the wire.
    DataTransferApi,
    /// A browser connects: `hwc_browser` on the wire.
    HwcBrowser,
    /// A D-Client connects: `dclient` on the wire.
    Dclient,
}

impl ClientType {
    /// Parses a text that conforms to [`CLIENT_TYPE`].
    fn read(text: &str) -> Option<Self> {
        match text {
            "hulft" => Some(Self::Hulft),
            "data_transfer_api" => Some(Self::DataTransferApi),
            "hwc_browser" => Some(Self::HwcBrowser),
            "dclient" => Some(Self::Dclient),
            _ => None,
        }
    }
}

#[derive(Clone)]
pub(super) struct Connection {
    pub(super) connection_id: String,
    pub(super) password: String,
    pub(super) client_types: Vec<ClientType>,
    pub(super) ip_filter_group_name: Option<String>,
    pub(super) memo: String,
}

impl Connection {
    /// Such a connection may have no group, and one that was set is cleared (section 4.6).
    fn is_for_browsers_only(&self) -> bool {
        self.client_types == [ClientType::HwcBrowser]
    }
}

impl Row for Connection {
    fn id(&self) -> &str {
        &self.connection_id
    }
}

impl fmt::Debug for Connection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connection").field("connection_id", &self.connection_id).finish_non_exhaustive()
    }
}

/// The members that POST and PUT have in common.
struct Members {
    password: Option<String>,
    client_types: Option<Vec<ClientType>>,
    ip_filter_group_name: Given<String>,
    memo: Option<String>,
}

impl Members {
    fn read(mut body: Body) -> Result<Self, Rejection> {
        let types = body.texts("connectableClientType", &CLIENT_TYPE)?;
        if types.as_ref().is_some_and(Vec::is_empty) {
            return Err(Rejection::invalid_body("'connectableClientType' must not be empty."));
        }
        let members = Self {
            password: body.text("passwd", &PASSWORD)?,
            client_types: types.map(|types| types.iter().filter_map(|text| ClientType::read(text)).collect()),
            ip_filter_group_name: body.nullable_text("ipFilterGroupName", &NAME)?,
            memo: body.text("memo", &NOTE)?,
        };
        body.finish()?;
        Ok(members)
    }
}

/// Handles GET `/connections/definition`.
pub(super) fn list(state: &mut State, call: &Call<'_>) -> Result<Response, Rejection> {
    let limit = ("limit", json!({ "connectionIdLimit": state.connections.limit() }));
    let rows = state.connections.rows().iter();
    Page::read(call.request)?.reply_with(Some(limit), "definitions", rows, |row| Wire::new(row, false))
}

/// Handles GET `/connections/definition/{connectionId}`.
pub(super) fn get(state: &mut State, call: &Call<'_>) -> Result<Response, Rejection> {
    // The vendor's page refers to the common parameters here too. An invalid one is rejected, a valid one has no
    // effect.
    Page::read(call.request)?;
    json_or_nothing(state.connections.get(call.parameter(0)).map(|row| Wire::new(row, true)))
}

/// Handles POST `/connections/definition`.
pub(super) fn register(state: &mut State, call: &Call<'_>) -> Result<Response, Rejection> {
    let mut body = Body::read(call.request)?;
    let connection_id = required(body.text("connectionId", &CONNECTION_ID)?, "connectionId")?;
    let members = Members::read(body)?;
    let ip_filter_group_name = match members.ip_filter_group_name {
        Given::Absent => None,
        Given::Null => return Err(Rejection::invalid_body("'ipFilterGroupName' must not be null here.")),
        Given::Value(name) => Some(name),
    };
    let connection = Connection {
        connection_id,
        password: required(members.password, "passwd")?,
        client_types: required(members.client_types, "connectableClientType")?,
        ip_filter_group_name,
        memo: members.memo.unwrap_or_default(),
    };
    check_group(state, &connection)?;
    state.connections.add(connection.clone())?;
    let path = format!("connections/definition/{}", connection.connection_id);
    created_at(call.request, &path, &Wire::new(&connection, true))
}

/// Handles PUT `/connections/definition/{connectionId}`.
pub(super) fn update(state: &mut State, call: &Call<'_>) -> Result<Response, Rejection> {
    let mut connection = state.connections.copy(call.parameter(0))?;
    let members = Members::read(Body::read(call.request)?)?;
    if let Some(types) = members.client_types {
        connection.client_types = types;
        if connection.is_for_browsers_only() {
            connection.ip_filter_group_name = None;
        }
    }
    match members.ip_filter_group_name {
        Given::Absent => {}
        Given::Null => connection.ip_filter_group_name = None,
        Given::Value(name) => connection.ip_filter_group_name = Some(name),
    }
    connection.password = members.password.unwrap_or(connection.password);
    connection.memo = members.memo.unwrap_or(connection.memo);
    check_group(state, &connection)?;
    let response = json(&Wire::new(&connection, true));
    state.connections.replace(connection)?;
    response
}

fn check_group(state: &State, connection: &Connection) -> Result<(), Rejection> {
    if connection.is_for_browsers_only() && connection.ip_filter_group_name.is_some() {
        let message = "'ipFilterGroupName' is not allowed when 'hwc_browser' is the only client type.";
        return Err(Rejection::invalid_body(message));
    }
    state.check_ip_filter_group(connection.ip_filter_group_name.as_deref())
}

/// Handles DELETE `/connections/definition/{connectionId}`, which also deletes the relay permissions and the browser
/// transfer settings of the Connection ID (section 4.6). The vendor does not mention D-Client settings. Here, a
/// Connection ID that one uses cannot be deleted.
pub(super) fn delete(state: &mut State, call: &Call<'_>) -> Result<Response, Rejection> {
    let id = call.parameter(0);
    if state.dclients.rows().iter().any(|dclient| dclient.connection_id == id) {
        return Err(Rejection::in_use("a D-Client setting"));
    }
    state.connections.remove(id)?;
    state.relay_permissions.retain(|permission| !permission.names(id));
    state.remove_browser_transfers_of(id);
    Ok(done())
}

impl State {
    /// Rejects a Connection ID that is not registered.
    pub(super) fn check_connection(&self, field: &str, id: &str) -> Result<(), Rejection> {
        if self.connections.has(id) { Ok(()) } else { Err(Rejection::unknown_reference(field, id)) }
    }
}

/// A connection on the wire. The password is never returned.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Wire<'a> {
    connection_id: &'a str,
    connectable_client_type: &'a [ClientType],
    /// Null if none is set. The vendor's list omits the member in that case.
    #[serde(skip_serializing_if = "Option::is_none")]
    ip_filter_group_name: Option<Option<&'a str>>,
    memo: &'a str,
}

impl<'a> Wire<'a> {
    fn new(row: &'a Connection, writes_null: bool) -> Self {
        let group = row.ip_filter_group_name.as_deref();
        Self {
            connection_id: &row.connection_id,
            connectable_client_type: &row.client_types,
            ip_filter_group_name: (writes_null || group.is_some()).then_some(group),
            memo: &row.memo,
        }
    }
}
