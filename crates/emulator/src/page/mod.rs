//! The page at `/`: the current state, as HTML for people and as JSON for programs, and what belongs to it under `/_page/`.
//! Reading it has no side effects, and it contains no key, token, or, unless the setting allows it, payload.

mod actions;
mod chart;
mod filter;
mod forms;
mod html;
mod live;
mod payloads;
pub(crate) mod snapshot;
mod state;

use std::sync::Arc;

use http::header::{
    ACCEPT, CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, REFERRER_POLICY, VARY,
    X_CONTENT_TYPE_OPTIONS,
};
use http::{HeaderMap, HeaderValue, Method, StatusCode, Uri};
use tokio::sync::watch;

pub(crate) use filter::Filter;
pub(crate) use forms::Proof;
use payloads::Payload;

use crate::control::Problem;
use crate::history::{History, Sample};
use crate::message::{Request, Response};
use crate::server::Shared;
use snapshot::Snapshot;
pub(crate) use state::State;

const STYLE: &str = include_str!("style.css");
const SCRIPT: &str = include_str!("live.js");

/// What a viewer sees.
struct View {
    snapshot: Snapshot,
    samples: Vec<Sample>,
    /// `None` if actions are not allowed.
    proof: Option<Proof>,
    /// `None` unless the setting allows them.
    payloads: Option<Vec<Payload>>,
}

/// Whether a request is for the page, which belongs to no service.
pub(crate) fn is_asked_for(method: &Method, uri: &Uri) -> bool {
    let reads = method == Method::GET || method == Method::HEAD;
    (uri.path() == "/" && reads) || uri.path().starts_with("/_page/")
}

pub(crate) fn respond(shared: &Arc<Shared>, request: &Request, stopped: &watch::Receiver<bool>) -> Response {
    let outcome = match request.path().as_slice() {
        [""] => document(shared, request),
        ["_page", "style.css"] => Ok(text("text/css; charset=utf-8", STYLE)),
        ["_page", "live.js"] => Ok(text("text/javascript; charset=utf-8", SCRIPT)),
        ["_page", "live"] => shared.guard.check_source(request).map(|()| {
            History::start(shared);
            live::respond(shared, Filter::of(request), stopped)
        }),
        ["_page", action] => actions::respond(shared, request, action),
        _ => Err(Problem::unknown_path()),
    };
    // A rejected action is shown on the page from which it was sent.
    let outcome = outcome.or_else(|problem| match request.method {
        Method::POST if problem.is_about_input() => {
            let mut page = html(shared, Filter::default(), Some(problem.message()));
            *page.status_mut() = StatusCode::BAD_REQUEST;
            Ok(page)
        }
        _ => Err(problem),
    });
    let mut response = outcome.unwrap_or_else(Problem::into_response);
    let headers = response.headers_mut();
    for (name, value) in [
        (CACHE_CONTROL, "no-store"),
        (VARY, "accept"),
        (X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (REFERRER_POLICY, "same-origin"),
        // A second line of defense: even an unescaped name could not run a script.
        (
            CONTENT_SECURITY_POLICY,
            "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; form-action 'self'; \
             base-uri 'none'; frame-ancestors 'none'",
        ),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    response
}

fn document(shared: &Arc<Shared>, request: &Request) -> Result<Response, Problem> {
    // A link on any page may lead here, but no page of another origin may read what is shown.
    shared.guard.check_host(request)?;
    if shared.guard.shows_payloads() {
        shared.guard.check_source(request)?;
    }
    if wants_json(&request.headers) {
        // Contains only strings and numbers, so serialization does not fail.
        let body = serde_json::to_vec_pretty(&snapshot(&shared.state())).unwrap_or_default();
        return Ok(text("application/json", body));
    }
    History::start(shared);
    let notice = match request.query("notice") {
        Some("sent") => Some("The message was sent."),
        Some("published") => Some("The event was published."),
        Some("disconnected") => Some("The Agent was disconnected."),
        _ => None,
    };
    Ok(html(shared, Filter::of(request), notice))
}

fn html(shared: &Shared, filter: Filter, notice: Option<&str>) -> Response {
    text("text/html; charset=utf-8", html::page(&view(shared, filter), notice))
}

fn text(content_type: &'static str, text: impl Into<bytes::Bytes>) -> Response {
    let mut response = Response::new(text.into().into());
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    response
}

fn view(shared: &Shared, filter: Filter) -> View {
    View {
        payloads: shared.guard.shows_payloads().then(|| payloads::last(shared, &filter)),
        snapshot: filtered(&shared.state(), filter),
        samples: shared.history.samples(),
        proof: shared.guard.proof(),
    }
}

/// The state of the emulator and its services at this moment.
pub(crate) fn snapshot(state: &State<'_>) -> Snapshot {
    filtered(state, Filter::default())
}

fn filtered(state: &State<'_>, filter: Filter) -> Snapshot {
    let mut snapshot = Snapshot::new(state, filter);
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
