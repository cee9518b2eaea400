//! When the next long poll may start (how many run at a time, with pauses after failures), and when a failure ends the run.

use std::time::Duration;

use super::Notice;
use super::held;
use super::lock::Lock;
use super::run::{Run, TaskOutput};
use super::token::{Stage, Token};
use super::workers::Job;
use crate::{Error, ReceivedEvent, ReleaseDelay, Result, Settlement};

/// The pause after the first failed receive call, which has already made its own retries with random waits.
const INITIAL_PAUSE: Duration = Duration::from_secs(1);
const MAX_PAUSE: Duration = Duration::from_secs(30);
/// The maximum `Retry-After` value that is honored. A longer one is a mistake, and a processor that never polls again is worse.
pub(super) const MAX_RETRY_AFTER: Duration = Duration::from_secs(10 * 60);
/// How long rejections may last after a successful receive call before they count as permanent.
const MAX_REJECTED: Duration = Duration::from_secs(5 * 60);
/// The maximum that one receive call may ask for.
const MAX_EVENTS: usize = 100;
/// How long a further poll waits for events: the minimum, so that an idle processor soon has only one poll.
const FURTHER_WAIT: Duration = Duration::from_secs(10);

/// A poll in flight.
#[derive(Debug, Clone, Copy)]
pub(super) struct Poll {
    started_at: Duration,
    /// The number of events that it asks for. Room is reserved for them.
    max_events: usize,
}

#[derive(Debug)]
pub(super) struct Polling {
    /// The setting: the maximum number of concurrent polls.
    max: usize,
    /// The number of polls that are useful at the moment: one, or more while handlers are starved.
    wanted: usize,
    /// Whether the last response was large.
    was_large: bool,
    /// Whether handlers had no events at some time since then.
    starved: bool,
    running: usize,
    /// The number of events that the running polls may add.
    reserved: usize,
    /// The next poll does not start before this.
    not_before: Duration,
    failures: u32,
    /// When the pause began. What a poll that started earlier returns does not change the pause.
    failed_at: Duration,
    /// Whether a receive call has succeeded, so that topic, subscription and credential were once valid.
    has_succeeded: bool,
    rejected_since: Option<Duration>,
}

impl Polling {
    pub(super) fn new(max: usize) -> Self {
        Self {
            max,
            wanted: 1,
            was_large: false,
            starved: false,
            running: 0,
            reserved: 0,
            not_before: Duration::ZERO,
            failures: 0,
            failed_at: Duration::ZERO,
            has_succeeded: false,
            rejected_since: None,
        }
    }

    /// Returns how many events the next poll may ask for, or `None` if none may start now.
    pub(super) fn next(&self, now: Duration, room: usize, held: usize) -> Option<usize> {
        let free = room.saturating_sub(held + self.reserved);
        // A further poll for few events would cost a request and gain little.
        let min = if self.running == 0 { 1 } else { (room / 4).clamp(1, MAX_EVENTS) };
        let may_start = self.not_before <= now && self.running < self.wanted && free >= min;
        may_start.then_some(free.min(MAX_EVENTS))
    }

    /// Returns when the current pause ends, if a poll waits for that.
    pub(super) fn due(&self, now: Duration) -> Duration {
        let waits = self.not_before > now && self.running < self.wanted;
        if waits { self.not_before } else { Duration::MAX }
    }

    /// Records the start of a poll. Returns it, and whether it is a further one.
    fn started(&mut self, max_events: usize, now: Duration) -> (Poll, bool) {
        self.running += 1;
        self.reserved += max_events;
        (Poll { started_at: now, max_events }, self.running > 1)
    }

    fn ended(&mut self, poll: Poll) {
        self.running -= 1;
        self.reserved -= poll.max_events;
    }

    /// Records a response. If it added no event and came back early, the next poll does not start immediately.
    fn succeeded(&mut self, poll: Poll, added: usize) {
        self.ended(poll);
        (self.has_succeeded, self.rejected_since) = (true, None);
        if self.failures == 0 || poll.started_at > self.failed_at {
            self.failures = 0;
            self.not_before = if added == 0 { poll.started_at + INITIAL_PAUSE } else { Duration::ZERO };
        }
    }

    /// Notes that handlers could run and have no events.
    pub(super) fn starve(&mut self) {
        self.starved = true;
    }

