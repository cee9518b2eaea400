//! Requests outside the known operations: the way out for what the next version of a service's API brings.

use std::borrow::Cow;

use bytes::Bytes;
use http::Method;
use url::Url;

use super::Call;
use crate::encode;
use crate::error::{Error, Result};
use crate::{Operation, Pipeline};

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

/// A request outside the known operations: what the next version of a service's API brings, through the same pipeline.
#[must_use = "does nothing until awaited"]
#[derive(Debug)]
pub struct RawRequest {
    call: Call<Bytes>,
    default: Option<&'static str>,
}

impl RawRequest {
    /// `path` is a template in which each `{}` takes the next of `segments`, escaped as one path segment.
    ///
    /// By HTTP's own rules GET, HEAD, PUT, DELETE and OPTIONS count as idempotent, and every 2xx as success.
    pub fn new(pipeline: &Pipeline, method: Method, path: &str, segments: &[&str]) -> Self {
        let mut operation = Operation::new("request", method, "").success(&SUCCESS);
        operation.idempotent = operation.method.is_idempotent();
        let path = fill(path, segments);
        let call = Call::with_path(pipeline, Cow::Owned(operation), path, |answer| Ok(answer.body().clone()));
        Self { call, default: None }
    }

    /// Sets the query parameter that a service wants in every request; the caller's own value replaces it.
    pub fn default_query(mut self, name: &'static str, value: impl AsRef<str>) -> Self {
        self.call.push_query(name, value.as_ref());
        self.default = Some(name);
        self
    }

    /// Adds a query parameter; a name may stand repeatedly.
    pub fn query(mut self, name: impl AsRef<str>, value: impl AsRef<str>) -> Self {
        let (name, mut escaped) = (name.as_ref(), String::new());
        if self.default.take_if(|default| *default == name).is_some() {
            encode::remove_query(&mut self.call.parts.query, name);
        }
        match encode::push_segment(&mut escaped, "query parameter's name", name) {
            Ok(()) => self.call.push_query(&escaped, value.as_ref()),
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
