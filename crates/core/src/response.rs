//! A response with its value: what `.with_response()` returns.

use std::fmt;

use http::{HeaderMap, StatusCode};

/// Contains the value of a successful call together with the response's status and headers.
///
/// Awaiting a builder returns the value alone; `.with_response().await` returns this type.
///
/// # Examples
///
#[cfg_attr(feature = "testing", doc = "```")]
#[cfg_attr(not(feature = "testing"), doc = "```ignore")]
/// use http::Method;
/// use service_core::RawRequest;
/// # use std::sync::Arc;
/// # use service_core::testing::ScriptedTransport;
/// # use service_core::{ClientOptions, Dialect, Endpoint, HeaderKey, Result};
/// # static DIALECT: Dialect = Dialect::new("rooms/0.1.0", service_core::call_span!("id"), "id")
/// #     .response_request_id_headers(&["x-request-id"]);
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<()> {
/// # let script = ScriptedTransport::new();
/// # script.respond(http::Response::builder().header("x-request-id", "id-1").body("open").unwrap());
/// # let mut options = ClientOptions::default();
/// # options.set_transport(Arc::new(script));
/// # let credential = Arc::new(HeaderKey::authorization("Bearer", &"key".into())?);
/// # let pipeline = options.build(&DIALECT, Endpoint::parse("https://rooms.example")?, credential)?;
///
/// let response = RawRequest::new(&pipeline, Method::GET, "/rooms/{}", &["blue"]).with_response().await?;
/// assert_eq!(response.status(), 200);
/// assert_eq!(response.request_id(), "id-1");
/// assert_eq!(response.body, "open");
/// # Ok(())
/// # }
/// ```
pub struct Response<T> {
    /// The value that the operation returns.
    pub body: T,
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) request_id: Option<http::HeaderValue>,
    pub(crate) attempts: u32,
}

impl<T> Response<T> {
    /// Returns the status code.
    #[must_use]
    pub fn status(&self) -> StatusCode {
        self.status
    }

    /// Returns the headers, with all values of each.
    #[must_use]
    pub fn headers(&self) -> &HeaderMap {
        &self.headers
    }

    /// Returns the request id that identifies the call to the service's support.
    ///
    /// This is the id in the response or, if the response has none, the id that the client sent. The text is empty if the
    /// service has no request ids.
    #[must_use]
    pub fn request_id(&self) -> &str {
        self.request_id.as_ref().and_then(|id| id.to_str().ok()).unwrap_or_default()
    }

    /// Returns the number of attempts that the call made.
    #[must_use]
    pub fn attempts(&self) -> u32 {
        self.attempts
    }

    /// Splits the response into status, headers, and value.
    #[must_use]
    pub fn into_parts(self) -> (StatusCode, HeaderMap, T) {
        (self.status, self.headers, self.body)
    }

    /// Converts the value and keeps the rest of the response.
    pub fn map<U>(self, change: impl FnOnce(T) -> U) -> Response<U> {
        let Self { body, status, headers, request_id, attempts } = self;
        Response { body: change(body), status, headers, request_id, attempts }
    }
}

impl<T: fmt::Debug> fmt::Debug for Response<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shape = f.debug_struct("Response");
        shape
            .field("status", &self.status)
            .field("request_id", &self.request_id)
            .field("body", &self.body)
            .finish()
    }
}
