//! A call in the making: what an operation's builder holds until it is awaited.

mod builder;
pub mod read;

use std::borrow::Cow;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::header::{
    ACCEPT, AUTHORIZATION, CONNECTION, CONTENT_LENGTH, CONTENT_TYPE, HOST, TRANSFER_ENCODING, UPGRADE,
};
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request};
use url::Url;

use crate::encode;
use crate::error::{Error, Result};
use crate::{Operation, Pipeline, Policy, Response, RetryOptions};

/// The future behind an awaited builder.
pub type CallFuture<T> = Pin<Box<dyn Future<Output = Result<T>> + Send>>;

/// Every status of success: what a request outside the known operations accepts.
const SUCCESS: [u16; 100] = {
    let mut statuses = [200; 100];
    let mut index = 0;
    while index < statuses.len() {
        statuses[index] += index as u16;
        index += 1;
    }
    statuses
};

/// The headers that follow from the credential, the endpoint and the body. Another value would be replaced in silence, would
/// name a host that the credential is not for, or would break the framing of HTTP/1.1.
const OWN: [HeaderName; 6] = [AUTHORIZATION, CONNECTION, CONTENT_LENGTH, HOST, TRANSFER_ENCODING, UPGRADE];

/// What a caller overrides for one call.
#[derive(Clone, Default)]
pub(crate) struct CallOptions {
    headers: HeaderMap,
    pub(crate) deadline: Option<Duration>,
    pub(crate) attempt_timeout: Option<Duration>,
    pub(crate) retry: Option<RetryOptions>,
    pub(crate) idempotent: Option<bool>,
    pub(crate) policies: Vec<Arc<dyn Policy>>,
}

/// One call: operation, arguments, overrides, and how its answer is read.
///
/// Bad arguments are remembered rather than returned, so that builders stay chains; the first one comes out when the call is
/// sent, before anything is.
pub struct Call<T> {
    pipeline: Pipeline,
    operation: Cow<'static, Operation>,
    path: String,
    query: Vec<(Cow<'static, str>, String)>,
    headers: HeaderMap,
    body: Bytes,
    options: CallOptions,
    refused: Option<Error>,
    read: fn(&http::Response<Bytes>) -> Result<T>,
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
        Self {
            pipeline: pipeline.clone(),
            operation,
            path,
            query: Vec::new(),
            headers: HeaderMap::new(),
            body: Bytes::new(),
            options: CallOptions::default(),
            refused,
            read,
        }
    }

    /// Remembers a bad argument; the first one counts.
    pub fn check(&mut self, rule: Result<()>) {
        if let Err(error) = rule
            && self.refused.is_none()
        {
            self.refused = Some(error);
        }
    }

    /// Sets a query parameter that stands at most once; a second value replaces the first.
    pub fn query(&mut self, name: &'static str, value: impl Into<String>) {
        self.query.retain(|(known, _)| known != name);
        self.query_each(name, [value]);
    }

    /// Adds values of a query parameter that may stand repeatedly, `name=a&name=b`.
    pub fn query_each<S: Into<String>>(&mut self, name: &'static str, values: impl IntoIterator<Item = S>) {
        if !self.operation.query.contains(&name) {
            self.check(Err(Error::invalid_input(
                "query parameter",
                "is not one of this operation's",
                Some(name),
            )));
        }
        self.query.extend(values.into_iter().map(|value| (Cow::Borrowed(name), value.into())));
    }

    /// Sets the body.
    pub fn body(&mut self, content_type: &'static str, body: impl Into<Bytes>) {
        self.headers.insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
        self.body = body.into();
    }

    /// Sets the content type that the answer should have.
    pub fn accept(&mut self, content_type: &'static str) {
        self.headers.insert(ACCEPT, HeaderValue::from_static(content_type));
    }

    /// Sends the call and reads its answer.
    ///
    /// # Errors
    ///
    /// A bad argument, everything that [`ErrorKind`](crate::ErrorKind) lists, an answer that cannot be read.
    pub async fn send(self) -> Result<Response<T>> {
        let Self { pipeline, operation, path, query, headers, body, options, refused, read } = self;
        let request = match refused {
            Some(error) => Err(error),
            None => request(&pipeline, &operation, &path, &query, headers, &options, body),
        };
        let request = request.map_err(|mut error| {
            error.inner_mut().operation = Some(operation.id);
            error
        })?;
        pipeline.send(&operation, request, &options, read).await
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
                self.options.headers.insert(name, value);
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
        self.options.deadline = Some(limit);
    }

