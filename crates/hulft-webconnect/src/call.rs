//! A call of the Site API in the making: the core's call with a JSON body that is written last, the request's time zone
//! for the answer's times, and the scope that a refused key may lack.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderName, HeaderValue, StatusCode};
use serde::Serialize;
use serde::de::DeserializeOwned;
use service_core::{Operation, Pipeline, read};

use crate::page::{Page, Row};
use crate::{Error, Policy, Response, Result, RetryOptions, TimeZone, operations};

/// What a call sends in its body.
pub(crate) trait Body: Serialize + Send + 'static {
    /// Whether there is a body at all.
    const SENT: bool = true;

    /// Rules between several fields; what one field alone breaks is found when it is set.
    fn check(&self) -> Result<()> {
        Ok(())
    }
}

impl Body for () {
    const SENT: bool = false;
}

type Read<T> = fn(&http::Response<Bytes>) -> Result<T>;
type SetTimeZone<T> = fn(&mut T, &TimeZone);

/// One call: the core's, and its body.
pub(crate) struct Call<T, B = ()> {
    call: service_core::Call<T>,
    operation: &'static Operation,
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
        Self { call, operation, body: (), zone: None }
    }

    pub(crate) fn with_body<B: Body>(self, body: B) -> Call<T, B> {
        Call { call: self.call, operation: self.operation, body, zone: self.zone }
    }
}

impl<T, B> Call<T, B> {
    /// Remembers a bad argument; the first one counts.
    pub(crate) fn check(&mut self, rule: Result<()>) {
        self.call.check(rule);
    }

    pub(crate) fn query(&mut self, name: &'static str, value: &str) {
        self.call.query(name, value);
    }

    /// The answer's times have no zone of their own: `set` gives them the one that the request asks for.
    pub(crate) fn zone(&mut self, zone: TimeZone, set: SetTimeZone<T>) {
        self.zone = Some((set, zone));
    }

    pub(crate) fn header<N: TryInto<HeaderName>, V: TryInto<HeaderValue>>(&mut self, name: N, value: V) {
        self.call.header(name, value);
    }

    pub(crate) fn deadline(&mut self, limit: Duration) {
        self.call.deadline(limit);
    }

    pub(crate) fn attempt_timeout(&mut self, limit: Duration) {
        self.call.attempt_timeout(limit);
    }

    pub(crate) fn connect_timeout(&mut self, limit: Duration) {
        self.call.connect_timeout(limit);
    }

    pub(crate) fn retry(&mut self, retry: RetryOptions) {
        self.call.retry(retry);
    }

    pub(crate) fn idempotent(&mut self, idempotent: bool) {
        self.call.idempotent(idempotent);
    }

    pub(crate) fn policy(&mut self, policy: Arc<dyn Policy>) {
        self.call.policy(policy);
    }
}

impl<T, B: Body> Call<T, B> {
    pub(crate) async fn send(self) -> Result<Response<T>> {
        let Self { mut call, operation, body, zone } = self;
        if B::SENT {
            call.check(body.check());
            match serde_json::to_vec(&body) {
                Ok(json) => call.body("application/json", json),
                // serde_json's text is left out: it may quote a value.
                Err(_) => call.check(Err(Error::invalid_input("body", "cannot be written as JSON", None))),
            }
        }
        drop(body);
        let mut answer = call.send().await.map_err(|error| explained(error, operation))?;
        if let Some((set, zone)) = zone {
            set(&mut answer.body, &zone);
        }
        Ok(answer)
    }
}

impl<T, B> fmt::Debug for Call<T, B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Call").field("operation", &self.operation.id).finish_non_exhaustive()
    }
}

/// A refusal by 403 says nothing of what is missing; the vendor's table of scopes does.
fn explained(error: Error, operation: &Operation) -> Error {
    if error.status() != Some(StatusCode::FORBIDDEN) {
        return error;
    }
    error.with_source(ScopeNeeded(operations::scope(operation.id)))
}

/// What a key needs for the operation that was refused.
#[derive(Debug)]
struct ScopeNeeded(Option<&'static str>);

impl fmt::Display for ScopeNeeded {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Some(scope) => write!(f, "the API key needs the scope `{scope}`"),
            None => {
                f.write_str("the vendor does not document which scope of the API key this operation needs")
            }
        }
    }
}

impl std::error::Error for ScopeNeeded {}

/// One thing, or none: 204 by the vendor's list of statuses, 404 by custom.
pub(crate) fn one<T: DeserializeOwned>(answer: &http::Response<Bytes>) -> Result<Option<T>> {
    if is_nothing(answer) { Ok(None) } else { read::json(answer).map(Some) }
}

/// One thing that comes as a list.
pub(crate) fn one_of_list<T: Row>(answer: &http::Response<Bytes>) -> Result<Option<T>> {
    if is_nothing(answer) {
        return Ok(None);
    }
    Ok(read::json::<Page<T>>(answer)?.rows.into_iter().next())
}

/// A page; a list that matches nothing comes as 204 without a body.
pub(crate) fn page<T: Row>(answer: &http::Response<Bytes>) -> Result<Page<T>> {
    if is_nothing(answer) { Ok(Page::default()) } else { read::json(answer) }
}

fn is_nothing(answer: &http::Response<Bytes>) -> bool {
    matches!(answer.status(), StatusCode::NO_CONTENT | StatusCode::NOT_FOUND)
}

/// A resource's handle.
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

/// An operation's builder, with a body or without.
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
