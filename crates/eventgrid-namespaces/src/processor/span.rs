//! The span in which a handler runs, with OpenTelemetry's names, and what is recorded in it at the end.

use std::sync::Arc;

use tracing::Span;
use tracing::field::Empty;

use super::EventDelivery;
use super::handler::Outcome;
use crate::TraceContext;
use crate::messaging::fail;

/// Creates the span in which a handler runs.
pub(crate) type SpanOf = Arc<dyn Fn(&EventDelivery, Option<&TraceContext>) -> Span + Send + Sync>;

/// Returns the default: a span `process` with the topic and the subscription, if they are known.
pub(crate) fn default_span(topic: Option<Arc<str>>, subscription: Option<Arc<str>>) -> SpanOf {
    let name = topic.as_ref().map_or_else(|| "process".to_owned(), |topic| format!("process {topic}"));
    Arc::new(move |delivery, _| {
        tracing::info_span!(
            "process",
            "otel.name" = name,
            "otel.kind" = "consumer",
            "otel.status_code" = Empty,
            "error.type" = Empty,
            "messaging.system" = "eventgrid",
            "messaging.operation.name" = "process",
            "messaging.operation.type" = "process",
            "messaging.destination.name" = topic.as_deref(),
            "messaging.destination.subscription.name" = subscription.as_deref(),
            "messaging.message.id" = delivery.id.as_deref(),
            "cloudevents.event_id" = delivery.id.as_deref(),
            "cloudevents.event_source" = delivery.source.as_deref(),
            delivery_count = delivery.delivery_count,
            settlement = Empty,
        )
    })
}

/// Records how the handler ended. Fields that the span does not have are ignored.
pub(crate) fn record(span: &Span, outcome: &Outcome) {
    if let Outcome::Decided(settlement) = outcome {
        span.record("settlement", settlement.name());
    }
    if let Some(error) = outcome.error_type() {
        fail(span, error);
    }
}
