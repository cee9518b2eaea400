//! Relay permissions: which other Connection IDs one may exchange files with. On the wire, their switch is a string,
//! and a single permission is returned as a list (section 7).

use serde::Serialize;

use super::State;
use super::agents::Direction;
use super::body::{Body, required};
use super::call::Call;
use super::errors::{Rejection, created_at, done, json};
use super::paging::Page;
use super::rules::{CONNECTION_ID, DIRECTION, NOTE};
use super::store::Row;
use crate::message::Response;

/// A bound of the emulator.
pub(super) const LIMIT: usize = 10_000;

#[derive(Clone, Debug)]
pub(super) struct RelayPermission {
    /// `connectionId/remoteConnectionId/direction`, as in the path. None of the parts can contain a slash.
    id: String,
    connection_id: String,
    remote_connection_id: String,
    direction: Direction,
    enabled: bool,
    memo: String,
}

impl RelayPermission {
    pub(super) fn new(
        connection_id: &str,
        remote_connection_id: &str,
        direction: Direction,
        enabled: bool,
    ) -> Self {
        Self {
            id: format!("{connection_id}/{remote_connection_id}/{}", direction.as_str()),
            connection_id: connection_id.to_owned(),
            remote_connection_id: remote_connection_id.to_owned(),
            direction,
            enabled,
            memo: String::new(),
        }
    }

    /// Whether the Connection ID is on either side.
    pub(super) fn names(&self, connection_id: &str) -> bool {
        self.connection_id == connection_id || self.remote_connection_id == connection_id
    }

    /// Applies the members that POST and PUT treat alike.
    fn change(&mut self, mut body: Body) -> Result<(), Rejection> {
        self.enabled = body.switch("enabled")?.unwrap_or(self.enabled);
        if let Some(memo) = body.text("memo", &NOTE)? {
            self.memo = memo;
        }
        body.finish()
    }
}

impl Row for RelayPermission {
    fn id(&self) -> &str {
        &self.id
    }
}

/// Handles GET `/relay/permission`, `/relay/permission/{connectionId}`, and
/// `/relay/permission/{connectionId}/{direction}`.
pub(super) fn list(state: &mut State, call: &Call<'_>) -> Result<Response, Rejection> {
    let connection_id = call.parameters.first();
    let direction = call.parameters.get(1).map(|text| Direction::read(text)).transpose()?;
    response(state, call, |row| {
        connection_id.is_none_or(|id| row.connection_id == *id)
            && direction.is_none_or(|way| row.direction == way)
    })
}

/// Handles GET `/relay/permission/{connectionId}/{remoteConnectionId}/{direction}`.
pub(super) fn get(state: &mut State, call: &Call<'_>) -> Result<Response, Rejection> {
    let id = id(call)?;
    response(state, call, |row| row.id == id)
}

fn response(
    state: &State,
    call: &Call<'_>,
    wanted: impl Fn(&RelayPermission) -> bool,
) -> Result<Response, Rejection> {
    let rows = state.relay_permissions.rows().iter().filter(|row| wanted(row));
    Page::read(call.request)?.response("permission", rows, Wire::from)
}

fn id(call: &Call<'_>) -> Result<String, Rejection> {
    Direction::read(call.parameter(2))?;
    Ok(call.parameters.join("/"))
}

/// Handles POST `/relay/permission`.
pub(super) fn register(state: &mut State, call: &Call<'_>) -> Result<Response, Rejection> {
    let mut body = Body::read(call.request)?;
    let connection_id = required(body.text("connectionId", &CONNECTION_ID)?, "connectionId")?;
    let remote = required(body.text("remoteConnectionId", &CONNECTION_ID)?, "remoteConnectionId")?;
    let direction = required(body.text("direction", &DIRECTION)?, "direction")?;
    let mut permission = RelayPermission::new(&connection_id, &remote, Direction::read(&direction)?, false);
    permission.change(body)?;
    if connection_id == remote {
        // A permission lets two different Connection IDs exchange files (section 1).
        return Err(Rejection::invalid_body("'remoteConnectionId' must be another than 'connectionId'."));
    }
    state.check_connection("connectionId", &connection_id)?;
    state.relay_permissions.add(permission.clone())?;
    created_at(call.request, &format!("relay/permission/{}", permission.id), &Wire::from(&permission))
}

/// Handles PUT `/relay/permission/{connectionId}/{remoteConnectionId}/{direction}`.
pub(super) fn update(state: &mut State, call: &Call<'_>) -> Result<Response, Rejection> {
    let mut permission = state.relay_permissions.copy(&id(call)?)?;
    permission.change(Body::read(call.request)?)?;
    state.relay_permissions.replace(permission.clone())?;
    json(&Wire::from(&permission))
}

/// Handles DELETE `/relay/permission/{connectionId}/{remoteConnectionId}/{direction}`.
pub(super) fn delete(state: &mut State, call: &Call<'_>) -> Result<Response, Rejection> {
    state.relay_permissions.remove(&id(call)?)?;
    Ok(done())
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Wire<'a> {
    connection_id: &'a str,
    remote_connection_id: &'a str,
    direction: Direction,
    enabled: &'static str,
    memo: &'a str,
}

impl<'a> From<&'a RelayPermission> for Wire<'a> {
    fn from(row: &'a RelayPermission) -> Self {
        Self {
            connection_id: &row.connection_id,
            remote_connection_id: &row.remote_connection_id,
            direction: row.direction,
            enabled: if row.enabled { "true" } else { "false" },
            memo: &row.memo,
        }
    }
}
