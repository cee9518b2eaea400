//! The processor: receives, has events handled, keeps their locks and settles them, for as long as it is let.

mod batches;
mod builder;
mod context;
mod handler;
mod handling;
mod held;
mod lock;
mod notice;
mod polling;
mod run;
mod settlement;
mod settling;

use std::fmt;
use std::future::{Future, pending};
use std::sync::Arc;

pub use builder::ProcessorBuilder;
pub use context::{Context, EventDelivery};
pub use handler::Handler;
pub use notice::Notice;
pub use settlement::{IntoSettlement, Settlement};

use self::builder::Settings;
use self::run::Run;
use crate::{Receiver, Result};

/// Pulls the events of a subscription, has each handled, and settles it as its handler decides.
///
/// * **At least once.** Nothing is settled before its handler has returned. An event whose lock is lost is delivered again,
///   here or elsewhere, so that handlers must bear a repetition.
/// * **Bounded.** No more events are in hand than `concurrency` and `prefetch` together, waiting, handled, or not settled yet;
///   the next long poll asks for no more than what is free.
/// * **Locks** are renewed while their events are in hand, for up to an hour after an event came; the service allows no more.
///   When one is lost, the handler goes on and is told by its [`Context`], and what becomes of its settlement is told too.
/// * **Failures** of a handler, panics included, release the event ([`failure_settlement`](ProcessorBuilder::failure_settlement)).
///   Those of the service are repeated with growing pauses. Each is a [`Notice`] and a `tracing` event.
/// * **Handlers run as tasks** of the Tokio runtime that the processor runs on. One that blocks its thread holds up the other
///   tasks of the runtime, renewals among them, and the shutdown too: no limit can stop it before it awaits. Such work belongs
///   into `tokio::task::spawn_blocking`.
///
/// ```no_run
/// # async fn run(receiver: eventgrid_namespaces::Receiver) -> eventgrid_namespaces::Result<()> {
/// use eventgrid_namespaces::{BoxError, CloudEvent, Context, Processor, Settlement};
///
/// async fn handle(event: CloudEvent, _: Context) -> Result<Settlement, BoxError> {
///     let order: serde_json::Value = event.data_as()?;
///     println!("{order}");
///     Ok(Settlement::Acknowledge)
/// }
///
/// let processor = Processor::builder(receiver).concurrency(16).handler(handle)?;
/// processor.run_until(async { /* a signal of the operating system */ }).await?;
/// # Ok(()) }
/// ```
#[derive(Clone)]
pub struct Processor {
    settings: Arc<Settings>,
}

impl Processor {
    /// Starts a processor with settings of its own.
    pub fn builder(receiver: Receiver) -> ProcessorBuilder {
        ProcessorBuilder::new(receiver)
    }

    /// Runs for good: [`run_until`](Self::run_until) without an end.
    ///
    /// # Errors
    ///
    /// As [`run_until`](Self::run_until).
    pub async fn run(&self) -> Result<()> {
        self.run_until(pending()).await
    }

    /// Runs until `stop` is ready. Then no event is handled any more that was not begun; those that wait are released, those
    /// that are handled may end within [`shutdown_timeout`](ProcessorBuilder::shutdown_timeout), and every settlement is sent.
    ///
    /// A run that is dropped before its end stops its handlers where they are; their events come again when their locks end.
    ///
    /// # Errors
    ///
    /// A receive that is refused (401, 403, 404 and other 4xx but 408 and 429, or no credential to be had), where no receive of
    /// this run has succeeded yet, or where every one has been refused for five minutes: waiting alone helps neither. What is in
    /// hand is brought to its end first, as for `stop`. No other failure ends a run.
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
