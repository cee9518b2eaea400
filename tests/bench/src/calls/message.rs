//! What every contender sends and gets: one request, made of the same parts, and one response.

use bytes::Bytes;
use http::HeaderValue;

use crate::Result;
use crate::ids::Ids;
use crate::responses::response_to;

/// The key that goes with every request.
pub(super) const KEY: &str = "bench-key-of-no-service";
/// The room that it names.
pub(super) const ROOM: &str = "lobby one";
/// The path and the query as they go over the wire.
pub(super) const TARGET: &str = "/rooms/lobby%20one/:send?api-version=2026-01-01&reason=closing%20time";
/// The header that carries the id of the call.
pub(super) const REQUEST_ID: &str = "x-request-id";
/// The type of the body.
pub(super) const JSON: &str = "application/json";
/// The usual size of the body.
pub(crate) const BODY: usize = 1024;

/// The parts of the request that do not change, made once as a client does.
#[derive(Debug)]
pub(crate) struct Message {
    pub(super) origin: String,
    pub(super) authorization: HeaderValue,
    pub(super) user_agent: HeaderValue,
    pub(super) body: Bytes,
    response: String,
    ids: Ids,
}

impl Message {
    pub(crate) fn new(origin: &str) -> Result<Self> {
        Self::with_body(origin, BODY)
    }

    /// A message whose body has this size, which is at least 2.
    pub(crate) fn with_body(origin: &str, size: usize) -> Result<Self> {
        let mut authorization = HeaderValue::from_str(&format!("Bearer {KEY}"))?;
        authorization.set_sensitive(true);
        let user_agent =
            format!("workspace-bench/0.0.0 ({}; {})", std::env::consts::OS, std::env::consts::ARCH);
        Ok(Self {
            origin: origin.to_owned(),
            authorization,
            user_agent: HeaderValue::from_str(&user_agent)?,
            body: Bytes::from(format!("{:?}", "x".repeat(size - 2))),
            response: response_to(size),
            ids: Ids::default(),
        })
    }

    /// The whole URL, put together for each request as a client has to.
    pub(super) fn url(&self) -> String {
        format!("{}{TARGET}", self.origin)
    }

    /// The id of one more call.
    pub(super) fn request_id(&self) -> Result<HeaderValue> {
        Ok(HeaderValue::from_str(&self.ids.next())?)
    }

    /// Checks that this is the response to the complete request.
    pub(super) fn check(&self, response: &[u8]) -> Result<()> {
        if response == self.response.as_bytes() {
            return Ok(());
        }
        Err(format!("unexpected response {:?}", String::from_utf8_lossy(response)).into())
    }
}
