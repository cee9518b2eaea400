//! The table of REST operations: maps method and path to a function. Token, version, and names are checked here, in the
//! same order for all operations.

use http::{Method, StatusCode};

use super::call::{Call, check_version};
use super::errors::{self, Rejection, VERSIONS};
use super::token::bearer;
use super::{Inner, close, exists, generate_token, group_sets, groups, list, names, permissions, send};
use crate::message::{Request, Response};

type Run = fn(&Call<'_>) -> Result<Response, Rejection>;

struct Route {
    method: Method,
    path: &'static str,
    run: Run,
}

const fn route(method: Method, path: &'static str, run: Run) -> Route {
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

/// Responds to a request below `/api`.
pub(super) fn respond(service: &Inner, request: &Request) -> Response {
    try_respond(service, request).unwrap_or_else(|rejection| *rejection)
}

fn try_respond(service: &Inner, request: &Request) -> Result<Response, Rejection> {
    let path = request.path();
    let (hub, rest) = match path.as_slice() {
        ["api", "health"] if matches!(request.method, Method::HEAD | Method::GET) => return health(request),
        ["api", "hubs", hub, rest @ ..] => (*hub, rest),
        _ => return Err(unknown_path()),
    };
    let (route, values) = ROUTES
        .iter()
        .find_map(|route| Some((route, matches(route, &request.method, rest)?)))
        .ok_or_else(unknown_path)?;
    authorize(service, request).map_err(errors::unauthorized)?;
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

/// Accepts a token of Entra ID, or one that an access key signed for this request.
fn authorize(service: &Inner, request: &Request) -> Result<(), &'static str> {
    let now = service.clock.now();
    if let Some(token) = bearer(request)
        && service.entra.accepts(token, now)?
    {
        return Ok(());
    }
    service.keys.check_service_token(request, &service.endpoint.http(), now)
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

/// Health needs no token and no version. As observed, it accepts a preview version.
fn health(request: &Request) -> Result<Response, Rejection> {
    let known: Vec<_> = VERSIONS.into_iter().chain(["2021-08-01-preview"]).collect();
    check_version(request, &known)?;
    Ok(errors::bare(StatusCode::OK))
}

fn unknown_path() -> Rejection {
    errors::error(StatusCode::NOT_FOUND, "Error.NotFound", "No operation has this method and path.", "Path")
}
