//! A processor at work: one loop that starts whatever may start, waits until something ends, and takes in what came of it.
//!
//! Everything that takes time (the long poll, handlers, settle and renewal calls) is a task of one set, and all state is the
//! loop's own: no lock is shared and no task outlives the set.

use std::collections::{HashMap, VecDeque};
use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use service_core::Clock;
use tokio::task::{Id, JoinError, JoinSet};

use super::batches::Batches;
use super::builder::Settings;
use super::handler::Outcome;
use super::held::{Held, Stage};
use super::polling::Polling;
use super::{Notice, Settlement};
use crate::{Error, ReceivedEvent, ReleaseDelay, Result, SettleResult};

/// How long the last settle calls may take after the handlers' time is over.
const FAREWELL: Duration = Duration::from_secs(5);

/// What a task brings back.
pub(super) enum Step {
    Received(Result<Vec<ReceivedEvent>>),
    Handled(String, Outcome),
    Settled { settlement: Settlement, tokens: Vec<String>, failures: u32, outcome: Result<SettleResult> },
    Renewed { tokens: Vec<String>, began: Duration, outcome: Result<SettleResult> },
}

enum Woken {
    Stop,
    Alarm,
    Task(Result<(Id, Step), JoinError>),
}

/// A shutdown that has begun.
struct Stopping {
    /// When handlers that still run are stopped.
    handlers_until: Duration,
    failure: Option<Error>,
}

type Alarm = (Duration, Pin<Box<dyn Future<Output = ()> + Send>>);

/// One run of a processor.
pub(super) struct Run<'a> {
    pub(super) settings: &'a Settings,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) tasks: JoinSet<Step>,
    /// The handlers that run, each with its event's lock token.
    pub(super) handlers: HashMap<Id, String>,
    pub(super) held: Held,
    pub(super) waiting: VecDeque<ReceivedEvent>,
    pub(super) batches: Batches,
    pub(super) polling: Polling,
    stopping: Option<Stopping>,
    alarm: Option<Alarm>,
}

impl<'a> Run<'a> {
    pub(super) fn new(settings: &'a Settings) -> Self {
        Self {
            settings,
            clock: Arc::clone(settings.receiver.namespace.pipeline.clock()),
            tasks: JoinSet::new(),
            handlers: HashMap::new(),
            held: Held::new(),
            waiting: VecDeque::new(),
            batches: Batches::new(settings.settle_interval),
            polling: Polling::default(),
            stopping: None,
            alarm: None,
        }
    }

    pub(super) async fn until_over(mut self, stop: impl Future<Output = ()>) -> Result<()> {
        let mut stop = pin!(stop);
        loop {
            let now = self.clock.elapsed();
            self.end_locks(now);
            self.start(now);
            if self.is_over(now) {
                // What has ended by now may be a long poll, and its events are in hand: they are released, not dropped.
                match self.tasks.try_join_next_with_id() {
                    Some(joined) => {
                        self.joined(joined);
                        continue;
                    }
                    None => return self.end().await,
                }
            }
            match self.next(now, stop.as_mut()).await {
                Woken::Stop => self.stop(None),
                Woken::Alarm => {}
                Woken::Task(joined) => self.joined(joined),
            }
        }
    }

    fn joined(&mut self, joined: Result<(Id, Step), JoinError>) {
        match joined {
            Ok((id, step)) => {
                self.handlers.remove(&id);
                self.take(step);
            }
            Err(error) => self.stopped(error),
        }
    }

    /// Starts whatever may start at this moment.
    fn start(&mut self, now: Duration) {
        self.renew(now);
        if let Some(stopping) = &self.stopping {
            if stopping.handlers_until <= now {
                self.stop_handlers();
            }
        } else {
            while self.handlers.len() < self.settings.concurrency
                && let Some(received) = self.waiting.pop_front()
            {
                self.handle(received);
            }
            let free = self.room().saturating_sub(self.held.len());
            if free > 0 && self.polling.may_start(now) {
                self.receive(free);
            }
        }
        // A batch that could still grow is sent where nothing else can happen before it is.
        let starved = self.held.len() >= self.room() && self.handlers.len() < self.settings.concurrency;
        let idle = self.waiting.is_empty() && (self.handlers.is_empty() || starved);
        for batch in self.batches.take(now, idle) {
            self.settle(batch);
        }
    }

