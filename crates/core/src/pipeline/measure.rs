//! What a call reports to the client's meter. Nothing is computed without one.

use std::time::Duration;

use bytes::Bytes;
use http::{Method, Response, StatusCode};

use super::{Inner, trace};
use crate::error::{Delivery, Error, ErrorKind, Result};
use crate::meter::{AttributeValue, HTTP_REQUEST_DURATION};
use crate::{CallInstruments, Operation};

/// The attributes of one value, without those that are absent.
struct Attributes<'a> {
    all: [(&'static str, AttributeValue<'a>); 8],
    used: usize,
}

impl<'a> Attributes<'a> {
    fn new() -> Self {
        Self { all: [("", AttributeValue::Number(0)); 8], used: 0 }
    }

    fn with(mut self, key: &'static str, value: Option<impl Into<AttributeValue<'a>>>) -> Self {
        if let (Some(value), Some(free)) = (value, self.all.get_mut(self.used)) {
            *free = (key, value.into());
            self.used += 1;
        }
        self
    }

    fn used(&self) -> &[(&'static str, AttributeValue<'a>)] {
        self.all.get(..self.used).unwrap_or_default()
    }
}

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
    let failure = Failure::of_attempt(operation, outcome);
    let (address, port) = trace::server(&client.endpoint);
    let attributes = Attributes::new()
        .with("http.request.method", Some(method(&operation.method)))
        .with("server.address", Some(address))
        .with("server.port", Some(port))
        .with("http.response.status_code", status.map(|status| status.as_u16()))
        .with("error.type", failure.as_ref().map(Failure::text))
        .with("network.protocol.version", version)
        .with("url.template", Some(operation.path).filter(|path| !path.is_empty()));
    let value = seconds_since(client, started);
    client.settings.meter.record(&HTTP_REQUEST_DURATION, value, attributes.used());
}

pub(super) fn called<T>(client: &Inner, operation: &Operation, started: Duration, outcome: &Result<T>) {
    let Some(instruments) = instruments(client) else { return };
    let failure = outcome.as_ref().err().map(Failure::of);
    let attributes = Attributes::new()
        .with(instruments.operation, Some(operation.id))
        .with("error.type", failure.as_ref().map(Failure::text))
        .with("server.address", Some(trace::server(&client.endpoint).0));
    client.settings.meter.record(&instruments.duration, seconds_since(client, started), attributes.used());
}

/// Counts a retry after the attempt with the given outcome.
pub(super) fn retried(client: &Inner, operation: &Operation, outcome: &Result<Response<Bytes>>) {
    let Some(instruments) = instruments(client) else { return };
    let failure = Failure::of_attempt(operation, outcome);
    let attributes = Attributes::new()
        .with(instruments.operation, Some(operation.id))
        .with("error.type", failure.as_ref().map(Failure::text));
    client.settings.meter.record(&instruments.retries, 1.0, attributes.used());
}

/// Records how long an attempt waited for the rate limiter.
pub(super) fn rate_limited(client: &Inner, operation: &Operation, started: Option<Duration>) {
    let (Some(started), Some(instruments)) = (started, instruments(client)) else { return };
    let attributes = Attributes::new().with(instruments.operation, Some(operation.id));
    client.settings.meter.record(&instruments.rate_limit, seconds_since(client, started), attributes.used());
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

/// Why an attempt or a call failed: one of a closed list, unlike an error's text and the service's codes.
struct Failure(std::result::Result<StatusCode, &'static str>);

impl Failure {
    fn of_attempt(operation: &Operation, outcome: &Result<Response<Bytes>>) -> Option<Self> {
        match outcome {
            Ok(response) if operation.success.contains(&response.status().as_u16()) => None,
            Ok(response) => Some(Self(Ok(response.status()))),
            Err(error) => Some(Self::of(error)),
        }
    }

    fn of(error: &Error) -> Self {
        if let Some(status) = error.status().filter(|status| !status.is_success()) {
            return Self(Ok(status));
        }
        Self(Err(match error.kind() {
            ErrorKind::InvalidInput => "invalid_input",
            ErrorKind::Credential => "credential",
            ErrorKind::Transport if error.delivery() == Some(Delivery::NotSent) => "connect",
            ErrorKind::Transport => "transport",
            ErrorKind::Timeout => "timeout",
            ErrorKind::Throttled => "throttled",
            ErrorKind::Decode => "decode",
            ErrorKind::ResponseTooLarge => "response_too_large",
            ErrorKind::Service => "_OTHER",
        }))
    }

    /// A status that HTTP does not define is the service's invention.
    fn text(&self) -> &str {
        match &self.0 {
            Ok(status) if status.canonical_reason().is_some() => status.as_str(),
            Ok(_) => "_OTHER",
            Err(name) => name,
        }
    }
}
