//! What spans and metrics say about an operation, under OpenTelemetry's names for messaging. These names may still change there,
//! so they are in one place.

mod measure;

use tracing::Span;
use tracing::field::Empty;

use crate::TokenErrorCode;

pub(crate) use measure::{Handling, start};

/// An operation, by the service's own name for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verb {
    Publish,
    Receive,
    Acknowledge,
    Release,
    Reject,
    RenewLock,
    Process,
}

impl Verb {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Publish => "publish",
            Self::Receive => "receive",
            Self::Acknowledge => "acknowledge",
            Self::Release => "release",
            Self::Reject => "reject",
            Self::RenewLock => "renew_lock",
            Self::Process => "process",
        }
    }

    /// Returns OpenTelemetry's type of the operation, which it does not have for renewals.
    fn kind(self) -> Option<&'static str> {
        match self {
            Self::Publish => Some("send"),
            Self::Receive => Some("receive"),
            Self::Acknowledge | Self::Release | Self::Reject => Some("settle"),
            Self::RenewLock => None,
            Self::Process => Some("process"),
        }
    }
}

/// What an operation is about.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Subject<'a> {
    pub(crate) verb: Verb,
    /// `None` for pushed events, which do not say where they come from.
    pub(crate) topic: Option<&'a str>,
    pub(crate) subscription: Option<&'a str>,
}

impl<'a> Subject<'a> {
    pub(crate) fn published(topic: &'a str) -> Self {
        Self { verb: Verb::Publish, topic: Some(topic), subscription: None }
    }

    pub(crate) fn of_subscription(verb: Verb, topic: &'a str, subscription: &'a str) -> Self {
        Self { verb, topic: Some(topic), subscription: Some(subscription) }
    }

    /// Opens the span of a call. `messages` is the number of its events if that is known before the call.
    pub(crate) fn span(&self, messages: Option<usize>, message_id: Option<&str>) -> Span {
        let Self { verb, topic, subscription } = self;
        let span = service_core::call_span!(
            "azure.service.request.id",
            kind = if *verb == Verb::Publish { "producer" } else { "client" },
            name = format!("{} {}", verb.name(), topic.unwrap_or_default()),
            "azure.resource_provider.namespace" = "Microsoft.EventGrid",
            "messaging.system" = "eventgrid",
            "messaging.operation.name" = verb.name(),
            "messaging.operation.type" = verb.kind(),
            "messaging.destination.name" = topic,
            "messaging.destination.subscription.name" = subscription,
            "messaging.message.id" = message_id,
            "messaging.batch.message_count" = Empty,
        );
        if let Some(messages) = messages {
            count(&span, messages);
        }
        span
    }
}

/// Returns whether the spans of calls are recorded, so that their fields are worth preparing.
pub(crate) fn is_traced() -> bool {
    tracing::span_enabled!(target: "service_core::call", tracing::Level::INFO)
}

/// Records the number of events of a call.
pub(crate) fn count(span: &Span, messages: usize) {
    span.record("messaging.batch.message_count", messages);
}

/// Records the failure of what a span is about.
pub(crate) fn fail(span: &Span, error_type: &str) {
    span.record("error.type", error_type);
    span.record("otel.status_code", "ERROR");
}

/// Returns a code as an attribute. One that the service invented is `_OTHER`, since attributes have few values.
pub(crate) fn token_error(code: &TokenErrorCode) -> &'static str {
    match code {
        TokenErrorCode::TokenLost => "TokenLost",
        TokenErrorCode::BadToken => "BadToken",
        TokenErrorCode::InternalServerError => "InternalServerError",
        TokenErrorCode::Other(_) => "_OTHER",
    }
}
