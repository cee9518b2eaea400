//! What differs from service to service, as a value, so that nothing else in this crate knows one from another.

use http::HeaderName;
use tracing::Span;

/// How one service speaks.
#[derive(Debug, Clone)]
pub struct Dialect {
    /// The product in the user agent, `name/version`.
    pub product: &'static str,
    /// The request header that carries this side's id of the call, if the service takes one.
    pub request_id_header: Option<HeaderName>,
    /// The answer headers that may carry the service's id of the call, the preferred one first.
    pub response_request_id_headers: &'static [&'static str],
    /// The answer headers that repeat the error's code.
    pub error_code: &'static [&'static str],
    /// Opens a call's span; made by [`call_span!`](crate::call_span), which also fixes the name of the next field.
    pub span: fn() -> Span,
    /// The span field that takes the service's id of the call.
    pub span_request_id: &'static str,
}

/// The span of one call: OpenTelemetry's names, and the service's request id under the name given.
#[macro_export]
macro_rules! call_span {
    ($request_id:literal) => {
        || {
            $crate::reexport::tracing::debug_span!(
                "call",
                "otel.name" = $crate::reexport::tracing::field::Empty,
                "otel.kind" = "client",
                "http.request.method" = $crate::reexport::tracing::field::Empty,
                "http.response.status_code" = $crate::reexport::tracing::field::Empty,
                "http.request.resend_count" = $crate::reexport::tracing::field::Empty,
                "server.address" = $crate::reexport::tracing::field::Empty,
                "server.port" = $crate::reexport::tracing::field::Empty,
                "error.type" = $crate::reexport::tracing::field::Empty,
                $request_id = $crate::reexport::tracing::field::Empty,
            )
        }
    };
}
