//! A run of a processor: one loop that starts all tasks that may start, waits until one ends, and processes its output.
//!
//! Everything that takes time (the long poll, handlers, settle and renewal calls) is a task of one set. The loop owns all state
//! except for the queue of the workers, and no task outlives the set.

use std::collections::HashMap;
use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use service_core::Clock;
use tokio::task::{AbortHandle, Id, JoinError, JoinSet};

use super::batches::Batches;
use super::builder::Settings;
use super::held::Held;
use super::polling::{Poll as LongPoll, Polling};
use super::stats::Gauge;
use super::token::Token;
use super::workers::{Handled, Workers};
use super::{Notice, Settlement};
use crate::{Error, ReceivedEvent, ReleaseDelay, Result, SettleResult};

/// The grace period for the last settle calls after the shutdown timeout of the handlers.
const GRACE_PERIOD: Duration = Duration::from_secs(5);

/// The output of a task.
pub(super) enum TaskOutput {
    Received(LongPoll, Result<Vec<ReceivedEvent>>),
    /// A worker has ended.
    Worked,
    Settled {
        settlement: Settlement,
        tokens: Vec<Token>,
        failures: u32,
        outcome: Result<SettleResult>,
    },
    Renewed {
        tokens: Vec<Token>,
        sent_at: Duration,
        outcome: Result<SettleResult>,
    },
}

enum Woken {
    Stop,
    Alarm,
    Handled(Vec<Handled>),
    Task(Result<(Id, TaskOutput), JoinError>),
}

/// A shutdown that has begun.
struct Stopping {
    /// When handlers that are still running are aborted.
    handlers_until: Duration,
    failure: Option<Error>,
}

type Alarm = (Duration, Pin<Box<dyn Future<Output = ()> + Send>>);

/// One run of a processor.
pub(super) struct Run<'a> {
    pub(super) settings: &'a Settings,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) tasks: JoinSet<TaskOutput>,
    /// The tasks of the workers, each with its slot.
    handlers: HashMap<Id, (usize, AbortHandle)>,
    pub(super) workers: Arc<Workers>,
    pub(super) held: Held,
    pub(super) batches: Batches<Token>,
    pub(super) polling: Polling,
    pub(super) gauge: Gauge,
    stopping: Option<Stopping>,
    alarm: Option<Alarm>,
}

impl<'a> Run<'a> {
    pub(super) fn new(settings: &'a Settings) -> Self {
        let clock = settings.receiver.namespace.pipeline.clock();
        let measured = settings.measure.is_enabled().then(|| Arc::clone(clock));
        let workers = Workers::new(settings.concurrency, Arc::clone(&settings.span), measured);
        Self {
            settings,
            clock: Arc::clone(clock),
            tasks: JoinSet::new(),
            handlers: HashMap::new(),
            workers: Arc::new(workers),
            held: Held::new(),
            batches: Batches::new(settings.settle_interval),
            polling: Polling::new(settings.max_receive_calls),
            gauge: Gauge::new(&settings.statistics, settings.measure.clone()),
            stopping: None,
            alarm: None,
        }
    }

    pub(super) async fn until_over(mut self, stop: impl Future<Output = ()>) -> Result<()> {
        let mut stop = pin!(stop);
        loop {
            let now = self.clock.elapsed();
            self.expire_locks(now);
            self.start(now);
            if self.is_over(now) {
                self.all_handled(self.workers.take_handled());
                // A task that has already ended may be a long poll, whose events must be released rather than dropped.
                match self.tasks.try_join_next_with_id() {
                    Some(joined) => {
                        self.joined(joined);
                        continue;
                    }
                    None => return self.end().await,
                }
            }
            let active = self.workers.active();
            let running = active.min(self.settings.concurrency);
            self.gauge.set(self.held.len(), running, active - running);
            match self.next(now, stop.as_mut()).await {
                Woken::Stop => self.stop(None),
                Woken::Alarm => {}
                Woken::Handled(handled) => self.all_handled(handled),
                Woken::Task(joined) => self.joined(joined),
            }
        }
    }

    fn joined(&mut self, joined: Result<(Id, TaskOutput), JoinError>) {
        match joined {
            Ok((id, output)) => {
                self.handlers.remove(&id);
                self.process(output);
            }
            Err(error) => self.aborted(error),
        }
    }

    /// Starts all tasks that may start at this moment.
    fn start(&mut self, now: Duration) {
        self.renew(now);
        if let Some(stopping) = &self.stopping {
            if stopping.handlers_until <= now {
                self.abort_handlers();
            }
        } else {
            self.start_workers();
            if self.workers.active() < self.settings.concurrency {
                self.polling.starve();
            }
            while let Some(events) = self.polling.next(now, self.room(), self.held.len()) {
                self.receive(events, now);
            }
        }
        // A batch that could still grow is sent early if nothing else can happen before that.
        let active = self.workers.active();
        let starved = self.held.len() >= self.room() && active < self.settings.concurrency;
        let idle = active == 0 || starved;
        for batch in self.batches.take(now, idle) {
            self.settle(batch);
        }
    }

