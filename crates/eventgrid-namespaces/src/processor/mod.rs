//! The processor: receives events, calls handlers, renews locks and settles, until it is stopped.

mod batches;
mod builder;
mod context;
mod handler;
mod handling;
mod held;
mod lock;
mod measure;
mod notice;
mod polling;
mod run;
mod settlement;
mod settling;
mod span;
mod stats;
mod token;
mod workers;

use std::fmt;
use std::future::{Future, pending};
use std::sync::Arc;

pub use builder::ProcessorBuilder;
pub use context::{Context, EventDelivery};
pub use handler::Handler;
#[cfg(feature = "push")]
pub(crate) use handler::{DataMismatch, Erased, Outcome, erased, run as run_handler, typed};
pub use notice::Notice;
pub use settlement::{IntoSettlement, Settlement};
#[cfg(feature = "push")]
pub(crate) use span::{SpanOf, default_span, record};
pub use stats::ProcessorStats;

use self::builder::Settings;
use self::run::Run;
use crate::{Receiver, Result};

/// Receives the events of a subscription, calls a handler for each, and settles it as the handler decides.
///
/// * **At least once.** An event is settled only after its handler has returned. An event whose lock is lost is delivered again,
///   here or elsewhere, so handlers must tolerate duplicates.
/// * **Bounded.** At most `concurrency + prefetch` events are held: waiting, being handled, or not settled yet. Long polls ask for
///   no more events than there are free slots.
/// * **Fast.** One long poll is enough for most processors. While handlers are starved although the service has events, up to
///   [`max_receive_calls`](ProcessorBuilder::max_receive_calls) run at a time.
/// * **Locks** are renewed while their events are held, for up to one hour after an event was received, which is the service's
///   limit. If a lock is lost, the handler keeps running. Its [`Context`] is notified, and
///   [`on_notice`](ProcessorBuilder::on_notice) reports whether its settlement took effect.
/// * **Failures** of a handler, including panics, release the event
///   ([`failure_settlement`](ProcessorBuilder::failure_settlement)). Failed calls to the service are retried with growing pauses.
///   Each failure is reported as a [`Notice`] and as a `tracing` event.
/// * **Handlers run as tasks** of the Tokio runtime that the processor runs on. A handler that blocks its thread delays other
///   tasks of the runtime, including renewals, and cannot be aborted before it awaits. Move blocking code to
///   `tokio::task::spawn_blocking`.
///
/// # Examples
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), eventgrid_namespaces::BoxError> {
/// # let emulator = service_emulator::Emulator::start().await?;
/// # emulator.eventgrid().declare("orders", "billing");
/// # let (endpoint, key) = (emulator.endpoint(), emulator.eventgrid().key());
/// # use eventgrid_namespaces::{Credential, Receiver, Sender};
/// # let sender = Sender::new(&endpoint, "orders", Credential::access_key(emulator.eventgrid().key()))?;
/// # sender.send(CloudEvent::new("/orders/123", "com.example.order.created", &["screws"])?).await?;
/// # let receiver = Receiver::new(&endpoint, "orders", "billing", Credential::access_key(key))?;
/// use std::sync::Arc;
///
/// use eventgrid_namespaces::{BoxError, CloudEvent, Context, Processor, Settlement};
/// use tokio::sync::Notify;
///
/// let handled = Arc::new(Notify::new());
/// let stop = Arc::clone(&handled);
/// let handler = move |event: CloudEvent, context: Context| {
///     let handled = Arc::clone(&handled);
///     async move {
///         let items: Vec<String> = event.data_as()?;
///         println!("{items:?}, delivery {}", context.delivery_count());
///         handled.notify_one();
///         Ok::<_, BoxError>(Settlement::Acknowledge)
///     }
/// };
///
/// let processor = Processor::builder(receiver).concurrency(16).handler(handler)?;
/// processor.run_until(stop.notified()).await?;
/// # assert_eq!(emulator.eventgrid().waiting("orders", "billing"), 0);
/// # Ok(()) }
/// ```
#[derive(Clone)]
pub struct Processor {
    settings: Arc<Settings>,
}

impl Processor {
    /// Creates a builder that configures a processor.
    pub fn builder(receiver: Receiver) -> ProcessorBuilder {
        ProcessorBuilder::new(receiver)
    }

    /// Returns what the processor is doing at the moment. Clones of a processor share their numbers.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::time::Duration;
    ///
    /// use eventgrid_namespaces::ProcessorStats;
    ///
    /// /// Returns whether another processor would help.
    /// fn is_behind(stats: &ProcessorStats) -> bool {
    ///     stats.newest_age > Some(Duration::from_secs(60)) && stats.full_receives > 0.5
    /// }
    /// ```
    #[must_use]
    pub fn stats(&self) -> ProcessorStats {
        let clock = self.settings.receiver.namespace.pipeline.clock();
        self.settings.statistics.read(clock.now(), clock.elapsed())
    }

    /// Runs the processor indefinitely.
    ///
    /// # Errors
    ///
    /// Returns the same errors as [`run_until`](Self::run_until).
    pub async fn run(&self) -> Result<()> {
        self.run_until(pending()).await
    }

    /// Runs the processor until `stop` completes, then shuts down gracefully.
    ///
    /// During the shutdown, waiting events are released and no handler is started. Running handlers may finish within
    /// [`shutdown_timeout`](ProcessorBuilder::shutdown_timeout), and all settlements are sent.
    ///
    /// Dropping the returned future aborts the handlers without settling their events, which are delivered again when their locks
    /// expire.
    ///
    /// # Errors
    ///
    /// Returns an error if receive calls are rejected: with status 401, 403, 404 or another 4xx except 408 and 429, or because a
    /// credential could not be obtained. A rejection ends the run if no receive call of this run has succeeded yet, or if all
    /// receive calls have been rejected for five minutes. Held events are handled and settled first, as after `stop`. No other
    /// failure ends a run.
    pub async fn run_until(&self, stop: impl Future<Output = ()>) -> Result<()> {
        Run::new(&self.settings).until_over(stop).await
    }
}

impl fmt::Debug for Processor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Processor")
            .field("receiver", &self.settings.receiver)
            .field("concurrency", &self.settings.concurrency)
            .field("prefetch", &self.settings.prefetch)
            .finish_non_exhaustive()
    }
}
