//! The workers: tasks that run handlers, each one handler after the other, so that a short handler costs no task of its own.
//!
//! A worker ends when no event waits. While events wait, every worker that takes one asks for more workers, up to the concurrency.
//! So there are as many workers as handlers that wait for something, block their thread, or run on other threads.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use service_core::Clock;
use tracing::Instrument;

use super::handler::{self, Handling, Outcome};
use super::span::{SpanOf, record};
use super::token::Token;

/// A worker lets other tasks run after so many handlers that did not wait for anything.
const HANDLERS_PER_TURN: u32 = 128;

/// An event that waits for its handler, which has not started yet.
pub(super) struct Job {
    pub(super) token: Token,
    pub(super) handling: Handling,
}

/// An event whose handler has ended.
pub(super) struct Handled {
    pub(super) token: Token,
    /// How long the handler took, if that is measured.
    pub(super) took: Option<Duration>,
    pub(super) outcome: Outcome,
}

/// What the workers of one run share.
pub(super) struct Workers {
    state: Mutex<State>,
    /// The maximum number of workers.
    max: usize,
    span: SpanOf,
    /// Measures how long handlers take, if a meter wants to know.
    clock: Option<Arc<dyn Clock>>,
}

#[derive(Default)]
struct State {
    waiting: VecDeque<Job>,
    handled: Vec<Handled>,
    /// What each worker handles at the moment. `None` if it has not begun yet, or has ended.
    slots: Vec<Option<Token>>,
    /// The slots of workers that have ended.
    free: Vec<usize>,
    /// The number of handlers that are running.
    running: usize,
    /// Whether more workers would help.
    wants_more: bool,
    /// Wakes the run.
    run: Option<Waker>,
}

impl Workers {
    pub(super) fn new(max: usize, span: SpanOf, clock: Option<Arc<dyn Clock>>) -> Self {
        Self { state: Mutex::default(), max, span, clock }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds events that wait for a handler.
    pub(super) fn add(&self, jobs: Vec<Job>) {
        let mut state = self.state();
        state.wants_more |= !jobs.is_empty();
        state.waiting.extend(jobs);
    }

    /// Returns the slots of the workers that must be started now.
    pub(super) fn to_start(&self) -> Vec<usize> {
        let state = &mut *self.state();
        let alive = state.alive();
        // More and more at a time, so that slow handlers soon have all workers.
        let wanted = if std::mem::take(&mut state.wants_more) { alive.max(1) } else { 0 };
        let count = wanted.min(self.max - alive).min(state.waiting.len());
        (0..count).map(|_| state.new_slot()).collect()
    }

    /// Returns the number of events that wait, are being handled, or were handled just now.
    pub(super) fn active(&self) -> usize {
        let state = self.state();
        state.waiting.len() + state.running + state.handled.len()
    }

    /// Takes an event back whose handler has not started. Returns whether that is so.
    pub(super) fn withdraw(&self, token: &Token) -> bool {
        let mut state = self.state();
        let position = state.waiting.iter().position(|job| job.token == *token);
        position.and_then(|position| state.waiting.remove(position)).is_some()
    }

    /// Takes all events back whose handlers have not started.
    pub(super) fn withdraw_all(&self) -> VecDeque<Job> {
        std::mem::take(&mut self.state().waiting)
    }

    /// Returns the events whose handlers have ended.
    pub(super) fn take_handled(&self) -> Vec<Handled> {
        std::mem::take(&mut self.state().handled)
    }

    /// Returns the events whose handlers have ended, or none if workers must be started.
    pub(super) fn poll_handled(&self, context: &Context<'_>) -> Poll<Vec<Handled>> {
        let mut state = self.state();
        let starts = state.wants_more && !state.waiting.is_empty() && state.alive() < self.max;
        if starts || !state.handled.is_empty() {
            return Poll::Ready(std::mem::take(&mut state.handled));
        }
        state.run = Some(context.waker().clone());
        Poll::Pending
    }

    /// Returns what an aborted worker was handling.
    pub(super) fn abandoned(&self, slot: usize) -> Option<Token> {
        let mut state = self.state();
        state.free.push(slot);
        let token = state.slots.get_mut(slot)?.take()?;
        state.running -= 1;
        Some(token)
    }

    /// Runs the handlers of waiting events until there are none.
    pub(super) async fn work(self: Arc<Self>, slot: usize) {
        let mut next = self.next(slot, None);
        let mut turn = 0;
        while let Some(job) = next {
            turn += 1;
            if turn % HANDLERS_PER_TURN == 0 {
                tokio::task::yield_now().await;
            }
            let handled = self.handle(job).await;
            next = self.next(slot, Some(handled));
        }
    }

    async fn handle(&self, Job { token, handling }: Job) -> Handled {
        let delivery = token.delivery();
        let span = (self.span)(delivery, delivery.trace_context.as_ref());
        let run = async {
            let started = self.clock.as_ref().map(|clock| clock.elapsed());
            let outcome = handler::run(handling).await;
            let took = self.clock.as_ref().zip(started);
            (took.map(|(clock, started)| clock.elapsed().saturating_sub(started)), outcome)
        };
        let (took, outcome) = run.instrument(span.clone()).await;
        record(&span, &outcome);
        Handled { token, took, outcome }
    }

    /// Records what a worker has handled, and takes the next event. Without one, the worker has ended.
    fn next(&self, slot: usize, handled: Option<Handled>) -> Option<Job> {
        let mut state = self.state();
        state.running -= usize::from(handled.is_some());
        state.handled.extend(handled);
        let next = state.waiting.pop_front();
        state.running += usize::from(next.is_some());
        if next.is_none() {
            state.free.push(slot);
        }
        if let Some(current) = state.slots.get_mut(slot) {
            *current = next.as_ref().map(|job| job.token.clone());
        }
        state.wants_more |= !state.waiting.is_empty();
        let run = state.run.take();
        drop(state);
        if let Some(run) = run {
            run.wake();
        }
        next
    }
}

impl State {
    /// The number of workers that have not ended.
    fn alive(&self) -> usize {
        self.slots.len() - self.free.len()
    }

