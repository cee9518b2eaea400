//! The ledger of Event Grid: each event that was sent, what the broker did with it in two subscriptions, and how its handlers
//! ended. An event is forgotten when both subscriptions are done with it, so the ledger holds only what is open.
//!
//! Every attempt to publish has an id of its own. An event is therefore stored at most once, and a second copy is a fault.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::line::Line;
use super::service::Report;
use super::{LOCK, MAX_DELIVERIES, PULL, PUSH, PUSH_TIMEOUT};

/// For this long, an event that is not known to be stored may still appear.
const LATE: Duration = Duration::from_secs(20);
/// For this long after a processor started to stop, the report about an event that it released may arrive.
const STOPPED: Duration = Duration::from_secs(10);
/// A delivery is settled within this time after its handler has ended, or not at all.
const SETTLED: Duration = Duration::from_secs(150);
/// One in so many events is poison: its handlers never succeed.
const POISON: u64 = 4_000;

/// One of the two subscriptions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Queue {
    /// Processors receive its events.
    Pull,
    /// The emulator sends its events to a webhook.
    Push,
}

impl Queue {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Pull => PULL,
            Self::Push => PUSH,
        }
    }
}

/// What the broker did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Step {
    Locked,
    Acknowledged,
    Released,
    Rejected,
    Expired,
}

/// The result of a call that publishes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Published {
    Accepted,
    Unknown,
    NotStored,
}

/// Everything that is open, and counts of everything else.
#[derive(Debug, Default)]
pub(super) struct Events(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    next: u64,
    open: BTreeMap<u64, Event>,
    /// The results of handlers whose deliveries are not settled, by lock token or, if pushed, by event.
    pulled: HashMap<String, Handled>,
    pushed: HashMap<u64, Handled>,
    /// When a processor last started to stop.
    stopping: Option<Duration>,
    counts: Counts,
}

/// The result of a handler, and when it was reported.
#[derive(Debug, Clone, Copy)]
struct Handled {
    succeeded: bool,
    at: Duration,
}

#[derive(Debug, Default)]
struct Event {
    published: Option<(Published, Duration)>,
    at: [Place; 2],
}

/// An event in one subscription.
#[derive(Debug, Default)]
struct Place {
    stored: bool,
    done: bool,
    locked_at: u64,
    cause: Option<Cause>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Cause {
    Failure,
    Stop,
    Expiry,
    Unknown,
}

#[derive(Debug, Default)]
struct Counts {
    sent: u64,
    accepted: u64,
    unknown: u64,
    handled: [u64; 2],
    after_failure: u64,
    after_stop: u64,
    after_expiry: u64,
    dead: u64,
    unexplained: u64,
    duplicated: u64,
    premature: u64,
    contradicted: u64,
    unjust: u64,
    lost: u64,
}

impl Events {
    /// Registers an event that is about to be sent. Returns its number.
    pub(super) fn sending(&self) -> u64 {
        let mut state = self.lock();
        let number = state.next;
        state.next += 1;
        state.counts.sent += 1;
        state.open.insert(number, Event::default());
        number
    }

    /// The outcome of sending an event, at this time since the start.
    pub(super) fn sent(&self, number: u64, outcome: Published, now: Duration) {
        let mut state = self.lock();
        match outcome {
            Published::Accepted => state.counts.accepted += 1,
            Published::Unknown => state.counts.unknown += 1,
            Published::NotStored => {}
        }
        if let Some(event) = state.open.get_mut(&number) {
            let contradicted = outcome == Published::NotStored && event.at.iter().any(|place| place.stored);
            event.published = Some((outcome, now));
            state.counts.contradicted += u64::from(contradicted);
        }
        state.forget(number);
    }

    /// Whether no handler ever succeeds with the event.
    pub(super) fn is_poison(number: u64) -> bool {
        number % POISON == POISON / 2
    }

    /// A handler of a pulled event has succeeded or failed, and is about to return.
    pub(super) fn pulled(&self, token: &str, succeeded: bool, now: Duration) {
        self.lock().pulled.insert(token.to_owned(), Handled { succeeded, at: now });
    }

    /// A handler of a pushed event has succeeded or failed, and is about to return.
    pub(super) fn pushed(&self, number: u64, succeeded: bool, now: Duration) {
        self.lock().pushed.insert(number, Handled { succeeded, at: now });
    }

