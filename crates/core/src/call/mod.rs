//! A call in the making: what an operation's builder holds until it is awaited.

mod builder;
mod link;
mod raw;
pub mod read;

use std::borrow::Cow;
use std::fmt;
use std::future::Future;
use std::mem;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::header::{
    ACCEPT, AUTHORIZATION, CONNECTION, CONTENT_LENGTH, CONTENT_TYPE, HOST, TRANSFER_ENCODING, UPGRADE,
};
use http::{HeaderMap, HeaderName, HeaderValue, Request, Uri};

pub use raw::RawRequest;

use crate::encode;
use crate::error::{Error, Result};
use crate::{Operation, Pipeline, Policy, Response, RetryOptions};

/// The future behind an awaited builder.
pub type CallFuture<T> = Pin<Box<dyn Future<Output = Result<T>> + Send>>;

/// The headers that follow from the credential, the endpoint and the body. Another value would be replaced in silence, would
/// name a host that the credential is not for, or would break the framing of HTTP/1.1.
const OWN: [HeaderName; 6] = [AUTHORIZATION, CONNECTION, CONTENT_LENGTH, HOST, TRANSFER_ENCODING, UPGRADE];

/// What a caller overrides for one call.
#[derive(Clone, Default)]
pub(crate) struct CallOptions {
    headers: HeaderMap,
    pub(crate) deadline: Option<Duration>,
    attempt_timeout: Option<Duration>,
    pub(crate) connect_timeout: Option<Duration>,
    pub(crate) long_poll: Option<Duration>,
    pub(crate) retry: Option<RetryOptions>,
    pub(crate) idempotent: Option<bool>,
    pub(crate) policies: Vec<Arc<dyn Policy>>,
}

/// A long poll's attempt may take this much longer than the wait that the server was asked for.
const POLL_ATTEMPT: Duration = Duration::from_secs(15);
/// Its whole call may take this much longer than one attempt: room for one that fails early.
const POLL_CALL: Duration = Duration::from_secs(25);

impl CallOptions {
    /// The budget of one attempt, where the client's own is `default`.
    pub(crate) fn attempt_timeout(&self, default: Duration) -> Duration {
        let least = self.long_poll.map_or(Duration::ZERO, |wait| wait.saturating_add(POLL_ATTEMPT));
        self.attempt_timeout.unwrap_or_else(|| default.max(least))
    }

    /// What the whole call needs at the least, unless the caller says otherwise.
    pub(crate) fn least_deadline(&self) -> Duration {
        self.long_poll.map_or(Duration::ZERO, |wait| wait.saturating_add(POLL_ATTEMPT + POLL_CALL))
    }
}

/// One call: operation, arguments, overrides, and how its answer is read.
///
/// Bad arguments are remembered rather than returned, so that builders stay chains; the first one comes out when the call is
/// sent, before anything is.
pub struct Call<T> {
    /// Boxed, since a builder is moved by each of its setters, and its future keeps what it was made from.
    parts: Box<Parts>,
    read: fn(&http::Response<Bytes>) -> Result<T>,
}

struct Parts {
    pipeline: Pipeline,
    operation: Cow<'static, Operation>,
    path: String,
    /// The query as it goes over the wire, without its `?`.
    query: String,
    headers: HeaderMap,
    body: Bytes,
    options: CallOptions,
    refused: Option<Error>,
}

impl<T> Call<T> {
    /// A call of `operation` whose path names have these values.
    pub fn new(
        pipeline: &Pipeline,
        operation: &'static Operation,
        segments: &[(&str, &str)],
        read: fn(&http::Response<Bytes>) -> Result<T>,
    ) -> Self {
        let path = encode::expand(operation.path, segments);
        Self::with_path(pipeline, Cow::Borrowed(operation), path, read)
    }

    fn with_path(
        pipeline: &Pipeline,
        operation: Cow<'static, Operation>,
        path: Result<String>,
        read: fn(&http::Response<Bytes>) -> Result<T>,
    ) -> Self {
        let (path, refused) = match path {
            Ok(path) => (path, None),
            Err(error) => (String::new(), Some(error)),
        };
        let parts = Parts {
            pipeline: pipeline.clone(),
            operation,
            path,
            query: String::new(),
            headers: HeaderMap::new(),
            body: Bytes::new(),
            options: CallOptions::default(),
            refused,
        };
        Self { parts: Box::new(parts), read }
    }

    /// Remembers a bad argument; the first one counts.
    pub fn check(&mut self, rule: Result<()>) {
        if let Err(error) = rule
            && self.parts.refused.is_none()
        {
            self.parts.refused = Some(error);
        }
    }

    /// Sets a query parameter that stands at most once; a second value replaces the first.
    pub fn query(&mut self, name: &'static str, value: impl AsRef<str>) {
        encode::remove_query(&mut self.parts.query, name);
        self.query_each(name, [value]);
    }

    /// Adds values of a query parameter that may stand repeatedly, `name=a&name=b`.
    pub fn query_each<S: AsRef<str>>(&mut self, name: &'static str, values: impl IntoIterator<Item = S>) {
        if !self.parts.operation.query.contains(&name) {
            self.check(Err(Error::invalid_input(
                "query parameter",
                "is not one of this operation's",
                Some(name),
            )));
        }
        for value in values {
            self.push_query(name, value.as_ref());
        }
    }

