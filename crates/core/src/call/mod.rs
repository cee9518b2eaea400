//! The builder for a call: what an operation's builder contains until it is awaited.

mod builder;
mod link;
mod options;
mod raw;
pub mod read;
mod target;

use std::borrow::Cow;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

use bytes::Bytes;
use http::header::{ACCEPT, CONTENT_TYPE};
use http::{HeaderName, HeaderValue, Request};
use tracing::Span;

pub use link::PageLinks;
pub use options::CallOptions;
pub use raw::RawRequest;
pub(crate) use target::LastUri;
use target::Target;

use crate::error::{Error, Result};
use crate::{Operation, Pipeline, Response, TraceContext};

/// The future that is returned when a builder is awaited.
pub type CallFuture<T> = Pin<Box<dyn Future<Output = Result<T>> + Send>>;

/// A builder that sends one request: an operation, its arguments, overrides, and a function that reads the response.
///
/// Service crates wrap it in a builder per operation. Invalid arguments are reported when the call is sent, so that setters
/// can be chained. The first one is then returned as an error, and nothing is sent.
///
/// # Examples
///
/// ```
/// use http::Method;
/// use service_core::{Call, Operation, Pipeline, Result, read};
///
/// static CLOSE: Operation =
///     Operation::new("CloseRoom", Method::DELETE, "/rooms/{room}").query(&["reason"]).success(&[204]).idempotent();
///
/// async fn close(pipeline: &Pipeline, room: &str) -> Result<()> {
///     let mut call = Call::new(pipeline, &CLOSE, &[("room", room)], read::unit);
///     call.query("reason", "closing time");
///     call.send().await?;
///     Ok(())
/// }
/// ```
pub struct Call<T> {
    /// Boxed, since each setter moves the builder, and its future keeps the builder.
    parts: Box<Parts>,
    read: fn(&http::Response<Bytes>) -> Result<T>,
}

struct Parts {
    pipeline: Pipeline,
    operation: Cow<'static, Operation>,
    target: Target,
    /// The headers and the body. The method and the URL are set when the call is sent.
    request: Request<Bytes>,
    options: CallOptions,
    invalid: Option<Error>,
    on_trace_context: Option<OnTraceContext>,
}

/// A function that adds the trace context of a call to its request.
pub(crate) type OnTraceContext = Box<dyn FnOnce(&TraceContext, &mut Request<Bytes>) + Send + Sync>;

impl<T> Call<T> {
    /// Creates a call of `operation`. `segments` contains a value for each `{name}` in the operation's path.
    pub fn new(
        pipeline: &Pipeline,
        operation: &'static Operation,
        segments: &[(&str, &str)],
        read: fn(&http::Response<Bytes>) -> Result<T>,
    ) -> Self {
        let target = Target::expand(pipeline.endpoint(), operation.path, segments);
        Self::with_target(pipeline, Cow::Borrowed(operation), target, read)
    }

    fn with_target(
        pipeline: &Pipeline,
        operation: Cow<'static, Operation>,
        target: Result<Target>,
        read: fn(&http::Response<Bytes>) -> Result<T>,
    ) -> Self {
        let (target, invalid) = match target {
            Ok(target) => (target, None),
            Err(error) => (Target::with_path(pipeline.endpoint(), ""), Some(error)),
        };
        let parts = Parts {
            pipeline: pipeline.clone(),
            operation,
            target,
            request: Request::default(),
            options: CallOptions::default(),
            invalid,
            on_trace_context: None,
        };
        Self { parts: Box::new(parts), read }
    }

    /// Records the result of validating an argument. The first error is returned when the call is sent.
    pub fn check(&mut self, rule: Result<()>) {
        if let Err(error) = rule
            && self.parts.invalid.is_none()
        {
            self.parts.invalid = Some(error);
        }
    }

    /// Sets a query parameter, replacing any earlier value.
    pub fn query(&mut self, name: &'static str, value: impl AsRef<str>) {
        self.parts.target.remove_query(name);
        self.query_each(name, [value]);
    }

    /// Adds a query parameter once per value, as in `name=a&name=b`.
    pub fn query_each<S: AsRef<str>>(&mut self, name: &'static str, values: impl IntoIterator<Item = S>) {
        if !self.parts.operation.query.contains(&name) {
            self.check(Err(Error::invalid_input(
                "query parameter",
                "is not a parameter of this operation",
                Some(name),
            )));
        }
        for value in values {
            self.parts.target.push_query(name, value.as_ref());
        }
    }

