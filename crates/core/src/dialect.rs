//! What differs from service to service, as a value, so that nothing else in this crate knows one service from another.

use std::mem;

use http::HeaderName;
use tracing::Span;

use crate::CallInstruments;

/// Describes the header names, user agent, and tracing span of one service.
///
/// A service crate defines its dialect as a `static` and passes it to [`ClientOptions::build`](crate::ClientOptions::build).
///
/// # Examples
///
/// ```
/// use http::HeaderName;
/// use service_core::Dialect;
///
/// static DIALECT: Dialect = Dialect::new(
///     concat!("rooms/", env!("CARGO_PKG_VERSION")),
///     service_core::call_span!("rooms.request_id"),
///     "rooms.request_id",
/// )
/// .request_id_header(HeaderName::from_static("x-client-request-id"))
/// .response_request_id_headers(&["x-request-id"])
/// .error_code(&["x-error-code"]);
///
/// assert_eq!(DIALECT.error_code, ["x-error-code"]);
/// ```
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Dialect {
    /// The product that the user agent names, as `name/version`.
    pub product: &'static str,
    /// The request header that carries the client's request id, if the service accepts one.
    pub request_id_header: Option<HeaderName>,
    /// The response headers that may carry the service's request id, in order of preference.
    pub response_request_id_headers: &'static [&'static str],
    /// The response headers that may carry the error code, in order of preference.
    pub error_code: &'static [&'static str],
    /// The text to which the line of an error with status 401 points, such as the name of a function that explains it.
    pub unauthorized_help: Option<&'static str>,
    /// The function that opens a call's span; [`call_span!`](crate::call_span) creates it.
    pub span: fn() -> Span,
    /// The span field that records the service's request id.
    pub span_request_id: &'static str,
    /// The instruments of the service's calls, in addition to those of HTTP.
    pub instruments: Option<&'static CallInstruments>,
}

impl Dialect {
    /// Creates the dialect of a service without request ids and without a header for error codes.
    ///
    /// `product` has the form `name/version`. `span_request_id` must be the name that `span` was created with by
    /// [`call_span!`](crate::call_span); otherwise the request id is not recorded.
    #[must_use]
    pub const fn new(product: &'static str, span: fn() -> Span, span_request_id: &'static str) -> Self {
        Self {
            product,
            request_id_header: None,
            response_request_id_headers: &[],
            error_code: &[],
            unauthorized_help: None,
            span,
            span_request_id,
            instruments: None,
        }
    }

    /// Sets the request header that carries the client's request id.
    #[must_use]
    pub const fn request_id_header(mut self, name: HeaderName) -> Self {
        // A constant function cannot drop the previous value.
        mem::forget(self.request_id_header.replace(name));
        self
    }

    /// Sets the response headers that may carry the service's request id, in order of preference.
    #[must_use]
    pub const fn response_request_id_headers(mut self, names: &'static [&'static str]) -> Self {
        self.response_request_id_headers = names;
        self
    }

    /// Sets the text to which the line of an error with status 401 points.
    #[must_use]
    pub const fn unauthorized_help(mut self, text: &'static str) -> Self {
        self.unauthorized_help = Some(text);
        self
    }

    /// Sets the instruments of the service's calls.
    #[must_use]
    pub const fn instruments(mut self, instruments: &'static CallInstruments) -> Self {
        self.instruments = Some(instruments);
        self
    }

    /// Sets the response headers that may carry the error code, in order of preference.
    #[must_use]
    pub const fn error_code(mut self, names: &'static [&'static str]) -> Self {
        self.error_code = names;
        self
    }
}

/// Creates the function that opens a call's span.
///
/// The span has the level INFO, the target `service_core::call`, OpenTelemetry's field names, and one field with the given name
/// for the service's request id. Further fields with their values may follow, as in `tracing`'s own macros.
///
/// With the kind, the name, and further fields of a span, the macro opens that span. [`Call::send_in`](crate::Call::send_in) sends a
/// call in it.
///
/// # Examples
///
/// ```
/// use service_core::Dialect;
///
/// static DIALECT: Dialect =
///     Dialect::new("rooms/0.1.0", service_core::call_span!("rooms.request_id", "rooms.country" = "FI"), "rooms.request_id");
///
/// fn knocking(door: &str) -> tracing::Span {
///     service_core::call_span!("rooms.request_id", kind = "producer", name = format!("knock {door}"), "rooms.door" = door)
/// }
/// # let _ = (&DIALECT, knocking("blue"));
/// ```
#[macro_export]
macro_rules! call_span {
    ($request_id:literal, kind = $kind:expr, name = $name:expr $(, $($field:tt)*)?) => {
        $crate::reexport::tracing::info_span!(
            target: "service_core::call",
            "call",
            "otel.name" = $name,
            "otel.kind" = $kind,
            "otel.status_code" = $crate::reexport::tracing::field::Empty,
            "http.request.method" = $crate::reexport::tracing::field::Empty,
            "http.response.status_code" = $crate::reexport::tracing::field::Empty,
            "http.request.resend_count" = $crate::reexport::tracing::field::Empty,
            "server.address" = $crate::reexport::tracing::field::Empty,
            "server.port" = $crate::reexport::tracing::field::Empty,
            "error.type" = $crate::reexport::tracing::field::Empty,
            $request_id = $crate::reexport::tracing::field::Empty,
            $($($field)*)?
        )
    };
    ($request_id:literal $(, $($field:tt)*)?) => {
        || {
            $crate::call_span!(
                $request_id,
                kind = "internal",
                name = $crate::reexport::tracing::field::Empty,
                $($($field)*)?
            )
        }
    };
}
