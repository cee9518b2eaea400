//! The error of everything that creates, reads or writes events.

use std::borrow::Cow;

use crate::{Error, ErrorKind};

/// Is returned when an event breaks a rule of
/// [CloudEvents](https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/spec.md), or when its data cannot be read as
/// requested.
///
/// The text names the attribute and the rule. It never contains the event's data. The `?` operator converts it into an
/// [`Error`] of kind [`InvalidInput`](ErrorKind::InvalidInput).
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{text}")]
pub struct InvalidEvent {
    text: Cow<'static, str>,
}

impl InvalidEvent {
    pub(crate) fn new(text: impl Into<Cow<'static, str>>) -> Self {
        Self { text: text.into() }
    }

    /// Reports an attribute that breaks a rule, with its value truncated to a readable length.
    pub(crate) fn attribute(name: &str, rule: &str, value: &str) -> Self {
        let shown: String = value.chars().take(64).collect();
        let cut = if shown.len() < value.len() { " (truncated)" } else { "" };
        Self::new(format!("the event's `{name}` {rule}, got {shown:?}{cut}"))
    }

    /// Reports JSON that is malformed or does not match. serde's text may quote a value, so only what was expected and the
    /// position are kept.
    pub(crate) fn json(what: &str, error: &serde_json::Error) -> Self {
        let (line, column) = (error.line(), error.column());
        let text = error.to_string();
        let text = text.split(" at line ").next().unwrap_or_default();
        let wanted = match text.rsplit_once(", expected ") {
            Some((_, wanted)) => format!(" (expected {wanted})"),
            None if text.starts_with("missing field `") => format!(" ({text})"),
            None => String::new(),
        };
        Self::new(format!("{what}{wanted}, at line {line} column {column}"))
    }
}

impl From<InvalidEvent> for Error {
    fn from(invalid: InvalidEvent) -> Self {
        Error::new(ErrorKind::InvalidInput, invalid.text).with_delivery(crate::Delivery::NotSent)
    }
}
