//! What a processor is doing at the moment, shared by all of its runs. Every number is withdrawn when its owner is dropped, so a
//! run that is cancelled leaves nothing behind.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

use super::measure::Measure;

/// How long a receive call counts: this many slots of this length.
const SLOTS: u64 = 6;
const SLOT: Duration = Duration::from_secs(10);

/// Describes what a [`Processor`](crate::Processor) is doing at the moment. Is returned by
/// [`Processor::stats`](crate::Processor::stats).
///
/// The service reports neither the number of waiting events nor their age, so these numbers are the best signal for an
/// autoscaler. If `newest_age` grows, the processors of the subscription cannot keep up. `newest_age` is the delay between
/// publishers and this processor, and `full_receives` says whether the service has more events than the processor takes.
///
/// | Observation | Meaning |
/// |---|---|
/// | `newest_age` is low | The processor keeps up, even if it is busy. |
/// | `newest_age` is high, `full_receives` is high | There is a backlog. Add processors, or raise `concurrency`. |
/// | `newest_age` is high, `full_receives` is low, `waiting` is 0 | The backlog is almost done, or publishers send old events. |
/// | `oldest_age` is high, `newest_age` is low | A few events are redelivered or take long. More processors do not help. |
/// | `held` is 0 for minutes | The subscription is empty. Remove processors. |
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub struct ProcessorStats {
    /// The number of events that are held: waiting, being handled, or not settled yet.
    pub held: usize,
    /// The number of handlers that are running.
    pub running: usize,
    /// The number of events that wait for a handler.
    pub waiting: usize,
    /// The age of the newest held event, counted from its `time` attribute: zero if that is in the future, and `None` if no held
    /// event has a valid one.
    pub newest_age: Option<Duration>,
    /// The age of the oldest held event, counted as `newest_age`.
    pub oldest_age: Option<Duration>,
    /// States the share of full receive calls: 0.0 to 1.0. A full one returned as many events as it asked for. Counts the successful
    /// calls that ended in the last minute, and is 0.0 if there were none.
    pub full_receives: f64,
}

/// The numbers of all runs of one processor.
#[derive(Debug, Default)]
pub(super) struct Statistics(Mutex<Numbers>);

#[derive(Debug, Default)]
struct Numbers {
    counts: Counts,
    /// How many held events have this time.
    times: BTreeMap<SystemTime, usize>,
    slots: [Slot; SLOTS as usize],
}

#[derive(Debug, Default, Clone, Copy)]
struct Counts {
    held: usize,
    running: usize,
    waiting: usize,
}

/// The receive calls that ended within one slot of time.
#[derive(Debug, Default, Clone, Copy)]
struct Slot {
    number: u64,
    calls: u32,
    full: u32,
}

fn slot_number(elapsed: Duration) -> u64 {
    elapsed.as_secs() / SLOT.as_secs()
}

impl Statistics {
    pub(super) fn read(&self, now: SystemTime, elapsed: Duration) -> ProcessorStats {
        let numbers = self.lock();
        let age = |time: Option<(&SystemTime, &usize)>| {
            time.map(|(time, _)| now.duration_since(*time).unwrap_or_default())
        };
        let current = slot_number(elapsed);
        let recent = numbers.slots.iter().filter(|slot| slot.number + SLOTS > current);
        let (calls, full) = recent.fold((0, 0), |(calls, full), slot| (calls + slot.calls, full + slot.full));
        let Counts { held, running, waiting } = numbers.counts;
        ProcessorStats {
            held,
            running,
            waiting,
            newest_age: age(numbers.times.last_key_value()),
            oldest_age: age(numbers.times.first_key_value()),
            full_receives: if calls == 0 { 0.0 } else { f64::from(full) / f64::from(calls) },
        }
    }

    fn lock(&self) -> MutexGuard<'_, Numbers> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The part of one run.
#[derive(Debug)]
pub(super) struct Gauge {
    statistics: Arc<Statistics>,
    measure: Measure,
    counts: Counts,
}

impl Gauge {
    pub(super) fn new(statistics: &Arc<Statistics>, measure: Measure) -> Self {
        Self { statistics: Arc::clone(statistics), measure, counts: Counts::default() }
    }