    fn push_query(&mut self, name: &str, value: &str) {
        if self.parts.query.is_empty() {
            // Most queries then need no more than this one allocation.
            self.parts.query.reserve(96);
        } else {
            self.parts.query.push('&');
        }
        encode::push_pair(&mut self.parts.query, name, value);
    }

    /// Sets the body.
    pub fn body(&mut self, content_type: &'static str, body: impl Into<Bytes>) {
        self.parts.headers.insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
        self.parts.body = body.into();
    }

    /// Sets a header that the arguments make; the caller's own value of it takes precedence.
    pub fn default_header(&mut self, name: HeaderName, value: HeaderValue) {
        self.parts.headers.insert(name, value);
    }

    /// Sets the content type that the answer should have.
    pub fn accept(&mut self, content_type: &'static str) {
        self.parts.headers.insert(ACCEPT, HeaderValue::from_static(content_type));
    }

    /// Says that the server answers after up to `wait` on purpose: the default budgets then leave room for it. Budgets that
    /// the caller sets for the call stay as they are.
    pub fn long_poll(&mut self, wait: Duration) {
        self.parts.options.long_poll = Some(wait);
    }

    /// Sets how many bytes of a successful answer are read, where that depends on the arguments.
    pub fn max_response_bytes(&mut self, bytes: usize) {
        self.parts.operation.to_mut().max_response_bytes = bytes;
    }

    /// Sends the call and reads its answer.
    ///
    /// # Errors
    ///
    /// A bad argument, everything that [`ErrorKind`](crate::ErrorKind) lists, an answer that cannot be read.
    pub async fn send(self) -> Result<Response<T>> {
        let Self { mut parts, read } = self;
        let mut request = parts.request().map_err(|mut error| {
            error.inner_mut().operation = Some(parts.operation.id);
            error
        })?;
        parts.pipeline.send(&parts.operation, &mut request, &parts.options, read).await
    }

    #[doc(hidden)]
    pub fn header<N, V>(&mut self, name: N, value: V)
    where
        N: TryInto<HeaderName>,
        V: TryInto<HeaderValue>,
    {
        match (name.try_into(), value.try_into()) {
            (Ok(name), _) if OWN.contains(&name) => {
                let rule = "is the client's own and cannot be set for a call";
                self.check(Err(Error::invalid_input("header", rule, Some(name.as_str()))));
            }
            (Ok(name), Ok(value)) => {
                self.parts.options.headers.insert(name, value);
            }
            // Neither is repeated: a header may well hold a secret.
            (Err(_), _) => {
                self.check(Err(Error::invalid_input("header", "has a name that HTTP does not allow", None)));
            }
            (_, Err(_)) => {
                self.check(Err(Error::invalid_input("header", "has a value that HTTP does not allow", None)));
            }
        }
    }

    #[doc(hidden)]
    pub fn deadline(&mut self, limit: Duration) {
        self.parts.options.deadline = Some(limit);
    }

    #[doc(hidden)]
    pub fn attempt_timeout(&mut self, limit: Duration) {
        self.parts.options.attempt_timeout = Some(limit);
    }

    #[doc(hidden)]
    pub fn connect_timeout(&mut self, limit: Duration) {
        self.parts.options.connect_timeout = Some(limit);
    }

    #[doc(hidden)]
    pub fn retry(&mut self, retry: RetryOptions) {
        self.parts.options.retry = Some(retry);
    }

    #[doc(hidden)]
    pub fn idempotent(&mut self, idempotent: bool) {
        self.parts.options.idempotent = Some(idempotent);
    }

    #[doc(hidden)]
    pub fn policy(&mut self, policy: Arc<dyn Policy>) {
        self.parts.options.policies.push(policy);
    }
}

impl Parts {
    /// The request, with what the call itself has of it.
    fn request(&mut self) -> Result<Request<Bytes>> {
        if let Some(error) = self.refused.take() {
            return Err(error);
        }
        let Self { pipeline, operation, path, query, headers, body, options, .. } = self;
        let (origin, prefix) = (pipeline.endpoint().as_str(), pipeline.endpoint().prefix());
        let mut target = String::with_capacity(origin.len() + prefix.len() + path.len() + 1 + query.len());
        target.push_str(origin);
        target.push_str(prefix);
        target.push_str(path);
        if !query.is_empty() {
            target.push('?');
            target.push_str(query);
        }
        let uri = Uri::try_from(target).map_err(|error| {
            Error::invalid_input("request", "makes a URL that HTTP does not allow", None).with_source(error)
        })?;
        let mut request = Request::new(mem::take(body));
        *request.method_mut() = operation.method.clone();
        *request.uri_mut() = uri;
        *request.headers_mut() = mem::take(headers);
        for (name, value) in &options.headers {
            request.headers_mut().insert(name, value.clone());
        }
        Ok(request)
    }
}

impl<T> fmt::Debug for Call<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Call").field("operation", &self.parts.operation.id).finish_non_exhaustive()
    }
}