    fn new_slot(&mut self) -> usize {
        self.free.pop().unwrap_or_else(|| {
            self.slots.push(None);
            self.slots.len() - 1
        })
    }
}

#[cfg(test)]
mod tests {
    use std::future::poll_fn;

    use tokio::sync::Semaphore;
    use tokio::task::JoinSet;

    use super::super::span::default_span;
    use super::super::{EventDelivery, Settlement};
    use super::*;

    fn workers(max: usize) -> Arc<Workers> {
        Arc::new(Workers::new(max, default_span(None, None), None))
    }

    fn job(number: usize, handling: impl Future<Output = ()> + Send + 'static) -> Job {
        let token = Token::new(EventDelivery {
            source: None,
            id: None,
            lock_token: number.to_string(),
            delivery_count: 1,
            trace_context: None,
        });
        let handling = async move {
            handling.await;
            Ok(Settlement::Acknowledge)
        };
        Job { token, handling: Box::pin(handling) }
    }

    /// Starts workers until so many handlers have ended. Returns their tokens, sorted, and how many workers were started.
    async fn run(workers: &Arc<Workers>, count: usize) -> (Vec<usize>, usize) {
        let (mut tasks, mut handled, mut started) = (JoinSet::new(), Vec::new(), 0);
        while handled.len() < count {
            for slot in workers.to_start() {
                tasks.spawn(Arc::clone(workers).work(slot));
                started += 1;
            }
            let more = poll_fn(|context| workers.poll_handled(context)).await;
            handled.extend(more.iter().map(|handled| handled.token.as_str().parse::<usize>().unwrap()));
        }
        tasks.join_all().await;
        handled.sort_unstable();
        (handled, started)
    }

    #[tokio::test]
    async fn handlers_that_wait_for_nothing_share_one_worker() {
        let workers = workers(8);
        workers.add((0..100).map(|number| job(number, async {})).collect());
        let (handled, started) = run(&workers, 100).await;
        assert_eq!((handled, started), ((0..100).collect(), 1));
        assert_eq!((workers.active(), workers.to_start().len()), (0, 0));
        workers.add(vec![job(100, async {})]);
        assert_eq!(run(&workers, 1).await, (vec![100], 1));
    }

    #[tokio::test]
    async fn as_many_handlers_as_allowed_run_at_the_same_time() {
        let workers = workers(8);
        let (permits, begun) = (Arc::new(Semaphore::new(0)), Arc::new(Semaphore::new(0)));
        let jobs = (0..20).map(|number| {
            let (permits, begun) = (Arc::clone(&permits), Arc::clone(&begun));
            job(number, async move {
                begun.add_permits(1);
                permits.acquire().await.unwrap().forget();
            })
        });
        workers.add(jobs.collect());
        let watch = async {
            begun.acquire_many(8).await.unwrap().forget();
            tokio::task::yield_now().await;
            assert_eq!((begun.available_permits(), workers.active()), (0, 20));
            // One that ends makes room for the next one.
            permits.add_permits(1);
            begun.acquire().await.unwrap().forget();
            assert_eq!(begun.available_permits(), 0);
            permits.add_permits(19);
        };
        let ((handled, started), ()) = tokio::join!(run(&workers, 20), watch);
        assert_eq!((handled.len(), started), (20, 8));
    }

    #[tokio::test]
    async fn an_event_can_be_withdrawn_until_its_handler_starts() {
        let workers = workers(1);
        workers.add((0..4).map(|number| job(number, std::future::pending())).collect());
        let slot = workers.to_start()[0];
        let mut work = Box::pin(Arc::clone(&workers).work(slot));
        assert!(work.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
        let token = |number| job(number, async {}).token;
        assert!(!workers.withdraw(&token(0)) && workers.withdraw(&token(2)) && !workers.withdraw(&token(2)));
        let left: Vec<_> = workers.withdraw_all().iter().map(|job| job.token.clone()).collect();
        assert_eq!((left, workers.active()), (vec![token(1), token(3)], 1));
        // The worker is aborted.
        drop(work);
        assert_eq!((workers.abandoned(slot), workers.active()), (Some(token(0)), 0));
    }
}
