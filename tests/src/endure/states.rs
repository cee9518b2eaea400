//! The ledger of group states: one member sets its state to ascending numbers, and one client follows it.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::line::Line;

/// What was set and seen so far.
#[derive(Debug, Default)]
pub(super) struct States(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    /// The newest number that the setter has sent, and the newest one that was acknowledged.
    sent: u64,
    acknowledged: u64,
    /// The newest number that the follower sees.
    current: u64,
    /// The newest number that each connection of the setter had in an update.
    newest: HashMap<String, u64>,
    set: u64,
    unknown: u64,
    updates: u64,
    reordered: u64,
    invented: u64,
    missing: u64,
}

impl States {
    /// The setter is about to set its next state. Returns the number.
    pub(super) fn setting(&self) -> u64 {
        let mut state = self.lock();
        state.sent += 1;
        state.sent
    }

    /// The outcome of setting a state.
    pub(super) fn set(&self, number: u64, acknowledged: bool) {
        let mut state = self.lock();
        if acknowledged {
            (state.set, state.acknowledged) = (state.set + 1, number);
        } else {
            state.unknown += 1;
        }
    }

    /// The follower receives an update.
    pub(super) fn update(&self, connection: &str, number: u64) {
        let mut state = self.lock();
        state.updates += 1;
        state.invented += u64::from(number > state.sent);
        match state.newest.get_mut(connection) {
            Some(newest) => {
                let before = std::mem::replace(newest, number);
                state.reordered += u64::from(number < before);
            }
            None => drop(state.newest.insert(connection.to_owned(), number)),
        }
    }

    /// The follower's view starts again, with these connections only.
    pub(super) fn snapshot<'a>(&self, connections: impl Iterator<Item = &'a str>) {
        let present: Vec<_> = connections.collect();
        self.lock().newest.retain(|connection, _| present.contains(&connection.as_str()));
    }

    /// A connection has no state any more.
    pub(super) fn cleared(&self, connection: &str) {
        self.lock().newest.remove(connection);
    }

    /// What the follower sees at the moment.
    pub(super) fn sees(&self, number: u64) {
        self.lock().current = number;
    }

    /// How many states were set.
    pub(super) fn total(&self) -> u64 {
        self.lock().set
    }

    /// Whether the follower sees the newest state.
    pub(super) fn is_settled(&self) -> bool {
        let state = self.lock();
        state.current >= state.acknowledged
    }

    /// Nothing more will happen.
    pub(super) fn close(&self) {
        let mut state = self.lock();
        state.missing += u64::from(state.current < state.acknowledged);
    }

    pub(super) fn lines(&self) -> Vec<Line> {
        let state = self.lock();
        vec![
            Line::count("states set", state.set),
            Line::count("  not set, or outcome unknown", state.unknown),
            Line::count("updates of states received", state.updates),
            Line::fault("updates out of order", state.reordered),
            Line::fault("updates that were not sent", state.invented),
            Line::fault("states not seen at the end", state.missing),
        ]
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn faults(states: &States) -> [u64; 3] {
        let faults = states.lines().into_iter().filter(|line| line.must_be_zero).map(|line| line.count);
        faults.collect::<Vec<_>>().try_into().unwrap()
    }

    #[test]
    fn updates_of_a_connection_ascend_and_the_newest_state_is_seen() {
        let states = States::default();
        for number in 1..=3 {
            assert_eq!(states.setting(), number);
            states.set(number, true);
        }
        states.update("a", 1);
        states.update("a", 3);
        assert!(!states.is_settled());
        states.sees(3);
        assert!(states.is_settled());
        // Another connection, and the same one in a new view, start again.
        states.update("b", 2);
        states.snapshot(["b"].into_iter());
        states.update("a", 1);
        states.close();
        assert_eq!(faults(&states), [0, 0, 0]);
    }

    #[test]
    fn each_fault_is_counted() {
        let states = States::default();
        let number = states.setting();
        states.set(number, true);
        states.update("a", 1);
        states.update("a", 0);
        states.update("a", 2);
        states.close();
        assert_eq!(faults(&states), [1, 1, 1]);
    }
}
