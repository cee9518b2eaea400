//! The `tracing` output: one span per call and one event per retry, at debug level, with OpenTelemetry's names.

use std::time::Duration;

use bytes::Bytes;
use http::Response;
use tracing::Span;

use super::Inner;
use crate::Operation;
use crate::error::{Error, Result};

pub(super) fn open(client: &Inner, operation: &Operation) -> Span {
    let span = (client.dialect.span)();
    if !span.is_disabled() {
        span.record("otel.name", operation.id);
        span.record("http.request.method", operation.method.as_str());
        // OpenTelemetry expects an IPv6 address without the brackets that URLs need.
        span.record("server.address", client.endpoint.host().trim_matches(['[', ']']));
        let default = if client.endpoint.is_https() { 443 } else { 80 };
        let port =
            client.endpoint.authority().rsplit_once(':').and_then(|(_, port)| port.parse::<u16>().ok());
        span.record("server.port", port.unwrap_or(default));
    }
    span
}

pub(super) fn close<T>(span: &Span, client: &Inner, outcome: &Result<crate::Response<T>>) {
    if span.is_disabled() {
        return;
    }
    let (status, attempts, id) = match outcome {
        Ok(response) => (Some(response.status), response.attempts, Some(response.request_id())),
        Err(error) => (error.status(), error.attempts(), error.request_id()),
    };
    if let Some(status) = status {
        span.record("http.response.status_code", status.as_u16());
    }
    if attempts > 1 {
        span.record("http.request.resend_count", attempts - 1);
    }
    if let Some(id) = id.filter(|id| !id.is_empty()) {
        span.record(client.dialect.span_request_id, id);
    }
    if let Err(error) = outcome {
        span.record("error.type", error_type(error).as_str());
    }
}

/// `number` is the number of attempts so far, which is also the number of the retry that follows.
pub(super) fn retry(number: u32, wait: Duration, outcome: &Result<Response<Bytes>>) {
    let reason = match outcome {
        Ok(response) => response.status().as_str().to_owned(),
        Err(error) => error.kind().to_string(),
    };
    let wait_ms = u64::try_from(wait.as_millis()).unwrap_or(u64::MAX);
    tracing::debug!("http.request.resend_count" = number, "error.type" = reason, wait_ms, "retrying");
}

/// OpenTelemetry expects the status for error responses, and a value of low cardinality for other errors.
fn error_type(error: &Error) -> String {
    let status = error.status().filter(|status| !status.is_success());
    status.map_or_else(|| error.kind().to_string(), |status| status.as_str().to_owned())
}
