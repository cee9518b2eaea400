//! The operations that add a connection, or all connections of a user, to a group or remove them.

use http::StatusCode;

use super::call::Call;
use super::errors::{self, Rejection};
use super::hub::Joined;
use crate::message::Response;

/// `PUT /groups/{group}/connections/{connectionId}`
pub(super) fn add_connection(call: &Call<'_>) -> Result<Response, Rejection> {
    let (group, connection) = (call.group()?, call.value("connection")?);
    match call.hubs.join(call.hub, &[group], |id, _| id == connection) {
        Joined::All => Ok(errors::empty(StatusCode::OK)),
        Joined::NoMatch => Err(errors::not_existed("Error", "Connection", connection)),
        Joined::TooMany => Err(errors::too_many_groups("group")),
    }
}

/// `PUT /users/{userId}/groups/{group}`: affects the user's current connections.
pub(super) fn add_user(call: &Call<'_>) -> Result<Response, Rejection> {
    let (user, group) = (call.value("user")?, call.group()?);
    match call.hubs.join(call.hub, &[group], |_, member| member.is_user(user)) {
        Joined::All => Ok(errors::empty(StatusCode::OK)),
        Joined::NoMatch => Err(errors::not_existed("Warning", "User", user)),
        Joined::TooMany => Err(errors::too_many_groups("group")),
    }
}

/// `DELETE /groups/{group}/connections/{connectionId}`
pub(super) fn remove_connection(call: &Call<'_>) -> Result<Response, Rejection> {
    let (group, connection) = (call.group()?, call.value("connection")?);
    call.hubs.leave(call.hub, &[group], |id, _| id == connection);
    Ok(errors::empty(StatusCode::NO_CONTENT))
}

/// `DELETE /connections/{connectionId}/groups`
pub(super) fn remove_connection_from_all(call: &Call<'_>) -> Result<Response, Rejection> {
    let connection = call.value("connection")?;
    call.hubs.leave_all(call.hub, |id, _| id == connection);
    Ok(errors::empty(StatusCode::NO_CONTENT))
}

/// `DELETE /users/{userId}/groups/{group}`
pub(super) fn remove_user(call: &Call<'_>) -> Result<Response, Rejection> {
    let (user, group) = (call.value("user")?, call.group()?);
    call.hubs.leave(call.hub, &[group], |_, member| member.is_user(user));
    Ok(errors::empty(StatusCode::NO_CONTENT))
}

/// `DELETE /users/{userId}/groups`
pub(super) fn remove_user_from_all(call: &Call<'_>) -> Result<Response, Rejection> {
    let user = call.value("user")?;
    call.hubs.leave_all(call.hub, |_, member| member.is_user(user));
    Ok(errors::empty(StatusCode::NO_CONTENT))
}
