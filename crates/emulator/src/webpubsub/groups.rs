//! The operations that put one connection into a group and take it out.

use http::StatusCode;

use super::errors;
use super::hub::Joined;
use super::routes::{Call, Outcome};

/// `PUT /groups/{group}/connections/{connectionId}`
pub(super) fn add_connection(call: &Call<'_>) -> Outcome {
    let (group, connection) = (call.group()?, call.value("connection")?);
    match call.hubs.join(call.hub, connection, group) {
        Joined::Yes => Ok(errors::empty(StatusCode::OK)),
        Joined::NoConnection => Err(errors::not_existed("Error", "Connection", connection)),
        Joined::TooMany => Err(errors::invalid("group", "The connection is in too many groups.")),
    }
}

/// `DELETE /groups/{group}/connections/{connectionId}`
pub(super) fn remove_connection(call: &Call<'_>) -> Outcome {
    let (group, connection) = (call.group()?, call.value("connection")?);
    call.hubs.leave(call.hub, connection, group);
    Ok(errors::empty(StatusCode::NO_CONTENT))
}
