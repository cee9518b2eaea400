//! One call of an operation: the values of its path and body, and the forms of its outcome.

use http::header::CONTENT_TYPE;
use http::{HeaderValue, StatusCode};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Map;
use tokio::sync::watch;

use super::route::Value;
use crate::emulator::Emulator;
use crate::invalid_setting::InvalidSetting;
use crate::message::{Request, Response, json_from_slice, plain_error};

pub(crate) type Outcome = Result<Response, Problem>;

/// A call of an operation.
pub(crate) struct Call<'a> {
    pub(crate) emulator: &'a Emulator,
    pub(crate) request: &'a Request,
    pub(super) values: Vec<Value<'a>>,
    pub(super) stopped: &'a watch::Receiver<bool>,
}

/// Why an operation was not performed.
#[derive(Debug)]
pub(crate) struct Problem {
    status: StatusCode,
    message: String,
}

impl<'a> Call<'a> {
    /// The value of the path's `{name}`.
    pub(crate) fn value(&self, name: &str) -> &'a str {
        self.values.iter().find(|(key, _)| *key == name).map_or("", |(_, value)| value)
    }

    /// The body as JSON. An empty one counts as an empty object.
    pub(crate) fn body<T: DeserializeOwned>(&self) -> Result<T, Problem> {
        let body = self.request.body.as_ref();
        let body = if body.is_empty() { b"{}" } else { body };
        json_from_slice(body).map_err(|error| Problem::invalid(format!("invalid body: {error}")))
    }

    /// The body as a table of the settings file whose `name` is in the path.
    pub(crate) fn named_body<T: DeserializeOwned>(&self, name: &str) -> Result<T, Problem> {
        let mut table: Map<String, serde_json::Value> = self.body()?;
        if table.insert("name".to_owned(), name.into()).is_some() {
            return Err(Problem::invalid("the name is in the path, not in the body"));
        }
        let table = serde_json::Value::Object(table);
        serde_json::from_value(table).map_err(|error| Problem::invalid(format!("invalid body: {error}")))
    }
}

impl Problem {
    pub(crate) fn new(status: StatusCode, message: impl Into<String>) -> Self {
        Self { status, message: message.into() }
    }

    pub(crate) fn invalid(message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, message)
    }

    pub(crate) fn not_found(what: &str, name: &str) -> Self {
        Self::new(StatusCode::NOT_FOUND, format!("there is no {what} '{name}'"))
    }

    pub(super) fn unknown_path() -> Self {
        Self::new(StatusCode::NOT_FOUND, "no emulated service has this path")
    }

    pub(super) fn stopping() -> Self {
        Self::new(StatusCode::SERVICE_UNAVAILABLE, "the emulator is stopping")
    }

    pub(super) fn into_response(self) -> Response {
        plain_error(self.status, &self.message)
    }
}

impl From<InvalidSetting> for Problem {
    fn from(error: InvalidSetting) -> Self {
        Self::invalid(error.to_string())
    }
}

/// A response with a JSON body.
pub(crate) fn json(value: &impl Serialize) -> Response {
    // The values are made of strings, numbers, lists, and maps with text keys, so serialization does not fail.
    json_text(serde_json::to_string(value).unwrap_or_default())
}

pub(super) fn json_text(text: String) -> Response {
    let mut response = Response::new(text.into());
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}

/// The response to an operation that returns nothing.
pub(crate) fn no_content() -> Response {
    let mut response = Response::default();
    *response.status_mut() = StatusCode::NO_CONTENT;
    response
}