    fn start_workers(&mut self) {
        for slot in self.workers.to_start() {
            let workers = Arc::clone(&self.workers);
            let work = async move {
                workers.work(slot).await;
                TaskOutput::Worked
            };
            let task = self.tasks.spawn(work);
            self.handlers.insert(task.id(), (slot, task));
        }
    }

    fn process(&mut self, output: TaskOutput) {
        match output {
            TaskOutput::Received(poll, outcome) => self.received(poll, outcome),
            TaskOutput::Worked => {}
            TaskOutput::Settled { settlement, tokens, failures, outcome } => {
                self.settled(settlement, tokens, failures, outcome);
            }
            TaskOutput::Renewed { tokens, sent_at, outcome } => self.renewed(&tokens, sent_at, outcome),
        }
    }

    /// Returns the maximum number of held events.
    fn room(&self) -> usize {
        self.settings.concurrency + self.settings.prefetch
    }

    pub(super) fn is_stopping(&self) -> bool {
        self.stopping.is_some()
    }

    /// Begins the shutdown: starts no more handlers and releases waiting events. Long polls in flight continue while handlers
    /// run, since dropping one may leave events locked without a receiver.
    pub(super) fn stop(&mut self, failure: Option<Error>) {
        if self.stopping.is_some() {
            return;
        }
        let now = self.clock.elapsed();
        tracing::debug!(
            held = self.held.len(),
            handling = self.workers.active(),
            "the processor is shutting down"
        );
        self.stopping =
            Some(Stopping { handlers_until: now.saturating_add(self.settings.shutdown_timeout), failure });
        for job in self.workers.withdraw_all() {
            self.decide(job.token, Settlement::Release(ReleaseDelay::None), now);
        }
    }

    fn abort_handlers(&self) {
        self.handlers.values().for_each(|(_, task)| task.abort());
    }

    /// Handles a task that did not complete. A handler was aborted at the shutdown timeout, so its event is released. Calls are
    /// never aborted: a panic in one comes from the caller's policies or credential and is propagated to the caller.
    fn aborted(&mut self, error: JoinError) {
        let worker = self.handlers.remove(&error.id());
        if let Ok(panic) = error.try_into_panic() {
            std::panic::resume_unwind(panic);
        }
        if let Some(token) = worker.and_then(|(slot, _)| self.workers.abandoned(slot)) {
            self.notify(&Notice::HandlerAborted { event: token.delivery() });
            self.decide(token, Settlement::Release(ReleaseDelay::None), self.clock.elapsed());
        }
    }

    fn is_over(&self, now: Duration) -> bool {
        self.stopping.as_ref().is_some_and(|stopping| {
            self.held.is_empty() || stopping.handlers_until.saturating_add(GRACE_PERIOD) <= now
        })
    }

    /// Reports unsettled events and waits until all tasks have ended.
    async fn end(mut self) -> Result<()> {
        for entry in self.held.values() {
            self.notify(&Notice::Unsettled { event: entry.token.delivery() });
        }
        self.tasks.shutdown().await;
        tracing::debug!("the processor has stopped");
        self.stopping.and_then(|stopping| stopping.failure).map_or(Ok(()), Err)
    }

    async fn next(&mut self, now: Duration, mut stop: Pin<&mut impl Future<Output = ()>>) -> Woken {
        self.set_alarm(now);
        let Self { tasks, workers, stopping, alarm, .. } = self;
        poll_fn(|context| {
            if stopping.is_none() && stop.as_mut().poll(context).is_ready() {
                return Poll::Ready(Woken::Stop);
            }
            if let Poll::Ready(handled) = workers.poll_handled(context) {
                return Poll::Ready(Woken::Handled(handled));
            }
            if let Poll::Ready(Some(joined)) = tasks.poll_join_next_with_id(context) {
                return Poll::Ready(Woken::Task(joined));
            }
            let is_due = alarm.as_mut().is_some_and(|(_, sleep)| sleep.as_mut().poll(context).is_ready());
            if is_due {
                *alarm = None;
                return Poll::Ready(Woken::Alarm);
            }
            Poll::Pending
        })
        .await
    }

    /// Sets the alarm. One that is too early does no harm, so an alarm is replaced only by an earlier one.
    fn set_alarm(&mut self, now: Duration) {
        let mut due = self.held.due().min(self.batches.due());
        match &self.stopping {
            Some(stopping) if stopping.handlers_until > now => due = due.min(stopping.handlers_until),
            Some(stopping) => due = due.min(stopping.handlers_until.saturating_add(GRACE_PERIOD)),
            None => due = due.min(self.polling.due(now)),
        }
        if due == Duration::MAX || self.alarm.as_ref().is_some_and(|(at, _)| *at <= due) {
            return;
        }
        let (clock, wait) = (Arc::clone(&self.clock), due.saturating_sub(now));
        self.alarm = Some((due, Box::pin(async move { clock.sleep(wait).await })));
    }

    pub(super) fn notify(&self, notice: &Notice<'_>) {
        let receiver = &self.settings.receiver;
        tracing::warn!(topic = %receiver.topic, subscription = %receiver.subscription, "{notice}");
        if let Some(hook) = &self.settings.on_notice {
            hook(notice);
        }
    }
}
