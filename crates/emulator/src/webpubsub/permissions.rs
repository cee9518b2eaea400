//! The operations on the permissions of one connection in a group or, without a target, in every group.

use http::StatusCode;

use super::call::Call;
use super::errors::{self, Rejection};
use super::member::Member;
use super::names;
use super::roles::Permission;
use crate::message::Response;

/// `PUT /permissions/{permission}/connections/{connectionId}`
pub(super) fn grant(call: &Call<'_>) -> Result<Response, Rejection> {
    let (permission, group) = (permission(call)?, target(call)?);
    if with_connection(call, |member| member.roles.grant(permission, group))? {
        Ok(errors::empty(StatusCode::OK))
    } else {
        Err(errors::invalid("permission", "The connection has too many permissions."))
    }
}

/// `HEAD /permissions/{permission}/connections/{connectionId}`
pub(super) fn check(call: &Call<'_>) -> Result<Response, Rejection> {
    let (permission, group) = (permission(call)?, target(call)?);
    let allowed = with_connection(call, |member| match group {
        Some(group) => member.roles.allow(permission, group),
        None => member.roles.allow_all(permission),
    })?;
    if allowed {
        Ok(errors::empty(StatusCode::OK))
    } else {
        Err(errors::not_existed("Info", "Permission", call.value("permission")?))
    }
}

/// `DELETE /permissions/{permission}/connections/{connectionId}`. As observed, one without a target is rejected, even
/// if the connection does not exist.
pub(super) fn revoke(call: &Call<'_>) -> Result<Response, Rejection> {
    let permission = permission(call)?;
    let group = target(call)?.ok_or_else(invalid_target)?;
    call.hubs.with(call.hub, call.value("connection")?, |member| member.roles.revoke(permission, group));
    Ok(errors::empty(StatusCode::NO_CONTENT))
}

fn permission(call: &Call<'_>) -> Result<Permission, Rejection> {
    let name = call.value("permission")?;
    Permission::named(name)
        .ok_or_else(|| errors::invalid("permission", &format!("The value '{name}' is not valid.")))
}

fn target<'a>(call: &Call<'a>) -> Result<Option<&'a str>, Rejection> {
    let target = call.request.query("targetName");
    if target.is_none_or(names::is_group) { Ok(target) } else { Err(invalid_target()) }
}

fn invalid_target() -> Rejection {
    errors::error(StatusCode::BAD_REQUEST, "Error.BadRequest", errors::GROUP_NAME, "Request")
}

fn with_connection<T>(call: &Call<'_>, change: impl FnOnce(&mut Member) -> T) -> Result<T, Rejection> {
    let connection = call.value("connection")?;
    let done = call.hubs.with(call.hub, connection, change);
    done.ok_or_else(|| errors::not_existed("Info", "Connection", connection))
}
