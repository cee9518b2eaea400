//! What can be set on a processor, with the bounds and the defaults of each.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use super::handler::{Erased, Handler, erased};
use super::{Notice, Processor, Settlement};
use crate::settle::has_delay_and_renewal;
use crate::{CloudEvent, Error, ReceivedEvent, Receiver, ReleaseDelay, Result};

type Hook = Arc<dyn Fn(&Notice<'_>) + Send + Sync>;

/// A processor's settings, checked.
pub(super) struct Settings {
    pub(super) receiver: Receiver,
    pub(super) concurrency: usize,
    pub(super) prefetch: usize,
    pub(super) lock_duration: Duration,
    pub(super) max_wait_time: Duration,
    pub(super) settle_interval: Duration,
    pub(super) shutdown_timeout: Duration,
    pub(super) failure: Settlement,
    pub(super) max_deliveries: Option<u32>,
    /// Whether the api-version has release delays and lock renewal.
    pub(super) recent: bool,
    pub(super) handler: Erased<CloudEvent>,
    pub(super) poison: Option<Erased<ReceivedEvent>>,
    pub(super) on_notice: Option<Hook>,
}

/// A [`Processor`] in the making. What is wrong with its settings comes out of [`handler`](Self::handler).
#[must_use = "does nothing until it has a handler"]
pub struct ProcessorBuilder {
    receiver: Receiver,
    concurrency: usize,
    prefetch: usize,
    lock_duration: Duration,
    max_wait_time: Duration,
    settle_interval: Duration,
    shutdown_timeout: Duration,
    failure: Option<Settlement>,
    max_deliveries: Option<u32>,
    poison: Option<Erased<ReceivedEvent>>,
    on_notice: Option<Hook>,
}

impl ProcessorBuilder {
    pub(super) fn new(receiver: Receiver) -> Self {
        Self {
            receiver,
            concurrency: 8,
            prefetch: 8,
            lock_duration: Duration::from_secs(60),
            max_wait_time: Duration::from_secs(60),
            settle_interval: Duration::from_millis(100),
            shutdown_timeout: Duration::from_secs(25),
            failure: None,
            max_deliveries: None,
            poison: None,
            on_notice: None,
        }
    }

    /// Sets how many events are handled at a time: 1 to 10,000. Default: 8.
    pub fn concurrency(mut self, events: usize) -> Self {
        self.concurrency = events;
        self
    }

    /// Sets how many events may be in hand besides those, received and waiting or decided and not settled yet: 0 to 10,000.
    /// Default: 8. More of them bridge longer ways to the service; their locks are renewed like all others.
    pub fn prefetch(mut self, events: usize) -> Self {
        self.prefetch = events;
        self
    }

    /// Tells how long the subscription locks an event (`receiveLockDurationInSeconds`), which the service tells nobody: 60 s to
    /// 300 s. Default: 60 s, which is safe if it is longer.
    pub fn lock_duration(mut self, duration: Duration) -> Self {
        self.lock_duration = duration;
        self
    }

    /// Sets how long one receive waits for events: 10 s to 120 s, in whole seconds. Default: 60 s.
    pub fn max_wait_time(mut self, wait: Duration) -> Self {
        self.max_wait_time = wait;
        self
    }

    /// Sets how long a settlement may wait for others that go in the same settle call: up to 10 s. Default: 100 ms. It does not
    /// wait where a hundred are there, or where nothing else can happen before.
    pub fn settle_interval(mut self, interval: Duration) -> Self {
        self.settle_interval = interval;
        self
    }

    /// Sets how long handlers may go on once a shutdown has begun; those that do not end are stopped and their events released,
    /// for which there are 5 s more. Default: 25 s. A handler that blocks its thread is stopped only when it awaits again.
    pub fn shutdown_timeout(mut self, limit: Duration) -> Self {
        self.shutdown_timeout = limit;
        self
    }

    /// Sets what becomes of an event whose handler fails or panics, or that cannot be read where no hook decides about it.
    /// Default: it is released with a delay of 10 s, or without one in api-versions that have none.
    pub fn failure_settlement(mut self, settlement: Settlement) -> Self {
        self.failure = Some(settlement);
        self
    }

    /// Gives the events that cannot be read to this handler, and those that [`max_deliveries`](Self::max_deliveries) names. It
    /// decides about them as the other handler does about the rest, and counts among those at work.
    pub fn on_poison(mut self, handler: impl Handler<ReceivedEvent>) -> Self {
        self.poison = Some(erased(handler));
        self
    }

    /// Gives events that come with a delivery count above this to [`on_poison`](Self::on_poison), which has to be set too. The
    /// subscription's own limit (`maxDeliveryCount`, 10 unless set) must be higher, or such events never come.
    pub fn max_deliveries(mut self, deliveries: u32) -> Self {
        self.max_deliveries = Some(deliveries);
        self
    }

    /// Calls this with everything that goes wrong and does not end the processor. It runs on the processor's own task: it
    /// must neither block nor panic.
    pub fn on_notice(mut self, hook: impl Fn(&Notice<'_>) + Send + Sync + 'static) -> Self {
        self.on_notice = Some(Arc::new(hook));
        self
    }

    /// Checks everything and makes the processor, which handles each event with this: an async closure or function of a
    /// [`CloudEvent`] and a [`Context`](super::Context) that returns what [`IntoSettlement`](super::IntoSettlement) takes.
    ///
    /// # Errors
    ///
    /// Settings out of their bounds, or that the receiver's api-version does not have.
    pub fn handler(self, handler: impl Handler<CloudEvent>) -> Result<Processor> {
        self.check()?;
        let recent = has_delay_and_renewal(&self.receiver.namespace.api_version);
        let default = if recent { ReleaseDelay::S10 } else { ReleaseDelay::None };
        let settings = Settings {
            receiver: self.receiver,
            concurrency: self.concurrency,
            prefetch: self.prefetch,
            lock_duration: self.lock_duration,
            max_wait_time: self.max_wait_time,
            settle_interval: self.settle_interval,
            shutdown_timeout: self.shutdown_timeout,
            failure: self.failure.unwrap_or(Settlement::Release(default)),
            max_deliveries: self.max_deliveries,
            recent,
            handler: erased(handler),
            poison: self.poison,
            on_notice: self.on_notice,
        };
        Ok(Processor { settings: Arc::new(settings) })
    }

    fn check(&self) -> Result<()> {
        let version = &self.receiver.namespace.api_version;
        let delayed = matches!(self.failure, Some(Settlement::Release(delay)) if delay != ReleaseDelay::None);
        let seconds = Duration::from_secs;
        let whole = self.max_wait_time.subsec_nanos() == 0;
        for (right, what, rule, value) in [
            (
                (1..=10_000).contains(&self.concurrency),
                "concurrency",
                "must be 1 to 10,000",
                self.concurrency.to_string(),
            ),
            (self.prefetch <= 10_000, "prefetch", "must be 0 to 10,000", self.prefetch.to_string()),
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
                "must be 10 s at the most",
                format!("{:?}", self.settle_interval),
            ),
            (
                self.max_deliveries.is_none() || self.poison.is_some(),
                "max deliveries",
                "needs `on_poison`, which decides about what comes more often",
                self.max_deliveries.unwrap_or_default().to_string(),
            ),
            (
                !delayed || has_delay_and_renewal(version),
                "failure settlement",
                "has a release delay, which does not exist in the client's api-version",
                version.to_string(),
            ),
        ] {
            if !right {
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
