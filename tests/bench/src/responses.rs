//! The responses of the server under load: for each service with a benchmark, a response that was prepared
//! once. It checks what a service would miss, so that no contender saves work by leaving it out.

use std::sync::OnceLock;

use bytes::Bytes;
use http::header::{AUTHORIZATION, CONTENT_TYPE, USER_AGENT};
use http::request::Parts;
use http::{HeaderName, HeaderValue, Response, StatusCode};

use crate::eventgrid;

const JSON: HeaderValue = HeaderValue::from_static("application/json");
/// The header under which the core's benchmark sends an id.
const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
/// The header under which the Azure services are sent one.
const CLIENT_REQUEST_ID: HeaderName = HeaderName::from_static("x-ms-client-request-id");

/// The path at which the server reports how many requests it holds.
pub(crate) const HELD: &str = "/held";

/// The server's response to a body of this size in the core's benchmark.
#[must_use]
pub fn response_to(received: usize) -> String {
    format!(r#"{{"accepted":true,"received":{received}}}"#)
}

/// The response to a request.
#[must_use]
pub fn to(head: &Parts, body: &[u8]) -> Response<Bytes> {
    let path = head.uri.path();
    if path == HELD {
        return Response::new(eventgrid::stream::held().to_string().into());
    }
    if let Some(missing) = missing(head, body) {
        return rejection(&format!("the header {missing} is missing"));
    }
    if path.starts_with("/api/hubs") {
        let mut accepted = Response::new(Bytes::new());
        *accepted.status_mut() = StatusCode::ACCEPTED;
        return accepted;
    }
    let response = match path.rsplit_once(':').map(|(_, verb)| verb) {
        Some("publish") => Bytes::from_static(b"{}"),
        Some("receive") => received(),
        Some("acknowledge") => acknowledged(),
        _ => Bytes::from(response_to(body.len())),
    };
    let mut response = Response::new(response);
    response.headers_mut().insert(CONTENT_TYPE, JSON);
    if let Some(id) = head.headers.get(REQUEST_ID) {
        response.headers_mut().insert(REQUEST_ID, id.clone());
    }
    response
}

/// The response to a request for a topic of which each event has its own lock token.
pub async fn of_stream(topic: &str, head: &Parts, body: &[u8]) -> Response<Bytes> {
    if let Some(missing) = missing(head, body) {
        return rejection(&format!("the header {missing} is missing"));
    }
    let target = head.uri.path_and_query().map_or("", http::uri::PathAndQuery::as_str);
    match eventgrid::stream::respond(topic, target, body).await {
        Ok(body) => {
            let mut response = Response::new(body);
            response.headers_mut().insert(CONTENT_TYPE, JSON);
            response
        }
        Err(error) => rejection(&error.to_string()),
    }
}

/// The header that a request lacks.
fn missing(head: &Parts, body: &[u8]) -> Option<HeaderName> {
    let is_core = head.uri.path().starts_with("/rooms");
    let id = if is_core { REQUEST_ID } else { CLIENT_REQUEST_ID };
    let mut required = vec![AUTHORIZATION, USER_AGENT, id];
    if !body.is_empty() {
        required.push(CONTENT_TYPE);
    }
    required.into_iter().find(|name| !head.headers.contains_key(name))
}

/// The response to an invalid request.
#[must_use]
pub fn rejection(why: &str) -> Response<Bytes> {
    let mut response = Response::new(Bytes::from(why.to_owned()));
    *response.status_mut() = StatusCode::BAD_REQUEST;
    response
}

fn received() -> Bytes {
    static RESPONSE: OnceLock<Bytes> = OnceLock::new();
    RESPONSE.get_or_init(|| eventgrid::wire::receive_response().into()).clone()
}

fn acknowledged() -> Bytes {
    static RESPONSE: OnceLock<Bytes> = OnceLock::new();
    RESPONSE.get_or_init(|| eventgrid::wire::acknowledge_response().into()).clone()
}
