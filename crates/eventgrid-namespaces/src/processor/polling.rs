//! When the next long poll may start (one at a time, with pauses after failures), and when a failure ends the run.

use std::sync::Arc;
use std::time::Duration;

use super::Notice;
use super::held;
use super::lock::Lock;
use super::run::{Run, TaskOutput};
use crate::{Error, ReceivedEvent, ReleaseDelay, Result, Settlement};

/// The pause after the first failed receive call, which has already made its own retries with random waits.
const INITIAL_PAUSE: Duration = Duration::from_secs(1);
const MAX_PAUSE: Duration = Duration::from_secs(30);
/// The maximum `Retry-After` value that is honored. A longer one is a mistake, and a processor that never polls again is worse.
pub(super) const MAX_RETRY_AFTER: Duration = Duration::from_secs(10 * 60);
/// How long rejections may last after a successful receive call before they count as permanent.
const MAX_REJECTED: Duration = Duration::from_secs(5 * 60);

#[derive(Debug, Default)]
pub(super) struct Polling {
    running: bool,
    /// When the last poll started.
    started_at: Duration,
    /// The next poll does not start before this.
    not_before: Duration,
    failures: u32,
    /// Whether a receive call has succeeded, so that topic, subscription and credential were once valid.
    has_succeeded: bool,
    rejected_since: Option<Duration>,
}

impl Polling {
    pub(super) fn may_start(&self, now: Duration) -> bool {
        !self.running && self.not_before <= now
    }

    /// Returns when the current pause ends, if a poll waits for that.
    pub(super) fn due(&self) -> Duration {
        if self.running || self.not_before.is_zero() { Duration::MAX } else { self.not_before }
    }

    /// Records a response. If it added no event and came back early, the next poll does not start immediately.
    fn succeeded(&mut self, added: usize) {
        let not_before = if added == 0 { self.started_at + INITIAL_PAUSE } else { Duration::ZERO };
        *self = Self { has_succeeded: true, not_before, ..Self::default() };
    }

    /// Records a failure. Returns the pause before the next poll, or `None` if the failure ends the run.
    fn failed(&mut self, error: &Error, now: Duration) -> Option<Duration> {
        self.running = false;
        if error.is_rejected() {
            let since = *self.rejected_since.get_or_insert(now);
            if !self.has_succeeded || now.saturating_sub(since) >= MAX_REJECTED {
                return None;
            }
        } else {
            self.rejected_since = None;
        }
        let pause = INITIAL_PAUSE.saturating_mul(1 << self.failures.min(8)).min(MAX_PAUSE);
        let pause = pause.max(error.retry_after().unwrap_or_default().min(MAX_RETRY_AFTER));
        self.failures = self.failures.saturating_add(1);
        self.not_before = now + pause;
        Some(pause)
    }
}

impl Run<'_> {
    pub(super) fn receive(&mut self, room: usize) {
        self.polling.running = true;
        self.polling.started_at = self.clock.elapsed();
        let call = self.settings.receiver.receive().max_events(room.min(100));
        let call = call.max_wait_time(self.settings.max_wait_time);
        self.tasks.spawn(async move { TaskOutput::Received(call.await) });
    }

    pub(super) fn received(&mut self, outcome: Result<Vec<ReceivedEvent>>) {
        let now = self.clock.elapsed();
        match outcome {
            Ok(events) => {
                tracing::trace!(events = events.len(), held = self.held.len(), "received");
                let before = self.held.len();
                for event in events {
                    self.hold(event, now);
                }
                self.polling.succeeded(self.held.len() - before);
            }
            Err(error) => match self.polling.failed(&error, now) {
                Some(wait) => self.notify(&Notice::ReceiveFailed { error: &error, wait }),
                None => self.stop(Some(error)),
            },
        }
    }

    fn hold(&mut self, received: ReceivedEvent, now: Duration) {
        let delivery = held::delivery(&received);
        let lock = Lock::new(now, self.settings.lock_duration, self.settings.has_delay_and_renewal);
        if !self.held.insert(delivery, lock) {
            let event = held::delivery(&received);
            return self.notify(&Notice::NotLocked { event: &event });
        }
        if self.is_stopping() {
            self.decide(received.lock_token, Settlement::Release(ReleaseDelay::None));
        } else {
            self.waiting.push_back(received);
        }
    }

    /// Handles locks that have expired, because renewals failed or are no longer accepted.
    pub(super) fn expire_locks(&mut self, now: Duration) {
        for token in self.held.expired(now) {
            self.lose(&token);
        }
    }

    /// Handles a lost lock. An event whose handler has not started is dropped. Otherwise the handler keeps running and its
    /// settlement is still attempted, since only the service knows the state of the lock.
    pub(super) fn lose(&mut self, token: &str) {
        let Some(entry) = self.held.lose(token) else { return };
        let (delivery, started) = (Arc::clone(&entry.delivery), entry.has_started());
        self.notify(&Notice::LockLost { event: &delivery, started });
        if !started {
            self.held.remove(token);
            // It would be skipped later anyway, but must not use memory until then.
            self.waiting.retain(|received| received.lock_token != token);
        }
    }
}
