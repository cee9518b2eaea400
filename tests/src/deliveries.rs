//! The judge of lock tokens, for soak and fleet: no event is acknowledged unless the handler that held that very lock token had
//! succeeded, and each redelivery has a cause. It does not depend on the clients: what the broker does comes from the emulator's
//! observer, and what handlers do from the handlers themselves.

use std::collections::{HashMap, HashSet};
use std::fmt;
use std::sync::{Mutex, MutexGuard, PoisonError};

use service_emulator::eventgrid::DeliveryStep;

/// Everything that is known about the deliveries of one run.
#[derive(Debug, Default)]
pub struct Deliveries(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    /// The locked events by lock token.
    open: HashMap<String, Open>,
    /// Why an event that is not locked will be delivered again.
    causes: HashMap<u32, Cause>,
    /// How many handlers each worker is running.
    busy: HashMap<u32, u32>,
    stopping: HashSet<u32>,
    gone: HashSet<u32>,
    handled: HashSet<u32>,
    counts: Counts,
}

#[derive(Debug)]
struct Open {
    event: u32,
    worker: Option<u32>,
    succeeded: Option<bool>,
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Cause {
    Failure,
    Shutdown,
    Kill,
    Expiry,
    Unknown,
}

/// What happened, in numbers.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct Counts {
    /// Events with which a handler succeeded.
    pub handled: u64,
    /// Deliveries to a receiver.
    pub deliveries: u64,
    /// Deliveries of an event that was delivered before.
    pub redeliveries: u64,
    /// Of those, the ones whose handler had failed.
    pub after_failure: u64,
    /// The ones that a worker had released because it was shutting down.
    pub after_shutdown: u64,
    /// The ones whose lock expired because their worker was gone.
    pub after_kill: u64,
    /// The ones whose lock expired otherwise.
    pub after_expiry: u64,
    /// The ones without a cause.
    pub unexplained: u64,
    /// Acknowledgments of a lock token whose handler had not succeeded.
    pub premature: u64,
}

impl Deliveries {
    /// The broker did this with a delivery, which is the n-th of its event.
    pub fn step(&self, token: &str, event: u32, deliveries: u32, step: DeliveryStep) {
        let mut state = self.lock();
        match step {
            DeliveryStep::Locked => state.locked(token, event, deliveries),
            DeliveryStep::Acknowledged => {
                let open = state.close(token);
                let earned = open.is_some_and(|open| open.succeeded == Some(true));
                state.counts.premature += u64::from(!earned);
            }
            DeliveryStep::Released => {
                let cause = state.close(token).map_or(Cause::Unknown, |open| state.of_release(&open));
                state.causes.insert(event, cause);
            }
            DeliveryStep::Expired => {
                let cause = state.close(token).map_or(Cause::Unknown, |open| state.of_expiry(&open));
                state.causes.insert(event, cause);
            }
            _ => drop(state.close(token)),
        }
    }

    /// A worker's handler starts.
    pub fn begun(&self, token: &str, worker: u32) {
        let mut state = self.lock();
        if let Some(open) = state.open.get_mut(token) {
            open.worker = Some(worker);
            *state.busy.entry(worker).or_default() += 1;
        }
    }

    /// A handler has succeeded or failed, and is about to return.
    pub fn ended(&self, token: &str, succeeded: bool) {
        let mut state = self.lock();
        let Some(open) = state.open.get_mut(token) else { return };
        open.succeeded = Some(succeeded);
        let (event, worker) = (open.event, open.worker);
        if succeeded {
            state.handled.insert(event);
        }
        state.idle(worker);
    }

    /// A worker will shut down now, or is killed.
    pub fn stops(&self, worker: u32, killed: bool) {
        let mut state = self.lock();
        state.stopping.insert(worker);
        if killed {
            state.gone.insert(worker);
        }
    }

    /// A worker has shut down. What it left locked expires.
    pub fn has_stopped(&self, worker: u32) {
        self.lock().gone.insert(worker);
    }

    /// How many handlers of a worker are running.
    #[must_use]
    pub fn busy(&self, worker: u32) -> u32 {
        self.lock().busy.get(&worker).copied().unwrap_or_default()
    }

