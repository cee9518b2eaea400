//! The ledger of what clients send to the event handler: events and invocations. Each client has one of them on its way at a
//! time, so the ledger holds the newest ones of each client only.

use std::collections::{HashMap, VecDeque};
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::line::Line;
use super::messages::Outcome;

/// So many requests of a client are remembered: the service may still call the handler for one that the client gave up.
const REMEMBERED: usize = 32;

/// Everything that is remembered, and counts of everything.
#[derive(Debug, Default)]
pub(super) struct Upstream(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    /// The newest requests of each client, oldest first.
    clients: HashMap<String, VecDeque<Request>>,
    counts: Counts,
}

#[derive(Debug, Clone, Copy)]
struct Request {
    number: u64,
    attempts: u32,
    /// The result of the newest attempt.
    succeeded: bool,
    outcome: Option<Outcome>,
}

#[derive(Debug, Default)]
struct Counts {
    acknowledged: u64,
    unknown: u64,
    failed: u64,
    handled: u64,
    retried: u64,
    unhandled: u64,
    duplicated: u64,
    contradicted: u64,
    wrong: u64,
}

impl Upstream {
    /// A client is about to send a request. Numbers of a client ascend.
    pub(super) fn sending(&self, client: &str, number: u64) {
        let mut state = self.lock();
        let requests = state.clients.entry(client.to_owned()).or_default();
        requests.push_back(Request { number, attempts: 0, succeeded: false, outcome: None });
        if requests.len() > REMEMBERED {
            requests.pop_front();
        }
    }

    /// The handler is called for a request, and decides whether it succeeds. It must only be called again if it had failed.
    pub(super) fn handled(&self, client: &str, number: u64, succeeds: bool) {
        let mut state = self.lock();
        let State { clients, counts } = &mut *state;
        let requests = clients.get_mut(client).into_iter().flatten();
        let Some(request) = requests.into_iter().find(|request| request.number == number) else {
            counts.duplicated += 1;
            return;
        };
        if request.attempts > 0 {
            counts.retried += 1;
            counts.duplicated += u64::from(request.succeeded);
        }
        counts.contradicted += u64::from(request.outcome == Some(Outcome::NotSent));
        request.attempts += 1;
        request.succeeded = succeeds;
        counts.handled += u64::from(succeeds);
    }

    /// The outcome of a request. `None` if the service reported that the handler had failed.
    pub(super) fn sent(&self, client: &str, number: u64, outcome: Option<Outcome>) {
        let mut state = self.lock();
        let State { clients, counts } = &mut *state;
        let requests = clients.get_mut(client).into_iter().flatten();
        let Some(request) = requests.into_iter().find(|request| request.number == number) else { return };
        request.outcome = outcome;
        match outcome {
            Some(Outcome::Acknowledged) => {
                counts.acknowledged += 1;
                counts.unhandled += u64::from(!request.succeeded);
            }
            Some(Outcome::Unknown) => counts.unknown += 1,
            Some(Outcome::NotSent) => counts.contradicted += u64::from(request.attempts > 0),
            None => counts.failed += 1,
        }
    }

    /// A client received the response to another invocation.
    pub(super) fn wrong_response(&self) {
        self.lock().counts.wrong += 1;
    }

    /// How many requests were acknowledged.
    pub(super) fn total(&self) -> u64 {
        self.lock().counts.acknowledged
    }

    pub(super) fn lines(&self) -> Vec<Line> {
        let counts = &self.lock().counts;
        vec![
            Line::count("events and invocations acknowledged", counts.acknowledged),
            Line::count("  outcome unknown", counts.unknown),
            Line::count("  reported as failed", counts.failed),
            Line::count("  handled", counts.handled),
            Line::count(
                "  handled again, because the handler had failed",
                counts.retried - counts.duplicated.min(counts.retried),
            ),
            Line::fault("acknowledged, but not handled", counts.unhandled),
            Line::fault("handled twice", counts.duplicated),
            Line::fault("reported as not sent, but handled", counts.contradicted),
            Line::fault("responses to another invocation", counts.wrong),
        ]
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The faults after a request whose handler had these results, with this outcome.
    fn faults(results: &[bool], outcome: Option<Outcome>) -> [u64; 3] {
        let upstream = Upstream::default();
        upstream.sending("ann", 7);
        results.iter().for_each(|succeeds| upstream.handled("ann", 7, *succeeds));
        upstream.sent("ann", 7, outcome);
        let faults = upstream.lines().into_iter().filter(|line| line.must_be_zero).map(|line| line.count);
        let faults: Vec<_> = faults.collect();
        [faults[0], faults[1], faults[2]]
    }

    #[test]
    fn what_is_acknowledged_was_handled_once() {
        let acknowledged = Some(Outcome::Acknowledged);
        assert_eq!(faults(&[true], acknowledged), [0, 0, 0]);
        assert_eq!(faults(&[false, false, true], acknowledged), [0, 0, 0]);
        assert_eq!(faults(&[], acknowledged), [1, 0, 0]);
        assert_eq!(faults(&[false], acknowledged), [1, 0, 0]);
        assert_eq!(faults(&[true, true], acknowledged), [0, 1, 0]);
    }

    #[test]
    fn what_was_not_sent_was_not_handled_and_what_is_unknown_may_be() {
        assert_eq!(faults(&[true], Some(Outcome::NotSent)), [0, 0, 1]);
        assert_eq!(faults(&[], Some(Outcome::NotSent)), [0, 0, 0]);
        assert_eq!(faults(&[true], Some(Outcome::Unknown)), [0, 0, 0]);
        assert_eq!(faults(&[], None), [0, 0, 0]);
    }

    #[test]
    fn a_request_that_was_never_sent_or_is_long_over_is_a_duplicate() {
        let upstream = Upstream::default();
        upstream.handled("ann", 1, true);
        for number in 0..=REMEMBERED as u64 {
            upstream.sending("ann", number);
        }
        upstream.handled("ann", 0, true);
        let twice = upstream.lines().into_iter().find(|line| line.label == "handled twice").unwrap();
        assert_eq!(twice.count, 2);
    }
}
