//! The settings of a processor, with their bounds and defaults.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use serde::de::DeserializeOwned;
use service_core::MeterHandle;
use tracing::Span;

use super::handler::{Erased, Handler, erased, typed};
use super::measure::Measure;
use super::span::{SpanOf, default_span};
use super::stats::Statistics;
use super::{EventDelivery, Notice, Processor, Settlement};
use crate::settle::has_delay_and_renewal;
use crate::{CloudEvent, Error, Meter, ReceivedEvent, Receiver, ReleaseDelay, Result, TraceContext};

type Hook = Arc<dyn Fn(&Notice<'_>) + Send + Sync>;

/// A processor's validated settings.
pub(super) struct Settings {
    pub(super) receiver: Receiver,
    pub(super) concurrency: usize,
    pub(super) prefetch: usize,
    pub(super) max_receive_calls: usize,
    pub(super) lock_duration: Duration,
    pub(super) max_wait_time: Duration,
    pub(super) settle_interval: Duration,
    pub(super) shutdown_timeout: Duration,
    pub(super) failure: Settlement,
    pub(super) max_deliveries: Option<u32>,
    /// Whether the api-version has release delays and lock renewal.
    pub(super) has_delay_and_renewal: bool,
    pub(super) span: SpanOf,
    pub(super) handler: Erased<CloudEvent>,
    pub(super) poison: Option<Erased<ReceivedEvent>>,
    pub(super) on_notice: Option<Hook>,
    pub(super) statistics: Arc<Statistics>,
    pub(super) measure: Measure,
}

/// A builder that configures a [`Processor`]. Is returned by [`Processor::builder`].
///
/// Invalid settings are reported by [`handler`](Self::handler).
///
/// # Examples
///
/// ```
/// use eventgrid_namespaces::{CloudEvent, Context, Processor, ReceivedEvent, Receiver, Settlement};
///
/// fn processor(receiver: Receiver) -> eventgrid_namespaces::Result<Processor> {
///     Processor::builder(receiver)
///         .concurrency(16)
///         .on_notice(|notice| eprintln!("{notice}"))
///         .on_poison(async |_: ReceivedEvent, _: Context| Settlement::Reject)
///         .max_deliveries(5)
///         .handler(async |event: CloudEvent, _: Context| println!("{}", event.id()))
/// }
/// # let key = eventgrid_namespaces::Credential::access_key("a2V5");
/// # let receiver = Receiver::new("https://name.example", "orders", "billing", key);
/// # assert!(receiver.and_then(processor).is_ok());
/// ```
#[must_use = "does nothing until it has a handler"]
pub struct ProcessorBuilder {
    receiver: Receiver,
    concurrency: usize,
    prefetch: usize,
    max_receive_calls: usize,
    lock_duration: Duration,
    max_wait_time: Duration,
    settle_interval: Duration,
    shutdown_timeout: Duration,
    failure: Option<Settlement>,
    max_deliveries: Option<u32>,
    span: SpanOf,
    poison: Option<Erased<ReceivedEvent>>,
    on_notice: Option<Hook>,
    meter: Option<MeterHandle>,
}

impl ProcessorBuilder {
    pub(super) fn new(receiver: Receiver) -> Self {
        let span = default_span(Some(Arc::clone(&receiver.topic)), Some(Arc::clone(&receiver.subscription)));
        Self {
            receiver,
            concurrency: 8,
            prefetch: 8,
            max_receive_calls: 8,
            lock_duration: Duration::from_secs(60),
            max_wait_time: Duration::from_secs(60),
            settle_interval: Duration::from_millis(100),
            shutdown_timeout: Duration::from_secs(25),
            failure: None,
            max_deliveries: None,
            span,
            poison: None,
            on_notice: None,
            meter: None,
        }
    }

    /// Sets how many events are handled concurrently: 1 to 10,000. Default: 8.
    pub fn concurrency(mut self, events: usize) -> Self {
        self.concurrency = events;
        self
    }

    /// Sets how many events may be held in addition to those being handled: 0 to 10,000. Default: 8.
    ///
    /// These events wait for a handler or for their settle call. A higher value hides more latency between the processor and the
    /// service. Their locks are renewed like all others.
    pub fn prefetch(mut self, events: usize) -> Self {
        self.prefetch = events;
        self
    }

    /// Sets how many receive calls (long polls) may be in flight at a time: 1 to 32. Default: 8.
    ///
    /// An idle processor has one. More are started only while the service has events and handlers are starved, because one call
    /// returns at most 100 events per round trip. To benefit from them, `concurrency + prefetch` must exceed 100. A response of
    /// 100 large events can take up to 150 MB.
    pub fn max_receive_calls(mut self, calls: usize) -> Self {
        self.max_receive_calls = calls;
        self
    }

    /// Sets the subscription's lock duration (`receiveLockDurationInSeconds`), which clients cannot query: 60 s to 300 s.
    /// Default: 60 s, which is safe if the actual duration is longer.
    pub fn lock_duration(mut self, duration: Duration) -> Self {
        self.lock_duration = duration;
        self
    }

    /// Sets how long one receive call waits for events: 10 s to 120 s, in whole seconds. Default: 60 s.
    pub fn max_wait_time(mut self, wait: Duration) -> Self {
        self.max_wait_time = wait;
        self
    }

    /// Sets how long a settlement may wait for others that are sent in the same settle call: at most 10 s. Default: 100 ms.
    ///
    /// It does not wait once a batch has 100 settlements, or if no other settlement can be added.
    pub fn settle_interval(mut self, interval: Duration) -> Self {
        self.settle_interval = interval;
        self
    }

    /// Sets how long handlers may keep running after a shutdown has begun. Default: 25 s.
    ///
    /// Handlers that are still running then are aborted, and their events are released, which may take another 5 s. A handler
    /// that blocks its thread is aborted only when it awaits again.
    pub fn shutdown_timeout(mut self, limit: Duration) -> Self {
        self.shutdown_timeout = limit;
        self
    }

    /// Sets the settlement of an event whose handler fails or panics.
    ///
    /// It also applies to poison events if [`on_poison`](Self::on_poison) is not set. Default: the event is released with a
    /// delay of 10 s, or without a delay if the api-version does not support one.
    pub fn failure_settlement(mut self, settlement: Settlement) -> Self {
        self.failure = Some(settlement);
        self
    }

    /// Sets a handler for poison events: those that cannot be read, those that exceed [`max_deliveries`](Self::max_deliveries),
    /// and, with a [`typed_handler`](Self::typed_handler), those whose data has another type.
    ///
    /// It returns a settlement like the main handler, and it counts toward [`concurrency`](Self::concurrency).
    /// [`ReceivedEvent::event`] is an error only if the event cannot be read.
    pub fn on_poison(mut self, handler: impl Handler<ReceivedEvent>) -> Self {
        self.poison = Some(erased(handler));
        self
    }

    /// Sets the maximum delivery count of events for the main handler. Default: no maximum.
    ///
    /// Events with a higher count are passed to [`on_poison`](Self::on_poison), which must be set too. The subscription's own
    /// limit (`maxDeliveryCount`, by default 10) must be higher, or no event ever exceeds the maximum.
    pub fn max_deliveries(mut self, deliveries: u32) -> Self {
        self.max_deliveries = Some(deliveries);
        self
    }

    /// Sets the function that creates the span in which a handler runs.
    ///
    /// It receives the delivery and the trace context that the event carries, so that it can set the span's parent or link it to
    /// the span that produced the event. It runs right before the handler, on the handler's task, and must not panic: a panic ends
    /// the processor. If the span has the fields `settlement`, `error.type`, and `otel.status_code`, they are recorded when the
    /// handler ends.
    ///
    /// Default: a span `process` at INFO, whose `otel.name` is `process {topic}`, with OpenTelemetry's attributes for messaging.
    pub fn span(
        mut self,
        create: impl Fn(&EventDelivery, Option<&TraceContext>) -> Span + Send + Sync + 'static,
    ) -> Self {
        self.span = Arc::new(create);
        self
    }

    /// Sets a callback that is called with each [`Notice`]: a problem that does not end the processor.
    ///
    /// The callback runs on the processor's own task, so it must neither block nor panic.
    pub fn on_notice(mut self, hook: impl Fn(&Notice<'_>) + Send + Sync + 'static) -> Self {
        self.on_notice = Some(Arc::new(hook));
        self
    }

    /// Sets the meter that receives what the processor itself measures. Default: the meter of the receiver's client.
    ///
    /// The calls of the processor are always measured by the client's meter.
    pub fn meter(mut self, meter: Arc<dyn Meter>) -> Self {
        self.meter = Some(MeterHandle::new(meter));
        self
    }

    /// Validates the settings and creates a processor that calls `handler` for each event.
    ///
    /// `handler` is an async closure or function that takes a [`CloudEvent`] and a [`Context`](super::Context) and returns a
    /// type that implements [`IntoSettlement`](super::IntoSettlement), or a type that implements [`Handler`].
    ///
    /// # Errors
    ///
    /// Returns [`ErrorKind::InvalidInput`](crate::ErrorKind::InvalidInput) if a setting is out of its bounds or is not supported
    /// by the receiver's api-version.
    pub fn handler(self, handler: impl Handler<CloudEvent>) -> Result<Processor> {
        self.build(erased(handler))
    }

    /// Validates the settings and creates a processor that calls `handler` with the deserialized data of each event.
    ///
    /// `handler` is like that of [`handler`](Self::handler), with the data's type in place of [`CloudEvent`]. Events whose data is
    /// missing or does not match the type are passed to [`on_poison`](Self::on_poison). If it is not set, they count as failures
    /// of the handler.
    ///
    /// # Errors
    ///
    /// Returns the same errors as [`handler`](Self::handler).
    ///
    /// # Examples
    ///
    /// ```
    /// use eventgrid_namespaces::{Context, Processor, ReceivedEvent, Receiver, Settlement};
    /// use serde::Deserialize;
    ///
    /// #[derive(Deserialize)]
    /// struct Order {
    ///     total: u32,
    /// }
    ///
    /// fn processor(receiver: Receiver) -> eventgrid_namespaces::Result<Processor> {
    ///     Processor::builder(receiver)
    ///         .on_poison(async |_: ReceivedEvent, _: Context| Settlement::Reject)
    ///         .typed_handler(async |order: Order, _: Context| println!("{}", order.total))
    /// }
    /// # let key = eventgrid_namespaces::Credential::access_key("a2V5");
    /// # let receiver = Receiver::new("https://name.example", "orders", "billing", key);
    /// # assert!(receiver.and_then(processor).is_ok());
    /// ```
    pub fn typed_handler<T>(self, handler: impl Handler<T>) -> Result<Processor>
    where
        T: DeserializeOwned + Send + 'static,
    {
        let handler = typed(handler, self.poison.clone());
        self.build(handler)
    }

    fn build(self, handler: Erased<CloudEvent>) -> Result<Processor> {
        self.check()?;
        let has_delay_and_renewal = has_delay_and_renewal(&self.receiver.namespace.api_version);
        let default = if has_delay_and_renewal { ReleaseDelay::S10 } else { ReleaseDelay::None };
        let meter = self.meter.unwrap_or_else(|| self.receiver.namespace.pipeline.meter().clone());
        let measure = Measure::new(meter, &self.receiver);
        let settings = Settings {
            receiver: self.receiver,
            concurrency: self.concurrency,
            prefetch: self.prefetch,
            max_receive_calls: self.max_receive_calls,
            lock_duration: self.lock_duration,
            max_wait_time: self.max_wait_time,
            settle_interval: self.settle_interval,
            shutdown_timeout: self.shutdown_timeout,
            failure: self.failure.unwrap_or(Settlement::Release(default)),
            max_deliveries: self.max_deliveries,
            has_delay_and_renewal,
            span: self.span,
            handler,
            poison: self.poison,
            on_notice: self.on_notice,
            statistics: Arc::default(),
            measure,
        };
        Ok(Processor { settings: Arc::new(settings) })
    }

    fn check(&self) -> Result<()> {
        let version = &self.receiver.namespace.api_version;
        let delayed = matches!(self.failure, Some(Settlement::Release(delay)) if delay != ReleaseDelay::None);
        let seconds = Duration::from_secs;
        let whole = self.max_wait_time.subsec_nanos() == 0;
        for (valid, what, rule, value) in [
            (
                (1..=10_000).contains(&self.concurrency),
                "concurrency",
                "must be 1 to 10,000",
                self.concurrency.to_string(),
            ),
            (self.prefetch <= 10_000, "prefetch", "must be 0 to 10,000", self.prefetch.to_string()),
            (
                (1..=32).contains(&self.max_receive_calls),
                "max receive calls",
                "must be 1 to 32",
                self.max_receive_calls.to_string(),
            ),
            (
                (seconds(60)..=seconds(300)).contains(&self.lock_duration),
                "lock duration",
                "must be 60 s to 300 s",
                format!("{:?}", self.lock_duration),
            ),
            (
                whole && (10..=120).contains(&self.max_wait_time.as_secs()),
                "max wait time",
                "must be 10 s to 120 s, in whole seconds",
                format!("{:?}", self.max_wait_time),
            ),
            (
                self.settle_interval <= seconds(10),
                "settle interval",
                "must be at most 10 s",
                format!("{:?}", self.settle_interval),
            ),
            (
                self.max_deliveries.is_none() || self.poison.is_some(),
                "max deliveries",
                "requires `on_poison`, which handles events that exceed it",
                self.max_deliveries.unwrap_or_default().to_string(),
            ),
            (
                !delayed || has_delay_and_renewal(version),
                "failure settlement",
                "has a release delay, which is not supported by the client's api-version",
                version.to_string(),
            ),
        ] {
            if !valid {
                return Err(Error::invalid_input(what, rule, Some(&value)));
            }
        }
        Ok(())
    }
}

impl fmt::Debug for ProcessorBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ProcessorBuilder")
            .field("receiver", &self.receiver)
            .field("concurrency", &self.concurrency)
            .field("prefetch", &self.prefetch)
            .finish_non_exhaustive()
    }
}