    /// Adapts the number of polls to a response. The service may return fewer events than it has, so half of them is much.
    ///
    /// Before the first response after a pause, handlers never have events. Only if they run out of events between two large
    /// responses, another poll helps.
    fn adapt(&mut self, poll: Poll, received: usize) {
        let is_large = received * 2 > poll.max_events;
        if received == 0 {
            self.wanted = 1;
        } else if !is_large {
            self.wanted = self.wanted.saturating_sub(1).max(1);
        } else if self.was_large && self.starved {
            self.wanted = (self.wanted + 1).min(self.max);
        }
        (self.was_large, self.starved) = (is_large, false);
    }

    /// Records a failure. Returns the pause before the next poll, or `None` if the failure ends the run.
    fn failed(&mut self, poll: Poll, error: &Error, now: Duration) -> Option<Duration> {
        self.ended(poll);
        self.wanted = 1;
        if error.is_rejected() {
            let since = *self.rejected_since.get_or_insert(now);
            if !self.has_succeeded || now.saturating_sub(since) >= MAX_REJECTED {
                return None;
            }
        } else {
            self.rejected_since = None;
        }
        let mut until = now + error.retry_after().unwrap_or_default().min(MAX_RETRY_AFTER);
        // Polls that fail together are one failure.
        if self.failures == 0 || poll.started_at > self.failed_at {
            let pause = INITIAL_PAUSE.saturating_mul(1 << self.failures.min(8)).min(MAX_PAUSE);
            until = until.max(now + pause);
            self.failures = self.failures.saturating_add(1);
            self.failed_at = now;
        }
        self.not_before = self.not_before.max(until);
        Some(self.not_before.saturating_sub(now))
    }
}

impl Run<'_> {
    /// Starts a poll for at most this many events.
    pub(super) fn receive(&mut self, max_events: usize, now: Duration) {
        let (poll, is_further) = self.polling.started(max_events, now);
        let max_wait = self.settings.max_wait_time;
        let wait = if is_further { max_wait.min(FURTHER_WAIT) } else { max_wait };
        let call = self.settings.receiver.receive().max_events(max_events).max_wait_time(wait);
        self.tasks.spawn(async move { TaskOutput::Received(poll, call.await) });
    }

    pub(super) fn received(&mut self, poll: Poll, outcome: Result<Vec<ReceivedEvent>>) {
        let now = self.clock.elapsed();
        match outcome {
            Ok(events) => {
                tracing::trace!(events = events.len(), held = self.held.len(), "received");
                self.gauge.received(now, events.len() >= poll.max_events);
                self.polling.adapt(poll, events.len());
                let before = self.held.len();
                let jobs = events.into_iter().filter_map(|event| self.hold(event, now)).collect();
                self.workers.add(jobs);
                self.polling.succeeded(poll, self.held.len() - before);
            }
            Err(error) => match self.polling.failed(poll, &error, now) {
                Some(wait) => self.notify(&Notice::ReceiveFailed { error: &error, wait }),
                None => self.stop(Some(error)),
            },
        }
    }

    /// Holds an event. Returns the job of its handler, unless it is settled without one.
    fn hold(&mut self, mut received: ReceivedEvent, now: Duration) -> Option<Job> {
        let token = Token::new(held::delivery(&mut received));
        let lock = Lock::new(now, self.settings.lock_duration, self.settings.has_delay_and_renewal);
        let time = received.event.as_ref().ok().and_then(|event| event.time()?.ok());
        if !self.held.insert(token.clone(), lock, self.gauge.age_of(time)) {
            self.notify(&Notice::NotLocked { event: token.delivery() });
            return None;
        }
        if self.settings.measure.is_enabled() {
            self.settings.measure.aged(self.clock.now(), time);
        }
        if self.is_stopping() {
            self.decide(token, Settlement::Release(ReleaseDelay::None), now);
            return None;
        }
        self.job(token, received)
    }

    /// Handles locks that have expired, because renewals failed or are no longer accepted.
    pub(super) fn expire_locks(&mut self, now: Duration) {
        for token in self.held.expired(now) {
            self.lose(token.as_str());
        }
    }

    /// Handles a lost lock. An event whose handler has not started is dropped. Otherwise the handler keeps running and its
    /// settlement is still attempted, since only the service knows the state of the lock.
    pub(super) fn lose(&mut self, token: &str) {
        let Some(entry) = self.held.lose(token) else { return };
        let (token, unsettled) = (entry.token.clone(), entry.token.stage() == Stage::Unsettled);
        let started = !(unsettled && self.workers.withdraw(&token));
        self.settings.measure.lock_lost();
        self.notify(&Notice::LockLost { event: token.delivery(), started });
        if !started {
            self.held.remove(token.as_str());
        }
    }
}
