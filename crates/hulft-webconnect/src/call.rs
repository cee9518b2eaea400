//! A call of the Site API: the core's call, plus a JSON body that is serialized last, the time zone of the request, and
//! the scope that a rejected API key may be missing.

use std::fmt;
use std::sync::Arc;

use bytes::Bytes;
use http::StatusCode;
use serde::Serialize;
use service_core::{CallOptions, Operation, Pipeline};

use crate::{Clock, Error, Response, Result, TimeZone, date, operations};

/// The body that a call sends.
pub(crate) trait Body: Serialize + Send + 'static {
    /// Whether there is a body at all.
    const SENT: bool = true;

    /// Checks rules that involve several fields. Setters check rules that involve a single field.
    fn check(&self) -> Result<()> {
        Ok(())
    }
}

impl Body for () {
    const SENT: bool = false;
}

type Read<T> = fn(&http::Response<Bytes>) -> Result<T>;
type SetTimeZone<T> = fn(&mut T, &TimeZone);

/// One call: the core's call, and its body.
pub(crate) struct Call<T, B = ()> {
    call: service_core::Call<T>,
    operation: &'static Operation,
    clock: Arc<dyn Clock>,
    pub(crate) body: B,
    zone: Option<(SetTimeZone<T>, TimeZone)>,
}

impl<T> Call<T> {
    pub(crate) fn new(
        pipeline: &Pipeline,
        operation: &'static Operation,
        segments: &[(&str, &str)],
        read: Read<T>,
    ) -> Self {
        let mut call = service_core::Call::new(pipeline, operation, segments, read);
        call.accept("application/json");
        Self { call, operation, clock: Arc::clone(pipeline.clock()), body: (), zone: None }
    }

    /// Returns a copy of the call, for the next request of a list. An invalid argument moves to the copy.
    pub(crate) fn again(&mut self) -> Self {
        Self {
            call: self.call.again(),
            operation: self.operation,
            clock: Arc::clone(&self.clock),
            body: (),
            zone: self.zone.clone(),
        }
    }

    pub(crate) fn with_body<B: Body>(self, body: B) -> Call<T, B> {
        Call { call: self.call, operation: self.operation, clock: self.clock, body, zone: self.zone }
    }
}

impl<T, B> Call<T, B> {
    /// Records an invalid argument. Only the first one is reported.
    pub(crate) fn check(&mut self, rule: Result<()>) {
        self.call.check(rule);
    }

    pub(crate) fn query(&mut self, name: &'static str, value: &str) {
        self.call.query(name, value);
    }

    /// Assigns the time zone of the request to the times in the response, which contain no zone.
    pub(crate) fn zone(&mut self, zone: TimeZone, set: SetTimeZone<T>) {
        self.zone = Some((set, zone));
    }

    pub(crate) fn options_mut(&mut self) -> &mut CallOptions {
        self.call.options_mut()
    }
}

impl<T, B: Body> Call<T, B> {
    pub(crate) async fn send(self) -> Result<Response<T>> {
        let Self { mut call, operation, clock, body, zone } = self;
        if B::SENT {
            call.check(body.check());
            match serde_json::to_vec(&body) {
                Ok(json) => call.body("application/json", json),
                // The text of serde_json is omitted because it can quote a value.
                Err(_) => call.check(Err(Error::invalid_input("body", "cannot be serialized as JSON", None))),
            }
        }
        drop(body);
        let mut response = call.send().await.map_err(|error| explain(error, operation, &*clock))?;
        if let Some((set, zone)) = zone {
            set(&mut response.body, &zone);
        }
        Ok(response)
    }
}

impl<T, B> fmt::Debug for Call<T, B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Call").field("operation", &self.operation.id).finish_non_exhaustive()
    }
}

/// Adds what the vendor documents about a status, which the response does not say.
fn explain(error: Error, operation: &Operation, clock: &dyn Clock) -> Error {
    match error.status() {
        Some(StatusCode::FORBIDDEN) => {
            let scope = operations::scope(operation.id);
            let missing = scope.map_or(MissingScope::Undocumented, MissingScope::Documented);
            error.with_note(missing.to_string()).with_source(missing)
        }
        Some(StatusCode::TOO_MANY_REQUESTS) => {
            let end = error.retry_after().and_then(|wait| date::utc_text(clock.now().checked_add(wait)?));
            error.with_note(match end {
                Some(end) => format!("the contract is blocked until {end}"),
                None => "the service blocks a contract for 10 minutes after 100 calls in a minute".to_owned(),
            })
        }
        _ => error,
    }
}

/// The scope that the rejected operation requires.
#[derive(Debug, thiserror::Error)]
enum MissingScope {
    #[error("the API key needs the scope `{0}`")]
    Documented(&'static str),
    #[error("the vendor does not document which scope of the API key this operation needs")]
    Undocumented,
}

/// Defines the handle of a resource.
macro_rules! handle {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone)]
        pub struct $name {
            pipeline: service_core::Pipeline,
        }

        impl $name {
            pub(crate) fn new(pipeline: service_core::Pipeline) -> Self {
                Self { pipeline }
            }
        }

        impl std::fmt::Debug for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.debug_struct(stringify!($name)).finish_non_exhaustive()
            }
        }
    };
}

/// Defines the builder of an operation, with or without a body.
macro_rules! request {
    ($(#[$doc:meta])* $name:ident => $value:ty) => {
        request!($(#[$doc])* $name => $value, ());
    };
    ($(#[$doc:meta])* $name:ident => $value:ty, $body:ty) => {
        $(#[$doc])*
        #[must_use = "does nothing until awaited"]
        #[derive(Debug)]
        pub struct $name {
            call: $crate::call::Call<$value, $body>,
        }

        service_core::call_setters!($name => $value);
    };
}

pub(crate) use {handle, request};
