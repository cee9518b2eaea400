//! The event `connect`: what is sent to the handler about a new client, and how the handler decides (event handler,
//! section 4.1).

use std::collections::BTreeMap;

use bytes::Bytes;
use http::StatusCode;
use http::header::{AUTHORIZATION, CONTENT_TYPE, HeaderName};
use serde::{Deserialize, Serialize};

use crate::message::{Request, Response, json_from_slice};
use crate::webhook::NoResponse;
use crate::webpubsub::errors::{self, Rejection};
use crate::webpubsub::names;

type Values = BTreeMap<String, Vec<String>>;

/// The body that is sent to the handler.
#[derive(Debug, Serialize)]
pub(in crate::webpubsub) struct ConnectRequest {
    claims: Values,
    query: Values,
    headers: Values,
    subprotocols: Vec<String>,
    #[serde(rename = "clientCertificates")]
    client_certificates: [(); 0],
}

/// What the handler changes. Missing members leave the client's values unchanged.
#[derive(Debug, Default, PartialEq, Eq, Deserialize)]
pub(in crate::webpubsub) struct Decision {
    /// An empty one removes the user.
    #[serde(rename = "userId")]
    pub(in crate::webpubsub) user: Option<String>,
    pub(in crate::webpubsub) groups: Option<Vec<String>>,
    pub(in crate::webpubsub) roles: Option<Vec<String>>,
    pub(in crate::webpubsub) subprotocol: Option<String>,
}

impl ConnectRequest {
    pub(in crate::webpubsub) fn new(request: &Request, claims: Values, subprotocols: &[String]) -> Self {
        let header = |name: &HeaderName| {
            let values = request.headers.get_all(name).into_iter();
            let values = values.map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned());
            (name.as_str().to_owned(), values.collect())
        };
        let mut query = Values::new();
        let passed = request.query.iter().filter(|(name, _)| !is_secret_parameter(name));
        for (name, value) in passed {
            query.entry(name.clone()).or_default().push(value.clone());
        }
        Self {
            claims,
            query,
            headers: request.headers.keys().filter(|name| !is_secret_header(name)).map(header).collect(),
            subprotocols: subprotocols.to_vec(),
            client_certificates: [],
        }
    }

    pub(super) fn body(&self) -> Bytes {
        // Maps and lists of strings always serialize.
        serde_json::to_vec(self).unwrap_or_default().into()
    }
}

impl Decision {
    /// Reads the handler's response. An error is the response that the client gets instead of 101.
    pub(super) fn read(response: &http::Response<Bytes>, offered: &[String]) -> Result<Self, Rejection> {
        let status = response.status();
        if status.is_client_error() {
            return Err(forwarded(response));
        }
        if status.is_server_error() {
            return Err(rejection(status, "the event handler failed"));
        }
        if !status.is_success() {
            return Err(rejection(
                StatusCode::BAD_GATEWAY,
                "the event handler returned an unexpected status",
            ));
        }
        if response.body().is_empty() {
            return Ok(Self::default());
        }
        let unreadable = |_| rejection(StatusCode::BAD_GATEWAY, "the event handler's response is unreadable");
        // `null` changes nothing.
        let decision: Option<Self> = json_from_slice(response.body()).map_err(unreadable)?;
        decision.unwrap_or_default().check(offered)
    }

    fn check(self, offered: &[String]) -> Result<Self, Rejection> {
        if self.subprotocol.as_ref().is_some_and(|chosen| !chosen.is_empty() && !offered.contains(chosen)) {
            return Err(rejection(StatusCode::BAD_GATEWAY, "the chosen subprotocol was not offered"));
        }
        if self.groups.iter().flatten().any(|group| !names::is_group(group)) {
            return Err(rejection(StatusCode::BAD_GATEWAY, "a group name from the event handler is invalid"));
        }
        let groups = self.groups.filter(|groups| !groups.is_empty());
        Ok(Self { groups, subprotocol: self.subprotocol.filter(|name| !name.is_empty()), ..self })
    }
}

/// Credentials of the client are not for its event handler.
fn is_secret_parameter(name: &str) -> bool {
    ["access_token", "awps_reconnection_token"].iter().any(|secret| name.eq_ignore_ascii_case(secret))
}

/// Also the headers that the service adds for itself.
fn is_secret_header(name: &HeaderName) -> bool {
    *name == AUTHORIZATION || name.as_str().starts_with("x-asrs-internal-")
}

/// The response to a client for whose `connect` there was no response.
pub(super) fn no_response(error: &NoResponse) -> Rejection {
    let late = matches!(error, NoResponse::Late);
    let status = if late { StatusCode::GATEWAY_TIMEOUT } else { StatusCode::BAD_GATEWAY };
    rejection(status, "the event handler did not respond")
}

pub(super) fn rejection(status: StatusCode, why: &'static str) -> Rejection {
    tracing::warn!(status = status.as_u16(), why, "rejected a client at `connect`");
    Box::new(errors::bare(status))
}

/// The handler's rejection, as the client sees it.
fn forwarded(response: &http::Response<Bytes>) -> Rejection {
    let mut rejection = Response::new(response.body().clone().into());
    *rejection.status_mut() = response.status();
    if let Some(content_type) = response.headers().get(CONTENT_TYPE) {
        rejection.headers_mut().insert(CONTENT_TYPE, content_type.clone());
    }
    Box::new(rejection)
}
