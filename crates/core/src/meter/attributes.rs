//! What values are recorded with: attributes without those that are absent, and the few names of failures.

use http::StatusCode;

use super::AttributeValue;
use crate::error::{Delivery, Error, ErrorKind};

/// The maximum number of attributes of a value.
const MAX: usize = 8;

/// Collects the attributes of one value, without those that are absent and without an allocation.
///
/// It holds up to 8 attributes and ignores further ones.
///
/// # Examples
///
/// ```
/// use service_core::{AttributeValue, Attributes};
///
/// let attributes = Attributes::new().with("server.address", Some("rooms.example")).with("error.type", None::<&str>);
/// assert_eq!(attributes.as_slice(), [("server.address", AttributeValue::Text("rooms.example"))]);
/// ```
#[derive(Debug, Clone)]
pub struct Attributes<'a> {
    all: [(&'static str, AttributeValue<'a>); MAX],
    used: usize,
}

impl<'a> Attributes<'a> {
    /// Creates a collection without attributes.
    #[must_use]
    pub fn new() -> Self {
        Self { all: [("", AttributeValue::Number(0)); MAX], used: 0 }
    }

    /// Adds an attribute if it has a value.
    #[must_use]
    pub fn with(mut self, key: &'static str, value: Option<impl Into<AttributeValue<'a>>>) -> Self {
        if let (Some(value), Some(free)) = (value, self.all.get_mut(self.used)) {
            *free = (key, value.into());
            self.used += 1;
        }
        self
    }

    /// Returns the attributes in the form in which [`MeterHandle::record`](crate::MeterHandle::record) takes them.
    #[must_use]
    pub fn as_slice(&self) -> &[(&'static str, AttributeValue<'a>)] {
        self.all.get(..self.used).unwrap_or_default()
    }
}

impl Default for Attributes<'_> {
    fn default() -> Self {
        Self::new()
    }
}

/// Names the reason of a failure for the attribute `error.type` of a metric.
///
/// The names are a closed list, unlike the texts of errors and the codes of services. An error status has its number as its name.
///
/// # Examples
///
/// ```
/// use service_core::{Error, ErrorKind, ErrorType};
///
/// let error = Error::new(ErrorKind::Timeout, "no response arrived within 5 s");
/// assert_eq!(ErrorType::of(&error).as_str(), "timeout");
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ErrorType(Result<StatusCode, &'static str>);

impl ErrorType {
    /// Returns the name of an error.
    #[must_use]
    pub fn of(error: &Error) -> Self {
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

    /// Returns the name of an error status.
    pub(crate) fn of_status(status: StatusCode) -> Self {
        Self(Ok(status))
    }

    /// Returns the name as text. A status that HTTP does not define is `_OTHER`, since the service invented it.
    #[must_use]
    pub fn as_str(&self) -> &str {
        match &self.0 {
            Ok(status) if status.canonical_reason().is_some() => status.as_str(),
            Ok(_) => "_OTHER",
            Err(name) => name,
        }
    }
}
