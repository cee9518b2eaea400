//! Requests outside the known operations: the escape hatch for what the next version of a service's API brings.

use std::borrow::Cow;

use bytes::Bytes;
use http::Method;
use url::Url;

use super::Call;
use super::target::Target;
use crate::encode;
use crate::error::{Error, Result};
use crate::{Operation, Pipeline};

/// Every 2xx status, since a request outside the known operations accepts all of them.
const SUCCESS: [u16; 100] = {
    let mut statuses = [200; 100];
    let mut index = 0;
    while index < statuses.len() {
        statuses[index] += index as u16;
        index += 1;
    }
    statuses
};

/// A builder that sends a request outside the known operations through the client's pipeline.
///
/// Deadlines, retries, the credential, and errors work as for every other call. Awaiting it returns the body.
///
/// # Examples
///
#[cfg_attr(feature = "testing", doc = "```")]
#[cfg_attr(not(feature = "testing"), doc = "```ignore")]
/// use http::Method;
/// use service_core::RawRequest;
/// # use std::sync::Arc;
/// # use service_core::testing::ScriptedTransport;
/// # use service_core::{ClientOptions, Dialect, Endpoint, HeaderKey, Result};
/// # static DIALECT: Dialect = Dialect::new("rooms/0.1.0", service_core::call_span!("id"), "id");
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<()> {
/// # let script = ScriptedTransport::new();
/// # script.respond(http::Response::new("{}"));
/// # let mut options = ClientOptions::default();
/// # options.set_transport(Arc::new(script.clone()));
/// # let credential = Arc::new(HeaderKey::authorization("Bearer", &"key".into())?);
/// # let pipeline = options.build(&DIALECT, Endpoint::parse("https://rooms.example")?, credential)?;
///
/// let body = RawRequest::new(&pipeline, Method::PUT, "/rooms/{}/topic", &["blue/green"])
///     .query("notify", "true")
///     .body("text/plain", "colors")
///     .await?;
/// assert_eq!(body, "{}");
/// # assert_eq!(script.sent()[0].uri(), "https://rooms.example/rooms/blue%2Fgreen/topic?notify=true");
/// # Ok(())
/// # }
/// ```
#[must_use = "does nothing until awaited"]
#[derive(Debug)]
pub struct RawRequest {
    call: Call<Bytes>,
    default: Option<&'static str>,
}

impl RawRequest {
    /// Creates a request. Each `{}` in `path` is replaced by the next of `segments`, escaped as one path segment.
    ///
    /// Every 2xx status counts as success. GET, HEAD, PUT, DELETE, and OPTIONS count as idempotent, as HTTP defines.
    ///
    /// Awaiting the request returns an error before anything is sent if `path` does not start with `/`, contains a query, a
    /// dot segment, or a character that URLs escape, or if the number of `{}` differs from the number of segments.
    pub fn new(pipeline: &Pipeline, method: Method, path: &str, segments: &[&str]) -> Self {
        let mut operation = Operation::new("request", method, "").success(&SUCCESS);
        operation.idempotent = operation.method.is_idempotent();
        let target = fill(path, segments).map(|path| Target::with_path(pipeline.endpoint(), &path));
        let call = Call::with_target(pipeline, Cow::Owned(operation), target, |response| {
            Ok(response.body().clone())
        });
        Self { call, default: None }
    }

    /// Sets the query parameter that the service expects in every request. A value that the caller sets replaces it.
    pub fn default_query(mut self, name: &'static str, value: impl AsRef<str>) -> Self {
        self.call.parts.target.push_query(name, value.as_ref());
        self.default = Some(name);
        self
    }

    /// Adds a query parameter. The same name can be added several times.
    pub fn query(mut self, name: impl AsRef<str>, value: impl AsRef<str>) -> Self {
        let (name, mut escaped) = (name.as_ref(), String::new());
        if self.default.take_if(|default| *default == name).is_some() {
            self.call.parts.target.remove_query(name);
        }
        match encode::push_segment(&mut escaped, "query parameter's name", name) {
            Ok(()) => self.call.parts.target.push_query(&escaped, value.as_ref()),
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
        return Err(Error::invalid_input(
            "path",
            "must start with `/` and must not contain a query",
            Some(template),
        ));
    }
    // A dot segment leaves the path, and any other text that a URL parser rewrites would be signed in one form and sent in
    // another.
    let parsed = Url::parse(&format!("http://host{path}"));
    if !parsed.is_ok_and(|url| url.path() == path) {
        let rule = "must not contain a dot segment or a character that URLs escape; use `segments` for these";
        return Err(Error::invalid_input("path", rule, Some(template)));
    }
    Ok(path)
}
