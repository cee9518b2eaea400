//! The table of REST operations: maps method and path to a function. Token, version, and names are checked here, in the
//! same order for all operations.

use std::time::SystemTime;

use http::header::CONTENT_LENGTH;
use http::{Method, StatusCode};

use super::errors::{self, Rejection, VERSIONS};
use super::hub::Hubs;
use super::token::Keys;
use super::{Inner, close, exists, generate_token, group_sets, groups, list, names, permissions, send};
use crate::server::{Reply, Request};

const MAX_BYTES: usize = 1024 * 1024;

/// The response of an operation. An error ends it early.
pub(super) type Outcome = Result<Reply, Rejection>;

struct Route {
    method: Method,
    path: &'static str,
    run: fn(&Call<'_>) -> Outcome,
}

const fn route(method: Method, path: &'static str, run: fn(&Call<'_>) -> Outcome) -> Route {
    Route { method, path, run }
}

/// Paths below `/api/hubs/{hub}`.
const ROUTES: &[Route] = &[
    route(Method::POST, ":addToGroups", group_sets::add),
    route(Method::POST, ":closeConnections", close::all),
    route(Method::POST, ":generateToken", generate_token::run),
    route(Method::POST, ":removeFromGroups", group_sets::remove),
    route(Method::POST, ":send", send::to_all),
    route(Method::HEAD, "connections/{connection}", exists::connection),
    route(Method::DELETE, "connections/{connection}", close::connection),
    route(Method::POST, "connections/{connection}/:send", send::to_connection),
    route(Method::DELETE, "connections/{connection}/groups", groups::remove_connection_from_all),
    route(Method::HEAD, "groups/{group}", exists::group),
    route(Method::POST, "groups/{group}/:closeConnections", close::group),
    route(Method::POST, "groups/{group}/:send", send::to_group),
    route(Method::GET, "groups/{group}/connections", list::connections),
    route(Method::PUT, "groups/{group}/connections/{connection}", groups::add_connection),
    route(Method::DELETE, "groups/{group}/connections/{connection}", groups::remove_connection),
    route(Method::PUT, "permissions/{permission}/connections/{connection}", permissions::grant),
    route(Method::HEAD, "permissions/{permission}/connections/{connection}", permissions::check),
    route(Method::DELETE, "permissions/{permission}/connections/{connection}", permissions::revoke),
    route(Method::HEAD, "users/{user}", exists::user),
    route(Method::POST, "users/{user}/:closeConnections", close::user),
    route(Method::POST, "users/{user}/:send", send::to_user),
    route(Method::DELETE, "users/{user}/groups", groups::remove_user_from_all),
    route(Method::PUT, "users/{user}/groups/{group}", groups::add_user),
    route(Method::DELETE, "users/{user}/groups/{group}", groups::remove_user),
];

/// A request and the values from its path.
pub(super) struct Call<'a> {
    pub(super) request: &'a Request,
    pub(super) hubs: &'a Hubs,
    pub(super) keys: &'a Keys,
    pub(super) hub: &'a str,
    pub(super) now: SystemTime,
    values: Vec<(&'static str, &'a str)>,
}

impl<'a> Call<'a> {
    /// The value of the path's `{name}`: at least one character.
    pub(super) fn value(&self, name: &'static str) -> Result<&'a str, Rejection> {
        let value = self.values.iter().find(|(key, _)| *key == name).map_or("", |(_, value)| value);
        if value.is_empty() {
            return Err(errors::invalid(name, &format!("The {name} field is required.")));
        }
        Ok(value)
    }

    /// The group in the path, a valid name.
    pub(super) fn group(&self) -> Result<&'a str, Rejection> {
        let group = self.values.iter().find(|(key, _)| *key == "group").map_or("", |(_, value)| value);
        if names::is_group(group) { Ok(group) } else { Err(errors::invalid("group", errors::GROUP_NAME)) }
    }

    /// The size of the body, which must be announced and is bounded.
    pub(super) fn check_body(&self) -> Result<(), Rejection> {
        if self.request.header(CONTENT_LENGTH).is_none() {
            return Err(errors::invalid("body", "The request has no Content-Length."));
        }
        if self.request.body.len() > MAX_BYTES {
            return Err(errors::invalid("body", "The body is larger than 1 MB."));
        }
        Ok(())
    }

    /// Rejects versions older than the one that introduced the operation.
    pub(super) fn check_since(&self, version: &str) -> Result<(), Rejection> {
        let known: Vec<_> = VERSIONS.into_iter().filter(|known| *known >= version).collect();
        check_version(self.request, &known)
    }

    /// The connections that the request excludes.
    pub(super) fn excluded(&self) -> Vec<&'a str> {
        self.request.query_all("excluded").collect()
    }
}

/// Responds to a request below `/api`.
pub(super) fn respond(service: &Inner, request: &Request) -> Reply {
    try_respond(service, request).unwrap_or_else(|rejection| *rejection)
}

fn try_respond(service: &Inner, request: &Request) -> Outcome {
    let path = request.path();
    let (hub, rest) = match path.as_slice() {
        ["api", "health"] if request.method == Method::HEAD => return health(request),
        ["api", "hubs", hub, rest @ ..] => (*hub, rest),
        _ => return Err(unknown_path()),
    };
    let (route, values) = ROUTES
        .iter()
        .find_map(|route| Some((route, matches(route, &request.method, rest)?)))
        .ok_or_else(unknown_path)?;
    service.keys.check_service_token(request, service.clock.now()).map_err(errors::unauthorized)?;
    check_version(request, &VERSIONS)?;
    if !names::is_hub(hub) {
        let message =
            "The field hub must match the regular expression '^[A-Za-z][A-Za-z0-9_`,.[\\]]{0,127}$'.";
        return Err(errors::invalid("hub", message));
    }
    (route.run)(&Call {
        request,
        hubs: &service.hubs,
        keys: &service.keys,
        hub,
        now: service.clock.now(),
        values,
    })
}

fn matches<'a>(route: &Route, method: &Method, path: &[&'a str]) -> Option<Vec<(&'static str, &'a str)>> {
    let template: Vec<&'static str> = route.path.split('/').collect();
    if route.method != *method || template.len() != path.len() {
        return None;
    }
    let mut values = Vec::new();
    for (expected, actual) in template.into_iter().zip(path) {
        match expected.strip_prefix('{').and_then(|name| name.strip_suffix('}')) {
            Some(name) => values.push((name, *actual)),
            None if expected == *actual => {}
            None => return None,
        }
    }
    Some(values)
}

/// Health needs no token. As observed, it accepts a preview version.
fn health(request: &Request) -> Outcome {
    let known: Vec<_> = VERSIONS.into_iter().chain(["2021-08-01-preview"]).collect();
    check_version(request, &known)?;
    Ok(errors::bare(StatusCode::OK))
}

fn check_version(request: &Request, known: &[&str]) -> Result<(), Rejection> {
    match request.query("api-version") {
        Some(version) if known.contains(&version) => Ok(()),
        Some(version) => {
            let message = format!("The API version '{version}' is not supported.");
            Err(errors::invalid("api-version", &message))
        }
        None => Err(errors::invalid("api-version", "An API version is required, but was not specified.")),
    }
}

fn unknown_path() -> Rejection {
    errors::error(StatusCode::NOT_FOUND, "Error.NotFound", "No operation has this method and path.", "Path")
}