    /// A processor will stop now.
    pub(super) fn stopping(&self, now: Duration) {
        self.lock().stopping = Some(now);
    }

    /// The broker did something with an event.
    pub(super) fn step(&self, report: &Report<'_>, now: Duration) {
        self.lock().step(report, now);
    }

    /// How many events are open.
    pub(super) fn open(&self) -> usize {
        self.lock().open.len()
    }

    /// How many events were handled in the subscription that is behind.
    pub(super) fn handled(&self) -> u64 {
        self.lock().counts.handled.into_iter().min().unwrap_or_default()
    }

    /// Forgets events that were not stored. Returns whether nothing else is open.
    pub(super) fn sweep(&self, now: Duration) -> bool {
        self.lock().sweep(now)
    }

    /// Counts what is open as lost. Nothing more will happen.
    pub(super) fn close(&self) {
        let mut state = self.lock();
        let lost = state.open.values().filter(|event| event.is_owed()).count();
        state.counts.lost += lost as u64;
    }

    pub(super) fn lines(&self) -> Vec<Line> {
        let counts = &self.lock().counts;
        let [pulled, pushed] = counts.handled;
        vec![
            Line::count("events sent", counts.sent),
            Line::count("  accepted", counts.accepted),
            Line::count("  outcome unknown", counts.unknown),
            Line::count("events handled by processors", pulled),
            Line::count("events handled by the push webhook", pushed),
            Line::count("events delivered again after a failure", counts.after_failure),
            Line::count("  after a processor stopped", counts.after_stop),
            Line::count("  after a lock or a request timed out", counts.after_expiry),
            Line::count("dead letters of poison", counts.dead),
            Line::fault("events delivered again without a cause", counts.unexplained),
            Line::fault("events stored twice, or delivered after their end", counts.duplicated),
            Line::fault("events acknowledged, but not handled", counts.premature),
            Line::fault("events reported as not stored, but stored", counts.contradicted),
            Line::fault("dead letters that are no poison", counts.unjust),
            Line::fault("events lost", counts.lost),
        ]
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Event {
    /// Whether the event must still be handled.
    fn is_owed(&self) -> bool {
        let accepted = matches!(self.published, Some((Published::Accepted, _)));
        // What is stored in one subscription is stored in the other one as well.
        let stored = accepted || self.at.iter().any(|place| place.stored);
        stored && self.at.iter().any(|place| !place.done)
    }
}

impl State {
    fn step(&mut self, report: &Report<'_>, now: Duration) {
        let queue = report.queue;
        let number = report.id.strip_prefix("e-").and_then(|number| number.parse().ok());
        let Some(number) = number.filter(|number| self.open.contains_key(number)) else {
            self.counts.duplicated += u64::from(report.step == Step::Locked);
            return;
        };
        if report.step == Step::Locked {
            return self.locked(number, report);
        }
        let result = match queue {
            Queue::Pull => self.pulled.remove(report.token),
            Queue::Push => self.pushed.remove(&number),
        };
        let result = result.map(|handled| handled.succeeded);
        let Some(place) = self.open.get_mut(&number).map(|event| &mut event.at[queue as usize]) else {
            return;
        };
        let held = Duration::from_millis(report.time.saturating_sub(place.locked_at));
        let timed_out = match queue {
            Queue::Pull => report.step == Step::Expired && held >= LOCK,
            Queue::Push => held >= PUSH_TIMEOUT,
        };
        let stopped = self.stopping.is_some_and(|stop| now.saturating_sub(stop) < STOPPED);
        match report.step {
            Step::Acknowledged => {
                place.done = true;
                self.counts.premature += u64::from(result != Some(true));
                self.counts.handled[queue as usize] += 1;
            }
            Step::Rejected => {
                place.done = true;
                self.counts.unjust += 1;
            }
            _ if report.deliveries >= MAX_DELIVERIES => {
                place.done = true;
                self.counts.dead += 1;
                self.counts.unjust += u64::from(!Events::is_poison(number));
            }
            _ => {
                place.cause = Some(match result {
                    _ if timed_out => Cause::Expiry,
                    Some(false) if report.step == Step::Released => Cause::Failure,
                    None if report.step == Step::Released && queue == Queue::Pull && stopped => Cause::Stop,
                    _ => Cause::Unknown,
                });
            }
        }
        self.forget(number);
    }

    fn locked(&mut self, number: u64, report: &Report<'_>) {
        let Some(event) = self.open.get_mut(&number) else { return };
        let place = &mut event.at[report.queue as usize];
        let counts = &mut self.counts;
        if report.deliveries == 1 {
            counts.duplicated += u64::from(place.stored);
            counts.contradicted += u64::from(matches!(event.published, Some((Published::NotStored, _))));
        } else {
            *match place.cause.take() {
                Some(Cause::Failure) => &mut counts.after_failure,
                Some(Cause::Stop) => &mut counts.after_stop,
                Some(Cause::Expiry) => &mut counts.after_expiry,
                Some(Cause::Unknown) | None => &mut counts.unexplained,
            } += 1;
        }
        counts.duplicated += u64::from(place.done);
        (place.stored, place.locked_at) = (true, report.time);
    }

    /// Forgets an event whose outcome is known and with which both subscriptions are done.
    fn forget(&mut self, number: u64) {
        let over = |event: &Event| event.published.is_some() && event.at.iter().all(|place| place.done);
        if self.open.get(&number).is_some_and(over) {
            self.open.remove(&number);
        }
    }

    fn sweep(&mut self, now: Duration) -> bool {
        // Handlers that ended after their lock: nothing settles these deliveries any more.
        self.pulled.retain(|_, handled| now.saturating_sub(handled.at) < SETTLED);
        self.pushed.retain(|_, handled| now.saturating_sub(handled.at) < SETTLED);
        self.open.retain(|_, event| match event.published {
            None | Some((Published::Accepted, _)) => true,
            Some((_, since)) => event.at.iter().any(|place| place.stored) || now.saturating_sub(since) < LATE,
        });
        !self.open.values().any(|event| event.published.is_none() || event.is_owed())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use Published::{Accepted, NotStored, Unknown};
    use Queue::{Pull, Push};
    use Step::{Acknowledged, Expired, Locked, Rejected, Released};

    const NOW: Duration = Duration::from_secs(100);

    /// The counts of a run with event 0, which was sent with this outcome.
    struct Run(Events);

    impl Run {
        fn of(outcome: Published) -> Self {
            let events = Events::default();
            assert_eq!(events.sending(), 0);
            events.sent(0, outcome, NOW);
            Self(events)
        }

        fn step(&self, queue: Queue, step: Step, deliveries: u32, time: u64) {
            self.0.step(&Report { queue, step, deliveries, time, id: "e-0", token: "t" }, NOW);
        }

        /// Handles the event in one subscription.
        fn handle(&self, queue: Queue) {
            self.step(queue, Locked, 1, 0);
            match queue {
                Pull => self.0.pulled("t", true, NOW),
                Push => self.0.pushed(0, true, NOW),
            }
            self.step(queue, Acknowledged, 1, 1);
        }

        /// The faults that were counted.
        fn faults(&self) -> Vec<(&'static str, u64)> {
            let lines = self.0.lines().into_iter().filter(|line| !line.holds());
            lines.map(|line| (line.label, line.count)).collect()
        }

        /// What is counted under a label.
        fn count(&self, label: &str) -> u64 {
            self.0.lines().iter().find(|line| line.label.contains(label)).unwrap().count
        }
    }

    #[test]
    fn an_event_that_both_subscriptions_handled_is_forgotten() {
        let run = Run::of(Accepted);
        run.handle(Pull);
        assert_eq!((run.0.open(), run.0.sweep(NOW)), (1, false));
        run.handle(Push);
        assert_eq!((run.0.open(), run.0.handled(), run.0.sweep(NOW)), (0, 1, true));
        assert_eq!(run.faults(), []);
    }

    #[test]
    fn what_is_open_at_the_end_is_lost_unless_it_may_not_have_been_stored() {
        for (outcome, lost) in [(Accepted, 1), (Unknown, 0), (NotStored, 0)] {
            let run = Run::of(outcome);
            run.0.close();
            assert_eq!(run.count("events lost"), lost, "{outcome:?}");
        }
        let stored = Run::of(Unknown);
        stored.handle(Pull);
        assert!(!stored.0.sweep(NOW + LATE), "one subscription has it, so the other one must have it too");
        stored.0.close();
        assert_eq!(stored.count("events lost"), 1);
        let swept = Run::of(Unknown);
        assert!(swept.0.sweep(NOW) && swept.0.open() == 1);
        assert!(swept.0.sweep(NOW + LATE) && swept.0.open() == 0);
    }

    #[test]
    fn a_second_copy_and_a_delivery_after_the_end_are_duplicates() {
        let twice = Run::of(Accepted);
        twice.handle(Pull);
        twice.step(Pull, Locked, 1, 2);
        assert_eq!(twice.count("stored twice"), 2, "a copy, of an event that is done");
        let late = Run::of(Accepted);
        late.handle(Pull);
        late.handle(Push);
        late.step(Pull, Locked, 2, 2);
        assert_eq!(late.count("stored twice"), 1);
    }

    #[test]
    fn an_acknowledgment_needs_a_handler_that_succeeded() {
        for result in [None, Some(false)] {
            let run = Run::of(Accepted);
            run.step(Pull, Locked, 1, 0);
            result.into_iter().for_each(|result| run.0.pulled("t", result, NOW));
            run.step(Pull, Acknowledged, 1, 1);
            assert_eq!(run.faults(), [("events acknowledged, but not handled", 1)]);
        }
    }

    #[test]
    fn an_outcome_that_says_not_stored_is_contradicted_by_a_delivery() {
        let before = Run::of(NotStored);
        before.step(Push, Locked, 1, 0);
        assert_eq!(before.count("reported as not stored"), 1);
        let after = Events::default();
        after.sending();
        after.step(&Report { queue: Push, step: Locked, deliveries: 1, time: 0, id: "e-0", token: "t" }, NOW);
        after.sent(0, NotStored, NOW);
        assert_eq!(Run(after).count("reported as not stored"), 1);
    }

    #[test]
    fn each_redelivery_has_a_cause() {
        let again = |queue: Queue, result: Option<bool>, step: Step, held: u64, stops: bool| {
            let run = Run::of(Accepted);
            if stops {
                run.0.stopping(NOW);
            }
            run.step(queue, Locked, 1, 0);
            match queue {
                Pull => result.into_iter().for_each(|result| run.0.pulled("t", result, NOW)),
                Push => result.into_iter().for_each(|result| run.0.pushed(0, result, NOW)),
            }
            run.step(queue, step, 1, held);
            run.step(queue, Locked, 2, held);
            let causes = ["after a failure", "after a processor", "after a lock", "without a cause"];
            causes.map(|label| run.count(label))
        };
        let (lock, push) = (60_000, 30_000);
        assert_eq!(again(Pull, Some(false), Released, 1, false), [1, 0, 0, 0]);
        assert_eq!(again(Pull, None, Released, 1, true), [0, 1, 0, 0]);
        assert_eq!(again(Pull, None, Released, 1, false), [0, 0, 0, 1]);
        assert_eq!(again(Pull, Some(true), Released, 1, true), [0, 0, 0, 1], "its handler had succeeded");
        assert_eq!(again(Pull, Some(true), Expired, lock, false), [0, 0, 1, 0]);
        assert_eq!(again(Pull, None, Expired, lock - 1, false), [0, 0, 0, 1], "too early");
        assert_eq!(again(Push, Some(false), Released, 1, false), [1, 0, 0, 0]);
        assert_eq!(again(Push, Some(true), Released, push, false), [0, 0, 1, 0]);
        assert_eq!(again(Push, Some(true), Released, push - 1, true), [0, 0, 0, 1]);
    }

    #[test]
    fn only_poison_may_become_a_dead_letter_and_only_after_all_deliveries() {
        let rejected = Run::of(Accepted);
        rejected.step(Push, Locked, 1, 0);
        rejected.step(Push, Rejected, 1, 0);
        assert_eq!(rejected.count("no poison"), 1);
        let spent = Run::of(Accepted);
        spent.step(Pull, Locked, 1, 0);
        spent.step(Pull, Expired, MAX_DELIVERIES, 60_000);
        assert_eq!((spent.count("of poison"), spent.count("no poison")), (1, 1));
        assert!(Events::is_poison(POISON / 2) && !Events::is_poison(POISON));
    }
}