    pub(super) fn set(&mut self, held: usize, running: usize, waiting: usize) {
        let old = std::mem::replace(&mut self.counts, Counts { held, running, waiting });
        let mut numbers = self.statistics.lock();
        let sum = &mut numbers.counts;
        sum.held = sum.held + held - old.held;
        sum.running = sum.running + running - old.running;
        sum.waiting = sum.waiting + waiting - old.waiting;
        drop(numbers);
        self.measure.held(old.held, held);
    }

    /// Counts a successful receive call.
    pub(super) fn received(&self, elapsed: Duration, full: bool) {
        self.measure.received(full);
        let number = slot_number(elapsed);
        let mut numbers = self.statistics.lock();
        let Some(slot) = numbers.slots.get_mut((number % SLOTS) as usize) else { return };
        if slot.number != number {
            *slot = Slot { number, ..Slot::default() };
        }
        slot.calls = slot.calls.saturating_add(1);
        slot.full = slot.full.saturating_add(u32::from(full));
    }

    /// Counts an event with this time until the returned value is dropped.
    pub(super) fn age_of(&self, time: Option<SystemTime>) -> Option<Age> {
        let time = time?;
        *self.statistics.lock().times.entry(time).or_default() += 1;
        Some(Age { statistics: Arc::clone(&self.statistics), time })
    }
}

impl Drop for Gauge {
    fn drop(&mut self) {
        self.set(0, 0, 0);
    }
}

/// Counts a held event with its time.
#[derive(Debug)]
pub(super) struct Age {
    statistics: Arc<Statistics>,
    time: SystemTime,
}

impl Drop for Age {
    fn drop(&mut self) {
        let mut numbers = self.statistics.lock();
        if let Some(events) = numbers.times.get_mut(&self.time) {
            *events -= 1;
            if *events == 0 {
                numbers.times.remove(&self.time);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_receive_calls_of_the_last_minute_count() {
        let statistics = Arc::default();
        let gauge = Gauge::new(&statistics, Measure::default());
        let share =
            |second| statistics.read(SystemTime::UNIX_EPOCH, Duration::from_secs(second)).full_receives;
        assert_eq!(share(0), 0.0);
        gauge.received(Duration::from_secs(5), true);
        gauge.received(Duration::from_secs(55), false);
        gauge.received(Duration::from_secs(58), false);
        gauge.received(Duration::from_secs(59), true);
        assert_eq!((share(59), share(61)), (0.5, 1.0 / 3.0));
        gauge.received(Duration::from_secs(65), true);
        assert_eq!((share(65), share(119), share(120)), (0.5, 1.0, 0.0));
    }

    #[test]
    fn what_a_dropped_run_counted_is_withdrawn() {
        let statistics = Arc::default();
        let new = || Gauge::new(&statistics, Measure::default());
        let (mut one, mut other) = (new(), new());
        let at = |seconds| Some(SystemTime::UNIX_EPOCH + Duration::from_secs(seconds));
        one.set(5, 3, 2);
        other.set(1, 1, 0);
        let _old = other.age_of(at(10));
        let (young, twin) = (one.age_of(at(30)), one.age_of(at(30)));
        let read = || statistics.read(SystemTime::UNIX_EPOCH + Duration::from_secs(40), Duration::ZERO);
        let seconds = |seconds| Some(Duration::from_secs(seconds));
        assert_eq!((read().held, read().running, read().waiting), (6, 4, 2));
        assert_eq!((read().newest_age, read().oldest_age), (seconds(10), seconds(30)));
        drop(young);
        assert_eq!(read().newest_age, seconds(10));
        drop(twin);
        drop(one);
        assert_eq!((read().held, read().running, read().waiting), (1, 1, 0));
        assert_eq!((read().newest_age, read().oldest_age), (seconds(30), seconds(30)));
        drop((_old, other));
        assert_eq!((read().held, read().newest_age, read().oldest_age), (0, None, None));
        let _future = new().age_of(at(100));
        assert_eq!(read().newest_age, seconds(0));
    }
}
