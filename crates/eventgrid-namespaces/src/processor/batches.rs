//! Decided events on their way to a settle call: grouped by settlement, sent when a group is full or has waited long enough. Pure
//! state; it sends nothing.

use std::collections::HashMap;
use std::time::Duration;

use super::Settlement;
use crate::settle::TOKENS_PER_REQUEST;

/// The first pause after a settle call that failed; it doubles up to the longest.
const FIRST_PAUSE: Duration = Duration::from_secs(1);
const LONGEST_PAUSE: Duration = Duration::from_secs(16);

/// Tokens for one settle call.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Batch {
    pub(super) settlement: Settlement,
    pub(super) tokens: Vec<String>,
    /// When it is sent at the latest, or, for one that failed before, at the earliest.
    due: Duration,
    /// How often it failed.
    pub(super) failures: u32,
}

/// The batches that wait.
#[derive(Debug)]
pub(super) struct Batches {
    interval: Duration,
    open: HashMap<Settlement, Batch>,
    closed: Vec<Batch>,
}

impl Batches {
    pub(super) fn new(interval: Duration) -> Self {
        Self { interval, open: HashMap::new(), closed: Vec::new() }
    }

    /// Adds a decided event.
    pub(super) fn push(&mut self, settlement: Settlement, token: String, now: Duration) {
        let due = now + self.interval;
        let batch = self.open.entry(settlement).or_insert_with(|| Batch {
            settlement,
            tokens: Vec::new(),
            due,
            failures: 0,
        });
        batch.tokens.push(token);
        if batch.tokens.len() >= TOKENS_PER_REQUEST {
            self.closed.extend(self.open.remove(&settlement).map(|batch| Batch { due: now, ..batch }));
        }
    }

    /// Puts tokens back whose call failed; the pause until the next try.
    pub(super) fn put_off(
        &mut self,
        settlement: Settlement,
        tokens: Vec<String>,
        failures: u32,
        hint: Duration,
        now: Duration,
    ) -> Duration {
        let pause = FIRST_PAUSE.saturating_mul(1 << failures.min(8)).min(LONGEST_PAUSE).max(hint);
        self.closed.push(Batch { settlement, tokens, due: now + pause, failures: failures + 1 });
        pause
    }

    /// The batches to send now; with `all`, those too that could still grow.
    pub(super) fn take(&mut self, now: Duration, all: bool) -> Vec<Batch> {
        let ripe: Vec<Settlement> = self
            .open
            .values()
            .filter(|batch| all || batch.due <= now)
            .map(|batch| batch.settlement)
            .collect();
        let open = ripe.iter().filter_map(|settlement| self.open.remove(settlement));
        let mut taken: Vec<Batch> = open.collect();
        taken.extend(self.closed.extract_if(.., |batch| batch.due <= now));
        taken
    }

    /// When the next batch is to be sent.
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
    fn a_batch_is_ripe_when_it_is_full_or_has_waited() {
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
    fn verdicts_do_not_mix_and_releases_only_with_the_same_delay() {
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
    fn a_batch_that_failed_waits_ever_longer_whatever_else_is_sent() {
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
