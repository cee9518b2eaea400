//! `GET /`: the current state, as HTML for people and as JSON for programs. Reading it has no side effects, and it
//! contains no key, token, or payload.

mod html;
pub(crate) mod snapshot;
mod state;

use http::header::{
    ACCEPT, CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, VARY, X_CONTENT_TYPE_OPTIONS,
};
use http::{HeaderMap, HeaderValue, Method, Uri};

use crate::message::Response;
use snapshot::Snapshot;
pub(crate) use state::State;

/// Whether a request is for the page, which belongs to no service.
pub(crate) fn is_asked_for(method: &Method, uri: &Uri) -> bool {
    uri.path() == "/" && (method == Method::GET || method == Method::HEAD)
}

pub(crate) fn respond(state: &State<'_>, headers: &HeaderMap) -> Response {
    let snapshot = snapshot(state);
    let (content_type, body) = if wants_json(headers) {
        // Contains only strings and numbers, so serialization does not fail.
        ("application/json", serde_json::to_vec_pretty(&snapshot).unwrap_or_default())
    } else {
        ("text/html; charset=utf-8", html::page(&snapshot).into_bytes())
    };
    let mut response = Response::new(body.into());
    let headers = response.headers_mut();
    for (name, value) in [
        (CONTENT_TYPE, content_type),
        (CACHE_CONTROL, "no-store"),
        (VARY, "accept"),
        (X_CONTENT_TYPE_OPTIONS, "nosniff"),
        // A second line of defense: even an unescaped name could not run a script.
        (CONTENT_SECURITY_POLICY, "default-src 'none'; style-src 'unsafe-inline'"),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    response
}

/// The state of the emulator and its services at this moment.
pub(crate) fn snapshot(state: &State<'_>) -> Snapshot {
    let mut snapshot = Snapshot::new(state);
    for service in state.services.all() {
        service.show(&mut snapshot);
    }
    snapshot
}

/// Browsers accept HTML. A program that wants JSON accepts JSON, and not HTML.
fn wants_json(headers: &HeaderMap) -> bool {
    let mut accepted = headers.get_all(ACCEPT).iter().filter_map(|value| value.to_str().ok());
    let (mut json, mut html) = (false, false);
    for kind in accepted.by_ref().flat_map(|value| value.split(',')) {
        let kind = kind.split(';').next().unwrap_or("").trim();
        json |= kind.eq_ignore_ascii_case("application/json");
        html |= kind.eq_ignore_ascii_case("text/html");
    }
    json && !html
}