    fn take(&mut self, step: Step) {
        match step {
            Step::Received(outcome) => self.received(outcome),
            Step::Handled(token, outcome) => self.handled(token, outcome),
            Step::Settled { settlement, tokens, failures, outcome } => {
                self.settled(settlement, tokens, failures, outcome);
            }
            Step::Renewed { tokens, began, outcome } => self.renewed(&tokens, began, outcome),
        }
    }

    /// The most events in hand.
    fn room(&self) -> usize {
        self.settings.concurrency + self.settings.prefetch
    }

    pub(super) fn is_stopping(&self) -> bool {
        self.stopping.is_some()
    }

    /// Begins to stop: nothing new is handled, what waits is released. A long poll on its way is let be for as long as handlers
    /// run, since dropping it may leave events locked for nobody.
    pub(super) fn stop(&mut self, failure: Option<Error>) {
        if self.stopping.is_some() {
            return;
        }
        let now = self.clock.elapsed();
        tracing::debug!(held = self.held.len(), handling = self.handlers.len(), "the processor stops");
        self.stopping =
            Some(Stopping { handlers_until: now.saturating_add(self.settings.shutdown_timeout), failure });
        for received in std::mem::take(&mut self.waiting) {
            self.decide(received.lock_token, Settlement::Release(ReleaseDelay::None));
        }
    }

    fn stop_handlers(&self) {
        for entry in self.held.values() {
            if let Stage::Handling(handle) = &entry.stage {
                handle.abort();
            }
        }
    }

    /// A task that was stopped, which handlers are at the limit of a shutdown: its event is free to be released. Calls are not
    /// stopped; a panic of one comes from the caller's own policies or credential and goes on to the caller.
    fn stopped(&mut self, error: JoinError) {
        let Some(token) = self.handlers.remove(&error.id()) else {
            if let Ok(panic) = error.try_into_panic() {
                std::panic::resume_unwind(panic);
            }
            return;
        };
        if let Some(entry) = self.held.get(&token) {
            let delivery = Arc::clone(&entry.delivery);
            self.notify(&Notice::HandlerAborted { event: &delivery });
        }
        self.decide(token, Settlement::Release(ReleaseDelay::None));
    }

    fn is_over(&self, now: Duration) -> bool {
        self.stopping.as_ref().is_some_and(|stopping| {
            self.held.is_empty() || stopping.handlers_until.saturating_add(FAREWELL) <= now
        })
    }

    /// Tells what is left, and waits until every task has ended.
    async fn end(mut self) -> Result<()> {
        for entry in self.held.values() {
            self.notify(&Notice::Unsettled { event: &entry.delivery });
        }
        self.tasks.shutdown().await;
        tracing::debug!("the processor has stopped");
        self.stopping.and_then(|stopping| stopping.failure).map_or(Ok(()), Err)
    }

    async fn next(&mut self, now: Duration, mut stop: Pin<&mut impl Future<Output = ()>>) -> Woken {
        self.set_alarm(now);
        let Self { tasks, stopping, alarm, .. } = self;
        poll_fn(|context| {
            if stopping.is_none() && stop.as_mut().poll(context).is_ready() {
                return Poll::Ready(Woken::Stop);
            }
            if let Poll::Ready(Some(joined)) = tasks.poll_join_next_with_id(context) {
                return Poll::Ready(Woken::Task(joined));
            }
            let rings = alarm.as_mut().is_some_and(|(_, sleep)| sleep.as_mut().poll(context).is_ready());
            if rings {
                *alarm = None;
                return Poll::Ready(Woken::Alarm);
            }
            Poll::Pending
        })
        .await
    }

    /// An alarm that is too early does no harm, so one is only replaced by one that is earlier.
    fn set_alarm(&mut self, now: Duration) {
        let mut due = self.held.due().min(self.batches.due());
        match &self.stopping {
            Some(stopping) if stopping.handlers_until > now => due = due.min(stopping.handlers_until),
            Some(stopping) => due = due.min(stopping.handlers_until.saturating_add(FAREWELL)),
            None => due = due.min(self.polling.due()),
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