    /// The numbers so far.
    #[must_use]
    pub fn counts(&self) -> Counts {
        let state = self.lock();
        Counts { handled: state.handled.len() as u64, ..state.counts }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn locked(&mut self, token: &str, event: u32, deliveries: u32) {
        self.counts.deliveries += 1;
        let cause = self.causes.remove(&event);
        if deliveries > 1 {
            self.counts.redeliveries += 1;
            let count = match cause.unwrap_or(Cause::Unknown) {
                Cause::Failure => &mut self.counts.after_failure,
                Cause::Shutdown => &mut self.counts.after_shutdown,
                Cause::Kill => &mut self.counts.after_kill,
                Cause::Expiry => &mut self.counts.after_expiry,
                Cause::Unknown => &mut self.counts.unexplained,
            };
            *count += 1;
        }
        self.open.insert(token.to_owned(), Open { event, worker: None, succeeded: None });
    }

    /// Forgets a delivery that is over.
    fn close(&mut self, token: &str) -> Option<Open> {
        let open = self.open.remove(token)?;
        if open.succeeded.is_none() {
            self.idle(open.worker);
        }
        Some(open)
    }

    fn idle(&mut self, worker: Option<u32>) {
        if let Some(busy) = worker.and_then(|worker| self.busy.get_mut(&worker)) {
            *busy = busy.saturating_sub(1);
        }
    }

    fn of_release(&self, open: &Open) -> Cause {
        // Only the worker knows an event that waits for a handler, so any worker that shuts down explains its release.
        let stops = open.worker.map_or(!self.stopping.is_empty(), |worker| self.stopping.contains(&worker));
        match open.succeeded {
            Some(false) => Cause::Failure,
            None if stops => Cause::Shutdown,
            _ => Cause::Unknown,
        }
    }

    fn of_expiry(&self, open: &Open) -> Cause {
        let gone = open.worker.map_or(!self.gone.is_empty(), |worker| self.gone.contains(&worker));
        if gone { Cause::Kill } else { Cause::Expiry }
    }
}

impl Counts {
    /// Whether all is as it must be after this many events.
    #[must_use]
    pub fn holds(&self, events: u64) -> bool {
        (self.handled, self.unexplained, self.premature) == (events, 0, 0)
    }
}

impl fmt::Display for Counts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "handled                      {:>10}", self.handled)?;
        writeln!(f, "deliveries                   {:>10}", self.deliveries)?;
        writeln!(f, "delivered again              {:>10}", self.redeliveries)?;
        writeln!(f, "  after a failure            {:>10}", self.after_failure)?;
        writeln!(f, "  after a shutdown           {:>10}", self.after_shutdown)?;
        writeln!(f, "  after a kill               {:>10}", self.after_kill)?;
        writeln!(f, "  after another lost lock    {:>10}", self.after_expiry)?;
        writeln!(f, "  without a cause            {:>10}  must be 0", self.unexplained)?;
        write!(f, "acknowledged too early       {:>10}  must be 0", self.premature)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use DeliveryStep::{Acknowledged, Expired, Locked, Released};

    /// Event 1 is locked with the token `a`, and worker 7 handles it.
    fn held() -> Deliveries {
        let deliveries = Deliveries::default();
        deliveries.step("a", 1, 1, Locked);
        deliveries.begun("a", 7);
        deliveries
    }

    #[test]
    fn an_acknowledgment_is_judged_by_the_handler_of_its_own_lock_token() {
        let good = held();
        good.ended("a", true);
        good.step("a", 1, 1, Acknowledged);
        assert!(good.counts().holds(1), "{}", good.counts());
        assert!(!good.counts().holds(2));

        let early = held();
        early.step("a", 1, 1, Acknowledged);
        // Neither the end of that handler nor a later delivery makes up for it.
        early.ended("a", true);
        early.step("b", 1, 2, Locked);
        early.begun("b", 7);
        early.ended("b", true);
        early.step("b", 1, 2, Acknowledged);
        assert_eq!((early.counts().handled, early.counts().premature), (1, 1));
        assert!(!early.counts().holds(1));

        let failed = held();
        failed.ended("a", false);
        failed.step("a", 1, 1, Acknowledged);
        assert_eq!(failed.counts().premature, 1);
    }

    #[test]
    fn each_redelivery_has_a_cause() {
        let again = |deliveries: &Deliveries, step| {
            deliveries.step("a", 1, 1, step);
            deliveries.step("b", 1, 2, Locked);
            let counts = deliveries.counts();
            assert_eq!(counts.redeliveries, 1);
            [
                counts.after_failure,
                counts.after_shutdown,
                counts.after_kill,
                counts.after_expiry,
                counts.unexplained,
            ]
        };
        assert_eq!(again(&held(), Released), [0, 0, 0, 0, 1], "released while its handler was running");
        assert_eq!(again(&held(), Expired), [0, 0, 0, 1, 0]);
        let (failed, stopped, killed, succeeded) = (held(), held(), held(), held());
        failed.ended("a", false);
        assert_eq!(again(&failed, Released), [1, 0, 0, 0, 0]);
        stopped.stops(7, false);
        assert_eq!(again(&stopped, Released), [0, 1, 0, 0, 0]);
        killed.stops(7, true);
        assert_eq!(again(&killed, Expired), [0, 0, 1, 0, 0]);
        succeeded.ended("a", true);
        succeeded.stops(7, false);
        assert_eq!(again(&succeeded, Released), [0, 0, 0, 0, 1], "its handler had succeeded");
    }

    #[test]
    fn a_worker_is_busy_while_its_handlers_run() {
        let deliveries = held();
        assert_eq!((deliveries.busy(7), deliveries.busy(8)), (1, 0));
        deliveries.ended("a", true);
        assert_eq!(deliveries.busy(7), 0);
        deliveries.step("a", 1, 1, Acknowledged);
        deliveries.step("b", 2, 1, Locked);
        deliveries.begun("b", 7);
        deliveries.step("b", 2, 1, Expired);
        assert_eq!(deliveries.busy(7), 0);
    }
}
