//! Decided events that wait for a settle call, batched by settlement. A batch is sent when it is full or has waited long enough.
//! Pure state without I/O.

use std::collections::HashMap;
use std::time::Duration;

use super::Settlement;
use crate::settle::TOKENS_PER_REQUEST;

/// The pause after the first failed settle call. It doubles up to the maximum.
const INITIAL_PAUSE: Duration = Duration::from_secs(1);
const MAX_PAUSE: Duration = Duration::from_secs(16);

/// The tokens of one settle call.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Batch<T> {
    pub(super) settlement: Settlement,
    pub(super) tokens: Vec<T>,
    /// The latest time at which the batch is sent, or the earliest time if its call has failed before.
    due: Duration,
    /// How often its call has failed.
    pub(super) failures: u32,
}

/// The waiting batches. `T` identifies an event.
#[derive(Debug)]
pub(super) struct Batches<T> {
    interval: Duration,
    open: HashMap<Settlement, Batch<T>>,
    closed: Vec<Batch<T>>,
}

impl<T> Batches<T> {
    pub(super) fn new(interval: Duration) -> Self {
        Self { interval, open: HashMap::new(), closed: Vec::new() }
    }

    /// Adds a decided event.
    pub(super) fn push(&mut self, settlement: Settlement, token: T, now: Duration) {
        let due = now + self.interval;
        let batch = self.open.entry(settlement).or_insert_with(|| Batch {
            settlement,
            tokens: Vec::with_capacity(TOKENS_PER_REQUEST),
            due,
            failures: 0,
        });
        batch.tokens.push(token);
        if batch.tokens.len() >= TOKENS_PER_REQUEST {
            self.closed.extend(self.open.remove(&settlement).map(|batch| Batch { due: now, ..batch }));
        }
    }

    /// Adds tokens whose call failed. Returns the pause until the next attempt.
    pub(super) fn put_off(
        &mut self,
        settlement: Settlement,
        tokens: Vec<T>,
        failures: u32,
        retry_after: Duration,
        now: Duration,
    ) -> Duration {
        let pause = INITIAL_PAUSE.saturating_mul(1 << failures.min(8)).min(MAX_PAUSE).max(retry_after);
        self.closed.push(Batch { settlement, tokens, due: now + pause, failures: failures + 1 });
        pause
    }

    /// Returns the batches to send now. With `all`, includes those that could still grow.
    pub(super) fn take(&mut self, now: Duration, all: bool) -> Vec<Batch<T>> {
        let ready: Vec<Settlement> = self
            .open
            .values()
            .filter(|batch| all || batch.due <= now)
            .map(|batch| batch.settlement)
            .collect();
        let open = ready.iter().filter_map(|settlement| self.open.remove(settlement));
        let mut taken: Vec<Batch<T>> = open.collect();
        taken.extend(self.closed.extract_if(.., |batch| batch.due <= now));
        taken
    }

    /// Returns when the next batch is due.
    pub(super) fn due(&self) -> Duration {
        let batches = self.open.values().chain(&self.closed);
        batches.map(|batch| batch.due).min().unwrap_or(Duration::MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ReleaseDelay;

    const INTERVAL: Duration = Duration::from_millis(100);

    #[test]
    fn a_batch_is_due_when_it_is_full_or_has_waited() {
        let mut batches = Batches::new(INTERVAL);
        for number in 0..101 {
            batches.push(Settlement::Acknowledge, number.to_string(), Duration::ZERO);
        }
        batches.push(Settlement::Reject, "r".to_owned(), Duration::ZERO);
        let full = batches.take(Duration::ZERO, false);
        assert_eq!((full.len(), full[0].tokens.len()), (1, 100));
        assert_eq!((batches.due(), batches.take(INTERVAL / 2, false)), (INTERVAL, Vec::new()));
        assert_eq!(batches.take(INTERVAL, false).len(), 2);
        assert_eq!(batches.due(), Duration::MAX);
    }

    #[test]
    fn settlements_do_not_mix_and_releases_only_with_the_same_delay() {
        let mut batches = Batches::new(INTERVAL);
        for settlement in [
            Settlement::Release(ReleaseDelay::S10),
            Settlement::Release(ReleaseDelay::S60),
            Settlement::Release(ReleaseDelay::S10),
        ] {
            batches.push(settlement, "t".to_owned(), Duration::ZERO);
        }
        let mut sizes: Vec<_> =
            batches.take(Duration::ZERO, true).iter().map(|batch| batch.tokens.len()).collect();
        sizes.sort_unstable();
        assert_eq!(sizes, [1, 2]);
    }

    #[test]
    fn a_batch_that_failed_waits_longer_each_time_independently_of_others() {
        let mut batches = Batches::new(INTERVAL);
        let pauses: Vec<_> = (0..6)
            .map(|failures| {
                let pause = batches.put_off(
                    Settlement::Reject,
                    vec!["t".to_owned()],
                    failures,
                    Duration::ZERO,
                    Duration::ZERO,
                );
                assert!(batches.take(pause - INTERVAL, true).is_empty());
                assert_eq!(batches.take(pause, false)[0].failures, failures + 1);
                pause.as_secs()
            })
            .collect();
        assert_eq!(pauses, [1, 2, 4, 8, 16, 16]);
    }
}
