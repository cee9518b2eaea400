//! The table of operations, and the order in which a request is refused: key, rate limit, path, method, scope, then what
//! the operation itself finds.

use std::time::{Duration, SystemTime};

use http::{Method, header};
use time::OffsetDateTime;
use time::macros::format_description;

use super::errors::Failure;
use super::keys::Scope;
use super::{State, agents};
use crate::server::{Reply, Request};

/// One operation of the Site API.
struct Route {
    method: Method,
    /// Below `/api/v2`; a segment in braces stands for any value.
    template: &'static str,
    /// What the key has to allow.
    scope: Scope,
    run: fn(&mut State, &Call<'_>) -> Result<Reply, Failure>,
}

const ROUTES: &[Route] = &[
    Route { method: Method::GET, template: "agent/status", scope: Scope::AGENT_GET, run: agents::status },
    Route {
        method: Method::GET,
        template: "agent/status/{direction}",
        scope: Scope::AGENT_GET,
        run: agents::status,
    },
    Route {
        method: Method::POST,
        template: "agent/disconnection",
        scope: Scope::AGENT_DISCONNECT,
        run: agents::disconnection,
    },
];

/// A request that has come to its operation.
pub(super) struct Call<'a> {
    pub(super) request: &'a Request,
    /// The values of the template's braces, in order.
    pub(super) parameters: Vec<&'a str>,
}

pub(super) fn serve(state: &mut State, request: &Request, now: SystemTime) -> Reply {
    dispatch(state, request, now).unwrap_or_else(Reply::from)
}

fn dispatch(state: &mut State, request: &Request, now: SystemTime) -> Result<Reply, Failure> {
    let scopes =
        state.keys.scopes(request.header(header::AUTHORIZATION)).ok_or_else(Failure::unauthorized)?;
    state.rate_limit.count(now).map_err(blocked)?;
    let path = request.path();
    let path = path.strip_prefix(&["api", "v2"]).ok_or_else(Failure::unknown_path)?;
    let (route, parameters) = find(&request.method, path)?;
    if !scopes.contains(&route.scope) {
        return Err(Failure::missing_scope(route.scope));
    }
    (route.run)(state, &Call { request, parameters })
}

/// The vendor speaks of the date and time of the release. Whole seconds, rounded up: who comes back then is let in.
fn blocked(until: SystemTime) -> Failure {
    let format = format_description!(
        "[weekday repr:short], [day] [month repr:short] [year] [hour]:[minute]:[second] GMT"
    );
    let rounded = until + Duration::from_nanos(999_999_999);
    let date = OffsetDateTime::from(rounded).format(format).unwrap_or_default();
    Failure::rate_limited().with_header(header::RETRY_AFTER, &date)
}

fn find<'a>(method: &Method, path: &[&'a str]) -> Result<(&'static Route, Vec<&'a str>), Failure> {
    let matching: Vec<_> =
        ROUTES.iter().filter_map(|route| Some((route, parameters(route.template, path)?))).collect();
    if matching.is_empty() {
        return Err(Failure::unknown_path());
    }
    let allowed: Vec<_> = matching.iter().map(|(route, _)| route.method.as_str()).collect();
    let refusal = Failure::method_not_allowed().with_header(header::ALLOW, &allowed.join(", "));
    matching.into_iter().find(|(route, _)| route.method == *method).ok_or(refusal)
}

/// What stands in the place of the template's braces; `None` when the path is another one.
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
