//! When the next long poll may start: one at a time, with pauses after failures; and when a failure is the end.

use std::sync::Arc;
use std::time::Duration;

use http::StatusCode;

use super::Notice;
use super::held;
use super::lock::Lock;
use super::run::{Run, Step};
use crate::{Error, ErrorKind, ReceivedEvent, ReleaseDelay, Result, Settlement};

/// The first pause after a failed receive. The call's own retries, whose waits are random, came before it.
const FIRST_PAUSE: Duration = Duration::from_secs(1);
const LONGEST_PAUSE: Duration = Duration::from_secs(30);
/// A hint beyond this is a mistake; a processor that never asks again would be worse.
pub(super) const LONGEST_HINT: Duration = Duration::from_secs(10 * 60);
/// A refusal that goes on for this long after receives that went well is no slip of the service.
const REFUSED_FOR: Duration = Duration::from_secs(5 * 60);

#[derive(Debug, Default)]
pub(super) struct Polling {
    running: bool,
    /// When the last one began.
    began: Duration,
    /// No poll before this.
    after: Duration,
    failures: u32,
    /// A receive has gone well, so that topic, subscription and credential were right once.
    worked: bool,
    refused_since: Option<Duration>,
}

impl Polling {
    pub(super) fn may_start(&self, now: Duration) -> bool {
        !self.running && self.after <= now
    }

    /// When a pause ends, where that is what a poll waits for.
    pub(super) fn due(&self) -> Duration {
        if self.running || self.after.is_zero() { Duration::MAX } else { self.after }
    }

    /// An answer of which nothing came in hand, and which did not take its time, is not asked for again at once.
    fn succeeded(&mut self, taken: usize) {
        let after = if taken == 0 { self.began + FIRST_PAUSE } else { Duration::ZERO };
        *self = Self { worked: true, after, ..Self::default() };
    }

    /// The pause after this failure; `None` where it is the end.
    fn failed(&mut self, error: &Error, now: Duration) -> Option<Duration> {
        self.running = false;
        if is_refusal(error) {
            let since = *self.refused_since.get_or_insert(now);
            if !self.worked || now.saturating_sub(since) >= REFUSED_FOR {
                return None;
            }
        } else {
            self.refused_since = None;
        }
        let pause = FIRST_PAUSE.saturating_mul(1 << self.failures.min(8)).min(LONGEST_PAUSE);
        let pause = pause.max(error.retry_after().unwrap_or_default().min(LONGEST_HINT));
        self.failures = self.failures.saturating_add(1);
        self.after = now + pause;
        Some(pause)
    }
}

/// Whether the service, or the client itself, refused what was asked, so that asking again alone helps nothing.
pub(super) fn is_refusal(error: &Error) -> bool {
    match error.kind() {
        ErrorKind::InvalidInput | ErrorKind::Credential => true,
        ErrorKind::Service => error
            .status()
            .is_some_and(|status| status.is_client_error() && status != StatusCode::REQUEST_TIMEOUT),
        _ => false,
    }
}

impl Run<'_> {
    pub(super) fn receive(&mut self, room: usize) {
        self.polling.running = true;
        self.polling.began = self.clock.elapsed();
        let call = self.settings.receiver.receive().max_events(room.min(100));
        let call = call.max_wait_time(self.settings.max_wait_time);
        self.tasks.spawn(async move { Step::Received(call.await) });
    }

    pub(super) fn received(&mut self, outcome: Result<Vec<ReceivedEvent>>) {
        let now = self.clock.elapsed();
        match outcome {
            Ok(events) => {
                tracing::trace!(events = events.len(), held = self.held.len(), "received");
                let before = self.held.len();
                for event in events {
                    self.take_in_hand(event, now);
                }
                self.polling.succeeded(self.held.len() - before);
            }
            Err(error) => match self.polling.failed(&error, now) {
                Some(wait) => self.notify(&Notice::ReceiveFailed { error: &error, wait }),
                None => self.stop(Some(error)),
            },
        }
    }

    fn take_in_hand(&mut self, received: ReceivedEvent, now: Duration) {
        let delivery = held::delivery(&received);
        let lock = Lock::new(now, self.settings.lock_duration, self.settings.recent);
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

    /// Locks that have ended by themselves: renewals failed until then, or are not accepted any more.
    pub(super) fn end_locks(&mut self, now: Duration) {
        for token in self.held.ended(now) {
            self.lose(&token);
        }
    }

    /// A lock is lost. An event that was not begun is let go; one that was goes on, and its settlement is still tried, since the
    /// service alone knows.
    pub(super) fn lose(&mut self, token: &str) {
        let Some(entry) = self.held.lose(token) else { return };
        let (delivery, begun) = (Arc::clone(&entry.delivery), entry.has_begun());
        self.notify(&Notice::LockLost { event: &delivery, begun });
        if !begun {
            self.held.remove(token);
            // It would be passed over when its turn came, but must not take memory until then.
            self.waiting.retain(|received| received.lock_token != token);
        }
    }
}
