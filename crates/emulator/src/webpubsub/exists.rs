//! The operations that check whether a connection, a user with a connection, or a group with a member exists.

use http::StatusCode;

use super::call::Call;
use super::errors::{self, Rejection};
use crate::message::Response;

/// `HEAD /connections/{connectionId}`
pub(super) fn connection(call: &Call<'_>) -> Result<Response, Rejection> {
    let connection = call.value("connection")?;
    found(call.hubs.any(call.hub, |id, _| id == connection), "Connection", connection)
}

/// `HEAD /users/{userId}`
pub(super) fn user(call: &Call<'_>) -> Result<Response, Rejection> {
    let user = call.value("user")?;
    found(call.hubs.any(call.hub, |_, member| member.is_user(user)), "User", user)
}

/// `HEAD /groups/{group}`
pub(super) fn group(call: &Call<'_>) -> Result<Response, Rejection> {
    let group = call.group()?;
    found(call.hubs.has_group(call.hub, group), "Group", group)
}

fn found(there: bool, kind: &str, name: &str) -> Result<Response, Rejection> {
    if there { Ok(errors::empty(StatusCode::OK)) } else { Err(errors::not_existed("Warning", kind, name)) }
}
