//! What a call reports to the client's meter. Nothing is computed without one.

use std::time::Duration;

use bytes::Bytes;
use http::{Method, Response};

use super::{Inner, trace};
use crate::error::Result;
use crate::meter::{Attributes, ErrorType, HTTP_REQUEST_DURATION};
use crate::{CallInstruments, Operation};

/// The time at which something to be measured starts, if there is a meter.
pub(super) fn start(client: &Inner) -> Option<Duration> {
    client.settings.meter.is_enabled().then(|| client.settings.clock.elapsed())
}

pub(super) fn attempted(
    client: &Inner,
    operation: &Operation,
    started: Option<Duration>,
    outcome: &Result<Response<Bytes>>,
) {
    let Some(started) = started else { return };
    let (status, version) = match outcome {
        Ok(response) => (Some(response.status()), Some(trace::version(response.version()))),
        Err(error) => (error.status(), None),
    };
    let reason = failure(operation, outcome);
    let (address, port) = client.endpoint.server();
    let attributes = Attributes::new()
        .with("http.request.method", Some(method(&operation.method)))
        .with("server.address", Some(address))
        .with("server.port", Some(port))
        .with("http.response.status_code", status.map(|status| status.as_u16()))
        .with("error.type", reason.as_ref().map(ErrorType::as_str))
        .with("network.protocol.version", version)
        .with("url.template", Some(operation.path).filter(|path| !path.is_empty()));
    let value = seconds_since(client, started);
    client.settings.meter.record(&HTTP_REQUEST_DURATION, value, attributes.as_slice());
}

pub(super) fn called<T>(client: &Inner, operation: &Operation, started: Duration, outcome: &Result<T>) {
    let Some(instruments) = instruments(client) else { return };
    let reason = outcome.as_ref().err().map(ErrorType::of);
    let attributes = Attributes::new()
        .with(instruments.operation, Some(operation.id))
        .with("error.type", reason.as_ref().map(ErrorType::as_str))
        .with("server.address", Some(client.endpoint.server().0));
    client.settings.meter.record(
        &instruments.duration,
        seconds_since(client, started),
        attributes.as_slice(),
    );
}

/// Counts a retry after the attempt with the given outcome.
pub(super) fn retried(client: &Inner, operation: &Operation, outcome: &Result<Response<Bytes>>) {
    let Some(instruments) = instruments(client) else { return };
    let reason = failure(operation, outcome);
    let attributes = Attributes::new()
        .with(instruments.operation, Some(operation.id))
        .with("error.type", reason.as_ref().map(ErrorType::as_str));
    client.settings.meter.record(&instruments.retries, 1.0, attributes.as_slice());
}

/// Records how long an attempt waited for the rate limiter.
pub(super) fn rate_limited(client: &Inner, operation: &Operation, started: Option<Duration>) {
    let (Some(started), Some(instruments)) = (started, instruments(client)) else { return };
    let attributes = Attributes::new().with(instruments.operation, Some(operation.id));
    client.settings.meter.record(
        &instruments.rate_limit,
        seconds_since(client, started),
        attributes.as_slice(),
    );
}

fn instruments(client: &Inner) -> Option<&'static CallInstruments> {
    client.dialect.instruments.filter(|_| client.settings.meter.is_enabled())
}

fn seconds_since(client: &Inner, started: Duration) -> f64 {
    client.settings.clock.elapsed().saturating_sub(started).as_secs_f64()
}

/// A method outside the standard ones is the caller's text.
fn method(method: &Method) -> &str {
    match method.as_str() {
        known @ ("GET" | "HEAD" | "POST" | "PUT" | "DELETE" | "PATCH" | "OPTIONS" | "TRACE" | "CONNECT") => {
            known
        }
        _ => "_OTHER",
    }
}

/// Returns why an attempt failed, or `None` if it did not.
fn failure(operation: &Operation, outcome: &Result<Response<Bytes>>) -> Option<ErrorType> {
    match outcome {
        Ok(response) if operation.success.contains(&response.status().as_u16()) => None,
        Ok(response) => Some(ErrorType::of_status(response.status())),
        Err(error) => Some(ErrorType::of(error)),
    }
}