    /// Sets the body and its content type.
    pub fn body(&mut self, content_type: &'static str, body: impl Into<Bytes>) {
        self.default_header(CONTENT_TYPE, HeaderValue::from_static(content_type));
        *self.parts.request.body_mut() = body.into();
    }

    /// Sets a header. A value that the caller sets for the call takes precedence.
    pub fn default_header(&mut self, name: HeaderName, value: HeaderValue) {
        self.parts.request.headers_mut().insert(name, value);
    }

    /// Sets the `accept` header, the content type that the response should have.
    pub fn accept(&mut self, content_type: &'static str) {
        self.default_header(ACCEPT, HeaderValue::from_static(content_type));
    }

    /// Declares that the server may wait for up to `wait` before it responds.
    ///
    /// The attempt timeout is then at least `wait` + 15 s, and the deadline at least 25 s longer than that. Timeouts that the
    /// caller sets for the call take precedence.
    pub fn long_poll(&mut self, wait: Duration) {
        self.parts.operation.to_mut().long_poll = Some(wait);
    }

    /// Sets the maximum size of a successful response, in bytes, if it depends on the arguments.
    pub fn max_response_bytes(&mut self, bytes: usize) {
        self.parts.operation.to_mut().max_response_bytes = bytes;
    }

    /// Returns the overrides of this call, which the setters of an operation's builder change.
    pub fn options_mut(&mut self) -> &mut CallOptions {
        &mut self.parts.options
    }

    /// Replaces the overrides of this call.
    pub fn set_options(&mut self, options: CallOptions) {
        self.parts.options = options;
    }

    /// Sets a function that adds the trace context of the call to what it sends, such as the events of a publish.
    ///
    /// It is called at most once, in the span of the call and before the first attempt, if the client's
    /// [`trace_context`](crate::ClientOptions::set_trace_context) returns a context. The headers of the context are added to
    /// each attempt in any case.
    pub fn on_trace_context(
        &mut self,
        add: impl FnOnce(&TraceContext, &mut Request<Bytes>) + Send + Sync + 'static,
    ) {
        if self.parts.pipeline.inner.settings.trace_context.is_some() {
            self.parts.on_trace_context = Some(Box::new(add));
        }
    }

    /// Sends the request and reads the response.
    ///
    /// Dropping the future cancels the call; a request that was already sent may still take effect.
    ///
    /// # Errors
    ///
    /// Returns an error if an argument is invalid, the request fails, the service responds with an error status, or the
    /// response cannot be read. [`ErrorKind`](crate::ErrorKind) lists the cases.
    pub async fn send(self) -> Result<Response<T>> {
        let Self { mut parts, read } = self;
        let on_trace_context = parts.prepare()?;
        let Parts { pipeline, operation, request, options, .. } = &mut *parts;
        let open = None::<fn(&Pipeline) -> Span>;
        pipeline.send(operation, request, options, on_trace_context, open, read).await
    }

    /// Sends the request like [`send`](Self::send), in a span that `open` creates with [`call_span!`](crate::call_span).
    ///
    /// `open` is called when the call begins, but not if an argument is invalid, since nothing is sent then.
    ///
    /// # Errors
    ///
    /// Returns the same errors as [`send`](Self::send).
    pub async fn send_in(self, open: impl FnOnce(&Pipeline) -> Span) -> Result<Response<T>> {
        // Not a call of a common function: each further future is copied as a whole.
        let Self { mut parts, read } = self;
        let on_trace_context = parts.prepare()?;
        let Parts { pipeline, operation, request, options, .. } = &mut *parts;
        pipeline.send(operation, request, options, on_trace_context, Some(open), read).await
    }
}

impl Parts {
    /// Completes the request, and returns what adds the trace context to it.
    fn prepare(&mut self) -> Result<Option<OnTraceContext>> {
        self.complete().map_err(|mut error| {
            error.inner_mut().operation = Some(self.operation.id);
            error
        })?;
        Ok(self.on_trace_context.take())
    }

    /// Sets what the request does not contain yet.
    fn complete(&mut self) -> Result<()> {
        if let Some(error) = self.invalid.take() {
            return Err(error);
        }
        self.options.check()?;
        let Self { pipeline, operation, target, request, options, .. } = self;
        *request.uri_mut() = target.take(operation, &pipeline.inner.last_uri)?;
        *request.method_mut() = operation.method.clone();
        for (name, value) in &options.headers {
            request.headers_mut().insert(name, value.clone());
        }
        Ok(())
    }
}

impl<T> fmt::Debug for Call<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Call").field("operation", &self.parts.operation.id).finish_non_exhaustive()
    }
}
