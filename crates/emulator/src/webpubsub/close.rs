//! The operations that close connections. Closing a missing connection succeeds. A closed connection has left the hub
//! and its groups before the response is sent.

use http::StatusCode;

use super::call::Call;
use super::errors::{self, Rejection};
use super::outbox::Closing;
use crate::message::Response;

/// `POST /:closeConnections`
pub(super) fn all(call: &Call<'_>) -> Result<Response, Rejection> {
    let excluded = call.excluded();
    call.hubs.close(call.hub, &closing(call), |id, _| !excluded.contains(&id));
    Ok(errors::empty(StatusCode::NO_CONTENT))
}

/// `POST /groups/{group}/:closeConnections`
pub(super) fn group(call: &Call<'_>) -> Result<Response, Rejection> {
    let (group, excluded) = (call.group()?, call.excluded());
    call.hubs.close(call.hub, &closing(call), |id, member| member.is_in(group) && !excluded.contains(&id));
    Ok(errors::empty(StatusCode::NO_CONTENT))
}

/// `POST /users/{userId}/:closeConnections`
pub(super) fn user(call: &Call<'_>) -> Result<Response, Rejection> {
    let (user, excluded) = (call.value("user")?, call.excluded());
    call.hubs.close(call.hub, &closing(call), |id, member| member.is_user(user) && !excluded.contains(&id));
    Ok(errors::empty(StatusCode::NO_CONTENT))
}

/// `DELETE /connections/{connectionId}`
pub(super) fn connection(call: &Call<'_>) -> Result<Response, Rejection> {
    let connection = call.value("connection")?;
    call.hubs.close(call.hub, &closing(call), |id, _| id == connection);
    Ok(errors::empty(StatusCode::NO_CONTENT))
}

fn closing(call: &Call<'_>) -> Closing {
    Closing::by_server(call.request.query("reason").filter(|reason| !reason.is_empty()))
}
