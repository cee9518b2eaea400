//! The `tracing` output, with OpenTelemetry's names: a span per call at INFO, a span per attempt and an event per retry at DEBUG,
//! and one event at the end of a call that needed retries. No field contains an argument of a call, since names of users and
//! groups are personal data.

use std::time::Duration;

use bytes::Bytes;
use http::{Response, StatusCode, Version};
use tracing::Span;
use tracing::field::Empty;

use super::{Inner, Pipeline};
use crate::error::{Error, Result};
use crate::{Endpoint, Operation};

/// Opens the span of a call. If the service crate has no span of its own for it, the operation names it.
pub(super) fn open(
    client: &Pipeline,
    operation: &Operation,
    own: Option<impl FnOnce(&Pipeline) -> Span>,
) -> Span {
    let is_named = own.is_some();
    let span = own.map_or_else(client.inner.dialect.span, |open| open(client));
    if !span.is_disabled() {
        if !is_named {
            span.record("otel.name", operation.id);
        }
        span.record("http.request.method", operation.method.as_str());
        record_server(&span, client.endpoint());
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
        fail(span, &error_type(error));
    }
}

/// The span of an attempt, whose number starts at 1.
pub(super) fn attempt(client: &Inner, operation: &Operation, number: u32) -> Span {
    let span = tracing::debug_span!(
        target: "service_core::attempt",
        "attempt",
        "otel.name" = Empty,
        "otel.kind" = "client",
        "otel.status_code" = Empty,
        "url.template" = Empty,
        "http.request.method" = operation.method.as_str(),
        "http.request.resend_count" = Empty,
        "http.response.status_code" = Empty,
        "network.protocol.version" = Empty,
        "server.address" = Empty,
        "server.port" = Empty,
        "error.type" = Empty,
    );
    if span.is_disabled() {
        return span;
    }
    record_server(&span, &client.endpoint);
    // The path of a request outside the known operations is not a template and may contain names.
    if operation.path.is_empty() {
        span.record("otel.name", operation.method.as_str());
    } else {
        span.record("url.template", operation.path);
        span.record("otel.name", format!("{} {}", operation.method, operation.path));
    }
    if number > 1 {
        span.record("http.request.resend_count", number - 1);
    }
    span
}

pub(super) fn attempted(span: &Span, operation: &Operation, outcome: &Result<Response<Bytes>>) {
    if span.is_disabled() {
        return;
    }
    match outcome {
        Ok(response) => {
            let status = response.status();
            span.record("http.response.status_code", status.as_u16());
            span.record("network.protocol.version", version(response.version()));
            if !operation.success.contains(&status.as_u16()) {
                fail(span, status.as_str());
            }
        }
        Err(error) => {
            if let Some(status) = error.status() {
                span.record("http.response.status_code", status.as_u16());
            }
            fail(span, &error_type(error));
        }
    }
}

/// `number` is the number of attempts so far, which is also the number of the retry that follows.
pub(super) fn retry(number: u32, wait: Duration, outcome: &Result<Response<Bytes>>) {
    let reason = match outcome {
        Ok(response) => response.status().as_str().to_owned(),
        Err(error) => error.kind().to_string(),
    };
    tracing::debug!(
        target: "service_core::attempt",
        wait_ms = millis(wait),
        "http.request.resend_count" = number,
        "error.type" = reason,
        "retrying"
    );
}

/// The one event of a call that needed several attempts and succeeded. `waited` is the sum of the waits between them.
pub(super) fn succeeded_after_retries(operation: &Operation, attempts: u32, waited: Duration) {
    if attempts > 1 {
        tracing::info!(
            target: "service_core::call",
            operation = operation.id,
            attempts,
            wait_ms = millis(waited),
            "the call succeeded after retries"
        );
    }
}

/// The one event of a call that failed after several attempts.
pub(super) fn failed_after_retries(client: &Inner, waited: Duration, error: &Error) {
    if error.attempts() > 1 {
        // The text of a response may contain names; that of a failed connection does not.
        let cause = error.message().filter(|_| error.status().is_none());
        tracing::warn!(
            target: "service_core::call",
            operation = error.operation(),
            attempts = error.attempts(),
            wait_ms = millis(waited),
            elapsed_ms = millis(error.elapsed()),
            "server.address" = client.endpoint.host(),
            "http.response.status_code" = error.status().as_ref().map(StatusCode::as_u16),
            "error.type" = error_type(error),
            code = error.code(),
            cause,
            request_id = error.request_id(),
            "the call failed after retries"
        );
    }
}

fn record_server(span: &Span, endpoint: &Endpoint) {
    let (address, port) = endpoint.server();
    span.record("server.address", address);
    span.record("server.port", port);
}

fn fail(span: &Span, error_type: &str) {
    span.record("error.type", error_type);
    span.record("otel.status_code", "ERROR");
}

/// OpenTelemetry expects the status for error responses, and a value of low cardinality for other errors.
fn error_type(error: &Error) -> String {
    let status = error.status().filter(|status| !status.is_success());
    status.map_or_else(|| error.kind().to_string(), |status| status.as_str().to_owned())
}

pub(super) fn version(version: Version) -> &'static str {
    match version {
        Version::HTTP_2 => "2",
        Version::HTTP_10 => "1.0",
        _ => "1.1",
    }
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
