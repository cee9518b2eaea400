//! The soak's judge: what was published, started, finished, and dead-lettered, for each event. It does not depend on the clients: a number
//! represents an event, and what the broker has in the end comes as plain numbers. Acknowledgments are judged per lock token.

use std::collections::BTreeSet;
use std::fmt;
use std::sync::atomic::{AtomicU8, AtomicU64, Ordering};

use crate::deliveries::Deliveries;

/// What happened to every event so far. Counts of one event stop at 255.
#[derive(Debug)]
pub struct Ledger {
    /// Whose handler never succeeds.
    poison: BTreeSet<u32>,
    begun: Vec<AtomicU8>,
    done: Vec<AtomicU8>,
    published: AtomicU64,
    failed: AtomicU64,
    /// The judge of each lock token.
    pub deliveries: Deliveries,
}

impl Ledger {
    /// A ledger for this many events, of which these are poison.
    #[must_use]
    pub fn new(events: u32, poison: impl IntoIterator<Item = u32>) -> Self {
        let counters = || (0..events).map(|_| AtomicU8::new(0)).collect();
        Self {
            poison: poison.into_iter().collect(),
            begun: counters(),
            done: counters(),
            published: AtomicU64::new(0),
            failed: AtomicU64::new(0),
            deliveries: Deliveries::default(),
        }
    }

    /// Whether the event's handler must never succeed.
    #[must_use]
    pub fn is_poison(&self, event: u32) -> bool {
        self.poison.contains(&event)
    }

    /// The service has accepted so many more events.
    pub fn published(&self, events: usize) {
        self.published.fetch_add(events as u64, Ordering::Relaxed);
    }

    /// A handler starts on the event; says how often one did before.
    pub fn begun(&self, event: u32) -> u8 {
        add(&self.begun, event)
    }

    /// A handler has succeeded with the event, which may from now on be acknowledged.
    pub fn done(&self, event: u32) {
        add(&self.done, event);
    }

    /// A handler has failed.
    pub fn failed(&self) {
        self.failed.fetch_add(1, Ordering::Relaxed);
    }

    /// How many different events were done.
    #[must_use]
    pub fn handled(&self) -> u64 {
        self.done.iter().filter(|count| count.load(Ordering::Relaxed) > 0).count() as u64
    }

    /// What there is to say once the broker has nothing left but these dead letters: the event, and how often it was
    /// delivered.
    #[must_use]
    pub fn judge(&self, dead: &[(u32, u32)], most_deliveries: u32) -> Judgement {
        let dead_events: BTreeSet<u32> = dead.iter().map(|(event, _)| *event).collect();
        let events = 0..u32::try_from(self.begun.len()).unwrap_or(u32::MAX);
        let is_done = |event: &u32| self.done[*event as usize].load(Ordering::Relaxed) > 0;
        let lost = events.filter(|event| !is_done(event) && !dead_events.contains(event)).count();
        Judgement {
            published: self.published.load(Ordering::Relaxed),
            handled: self.handled(),
            repeated: self.done.iter().filter(|count| count.load(Ordering::Relaxed) > 1).count() as u64,
            failed: self.failed.load(Ordering::Relaxed),
            dead: dead_events.len() as u64,
            lost: lost as u64,
            missing: self.poison.difference(&dead_events).count() as u64,
            unjust: dead_events.difference(&self.poison).count() as u64,
            premature: self.deliveries.counts().premature,
            early: dead.iter().filter(|(_, deliveries)| *deliveries < most_deliveries).count() as u64,
        }
    }
}

fn add(counters: &[AtomicU8], event: u32) -> u8 {
    // Two handlers of one event may come here at once.
    counters[event as usize]
        .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |count| Some(count.saturating_add(1)))
        .unwrap_or_else(|count| count)
}

/// The counts of a soak, and whether they are as they must be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Judgement {
    /// Events that the service accepted.
    pub published: u64,
    /// Events with which a handler succeeded.
    pub handled: u64,
    /// Of those, the ones with which handlers succeeded more than once.
    pub repeated: u64,
    /// Handlers that failed.
    pub failed: u64,
    /// Events among the dead letters.
    pub dead: u64,
    /// Events that are gone although no handler succeeded with them and they are no dead letters: acknowledged unhandled.
    pub lost: u64,
    /// Poison that is not among the dead letters.
    pub missing: u64,
    /// Dead letters that are no poison.
    pub unjust: u64,
    /// Dead letters that were delivered less often than allowed.
    pub early: u64,
    /// Acknowledgments of a lock token whose handler had not succeeded.
    pub premature: u64,
}

impl Judgement {
    /// Whether every event was handled or, if that was impossible, dead-lettered after its maximum number of deliveries and not before.
    #[must_use]
    pub fn holds(&self) -> bool {
        [self.lost, self.missing, self.unjust, self.early, self.premature] == [0; 5]
            && self.handled + self.dead == self.published
    }
}

impl fmt::Display for Judgement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { published, handled, repeated, failed, dead, lost, missing, unjust, early, premature } =
            self;
        writeln!(f, "published                    {published:>10}")?;
        writeln!(f, "handled                      {handled:>10}  (of these more than once: {repeated})")?;
        writeln!(f, "dead letters                 {dead:>10}")?;
        writeln!(f, "handlers that failed         {failed:>10}")?;
        writeln!(f, "acknowledged, not handled    {lost:>10}  must be 0")?;
        writeln!(f, "poison, not a dead letter    {missing:>10}  must be 0")?;
        writeln!(f, "dead letter, not poison      {unjust:>10}  must be 0")?;
        writeln!(f, "dead letter too early        {early:>10}  must be 0")?;
        writeln!(f, "acknowledged too early       {premature:>10}  must be 0")?;
        write!(f, "{}", if self.holds() { "All as it must be." } else { "NOT as it must be." })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Three events, the last one poison, all published, and the first two done.
    fn ledger() -> Ledger {
        let ledger = Ledger::new(3, [2]);
        ledger.published(3);
        for event in [0, 1] {
            assert_eq!(ledger.begun(event), 0);
            ledger.done(event);
        }
        ledger
    }

    #[test]
    fn every_event_handled_or_given_up_is_as_it_must_be() {
        let judgement = ledger().judge(&[(2, 10), (2, 10)], 10);
        assert!(judgement.holds(), "{judgement}");
        assert_eq!((judgement.handled, judgement.dead, judgement.repeated), (2, 1, 0));
    }

    #[test]
    fn each_thing_that_must_not_be_is_seen() {
        let seen = |ledger: &Ledger, dead: &[(u32, u32)]| {
            let judgement = ledger.judge(dead, 10);
            assert!(!judgement.holds(), "{judgement}");
            [judgement.lost, judgement.missing, judgement.unjust, judgement.early]
        };
        assert_eq!(seen(&ledger(), &[]), [1, 1, 0, 0], "poison that is gone was acknowledged unhandled");
        assert_eq!(seen(&ledger(), &[(1, 10), (2, 10)]), [0, 0, 1, 0]);
        assert_eq!(seen(&ledger(), &[(2, 9)]), [0, 0, 0, 1]);
        let lossy = Ledger::new(2, []);
        lossy.published(2);
        lossy.done(0);
        assert_eq!(seen(&lossy, &[]), [1, 0, 0, 0]);
    }

    #[test]
    fn what_is_done_twice_counts_as_one_event() {
        let ledger = ledger();
        assert_eq!(ledger.begun(1), 1);
        ledger.done(1);
        let judgement = ledger.judge(&[(2, 10)], 10);
        assert!(judgement.holds() && judgement.repeated == 1, "{judgement}");
    }
}
