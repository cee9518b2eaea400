//! The control API under `/_emulator/`: what a Rust test does with the handles of this crate, a program in any language
//! does with these operations. Each of them calls the function that the Rust test would call.
//!
//! The operations are described in `openapi.json`. They are not logged, and faults do not affect them.

mod call;
mod clock;
mod events;
mod faults;
mod guard;
mod reset;
mod route;

use std::sync::Arc;

use http::header::{ALLOW, CACHE_CONTROL, X_CONTENT_TYPE_OPTIONS};
use http::{HeaderValue, Method, StatusCode, Uri};
use tokio::sync::watch;

pub(crate) use call::{Call, Outcome, Problem, json, no_content};
pub(crate) use events::stream as event_stream;
pub(crate) use guard::{Guard, check_token};
pub(crate) use route::Route;

use crate::message::{Request, Response};
use crate::page;
use crate::server::Shared;

/// The description of the API, for people and generators.
const OPEN_API: &str = include_str!("../../openapi.json");

/// The operations that belong to no service.
const ROUTES: &[Route] = &[
    Route("GET", "clock", clock::read),
    Route("POST", "clock/advance", clock::advance),
    Route("GET", "events", events::follow),
    Route("GET", "faults", faults::list),
    Route("POST", "faults", faults::add),
    Route("DELETE", "faults", faults::clear),
    Route("DELETE", "faults/{fault}", faults::remove),
    Route("GET", "health", health),
    Route("GET", "openapi.json", |_| Ok(call::json_text(OPEN_API.to_owned()))),
    Route("POST", "reset", reset::all),
    Route("POST", "reset/{service}", reset::service),
    Route("GET", "state", |call| Ok(json(&page::snapshot(&call.emulator.shared.state())))),
];

/// Whether a request is for the control API.
pub(crate) fn is_asked_for(uri: &Uri) -> bool {
    uri.path().strip_prefix("/_emulator").is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// Performs the operation, if the request is allowed to.
pub(crate) fn respond(shared: &Arc<Shared>, request: &Request, stopped: &watch::Receiver<bool>) -> Response {
    let outcome = shared.guard.check(request).and_then(|()| dispatch(shared, request, stopped));
    let mut response = outcome.unwrap_or_else(Problem::into_response);
    let headers = response.headers_mut();
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    response
}

fn dispatch(shared: &Arc<Shared>, request: &Request, stopped: &watch::Receiver<bool>) -> Outcome {
    let emulator = shared.emulator().ok_or_else(Problem::stopping)?;
    let method = if request.method == Method::HEAD { "GET" } else { request.method.as_str() };
    let segments = request.segments.get(1..).unwrap_or_default();
    let services = shared.services.all();
    let routes = ROUTES.iter().chain(services.iter().flat_map(|service| service.routes()));
    let mut allowed = Vec::new();
    for Route(verb, path, run) in routes {
        let Some(values) = route::values(path, segments) else { continue };
        if *verb == method {
            return run(&Call { emulator: &emulator, request, values, stopped });
        }
        allowed.push(*verb);
    }
    if allowed.is_empty() {
        return Err(Problem::unknown_path());
    }
    let mut response =
        Problem::new(StatusCode::METHOD_NOT_ALLOWED, "the method is not allowed").into_response();
    if let Ok(value) = HeaderValue::try_from(allowed.join(", ")) {
        response.headers_mut().insert(ALLOW, value);
    }
    Ok(response)
}

fn health(_: &Call<'_>) -> Outcome {
    Ok(json(&serde_json::json!({ "status": "ok", "version": env!("CARGO_PKG_VERSION") })))
}

#[cfg(test)]
#[cfg(all(feature = "webpubsub", feature = "eventgrid", feature = "hulft"))]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::Emulator;

    #[tokio::test]
    async fn the_description_contains_exactly_the_operations_that_exist() {
        let emulator = Emulator::start().await.unwrap();
        let services = emulator.shared.services.all();
        let routes = ROUTES.iter().chain(services.iter().flat_map(|service| service.routes()));
        let routes: BTreeSet<_> = routes
            .map(|Route(method, path, _)| (format!("/_emulator/{path}"), method.to_lowercase()))
            .collect();
        let document: serde_json::Value = serde_json::from_str(OPEN_API).unwrap();
        let mut described = BTreeSet::new();
        for (path, operations) in document["paths"].as_object().unwrap() {
            let methods = operations.as_object().unwrap().keys().filter(|key| *key != "parameters");
            described.extend(methods.map(|method| (path.clone(), method.clone())));
        }
        assert_eq!(described, routes);
        assert_eq!(document["openapi"], "3.1.0");
        assert_eq!(document["info"]["version"], env!("CARGO_PKG_VERSION"));
    }
}
