//! A bridge to OpenTelemetry for traces, to be copied: what the setters `trace_context` and `span` take, and the subscriber.

use std::collections::HashMap;

use eventgrid_namespaces::{EventDelivery, TraceContext};
use opentelemetry::propagation::TextMapPropagator as _;
use opentelemetry::trace::TracerProvider as _;
use opentelemetry_sdk::{propagation::TraceContextPropagator, trace::SdkTracerProvider};
use tracing::{Span, Subscriber, info_span};
use tracing_opentelemetry::OpenTelemetrySpanExt as _;
use tracing_subscriber::{Layer as _, filter::LevelFilter, layer::SubscriberExt as _, registry};

/// For `trace_context`: the context of the span that runs.
pub(super) fn current() -> Option<TraceContext> {
    let mut fields = HashMap::new();
    TraceContextPropagator::new().inject_context(&Span::current().context(), &mut fields);
    let context = TraceContext::new(fields.remove("traceparent")?).ok()?;
    match fields.remove("tracestate").filter(|state| !state.is_empty()) {
        Some(state) => context.with_tracestate(state).ok(),
        None => Some(context),
    }
}

/// For `span`: a span whose parent is the one that published the event.
pub(super) fn process(delivery: &EventDelivery, context: Option<&TraceContext>) -> Span {
    let span = info_span!("process orders", "otel.kind" = "consumer", "messaging.message.id" = delivery.id);
    if let Some(context) = context {
        let fields = HashMap::from([("traceparent".to_owned(), context.traceparent().to_owned())]);
        let _ = span.set_parent(TraceContextPropagator::new().extract(&fields)); // no layer, no parent
    }
    span
}

/// For `tracing::subscriber::set_global_default`: exports the spans of calls, and with DEBUG also those of attempts.
pub(super) fn subscriber(provider: &SdkTracerProvider, level: LevelFilter) -> impl Subscriber + Send + Sync {
    registry().with(tracing_opentelemetry::layer().with_tracer(provider.tracer("orders")).with_filter(level))
}
