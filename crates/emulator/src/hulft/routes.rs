//! The table of operations. A request is checked in this order: key, rate limit, path, method, scope, and then the
//! checks of the operation.

use std::time::{Duration, SystemTime};

use http::{Method, header};
use time::OffsetDateTime;
use time::macros::format_description;

use super::browser_transfer::{SendFile, SendRequest};
use super::call::Call;
use super::errors::Rejection;
use super::keys::Scope;
use super::{
    State, access_denials, accounts, agents, browser_transfer, connections, dclients, groups,
    ip_filter_groups, relay_logs, relay_permissions, secondary_accounts, service_status,
};
use crate::message::{Request, Response};

type Run = fn(&mut State, &Call<'_>) -> Result<Response, Rejection>;

/// One operation of the Site API.
struct Route {
    method: Method,
    /// A path below `/api/v2`. A segment in braces matches any value.
    template: &'static str,
    /// The scope that the key must have. `None` if the vendor's page names no scope.
    scope: Option<Scope>,
    run: Run,
}

const fn route(method: Method, template: &'static str, scope: Option<Scope>, run: Run) -> Route {
    Route { method, template, scope, run }
}

const SEND_FILES: &str = "browser-transfer/definition/browser-to-hulft";
const SEND_FILE: &str = "browser-transfer/definition/browser-to-hulft/{browserToHulftDefinitionId}";
const SEND_REQUESTS: &str = "browser-transfer/definition/hulft-to-browser";
const SEND_REQUEST: &str = "browser-transfer/definition/hulft-to-browser/{hulftToBrowserDefinitionId}";
const PERMISSION: &str = "relay/permission/{connectionId}/{remoteConnectionId}/{direction}";

/// All operations, in the order of the vendor's list. `GET /relay/log` is two operations there, with and without
/// `fileId`.
const ROUTES: &[Route] = &[
    route(Method::GET, "access-denial/log", None, access_denials::list),
    route(Method::GET, "accounts/definition", None, accounts::list),
    route(Method::GET, "accounts/definition/{accountId}", None, accounts::get),
    route(Method::POST, "accounts/definition", None, accounts::register),
    route(Method::POST, "accounts/password/set-request", None, accounts::request_password),
    route(Method::PUT, "accounts/definition/{accountId}", None, accounts::update),
    route(Method::DELETE, "accounts/definition/{accountId}", None, accounts::delete),
    route(Method::GET, "agent/status", Some(Scope::AGENT_GET), agents::status),
    route(Method::GET, "agent/status/{direction}", Some(Scope::AGENT_GET), agents::status),
    route(Method::POST, "agent/disconnection", Some(Scope::AGENT_DISCONNECT), agents::disconnection),
    route(Method::GET, "browser-transfer-groups", None, groups::list),
    route(Method::GET, "browser-transfer-groups/{browserTransferGroupId}", None, groups::get),
    route(Method::POST, "browser-transfer-groups", None, groups::register),
    route(Method::PUT, "browser-transfer-groups/{browserTransferGroupId}", None, groups::update),
    route(Method::DELETE, "browser-transfer-groups/{browserTransferGroupId}", None, groups::delete),
    route(Method::GET, SEND_FILES, Some(Scope::BROWSER_SEND_FILE_GET), browser_transfer::list::<SendFile>),
    route(Method::GET, SEND_FILE, Some(Scope::BROWSER_SEND_FILE_GET), browser_transfer::get::<SendFile>),
    route(
        Method::POST,
        SEND_FILES,
        Some(Scope::BROWSER_SEND_FILE_CREATE),
        browser_transfer::register::<SendFile>,
    ),
    route(
        Method::PUT,
        SEND_FILE,
        Some(Scope::BROWSER_SEND_FILE_UPDATE),
        browser_transfer::update::<SendFile>,
    ),
    route(
        Method::DELETE,
        SEND_FILE,
        Some(Scope::BROWSER_SEND_FILE_DELETE),
        browser_transfer::delete::<SendFile>,
    ),
    route(
        Method::GET,
        SEND_REQUESTS,
        Some(Scope::BROWSER_SEND_REQUEST_GET),
        browser_transfer::list::<SendRequest>,
    ),
    route(
        Method::GET,
        SEND_REQUEST,
        Some(Scope::BROWSER_SEND_REQUEST_GET),
        browser_transfer::get::<SendRequest>,
    ),
    route(
        Method::POST,
        SEND_REQUESTS,
        Some(Scope::BROWSER_SEND_REQUEST_CREATE),
        browser_transfer::register::<SendRequest>,
    ),
    route(
        Method::PUT,
        SEND_REQUEST,
        Some(Scope::BROWSER_SEND_REQUEST_UPDATE),
        browser_transfer::update::<SendRequest>,
    ),
    route(
        Method::DELETE,
        SEND_REQUEST,
        Some(Scope::BROWSER_SEND_REQUEST_DELETE),
        browser_transfer::delete::<SendRequest>,
    ),
    route(Method::GET, "connections/definition", Some(Scope::CONNECTION_SETTINGS_GET), connections::list),
    route(
        Method::GET,
        "connections/definition/{connectionId}",
        Some(Scope::CONNECTION_SETTINGS_GET),
        connections::get,
    ),
    route(
        Method::POST,
        "connections/definition",
        Some(Scope::CONNECTION_SETTINGS_CREATE),
        connections::register,
    ),
    route(
        Method::PUT,
        "connections/definition/{connectionId}",
        Some(Scope::CONNECTION_SETTINGS_UPDATE),
        connections::update,
    ),
    route(
        Method::DELETE,
        "connections/definition/{connectionId}",
        Some(Scope::CONNECTION_SETTINGS_DELETE),
        connections::delete,
    ),
    route(Method::GET, "dclient/definition", None, dclients::list),
    route(Method::GET, "dclient/definition/{dclientUuid}", None, dclients::get),
    route(Method::POST, "dclient/definition", None, dclients::register),
    route(Method::POST, "dclient/user-guide/mail-request/{dclientUuid}", None, dclients::request_mail),
    route(Method::PUT, "dclient/definition/{dclientUuid}", None, dclients::update),
    route(Method::DELETE, "dclient/definition/{dclientUuid}", None, dclients::delete),
    route(Method::GET, "ip-filter/group", None, ip_filter_groups::list),
    route(Method::GET, "ip-filter/group/{ipFilterGroupName}", None, ip_filter_groups::get),
    route(Method::POST, "ip-filter/group", None, ip_filter_groups::register),
    route(Method::PUT, "ip-filter/group/{ipFilterGroupName}", None, ip_filter_groups::update),
    route(Method::DELETE, "ip-filter/group/{ipFilterGroupName}", None, ip_filter_groups::delete),
    route(Method::GET, "relay/permission", Some(Scope::RELAY_AUTH_SETTINGS_GET), relay_permissions::list),
    route(
        Method::GET,
        "relay/permission/{connectionId}",
        Some(Scope::RELAY_AUTH_SETTINGS_GET),
        relay_permissions::list,
    ),
    route(
        Method::GET,
        "relay/permission/{connectionId}/{direction}",
        Some(Scope::RELAY_AUTH_SETTINGS_GET),
        relay_permissions::list,
    ),
    route(Method::GET, PERMISSION, Some(Scope::RELAY_AUTH_SETTINGS_GET), relay_permissions::get),
    route(
        Method::POST,
        "relay/permission",
        Some(Scope::RELAY_AUTH_SETTINGS_CREATE),
        relay_permissions::register,
    ),
    route(Method::PUT, PERMISSION, Some(Scope::RELAY_AUTH_SETTINGS_UPDATE), relay_permissions::update),
    route(Method::DELETE, PERMISSION, Some(Scope::RELAY_AUTH_SETTINGS_DELETE), relay_permissions::delete),
    route(Method::GET, "relay/log", Some(Scope::RELAY_LOG_GET), relay_logs::list),
    route(Method::GET, "relay/log/{processingId}", Some(Scope::RELAY_LOG_GET), relay_logs::get),
    route(Method::GET, "service/status", Some(Scope::SERVICE_STATUS_GET), service_status::get),
    route(
        Method::GET,
        "secondary-account/definition",
        Some(Scope::SECONDARY_ACCOUNT_GET),
        secondary_accounts::list,
    ),
    route(
        Method::GET,
        "secondary-account/definition/{secondaryAccountId}",
        Some(Scope::SECONDARY_ACCOUNT_GET),
        secondary_accounts::get,
    ),
    route(
        Method::DELETE,
        "secondary-account/definition/{secondaryAccountId}",
        Some(Scope::SECONDARY_ACCOUNT_DELETE),
        secondary_accounts::delete,
    ),
];

pub(super) fn respond(state: &mut State, request: &Request, now: SystemTime) -> Response {
    dispatch(state, request, now).unwrap_or_else(Response::from)
}

fn dispatch(state: &mut State, request: &Request, now: SystemTime) -> Result<Response, Rejection> {
    let scopes =
        state.keys.scopes(request.header(header::AUTHORIZATION)).ok_or_else(Rejection::unauthorized)?;
    state.rate_limit.count(now).map_err(blocked)?;
    let path = request.path();
    let path = path.strip_prefix(&["api", "v2"]).ok_or_else(Rejection::unknown_path)?;
    let (route, parameters) = find(&request.method, path)?;
    if let Some(scope) = route.scope.filter(|scope| !scopes.contains(scope)) {
        return Err(Rejection::missing_scope(scope));
    }
    (route.run)(state, &Call { request, parameters, now })
}

/// The vendor describes a date and time at which the block ends. It has whole seconds and is rounded up, so that a
/// client that waits until then is admitted.
fn blocked(until: SystemTime) -> Rejection {
    let format = format_description!(
        "[weekday repr:short], [day] [month repr:short] [year] [hour]:[minute]:[second] GMT"
    );
    let rounded = until + Duration::from_nanos(999_999_999);
    let date = OffsetDateTime::from(rounded).format(format).unwrap_or_default();
    Rejection::rate_limited().with_header(header::RETRY_AFTER, &date)
}

fn find<'a>(method: &Method, path: &[&'a str]) -> Result<(&'static Route, Vec<&'a str>), Rejection> {
    let matching: Vec<_> =
        ROUTES.iter().filter_map(|route| Some((route, parameters(route.template, path)?))).collect();
    if matching.is_empty() {
        return Err(Rejection::unknown_path());
    }
    let allowed: Vec<_> = matching.iter().map(|(route, _)| route.method.as_str()).collect();
    let rejection = Rejection::method_not_allowed().with_header(header::ALLOW, &allowed.join(", "));
    matching.into_iter().find(|(route, _)| route.method == *method).ok_or(rejection)
}

/// The path segments that match the template's braces. `None` if the path does not match the template.
fn parameters<'a>(template: &str, path: &[&'a str]) -> Option<Vec<&'a str>> {
    if template.split('/').count() != path.len() {
        return None;
    }
    let mut values = Vec::new();
    for (expected, &found) in template.split('/').zip(path) {
        match expected.starts_with('{') {
            true if !found.is_empty() => values.push(found),
            false if expected == found => {}
            _ => return None,
        }
    }
    Some(values)
}