    #[doc(hidden)]
    pub fn attempt_timeout(&mut self, limit: Duration) {
        self.options.attempt_timeout = Some(limit);
    }

    #[doc(hidden)]
    pub fn retry(&mut self, retry: RetryOptions) {
        self.options.retry = Some(retry);
    }

    #[doc(hidden)]
    pub fn idempotent(&mut self, idempotent: bool) {
        self.options.idempotent = Some(idempotent);
    }

    #[doc(hidden)]
    pub fn policy(&mut self, policy: Arc<dyn Policy>) {
        self.options.policies.push(policy);
    }
}

fn request(
    pipeline: &Pipeline,
    operation: &Operation,
    path: &str,
    query: &[(Cow<'static, str>, String)],
    mut headers: HeaderMap,
    options: &CallOptions,
    body: Bytes,
) -> Result<Request<Bytes>> {
    let endpoint = pipeline.endpoint().as_str();
    let mut target = String::with_capacity(endpoint.len() + path.len() + 64);
    target.push_str(endpoint);
    target.push_str(path);
    for (name, value) in query {
        encode::push_query(&mut target, name, value);
    }
    for (name, value) in &options.headers {
        headers.insert(name, value.clone());
    }
    let mut request = Request::new(body);
    *request.method_mut() = operation.method.clone();
    *request.uri_mut() = target.parse().map_err(|error: http::uri::InvalidUri| {
        Error::invalid_input("request", "makes a URL that HTTP does not allow", None).with_source(error)
    })?;
    *request.headers_mut() = headers;
    Ok(request)
}

impl<T> fmt::Debug for Call<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Call").field("operation", &self.operation.id).finish_non_exhaustive()
    }
}

/// A request outside the known operations: what the next version of a service's API brings, through the same pipeline.
#[must_use = "does nothing until awaited"]
#[derive(Debug)]
pub struct RawRequest {
    call: Call<Bytes>,
}

impl RawRequest {
    /// `path` is a template in which each `{}` takes the next of `segments`, escaped as one path segment.
    ///
    /// By HTTP's own rules GET, HEAD, PUT, DELETE and OPTIONS count as idempotent, and every 2xx as success.
    pub fn new(pipeline: &Pipeline, method: Method, path: &str, segments: &[&str]) -> Self {
        let mut operation = Operation::new("request", method, "").success(&SUCCESS);
        operation.idempotent = operation.method.is_idempotent();
        let path = fill(path, segments);
        Self {
            call: Call::with_path(pipeline, Cow::Owned(operation), path, |answer| Ok(answer.body().clone())),
        }
    }

    /// Adds a query parameter; a name may stand repeatedly.
    pub fn query(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        let mut escaped = String::new();
        match encode::push_segment(&mut escaped, "query parameter's name", &name.into()) {
            Ok(()) => self.call.query.push((Cow::Owned(escaped), value.into())),
            error => self.call.check(error),
        }
        self
    }

    /// Sets the body and its content type.
    pub fn body(mut self, content_type: &'static str, body: impl Into<Bytes>) -> Self {
        self.call.body(content_type, body);
        self
    }
}

crate::call_setters!(RawRequest => Bytes);

fn fill(template: &str, segments: &[&str]) -> Result<String> {
    let mut values = segments.iter();
    let mut path = String::new();
    let mut parts = template.split("{}").peekable();
    while let Some(literal) = parts.next() {
        path.push_str(literal);
        if parts.peek().is_some() {
            let value = values
                .next()
                .ok_or_else(|| Error::invalid_input("path", "has more `{}` than segments", Some(template)))?;
            encode::push_segment(&mut path, "segment", value)?;
        }
    }
    if values.next().is_some() {
        return Err(Error::invalid_input("path", "has fewer `{}` than segments", Some(template)));
    }
    if !path.starts_with('/') || path.contains(['?', '#']) {
        return Err(Error::invalid_input("path", "must start with `/` and hold no query", Some(template)));
    }
    // A dot segment walks out of the path, and any other text that a URL parser rewrites would be signed as one and sent as
    // another.
    let parsed = Url::parse(&format!("http://host{path}"));
    if !parsed.is_ok_and(|url| url.path() == path) {
        let rule = "must hold no dot segment and no character that URLs escape: those are for `segments`";
        return Err(Error::invalid_input("path", rule, Some(template)));
    }
    Ok(path)
}
